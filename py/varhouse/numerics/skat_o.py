"""SKAT-O: the best mixture of a burden test and SKAT, with the price of the choice exactly paid.

Q_rho = (1 - rho) S'S + rho (1'S)^2 on a grid of rho; the statistic is T, the smallest p of the grid
(Lee et al. 2012, Biostatistics 13, 762-775, doi:10.1093/biostatistics/kxs014). Given the
standardised burden score x = 1'S / sqrt(g), g = 1'Phi 1, the rest w = S - Phi 1 x / sqrt(g) is
normal and independent of x, and Q_rho < q_rho for every rho says that

    w'w + 2 x a'w < delta(x),  a = Phi 1 / sqrt(g),
    delta(x) = min over rho < 1 of (q_rho - rho g x^2) / (1 - rho) - x^2 a'a.

So the p-value is one integral over x of the tail of a quadratic form with a linear term, without
moment matching.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import special

from varhouse.numerics.mixture import mixture_log_sf
from varhouse.numerics.skat import positive_eigenvalues
from varhouse.numerics.tails import log_chi2_1

Float = npt.NDArray[np.float64]

RHO = (0.0, 0.01, 0.04, 0.09, 0.25, 0.5, 1.0)
"""The grid of the published test."""

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(12)
_PANEL = 1.0
_QUANTILE_STEPS = 50
_QUANTILE_TOLERANCE = 1e-10
_TOLERANCE = 1e-12


def skat_o_log_p(scores: Float, covariance: Float) -> tuple[float, float, Float]:
    """Return log p of SKAT-O for one phenotype.

    Parameters
    ----------
    scores
        Shape (m,): see `varhouse.numerics.skat.ScoreSet`.
    covariance
        Shape (m, m).

    Returns
    -------
    log_p
        Natural logarithm of the p-value.
    rho
        Where the smallest p of the grid is; the first of several.
    each
        Shape (7,): log p of Q_rho for every rho of `RHO`.
    """
    burden_variance = float(covariance.sum())
    a = covariance.sum(axis=0)
    trace = float(np.trace(covariance))
    if burden_variance <= _TOLERANCE * trace:
        # the weighted variants cancel in every donor: no burden is left to mix in
        eigenvalues = positive_eigenvalues(covariance)
        alone = float(mixture_log_sf(scores @ scores, eigenvalues)[0])
        return alone, 0.0, np.full(len(RHO), alone)
    a = a / np.sqrt(burden_variance)
    spectra = [_spectrum(covariance, rho) for rho in RHO]
    width = max(spectrum.size for spectrum in spectra)
    eigenvalues = np.stack([np.pad(s, (0, width - s.size)) for s in spectra])
    rho = np.array(RHO)
    burden = float(scores.sum()) ** 2
    statistics = (1.0 - rho) * float(scores @ scores) + rho * burden
    each, _ = mixture_log_sf(statistics, eigenvalues)
    each[-1] = log_chi2_1(burden / burden_variance)
    best = int(np.argmin(each))
    smallest = float(each[best])
    quantiles = _quantiles(smallest, statistics, each, eigenvalues)
    rest = covariance - np.outer(a, a)
    log_p = _integral(smallest, quantiles, burden_variance, a, rest)
    return log_p, RHO[best], each


def _spectrum(covariance: Float, rho: float) -> Float:
    """Return the eigenvalues of R^(1/2) Phi R^(1/2) with R = (1 - rho) I + rho 11'."""
    m = covariance.shape[0]
    if rho == 0.0:
        return positive_eigenvalues(covariance)
    if rho == 1.0:
        return np.array([float(covariance.sum())])
    # R has eigenvalue 1 - rho, and 1 - rho + rho m along 1: its root is of the same form
    root = np.sqrt(1.0 - rho)
    extra = (np.sqrt(1.0 - rho + rho * m) - root) / m
    rows = covariance.sum(axis=0)
    cross = root * extra * (rows[:, None] + rows[None, :])
    return positive_eigenvalues((1.0 - rho) * covariance + cross + extra**2 * covariance.sum())


def _quantiles(target: float, start: Float, log_p: Float, eigenvalues: Float) -> Float:
    """Return q with log P(Q_rho > q) = target for each rho < 1, by secants from a known p."""
    q, value = start[:-1].copy(), log_p[:-1].copy()
    spectra = eigenvalues[:-1]
    largest = spectra.max(axis=1)
    # far out the tail falls as exp(-q / (2 largest))
    slope = -0.5 / largest
    for _ in range(_QUANTILE_STEPS):
        off = value - target
        todo = np.abs(off) > _QUANTILE_TOLERANCE * max(1.0, abs(target))
        if not todo.any():
            break
        following = np.where(todo, np.maximum(q - off / slope, 0.2 * q), q)
        new = value.copy()
        new[todo] = mixture_log_sf(following[todo], spectra[todo])[0]
        moved = todo & (following != q)
        slope[moved] = np.minimum(
            (new[moved] - value[moved]) / (following[moved] - q[moved]), -1e-3 / largest[moved]
        )
        q, value = following, new
    return q


def _integral(target: float, q: Float, g: float, a: Float, rest: Float) -> float:
    """Return log(T + 2 * integral of phi(x) P(w'w + 2 x a'w > delta(x)) over 0 < x < x_1)."""
    values, vectors = np.linalg.eigh(rest)
    kept = values > _TOLERANCE * values.size * max(float(values[-1]), 0.0)
    mu = values[kept]
    alpha = (vectors[:, kept].T @ a) * np.sqrt(mu)
    if mu.size == 0 or mu[-1] <= _TOLERANCE * g:
        return target
    rho = np.array(RHO[:-1])
    # as lines in x^2: intercept - slope x^2
    intercept = q / (1.0 - rho)
    slope = rho * g / (1.0 - rho) + float(a @ a)
    end = float(-special.ndtri_exp(target - np.log(2.0)))
    x, weights = _grid(intercept, slope, end)
    delta = np.min(intercept[:, None] - slope[:, None] * x**2, axis=0)
    log_tail, _ = mixture_log_sf(delta, mu, 1.0, x[:, None] * alpha[None, :])
    log_terms = np.log(weights) - 0.5 * x**2 - 0.5 * np.log(2.0 * np.pi) + log_tail
    return float(np.logaddexp(target, np.log(2.0) + special.logsumexp(log_terms)))


def _grid(intercept: Float, slope: Float, end: float) -> tuple[Float, Float]:
    """Return Gauss-Legendre nodes and weights on [0, end], panels ending where delta has a kink."""
    cuts = [0.0, end]
    for i in range(intercept.size):
        for j in range(i):
            if slope[i] != slope[j]:
                square = (intercept[i] - intercept[j]) / (slope[i] - slope[j])
                height = intercept[i] - slope[i] * square
                lowest = np.min(intercept - slope * square)
                if 0 < square < end**2 and height <= lowest + 1e-9 * abs(height):
                    cuts.append(float(np.sqrt(square)))
    edges = np.unique(cuts)
    pieces = [
        np.linspace(low, high, int(np.ceil((high - low) / _PANEL)) + 1)
        for low, high in pairwise(edges)
        if high > low
    ]
    low = np.concatenate([piece[:-1] for piece in pieces])
    half = 0.5 * np.concatenate([np.diff(piece) for piece in pieces])
    x = (low + half)[:, None] + half[:, None] * _NODES
    return x.reshape(-1), (half[:, None] * _NODE_WEIGHTS).reshape(-1)
