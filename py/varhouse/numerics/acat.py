"""Combination of p-values by the Cauchy distribution (ACAT).

Liu et al. (2019), Am. J. Hum. Genet. 104, 410-421, doi:10.1016/j.ajhg.2019.01.002, equation 1:
T = sum_i w_i tan((1/2 - p_i) pi) with weights that add up to 1, p = 1/2 - arctan(T) / pi.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Status = Literal["ok", "no_p_values", "invalid_p", "invalid_weight", "zero_p"]

# from here down cot(p pi) is 1 / (p pi) to the last bit
_SMALL_LOG_P = np.log(1e-9)


def acat(
    p_values: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    *,
    log_p: npt.ArrayLike | None = None,
) -> tuple[float, Status]:
    """Combine p-values; dependence between them hardly matters in the tail.

    NaNs are left out together with their weights, and so are entries of weight 0. A p of exactly 1
    is taken for 1 - 1 / n, so that one of them cannot erase the others.

    Parameters
    ----------
    p_values
        Shape (n,), in [0, 1] or NaN.
    weights
        Shape (n,), at least 0; equal when None.
    log_p
        Natural logarithms of p-values instead, for p below the doubles.

    Returns
    -------
    log_p
        Natural logarithm of the combined p-value; NaN unless the status is ``ok``.
    status
        ``no_p_values`` when none is left; ``invalid_p`` for one outside [0, 1]; ``zero_p`` for one
        of 0, which is an underflow (give ``log_p``); ``invalid_weight`` for one below 0, infinite
        or NaN, or when all are 0.

    Raises
    ------
    ValueError
        Both or neither of ``p_values`` and ``log_p`` are given, or shapes differ.
    """
    if (p_values is None) == (log_p is None):
        raise ValueError("give either p_values or log_p")
    if log_p is None:
        p = np.asarray(p_values, dtype=np.float64).reshape(-1)
        if np.any((p < 0) | (p > 1)):
            return float("nan"), "invalid_p"
        with np.errstate(divide="ignore"):
            logs = np.log(p)
    else:
        logs = np.asarray(log_p, dtype=np.float64).reshape(-1)
        if np.any(logs > 0):
            return float("nan"), "invalid_p"
        p = np.exp(logs)
    w = np.ones(p.shape) if weights is None else np.asarray(weights, dtype=np.float64).reshape(-1)
    if w.shape != p.shape:
        raise ValueError(f"{w.size} weights for {p.size} p-values")
    there = ~np.isnan(p)
    if not there.any():
        return float("nan"), "no_p_values"
    if np.any(~np.isfinite(w[there]) | (w[there] < 0)) or not np.any(w[there] > 0):
        return float("nan"), "invalid_weight"
    there &= w > 0
    if np.any(logs[there] == -np.inf):
        return float("nan"), "zero_p"
    return float(acat_many(logs[there], np.zeros(1, np.int64), w[there])[0]), "ok"


def acat_many(log_p: Float, starts: npt.NDArray[np.int64], weights: Float | None = None) -> Float:
    """Combine many groups of p-values; see `acat`.

    Parameters
    ----------
    log_p
        Shape (z,): natural logarithms of p-values, finite and at most 0, group after group.
    starts
        Shape (g,): where each group starts; none is empty.
    weights
        Shape (z,): finite and above 0; equal within each group when None.

    Returns
    -------
    numpy.ndarray
        Shape (g,): natural logarithms of the combined p-values.
    """
    n = np.diff(np.append(starts, log_p.size))
    group = np.repeat(np.arange(starts.size), n)
    p = np.exp(log_p)
    if weights is None:
        share = 1.0 / n[group]
    else:
        # first by the largest, so that the sum of huge weights stays finite
        scaled_weights = weights / np.maximum.reduceat(weights, starts)[group]
        share = scaled_weights / np.add.reduceat(scaled_weights, starts)[group]
    all_one = np.logical_and.reduceat(p == 1.0, starts)
    p = np.where((p == 1.0) & ~all_one[group], 1.0 - 1.0 / n[group], p)
    small = log_p < _SMALL_LOG_P
    cot = np.where(small, 0.0, np.cos(np.pi * p) / np.sin(np.pi * np.where(small, 0.5, p)))
    rest = np.add.reduceat(cot * share, starts)
    parts = np.where(small, np.log(share / np.pi) - log_p, -np.inf)
    top = np.maximum.reduceat(parts, starts)
    has_small = np.isfinite(top)
    top = np.where(has_small, top, 0.0)
    tiny = np.add.reduceat(np.where(small, np.exp(parts - top[group]), 0.0), starts)
    scaled = tiny + rest * np.exp(-top)
    near = (scaled <= 0) | (top < 30)
    with np.errstate(invalid="ignore"):
        far = -top - np.log(np.where(near, 1.0, scaled)) - np.log(np.pi)
    found = np.where(
        near, np.log(np.arctan2(1.0, scaled * np.exp(np.minimum(top, 30.0))) / np.pi), far
    )
    return np.where(all_one, 0.0, found)
