"""What the warehouse says about the planted effects, and about everything that was not planted."""

from __future__ import annotations

from typing import Any, NamedTuple

import duckdb
import numpy as np

from varhouse.demo.cohort.plan import CommonEffect, RareEffect
from varhouse.numerics.tails import log_t_two_sided

Row = dict[str, Any]

WEIGHT, V2G_WEIGHT = "maf_beta", "maf_beta*v2g"
# How the demo asks for rare-variant tests; anyone can, with varhouse build --vars.
RVAT_VARS: dict[str, Any] = {
    "max_maf": 0.01,
    # not the components of expression: of so few genes, they would hold the planted effects
    "covariates": ["sex", "age", "pool2", "pool3", "pool4"],
    "weights": [WEIGHT, V2G_WEIGHT],
    "skat_weight": V2G_WEIGHT,
}
MAX_Q = 0.05
# P-value of a gene's best variant, for all common variants within reach of all genes.
_MAX_FAMILY_P = 0.05

# Genotypes, evidence and expression of single cells in one statement: no step in between.
WEIGHTED_BURDEN_SQL = """\
with burdens as (
    select
        v2g_scores.gene_id,
        genotypes.donor_idx,
        sum(genotypes.dosage) as plain,
        sum(genotypes.dosage * v2g_scores.overall_score) as weighted
    from v2g_scores
    inner join variant_qc using (variant_id)
    inner join genes using (gene_id)
    inner join genotypes using (variant_idx)
    where
        variant_qc.af < 0.01
        and variant_qc.pos between genes.start_pos - 100000 and genes.end_pos + 100000
    group by v2g_scores.gene_id, genotypes.donor_idx
)

select
    genes.gene_name,
    pseudobulk.cell_type,
    round(corr(coalesce(burdens.plain, 0), pseudobulk.mean), 2) as r_plain,
    round(corr(coalesce(burdens.weighted, 0), pseudobulk.mean), 2) as r_weighted_by_v2g
from pseudobulk
inner join donors using (donor_id)
inner join genes using (gene_id)
-- who carries none of these alleles has no row in genotypes, and a burden of 0
left join burdens using (gene_id, donor_idx)
where
    donors.is_genotyped
    and genes.gene_id in (select gene_id from burdens)
group by genes.gene_name, pseudobulk.cell_type
order by abs(r_weighted_by_v2g) desc, gene_name, cell_type
limit 6"""

_RARE_SQL = f"""
with burdens as (
    select
        cell_type,
        gene_id,
        max(p_value) filter (where weight = '{WEIGHT}') as p_plain,
        max(p_value) filter (where weight = '{V2G_WEIGHT}') as p_v2g
    from rvat_burden
    group by cell_type, gene_id
),

ranked as (
    select
        *,
        rank() over (partition by cell_type order by log10p desc) as gene_rank
    from rvat_omnibus
    where log10p is not null
)

select
    ranked.cell_type,
    ranked.gene_id,
    ranked.gene_name,
    burdens.p_plain,
    burdens.p_v2g,
    rvat_skat.p_value as p_skat,
    ranked.p_value,
    ranked.q_value,
    ranked.gene_rank
from ranked
inner join burdens using (cell_type, gene_id)
left join rvat_skat using (cell_type, gene_id)
order by ranked.log10p desc, ranked.gene_id, ranked.cell_type
"""

# Columns as lists in the order of the donors: the product of two, scaled, is their correlation. A
# donor without a row has no copy; a row without a number is a missing call, taken as the mean.
_BEST_VARIANT_SQL = """
with copies as (
    select
        variant_qc.variant_idx,
        donors.donor_idx,
        case when genotypes.donor_idx is null then 0 else genotypes.dosage end as value
    from variant_qc
    cross join donors
    left join genotypes
        on variant_qc.variant_idx = genotypes.variant_idx
        and donors.donor_idx = genotypes.donor_idx
    where variant_qc.maf >= 0.05
),

centred_copies as (
    select
        variant_idx,
        donor_idx,
        coalesce(value - avg(value) over (partition by variant_idx), 0) as value
    from copies
),

variant_lists as materialized (
    select
        variant_idx,
        list(value order by donor_idx) as centred,
        sqrt(list_inner_product(centred, centred)) as length
    from centred_copies
    group by variant_idx
),

expression as (
    select
        pseudobulk.cell_type,
        pseudobulk.gene_id,
        donors.donor_idx,
        pseudobulk.mean - avg(pseudobulk.mean) over (
            partition by pseudobulk.cell_type, pseudobulk.gene_id
        ) as value
    from pseudobulk
    inner join donors using (donor_id)
),

traits as materialized (
    select
        expression.cell_type,
        expression.gene_id,
        count(*) as n_donors,
        list(expression.value order by expression.donor_idx) as centred,
        sqrt(list_inner_product(centred, centred)) as length
    from expression
    inner join genes using (gene_id)
    group by expression.cell_type, expression.gene_id
),

correlations as (
    select
        traits.cell_type,
        traits.gene_id,
        genes.gene_name,
        variant_qc.variant_id,
        traits.n_donors,
        list_inner_product(variant_lists.centred, traits.centred)
        / variant_lists.length / traits.length as r
    from traits
    inner join genes using (gene_id)
    inner join variant_qc
        on abs(variant_qc.pos - genes.tss_pos) <= 200000
    inner join variant_lists using (variant_idx)
)

select
    *,
    count(*) over () as n_tests
from correlations
qualify row_number() over (
    partition by gene_id, cell_type
    order by abs(r) desc, variant_id
) = 1
order by gene_id, cell_type
"""

