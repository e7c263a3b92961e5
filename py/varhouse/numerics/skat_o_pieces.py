"""SKAT-O given the burden score x: S'S above the lowest of lines in x^2 (`skat_o`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from varhouse.numerics.contour import Complex, Path, Rows, stationary_point
from varhouse.numerics.skat_o_laws import Kernel
from varhouse.numerics.tails import log_complement

Float = npt.NDArray[np.float64]

_X_NODES, _X_WEIGHTS = np.polynomial.legendre.leggauss(24)
_SHORT = 1e-3
_TWO_NODES = np.array([-1.0, 1.0]) / np.sqrt(3.0)
_SHARED_BLOCKS = 2
_ROUNDING = 1e-12


class Pieces:
    """P(S'S > q - theta x^2, low < |x| < high), summed over pieces, as one contour integral.

    Arguments have shape (p,).
    """

    def __init__(self, kernel: Kernel, q: Float, theta: Float, low: Float, high: Float) -> None:
        self.kernel, self.q, self.theta, self.low, self.high = kernel, q, theta, low, high
        half = 0.5 * (high - low)[:, None]
        self.half_x2 = 0.5 * (low[:, None] + half * (1.0 + _X_NODES)) ** 2
        self.log_share = np.log(half * _X_WEIGHTS * np.sqrt(2.0 / np.pi))

    def cumulants(self, z: Float) -> tuple[Float, Float, Float, Float]:
        """Return the logarithm of the integrand times z, and three derivatives, at z, shape (1,).

        The sum over pieces and nodes of x is one of exponentials: its derivatives are cumulants.
        """
        (b0, b1, b2, b3), (r0, r1, r2, r3) = self.kernel.real(z)
        level = r0 - 2.0 * z * self.theta
        slope = (r1 - 2.0 * self.theta)[:, None]
        exponent = self.log_share - level[:, None] * self.half_x2 - z * self.q[:, None]
        top = exponent.max()
        weight = np.exp(exponent - top)
        total = weight.sum()
        weight /= total
        first = -slope * self.half_x2 - self.q[:, None]
        mean_first, mean = np.sum(weight * first), np.sum(weight * self.half_x2)
        off = first - mean_first
        bent = np.sum(weight * off * (self.half_x2 - mean))
        return (
            b0 + top + np.log(total),
            b1 + mean_first,
            b2 - r2 * mean + np.sum(weight * off**2),
            b3 - r3 * mean - 3.0 * r2 * bent + np.sum(weight * off**3),
        )

    def log_ratio(self, z: Complex, k0: Float) -> Complex:
        """Return the complex counterpart of ``cumulants`` less k0; z has shape (1, t)."""
        b, r = self.kernel.complex(z)
        level = r - 2.0 * z * self.theta[:, None]
        parts = _log_x_integral(level, self.low[:, None], self.high[:, None]) - z * self.q[:, None]
        top = parts.real.max(axis=0)
        total = np.exp(parts - top).sum(axis=0)
        return np.asarray(b + top + np.log(np.abs(total)) + 1j * np.angle(total) - k0)

    def log_p(self) -> tuple[float, float]:
        """Return log p and its relative error, large where one path does not suit all pieces."""

        def slopes(v: Float) -> tuple[Float, Float]:
            _, k1, k2, _ = self.cumulants(v)
            return k1 - 1.0 / v, k2 + v**-2.0

        c = stationary_point(slopes, np.array([0.5 / self.kernel.mu[-1]]))
        k0, _, k2, k3 = self.cumulants(c)
        path = Path(c, k2 + c**-2.0, k3 - 2.0 * c**-3.0)
        log_size, error = path.integrate(
            lambda z, _: self.log_ratio(z, k0), max_blocks=_SHARED_BLOCKS
        )
        return float(k0[0] - np.log(c[0]) + log_size[0]), float(error[0])


class Slices:
    """P(S'S > q | x) for given x and q, shapes (b,)."""

    def __init__(self, kernel: Kernel, q: Float, x: Float) -> None:
        self.kernel, self.q, self.x2 = kernel, q, x**2

    def cumulants(self, z: Float) -> tuple[Float, Float, Float, Float]:
        """Return the cumulant generating functions and three derivatives at z, shape (b,)."""
        (b0, b1, b2, b3), (r0, r1, r2, r3) = self.kernel.real(z)
        half = 0.5 * self.x2
        return b0 + half * (1.0 - r0), b1 - half * r1, b2 - half * r2, b3 - half * r3

    def log_sf(self) -> tuple[Float, Float]:
        """Return log p of each slice and its relative error."""
        log_p, error = np.zeros(self.q.shape), np.zeros(self.q.shape)
        # what of a lies outside the space of w is there whatever w is
        kernel = self.kernel
        least = kernel.kappa - float(np.sum(kernel.alpha2 / kernel.mu))
        inside = np.flatnonzero(self.q > self.x2 * least + _ROUNDING * (1.0 + self.x2))
        if inside.size:
            self.q, self.x2 = self.q[inside], self.x2[inside]
            log_p[inside], error[inside] = self._log_sf()
        return log_p, error

    def _log_sf(self) -> tuple[Float, Float]:
        mean = self.cumulants(np.zeros_like(self.q))[1]
        sign = np.where(self.q >= mean, 1.0, -1.0)

        def slopes(v: Float) -> tuple[Float, Float]:
            _, k1, k2, _ = self.cumulants(sign * v)
            return sign * (k1 - self.q) - 1.0 / v, k2 + v**-2.0

        c = sign * stationary_point(slopes, np.where(sign > 0, 0.5 / self.kernel.mu[-1], np.inf))
        k0, _, k2, k3 = self.cumulants(c)

        def ratio(z: Complex, rows: Rows) -> Complex:
            b, r = self.kernel.complex(z)
            at = b + 0.5 * self.x2[rows, None] * (1.0 - r)
            return np.asarray(at - k0[rows, None] - (z - c[rows, None]) * self.q[rows, None])

        path = Path(c, k2 + c**-2.0, k3 - 2.0 * c**-3.0)
        log_size, error = path.integrate(ratio)
        tail = np.minimum(k0 - c * self.q - np.log(np.abs(c)) + log_size, 0.0)
        return np.where(c > 0, tail, log_complement(tail)), error


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
