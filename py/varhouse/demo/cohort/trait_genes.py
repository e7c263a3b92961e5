"""Which genes the loci of the demo's GWAS point to: summary statistics joined with V2G."""

from __future__ import annotations

from typing import Any, NamedTuple

import duckdb

from varhouse.demo.cohort.trait import TraitEffect

Row = dict[str, Any]

STUDY = "demo_trait"
_LOCUS_BP = 100_000

# A locus is what lies within 100 kb of a variant that is the strongest for 250 kb. Which of its
# variants is causal is not known: each counts with its posterior probability, from Wakefield's
# approximate Bayes factor (2009, doi:10.1002/gepi.20359; effects have a prior sd of 0.15) if there
# is one causal variant.
LOCUS_GENES_SQL = """\
with hits as (
    select *
    from sumstats
    where
        study_id = 'demo_trait'
        and p_value < 5e-8
    qualify variant_id = arg_max(variant_id, (log10p, variant_id)) over (
        partition by chrom order by pos range between 250000 preceding and 250000 following
    )
),

members as (
    select
        hits.variant_id as lead_id,
        sumstats.variant_id,
        0.0225 / (0.0225 + sumstats.se * sumstats.se) as shrink,
        0.5 * (ln(1 - shrink) + shrink * sumstats.z * sumstats.z) as log_bf
    from hits
    inner join sumstats
        on
            hits.study_id = sumstats.study_id
            and hits.chrom = sumstats.chrom
            and sumstats.pos between hits.pos - 100000 and hits.pos + 100000
),

posteriors as (
    select
        members.lead_id,
        members.variant_id,
        1 / sum(exp(others.log_bf - members.log_bf)) as posterior
    from members
    inner join members as others using (lead_id)
    group by members.lead_id, members.variant_id
)

select
    posteriors.lead_id,
    v2g_scores.gene_name,
    sum(posteriors.posterior * v2g_scores.overall_score) as v2g,
    count(*) filter (where posteriors.posterior > 0.01) as n_likely_variants
from posteriors
inner join v2g_scores using (variant_id)
group by posteriors.lead_id, v2g_scores.gene_name
order by posteriors.lead_id, v2g desc, v2g_scores.gene_name"""

_LEAD = """
select
    sumstats.p_value,
    genes.gene_name
from sumstats
inner join genes using (chrom)
where sumstats.variant_id = ?
order by abs(genes.tss_pos - sumstats.pos), genes.gene_id
limit 1
"""


class Locus(NamedTuple):
    """A locus of the trait: what it points to, and the planted effect in it, if there is one."""

    lead_id: str
    p_value: float
    n_likely_variants: int
    nearest_gene: str
    best_gene: str
    best_v2g: float
    planted: TraitEffect | None


def locus_genes(con: duckdb.DuckDBPyConnection, planted: list[TraitEffect]) -> list[Locus]:
    """Return the loci of the trait, each with the gene that V2G points to and the planted one."""
    by_lead: dict[str, list[Row]] = {}
    for row in con.sql(LOCUS_GENES_SQL).to_arrow_table().to_pylist():
        by_lead.setdefault(row["lead_id"], []).append(row)
    found = []
    for lead_id, genes in by_lead.items():
        ((p_value, nearest_gene),) = con.execute(_LEAD, [lead_id]).fetchall()
        found.append(
            Locus(
                lead_id=lead_id,
                p_value=p_value,
                n_likely_variants=max(row["n_likely_variants"] for row in genes),
                nearest_gene=nearest_gene,
                best_gene=genes[0]["gene_name"],
                best_v2g=genes[0]["v2g"],
                planted=next((each for each in planted if _near(each.variant_id, lead_id)), None),
            )
        )
    return found


def _near(first: str, second: str) -> bool:
    (chrom, pos), (other_chrom, other_pos) = (name.split("_")[:2] for name in (first, second))
    return chrom == other_chrom and abs(int(pos) - int(other_pos)) <= _LOCUS_BP
