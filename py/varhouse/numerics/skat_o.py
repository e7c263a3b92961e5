"""SKAT-O: the best mixture of a burden test and SKAT, with the price of the choice exactly paid.

Q_rho = (1 - rho) S'S + rho (1'S)^2 on a grid of rho; the statistic is T, the smallest p of the grid
(Lee et al. 2012, Biostatistics 13, 762-775, doi:10.1093/biostatistics/kxs014). Given the
standardised burden score x = 1'S / sqrt(g), g = 1'Phi 1, the rest w = S - a x, a = Phi 1 / sqrt(g),
is normal and independent of x. With mu_i the eigenvalues of its covariance Phi - aa' and alpha_i
the coordinates of a along them times sqrt(mu_i),

    log E[exp(z S'S) | x] = B(z) + (1 - r(z)) x^2 / 2,
    B(z) = -1/2 sum_i log(1 - 2 z mu_i),
    r(z) = 1 - 2 z a'a - 4 z^2 sum_i alpha_i^2 / (1 - 2 z mu_i).

Everything follows from these two functions, and so from one eigendecomposition: with
theta = rho g / (1 - rho), Q_rho / (1 - rho) has the cumulant generating function
B(z) - 1/2 log(r(z) - 2 z theta); and Q_rho < q_rho for every rho says that |x| < x_1 and that S'S
stays below the lowest of the lines q_rho / (1 - rho) - theta x^2 in x^2, so that the p-value is one
contour integral a line, in which the integral over x is an error function. Nothing is matched by
moments.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from varhouse.numerics.skat_o_common import CommonPath
from varhouse.numerics.skat_o_laws import Grid, Kernel
from varhouse.numerics.skat_o_pieces import Pieces, Slices
from varhouse.numerics.tails import log_chi2_1

Float = npt.NDArray[np.float64]

RHO = (0.0, 0.01, 0.04, 0.09, 0.25, 0.5, 1.0)
"""The grid of the published test."""

_SHARED_ERROR = 1e-8
_PANEL = 1.0
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(20)


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
    found = SkatO(covariance).test(scores)
    return found.log_p, found.rho, found.each


class SkatOTest(NamedTuple):
    """Result for one phenotype: see `skat_o_log_p`; errors are relative, in p.

    The first of ``each`` is SKAT itself; ``skat_error`` is its error.
    """

    log_p: float
    rho: float
    each: Float
    error: float
    skat_error: float


class SkatO:
    """The test for one covariance, which phenotypes share.

    Parameters
    ----------
    covariance
        Shape (m, m), with a trace above 0; only the upper triangle is read.
    direction
        Shape (m,): what scores are multiplied by to add up to the burden's, 1 where it is None. If
        variants with equal genotypes have weights w_j, their joint score is that of one of them
        with weight sqrt(sum w_j^2), and its direction is sum w_j over that: S'S, the burden and
        all laws are those of the variants taken apart.
    """

    def __init__(self, covariance: Float, direction: Float | None = None) -> None:
        self._direction = np.ones(len(covariance)) if direction is None else direction
        self._kernel = Kernel(covariance, self._direction)

    def test(self, scores: Float) -> SkatOTest:
        """Test one phenotype's scores, shape (m,)."""
        kernel = self._kernel
        squares = float(scores @ scores) / kernel.trace
        if not kernel.has_burden:
            only, _, errors = Grid(kernel, np.zeros(1)).log_tails(np.array([squares]))
            each, error = np.repeat(only, len(RHO)), float(errors[0])
            return SkatOTest(float(only[0]), 0.0, each, error, error)
        burden = float(scores @ self._direction) ** 2 / kernel.trace
        alone = float(log_chi2_1(burden / kernel.g))
        if kernel.mu.size == 0:
            # S is a multiple of x: every Q_rho says the same
            return SkatOTest(alone, 0.0, np.full(len(RHO), alone), 0.0, 0.0)
        grid = self._grid
        thresholds = squares + grid.rho / (1.0 - grid.rho) * burden
        path = CommonPath(grid, thresholds)
        log_p, errors = path.log_tails()
        each = np.append(log_p, alone)
        best = int(np.argmin(each))
        target = float(each[best])
        if target == 0.0:
            return SkatOTest(0.0, RHO[best], each, 0.0, float(errors[0]))
        log_total, error = _either(grid, path.isf(target), target)
        worst = max(error, float(errors.max()))
        return SkatOTest(log_total, RHO[best], each, worst, float(errors[0]))

    @cached_property
    def _grid(self) -> Grid:
        return Grid(self._kernel, np.array(RHO[:-1]))


def _either(grid: Grid, q: Float, target: float) -> tuple[float, float]:
    """Return log(T + P(|x| < x_1 and S'S above the lowest line)) and its relative error."""
    end = float(-special.ndtri_exp(target - np.log(2.0)))
    line, low, high = _pieces(q, grid.theta, end)
    if not line.size:
        return target, 0.0
    log_p, error = Pieces(grid.kernel, q[line], grid.theta[line], low, high).log_p()
    if not error < _SHARED_ERROR:
        # far out the pieces differ too much for one path
        log_p, error = _sliced(grid, q[line], grid.theta[line], low, high)
    total = float(np.logaddexp(target, log_p))
    return min(total, 0.0), error * float(np.exp(log_p - total))


def _sliced(grid: Grid, q: Float, theta: Float, low: Float, high: Float) -> tuple[float, float]:
    """Return the same as `Pieces.log_p` by a sum over x, with a path for each."""
    counts = np.ceil((high - low) / _PANEL).astype(int)
    piece = np.repeat(np.arange(q.size), counts)
    part = np.concatenate([np.arange(count) for count in counts])
    half = 0.5 * ((high - low) / counts)[piece]
    x = (low[piece] + (2 * part + 1) * half)[:, None] + half[:, None] * _NODES
    weights = np.log(2.0 * half[:, None] * _NODE_WEIGHTS)
    thresholds = (q[piece][:, None] - theta[piece][:, None] * x**2).reshape(-1)
    flat = x.reshape(-1)
    log_tail, errors = Slices(grid.kernel, thresholds, flat).log_sf()
    terms = weights.reshape(-1) - 0.5 * flat**2 - 0.5 * np.log(2.0 * np.pi) + log_tail
    total = float(special.logsumexp(terms))
    return total, float(errors @ np.exp(terms - total))


def _pieces(q: Float, theta: Float, end: float) -> tuple[npt.NDArray[np.int64], Float, Float]:
    """Return the lowest line on each piece of [0, end], and the piece's ends."""
    cuts = [0.0, end]
    for i in range(q.size):
        for j in range(i):
            if theta[i] != theta[j] and 0 < (x2 := (q[i] - q[j]) / (theta[i] - theta[j])) < end**2:
                cuts.append(float(np.sqrt(x2)))
    pieces: list[tuple[int, float, float]] = []
    for low, high in pairwise(np.unique(cuts)):
        lowest = int(np.argmin(q - theta * (0.5 * (low + high)) ** 2))
        if pieces and pieces[-1][0] == lowest:
            pieces[-1] = (lowest, pieces[-1][1], float(high))
        elif high > low:
            pieces.append((lowest, float(low), float(high)))
    lines, lows, highs = zip(*pieces, strict=True) if pieces else ((), (), ())
    return np.array(lines, dtype=np.int64), np.array(lows), np.array(highs)
