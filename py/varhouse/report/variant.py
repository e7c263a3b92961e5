"""Why a variant points to its genes, as tables and a figure of the report."""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from varhouse.ask.names import require_results
from varhouse.errors import DataError
from varhouse.plot import v2g_heatmap
from varhouse.plot.variants import one_variant, variant_label
from varhouse.report.cells import ReportTable, query_report
from varhouse.report.figures import Figure, draw

_N_EXPLAINED = 3
_GENES = """
select rank, coalesce(gene_name, gene_id) as gene, overall_score, n_sources as sources,
    best_source_id as best_source, best_feature, tss_distance_bp as distance_to_TSS
from genes_for_variant($variant)
order by rank, gene_id
limit $top
"""
_PARTS = """
select source_id as source, feature, detail, score, weight, contribution,
    parse_filename(file) as file
from explain_v2g($variant, $gene)
order by contribution desc, source_id
"""


class Explained(NamedTuple):
    """A gene of the variant, and what its score is made of."""

    gene: str
    rank: int
    score: float
    parts: ReportTable


class VariantAnswer(NamedTuple):
    """The genes of a variant and why."""

    label: str
    heatmap: Figure | None
    genes: ReportTable
    explained: list[Explained]


def read_variant(con: duckdb.DuckDBPyConnection, variant: str, *, top: int) -> VariantAnswer:
    """Return the ranked genes of a variant and the parts of the best scores.

    Raises
    ------
    UsageError
        An rsID of several alleles.
    DataError
        No such variant, no scores, or the models have not been built.
    """
    require_results(con, "v2g_scores", "v2g_source_scores", "v2g_evidence")
    variant_id = one_variant(con, variant)
    ranked = con.execute(
        "select gene_id, coalesce(gene_name, gene_id), rank, overall_score "
        "from genes_for_variant(?) order by rank, gene_id limit ?",
        [variant_id, _N_EXPLAINED],
    ).fetchall()
    if not ranked:
        raise DataError(f"{variant}: no gene has a score. Try `varhouse why-missing {variant}`.")
    return VariantAnswer(
        variant_label(con, variant_id),
        draw(
            f"Scores of the genes of {variant_id} by source",
            lambda: v2g_heatmap(con, variant_id, top=top),
        ),
        query_report(con, _GENES, {"variant": variant_id, "top": top}),
        [
            Explained(
                name,
                rank,
                score,
                query_report(con, _PARTS, {"variant": variant_id, "gene": gene_id}),
            )
            for gene_id, name, rank, score in ranked
        ],
    )
