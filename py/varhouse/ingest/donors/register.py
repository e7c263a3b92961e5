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


def donor_overlap(con: duckdb.DuckDBPyConnection, ids_sql: str, what: str) -> list[Issue]:
    """Compare the donors of a file with those that have genotypes, by their exact ids.

    Parameters
    ----------
    ids_sql
        Query of one column, ``donor_id``.
    what
        The file and what it holds, as the error begins: ``cells.h5ad: cells``.

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
    overlap = _compare(con, ids_sql, "select donor_id from raw.donors where is_genotyped")
    if overlap.n_genotyped == 0 or overlap.n_here == 0:
        return []
    counts = (
        f"{overlap.n_both} donors in both, {overlap.n_here - overlap.n_both} only in this file, "
        f"{overlap.n_genotyped - overlap.n_both} only with genotypes"
    )
    if overlap.n_both == 0:
        raise DataError(
            f"{what}: no donor has genotypes: {counts}. Ids here: {overlap.here}; ids of the "
            f"genotypes: {overlap.genotyped}. Ids are compared as they are written; if they "
            "are the same people, name them with --id-map FILE (two columns: id here, id there)."
        )
    return overlap.issues(counts)


class _Overlap(NamedTuple):
    """Donors of a file and of the genotypes: how many, and what the ids of either side are like."""

    n_both: int
    n_here: int
    n_genotyped: int
    here: str
    genotyped: str

    def issues(self, counts: str) -> list[Issue]:
        """Return the sides that lack more than `ENOUGH_OVERLAP` allows."""
        sides = (
            ("donors_without_genotypes", self.n_here),
            ("genotypes_without_donors", self.n_genotyped),
        )
        return [
            Issue(code=code, message=counts, n=n_side - self.n_both, is_reject=False)
            for code, n_side in sides
            if self.n_both < ENOUGH_OVERLAP * n_side
        ]


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


def _compare(con: duckdb.DuckDBPyConnection, ids_sql: str, genotyped_sql: str) -> _Overlap:
    con.execute(f"""
        create or replace temp table donors_compared as
        select
            coalesce(here.donor_id, genotyped.donor_id) as donor_id,
            here.donor_id is not null as is_here,
            genotyped.donor_id is not null as is_genotyped
        from (select distinct donor_id from ({ids_sql}) where donor_id is not null) as here
        full join ({genotyped_sql}) as genotyped
            on here.donor_id = genotyped.donor_id
    """)
    numbers = con.execute("""
        select
            count(*) filter (where is_here and is_genotyped),
            count(*) filter (where is_here),
            count(*) filter (where is_genotyped)
        from donors_compared
    """).fetchall()[0]
    spelled = [
        pattern_of(
            row[0]
            for row in con.execute(f"select donor_id from donors_compared where {side}").fetchall()
        )
        for side in ("is_here", "is_genotyped")
    ]
    con.execute("drop table temp.donors_compared")
    return _Overlap(*numbers, *spelled)


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
    overlap = _compare(con, "select donor_id from raw.donors", samples_sql)
    if overlap.n_here == 0 or overlap.n_genotyped == 0:
        return []
    counts = (
        f"{overlap.n_both} donors in both, {overlap.n_here - overlap.n_both} only in the "
        f"warehouse, {overlap.n_genotyped - overlap.n_both} only with genotypes"
    )
    if overlap.n_both == 0:
        raise DataError(
            f"{what}: none is a donor that other files named: {counts}. Ids of the genotypes: "
            f"{overlap.genotyped}; ids in the warehouse: {overlap.here}. Ids are compared "
            "as they are written; if they are the same people, load the genotypes into a new "
            "warehouse (--db) first and then the others with --id-map FILE."
        )
    return overlap.issues(counts)
