"""A locus: associations coloured by correlation with the lead, above the genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import numpy as np

from varhouse.ask.names import find_gene, query_rows, split_id
from varhouse.errors import DataError, UsageError
from varhouse.plot.canvas import (
    GREY,
    VERMILION,
    connection,
    fresh_axes,
    headline,
    open_frame,
)
from varhouse.plot.gene_track import draw_genes
from varhouse.plot.linkage import r2_with
from varhouse.plot.manhattan import GENOME_WIDE
from varhouse.plot.sumstats import Associations, select_associations
from varhouse.plot.variants import one_variant, variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varhouse.connection import Warehouse

_SIZE = (8.5, 6.0)
_TRACK = 0.36  # height of the genes, of that of the associations
_MAX_POINTS = 30_000
_UNKNOWN = "#c9c9c9"
# Five steps of cividis turned from dark to light would vanish on white; these stay apart in
# lightness and for colour-blind eyes.
_STEPS = ("#3b4cc0", "#56b4e9", "#009e73", "#e69f00", "#a50026")

_POINTS = """
select variant_id, pos, log10p
from ({rows})
where chrom = $chrom and pos between $first and $last
order by log10p desc, pos, variant_id
limit {max_points}
"""
_STRONGEST = """
select variant_id from ({rows}) where variant_id is not null {condition}
order by log10p desc, variant_id limit 1
"""


class _Region(NamedTuple):
    chrom: str
    first: int
    last: int


def locus(
    con: duckdb.DuckDBPyConnection | Warehouse,
    lead: str | None = None,
    *,
    study: str | None = None,
    trait: str | None = None,
    gene: str | None = None,
    flank_bp: int = 250_000,
    ax: Axes | None = None,
) -> Axes:
    """Draw the associations around a lead variant, and the genes below.

    Parameters
    ----------
    con
        An open warehouse, or its connection.
    lead
        A variant id or rsID, of the study or of the variant index; None for the strongest of the
        study, in the window of ``gene`` if one is given.
    study, trait
        Which rows of ``sumstats``: a study, needed when several are loaded, and one trait of it.
    gene
        A gene to mark; without a lead the window is around it.
    flank_bp
        Reach on both sides.
    ax
        Axes to draw the associations into; the genes come below them. A new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        The associations. Colour is r2 with the lead among the donors of this warehouse, of pairs
        of calls; grey is what has no genotypes here, or does not vary.

    Raises
    ------
    UsageError
        A choice is missing, or matplotlib is.
    DataError
        No such variant, gene or study, or nothing in the window.

    Examples
    --------
    >>> import varhouse
    >>> from varhouse.plot import locus
    >>> house = varhouse.connect("varhouse.duckdb")  # doctest: +SKIP
    >>> locus(house, "rs1421085", study="bmi")  # doctest: +SKIP
    """
    if flank_bp < 1:
        raise UsageError(f"flank_bp: found {flank_bp}, wanted at least 1 base.")
    connected = connection(con)
    chosen = select_associations(connected, study, trait)
    found = find_gene(connected, gene) if gene is not None else None
    around = _around_gene(connected, found.gene_id, flank_bp) if found is not None else None
    lead_id = (
        _strongest(connected, chosen, around) if lead is None else _named(connected, chosen, lead)
    )
    chrom, pos, *_ = split_id(lead_id)
    if lead is None and around:
        region = around
    else:
        region = _Region(chrom, max(pos - flank_bp, 1), pos + flank_bp)
    points = query_rows(
        connected,
        _POINTS.format(rows=chosen.query, max_points=_MAX_POINTS),
        {**chosen.params, **region._asdict()},
    )
    if not points:
        raise DataError(
            f"{chosen.label}: no association in {region.chrom}:{region.first}-{region.last}."
        )
    r2 = r2_with(connected, lead_id, *region)
    axes = fresh_axes(*_SIZE) if ax is None else ax
    _draw_points(axes, points, r2, lead_id)
    cut = f"; the strongest {_MAX_POINTS:,} drawn" if len(points) == _MAX_POINTS else ""
    traits = f" (a study of {chosen.n_traits:,} traits)" if chosen.n_traits > 1 else ""
    n_linked = sum(point[0] in r2 for point in points)
    linked = (
        f"r² with the lead from the genotypes of this warehouse for {n_linked:,}"
        if r2
        else "no r²: the lead has no genotypes in this warehouse, or does not vary"
    )
    headline(
        axes,
        f"{chosen.label}: {variant_label(connected, lead_id)}",
        f"{len(points):,} associations{traits}{cut}; {linked}",
    )
    track = axes.inset_axes((0, -_TRACK - 0.02, 1, _TRACK))
    draw_genes(track, connected, *region, gene_id=found.gene_id if found else None)
    for each in (axes, track):
        each.set_xlim(region.first, region.last)
    axes.set_xticks(track.get_xticks(), minor=False)
    axes.set_xlim(region.first, region.last)
    return axes


def _around_gene(con: duckdb.DuckDBPyConnection, gene_id: str, flank_bp: int) -> _Region:
    ((chrom, start, end),) = query_rows(
        con, "select chrom, start_pos, end_pos from genes where gene_id = ?", [gene_id]
    )
    return _Region(chrom, max(start - flank_bp, 1), end + flank_bp)


def _named(con: duckdb.DuckDBPyConnection, chosen: Associations, lead: str) -> str:
    """Return the id of the lead among the associations, which may lack in the variant index."""
    found = query_rows(
        con,
        f"select distinct variant_id from ({chosen.query}) where variant_id is not null "
        "and (variant_id = variant_key($lead) or rsid = lower(trim($lead)))",
        {**chosen.params, "lead": lead},
    )
    if len(found) == 1:
        variant_id: str = found[0][0]
        return variant_id
    return one_variant(con, lead)


def _strongest(con: duckdb.DuckDBPyConnection, chosen: Associations, region: _Region | None) -> str:
    condition = "and chrom = $chrom and pos between $first and $last" if region else ""
    found = query_rows(
        con,
        _STRONGEST.format(rows=chosen.query, condition=condition),
        {**chosen.params, **(region._asdict() if region else {})},
    )
    if not found:
        where = f" in {region.chrom}:{region.first}-{region.last}" if region else ""
        raise DataError(f"{chosen.params['study']}: no association of a known variant{where}.")
    variant_id: str = found[0][0]
    return variant_id


def _draw_points(
    axes: Any, points: list[tuple[Any, ...]], r2: dict[str, float], lead_id: str
) -> None:
    pos = np.array([point[1] for point in points], dtype=float)
    log10p = np.array([point[2] for point in points], dtype=float)
    linked = np.array([r2.get(point[0], np.nan) for point in points])
    # of several traits the lead has several rows: the strongest, which comes first, is marked
    is_lead = np.zeros(len(points), dtype=bool)
    is_lead[[i for i, point in enumerate(points) if point[0] == lead_id][:1]] = True
    unknown = np.isnan(linked) & ~is_lead
    axes.scatter(
        pos[unknown], log10p[unknown], s=14, color=_UNKNOWN, linewidths=0,
        label="unknown" if r2 and unknown.any() else None, rasterized=True,
    )  # fmt: skip
    for i, colour in enumerate(_STEPS):
        low, high = i / len(_STEPS), (i + 1) / len(_STEPS)
        here = (linked >= low) & ((linked < high) | (i == len(_STEPS) - 1)) & ~is_lead
        axes.scatter(
            pos[here], log10p[here], s=18, color=colour, linewidths=0.3, edgecolors="white",
            label=f"{low:.1f} to {high:.1f}" if r2 else None, rasterized=True,
        )  # fmt: skip
    axes.scatter(
        pos[is_lead], log10p[is_lead], s=70, marker="D", color="black", edgecolors=VERMILION,
        linewidths=1.4, label="lead", zorder=5,
    )  # fmt: skip
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1], labels[::-1], title="$r^2$" if r2 else None, loc="upper left",
        bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5, handletextpad=0.2,
    )  # fmt: skip
    threshold = -float(np.log10(GENOME_WIDE))
    highest = float(log10p.max())
    if highest > 0.6 * threshold:
        axes.axhline(threshold, color=GREY, linestyle="--", linewidth=0.9)
        highest = max(highest, threshold)
    axes.set_ylim(-0.03 * highest, 1.1 * max(highest, 0.5))
    axes.set_ylabel("$-\\log_{10}\\,p$")
    axes.tick_params(axis="x", labelbottom=False)
    open_frame(axes)
