"""The laws behind SKAT-O, all from one eigendecomposition: see `varhouse.numerics.skat_o`."""

from __future__ import annotations

from copy import copy
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special
from scipy.linalg import blas

from varhouse.numerics.contour import (
    Complex,
    LogRatio,
    Path,
    Rows,
    stationary_point,
)
from varhouse.numerics.tails import log_complement
from varhouse.numerics.tridiagonal import spectrum_along_first, tridiagonal, with_first_axis

Float = npt.NDArray[np.float64]

TOLERANCE = 1e-12
_NEWTON_STEPS = 60
_BULK = -3.0
_MAX_PATHS = 12
_MAX_TURN = 2.0
_REACH = 4.0
_NEGLIGIBLE = 1e-9
_SOLVED = 1e-10
_ROUGH = 1e-5
_SMALLEST = 0.05
# a quantile that is far below is gone to in steps
_LEAST_CHANGE = -0.9
_BITS = 48


class Kernel:
    """The functions B and r of a covariance, in units of its trace.

    Parameters
    ----------
    covariance
        Shape (m, m), with a trace above 0; only the upper triangle is read.
    direction
        Shape (m,): see `varhouse.numerics.skat_o.SkatO`.
    """

    def __init__(self, covariance: Float, direction: Float) -> None:
        self.trace = float(np.trace(covariance))
        along = blas.dsymv(1.0, covariance.T, direction, lower=1)
        total = max(float(direction @ along), 0.0)
        # the weighted variants may cancel in every donor: no burden is left to mix in
        self.has_burden = total > TOLERANCE * self.trace
        # in units of the trace
        self.g = total / self.trace if self.has_burden else 0.0
        rest = covariance / self.trace
        self.kappa = 0.0
        if self.has_burden:
            a = along / self.trace / np.sqrt(self.g)
            self.kappa = float(a @ a)
            rest = with_first_axis(blas.dsyr(-1.0, a, a=rest.T, lower=1, overwrite_a=1).T, a)
        values, first2 = spectrum_along_first(tridiagonal(rest, overwrite=True))
        kept = values > TOLERANCE * values.size
        self.mu = np.asarray(values[kept])
        self.alpha2 = self.mu * self.kappa * first2[kept]
        weights = self.mu[:, None] ** np.arange(1, 4)
        self._sums = (
            np.column_stack([weights[:, 0], self.alpha2]),
            np.column_stack([weights[:, 1], self.mu * self.alpha2]),
            np.column_stack([weights[:, 2], self.alpha2]),
        )

    def real(self, z: Float) -> tuple[tuple[Float, Float, Float, Float], tuple[Float, ...]]:
        """Return B and r with three derivatives each at z, shape (b,), left of 1 / (2 mu)."""
        spread = 1.0 / (1.0 - 2.0 * z[:, None] * self.mu)
        square = spread * spread
        cube = square * spread
        (b1, first), (b2, second), (b3, third) = (
            (power @ sums).T for power, sums in zip((spread, square, cube), self._sums, strict=True)
        )
        fourth = (square * square) @ self._sums[1][:, 1]
        b = 0.5 * np.log(spread).sum(axis=1), b1, 2.0 * b2, 8.0 * b3
        r = (
            1.0 - 2.0 * z * self.kappa - 4.0 * z * z * first,
            -2.0 * self.kappa - 8.0 * z * first - 8.0 * z**2 * second,
            -8.0 * third,
            -48.0 * fourth,
        )
        return b, r

    def complex(self, z: Complex) -> tuple[Complex, Complex]:
        """Return B and r at z, shape (b, t)."""
        real = 1.0 - 2.0 * z.real[:, :, None] * self.mu
        imag = -2.0 * z.imag[:, :, None] * self.mu
        modulus2 = real * real + imag * imag
        angle = np.arctan2(imag, real).sum(axis=2)
        b = -0.25 * np.log(modulus2).sum(axis=2) - 0.5j * angle
        inner = (real / modulus2) @ self.alpha2 - 1j * ((imag / modulus2) @ self.alpha2)
        return b, 1.0 - 2.0 * z * self.kappa - 4.0 * z * z * inner


