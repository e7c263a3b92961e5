"""Tails of weighted sums of chi-square variables, with an error relative to the tail itself.

For Q = sum_i lambda_i X_i with independent X_i ~ chi-square with d_i degrees of freedom, the
cumulant generating function is K(s) = -1/2 sum_i d_i log(1 - 2 s lambda_i) and, for any c right of
0 at which K is finite (terms 2 b_i Z_i beside lambda_i Z_i^2 add 2 s^2 b_i^2 / (1 - 2 s lambda_i)),

    P(Q > q) = 1/(2 pi i) * integral of exp(K(s) - s q) / s along c + i R

(left of 0 the integral is P(Q > q) - 1). The path crosses the real axis at the saddle point of the
whole integrand and bends as the steepest descent does, so that every term of the trapezoid rule
carries the size of the result: nothing cancels, and the error is relative at any depth.

S. O. Rice (1980), SIAM J. Sci. Stat. Comput. 1, 438-448, doi:10.1137/0901032 (contour and rule);
C. W. Helstrom (1996), IEEE Trans. Inform. Theory 42, doi:10.1109/18.508842 (parabola through the
saddle point); L. N. Trefethen and J. A. C. Weideman (2014), SIAM Review 56, 385-458,
doi:10.1137/130932132 (geometric convergence).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

_STEP = 0.2
_MAX_HALVINGS = 5
_CONVERGED = 1e-9
_NEGLIGIBLE = 1e-16
_ROUNDING = 1e-13
_NODES = 16
_MAX_BLOCKS = 400
_NEWTON_STEPS = 100
_BENDS = (0.02, 0.3)
_N_BENDS = 4
_FAR = 700.0
_CELLS = 1 << 21


def mixture_log_sf(
    q: npt.ArrayLike,
    weights: npt.ArrayLike,
    df: npt.ArrayLike = 1.0,
    linear: npt.ArrayLike = 0.0,
) -> tuple[Float, Float]:
    """Return log P(sum_i weights_i chi2(df_i) > q) and its relative error in P.

    Parameters
    ----------
    q
        Shape (...,): thresholds.
    weights
        Shape (..., m), broadcast against ``q``: weights of any sign; zeros count for nothing.
    df
        Shape (..., m) or a number: degrees of freedom, > 0; where it is 0 the weight counts for
        nothing.
    linear
        Shape (..., m) or a number: b_i of terms 2 b_i Z_i, where Z_i is the normal variable whose
        square is the i-th chi-square (or the first of its d_i); only where the weight is above 0.

    Returns
    -------
    log_p
        Natural logarithm of the upper tail; 0 and -inf beyond the support, NaN where q or a weight
        is NaN.
    error
        Estimated relative error of the smaller tail, from halving the step of the rule and from
        what lies beyond its last node.
    """
    thresholds = np.asarray(q, dtype=np.float64)
    lambdas = np.asarray(weights, dtype=np.float64)
    shape = np.broadcast_shapes(thresholds.shape, lambdas.shape[:-1])
    m = lambdas.shape[-1]
    flat_q = np.broadcast_to(thresholds, shape).reshape(-1)
    flat_w = np.broadcast_to(lambdas, (*shape, m)).reshape(-1, m)
    flat_d = np.broadcast_to(np.asarray(df, dtype=np.float64), (*shape, m)).reshape(-1, m)
    flat_b = np.broadcast_to(np.asarray(linear, dtype=np.float64), (*shape, m)).reshape(-1, m)
    log_p = np.full(flat_q.shape, np.nan)
    error = np.full(flat_q.shape, np.nan)
    rows = max(1, _CELLS // max(_NODES * m, 1))
    for start in range(0, len(flat_q), rows):
        part = slice(start, start + rows)
        log_p[part], error[part] = _log_sf(flat_q[part], flat_w[part], flat_d[part], flat_b[part])
    return log_p.reshape(shape), error.reshape(shape)


def _log_sf(q: Float, w: Float, df: Float, b: Float) -> tuple[Float, Float]:
    """Settle what lies beyond the support; leave the rest to the contour. Shapes (b,), (b, m)."""
    w = np.where(df > 0, w, 0.0)
    b = np.where(w > 0, b, 0.0)
    scale = np.max(np.abs(w), axis=1, initial=0.0)
    log_p = np.full(q.shape, np.nan)
    error = np.zeros(q.shape)
    known = ~np.isnan(q) & ~np.isnan(scale)
    error[~known] = np.nan
    none_above = np.max(w, axis=1, initial=0.0) <= 0.0
    none_below = np.min(w, axis=1, initial=0.0) >= 0.0
    # w z^2 + 2 b z is at least -b^2 / w
    least = -np.sum(b**2 / np.where(w > 0, w, 1.0), axis=1)
    certain = known & none_below & ((q < least) | ((q == least) & (scale > 0)))
    impossible = known & none_above & (q >= 0)
    certain |= known & (q == -np.inf)
    impossible |= known & (q == np.inf)
    log_p[certain] = 0.0
    log_p[impossible] = -np.inf
    todo = np.flatnonzero(known & ~certain & ~impossible)
    if todo.size:
        # of weights below 0 only, the upper tail is the lower tail of the mirror image
        mirror = np.where(none_above[todo], -1.0, 1.0)
        unit = scale[todo] * mirror
        upper, lower, error[todo] = _contour(
            q[todo] / unit, w[todo] / unit[:, None], df[todo], (b[todo] / unit[:, None]) ** 2
        )
        log_p[todo] = np.where(mirror > 0, upper, lower)
    return log_p, error


def _contour(q: Float, w: Float, df: Float, b2: Float) -> tuple[Float, Float, Float]:
    """Return log P(Q > q), log P(Q < q) and the relative error of the smaller of the two.

    Weights are at most 1 in size and some are above 0.
    """
    c = _saddle_point(q, w, df, b2)
    k0, _, k2, k3 = _cumulants(c, w, df, b2)
    f2 = k2 + c**-2.0
    f3 = k3 - 2.0 * c**-3.0
    unit = f2**-0.5
    height = k0 - c * q + np.log(unit / (np.pi * np.abs(c)))
    bend = np.clip(f3 / (6.0 * f2) * unit, *_BENDS)
    # everything in units of the path
    spread = 1.0 / (1.0 - 2.0 * c[:, None] * w)
    path = _Path(
        q * unit, w * spread * unit[:, None], df, b2 * spread * unit[:, None] ** 2, c / unit, bend
    )
    path.straighten()
    total, error = path.integrate()
    tail = np.minimum(height + np.log(np.abs(total)), 0.0)
    other = np.log1p(-np.exp(np.clip(tail, -_FAR, -1e-17)))
    return np.where(c > 0, tail, other), np.where(c > 0, other, tail), error


class _Path:
    """The integrand along s(t) = c + unit (i t + bend t^2), divided by its size at t = 0."""

    def __init__(self, q: Float, w: Float, df: Float, b2: Float, c: Float, bend: Float) -> None:
        self.q, self.w, self.df, self.c, self.bend = q, w, df, c, bend
        self.b2 = b2 if b2.any() else None

    def straighten(self) -> None:
        """Bend less where the integrand would rise again: far out a parabola bends too much.

        Along a straight path it falls all the way.
        """
        t = np.arange(float(_NODES) + 1.0)
        for turn in range(_N_BENDS):
            _, sizes = self._terms(t)
            rising = np.any(sizes[:, 1:] > sizes[:, :-1], axis=1)
            if not rising.any():
                break
            self.bend = np.where(
                rising, self.bend * (0.25 if turn < _N_BENDS - 1 else 0.0), self.bend
            )

    def integrate(self) -> tuple[Float, Float]:
        """Return the integral over t > 0 and its relative error."""
        step = _STEP
        total, left_out = self._rule(step, offset=0.0)
        for _ in range(_MAX_HALVINGS):
            between, cut = self._rule(step, offset=0.5 * step)
            finer = 0.5 * (total + between)
            change = np.abs(finer - total)
            total, left_out, step = finer, np.maximum(left_out, cut), 0.5 * step
            if np.all(change < _CONVERGED * np.abs(total)):
                break
        # as a rule halving the step squares the error, so that the last change is an upper bound
        return total, (change + left_out) / np.abs(total) + _ROUNDING

    def _rule(self, step: float, *, offset: float) -> tuple[Float, Float]:
        """Return the trapezoid sum over t = offset, offset + step, ... and a bound on the rest."""
        total = np.zeros(self.q.shape)
        rest = np.zeros(self.q.shape)
        for block in range(_MAX_BLOCKS):
            t = offset + step * (block * _NODES + np.arange(_NODES, dtype=np.float64))
            terms, sizes = self._terms(t)
            if block == 0 and offset == 0.0:
                terms[:, 0] *= 0.5
            total += terms.sum(axis=1) * step
            # beyond, the integrand falls at least as 1 / t^(3/2)
            rest = 2.0 * sizes[:, -1] * t[-1]
            if np.all(rest < _NEGLIGIBLE * np.abs(total)):
                break
        return total, rest

    def _terms(self, t: Float) -> tuple[Float, Float]:
        """Return real part and modulus of the integrand, shape (b, len(t))."""
        x = self.bend[:, None] * t**2
        y = np.broadcast_to(t, x.shape)
        log_size = -x * self.q[:, None]
        angle = -y * self.q[:, None]
        real = 1.0 - 2.0 * x[:, :, None] * self.w[:, None, :]
        imag = -2.0 * y[:, :, None] * self.w[:, None, :]
        log_size -= 0.25 * np.einsum("itj,ij->it", np.log(real**2 + imag**2), self.df)
        angle -= 0.5 * np.einsum("itj,ij->it", np.arctan2(imag, real), self.df)
        if self.b2 is not None:
            modulus2 = real**2 + imag**2
            s = self.c[:, None] + x + 1j * y
            inner = np.einsum("itj,ij->it", real / modulus2, self.b2) - 1j * np.einsum(
                "itj,ij->it", imag / modulus2, self.b2
            )
            gain = 2.0 * (s**2 * inner - (self.c**2 * self.b2.sum(axis=1))[:, None])
            log_size += gain.real
            angle += gain.imag
        # |c| / s and ds / dt
        factor = np.abs(self.c)[:, None] / (self.c[:, None] + x + 1j * y)
        factor = factor * (1.0 - 2j * self.bend[:, None] * t)
        value = np.exp(np.maximum(log_size, -_FAR)) * factor
        return value.real * np.cos(angle) - value.imag * np.sin(angle), np.abs(value)


def _dot(x: Float, y: Float) -> Float:
    """Return the inner product of each row."""
    return np.asarray(np.einsum("ij,ij->i", x, y), dtype=np.float64)


def _cumulants(s: Float, w: Float, df: Float, b2: Float) -> tuple[Float, Float, Float, Float]:
    """Return K and its first three derivatives at s, shape (b,)."""
    spread = 1.0 / (1.0 - 2.0 * s[:, None] * w)
    u = w * spread
    k0 = 0.5 * _dot(df, np.log(spread))
    k1, k2, k3 = _dot(df, u), 2.0 * _dot(df, u**2), 8.0 * _dot(df, u**3)
    if b2.any():
        # 2 s^2 / (1 - 2 s w): derivatives by way of s^2 spread
        k0 = k0 + 2.0 * s**2 * _dot(b2, spread)
        k1 = k1 + _dot(b2, 4.0 * s[:, None] * spread + 4.0 * (s**2)[:, None] * u * spread)
        k2 = k2 + 4.0 * _dot(b2, spread**3)
        k3 = k3 + 24.0 * _dot(b2, u * spread**3)
    return k0, k1, k2, k3


def _saddle_point(q: Float, w: Float, df: Float, b2: Float) -> Float:
    """Return where K(s) - s q - log|s| is stationary: right of 0 when q is above the mean."""
    right = q >= np.einsum("ij,ij->i", df, w)
    sign = np.where(right, 1.0, -1.0)
    # on the chosen side s = sign * v, 0 < v < end
    with np.errstate(divide="ignore"):
        end = 0.5 / np.maximum(np.max(w * sign[:, None], axis=1), 0.0)

    def slope(v: Float) -> tuple[Float, Float]:
        _, first, second, _ = _cumulants(sign * v, w, df, b2)
        return sign * (first - q - sign / v), second + v**-2.0

    bounded = np.isfinite(end)
    v = np.where(bounded, 0.5 * end, 1.0)
    for _ in range(_NEWTON_STEPS):
        short = ~bounded & (slope(v)[0] < 0)
        if not short.any():
            break
        v = np.where(short, 8.0 * v, v)
    low = np.zeros(q.shape)
    high = np.where(bounded, end, v)
    for _ in range(_NEWTON_STEPS):
        first, second = slope(v)
        low = np.where(first < 0, v, low)
        high = np.where(first >= 0, v, high)
        # far from the root the step is judged by how much of a standard unit is left
        if np.all(np.abs(first) < 1e-3 * np.sqrt(second)):
            break
        proposal = v - first / second
        inside = (proposal > low) & (proposal < high)
        v = np.where(inside, proposal, 0.5 * (low + high))
    return sign * v
