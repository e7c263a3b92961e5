"""Published approximations of the tail of a chi-square mixture, under their names.

`varhouse.numerics.mixture` is exact to rounding; these are for comparison with programs that use
them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from varhouse.numerics.mixture import mixture_log_sf, ratio_log_sf

Float = npt.NDArray[np.float64]

Method = Literal["exact", "exact_finite", "davies", "liu", "liu_modified", "saddlepoint"]
METHODS: tuple[str, ...] = get_args(Method)

DAVIES_ACCURACY = 1e-7
"""Absolute accuracy asked of the integration of the characteristic function."""

_DAVIES_TERMS = 1 << 20
_CHUNK = 1 << 12
_GRID = np.linspace(0.02, 0.98, 49)
_MAX_STEPS = 200
_AT_MEAN = 1e-4


class TailProbability(NamedTuple):
    """``log_p``, natural; ``error`` relative to p, NaN where the method has no estimate."""

    log_p: float
    error: float
    method: str


def skat_p(
    q: float, eigenvalues: Float, *, method: Method = "exact", df: int | None = None
) -> TailProbability:
    """Return P(sum_i lambda_i chi-square_1 > q) by a named method.

    Parameters
    ----------
    q
        A statistic S'S.
    eigenvalues
        Shape (m,), above 0: of the covariance of S.
    method
        ``exact`` (the law with a known residual variance) and ``exact_finite`` (normal errors of
        estimated variance) by contour integrals; ``davies``, ``liu``, ``liu_modified`` and
        ``saddlepoint`` see the functions of this module.
    df
        Residual degrees of freedom, for ``exact_finite``.

    Raises
    ------
    ValueError
        An unknown method, ``exact_finite`` without ``df``, or no eigenvalue above 0.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r} is not one of {', '.join(METHODS)}")
    weights = np.asarray(eigenvalues, dtype=np.float64)
    if weights.size == 0 or not np.all(weights > 0):
        raise ValueError("eigenvalues have to be above 0, and at least one")
    if method == "exact_finite":
        if df is None:
            raise ValueError("method 'exact_finite' wants the residual degrees of freedom")
        found = ratio_log_sf(np.array([q]), weights, df)
        return TailProbability(float(found[0][0]), float(found[1][0]), method)
    if method == "exact":
        found = mixture_log_sf(q, weights)
        return TailProbability(float(found[0]), float(found[1]), method)
    if method == "davies":
        p, error = davies(q, weights)
        with np.errstate(divide="ignore"):
            return TailProbability(float(np.log(p)), error / p if p > 0 else np.inf, method)
    if method == "saddlepoint":
        return TailProbability(kuonen(q, weights), float("nan"), method)
    return TailProbability(liu(q, weights, modified=method == "liu_modified"), float("nan"), method)


class Moments(NamedTuple):
    """The non-central chi-square whose standardised moments come near those of a mixture."""

    mean: float
    sd: float
    df: float
    noncentrality: float
    matched_mean: float
    matched_sd: float


def match_moments(eigenvalues: Float, *, modified: bool) -> Moments:
    """Match skewness, and kurtosis as far as that goes [1]_.

    Parameters
    ----------
    eigenvalues
        Shape (r,), positive: weights of the chi-squares.
    modified
        Where both cannot be matched, keep the kurtosis [2]_ instead of the skewness [1]_.

    Returns
    -------
    Moments
        Mean and standard deviation of the mixture, and the law that stands in for it.

    References
    ----------
    .. [1] Liu, Tang & Zhang (2009), Comput. Stat. Data Anal. 53, 853-856,
       doi:10.1016/j.csda.2008.11.025.
    .. [2] Lee et al. (2012), Biostatistics 13, 762-775, doi:10.1093/biostatistics/kxs014.
    """
    c1, c2, c3, c4 = (float(np.sum(eigenvalues**k)) for k in (1, 2, 3, 4))
    s1, s2 = c3 / c2**1.5, c4 / c2**2
    noncentrality = 0.0
    if s1**2 > s2:
        a = 1.0 / (s1 - np.sqrt(s1**2 - s2))
        noncentrality = float(s1 * a**3 - a**2)
        df = float(a**2 - 2.0 * noncentrality)
    elif modified:
        df = 1.0 / s2
        a = np.sqrt(df)
    else:
        df = 1.0 / s1**2
        a = 1.0 / s1
    return Moments(
        c1, float(np.sqrt(2.0 * c2)), df, noncentrality, df + noncentrality, float(np.sqrt(2.0) * a)
    )


