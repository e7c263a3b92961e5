"""The laws behind SKAT-O, all from one eigendecomposition: see `varhouse.numerics.skat_o`."""

from __future__ import annotations

from copy import copy

import numpy as np
import numpy.typing as npt
from scipy import special

from varhouse.numerics.contour import (
    MAX_BLOCKS,
    Complex,
    LogRatio,
    Path,
    Rows,
    stationary_point,
)
from varhouse.numerics.tails import log_complement

Float = npt.NDArray[np.float64]

TOLERANCE = 1e-12
_NEWTON_STEPS = 60
_X_NODES, _X_WEIGHTS = np.polynomial.legendre.leggauss(24)
_SHORT = 1e-3
_TWO_NODES = np.array([-1.0, 1.0]) / np.sqrt(3.0)
_BULK = -3.0
_MAX_PATHS = 12
_MAX_TURN = 2.0
_REACH = 4.0
_NEGLIGIBLE = 1e-9
_SOLVED = 1e-10
_ROUGH = 1e-5


class Kernel:
    """The functions B and r of a covariance, in units of its trace.

    Parameters
    ----------
    covariance
        Shape (m, m), with a trace above 0.
    """

    def __init__(self, covariance: Float) -> None:
        self.trace = float(np.trace(covariance))
        total = max(float(covariance.sum()), 0.0)
        # the weighted variants may cancel in every donor: no burden is left to mix in
        self.has_burden = total > TOLERANCE * self.trace
        # in units of the trace
        self.g = total / self.trace if self.has_burden else 0.0
        unit = covariance / self.trace
        a = unit.sum(axis=0) / np.sqrt(self.g) if self.has_burden else np.zeros(len(unit))
        values, vectors = np.linalg.eigh(unit - np.outer(a, a))
        kept = values > TOLERANCE * values.size
        self.mu = np.asarray(values[kept])
        self.alpha2 = self.mu * (vectors[:, kept].T @ a) ** 2
        self.kappa = float(a @ a)

    def real(self, z: Float) -> tuple[tuple[Float, Float, Float, Float], tuple[Float, ...]]:
        """Return B and r with three derivatives each at z, shape (b,), left of 1 / (2 mu)."""
        spread = 1.0 / (1.0 - 2.0 * z[:, None] * self.mu)
        u = self.mu * spread
        square = u * u
        b = (
            0.5 * np.log(spread).sum(axis=1), u.sum(axis=1), 2.0 * square.sum(axis=1),
            8.0 * (square * u).sum(axis=1),
        )  # fmt: skip
        cube = spread * spread * spread
        first = z * (spread @ self.alpha2)
        r = (
            1.0 - 2.0 * z * self.kappa - 4.0 * z * first,
            -2.0 * self.kappa - 8.0 * first - 8.0 * z**2 * ((u * spread) @ self.alpha2),
            -8.0 * (cube @ self.alpha2),
            -48.0 * ((u * cube) @ self.alpha2),
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

    def log_sf(self, q: Float) -> tuple[Float, Float]:
        """Return log P(Q_rho / (1 - rho) > q) and the relative error of the smaller tail."""
        c = self._saddle_point(q, np.where(q < self.mean, -1.0, 1.0))
        path, ratio, height = self.path(q, c)
        log_size, error = path.integrate(ratio)
        tail = np.minimum(height + log_size, 0.0)
        return np.where(q <= 0, 0.0, np.where(c > 0, tail, log_complement(tail))), error

    def isf(self, target: float) -> Float:
        """Return q with log P(Q_rho / (1 - rho) > q) = target.

        An approximation finds a path near the right one; on its nodes, whose values do not depend
        on q, the equation is solved.
        """
        if target > _BULK:
            q = self._matched(target)
            c = self._saddle_point(q, np.ones_like(q))
        else:
            c = self._laplace(target)
            q = self.cumulants(c)[1] - 1.0 / c
        rows = np.arange(q.size)
        for _ in range(_MAX_PATHS):
            some = self.take(rows)
            change, turn = some._solve(target, q[rows], c[rows])
            q[rows] += change
            rows = rows[~(turn < _MAX_TURN)]
            if not rows.size:
                break
            c[rows] = self.take(rows)._saddle_point(q[rows], np.ones(rows.size))
        return q

    def _solve(self, target: float, q: Float, c: Float) -> tuple[Float, Float]:
        """Return by how much to change q, and how far that is in units of the path through c."""
        path, ratio, height = self.path(q, c)
        z, values = path.nodes(ratio, negligible=_NEGLIGIBLE)
        move = z - c[:, None]
        change = np.zeros_like(q)
        for _ in range(_NEWTON_STEPS):
            terms = values * np.exp(-move * change[:, None])
            total = terms.real.sum(axis=1)
            slope = -(terms * move).real.sum(axis=1) / total - c
            off = np.log(np.abs(total)) - c * change + height - target
            change = np.clip(change - off / slope, -_REACH / path.unit, _REACH / path.unit)
            if np.all(np.abs(off) < _SOLVED * max(1.0, abs(target))):
                break
        turn = np.abs(change) * path.unit
        # where halving the step matters, the rule is too coarse for a last digit
        coarse = 2.0 * terms[:, : terms.shape[1] // 2].real.sum(axis=1)
        rough = np.flatnonzero((np.abs(coarse / total - 1.0) > _ROUGH) & (turn < _MAX_TURN))
        if rough.size:
            log_p, _ = self.take(rough).log_sf(q[rough] + change[rough])
            change[rough] -= (log_p - target) / slope[rough]
        return change, turn

    def _matched(self, target: float) -> Float:
        """Return about the wanted quantile: of the chi-square with the same three moments."""
        df = 8.0 * self.second**3 / self.third**2
        x = special.chdtri(df, np.exp(target))
        return np.asarray(self.mean + np.sqrt(self.second / (2.0 * df)) * (x - df))

    def _saddle_point(self, q: Float, sign: Float) -> Float:
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
        return c


class Pieces:
    """P(S'S > q - theta x^2, low < |x| < high), summed over the pieces of a group.

    Arguments have shape (b, p): b groups, each with a path of its own.
    """

    def __init__(self, kernel: Kernel, q: Float, theta: Float, low: Float, high: Float) -> None:
        self.kernel, self.q, self.theta, self.low, self.high = kernel, q, theta, low, high
        half = 0.5 * (high - low)[:, :, None]
        self.half_x2 = 0.5 * (low[:, :, None] + half * (1.0 + _X_NODES)) ** 2
        self.log_share = np.log(half * _X_WEIGHTS * np.sqrt(2.0 / np.pi))

    def cumulants(self, z: Float) -> tuple[Float, Float, Float, Float]:
        """Return the logarithm of the integrand times z, and three derivatives, at z, shape (b,).

        The sum over pieces and nodes of x is one of exponentials: its derivatives are cumulants.
        """
        (b0, b1, b2, b3), (r0, r1, r2, r3) = self.kernel.real(z)
        level = r0[:, None] - 2.0 * z[:, None] * self.theta
        slope = (r1[:, None] - 2.0 * self.theta)[:, :, None]
        q = self.q[:, :, None]
        exponent = self.log_share - level[:, :, None] * self.half_x2 - z[:, None, None] * q
        top = exponent.max(axis=(1, 2))
        weight = np.exp(exponent - top[:, None, None])
        total = weight.sum(axis=(1, 2))
        weight /= total[:, None, None]
        first = -slope * self.half_x2 - q
        mean_first = _mean(weight, first)
        mean = _mean(weight, self.half_x2)
        off = first - mean_first[:, None, None]
        bent = _mean(weight, off * (self.half_x2 - mean[:, None, None]))
        return (
            b0 + top + np.log(total),
            b1 + mean_first,
            b2 - r2 * mean + _mean(weight, off**2),
            b3 - r3 * mean - 3.0 * r2 * bent + _mean(weight, off**3),
        )

    def log_ratio(self, z: Complex, k0: Float, rows: Rows) -> Complex:
        """Return the complex counterpart of ``cumulants`` less k0; z has shape (k, t)."""
        b, r = self.kernel.complex(z)
        some = z[:, None, :]
        level = r[:, None, :] - 2.0 * some * self.theta[rows, :, None]
        parts = _log_x_integral(level, self.low[rows, :, None], self.high[rows, :, None])
        parts = parts - some * self.q[rows, :, None]
        top = parts.real.max(axis=1)
        total = np.exp(parts - top[:, None, :]).sum(axis=1)
        return np.asarray(b + top + np.log(np.abs(total)) + 1j * np.angle(total) - k0[rows, None])

    def log_p(self, max_blocks: int = MAX_BLOCKS) -> tuple[Float, Float]:
        """Return log p of each group and its relative error; more blocks reach further."""

        def slopes(v: Float) -> tuple[Float, Float]:
            _, k1, k2, _ = self.cumulants(v)
            return k1 - 1.0 / v, k2 + v**-2.0

        c = stationary_point(slopes, np.full(len(self.q), 0.5 / self.kernel.mu[-1]))
        k0, _, k2, k3 = self.cumulants(c)
        path = Path(c, k2 + c**-2.0, k3 - 2.0 * c**-3.0)
        log_size, error = path.integrate(
            lambda z, rows: self.log_ratio(z, k0, rows), max_blocks=max_blocks
        )
        return k0 - np.log(c) + log_size, error


def _mean(weight: Float, x: Float) -> Float:
    """Return weighted sums over the last two axes."""
    return np.asarray(np.einsum("ijk,ijk->i", weight, np.broadcast_to(x, weight.shape)))


def _log_x_integral(level: Complex, low: Float, high: Float) -> Complex:
    """Return the logarithm of sqrt(2 / pi) * integral of exp(-level x^2 / 2) from low to high.

    That is (erf(v_high) - erf(v_low)) / sqrt(level), v = x sqrt(level / 2), by Faddeeva's function.
    """
    root = np.sqrt(level)
    ends = []
    for x in (low, high):
        v = x * root / np.sqrt(2.0)
        ends.append((-v * v, special.wofz(1j * v)))
    top = np.maximum(ends[0][0].real, ends[1][0].real)
    closed = sum(sign * np.exp(e - top) * w for sign, (e, w) in zip((1.0, -1.0), ends, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        closed = closed / root
    short = np.abs(level) * (high**2 - low**2) < _SHORT
    if short.any():
        half = 0.5 * (high - low)
        series = np.zeros_like(level)
        for node in _TWO_NODES:
            x = low + half * (1.0 + node)
            series = series + half * np.exp(-0.5 * level * x**2 - top)
        closed = np.where(short, np.sqrt(2.0 / np.pi) * series, closed)
    with np.errstate(divide="ignore"):
        return np.asarray(top + np.log(np.abs(closed)) + 1j * np.angle(closed))
