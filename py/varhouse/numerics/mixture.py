"""Tails of weighted sums of chi-square variables, with an error relative to the tail itself.

For Q = sum_i lambda_i X_i with independent X_i ~ chi-square with d_i degrees of freedom, the
cumulant generating function is K(s) = -1/2 sum_i d_i log(1 - 2 s lambda_i) and, for any c right of
0 at which K is finite,

    P(Q > q) = 1/(2 pi i) * integral of exp(K(s) - s q) / s along c + i R

(left of 0 the integral is P(Q > q) - 1): see `varhouse.numerics.contour`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from varhouse.numerics.contour import Complex, LogRatio, Path, Rows, stationary_point
from varhouse.numerics.tails import log_complement

Float = npt.NDArray[np.float64]

_FAR = 700.0
_CELLS = 1 << 18
_NODES = 20
_SHARED_FROM = 3
_SHARED_TURN = 5.0
_SHARED_ERROR = 1e-12
_EPS = 1e-15


def mixture_log_sf(
    q: npt.ArrayLike, weights: npt.ArrayLike, df: npt.ArrayLike = 1.0
) -> tuple[Float, Float]:
    """Return log P(sum_i weights_i chi2(df_i) > q) and its relative error in P.

    Many thresholds of one set of weights cost little more than one.

    Parameters
    ----------
    q
        Shape (...,): thresholds.
    weights
        Shape (..., m), broadcast against ``q``: weights of any sign; zeros count for nothing.
    df
        Shape (..., m) or a number: degrees of freedom, > 0; where it is 0 the weight counts for
        nothing.

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
    freedom = np.asarray(df, dtype=np.float64)
    m = lambdas.shape[-1]
    shape = np.broadcast_shapes(thresholds.shape, lambdas.shape[:-1], freedom.shape[:-1])
    flat_q = np.broadcast_to(thresholds, shape).reshape(-1)
    one_set = lambdas.size == m and freedom.size in (1, m)
    if one_set:
        flat_w = lambdas.reshape(1, m)
        flat_d = np.broadcast_to(freedom.reshape(-1), (1, m))
    else:
        flat_w = np.broadcast_to(lambdas, (*shape, m)).reshape(-1, m)
        flat_d = np.broadcast_to(freedom, (*shape, m)).reshape(-1, m)
    log_p = np.full(flat_q.shape, np.nan)
    error = np.full(flat_q.shape, np.nan)
    rows = max(1, _CELLS // max(_NODES * m, 1))
    for start in range(0, len(flat_q), rows):
        part = slice(start, start + rows)
        own = slice(None) if one_set else part
        log_p[part], error[part] = _log_sf(flat_q[part], flat_w[own], flat_d[own])
    return log_p.reshape(shape), error.reshape(shape)


def ratio_log_sf(q: Float, weights: Float, nu: int) -> tuple[Float, Float]:
    """Return log P(sum_i weights_i Z_i^2 > q Y / nu) and its relative error, as `mixture_log_sf`.

    Y is the sum of nu squared independent standard normal variables, the Z_i^2 among them.

    Parameters
    ----------
    q
        Shape (t,).
    weights
        Shape (m,), above 0, m at most nu.
    """
    log_p = np.full(q.shape, np.nan)
    error = np.full(q.shape, np.nan)
    largest = nu * np.max(weights, initial=0.0)
    left = np.arange(q.size)
    if weights.size < nu:
        inner = np.flatnonzero((q > 0) & (q < largest))
        while inner.size >= _SHARED_FROM:
            found, about = _shared_ratio(q[inner], weights, nu)
            good = about < _SHARED_ERROR
            log_p[inner[good]], error[inner[good]] = found[good], about[good]
            inner = inner[~good]
            if good.mean() < 0.5:
                break
        left = np.flatnonzero(np.isnan(log_p))
    share = q[left, None] / nu
    shifted = np.concatenate([weights[None, :] - share, -share], axis=1)
    freedom = np.append(np.ones(weights.size), nu - weights.size)[None, :]
    log_p[left], error[left] = mixture_log_sf(np.zeros(left.size), shifted, freedom)
    return log_p, error


def _log_sf(q: Float, w: Float, df: Float) -> tuple[Float, Float]:
    """Settle what lies beyond the support; leave the rest to the contour.

    Shapes (b,) and (b, m), or (1, m) for weights that all thresholds share.
    """
    w = np.where(df > 0, w, 0.0)
    scale = np.broadcast_to(np.max(np.abs(w), axis=1, initial=0.0), q.shape)
    log_p = np.full(q.shape, np.nan)
    error = np.zeros(q.shape)
    known = ~np.isnan(q) & ~np.isnan(scale)
    error[~known] = np.nan
    none_above = np.max(w, axis=1, initial=0.0) <= 0.0
    none_below = np.min(w, axis=1, initial=0.0) >= 0.0
    certain = known & none_below & ((q < 0) | ((q == 0) & (scale > 0)))
    impossible = known & none_above & (q >= 0)
    certain |= known & (q == -np.inf)
    impossible |= known & (q == np.inf)
    log_p[certain] = 0.0
    log_p[impossible] = -np.inf
    todo = known & ~certain & ~impossible
    # paths bend towards where exp(-s q) falls; below 0 an upper tail is the lower one mirrored
    for sign in (1.0, -1.0):
        part = np.flatnonzero(todo & ((q < 0) == (sign < 0)))
        if part.size:
            own = slice(None) if len(w) == 1 else part
            unit = sign * (scale[:1] if len(w) == 1 else scale[part])
            rows = _Rows(q[part] / unit, w[own] / unit[:, None], df[own])
            upper, lower, error[part] = _tails(rows)
            log_p[part] = upper if sign > 0 else lower
    return log_p, error


class _Rows:
    """F(s) = K(s) - s q - log|s| of b thresholds; weights are at most 1 in size."""

    def __init__(self, q: Float, w: Float, df: Float) -> None:
        self.q, self.w, self.df = q, w, df
        self.mean = np.broadcast_to(np.einsum("ij,ij->i", df, w), q.shape)

    def take(self, chosen: Rows) -> _Rows:
        """Return some of the thresholds."""
        own = slice(None) if len(self.w) == 1 else chosen
        return _Rows(self.q[chosen], self.w[own], self.df[own])

    def cumulants(self, s: Float) -> tuple[Float, Float, Float, Float]:
        """Return K and its first three derivatives at s, shape (b,)."""
        spread = 1.0 / (1.0 - 2.0 * s[:, None] * self.w)
        u = self.w * spread
        k0 = 0.5 * self._sum(np.log(spread))
        square = u * u
        return k0, self._sum(u), 2.0 * self._sum(square), 8.0 * self._sum(square * u)

    def _sum(self, x: Float) -> Float:
        return np.asarray(np.einsum("ij,ij->i", x, np.broadcast_to(self.df, x.shape)))

    def cumulant_ratio(self, s: Complex, c: Float) -> Complex:
        """Return K(s) - K(c), shape (b, t)."""
        move = s - c[:, None]
        scaled = 2.0 * self.w / (1.0 - 2.0 * c[:, None] * self.w)
        real = 1.0 - move.real[:, :, None] * scaled[:, None, :]
        imag = -move.imag[:, :, None] * scaled[:, None, :]
        angle = np.arctan2(imag, real)
        size = np.log(real * real + imag * imag)
        df = np.broadcast_to(self.df, (len(size), self.df.shape[1]))
        log_size = np.einsum("itj,ij->it", size, df)
        return np.asarray(-0.25 * log_size - 0.5j * np.einsum("itj,ij->it", angle, df))

    def log_ratio(self, c: Float) -> LogRatio:
        """Return F less F(c), as `Path` wants it."""

        def ratio(s: Complex, chosen: Rows) -> Complex:
            some = self if chosen.size == c.size else self.take(chosen)
            at = c[chosen]
            return some.cumulant_ratio(s, at) - (s - at[:, None]) * some.q[:, None]

        return ratio

    def saddle_point(self) -> Float:
        """Return where F is stationary: right of 0 when q is above the mean."""
        sign = np.where(self.q >= self.mean, 1.0, -1.0)
        # on the chosen side s = sign * v, 0 < v < end
        with np.errstate(divide="ignore"):
            end = 0.5 / np.maximum(np.max(self.w * sign[:, None], axis=1), 0.0)

        def slopes(v: Float) -> tuple[Float, Float]:
            _, k1, k2, _ = self.cumulants(sign * v)
            return sign * (k1 - self.q) - 1.0 / v, k2 + v**-2.0

        # that of the normal law, where it is not too near the end of the domain
        off = np.abs(self.q - self.mean)
        second = 2.0 * np.einsum("ij,ij,ij->i", self.df, self.w, self.w)
        normal = (off + np.sqrt(off * off + 4.0 * second)) / (2.0 * second)
        return sign * stationary_point(slopes, end, np.minimum(normal, 0.5 * end))


def _tails(rows: _Rows) -> tuple[Float, Float, Float]:
    """Return log P(Q > q), log P(Q < q) and the relative error of the smaller of the two."""
    upper, lower, error = (np.full(rows.q.shape, np.nan) for _ in range(3))
    left = np.arange(rows.q.size)
    # one path serves thresholds near its own; the others look for the next one's
    while len(rows.w) == 1 and left.size >= _SHARED_FROM:
        some = rows.take(left)
        found = _shared(some)
        good = found[2] < _SHARED_ERROR
        for whole, part in zip((upper, lower, error), found, strict=True):
            whole[left[good]] = part[good]
        left = left[~good]
        if good.mean() < 0.5:
            break
    if left.size:
        upper[left], lower[left], error[left] = _own(rows.take(left))
    return upper, lower, error


def _own(rows: _Rows) -> tuple[Float, Float, Float]:
    """Return both tails and the error, each threshold by its own path."""
    c = rows.saddle_point()
    path, height = _path(rows, c)
    log_size, error = path.integrate(rows.log_ratio(c))
    tail = np.minimum(height + log_size, 0.0)
    other = log_complement(tail)
    return np.where(c > 0, tail, other), np.where(c > 0, other, tail), error


def _path(rows: _Rows, c: Float) -> tuple[Path, Float]:
    """Return the path through c, and F(c)."""
    k0, _, k2, k3 = rows.cumulants(c)
    path = Path(c, k2 + c**-2.0, k3 - 2.0 * c**-3.0)
    return path, k0 - c * rows.q - np.log(np.abs(c))


def _shared(rows: _Rows) -> tuple[Float, Float, Float]:
    """Return both tails and the error of all thresholds, by the path of the middle one."""
    middle = rows.take(np.argsort(rows.q)[[rows.q.size // 2]])
    c = middle.saddle_point()
    path, height = _path(middle, c)
    s, values = path.nodes(middle.log_ratio(c))
    further = rows.q - middle.q
    turn = path.unit * np.abs(further)
    return moved_tails(
        values, -(s - c) * further[:, None], height - c * further, turn, above=c[0] > 0
    )


def moved_tails(
    values: Complex, move: Complex, height: Float, turn: Float, *, above: bool
) -> tuple[Float, Float, Float]:
    """Return both tails and the error of integrands that are exp(move) times one on its nodes.

    Parameters
    ----------
    values
        Shape (1, n): terms of `Path.nodes`.
    move
        Shape (b, n), 0 where the path crosses the real axis.
    height
        Shape (b,): F there.
    turn
        Shape (b,): how fast exp(move) turns along the path; what turns too fast, the rule's nodes
        cannot tell from slower turns.
    above
        Whether the integrals are upper tails.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        terms = (np.exp(move) * values).real
        total = np.abs(terms.sum(axis=1))
        n = terms.shape[1]
        change = np.abs(np.abs(2.0 * terms[:, : n // 2].sum(axis=1)) / total - 1.0)
        size = np.abs(terms)
        error = change**2 + (n * size[:, -1] + _EPS * size.sum(axis=1)) / total
        tail = np.minimum(height + np.log(total), 0.0)
        other = log_complement(tail)
        # of the smaller tail
        error = error * np.maximum(1.0, np.exp(np.minimum(tail - other, _FAR)))
    error = np.where(np.isfinite(error) & (turn < _SHARED_TURN), error, np.inf)
    return (tail, other, error) if above else (other, tail, error)


def _shared_ratio(q: Float, weights: Float, nu: int) -> tuple[Float, Float]:
    """Return log p and the error of ratios, by the path of the middle one.

    P(Q > c Y) is the integral of exp(K(s)) (1 + 2 s (c_0 - c))^(nu/2 - 1) ds / s with K of
    Q - c_0 Y: write both in s / (1 + 2 s c).
    """
    middle = float(np.sort(q)[q.size // 2])
    scale = float(np.max(weights))
    share = middle / nu / scale
    shifted = np.append(weights / scale - share, -share)[None, :]
    freedom = np.append(np.ones(weights.size), nu - weights.size)[None, :]
    rows = _Rows(np.zeros(1), shifted, freedom)
    c = rows.saddle_point()
    path, height = _path(rows, c)
    s, values = path.nodes(rows.log_ratio(c))
    further = 2.0 * (middle - q)[:, None] / nu / scale
    base = 1.0 + c * further
    power = 0.5 * nu - 1.0
    inside = base[:, 0] > 0
    base = np.where(inside[:, None], base, 1.0)
    factor = (1.0 + s * further) / base
    move = power * (np.log(np.abs(factor)) + 1j * np.angle(factor))
    turn = np.where(inside, path.unit * np.abs(power * further / base)[:, 0], np.inf)
    height = height + power * np.log(base[:, 0])
    upper, _, error = moved_tails(values, move, height, turn, above=c[0] > 0)
    return upper, error
