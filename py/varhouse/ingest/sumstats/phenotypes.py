"""Files with columns for each of several phenotypes: a row of theirs is one for each phenotype."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.format import SourceFile
from varhouse.ingest.reading import head_lines, shown_names
from varhouse.ingest.records import Columns, column_names
from varhouse.ingest.sumstats.layouts import Layout
from varhouse.sql_text import quoted_name, text_literal

_NUMBERED = re.compile(r"Y[0-9]+")
"""What regenie calls phenotypes in the header, their names standing in a dictionary."""

_PACKED = (".gz", ".bgz", ".zst")


def phenotype_columns(layout: Layout, source: SourceFile) -> Columns:
    """Return the columns of each phenotype (``beta.Y1``) -> the names that they have in the header.

    Raises
    ------
    DataError
        A phenotype lacks one of them, or the file has the column of one phenotype as well.
    """
    header = column_names(source)
    columns = {}
    for phenotype in layout.phenotypes_in(source):
        for ours in layout.by_phenotype:
            plain = layout.columns[ours]
            alone = next((alias for alias in plain if alias in header), None)
            if alone is not None:
                raise DataError(
                    f"{source.path}: has the column {alone} and {alone}.{phenotype} of a phenotype "
                    "besides; wanted are columns of one phenotype, or of each. Drop the others."
                )
            names = [f"{alias}.{phenotype.lower()}" for alias in plain]
            if not any(name in header for name in names):
                raise DataError(
                    f"{source.path}: no column {plain[0].upper()}.{phenotype}; of each phenotype "
                    f"{', '.join(layout.columns[each][0].upper() for each in layout.by_phenotype)} "
                    f"are wanted. Columns found: {shown_names(source.columns)}."
                )
            columns[f"{ours}.{phenotype}"] = names
    return columns


def phenotype_names(layout: Layout, source: SourceFile) -> dict[str, str]:
    """Return the phenotypes of the header -> what they are called, empty for a file of one.

    The names stand in the dictionary beside the file, ``x.regenie.Ydict`` of ``x.regenie``, a line
    ``Y1 name`` each. Without one the phenotypes are called as in the header.

    Raises
    ------
    DataError
        The dictionary lacks a phenotype, has a line of another kind, or a name twice.
    """
    phenotypes = layout.phenotypes_in(source)
    path = _dictionary_beside(source.path)
    if not phenotypes or path is None:
        return {phenotype: phenotype for phenotype in phenotypes}
    known = _read_dictionary(path)
    missing = [phenotype for phenotype in phenotypes if phenotype not in known]
    if missing:
        raise DataError(
            f"{path}: no line for {shown_names(missing)}, of which {source.path} has columns; "
            f"wanted is a line '{missing[0]} name'. Is it the dictionary of another file?"
        )
    return {phenotype: known[phenotype] for phenotype in phenotypes}


def note_unnamed(con: duckdb.DuckDBPyConnection, names: dict[str, str]) -> None:
    """Count the phenotypes that are known by their number alone among the issues of the file."""
    n_unnamed = sum(_NUMBERED.fullmatch(name) is not None for name in names.values())
    if n_unnamed:
        con.execute(
            "insert into incoming_issues values (null, 'phenotypes_unnamed', null, ?, null)",
            [n_unnamed],
        )


def _dictionary_beside(path: Path) -> Path | None:
    plain = path.with_suffix("") if path.suffix.lower() in _PACKED else path
    found = (beside.with_name(f"{beside.name}.Ydict") for beside in (plain, path))
    return next((beside for beside in found if beside.is_file()), None)


def _read_dictionary(path: Path) -> dict[str, str]:
    known: dict[str, str] = {}
    for number, line in enumerate(head_lines(path, -1), start=1):
        words = line.split(maxsplit=1)
        if not words:
            continue
        if len(words) == 1 or words[0] in known:
            found = "a phenotype that an earlier line names" if len(words) > 1 else "one word"
            raise DataError(
                f"{path}, line {number}: {found}; wanted is a phenotype and its name, 'Y1 BMI', "
                "each phenotype once."
            )
        known[words[0]] = words[1].strip()
    twice = [name for name, n in Counter(known.values()).items() if n > 1]
    if twice:
        raise DataError(
            f"{path}: {twice[0]} is the name of several phenotypes; each needs its own, as it is "
            "part of the name of the study."
        )
    return known


def by_phenotype_sql(names: dict[str, str], by_phenotype: Sequence[str]) -> str:
    """Return a subquery of ``records`` with a row for each of its rows and each phenotype.

    It has the column ``phenotype``, and those that each phenotype has (``beta.Y1``) under the name
    that they have in a file of one (``beta``).
    """
    structs = ", ".join(
        "struct_pack("
        + ", ".join(
            [
                f"phenotype := {text_literal(name)}",
                *(f"{ours} := {quoted_name(f'{ours}.{label}')}" for ours in by_phenotype),
            ]
        )
        + ")"
        for label, name in names.items()
    )
    own = ", ".join(quoted_name(f"{ours}.{label}") for label in names for ours in by_phenotype)
    replaced = ", ".join(f"of_phenotype.{ours} as {ours}" for ours in by_phenotype)
    return (
        f"(select * exclude (of_phenotype, {own}) replace ({replaced}), of_phenotype.phenotype "
        f"from (select *, unnest([{structs}]) as of_phenotype from records))"
    )
