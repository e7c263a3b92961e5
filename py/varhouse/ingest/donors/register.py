"""Donors across files: their ids as meant, their rows in ``raw.donors``, who has genotypes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.format import Issue
from varhouse.ingest.reading import head_lines

DONOR_COLUMNS = (
    "donor_id", "iid", "individual", "individual_id", "donor", "donorid", "subject_id", "subject",
    "participant_id", "eid", "patient_id", "patient", "sample_id", "sample",
)  # fmt: skip
"""What a column of donor ids may be called, best first: of a donor there may be several samples."""

ENOUGH_OVERLAP = 0.95
"""Share of the donors of either side below which a load says so."""

_RUN = re.compile(r"[^\W_]+|\s+")
_MAX_SHAPE = 60


def read_id_map(path: Path | None) -> dict[str, str]:
    """Read the file of ``--id-map``: two columns, a donor id as written and as meant.

    Returns
    -------
    dict of str to str
        Empty when there is no file.

    Raises
    ------
    DataError
        A line that has not two columns, or an id that is given two meanings.
    """
    meant: dict[str, str] = {}
    if path is None:
        return meant
    for number, line in enumerate(head_lines(path, -1), start=1):
        if not line.strip():
            continue
        cells = [cell.strip().strip('"') for cell in line.split("\t")]
        if len(cells) != 2 or not all(cells):
            raise DataError(
                f"{path}, line {number}: {len(cells)} columns; --id-map wants two, separated by a "
                "tab: a donor id as the file spells it, and as it should be."
            )
        written, name = cells
        if meant.setdefault(written, name) != name:
            raise DataError(f"{path}, line {number}: id {written} is given a second meaning.")
    return meant


def create_donor_meanings(con: duckdb.DuckDBPyConnection, path: Path | None) -> None:
    """Create the temp table ``donor_meanings(donor_text, meant)`` of ``--id-map``; empty without.

    Raises
    ------
    DataError
        See `read_id_map`.
    """
    meant = read_id_map(path)
    con.execute("create or replace temp table donor_meanings(donor_text varchar, meant varchar)")
    if meant:
        con.execute(
            "insert into donor_meanings select unnest($1), unnest($2)",
            [list(meant), list(meant.values())],
        )


def add_donors(con: duckdb.DuckDBPyConnection, ids_sql: str, load_id: int) -> None:
    """Add the donors that ``raw.donors`` lacks, as not genotyped.

    Parameters
    ----------
    ids_sql
        Query of one column, ``donor_id``.
    """
    con.execute(f"""
        insert into raw.donors by name
        select
            cast(
                (select coalesce(max(donor_idx) + 1, 0) from raw.donors)
                + row_number() over (order by donor_id) - 1
                as uinteger
            ) as donor_idx,
            donor_id,
            false as is_genotyped,
            {load_id} as load_id
        from (select distinct donor_id from ({ids_sql}))
        where donor_id not in (select donor_id from raw.donors)
    """)


def donor_overlap(
    con: duckdb.DuckDBPyConnection, ids_sql: str, what: str, *, id_map: Path | None
) -> list[Issue]:
    """Compare the donors of a file with those that have genotypes, by their exact ids.

    Parameters
    ----------
    ids_sql
        Query of one column, ``donor_id``.
    what
        The file and what it holds, as the error begins: ``cells.h5ad: cells``.
    id_map
        The file of ``--id-map``, by which the ids were renamed; told of in the error.

    Returns
    -------
    list of Issue
        ``donors_without_genotypes`` and ``genotypes_without_donors``, with the counts of both
        sides, where they share less than `ENOUGH_OVERLAP`; empty while nobody has genotypes.

    Raises
    ------
    DataError
        No donor is on both sides.
    """
    genotyped_sql = "select donor_id from raw.donors where is_genotyped"
    overlap = _compare(con, ids_sql, genotyped_sql, "in this file")
    if overlap.is_disjoint:
        raise DataError(
            f"{what}: no donor has genotypes: {overlap.counts}. Ids here: "
            f"{pattern_of(overlap.here)}; ids of the genotypes: {pattern_of(overlap.genotyped)}. "
            + _advice(overlap, id_map)
        )
    return overlap.issues()


class _Overlap(NamedTuple):
    """Ids of the donors of a file and of the genotypes, how many are both, and that in words."""

    here: list[str]
    genotyped: list[str]
    n_both: int
    counts: str

    @property
    def is_disjoint(self) -> bool:
        """Whether there are donors on either side, and none on both."""
        return bool(self.here and self.genotyped and not self.n_both)

    def issues(self) -> list[Issue]:
        """Return the sides that lack more than `ENOUGH_OVERLAP` allows; none if one is empty."""
        if not (self.here and self.genotyped):
            return []
        sides = (
            ("donors_without_genotypes", len(self.here)),
            ("genotypes_without_donors", len(self.genotyped)),
        )
        return [
            Issue(code=code, message=self.counts, n=n_side - self.n_both, is_reject=False)
            for code, n_side in sides
            if self.n_both < ENOUGH_OVERLAP * n_side
        ]


def _advice(overlap: _Overlap, id_map: Path | None) -> str:
    """Say what to do where no id of a file has genotypes, also by the map, if there is one."""
    if id_map is None:
        return (
            "Ids are compared as they are written; if they are the same people, name them with "
            "--id-map FILE (two columns: id here, id there)."
        )
    meant = read_id_map(id_map)
    written, names = set(meant), set(meant.values())
    told = f"--id-map {id_map} was used"
    if meant:
        n_here, n_genotyped = len(names & set(overlap.here)), len(names & set(overlap.genotyped))
        told += (
            f": its first column has ids like {pattern_of(written)}, its second like "
            f"{pattern_of(names)}; of these {len(names):,}, {n_here:,} are ids here now and "
            f"{n_genotyped:,} have genotypes"
        )
    if not written.isdisjoint(overlap.genotyped):
        return told + ". Its first column has ids of the genotypes: exchange its columns."
    return (
        f"{told}. Wanted in its lines: an id as this file spells it, a tab, that of the genotypes."
    )


def pattern_of(ids: Iterable[str]) -> str:
    """Return what ids are like without telling any: ``CAPITALS_digits, 7 to 8 characters``.

    Told is the commonest pattern, and how many others there are; empty without ids.
    """
    lengths = defaultdict[str, list[int]](list)
    for donor_id in ids:
        lengths[_RUN.sub(_word, donor_id)].append(len(donor_id))
    if not lengths:
        return ""
    shape, found = min(lengths.items(), key=lambda item: (-len(item[1]), item[0]))
    low, high = min(found), max(found)
    shown = shape if len(shape) <= _MAX_SHAPE else shape[:_MAX_SHAPE] + "..."
    size = f"{low} to {high} characters" if low < high else f"{low} characters"
    n_others = len(lengths) - 1
    others = f" (and {n_others} other pattern{'s' if n_others > 1 else ''})" if n_others else ""
    return f"{shown}, {size}{others}"


def _word(run: re.Match[str]) -> str:
    text = run[0]
    if text.isspace():
        return "<space>"
    if text.isdecimal():
        return "digits"
    letters = "CAPITALS" if text.isupper() else "letters"
    return letters if text.isalpha() else f"{letters}+digits"


def _compare(
    con: duckdb.DuckDBPyConnection, ids_sql: str, genotyped_sql: str, where: str
) -> _Overlap:
    """Compare two queries of donors; ``where`` says in words where those of the first are."""
    ((here, genotyped, n_both),) = con.execute(f"""
        select
            coalesce(list(here.donor_id) filter (here.donor_id is not null), []),
            coalesce(list(genotyped.donor_id) filter (genotyped.donor_id is not null), []),
            count(*) filter (here.donor_id = genotyped.donor_id)
        from (select distinct donor_id from ({ids_sql}) where donor_id is not null) as here
        full join ({genotyped_sql}) as genotyped
            on here.donor_id = genotyped.donor_id
    """).fetchall()
    counts = (
        f"{n_both} donors in both, {len(here) - n_both} only {where}, "
        f"{len(genotyped) - n_both} only with genotypes"
    )
    return _Overlap(here, genotyped, n_both, counts)


def genotype_overlap(con: duckdb.DuckDBPyConnection, samples_sql: str, what: str) -> list[Issue]:
    """Compare the samples of a genotype file with the donors that other files named before.

    Parameters
    ----------
    samples_sql
        Query of one column, ``donor_id``.
    what
        The file and what it holds, as the error begins.

    Returns
    -------
    list of Issue
        As `donor_overlap`; empty while no other file has named a donor.

    Raises
    ------
    DataError
        No sample is one of those donors.
    """
    overlap = _compare(con, "select donor_id from raw.donors", samples_sql, "in the warehouse")
    if overlap.is_disjoint:
        raise DataError(
            f"{what}: none is a donor that other files named: {overlap.counts}. Ids of the "
            f"genotypes: {pattern_of(overlap.genotyped)}; ids in the warehouse: "
            f"{pattern_of(overlap.here)}. Ids are compared as they are written; if they are the "
            "same people, load the genotypes into a new warehouse (--db) first and then the "
            "others with --id-map FILE."
        )
    return overlap.issues()
