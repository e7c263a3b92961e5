"""Variants that occur twice: within a file, or in a file and in the warehouse."""

from __future__ import annotations

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.format import Issue, LoadOptions, SourceFile
from varhouse.ingest.genotypes.filters import RARE_BELOW

_TABLES = ("raw.genotypes_rare", "raw.genotypes_common")


def resolve_duplicates(
    con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions
) -> list[Issue]:
    """Leave each variant once in ``incoming_variants`` and in the genotypes.

    Returns
    -------
    list of Issue
        Records of which nothing is new, and alleles left out of the others.

    Raises
    ------
    DataError
        A variant occurs twice and nobody said what to do, or its calls differ and are to be merged.
    """
    # record 0: the warehouse has its genotypes from an earlier file
    con.execute("""
        create or replace temp table repeated as
        with every as (
            select variant_id, variant_idx, record
            from incoming_variants
            union all
            select variants.variant_id, variants.variant_idx, 0 as record
            from raw.variants
            semi join incoming_variants on variants.variant_id = incoming_variants.variant_id
            where variants.genotype_load_id is not null
        )

        select
            variant_id,
            variant_idx,
            record,
            row_number() over (partition by variant_id order by record, variant_idx) = 1 as is_first
        from every
        qualify count(*) over (partition by variant_id) > 1
    """)
    first = con.execute(
        "select variant_id, list(record order by record) from repeated "
        "group by variant_id order by min(record), variant_id limit 1"
    ).fetchone()
    issues = []
    if first is not None:
        if options.on_duplicate == "error":
            raise _twice(con, source, *first)
        is_merged = options.on_duplicate == "merge"
        if is_merged:
            _merge(con, source)
        issues = _count_repeats(con, "duplicate_merged" if is_merged else "duplicate_left_out")
        _drop_repeats(con, merged=is_merged)
    con.execute("drop table repeated")
    return issues


def _count_repeats(con: duckdb.DuckDBPyConnection, code: str) -> list[Issue]:
    """Count what ``incoming_variants`` loses, as `varhouse.ingest.genotypes.tally.Tally` counts."""
    found = con.execute("""
        with records as (
            select
                incoming_variants.record,
                count(repeated.variant_idx) as n_repeated,
                n_repeated = count(*) as is_reject
            from incoming_variants
            left join repeated
                on incoming_variants.variant_idx = repeated.variant_idx and not repeated.is_first
            group by incoming_variants.record
        )

        select
            is_reject,
            sum(if(is_reject, 1, n_repeated)),
            min(record)
        from records
        where n_repeated > 0
        group by is_reject
        order by is_reject desc
    """).fetchall()
    return [
        Issue(line=record, code=code, n=int(n), is_reject=is_reject)
        for is_reject, n, record in found
    ]


def _twice(
    con: duckdb.DuckDBPyConnection, source: SourceFile, variant_id: str, records: list[int]
) -> DataError:
    _make_merged(con)
    ((n_others, n_differing),) = con.execute(
        """
        select
            (select count(distinct variant_id) from repeated) - 1,
            count(*)
        from merged
        where variant_id = ? and is_conflict
        """,
        [variant_id],
    ).fetchall()
    others = f", and so do {n_others} other variants" if n_others else ""
    compared = "genotypes differ" if n_differing else "genotypes agree"
    if records[0] == 0:
        where = f"stands in {_listed(records[1:])} and is in the warehouse already, {compared}"
    else:
        where = f"occurs {len(records)} times ({_listed(records)}), {compared}"
    return DataError(
        f"{source.path}: {variant_id} {where}{others}. --on-duplicate first keeps the first of "
        "them; --on-duplicate merge fills missing calls of the first from the others."
    )


def _listed(every: list[int]) -> str:
    # an allele may stand twice in one record
    records = sorted(set(every))
    if len(records) == 1:
        return f"record {records[0]}"
    if records == list(range(records[0], records[-1] + 1)):
        return f"records {records[0]}-{records[-1]}"
    shown = ", ".join(str(record) for record in records[:10])
    return f"records {shown}" + (", ..." if len(records) > 10 else "")


def _make_merged(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``merged``: the calls of each repeated variant and donor put together."""
    con.execute("""
        create or replace temp table merged as
        with calls as (
            select repeated.variant_id, genotypes.*
            from main.genotypes
            inner join repeated on genotypes.variant_idx = repeated.variant_idx
        ),

        pairs as (
            select distinct variant_id, donor_idx
            from calls
        ),

        -- a donor without a row is homozygous for the reference
        cells as (
            select
                pairs.variant_id,
                pairs.donor_idx,
                case when calls.variant_idx is null then 0 else calls.dosage end as dosage
            from pairs
            inner join repeated on pairs.variant_id = repeated.variant_id
            left join calls
                on repeated.variant_idx = calls.variant_idx
                and pairs.donor_idx = calls.donor_idx
        )

        select
            variant_id,
            donor_idx,
            min(dosage) as dosage,
            coalesce(min(dosage) <> max(dosage), false) as is_conflict
        from cells
        group by variant_id, donor_idx
    """)


def _merge(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    _make_merged(con)
    conflict = con.execute("""
        with conflicts as (
            select variant_id, count(*) as n_donors
            from merged
            where is_conflict
            group by variant_id
        )

        select variant_id, n_donors, count(*) over () as n_variants
        from conflicts
        order by variant_id
        limit 1
    """).fetchone()
    if conflict:
        variant_id, n_donors, n_variants = conflict
        raise DataError(
            f"{source.path}: {variant_id} occurs more than once and the calls of {n_donors} donors "
            f"differ ({n_variants} such variants), so they cannot be merged. Remove the wrong "
            "records, or keep the first with --on-duplicate first."
        )


def _drop_repeats(con: duckdb.DuckDBPyConnection, *, merged: bool) -> None:
    which = "true" if merged else "not is_first"
    for table in _TABLES:
        con.execute(
            f"delete from {table} where variant_idx in "
            f"(select variant_idx from repeated where {which})"
        )
    if merged:
        con.execute(f"""
            create or replace temp table merged_variants as
            with counted as (
                select
                    variant_id,
                    sum(dosage) as n_copies,
                    count(*) filter (where dosage is null) as n_missing
                from merged
                group by variant_id
            ),

            cohort as (select count(*) as n_donors from raw.donors where is_genotyped)

            select
                repeated.variant_id,
                repeated.variant_idx,
                coalesce(n_copies, 0) as copies,
                2 * (n_donors - coalesce(n_missing, 0)) as n_alleles,
                n_alleles > 0
                and least(copies, n_alleles - copies) / n_alleles >= {RARE_BELOW} as is_common
            from repeated
            cross join cohort
            left join counted on repeated.variant_id = counted.variant_id
            where repeated.is_first
        """)
        for table, condition in zip(_TABLES, ("not is_common", "is_common"), strict=True):
            con.execute(f"""
                insert into {table}
                select merged_variants.variant_idx, merged.donor_idx, merged.dosage
                from merged
                inner join merged_variants on merged.variant_id = merged_variants.variant_id
                where {condition} and merged.dosage is distinct from 0
                order by merged_variants.variant_idx, merged.donor_idx
            """)
        con.execute("drop table merged_variants")
        con.execute("drop table merged")
    con.execute(
        "delete from incoming_variants where variant_idx in "
        "(select variant_idx from repeated where not is_first)"
    )
