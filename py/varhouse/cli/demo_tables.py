"""Tables that ``varhouse demo`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from varhouse.demo import PlantedAnswer
from varhouse.demo.cohort import CommonEffect, RareEffect
from varhouse.demo.cohort.trait_genes import Locus
from varhouse.ingest.load import LoadReport
from varhouse.output import format_cell

Row = dict[str, Any]

_SIGNS = {1: "+", -1: "-", 0: "+-"}


def loads_table(reports: Sequence[LoadReport]) -> Table:
    """Show what became of each file."""
    table = new_table("Loaded", ["kind", "file"], ["rows", "loaded", "left out"])
    for report in reports:
        reasons = [f"{n} {code}" for code, n in sorted(report.rejected.items())]
        table.add_row(
            report.kind,
            Path(report.file).name,
            str(report.n_read),
            str(report.n_loaded),
            ", ".join(reasons) or "0",
        )
    return table


def ranking_table(title: str, ranked: Sequence[Row]) -> Table:
    """Show ranked genes, each with the source that contributes most."""
    table = new_table(
        title,
        ["rank", "gene"],
        ["score", "sources", "bp to TSS"],
        ["largest part"],
    )
    for row in ranked:
        table.add_row(
            str(row["rank"]),
            row["gene_name"] or row["gene_id"],
            f"{row['overall_score']:.4f}",
            str(row["n_sources"]),
            f"{row['tss_distance_bp']:,}",
            f"{row['best_source_id']} {_feature(row['best_feature'])}".strip(),
        )
    return table


def explanation_table(title: str, parts: Sequence[Row]) -> Table:
    """Show weight x score / denominator for each source, and that they add up."""
    table = new_table(title, ["source", "feature"], ["raw value", "score", "weight", "part"])
    for part in parts:
        table.add_row(
            part["source_id"],
            _feature(part["feature"]),
            format_cell(part["raw_score"]),
            f"{part['score']:.2f}",
            f"{part['weight']:.2f}",
            f"{part['contribution']:.4f}",
        )
    table.add_section()
    table.add_row("sum", "", "", "", "", f"{sum(part['contribution'] for part in parts):.4f}")
    return table


def planted_table(answers: Sequence[tuple[PlantedAnswer, Sequence[Row]]]) -> Table:
    """Show what was planted beside the genes of rank 1."""
    table = new_table(
        "Planted and found",
        ["lead", "nearest gene", "planted gene", "rank 1"],
        ["score", "sources"],
    )
    for answer, first in answers:
        table.add_row(
            answer.rsid,
            answer.nearest_gene_name,
            answer.gene_name,
            ", ".join(row["gene_name"] for row in first),
            f"{first[0]['overall_score']:.4f}" if first else "",
            str(first[0]["n_sources"]) if first else "",
        )
    return table


def rare_table(planted: Sequence[tuple[RareEffect, Row]]) -> Table:
    """Show p-values of planted rare-variant effects with and without V2G."""
    table = new_table(
        "Rare variants: planted and found (p-values; SKAT is weighted by V2G too)",
        ["gene", "cell type", "carried by"],
        ["burden", "x V2G", "SKAT", "rank", "q"],
    )
    for effect, row in planted:
        table.add_row(
            effect.gene_name,
            row["cell_type"],
            f"{effect.carried_by} {_SIGNS[effect.direction]}",
            *(_p_value(row[name]) for name in ("p_plain", "p_v2g", "p_skat")),
            str(row["gene_rank"]),
            _p_value(row["q_value"]),
        )
    return table


def common_table(planted: Sequence[tuple[CommonEffect, Row]]) -> Table:
    """Show the best common variant of genes with a planted eQTL."""
    table = new_table(
        "eQTLs: planted and found",
        ["gene", "cell type", "planted", "best variant"],
        ["r2", "p"],
    )
    for effect, row in planted:
        table.add_row(
            effect.gene_name,
            row["cell_type"],
            effect.variant_id,
            row["variant_id"],
            f"{row['r2_with_planted']:.2f}",
            _p_value(row["p_value"]),
        )
    return table


def trait_table(loci: Sequence[Locus]) -> Table:
    """Show the gene that each GWAS locus points to, and the planted one."""
    table = new_table(
        "GWAS of an invented trait: planted and found",
        ["lead", "nearest", "planted", "by V2G"],
        ["V2G", "variants", "p"],
    )
    for locus in loci:
        table.add_row(
            locus.lead_id,
            locus.nearest_gene,
            locus.planted.gene_name if locus.planted else "",
            locus.best_gene,
            f"{locus.best_v2g:.4f}",
            str(locus.n_likely_variants),
            _p_value(locus.p_value),
        )
    return table


def _p_value(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}" if value < 0.001 else f"{value:.3f}"


def _feature(feature: str | None) -> str:
    """Return a tissue or cell type, nothing for a source that has none."""
    return "" if feature in (None, "unspecified") else str(feature)


def new_table(
    title: str, words: Sequence[str], numbers: Sequence[str], long_words: Sequence[str] = ()
) -> Table:
    """Return an empty table: columns of words to the left, of numbers to the right."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in words:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    for name in long_words:
        table.add_column(name, overflow="fold")
    return table
