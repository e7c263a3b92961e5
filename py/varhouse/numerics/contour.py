"""Contour integrals of tails: the path of steepest descent, and the trapezoid rule along it.

P(Q > q) = 1/(2 pi i) * integral of exp(F(s)) ds with F(s) = K(s) - s q - log s, K the cumulant
generating function of Q. The path crosses the real axis where F is stationary and bends as the
steepest descent does, so that every term of the rule carries the size of the result: nothing
cancels, and the error is relative at any depth.

S. O. Rice (1980), SIAM J. Sci. Stat. Comput. 1, 438-448, doi:10.1137/0901032 (contour and rule);
C. W. Helstrom (1996), IEEE Trans. Inform. Theory 42, doi:10.1109/18.508842 (parabola through the
saddle point); L. N. Trefethen and J. A. C. Weideman (2014), SIAM Review 56, 385-458,
doi:10.1137/130932132 (geometric convergence).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]

Rows = npt.NDArray[np.int64]
LogRatio = Callable[[Complex, Rows], Complex]
"""From points (k, t) on the paths of k rows to F(s) - F(c) + log(s / c)."""

ROUNDING = 1e-13
NEGLIGIBLE = 1e-13
MAX_BLOCKS = 400

_STEP = 0.4
_BLOCK = np.arange(20.0)
# the integrand has to keep falling beyond the first block
_BEYOND = np.array([10.0, 14.0, 20.0, 28.0, 40.0, 56.0, 80.0])
_MAX_HALVINGS = 6
# halving the step squares the error: see `Path.integrate`
_CONVERGED = 3e-6
_SAFETY = 100.0
_BENDS = (0.02, 0.3)
_N_BENDS = 4
_FAR = -700.0
_HUGE = 300.0
_NEWTON_STEPS = 200
# of a unit of the path: the rule does not need the saddle point itself
_NEAR = 0.02


class Path:
    """The parabolas s(t) = c + unit (i t + bend t^2), a row for each of b integrals.

    Parameters
    ----------
    c
        Shape (b,): where the paths cross the real axis; not 0.
    second, third
        Shape (b,): derivatives of F at c; the second is above 0.
    """

    def __init__(self, c: Float, second: Float, third: Float) -> None:
        self.c = c
        self.unit = second**-0.5
        self.bend = np.clip(third / (6.0 * second) * self.unit, *_BENDS)

    def points(self, t: Float, rows: Rows) -> Complex:
        """Return s(t) of some rows, shape (k, len(t))."""
        x = self.bend[rows, None] * t**2
        return np.asarray(self.c[rows, None] + self.unit[rows, None] * (x + 1j * t))

    def terms(self, log_ratio: LogRatio, t: Float, rows: Rows) -> Complex:
        """Return exp(F(s) - F(c)) ds/dt in units of the path, shape (k, len(t))."""
        s = self.points(t, rows)
        ratio = log_ratio(s, rows)
        size = np.exp(np.clip(ratio.real, _FAR, _HUGE))
        value = np.empty_like(s)
        value.real, value.imag = size * np.cos(ratio.imag), size * np.sin(ratio.imag)
        return np.asarray(value * self.c[rows, None] / s * (1.0 - 2j * self.bend[rows, None] * t))

    def straighten(self, log_ratio: LogRatio) -> Complex:
        """Bend less where the integrand would rise again; return the terms of the first block.

        Far out a parabola bends too much; along a straight path the integrand falls all the way.
        """
        t = np.concatenate([_STEP * _BLOCK, _BEYOND])
        rows = np.arange(self.c.size)
        found = np.empty((rows.size, t.size), dtype=np.complex128)
        for turn in range(_N_BENDS):
            found[rows] = self.terms(log_ratio, t, rows)
            sizes = np.abs(found[rows])
            rows = rows[np.any(sizes[:, 1:] > sizes[:, :-1], axis=1)]
            if not rows.size:
                break
            self.bend[rows] *= 0.25 if turn < _N_BENDS - 2 else 0.0
        return found[:, : _BLOCK.size]

    def integrate(
        self, log_ratio: LogRatio, *, max_blocks: int = MAX_BLOCKS
    ) -> tuple[Float, Float]:
        """Return log(exp(-F(c)) |integral of exp(F(s)) ds| / 2 pi) and its error.

        For analytic integrands the error of the rule is C exp(-2 pi d / step): that of the finer
        of two rules is about the square of their difference.
        """
        rows = np.arange(self.c.size)
        total, left_out = self._sums(
            log_ratio, _STEP, 0.0, rows, max_blocks, self.straighten(log_ratio)
        )
        error = np.full(self.c.shape, np.inf)
        step = _STEP
        for _ in range(_MAX_HALVINGS):
            between, cut = self._sums(log_ratio, step, 0.5 * step, rows, max_blocks)
            before = np.where(total[rows] == 0, np.inf, total[rows])
            total[rows] = 0.5 * (total[rows] + between)
            left_out[rows] = np.maximum(left_out[rows], cut)
            change = np.abs(total[rows] / before - 1.0)
            error[rows] = np.minimum(change, _SAFETY * change**2)
            step *= 0.5
            rows = rows[~(change < _CONVERGED)]
            if not rows.size or max_blocks < MAX_BLOCKS:
                break
        error = error + left_out / np.abs(total) + ROUNDING
        return np.log(np.abs(total) * self.unit / np.pi), error

    def _sums(
        self,
        log_ratio: LogRatio,
        step: float,
        offset: float,
        rows: Rows,
        max_blocks: int,
        first: Complex | None = None,
    ) -> tuple[Float, Float]:
        """Return the trapezoid sum over t = offset, offset + step, ... and a bound on the rest."""
        total = np.zeros(rows.size)
        rest = np.zeros(rows.size)
        here = np.arange(rows.size)
        for block in range(max_blocks):
            t = offset + step * (block * _BLOCK.size + _BLOCK)
            known = first if block == 0 else None
            terms = self.terms(log_ratio, t, rows[here]) if known is None else known
            sums = terms.real.sum(axis=1)
            if t[0] == 0:
                sums = sums - 0.5 * terms[:, 0].real
            total[here] += sums * step
            # beyond, the integrand falls at least as 1 / t^(3/2)
            rest[here] = 2.0 * np.abs(terms[:, -1]) * t[-1]
            here = here[rest[here] >= NEGLIGIBLE * np.abs(total[here])]
            if not here.size:
                break
        return total, rest

    def nodes(
        self, log_ratio: LogRatio, *, negligible: float = NEGLIGIBLE
    ) -> tuple[Complex, Complex]:
        """Return points and terms of one trapezoid rule, for integrals that share a path.

        The path is straightened, and the rule is as long as what ``log_ratio`` describes needs.

        Returns
        -------
        points, terms
            Shape (b, n): the sum of the real parts of the terms is
            exp(-F(c)) / (2 pi i) times the integral of exp(F(s)) ds. The first half of the points
            makes a rule of twice the step.
        """
        every = np.arange(self.c.size)
        even = [(_STEP * _BLOCK, every, self.straighten(log_ratio))]
        largest = np.abs(even[0][2][:, 0])
        rows = every
        while len(even) < MAX_BLOCKS:
            t, rows, terms = even[-1]
            rows = rows[np.abs(terms[:, -1]) * t[-1] > negligible * largest[rows]]
            if not rows.size:
                break
            t = _STEP * (len(even) * _BLOCK.size + _BLOCK)
            even.append((t, rows, self.terms(log_ratio, t, rows)))
        odd = [
            (t + 0.5 * _STEP, rows, self.terms(log_ratio, t + 0.5 * _STEP, rows))
            for t, rows, _ in even
        ]
        blocks = even + odd
        padded = [np.zeros((every.size, t.size), dtype=np.complex128) for t, _, _ in blocks]
        for whole, (t, rows, part) in zip(padded, blocks, strict=True):
            whole[rows] = part * np.where(t == 0, 0.5, 1.0)
        share = 0.5 * _STEP / np.pi * self.unit[:, None]
        points = self.points(np.concatenate([t for t, _, _ in blocks]), every)
        return points, np.concatenate(padded, axis=1) * share


Slopes = Callable[[Float], tuple[Float, Float]]
"""From v (b,) to the first and second derivative of F; +inf beyond the end of its domain."""


def stationary_point(slopes: Slopes, end: Float, start: Float | None = None) -> Float:
    """Return v in (0, end) where a function that falls, then rises, is stationary.

    Parameters
    ----------
    slopes
        First and second derivative; the first may be +inf near the end.
    end
        Shape (b,): upper end of each search; infinite where there is none.
    start
        Shape (b,): first guesses.
    """
    bounded = np.isfinite(end)
    v = np.where(bounded, 0.5 * end, 1.0) if start is None else start
    low, high = np.zeros(v.shape), np.where(bounded, end, np.inf)
    for _ in range(_NEWTON_STEPS):
        first, second = slopes(v)
        low = np.where(first < 0, v, low)
        high = np.where(first >= 0, v, high)
        # the step is judged by how much of a standard unit is left
        if np.all(np.abs(first) < _NEAR * np.sqrt(np.maximum(second, 0.0))):
            break
        # F' is close to a - b / v + d / (end - v): Newton's step, held inside the bracket
        with np.errstate(invalid="ignore", divide="ignore"):
            proposal = v - first / second
        inside = (proposal > low) & (proposal < high)
        beyond = np.where(np.isfinite(high), 0.5 * (low + high), 8.0 * v)
        v = np.where(inside, proposal, beyond)
    return v
