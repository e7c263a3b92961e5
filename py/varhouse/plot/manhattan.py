"""P-values along the genome: of the variants of a study, or of genes by rare variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import duckdb
import numpy as np

from varhouse.ask.names import query_rows
from varhouse.errors import DataError
from varhouse.plot.canvas import (
    GREY,
    connection,
    fresh_axes,
    headline,
    in_lines,
    label_points,
    look_of,
    open_frame,
)
from varhouse.plot.gene_tests import GeneTests, cell_types_of, refuse_tests, select_tests
from varhouse.plot.genome import GenomeAxis
from varhouse.plot.sumstats import select_associations

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varhouse.connection import Warehouse

GENOME_WIDE = 5e-8
FAMILY_WISE = 0.05
# The grid that variants are thinned on is finer than the pixels of a figure of default size.
_COLUMNS, _ROWS = 2000, 600
_SIZE = (10.0, 4.2)
# Peaks this near to a stronger one are the same locus.
_LOCUS_BP = 1_000_000

_RANGE = """
select chrom, min(pos), max(pos), max(log10p), count(*) from ({rows}) group by chrom
"""
_THINNED = """
select chrom, min(pos) as pos, max(log10p) as log10p
from ({rows})
group by chrom, cast(pos // $bp_step as bigint), cast(floor(log10p / $log10p_step) as bigint)
order by all
"""
_PEAKS = """
with strong as materialized (
    select chrom, pos, log10p, coalesce(rsid, variant_id, chrom || ':' || pos) as name
    from ({rows})
    where log10p >= $threshold
),

binned as (
    select
        chrom,
        pos // $locus_bp as bin,
        -- of equal ones the first
        arg_max(struct_pack(pos, log10p, name), struct_pack(log10p, below := -pos, name)) as top
    from strong
    group by all
)

select chrom, top.pos, top.log10p, top.name
from binned
order by top.log10p desc, chrom, top.pos, top.name
limit 100
"""
_GENES = """
select tests.cell_type, genes.chrom, (genes.start_pos + genes.end_pos) // 2, tests.log10p,
    coalesce(tests.gene_name, tests.gene_id)
from ({rows}) as tests
inner join genes on tests.gene_id = genes.gene_id
order by tests.log10p desc, tests.gene_id, tests.cell_type
"""


class _Gene(NamedTuple):
    cell_type: str
    chrom: str
    pos: int
    log10p: float
    name: str


def manhattan(
    con: duckdb.DuckDBPyConnection | Warehouse,
    *,
    study: str | None = None,
    trait: str | None = None,
    top: int = 10,
    ax: Axes | None = None,
    **tests: Unpack[GeneTests],
) -> Axes:
    """Draw p-values along the genome.

    Parameters
    ----------
    con
        An open warehouse, or its connection.
    study, trait
        Draw the variants of this study of ``sumstats``, of one trait if it has several. Without
        them, genes are drawn by the p-values of their rare variants.
    top
        At most so many names, of the strongest beyond the threshold.
    ax
        Axes to draw into; a new figure when None.
    **tests
        Which tests of genes: see `GeneTests`. The default is ``omnibus`` in all cell types.

    Returns
    -------
    matplotlib.axes.Axes
        The dashed line is 5e-8 for variants, 0.05 over the number of tests for genes. Variants
        are thinned to one a cell of a grid finer than the pixels, which the note says.

    Raises
    ------
    UsageError
        Both a study and tests are named, a choice is missing, or matplotlib is.
    DataError
        Nothing to draw, or not built.

    Examples
    --------
    >>> import varhouse
    >>> from varhouse.plot import manhattan
    >>> house = varhouse.connect("varhouse.duckdb")  # doctest: +SKIP
    >>> manhattan(house, test="burden", weight="maf_beta", cell_type="B")  # doctest: +SKIP
    """
    if study is None and trait is None:
        return _draw_genes(connection(con), tests, top, ax)
    refuse_tests(tests)
    return _draw_variants(connection(con), study, trait, top, ax)


def _draw_variants(
    con: duckdb.DuckDBPyConnection,
    study: str | None,
    trait: str | None,
    top: int,
    ax: Axes | None,
) -> Axes:
    chosen = select_associations(con, study, trait)
    ranges = query_rows(con, _RANGE.format(rows=chosen.query), chosen.params)
    genome = GenomeAxis({chrom: (first, last) for chrom, first, last, *_ in ranges})
    highest = max(row[3] for row in ranges)
    n_points = sum(row[4] for row in ranges)
    width = (
        ranges[0][2] - ranges[0][1] if genome.is_single else sum(last for _, _, last, *_ in ranges)
    )
    # a bigint is safe for `//`; steps of nothing would divide by 0
    steps = {
        "bp_step": max(width // _COLUMNS, 1),
        "log10p_step": max(highest, 1.0) / _ROWS,
    }
    found = con.execute(_THINNED.format(rows=chosen.query), {**chosen.params, **steps}).fetchnumpy()
    axes = fresh_axes(*_SIZE) if ax is None else ax
    chroms = np.asarray(found["chrom"]).astype(str)
    log10p = np.asarray(found["log10p"], dtype=float)
    positions = np.asarray(found["pos"], dtype=float)
    for chrom in genome.names:
        here = chroms == chrom
        axes.scatter(
            genome.x(chrom, 0) + positions[here], log10p[here], s=5, linewidths=0,
            color=genome.colour_of(chrom), rasterized=True,
        )  # fmt: skip
    threshold = -float(np.log10(GENOME_WIDE))
    peaks = query_rows(
        con,
        _PEAKS.format(rows=chosen.query),
        {**chosen.params, "threshold": threshold, "locus_bp": _LOCUS_BP},
    )
    drawn = "all drawn" if log10p.size == n_points else f"{log10p.size:,} drawn, one a pixel"
    _finish(axes, genome, threshold, highest)
    several = chosen.n_traits > 1
    what = f"associations of {chosen.n_traits:,} traits" if several else "variants"
    headline(axes, chosen.label, f"{n_points:,} {what} ({drawn}); dashed: p = 5e-8")
    label_points(axes, [(genome.x(c, p), y, name) for c, p, y, name in _apart(peaks, top)])
    return axes


def _apart(peaks: list[tuple[Any, ...]], top: int) -> list[tuple[Any, ...]]:
    """Return the strongest peaks that no stronger one is near to."""
    kept: list[tuple[Any, ...]] = []
    for peak in peaks:
        if len(kept) == top:
            break
        if all(peak[0] != one[0] or abs(peak[1] - one[1]) > _LOCUS_BP for one in kept):
            kept.append(peak)
    return kept


def _draw_genes(
    con: duckdb.DuckDBPyConnection, tests: GeneTests, top: int, ax: Axes | None
) -> Axes:
    chosen = select_tests(con, tests)
    cell_types = cell_types_of(con, chosen)
    rows = query_rows(con, _GENES.format(rows=chosen.query), chosen.params)
    genes = [_Gene(*row) for row in rows]
    if not genes:
        raise DataError("the tested genes are not in the gene index; load genes of this build.")
    bounds: dict[str, tuple[int, int]] = {}
    for gene in genes:
        first, last = bounds.get(gene.chrom, (gene.pos, gene.pos))
        bounds[gene.chrom] = (min(first, gene.pos), max(last, gene.pos))
    genome = GenomeAxis(bounds)
    axes = fresh_axes(*_SIZE) if ax is None else ax
    threshold = -float(np.log10(FAMILY_WISE / len(genes)))
    look = {name: look_of(i) for i, name in enumerate(cell_types)}
    # from left to right, so that no cell type lies on top of all others
    in_order = sorted(genes, key=lambda gene: (genome.x(gene.chrom, gene.pos), gene.cell_type))
    for marker in dict.fromkeys(marker for _, marker in look.values()):
        here = [gene for gene in in_order if look[gene.cell_type][1] == marker]
        axes.scatter(
            [genome.x(gene.chrom, gene.pos) for gene in here],
            [gene.log10p for gene in here],
            s=16,
            linewidths=0,
            marker=marker,
            c=[
                genome.colour_of(gene.chrom) if len(cell_types) == 1 else look[gene.cell_type][0]
                for gene in here
            ],
        )
    _finish(axes, genome, threshold, genes[0].log10p)
    where = f" in {cell_types[0]}" if len(cell_types) == 1 else ""
    headline(
        axes,
        f"Genes by rare variants{where}",
        f"{chosen.label}; dashed: p = 0.05 / {len(genes):,} test{'s' if len(genes) > 1 else ''}",
    )
    if len(cell_types) > 1:
        for name in cell_types:
            colour, marker = look[name]
            label = in_lines(name)
            axes.scatter([], [], s=16, linewidths=0, color=colour, marker=marker, label=label)
        axes.legend(
            loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5,
            handletextpad=0.2,
        )  # fmt: skip
    strong = [gene for gene in genes if gene.log10p >= threshold][:top]
    label_points(
        axes, [(genome.x(gene.chrom, gene.pos), gene.log10p, gene.name) for gene in strong]
    )
    return axes


def _finish(axes: Any, genome: GenomeAxis, threshold: float, highest: float) -> None:
    genome.draw(axes)
    axes.axhline(threshold, color=GREY, linestyle="--", linewidth=0.9)
    axes.set_ylim(0, 1.12 * max(highest, threshold))
    axes.set_ylabel("$-\\log_{10}\\,p$")
    open_frame(axes)
