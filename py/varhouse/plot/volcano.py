"""Effects of rare-variant burdens against how sure they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import duckdb
import numpy as np

from varhouse.ask.names import query_rows
from varhouse.errors import UsageError
from varhouse.numerics.fdr import benjamini_hochberg
from varhouse.plot.canvas import (
    BLUE,
    VERMILION,
    connection,
    fresh_axes,
    headline,
    label_points,
    open_frame,
)
from varhouse.plot.gene_tests import GeneTests, cell_types_of, select_tests

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varhouse.connection import Warehouse

_SIZE = (6.2, 4.8)
_FALSE_DISCOVERIES = 0.05

_POINTS = """
select beta, log10p, coalesce(gene_name, gene_id) as name
from ({rows})
where beta is not null
order by log10p desc, gene_id
"""


def volcano(
    con: duckdb.DuckDBPyConnection | Warehouse,
    *,
    top: int = 10,
    ax: Axes | None = None,
    **tests: Unpack[GeneTests],
) -> Axes:
    """Draw the effect of each gene's burden in a cell type against its p-value.

    Parameters
    ----------
    con
        An open warehouse, or its connection.
    top
        At most so many names, of the strongest genes with a false discovery rate below 5 %.
    ax
        Axes to draw into; a new figure when None.
    **tests
        Which burdens: see `GeneTests`; a cell type, where several are tested.

    Returns
    -------
    matplotlib.axes.Axes
        Coloured are genes with a false discovery rate (Benjamini-Hochberg, over the genes drawn)
        below 5 %: more expression with more rare alleles, or less.

    Raises
    ------
    UsageError
        A test without an effect, a choice is missing, or matplotlib is.
    DataError
        Nothing to draw, or not built.

    Examples
    --------
    >>> import varhouse
    >>> from varhouse.plot import volcano
    >>> house = varhouse.connect("varhouse.duckdb")  # doctest: +SKIP
    >>> volcano(house, cell_type="B", weight="maf_beta")  # doctest: +SKIP
    """
    if tests.get("test") not in (None, "burden"):
        raise UsageError(f"test {tests['test']!r}: has no effect; a volcano is of burden tests.")
    connected = connection(con)
    chosen = select_tests(connected, tests, default="burden")
    cell_types = cell_types_of(connected, chosen)
    if len(cell_types) > 1:
        raise UsageError(f"cell_type: several are tested; name one: {', '.join(cell_types)}.")
    rows = query_rows(connected, _POINTS.format(rows=chosen.query), chosen.params)
    beta = np.array([row[0] for row in rows], dtype=float)
    log10p = np.array([row[1] for row in rows], dtype=float)
    found = benjamini_hochberg(10.0**-log10p) < _FALSE_DISCOVERIES
    axes = fresh_axes(*_SIZE) if ax is None else ax
    groups = (
        ("false discovery rate 5 % or more", ~found, "#b5b5b5", "o"),
        ("more expression", found & (beta > 0), VERMILION, "^"),
        ("less expression", found & (beta < 0), BLUE, "v"),
    )
    for name, here, colour, marker in groups:
        axes.scatter(
            beta[here], log10p[here], s=22 if marker != "o" else 13, color=colour, marker=marker,
            linewidths=0, label=f"{name}: {here.sum():,}",
        )  # fmt: skip
    reach = 1.08 * float(np.abs(beta).max(initial=1e-9))
    axes.set_xlim(-reach, reach)
    axes.set_ylim(0, 1.12 * float(log10p.max(initial=1.0)))
    axes.axvline(0, color="#cccccc", linewidth=0.8, zorder=0)
    axes.set_xlabel("effect of one unit of the burden (SD of expression)")
    axes.set_ylabel("$-\\log_{10}\\,p$")
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, frameon=False, fontsize=8.5,
        handletextpad=0.1, columnspacing=1.2,
    )  # fmt: skip
    open_frame(axes)
    headline(axes, f"Burdens in {cell_types[0]}", f"{chosen.label}; {len(rows):,} genes")
    strong = [
        (effect, height, name)
        for (effect, height, name), hit in zip(rows, found, strict=True)
        if hit
    ]
    label_points(axes, strong[:top])
    return axes
