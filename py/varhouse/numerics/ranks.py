"""Rank-based inverse normal transformation."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

Float = npt.NDArray[np.float64]

Ties = Literal["average", "min", "max", "first", "half_even"]


def inverse_normal(values: npt.ArrayLike, *, offset: float = 0.5, ties: Ties = "average") -> Float:
    """Replace values by normal quantiles of their ranks; NaN stays NaN.

    z = Phi^-1((rank - offset) / (n + 1 - 2 offset)) with ranks from 1 to n: offset 1/2 gives
    Hazen's positions, 3/8 Blom's (Beasley, Erickson & Allison 2009, Behav. Genet. 39, 580-595,
    doi:10.1007/s10519-009-9281-0). Equal inputs give equal results, whatever their order, but for
    ``ties="first"``.

    Parameters
    ----------
    values
        Shape (..., n): along the last axis.
    offset
        Below 1; see above.
    ties
        Rank of equal values: their mean, smallest or largest rank, ``first`` for the order given,
        or ``half_even``: their mean rounded to a whole rank, halves to even.

    Raises
    ------
    ValueError
        A value is infinite.
    """
    x = np.asarray(values, dtype=np.float64)
    if np.any(np.isinf(x)):
        raise ValueError("values to be ranked are infinite")
    n = np.maximum(np.count_nonzero(~np.isnan(x), axis=-1, keepdims=True), 1)
    share = (_ranks(x, ties) - offset) / (n + 1.0 - 2.0 * offset)
    return np.where(np.isnan(x), np.nan, special.ndtri(share))


def _ranks(values: Float, ties: Ties) -> Float:
    """Return ranks from 1 on, as scipy.stats.rankdata does (whose import takes half a second).

    NaNs come last; their ranks mean nothing.
    """
    # equal values may be in any order where all of them get the same rank
    order = np.argsort(values, axis=-1, kind="stable" if ties == "first" else None)
    ranks = np.empty(values.shape)
    if ties == "first":
        np.put_along_axis(ranks, order, np.arange(1.0, values.shape[-1] + 1.0), axis=-1)
        return ranks
    in_order = np.take_along_axis(values, order, axis=-1)
    is_new = np.ones(values.shape, dtype=bool)
    is_new[..., 1:] = in_order[..., 1:] != in_order[..., :-1]
    where = np.flatnonzero(is_new)
    counts = np.diff(where, append=values.size)
    before = (where % max(values.shape[-1], 1)).astype(np.float64)
    middle = before + 0.5 * (counts + 1.0)
    by_value = {
        "min": before + 1.0,
        "max": before + counts,
        "average": middle,
        "half_even": np.round(middle),
    }[ties]
    np.put_along_axis(ranks, order, np.repeat(by_value, counts).reshape(values.shape), axis=-1)
    return ranks