_LD_SQL = """
with calls as (
    select
        donors.donor_idx,
        max(genotypes.dosage) filter (where variants.variant_id = $1) as first_dosage,
        max(genotypes.dosage) filter (where variants.variant_id = $2) as second_dosage
    from donors
    left join genotypes using (donor_idx)
    left join variants using (variant_idx)
    where variants.variant_id in ($1, $2)
    group by donors.donor_idx
)

select
    round(
        pow(
            corr(coalesce(calls.first_dosage, 0), coalesce(calls.second_dosage, 0)),
            2
        ),
        3
    )
from donors
left join calls using (donor_idx)
"""


class RareFindings(NamedTuple):
    """Tests of the planted pairs of gene and cell type, and the other pairs below `MAX_Q`."""

    planted: list[tuple[RareEffect, Row]]
    false_positives: list[Row]
    n_null: int


class CommonFindings(NamedTuple):
    """The best common variant of each planted pair, and other pairs that have one."""

    planted: list[tuple[CommonEffect, Row]]
    false_positives: list[Row]
    n_null: int
    n_tests: int


def rare_findings(con: duckdb.DuckDBPyConnection, effects: list[RareEffect]) -> RareFindings:
    """Look the planted rare-variant effects up in the results of `RVAT_VARS`.

    Returns
    -------
    RareFindings
        Rows have cell_type, gene_name, p_plain, p_v2g, p_skat, p_value, q_value and gene_rank, the
        gene's place in its cell type.
    """
    rows = con.sql(_RARE_SQL).to_arrow_table().to_pylist()
    by_pair = {(row["gene_id"], row["cell_type"]): row for row in rows}
    planted = [
        (effect, by_pair.pop((effect.gene_id, cell_type)))
        for effect in effects
        for cell_type in effect.cell_types
    ]
    wrong = [row for row in by_pair.values() if row["q_value"] < MAX_Q]
    return RareFindings(planted, wrong, len(by_pair))


def common_findings(con: duckdb.DuckDBPyConnection, effects: list[CommonEffect]) -> CommonFindings:
    """Correlate expression with every common variant nearby, in SQL; keep the best of each gene.

    Returns
    -------
    CommonFindings
        Rows have cell_type, gene_name, variant_id, r, p_value, is_significant (Bonferroni) and,
        where an effect was planted, r2_with_planted.
    """
    rows = con.sql(_BEST_VARIANT_SQL).to_arrow_table().to_pylist()
    n_tests = rows[0]["n_tests"] if rows else 0
    for row in rows:
        df = row["n_donors"] - 2
        t = row["r"] * np.sqrt(df / (1 - row["r"] ** 2))
        row["p_value"] = float(np.exp(log_t_two_sided(t, df)))
        row["is_significant"] = row["p_value"] * n_tests < _MAX_FAMILY_P
    by_pair = {(row["gene_id"], row["cell_type"]): row for row in rows}
    planted = []
    for effect in effects:
        for cell_type in effect.cell_types:
            row = by_pair.pop((effect.gene_id, cell_type))
            row["r2_with_planted"] = _linkage(con, row["variant_id"], effect.variant_id)
            planted.append((effect, row))
    wrong = [row for row in by_pair.values() if row["is_significant"]]
    return CommonFindings(planted, wrong, len(by_pair), n_tests)


def _linkage(con: duckdb.DuckDBPyConnection, first: str, second: str) -> float:
    r2 = con.execute(_LD_SQL, [first, second]).fetchall()[0][0]
    if r2 is None:
        raise RuntimeError(f"no linkage between {first} and {second}: one does not vary")
    return float(r2)