class QuantileMoves(NamedTuple):
    """How far to move thresholds to their quantiles, shape (b,) each.

    Attributes
    ----------
    change
        The moves.
    slope
        Of the log tail there.
    roughness
        By what share halving the step of the rule changes the tail.
    left_out
        Bound on the share of what lies beyond the last node.
    is_solved
        Whether the tail is the wanted one.
    """

    change: Float
    slope: Float
    roughness: Float
    left_out: Float
    is_solved: npt.NDArray[np.bool_]


def quantile_moves(
    values: Complex, move: Complex, c: Float, height: Float, wanted: float, start: Float,
    low: Float, high: Float,
) -> QuantileMoves:  # fmt: skip
    """Move thresholds until the tails along given paths are as wanted, by Newton's steps.

    Parameters
    ----------
    values
        Shape (b, n): terms of `Path.nodes`, which another threshold multiplies by an exponential.
    move
        Shape (b, n): the nodes less where their path crosses the real axis, ``c``.
    height
        Shape (b,): logarithm of the integrand's size there, at a change of 0.
    wanted
        The log tail: the upper one right of 0, the lower one left of it.
    start, low, high
        Shape (b,): first guess and bounds of the change.
    """
    change = np.clip(start, low, high)
    for _ in range(_NEWTON_STEPS):
        terms = values * np.exp(-move * change[:, None])
        total = terms.real.sum(axis=1)
        slope = -(terms * move).real.sum(axis=1) / total - c
        off = np.log(np.abs(total)) - c * change + height - wanted
        is_solved = np.abs(off) < _SOLVED * max(1.0, abs(wanted))
        before = change
        change = np.clip(change - np.clip(off / slope, -high, high), low, high)
        # what has to go further than it may stays where it is
        if np.all(is_solved | (change == before)):
            break
    n = terms.shape[1]
    coarse = 2.0 * terms[:, : n // 2].real.sum(axis=1)
    left_out = n * np.abs(terms[:, -1]) / np.abs(total)
    return QuantileMoves(change, slope, np.abs(coarse / total - 1.0), left_out, is_solved)


def _larger(corner: Float, other: float, square: float) -> Float:
    """Return the larger eigenvalue of [[corner, b], [b, other]], b^2 = square."""
    return np.asarray(0.5 * (corner + other) + np.sqrt(0.25 * (corner - other) ** 2 + square))


class Grid:
    """The laws of Q_rho / (1 - rho), one row for every rho below 1."""

    def __init__(self, kernel: Kernel, rho: Float) -> None:
        self.kernel = kernel
        self.rho = rho
        self.theta = rho * kernel.g / (1.0 - rho)
        self.end = self._end()
        _, self.mean, self.second, self.third = self.cumulants(np.zeros_like(rho))

    def take(self, rows: Rows) -> Grid:
        """Return the laws of some rho."""
        some = copy(self)
        for name in ("rho", "theta", "end", "mean", "second", "third"):
            setattr(some, name, getattr(self, name)[rows])
        return some

    def _end(self) -> Float:
        """Return where r(z) - 2 z theta, which falls from 1, becomes 0: the law's domain ends.

        That is 1 / (2 lambda) with the largest root of
        lambda - a'a - theta - sum_i alpha_i^2 / (lambda - mu_i), a concave function: from a Ritz
        value, which is too small, Newton's steps go up to it.
        """
        mu, alpha2 = self.kernel.mu, self.kernel.alpha2
        corner = self.kernel.kappa + self.theta
        if not mu.size:
            return np.asarray(0.5 / corner)
        total = float(alpha2.sum())
        typical = float(alpha2 @ mu) / total if total > 0 else 0.0
        root = np.maximum(_larger(corner, typical, total), _larger(corner, mu[-1], alpha2[-1]))
        root = np.maximum(root, mu[-1] * (1.0 + 1e-13))
        for _ in range(_NEWTON_STEPS):
            gap = 1.0 / (root[:, None] - mu)
            value = root - corner - gap @ alpha2
            step = value / (1.0 + (gap * gap) @ alpha2)
            root = root - np.minimum(step, 0.0)
            if np.all(step > -1e-12 * root):
                break
        return np.asarray(0.5 / root * (1.0 - 1e-9))

    def cumulants(self, z: Float) -> tuple[Float, Float, Float, Float]:
        """Return the cumulant generating functions and three derivatives at z, shape (b,)."""
        (b0, b1, b2, b3), (r0, r1, r2, r3) = self.kernel.real(z)
        level = r0 - 2.0 * z * self.theta
        x, y, w = (r1 - 2.0 * self.theta) / level, r2 / level, r3 / level
        return (
            b0 - 0.5 * np.log(level), b1 - 0.5 * x, b2 - 0.5 * (y - x**2),
            b3 - 0.5 * (w - 3.0 * x * y + 2.0 * x**3),
        )  # fmt: skip

    def log_ratio(self, q: Float, c: Float, k0: Float) -> LogRatio:
        """Return F less F(c), as `Path` wants it; k0 is K(c)."""

        def ratio(z: Complex, rows: Rows) -> Complex:
            b, r = self.kernel.complex(z)
            level = r - 2.0 * z * self.theta[rows, None]
            log_level = np.log(np.abs(level)) + 1j * np.angle(level)
            move = (z - c[rows, None]) * q[rows, None]
            return np.asarray(b - 0.5 * log_level - k0[rows, None] - move)

        return ratio

    def path(self, q: Float, c: Float) -> tuple[Path, LogRatio, Float]:
        """Return the path through c, what to integrate along it, and F(c)."""
        k0, _, k2, k3 = self.cumulants(c)
        path = Path(c, k2 + c**-2.0, k3 - 2.0 * c**-3.0)
        return path, self.log_ratio(q, c, k0), k0 - c * q - np.log(np.abs(c))

    def log_tails(self, q: Float) -> tuple[Float, Float, Float]:
        """Return log p of Q_rho / (1 - rho) above q and below, and the smaller one's error."""
        certain = q <= 0
        q = np.where(certain, self.mean, q)
        c = self.saddle_point(q, np.where(q < self.mean, -1.0, 1.0))
        path, ratio, height = self.path(q, c)
        log_size, error = path.integrate(ratio)
        tail = np.minimum(height + log_size, 0.0)
        rest = log_complement(tail)
        upper, lower = np.where(c > 0, tail, rest), np.where(c > 0, rest, tail)
        return np.where(certain, 0.0, upper), np.where(certain, -np.inf, lower), error

    def isf(self, target: float) -> Float:
        """Return q with log P(Q_rho / (1 - rho) > q) = target.

        An approximation finds a path near the right one; on its nodes, whose values do not depend
        on q, the equation is solved.
        """
        sign = np.ones(self.theta.size)
        if target > _BULK:
            q = self._matched(target)
            # the smaller tail is the one that says where q is
            sign *= 1.0 if target < np.log(0.5) else -1.0
            c = self.saddle_point(q, sign)
        else:
            c = self._laplace(target)
            q = self.cumulants(c)[1] - 1.0 / c
        rows = np.arange(q.size)
        for _ in range(_MAX_PATHS):
            some = self.take(rows)
            change, is_found = some._solve(target, q[rows], c[rows])
            q[rows] += change
            rows = rows[~is_found]
            if not rows.size:
                return q
            c[rows] = self.take(rows).saddle_point(q[rows], sign[rows])
        q[rows] = self.take(rows)._bisected(target)
        return q

    def _bisected(self, target: float) -> Float:
        """Return the quantiles one bit after the other: slow, but sure."""
        low, high = np.zeros_like(self.mean), self.mean.copy()
        for _ in range(_BITS):
            short = self.log_tails(high)[0] > target
            if not short.any():
                break
            high = np.where(short, 2.0 * high, high)
        for _ in range(_BITS):
            middle = 0.5 * (low + high)
            below = self.log_tails(middle)[0] > target
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray(0.5 * (low + high))

    def _solve(self, target: float, q: Float, c: Float) -> tuple[Float, npt.NDArray[np.bool_]]:
        """Return by how much to change q, and whether that is all: the path was near enough."""
        path, ratio, height = self.path(q, c)
        z, values = path.nodes(ratio, negligible=_NEGLIGIBLE)
        move = z - c[:, None]
        wanted = target if c[0] > 0 else float(log_complement(target))
        reach = _REACH / path.unit
        least = np.maximum(-reach, _LEAST_CHANGE * q)
        moves = quantile_moves(values, move, c, height, wanted, np.zeros_like(q), least, reach)
        change = moves.change
        is_found = moves.is_solved & (np.abs(change) * path.unit < _MAX_TURN)
        # where halving the step matters, the rule is too coarse for a last digit
        rough = np.flatnonzero((moves.roughness > _ROUGH) & is_found)
        if rough.size:
            upper, lower, _ = self.take(rough).log_tails(q[rough] + change[rough])
            off = (upper if c[0] > 0 else lower) - wanted
            corrected = change[rough] - off / moves.slope[rough]
            change[rough] = np.maximum(corrected, _LEAST_CHANGE * q[rough])
            is_found[rough] = np.abs(off) < _ROUGH
        return change, is_found

    def _matched(self, target: float) -> Float:
        """Return about the wanted quantile: of the chi-square with the same three moments."""
        df = 8.0 * self.second**3 / self.third**2
        x = special.chdtri(df, np.exp(target))
        # a law matched by moments may start below 0
        matched = self.mean + np.sqrt(self.second / (2.0 * df)) * (x - df)
        return np.asarray(np.maximum(matched, _SMALLEST * self.mean))

    def saddle_point(self, q: Float, sign: Float) -> Float:
        """Return where K(z) - z q - log|z| is stationary, on the side of 0 that sign says."""
        mean, second = self.mean, self.second

        def slopes(v: Float) -> tuple[Float, Float]:
            _, k1, k2, _ = self.cumulants(sign * v)
            return sign * (k1 - q) - 1.0 / v, k2 + v**-2.0

        far = self.end * (1.0 - 0.5 * mean / np.maximum(q, mean))
        near = 1.0 / (np.abs(mean - q) + np.sqrt(second))
        start = np.where((q > mean) & (sign > 0), far, np.minimum(near, far))
        end = np.where(sign > 0, self.end, np.inf)
        return np.asarray(sign * stationary_point(slopes, end, start))

    def _laplace(self, target: float) -> Float:
        """Return c right of 0 whose path has about the wanted tail, by its height and width."""
        low, high = np.zeros(self.end.shape), self.end.copy()
        c = self.end * (1.0 - 1.0 / (2.0 + max(-target, 0.0)))
        for _ in range(_NEWTON_STEPS):
            k0, k1, k2, _ = self.cumulants(c)
            spread = k2 + c**-2.0
            off = k0 - c * k1 + 1.0 - np.log(c) - 0.5 * np.log(2.0 * np.pi * spread) - target
            low, high = np.where(off > 0, c, low), np.where(off > 0, high, c)
            if np.all(np.abs(off) < 0.02):
                break
            proposal = c + off / (c * spread)
            inside = (proposal > low) & (proposal < high)
            c = np.where(inside, proposal, 0.5 * (low + high))
        return np.asarray(c)
