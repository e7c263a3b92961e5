"""Cell types by genes: where rare variants change the expression of a gene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

import duckdb
import numpy as np

from varhouse.ask.names import find_gene, query_rows
from varhouse.errors import DataError, UsageError
from varhouse.plot.canvas import SMALL, connection, fresh_axes, headline, in_lines
from varhouse.plot.gene_tests import GeneTests, select_tests
from varhouse.plot.heat import draw_heat

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varhouse.connection import Warehouse

_CELL_WIDTH, _CELL_HEIGHT = 0.62, 0.34  # inches
_MARGIN_WIDTH, _MARGIN_HEIGHT = 1.6, 1.9
_LETTER_WIDTH = 0.08
# a row has room for two lines
_ROW_NAME_WIDTH = 60
_FAMILY_WISE = 0.05
_NOMINAL = -float(np.log10(0.05))

_CELLS = """
with tests as (
    {rows}
),

best as (
    select gene_id, max(log10p) as highest
    from tests
    {condition}
    group by gene_id
    order by highest desc, gene_id
    limit $top
)

select
    tests.cell_type,
    tests.gene_id,
    coalesce(tests.gene_name, tests.gene_id) as gene_name,
    tests.log10p,
    tests.beta
from tests
inner join best on tests.gene_id = best.gene_id
order by best.highest desc, tests.gene_id, tests.cell_type
"""


def burden_heatmap(
    con: duckdb.DuckDBPyConnection | Warehouse,
    *,
    genes: Sequence[str] = (),
    top: int = 15,
    ax: Axes | None = None,
    **tests: Unpack[GeneTests],
) -> Axes:
    """Draw -log10 p of burden tests by cell type and gene.

    Parameters
    ----------
    con
        An open warehouse, or its connection.
    genes
        Ids or symbols; the genes with the smallest p-value in any cell type when empty.
    top
        At most so many genes.
    ax
        Axes to draw into; a new figure of fitting size when None.
    **tests
        Which tests: see `GeneTests`. The default is ``burden``.

    Returns
    -------
    matplotlib.axes.Axes
        A row for each cell type, a column for each gene. A star marks p below 0.05 over the
        number of all tests, an arrow (p < 0.05) the direction of a burden; an empty cell was not
        tested.

    Raises
    ------
    UsageError
        ``top`` is below 1, a choice is missing, or matplotlib is.
    DataError
        Nothing to draw, no such gene, or not built.

    Examples
    --------
    >>> import varhouse
    >>> from varhouse.plot import burden_heatmap
    >>> house = varhouse.connect("varhouse.duckdb")  # doctest: +SKIP
    >>> burden_heatmap(house, weight="maf_beta", top=20)  # doctest: +SKIP
    """
    if top < 1:
        raise UsageError(f"top: found {top}, wanted at least 1 gene.")
    connected = connection(con)
    chosen = select_tests(connected, tests, default="burden")
    ids = [find_gene(connected, gene).gene_id for gene in genes]
    params = {**chosen.params, "top": top}
    condition = ""
    if ids:
        params["genes"] = ids
        condition = "where list_contains($genes, gene_id)"
    rows = query_rows(connected, _CELLS.format(rows=chosen.query, condition=condition), params)
    if not rows:
        raise DataError(f"{', '.join(genes)}: no p-value of {chosen.label}.")
    ((n_tests,),) = query_rows(connected, f"select count(*) from ({chosen.query})", chosen.params)
    cell_types = sorted({row[0] for row in rows})
    names = {row[1]: row[2] for row in rows}
    column_of = {gene: column for column, gene in enumerate(names)}
    threshold = -float(np.log10(_FAMILY_WISE / n_tests))
    log10p = np.full((len(cell_types), len(names)), np.nan)
    letters = np.full(log10p.shape, "", dtype=object)
    has_arrows = False
    for cell_type, gene, _, value, beta in rows:
        cell = cell_types.index(cell_type), column_of[gene]
        log10p[cell] = value
        arrow = ""
        if beta is not None and value >= _NOMINAL:
            arrow = "↑" if beta > 0 else "↓"
            has_arrows = True
        letters[cell] = f"{value:.1f}{arrow}{'*' if value >= threshold else ''}"
    rows_named = [in_lines(name, _ROW_NAME_WIDTH) for name in cell_types]
    if ax is None:
        longest = max(len(line) for name in rows_named for line in name.splitlines())
        ax = fresh_axes(
            _MARGIN_WIDTH + _LETTER_WIDTH * max(longest, 12) + _CELL_WIDTH * len(names),
            _MARGIN_HEIGHT + _CELL_HEIGHT * len(cell_types),
        )
    highest = max(float(np.nanmax(log10p)), 1.0)
    draw_heat(ax, log10p, letters, highest=highest, label="$-\\log_{10}\\,p$", fontsize=8)
    ax.set_xticks(
        range(len(names)), list(names.values()), rotation=45, ha="right",
        rotation_mode="anchor", fontsize=SMALL, fontstyle="italic",
    )  # fmt: skip
    ax.set_yticks(range(len(cell_types)), rows_named)
    legend = "; ↑ ↓ more or less expression, p < 0.05" if has_arrows else ""
    note = f"{chosen.label}; empty: not tested\n* p < 0.05 / {n_tests:,} tests{legend}"
    headline(ax, "Rare variants and expression", note)
    return ax
