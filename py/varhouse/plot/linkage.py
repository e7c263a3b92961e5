"""Correlation of variants among the donors of the warehouse."""

from __future__ import annotations

import duckdb

from varhouse.ask.names import query_rows

# Stored are calls with an alternative allele and missing ones (NULL); a donor without a row has 0
# copies. So sums over the rows, and how many donors are missing, tell everything.
_R2 = """
with lead as (
    select donor_idx, dosage as y
    from genotypes
    where variant_idx = $lead
),

n_donors as (
    select count(*) as n from raw.donors where is_genotyped
),

lead_sums as (
    select
        count(*) filter (where y is null) as n_missing,
        coalesce(sum(cast(y as double)), 0) as sum_y,
        coalesce(sum(cast(y as double) * y), 0) as sum_yy
    from lead
),

wanted as (
    select variant_idx, variant_id
    from raw.variants
    where
        chrom = $chrom
        and pos between $first and $last
        and genotype_load_id is not null
),

calls as (
    select
        genotypes.variant_idx,
        cast(genotypes.dosage as double) as x,
        case when lead.donor_idx is null then 0 else cast(lead.y as double) end as y
    from genotypes
    inner join wanted on genotypes.variant_idx = wanted.variant_idx
    left join lead on genotypes.donor_idx = lead.donor_idx
),

sums as (
    select
        variant_idx,
        count(*) filter (where x is null and y is not null) as n_missing,
        coalesce(sum(x) filter (where y is not null), 0) as sum_x,
        coalesce(sum(x * x) filter (where y is not null), 0) as sum_xx,
        coalesce(sum(x * y), 0) as sum_xy,
        coalesce(sum(y) filter (where x is null), 0) as lost_y,
        coalesce(sum(y * y) filter (where x is null), 0) as lost_yy
    from calls
    group by variant_idx
),

complete as (
    select
        wanted.variant_id,
        n_donors.n - lead_sums.n_missing - sums.n_missing as n,
        sums.sum_x,
        sums.sum_xx,
        sums.sum_xy,
        lead_sums.sum_y - sums.lost_y as sum_y,
        lead_sums.sum_yy - sums.lost_yy as sum_yy
    from sums
    inner join wanted on sums.variant_idx = wanted.variant_idx
    cross join n_donors
    cross join lead_sums
)

select
    variant_id,
    pow(n * sum_xy - sum_x * sum_y, 2)
    / nullif((n * sum_xx - sum_x * sum_x) * (n * sum_yy - sum_y * sum_y), 0) as r2
from complete
order by variant_id
"""


def r2_with(
    con: duckdb.DuckDBPyConnection, lead: str, chrom: str, first: int, last: int
) -> dict[str, float]:
    """Return the squared correlation of dosages with those of a lead variant.

    Each pair is taken over the donors with both calls.

    Parameters
    ----------
    con
        An open warehouse.
    lead
        A ``variant_id``.
    chrom, first, last
        The variants to compare, by position; both ends belong to them.

    Returns
    -------
    dict
        ``variant_id`` to r2, of those that vary; empty when the lead has no genotypes.
    """
    found = query_rows(
        con,
        "select variant_idx from raw.variants "
        "where variant_id = ? and genotype_load_id is not null",
        [lead],
    )
    if not found:
        return {}
    rows = query_rows(con, _R2, {"lead": found[0][0], "chrom": chrom, "first": first, "last": last})
    return {variant: min(r2, 1.0) for variant, r2 in rows if r2 is not None}
