"""How good genotypes and samples are, as tables of the report without a single person in them."""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from varhouse.ask.names import has_table
from varhouse.report.cells import FEWEST, ReportTable, query_report

_VARIANTS = """
select
    case
        when maf is null then 'no calls'
        when maf = 0 then 'monomorphic'
        when maf < 0.001 then 'below 0.001'
        when maf < 0.01 then '0.001 to 0.01'
        when maf < 0.05 then '0.01 to 0.05'
        else '0.05 and more'
    end as minor_allele_frequency,
    count(*) as variants,
    median(missingness) as median_missingness,
    count(*) filter (where missingness > 0.05) as "missing in > 5 %",
    count(*) filter (where hwe_log10p > 6) as "Hardy-Weinberg p < 1e-6"
from variant_qc
group by all
order by min(coalesce(maf, -1))
"""
# Percentiles with too few donors beyond them would be about persons.
_SAMPLES = """
with measures as (
    unpivot (select missingness, heterozygosity, f_coefficient from sample_qc)
    on missingness, heterozygosity, f_coefficient
    into name measure value amount
)

select
    replace(measure, 'f_coefficient', 'F coefficient') as measure,
    count(*) as donors,
    quantile_cont(amount, 0.1) as "10th percentile",
    median(amount) as median,
    quantile_cont(amount, 0.9) as "90th percentile"
from measures
group by measure
having count(*) >= 100
order by measure
"""
# A large number of one sex would give a small one of the other away.
_SAMPLE_COUNTS = f"""
with counted as (
    select
        count(*) as donors,
        count(*) filter (where missingness > 0.05) as n_missing,
        count(*) filter (where abs(f_coefficient) > 0.2) as n_deviating,
        count(*) filter (where sex = 1) as male,
        count(*) filter (where sex = 2) as female
    from sample_qc
)

select
    donors,
    n_missing as "missing > 5 %",
    n_deviating as "|F| > 0.2",
    case when male < {FEWEST} or female = 0 or female >= {FEWEST} then male end as male,
    case when female < {FEWEST} or male = 0 or male >= {FEWEST} then female end as female
from counted
"""


class Quality(NamedTuple):
    """Summaries of ``variant_qc`` and ``sample_qc``; None where a table is not built."""

    variants: ReportTable | None
    samples: ReportTable | None
    sample_counts: ReportTable | None


def read_quality(con: duckdb.DuckDBPyConnection) -> Quality:
    """Return summaries of the genotypes; counts below 10 are hidden."""
    variants = samples = counts = None
    if has_table(con, "variant_qc"):
        variants = query_report(
            con, _VARIANTS, counts=("variants", "missing in > 5 %", "Hardy-Weinberg p < 1e-6")
        )
    if has_table(con, "sample_qc"):
        samples = query_report(con, _SAMPLES, counts=("donors",))
        counts = query_report(
            con, _SAMPLE_COUNTS, counts=("donors", "missing > 5 %", "|F| > 0.2", "male", "female")
        )
    return Quality(variants, samples, counts)
