"""Donors across files: their ids as meant, their rows in ``raw.donors``, who has genotypes."""

from __future__ import annotations

from pathlib import Path

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.format import Issue
from varhouse.ingest.reading import head_lines

ENOUGH_OVERLAP = 0.95
"""Share of the donors of either side below which a load says so."""

_N_SHOWN = 3


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
    for number, line in enumerate(head_lines(path), start=1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
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
    con.execute(f"""
        create or replace temp table donors_compared as
        select
            coalesce(here.donor_id, genotyped.donor_id) as donor_id,
            here.donor_id is not null as is_here,
            genotyped.donor_id is not null as is_genotyped
        from (select distinct donor_id from ({ids_sql}) where donor_id is not null) as here
        full join (select donor_id from raw.donors where is_genotyped) as genotyped
            on here.donor_id = genotyped.donor_id
    """)
    n_both, n_here, n_genotyped = con.execute("""
        select
            count(*) filter (where is_here and is_genotyped),
            count(*) filter (where is_here),
            count(*) filter (where is_genotyped)
        from donors_compared
    """).fetchall()[0]
    spelled = [
        ", ".join(
            row[0]
            for row in con.execute(
                f"select donor_id from donors_compared where {side} order by all limit {_N_SHOWN}"
            ).fetchall()
        )
        for side in ("is_here", "is_genotyped")
    ]
    con.execute("drop table temp.donors_compared")
    if n_genotyped == 0 or n_here == 0:
        return []
    counts = (
        f"{n_both} donors in both, {n_here - n_both} only in this file, "
        f"{n_genotyped - n_both} only with genotypes"
    )
    if n_both == 0:
        raise DataError(
            f"{what}: no donor has genotypes: {counts}. Ids here: {spelled[0]}, ...; ids of the "
            f"genotypes: {spelled[1]}, ... Ids are compared as they are written; if they are the "
            "same people, name them with --id-map FILE (two columns: id here, id there)."
        )
    found = []
    for code, n_missing, n_side in (
        ("donors_without_genotypes", n_here - n_both, n_here),
        ("genotypes_without_donors", n_genotyped - n_both, n_genotyped),
    ):
        if n_both < ENOUGH_OVERLAP * n_side:
            found.append(Issue(code=code, message=counts, n=n_missing, is_reject=False))
    return found
