"""Questions that people ask of the results, and who answers them."""

from __future__ import annotations

from varhouse.ask.answers import Answer, explain, genes_for_variant, variants_for_gene
from varhouse.ask.evaluation import Evaluation, evaluate
from varhouse.ask.missing import why_missing
from varhouse.ask.rare_variant_sets import explain_gene
from varhouse.ask.rare_variants import gene_ids, require_cell_types, top_genes
from varhouse.ask.reference import export_reference, freeze_reference, import_reference

__all__ = [
    "Answer",
    "Evaluation",
    "evaluate",
    "explain",
    "explain_gene",
    "export_reference",
    "freeze_reference",
    "gene_ids",
    "genes_for_variant",
    "import_reference",
    "require_cell_types",
    "top_genes",
    "variants_for_gene",
    "why_missing",
]
