"""What each rare variant of a gene weighs in its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import duckdb

from varhouse.ask.names import find_gene, query_column, query_rows, require_results
from varhouse.ask.rare_variants import weight_names
from varhouse.errors import DataError
from varhouse.plot.canvas import BLUE, GREY, SERIES, connection, fresh_axes, headline
from varhouse.plot.genome import label_megabases

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varhouse.connection import Warehouse

_WIDTH, _ROW_HEIGHT, _MARGIN_HEIGHT = 8.5, 0.75, 1.7

_PAIRS = """
select
    variants.pos,
    pairs.weights
from int_rvat__pairs as pairs
inner join int_rvat__genes as genes on pairs.gene_idx = genes.gene_idx
inner join int_rvat__designs as designs on pairs.design_idx = designs.design_idx
inner join int_rvat__variants as variants
    on pairs.design_idx = variants.design_idx and pairs.variant_idx = variants.variant_idx
where
    genes.gene_id = $gene
    and designs.cell_type = $cell_type
    and list_contains(pairs.in_sets, true)
order by variants.pos, variants.variant_id
"""


class _Window(NamedTuple):
    chrom: str
    start: int
    end: int
    strand: int
    first: int
    last: int


def weights(
    con: duckdb.DuckDBPyConnection | Warehouse,
    gene: str,
    *,
    cell_type: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the weights of a gene's rare variants along its window.

    Parameters
    ----------
    con
        An open warehouse, or its connection.
    gene
        An id or a symbol.
    cell_type
        Whose donors say which variants are rare; the first by name when None.
    ax
        Axes to draw into; a new figure of fitting size when None.

    Returns
    -------
    matplotlib.axes.Axes
        A row for each weight, every row on the scale of its largest absolute weight, which stands
        on the right; the bar below is the gene. A variant without a value of a weight is left out
        of that row, as it is left out of the test.

    Raises
    ------
    UsageError
        matplotlib is not installed.
    DataError
        No such gene or cell type, the gene was not tested, or the models have not been built.

    Examples
    --------
    >>> import varhouse
    >>> from varhouse.plot import weights
    >>> house = varhouse.connect("varhouse.duckdb")  # doctest: +SKIP
    >>> weights(house, "FTO", cell_type="B")  # doctest: +SKIP
    """
    connected = connection(con)
    require_results(connected, "int_rvat__pairs", "int_rvat__asked")
    found = find_gene(connected, gene)
    label = found.gene_name or found.gene_id
    cell_type = _cell_type(connected, found.gene_id, label, cell_type)
    names = weight_names(connected, found.gene_id)
    rows = query_rows(connected, _PAIRS, {"gene": found.gene_id, "cell_type": cell_type})
    if not rows:
        raise DataError(f"{label} in {cell_type}: no rare variant in its window.")
    window = _Window(
        *query_rows(
            connected,
            "select chrom, start_pos, end_pos, strand, window_start, window_end "
            "from int_rvat__genes where gene_id = ?",
            [found.gene_id],
        )[0]
    )
    axes = ax or fresh_axes(_WIDTH, _MARGIN_HEIGHT + _ROW_HEIGHT * len(names))
    _draw(axes, names, rows, window)
    label_megabases(axes, window.chrom)
    headline(
        axes, f"Weights of the rare variants of {label}",
        f"{len(rows):,} variants that are rare in {cell_type}; each row on its own scale",
    )  # fmt: skip
    return axes


def _cell_type(
    con: duckdb.DuckDBPyConnection, gene_id: str, label: str, cell_type: str | None
) -> str:
    tested: list[str] = query_column(
        con,
        "select distinct cell_type from int_rvat__asked where gene_id = ? order by cell_type",
        [gene_id],
    )
    if not tested:
        raise DataError(f"{label}: was not tested in the last build.")
    if cell_type is None:
        return tested[0]
    if cell_type not in tested:
        raise DataError(f"{label}: not tested in {cell_type}; it was in {', '.join(tested)}.")
    return cell_type


def _draw(
    axes: Axes, names: list[str], rows: list[tuple[int, list[float | None]]], window: _Window
) -> None:
    for i in range(len(names)):
        base = len(names) - i
        points = [(pos, each[i]) for pos, each in rows]
        known = [(pos, value) for pos, value in points if value is not None]
        largest = max((abs(value) for _, value in known), default=0.0)
        scale = 0.8 / largest if largest > 0 else 0.0
        if any(value < 0 for _, value in known):
            # the middle of the row is 0
            scale, base_line = scale / 2, base + 0.4
        else:
            base_line = float(base)
        colour = SERIES[i % len(SERIES)]
        axes.axhline(base_line, color="#dddddd", linewidth=0.8, zorder=0)
        axes.vlines(
            [pos for pos, _ in known], base_line, [base_line + scale * v for _, v in known],
            color=colour, linewidth=0.9,
        )  # fmt: skip
        axes.plot(
            [pos for pos, _ in known], [base_line + scale * v for _, v in known],
            linestyle="none", marker="o", markersize=2.8, markeredgewidth=0, color=colour,
        )  # fmt: skip
        n_missing = len(points) - len(known)
        note = f"max {largest:.3g}" + (f"\n{n_missing} without" if n_missing else "")
        axes.annotate(
            note, xy=(1, base + 0.4), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=8, color=GREY, annotation_clip=False,
        )  # fmt: skip
    axes.plot([window.start, window.end], [0.45, 0.45], color=BLUE, linewidth=6,
              solid_capstyle="butt")  # fmt: skip
    tss = window.start if window.strand > 0 else window.end
    axes.annotate(
        "TSS →" if window.strand > 0 else "← TSS", xy=(tss, 0.3), ha="center", va="top",
        fontsize=8, color=BLUE, annotation_clip=False,
    )  # fmt: skip
    axes.set_yticks([len(names) - i + 0.4 for i in range(len(names))], names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.15, len(names) + 1)
    axes.set_xlim(window.first, window.last)
    axes.spines[["top", "right", "left"]].set_visible(False)
