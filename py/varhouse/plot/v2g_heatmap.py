"""Genes by sources: where the V2G score of one variant comes from, as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError, UsageError
from varhouse.plot.canvas import TITLE_WIDTH, connection, fresh_axes, in_lines
from varhouse.plot.heat import draw_heat
from varhouse.plot.variants import one_variant, variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varhouse.connection import Warehouse

_CELL_WIDTH, _CELL_HEIGHT = 0.95, 0.42  # inches
_MARGIN_WIDTH, _MARGIN_HEIGHT = 3.6, 1.9


class _Gene(NamedTuple):
    gene_id: str
    gene_name: str | None
    rank: int
    overall_score: float


class _Source(NamedTuple):
    source_id: str
    weight: float


def v2g_heatmap(
    con: duckdb.DuckDBPyConnection | Warehouse,
    variant_id: str,
    *,
    top: int = 15,
    ax: Axes | None = None,
) -> Axes:
    """Draw the best genes of a variant by the sources that point to them.

    Parameters
    ----------
    con
        An open, built warehouse, or its connection.
    variant_id
        ``chrom_pos_ref_alt`` in any usual spelling, or an rsID of one allele.
    top
        Genes to show, best rank first.
    ax
        Axes to draw into; a new figure of fitting size when None.

    Returns
    -------
    matplotlib.axes.Axes
        One row a gene (rank on the left, overall score on the right), one column a source with
        its weight, each cell the source's score from 0 to 1; an empty cell means no evidence.

    Raises
    ------
    UsageError
        matplotlib is not installed, the rsID has several alleles, or ``top`` is below 1.
    DataError
        No such variant, or it has no scores.

    Examples
    --------
    >>> import varhouse
    >>> from varhouse.plot import v2g_heatmap
    >>> house = varhouse.connect("varhouse.duckdb")  # doctest: +SKIP
    >>> v2g_heatmap(house, "16_53800954_T_C").figure.savefig("fto.png")  # doctest: +SKIP
    """
    if top < 1:
        raise UsageError(f"top: found {top}, wanted at least 1 gene.")
    connected = connection(con)
    key = one_variant(connected, variant_id)
    genes = _genes(connected, key, top)
    if not genes:
        raise DataError(
            f"{variant_id}: no gene has a score, nothing to draw. "
            f"Try `varhouse why-missing {variant_id}`."
        )
    sources = _sources(connected, key)
    scores = _scores(connected, key, genes, sources)
    if ax is None:
        ax = fresh_axes(
            _MARGIN_WIDTH + _CELL_WIDTH * len(sources), _MARGIN_HEIGHT + _CELL_HEIGHT * len(genes)
        )
    _draw(ax, genes, sources, scores)
    title = in_lines(f"{variant_label(connected, key)}: genes by V2G score", TITLE_WIDTH)
    ax.set_title(title, loc="left", pad=34)
    return ax


def _genes(con: duckdb.DuckDBPyConnection, key: str, top: int) -> list[_Gene]:
    rows = con.execute(
        "select gene_id, gene_name, rank, overall_score from genes_for_variant(?) "
        "order by rank, gene_id limit ?",
        [key, top],
    ).fetchall()
    return [_Gene(*row) for row in rows]


def _sources(con: duckdb.DuckDBPyConnection, key: str) -> list[_Source]:
    """Return every source of the denominator and of this variant, heaviest first."""
    rows = con.execute(
        "select source_id, weight from v2g_source_weights where weight > 0 union "
        "select source_id, weight from v2g_source_scores where variant_id = ? "
        "order by weight desc, source_id",
        [key],
    ).fetchall()
    return [_Source(*row) for row in rows]


def _scores(
    con: duckdb.DuckDBPyConnection, key: str, genes: Sequence[_Gene], sources: Sequence[_Source]
) -> NDArray[np.float64]:
    scores = np.full((len(genes), len(sources)), np.nan)
    row_of = {gene.gene_id: row for row, gene in enumerate(genes)}
    column_of = {source.source_id: column for column, source in enumerate(sources)}
    rows = con.execute(
        "select gene_id, source_id, score from v2g_source_scores where variant_id = ?", [key]
    ).fetchall()
    for gene_id, source_id, score in rows:
        if gene_id in row_of:
            scores[row_of[gene_id], column_of[source_id]] = score
    return scores


def _draw(
    axes: Any,
    genes: Sequence[_Gene],
    sources: Sequence[_Source],
    scores: NDArray[np.float64],
) -> None:
    letters = np.array([[f"{score:.2g}" for score in row] for row in scores], dtype=object)
    draw_heat(axes, scores, letters, highest=1, label="source score", fontsize=9)
    axes.set_xticks(
        range(len(sources)),
        [f"{source.source_id}\n× {source.weight:.3g}" for source in sources],
        fontsize=8.5,
    )
    axes.xaxis.tick_top()
    axes.set_xlabel("empty cell: no evidence", fontsize=8.5, loc="left")
    axes.set_yticks(
        range(len(genes)), [f"{gene.rank}.  {gene.gene_name or gene.gene_id}" for gene in genes]
    )
    # the overall scores are the labels of a second axis
    right = axes.secondary_yaxis("right")
    right.set_yticks(
        range(len(genes)), [f"{gene.overall_score:.4f}" for gene in genes], fontweight="bold"
    )
    right.tick_params(length=0)
    right.spines[:].set_visible(False)
    axes.text(
        1.0, 1.0, "overall\nscore", transform=axes.transAxes, ha="left", va="bottom",
        fontsize=8.5, fontweight="bold",
    )  # fmt: skip
