"""SKAT-O as published, with its approximations: for comparison with programs that use it.

Lee et al. (2012), Biostatistics 13, 762-775, doi:10.1093/biostatistics/kxs014, equations 7 to 9.
Unlike `varhouse.numerics.skat_o`: quantiles of Q_rho come from matched moments, rho = 1 is 0.999,
and the term linear in the burden score only widens the law of the rest. Its integral is taken over
the upper tail, so that nothing cancels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from varhouse.numerics.mixture import mixture_log_sf
from varhouse.numerics.mixture_approximations import match_moments
from varhouse.numerics.skat import positive_eigenvalues
from varhouse.numerics.skat_o import RHO

Float = npt.NDArray[np.float64]

_LARGEST_RHO = 0.999
_PANEL = 0.5
_NOTHING = 1e-12
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(12)


def skat_o_lee_log_p(scores: Float, covariance: Float) -> float:
    """Return log p by the published approximation.

    Parameters
    ----------
    scores
        Shape (m,): see `varhouse.numerics.skat.ScoreSet`.
    covariance
        Shape (m, m).
    """
    m = len(scores)
    if m == 1:
        return float(mixture_log_sf(scores @ scores, positive_eigenvalues(covariance))[0])
    rho = np.minimum(np.array(RHO), _LARGEST_RHO)
    squares, burden = float(scores @ scores), float(scores.sum()) ** 2
    each, spectra = [], []
    for r in rho:
        root = np.sqrt(1.0 - r)
        extra = (np.sqrt(1.0 - r + r * m) - root) / m
        rows = covariance.sum(axis=0)
        mixed = (
            (1.0 - r) * covariance
            + root * extra * (rows[:, None] + rows[None, :])
            + extra**2 * covariance.sum()
        )
        spectra.append(positive_eigenvalues(mixed))
        each.append(float(mixture_log_sf((1.0 - r) * squares + r * burden, spectra[-1])[0]))
    target = min(each)
    q = np.array([_matched_quantile(target, spectrum) for spectrum in spectra])
    log_p = _integral(q, rho, covariance)
    return min(log_p, target + float(np.log(len(rho))))


def _matched_quantile(log_p: float, spectrum: Float) -> float:
    found = match_moments(spectrum, modified=True)
    quantile = _chi2_isf(log_p, found.df)
    return float((quantile - found.df) / np.sqrt(2.0 * found.df) * found.sd + found.mean)


def _chi2_isf(log_p: float, df: float) -> float:
    """Return the upper quantile of a chi-square, also for p below the doubles."""
    x = float(special.chdtri(df, np.exp(max(log_p, -600.0))))
    for _ in range(100):
        value = float(mixture_log_sf(x, [1.0], [df])[0])
        log_density = (
            (0.5 * df - 1.0) * np.log(x) - 0.5 * x - 0.5 * df * np.log(2.0)
            - float(special.gammaln(0.5 * df))
        )  # fmt: skip
        move = (value - log_p) * float(np.exp(value - log_density))
        x = max(x + move, 0.5 * x)
        if abs(move) < 1e-13 * x:
            break
    return x


def _integral(q: Float, rho: Float, covariance: Float) -> float:
    """Return log of the integral over z of P(rest above the lowest line | burden score z)."""
    g = float(covariance.sum())
    a = covariance.sum(axis=0) / np.sqrt(g)
    rest = covariance - np.outer(a, a)
    tau = rho * g + (1.0 - rho) * float(a @ a)
    intercept, slope = q / (1.0 - rho), tau / (1.0 - rho)
    if float(np.trace(rest)) <= _NOTHING * float(np.trace(covariance)):
        end = float(np.sqrt(np.min(intercept / slope)))
        return float(np.log(2.0) + special.log_ndtr(-end))
    spectrum = positive_eigenvalues(rest)
    cross = 4.0 * float(a @ rest @ a)
    mean, own = float(spectrum.sum()), 2.0 * float(spectrum @ spectrum)
    squeeze = float(np.sqrt(own / (own + cross)))
    # from there on the squeezed threshold is below 0
    end = float(np.sqrt(np.min((intercept + mean * (1.0 - squeeze) / squeeze) / slope)))
    z, weights = _grid(intercept, slope, end)
    lowest = np.min(intercept[:, None] - slope[:, None] * z**2, axis=0)
    log_tail, _ = mixture_log_sf((lowest - mean) * squeeze + mean, spectrum)
    log_terms = np.log(2.0 * weights) - 0.5 * z**2 - 0.5 * np.log(2.0 * np.pi) + log_tail
    beyond = np.log(2.0) + float(special.log_ndtr(-end))
    return float(np.logaddexp(special.logsumexp(log_terms), beyond))


def _grid(intercept: Float, slope: Float, end: float) -> tuple[Float, Float]:
    """Return Gauss-Legendre nodes and weights on [0, end], panels ending where lines cross."""
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = np.subtract.outer(intercept, intercept) / np.subtract.outer(slope, slope)
    inside = squares[np.isfinite(squares) & (squares > 0) & (squares < end**2)]
    regular = np.linspace(0.0, end, int(np.ceil(end / _PANEL)) + 1)
    edges = np.unique(np.concatenate([regular, np.sqrt(inside)]))
    half = 0.5 * np.diff(edges)
    z = (edges[:-1] + half)[:, None] + half[:, None] * _NODES
    return z.reshape(-1), (half[:, None] * _NODE_WEIGHTS).reshape(-1)
