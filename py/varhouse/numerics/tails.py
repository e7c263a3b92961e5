"""Log tails of the normal, t and chi-square laws that do not underflow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Float = npt.NDArray[np.float64]

_TINY = 1e-280
_MAX_TERMS = 10_000


def log_t_two_sided(t: npt.ArrayLike, df: npt.ArrayLike) -> Float:
    """Return log P(|T| > |t|) for Student's t, accurate where P itself is below the doubles.

    P is the regularised incomplete beta function I_x(df/2, 1/2) at x = df / (df + t^2); where it
    is small, its hypergeometric series is summed in logs (NIST DLMF 8.17.8).

    Parameters
    ----------
    t, df
        Statistics and degrees of freedom; broadcast against each other.

    Returns
    -------
    ndarray
        Natural logarithms, in the common shape.
    """
    statistic, freedom = np.broadcast_arrays(
        np.abs(np.asarray(t, dtype=np.float64)), np.asarray(df, dtype=np.float64)
    )
    a = 0.5 * freedom
    x = freedom / (freedom + statistic**2)
    with np.errstate(divide="ignore"):
        direct = special.betainc(a, 0.5, x)
        log_p = np.log(direct)
    deep = (direct < _TINY) & np.isfinite(statistic)
    if deep.any():
        log_p = np.array(log_p)
        log_p[deep] = _log_beta_tail(a[deep], x[deep])
    return np.asarray(log_p, dtype=np.float64)


def _log_beta_tail(a: Float, x: Float) -> Float:
    """Return log I_x(a, 1/2) for small x by the series of 2F1(a + 1/2, 1; a + 1; x)."""
    term = np.ones_like(x)
    total = np.ones_like(x)
    for k in range(_MAX_TERMS):
        term = term * (a + 0.5 + k) / (a + 1.0 + k) * x
        total = total + term
        if np.all(term < 1e-17 * total):
            break
    return a * np.log(x) + 0.5 * np.log1p(-x) - np.log(a) - special.betaln(a, 0.5) + np.log(total)


def log_chi2_1(x: npt.ArrayLike) -> Float:
    """Return log P(chi-square with 1 degree of freedom > x)."""
    root = np.sqrt(np.asarray(x, dtype=np.float64))
    return np.asarray(np.log(2.0) + special.log_ndtr(-root), dtype=np.float64)


def log_complement(log_p: npt.ArrayLike) -> Float:
    """Return log(1 - p) of log p; -inf where p is 1."""
    value = np.minimum(np.asarray(log_p, dtype=np.float64), 0.0)
    with np.errstate(divide="ignore"):
        # each keeps all digits on its side of p = 1/2 (Maechler 2012, Rmpfr vignette log1mexp)
        return np.where(value > -np.log(2.0), np.log(-np.expm1(value)), np.log1p(-np.exp(value)))
