"""Genes of a region as bars with an arrow in the direction of transcription."""

from __future__ import annotations

from typing import Any, NamedTuple

import duckdb

from varhouse.ask.names import query_rows
from varhouse.plot.canvas import BLUE, VERMILION, open_frame
from varhouse.plot.genome import label_megabases

_MAX_ROWS = 8
# Of the width of the region that a letter takes at the size of the names.
_LETTER = 0.011
_GAP = 0.015


class TrackGene(NamedTuple):
    """A gene of the region."""

    gene_id: str
    name: str
    start: int
    end: int
    strand: int


def genes_between(
    con: duckdb.DuckDBPyConnection, chrom: str, first: int, last: int
) -> list[TrackGene]:
    """Return the genes that touch a region, from left to right."""
    rows = query_rows(
        con,
        "select gene_id, coalesce(gene_name, gene_id), start_pos, end_pos, strand from genes "
        "where chrom = ? and start_pos <= ? and end_pos >= ? order by start_pos, gene_id",
        [chrom, last, first],
    )
    return [TrackGene(*row) for row in rows]


def place_rows(
    genes: list[TrackGene], first: int, last: int, *, first_in_line: str | None = None
) -> list[list[TrackGene]]:
    """Share genes among rows so that neither bars nor names overlap.

    Parameters
    ----------
    genes
        From left to right.
    first, last
        Ends of the region, which bars are cut at.
    first_in_line
        The gene that is placed before all others.

    Returns
    -------
    list
        Genes by row, from the top; those that find no room in the last row are left out.
    """
    width = max(last - first, 1)
    rows: list[list[TrackGene]] = []
    taken: list[list[tuple[float, float]]] = []
    for gene in sorted(genes, key=lambda gene: gene.gene_id != first_in_line):
        start, end = _extent(gene, first, last, width)
        for row, spans in zip(rows, taken, strict=True):
            if all(end < left or start > right for left, right in spans):
                row.append(gene)
                spans.append((start, end))
                break
        else:
            if len(rows) < _MAX_ROWS:
                rows.append([gene])
                taken.append([(start, end)])
    return rows


def _extent(gene: TrackGene, first: int, last: int, width: int) -> tuple[float, float]:
    """Return what a gene takes of the row, its centred name included."""
    left, right = max(gene.start, first), min(gene.end, last)
    half_name = (len(gene.name) + 2) * _LETTER * width / 2
    middle = (left + right) / 2
    gap = _GAP * width / 2
    return min(left, middle - half_name) - gap, max(right, middle + half_name) + gap


def draw_genes(
    axes: Any,
    con: duckdb.DuckDBPyConnection,
    chrom: str,
    first: int,
    last: int,
    *,
    gene_id: str | None = None,
) -> None:
    """Draw the genes of a region; ``gene_id`` stands out."""
    genes = genes_between(con, chrom, first, last)
    rows = place_rows(genes, first, last, first_in_line=gene_id)
    for level, row in enumerate(rows):
        for gene in row:
            colour = VERMILION if gene.gene_id == gene_id else BLUE
            left, right = max(gene.start, first), min(gene.end, last)
            axes.plot([left, right], [-level, -level], color=colour, linewidth=3,
                      solid_capstyle="butt")  # fmt: skip
            name = f"{gene.name} →" if gene.strand > 0 else f"← {gene.name}"
            axes.annotate(
                name, xy=((left + right) / 2, -level), xytext=(0, 3),
                textcoords="offset points", ha="center", va="bottom", fontsize=7.5,
                fontstyle="italic", color=colour if gene.gene_id == gene_id else "#333333",
            )  # fmt: skip
    n_left_out = len(genes) - sum(len(row) for row in rows)
    if n_left_out:
        axes.annotate(
            f"{n_left_out} more genes not shown", xy=(1, 0), xycoords="axes fraction",
            ha="right", va="bottom", fontsize=7.5, color="#444444",
        )  # fmt: skip
    if not genes:
        axes.annotate(
            "no gene here in the gene index", xy=(0.5, 0.5), xycoords="axes fraction",
            ha="center", va="center", fontsize=8, color="#444444",
        )  # fmt: skip
    axes.set_ylim(-max(len(rows), 1) + 0.4, 0.9)
    axes.set_yticks([])
    open_frame(axes)
    axes.spines["left"].set_visible(False)
    label_megabases(axes, chrom)