def liu(q: float, eigenvalues: Float, *, modified: bool) -> float:
    """Return log P(mixture > q) by the moments of `match_moments`.

    Parameters
    ----------
    q
        The statistic, in the units of the eigenvalues.
    eigenvalues, modified
        As in `match_moments`.
    """
    found = match_moments(eigenvalues, modified=modified)
    x = (q - found.mean) / found.sd * found.matched_sd + found.matched_mean
    if x <= 0:
        return 0.0
    if found.noncentrality > 0:
        return float(stats.ncx2.logsf(x, found.df, found.noncentrality))
    return float(mixture_log_sf(x, [1.0], [found.df])[0])


def kuonen(q: float, eigenvalues: Float) -> float:
    """Return log P(mixture > q) by the saddle-point approximation of Lugannani and Rice [1]_.

    It is Phi(-r) with r = w + log(v / w) / w.

    Parameters
    ----------
    q
        The statistic, in the units of the eigenvalues.
    eigenvalues
        Shape (r,), positive: weights of the chi-squares.

    References
    ----------
    .. [1] D. Kuonen (1999), Biometrika 86, 929-935, doi:10.1093/biomet/86.4.929.
    """
    w_all = eigenvalues / eigenvalues.max()
    x = q / float(eigenvalues.max())
    mean, variance = float(w_all.sum()), 2.0 * float(w_all @ w_all)
    if x <= 0:
        return 0.0
    off = (x - mean) / np.sqrt(variance)
    if abs(off) < _AT_MEAN:
        # the formula is 0 / 0 at the mean; its limit there
        skewness = 8.0 * float(np.sum(w_all**3)) / variance**1.5
        return float(special.log_ndtr(-off - skewness / 6.0))

    def slopes(t: float) -> tuple[float, float]:
        u = w_all / (1.0 - 2.0 * t * w_all)
        return float(u.sum()) - x, 2.0 * float(u @ u)

    low, high = (0.0, 0.5) if off > 0 else (-0.5 * w_all.size / x, 0.0)
    t = 0.5 * (low + high)
    for _ in range(_MAX_STEPS):
        first, second = slopes(t)
        low, high = (t, high) if first < 0 else (low, t)
        proposal = t - first / second
        following = proposal if low < proposal < high else 0.5 * (low + high)
        if abs(following - t) <= 1e-14 * abs(t):
            break
        t = following
    k = -0.5 * float(np.sum(np.log1p(-2.0 * t * w_all)))
    w = float(np.sign(t) * np.sqrt(2.0 * (t * x - k)))
    v = t * float(np.sqrt(slopes(t)[1]))
    return float(special.log_ndtr(-(w + np.log(v / w) / w)))


def davies(
    q: float, eigenvalues: Float, *, accuracy: float = DAVIES_ACCURACY
) -> tuple[float, float]:
    """Return P and its absolute error by integrating the characteristic function.

    R. B. Davies (1980), Appl. Stat. 29, 323-333, doi:10.2307/2346911: the trapezoid sum
    1/2 + sum_k sin(theta(u_k)) / (pi (k + 1/2) rho(u_k)), u_k = (k + 1/2) step. The step is chosen
    by Chernoff's bound on the tails that it folds in, the end by the bound on what is left out;
    with few eigenvalues the sum is long, and cut at a million terms: see the error.

    Parameters
    ----------
    q
        Threshold.
    eigenvalues
        Shape (m,), above 0.
    accuracy
        Absolute error asked for.
    """
    w = eigenvalues / eigenvalues.max()
    x = q / float(eigenvalues.max())
    if x <= 0:
        return 1.0, 0.0
    # P(Q > reach) <= exp(K(t) - t reach) for every t
    t = 0.5 * _GRID
    bound = -0.5 * np.log1p(-2.0 * t[:, None] * w).sum(axis=1)
    reach = float(np.min((bound - np.log(0.5 * accuracy)) / t))
    step = np.pi / max(reach - x, x)
    total, error, start = 0.0, np.inf, 0
    while start < _DAVIES_TERMS:
        k = start + np.arange(_CHUNK) + 0.5
        y = 2.0 * k[:, None] * step * w
        theta = 0.5 * np.arctan(y).sum(axis=1) - k * step * x
        log_rho = 0.25 * np.log1p(y * y).sum(axis=1)
        total += float(np.sum(np.sin(theta) * np.exp(-log_rho) / (np.pi * k)))
        start += _CHUNK
        # beyond, rho grows at least as u^(m' / 2) with the m' weights for which y is above 1
        n_large = int(np.sum(y[-1] > 1.0))
        error = 2.0 / (np.pi * max(n_large, 1)) * float(np.exp(-log_rho[-1])) * 2.0 ** (n_large / 4)
        if error < 0.5 * accuracy:
            break
    return min(max(0.5 + total, 0.0), 1.0), error + 0.5 * accuracy
