"""Read a text or parquet file as numbered records with named columns, as a view inside DuckDB.

The view is read while the rows are being staged, so a summary-statistics file of any size passes
through once and is never held. A text file is read a line at a time and split in SQL: a ragged
line is then a record with a line number. On 2 M lines of five columns that takes 0.8 s, the CSV
reader's own columns 0.7 s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.format import SourceFile
from varhouse.ingest.reading import compression_of, header_hint, shown_names
from varhouse.ingest.staging import (
    header_line_number,
    name_sql,
    parquet_numbers,
    parquet_sql,
    path_sql,
    split_sql,
)
from varhouse.sql_text import quoted_name, text_literal

Columns = Mapping[str, Sequence[str]]
"""Our column name -> the names a file may give it, in lower case, best first."""

BED_PREAMBLE = ("#", "track", "browser")
"""How lines begin that a genome browser reads, but that are no intervals."""


def column_names(source: SourceFile) -> tuple[str, ...]:
    """Return the names in the header as they are compared: lower case, without a leading ``#``."""
    return tuple(name.strip().lstrip("#").strip().lower() for name in source.columns)


def has_columns(source: SourceFile, columns: Columns, names: Sequence[str]) -> bool:
    """Whether the header has each of ``names`` under one of its accepted names."""
    found = column_names(source)
    return all(any(alias in found for alias in columns[name]) for name in names)


def create_records(
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    columns: Columns,
    *,
    required: Sequence[str],
    ids: Sequence[str] = (),
) -> frozenset[str]:
    """Create the temp view ``records`` over a file with a header.

    The view has ``line`` (1-based line of a text file, record of a parquet file), each name of
    ``columns`` as text (NULL where the file has no such column) and ``is_ragged``. Those in ``ids``
    are names, also where parquet has them as floating-point numbers.

    Returns
    -------
    frozenset of str
        Those of ``columns`` that the file has.

    Raises
    ------
    DataError
        A column of ``required`` is absent; one of ``columns`` stands in the header twice.
    """
    positions = _column_positions(source, columns)
    absent = [name for name in required if name not in positions]
    if absent:
        wanted = "; ".join(f"{name} (named {' or '.join(columns[name])})" for name in absent)
        raise DataError(
            f"{source.path}: no column for {wanted}. "
            f"Columns found: {shown_names(source.columns)}. "
            f"Rename the columns, or name another layout with --format.{header_hint(source)}"
        )
    if source.delimiter:
        cells = {name: f"cells[{position + 1}]" for name, position in positions.items()}
        ragged = f"len(cells) is distinct from {len(source.columns)}"
        relation = (
            f"(select line, {split_sql(source, 'raw')} as cells from {lines_sql(source)} "
            f"where line > {header_line_number(source)} and trim(raw) <> '')"
        )
    else:
        _, floats = parquet_numbers(source)
        cells = {}
        for name, position in positions.items():
            column = source.columns[position]
            is_number = name in ids and column in floats
            cells[name] = (
                name_sql(quoted_name(column))
                if is_number
                else f"cast({quoted_name(column)} as varchar)"
            )
        ragged = "false"
        relation = f"(select file_row_number + 1 as line, * from {parquet_sql(source)})"
    _create_view(con, columns, cells, relation, ragged)
    return frozenset(positions)


def create_bed_records(
    con: duckdb.DuckDBPyConnection, source: SourceFile, names: Sequence[str], *, n_required: int
) -> None:
    """Create the temp view ``records`` over tab-separated lines without a header.

    ``track``, ``browser`` and ``#`` lines are passed over wherever they stand; columns past those
    named are ignored; a line of fewer than ``n_required`` columns ``is_ragged``.
    """
    preamble = " or ".join(f"starts_with(raw, {text_literal(word)})" for word in BED_PREAMBLE)
    _create_view(
        con,
        names,
        {name: f"cells[{number}]" for number, name in enumerate(names, start=1)},
        f"(select line, string_split(raw, chr(9)) as cells from {lines_sql(source)} "
        f"where trim(raw) <> '' and not ({preamble}))",
        f"len(cells) < {n_required}",
    )


def drop_records(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the view, which would otherwise keep naming a file that may be gone."""
    con.execute("drop view if exists temp.records")


def refuse_ragged(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    """Raise when ``incoming`` has a row rejected as ``ragged_row``: a table cut short or mangled.

    Raises
    ------
    DataError
        Names the first such line.
    """
    ((line, n_lines),) = con.execute(
        "select min(line), count(distinct line) from incoming where reject = 'ragged_row'"
    ).fetchall()
    if n_lines:
        raise DataError(
            f"{source.path}, line {line}: not the {len(source.columns)} columns of the header, "
            f"which {source.delimiter!r} separates ({n_lines} such lines). Is the file cut short, "
            f"or does a value hold the delimiter?{header_hint(source)}"
        )


def keep_first(con: duckdb.DuckDBPyConnection, *, key: str, order: str, otherwise: str) -> None:
    """Of the good rows of ``incoming`` that agree in a key, keep the first in an order.

    Only rows whose key's hash occurs twice are sorted: a sort of every row would cost more than
    reading the file.

    Parameters
    ----------
    key, order
        Columns with commas between; the order is total.
    otherwise
        Code by which the others are rejected.
    """
    con.execute(f"""
        update incoming
        set reject = {text_literal(otherwise)}
        where line in (
            select line
            from incoming
            where
                reject is null
                and hash({key}) in (
                    select hash({key})
                    from incoming
                    where reject is null
                    group by hash({key})
                    having count(*) > 1
                )
            qualify row_number() over (partition by {key} order by {order}) > 1
        )
    """)


def case_sql(rules: Mapping[str, str]) -> str:
    """Return a CASE giving the first code (code -> condition) whose condition holds, else NULL.

    Examples
    --------
    >>> case_sql({"start_after_end": "start_pos > end_pos"})
    "case when start_pos > end_pos then 'start_after_end' end"
    """
    branches = " ".join(f"when {rule} then {text_literal(code)}" for code, rule in rules.items())
    return f"case {branches} end"


def _create_view(
    con: duckdb.DuckDBPyConnection,
    names: Sequence[str] | Columns,
    cells: Mapping[str, str],
    relation: str,
    ragged: str,
) -> None:
    selected = ", ".join(
        f"{cells.get(name, 'cast(null as varchar)')} as {quoted_name(name)}" for name in names
    )
    con.execute(
        f"create or replace temp view records as "
        f"select line, {selected}, {ragged} as is_ragged from {relation}"
    )


def _column_positions(source: SourceFile, columns: Columns) -> dict[str, int]:
    found = column_names(source)
    positions: dict[str, int] = {}
    for name, aliases in columns.items():
        known = next((alias for alias in aliases if alias in found), None)
        if found.count(known) > 1:
            raise DataError(f"{source.path}: column {known} occurs twice in the header.")
        if known is not None:
            positions[name] = found.index(known)
    return positions


def lines_sql(source: SourceFile) -> str:
    """Return a subquery of all lines, numbered; one reading thread keeps their order."""
    return (
        f"(select row_number() over () as line, raw from read_csv({path_sql(source.path)}, "
        f"auto_detect = false, columns = {{'raw': 'VARCHAR'}}, delim = chr(1), quote = '', "
        f"escape = '', comment = '', nullstr = '', header = false, strict_mode = false, "
        f"parallel = false, compression = '{compression_of(source.path)}', "
        f"hive_partitioning = false))"
    )
