"""The genes whose rare variants change expression, as tables and figures of the report."""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from varhouse.ask.names import has_table, query_column, query_rows
from varhouse.plot import burden_heatmap, manhattan, qq
from varhouse.report.cells import ReportTable, query_report
from varhouse.report.figures import Figure, draw

_NEEDED = ("rvat_donors", "rvat_burden", "rvat_skat", "rvat_omnibus", "rvat_summary")
_MAX_ROWS = 3000
_TOP = 15

_CELL_TYPES = """
with donors as (
    select cell_type, count(*) filter (where status = 'ok') as donors_tested
    from rvat_donors
    group by cell_type
),

genes as (
    select cell_type, count(*) as genes, count(log10p) as genes_tested,
        count(*) filter (where q_value < 0.05) as "q < 0.05"
    from rvat_omnibus
    group by cell_type
)

select
    genes.cell_type,
    donors.donors_tested,
    genes.genes,
    genes.genes_tested,
    genes."q < 0.05",
    summary.lambda_gc as lambda
from genes
left join donors on genes.cell_type = donors.cell_type
left join rvat_summary as summary
    on genes.cell_type = summary.cell_type and summary.test = 'omnibus'
order by genes.cell_type
"""
_GENES = """
with sizes as (
    select cell_type, gene_id, max(n_variants) as variants, max(n_carriers) as carriers
    from rvat_burden
    group by cell_type, gene_id
),

ranked as (
    select omnibus.*, sizes.variants, sizes.carriers,
        row_number() over (
            partition by omnibus.cell_type order by omnibus.log10p desc, omnibus.gene_id
        ) as place
    from rvat_omnibus as omnibus
    left join sizes
        on omnibus.cell_type = sizes.cell_type and omnibus.gene_id = sizes.gene_id
    where omnibus.log10p is not null
)
"""
_BEST = (
    _GENES
    + """
select coalesce(gene_name, gene_id) as gene, p_value as p, log10p as "-log10 p", q_value as q,
    best_test, variants, carriers
from ranked
where cell_type = $cell_type and place <= $top
order by place
"""
)
_ALL = (
    _GENES
    + """
select cell_type, coalesce(gene_name, gene_id) as gene, gene_id, p_value as p,
    log10p as "-log10 p", q_value as q, best_test, variants, carriers
from ranked
order by log10p desc, cell_type, gene_id
limit $max_rows
"""
)


class CellTypeResults(NamedTuple):
    """The best genes of a cell type, and all of them along the genome."""

    cell_type: str
    genes: ReportTable
    manhattan: Figure | None


class RareVariants(NamedTuple):
    """Results of the rare-variant tests.

    Attributes
    ----------
    summary
        A row for each cell type.
    figures
        Those about all cell types.
    cell_types
        One after the other.
    genes
        Genes of all cell types, the strongest first.
    n_left_out
        How many more there are.
    """

    summary: ReportTable
    figures: list[Figure]
    cell_types: list[CellTypeResults]
    genes: ReportTable
    n_left_out: int


def read_rare_variants(con: duckdb.DuckDBPyConnection, *, top: int) -> RareVariants | None:
    """Return the results of the rare-variant tests; None when there are none."""
    if not all(has_table(con, name) for name in _NEEDED):
        return None
    cell_types = query_column(
        con, "select distinct cell_type from rvat_omnibus where log10p is not null order by all"
    )
    if not cell_types:
        return None
    ((n_genes,),) = query_rows(con, "select count(log10p) from rvat_omnibus")
    figures = [
        draw("Quantiles of p-values by cell type", lambda: qq(con)),
        draw("Strongest genes by cell type", lambda: burden_heatmap(con, test="omnibus", top=_TOP)),
    ]
    return RareVariants(
        query_report(con, _CELL_TYPES, counts=("donors_tested",)),
        [figure for figure in figures if figure],
        [_cell_type(con, name, top) for name in cell_types],
        query_report(con, _ALL, {"max_rows": _MAX_ROWS}, counts=("carriers",)),
        max(n_genes - _MAX_ROWS, 0),
    )


def _cell_type(con: duckdb.DuckDBPyConnection, cell_type: str, top: int) -> CellTypeResults:
    return CellTypeResults(
        cell_type,
        query_report(con, _BEST, {"cell_type": cell_type, "top": top}, counts=("carriers",)),
        draw(
            f"P-values of genes along the genome in {cell_type}",
            lambda: manhattan(con, cell_type=cell_type),
        ),
    )
