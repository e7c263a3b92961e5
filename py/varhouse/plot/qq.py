"""P-values against those expected of tests without any effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Unpack

import duckdb
import numpy as np
import numpy.typing as npt
from scipy import special

from varhouse.ask.names import query_rows
from varhouse.errors import UsageError
from varhouse.numerics.fdr import genomic_control
from varhouse.plot.canvas import (
    GREY,
    connection,
    fresh_axes,
    headline,
    in_lines,
    look_of,
    open_frame,
)
from varhouse.plot.gene_tests import (
    GeneTests,
    cell_types_of,
    refuse_tests,
    select_all_tests,
    select_tests,
)
from varhouse.plot.sumstats import select_associations

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varhouse.connection import Warehouse

Float = npt.NDArray[np.float64]

_SIZE = (5.6, 5.0)
# Points are thinned to so many along the axis of observed values for each unit.
_PER_UNIT = 200
_BAND = 0.95

# The expected p of rank r among n is r / (n + 1), the mean of that order statistic. Of each narrow
# step of observed values the largest is drawn: its rank is one more than what lies in the steps
# above, so nothing has to be sorted.
_RANKED = """
with points as (
    select {series} as series, log10p from ({rows})
),

steps as (
    select
        series,
        cast(floor(log10p * {per_unit}) as bigint) as step,
        max(log10p) as log10p,
        count(*) as n
    from points
    group by series, step
),

totals as (
    select series, count(*) as n, median(pow(10, -log10p)) as median_p
    from points
    group by series
)

select
    totals.series,
    totals.n,
    1 + coalesce(
        sum(steps.n) over (
            partition by steps.series order by steps.step desc
            rows between unbounded preceding and 1 preceding
        ),
        0
    ) as place,
    steps.log10p,
    totals.median_p
from steps
inner join totals on steps.series = totals.series
order by totals.series, place
"""
_TEST_NAME = (
    "concat_ws(' ', test, nullif(nullif(aggregation, ''), 'sum'), nullif(weight, ''), "
    "nullif(nullif(mask, ''), 'all'), 'maf<' || cast(max_maf as varchar))"
)


class _Series(NamedTuple):
    name: str
    n: int
    place: Float
    log10p: Float
    lambda_gc: float


def qq(
    con: duckdb.DuckDBPyConnection | Warehouse,
    *,
    study: str | None = None,
    trait: str | None = None,
    by: Literal["cell_type", "test"] = "cell_type",
    ax: Axes | None = None,
    **tests: Unpack[GeneTests],
) -> Axes:
    """Draw p-values against those expected without any effect, with lambda GC.

    Parameters
    ----------
    con
        An open warehouse, or its connection.
    study, trait
        The variants of this study of ``sumstats``, as in `manhattan`; without them, genes by the
        p-values of their rare variants.
    by
        What the points of genes are told apart by: one test in each cell type, or all tests in
        one cell type.
    ax
        Axes to draw into; a new figure when None.
    **tests
        Which tests of genes: see `GeneTests`.

    Returns
    -------
    matplotlib.axes.Axes
        The band holds 95 % of the p-values of each rank if all tests are independent and without
        effect; of several series it is that of the largest. Lambda is the chi-square of the
        median p-value over the median under the null.

    Raises
    ------
    UsageError
        Both a study and tests are named, a choice is missing, or matplotlib is.
    DataError
        Nothing to draw, or not built.

    Examples
    --------
    >>> import varhouse
    >>> from varhouse.plot import qq
    >>> house = varhouse.connect("varhouse.duckdb")  # doctest: +SKIP
    >>> qq(house, by="test", cell_type="B")  # doctest: +SKIP
    """
    connected = connection(con)
    query, params, series, label = _choose(connected, study, trait, by, tests)
    rows = query_rows(
        connected, _RANKED.format(rows=query, series=series, per_unit=_PER_UNIT), params
    )
    found = _gather(rows)
    axes = fresh_axes(*_SIZE) if ax is None else ax
    largest = max(found, key=lambda one: one.n)
    _draw_band(axes, largest)
    for i, one in enumerate(found):
        expected = -np.log10(one.place / (one.n + 1))
        name = f"{in_lines(one.name)}: " if one.name else ""
        colour, marker = look_of(i)
        axes.plot(
            expected, one.log10p, linestyle="none", marker=marker,
            markersize=3.5, markeredgewidth=0, color=colour,
            label=f"{name}$\\lambda$ = {one.lambda_gc:.3f}",
        )  # fmt: skip
    axes.legend(loc="upper left", frameon=False, fontsize=8.5, handletextpad=0.3)
    axes.set_xlabel("expected $-\\log_{10}\\,p$")
    axes.set_ylabel("observed $-\\log_{10}\\,p$")
    axes.set_xlim(0, None)
    axes.set_ylim(0, None)
    open_frame(axes)
    n_points, n_drawn = sum(one.n for one in found), sum(one.place.size for one in found)
    drawn = "all drawn" if n_points == n_drawn else f"{n_drawn:,} drawn"
    headline(axes, label, f"{n_points:,} p-values ({drawn}); band: 95 % for n = {largest.n:,}")
    return axes


def _choose(
    con: duckdb.DuckDBPyConnection,
    study: str | None,
    trait: str | None,
    by: str,
    tests: GeneTests,
) -> tuple[str, dict[str, Any], str, str]:
    """Return the rows to draw as SQL with parameters, what tells them apart, and a title."""
    if study is not None or trait is not None:
        refuse_tests(tests)
        chosen = select_associations(con, study, trait)
        return chosen.query, dict(chosen.params), "''", chosen.label
    if by == "cell_type":
        selected = select_tests(con, tests)
        return selected.query, selected.params, "cell_type", f"Genes: {selected.label}"
    if by != "test":
        raise UsageError(f"by: found {by!r}; wanted cell_type or test.")
    selected = select_all_tests(con, tests)
    cell_types = cell_types_of(con, selected)
    if len(cell_types) > 1:
        raise UsageError(f"by test: in which cell type? Name one: {', '.join(cell_types)}.")
    return selected.query, selected.params, _TEST_NAME, f"Genes in {cell_types[0]}"


def _gather(rows: list[tuple[Any, ...]]) -> list[_Series]:
    by_name: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        by_name.setdefault(row[0], []).append(row)
    return [
        _Series(
            name,
            points[0][1],
            np.array([row[2] for row in points], dtype=float),
            np.array([row[3] for row in points], dtype=float),
            genomic_control([points[0][4]]),
        )
        for name, points in by_name.items()
    ]


def null_band(place: Float, n: int) -> tuple[Float, Float]:
    """Return -log10 of the p-values that bound 95 % of a rank's among ``n`` uniform ones.

    The r-th smallest of n independent uniform values has a Beta(r, n - r + 1) law.

    Parameters
    ----------
    place
        Ranks, 1 for the smallest p-value.
    n
        Number of tests.
    """
    tail = (1 - _BAND) / 2
    low = -np.log10(special.betaincinv(place, n - place + 1, 1 - tail))
    high = -np.log10(special.betaincinv(place, n - place + 1, tail))
    return low, high


def _draw_band(axes: Any, series: _Series) -> None:
    expected = -np.log10(series.place / (series.n + 1))
    low, high = null_band(series.place, series.n)
    axes.fill_between(expected, low, high, color="#dddddd", linewidth=0)
    axes.plot([0, expected.max()], [0, expected.max()], color=GREY, linewidth=0.9)
