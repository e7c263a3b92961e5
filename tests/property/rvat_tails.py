"""Tails of quadratic forms and tests of a set of variants, one at a time and in plain words.

Tails are one contour integral by the trapezoid rule, on a path around the branch cut.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

Float = npt.NDArray[np.float64]

RHOS = (0.0, 0.01, 0.04, 0.09, 0.25, 0.5, 1.0)


def tail(q: float, weights: Float, noncentrality: Float | None = None) -> float:
    """P(sum of weight * chi-square_1(noncentrality) > q); some weights may be negative."""
    delta = np.zeros(weights.size) if noncentrality is None else noncentrality
    end = 1 / (2 * weights.max())

    def exponent(s: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
        each = 1 - 2 * np.multiply.outer(s, weights)
        # the principal root of each factor: no path below crosses its cut
        terms = -0.5 * np.log(each) + delta * np.multiply.outer(s, weights) / each
        return np.asarray(terms.sum(axis=-1) - s * q)

    if weights.min() > 0:
        # P(Q <= q) is at most exp(K(s) - s q) at any s < 0
        below = -np.logspace(-6, 14, 401) * end + 0j
        if exponent(below).real.min() < -37:
            return 1.0

    def on_axis(share: float) -> float:
        s = share * end
        return float(exponent(np.array([s + 0j]))[0].real) - math.log(s)

    share = optimize.minimize_scalar(on_axis, bounds=(1e-9, 1 - 1e-9), method="bounded").x
    centre = share * end
    factors = 1 - 2 * weights * centre
    curvature = np.sum(2 * (weights / factors) ** 2 * (1 + 2 * delta / factors)) + centre**-2
    scale = 1 / math.sqrt(curvature)
    bend = 0.3 if weights.min() > 0 else 0.0
    step = 0.02
    v = np.arange(0, 16, step)
    u = np.sinh(v)
    s = centre + scale * (1j * u + bend * (np.cosh(v) - 1))
    values = np.exp(exponent(s)) / s * scale * (1j * np.cosh(v) + bend * u)
    values[0] /= 2
    return float(np.sum(values.imag) * step / math.pi)


def positive(eigenvalues: Float) -> Float:
    return eigenvalues[eigenvalues > 1e-11 * max(eigenvalues.max(initial=0.0), 1e-300)]


def skat_p(scores: Float, covariance: Float, df: int, *, is_finite: bool) -> float:
    """Test S'S, in units of the estimated residual variance; that has ``df`` degrees of freedom."""
    q = float(scores @ scores)
    eigenvalues = positive(np.linalg.eigvalsh(covariance))
    if is_finite:
        # S'S > q is z'(Phi - q/df)z > 0 over the df residual dimensions
        padded = np.zeros(df)
        padded[: eigenvalues.size] = eigenvalues
        if eigenvalues.size == 1:
            return float(stats.beta.sf(q / df / eigenvalues[0], 0.5, (df - 1) / 2))
        differences = padded - q / df
        return 0.0 if differences.max() <= 0 else tail(0.0, differences)
    if eigenvalues.size == 1:
        return float(stats.chi2.sf(q / eigenvalues[0], 1))
    return tail(q, eigenvalues)


def mixture_p(q: float, eigenvalues: Float) -> float:
    return (
        float(stats.chi2.sf(q / eigenvalues[0], 1))
        if eigenvalues.size == 1
        else tail(q, eigenvalues)
    )


def skat_o(scores: Float, covariance: Float) -> tuple[float, list[float]]:
    """Return p and where the smallest p lies: over the burden score, then over what is left."""
    m = scores.size
    ones = np.ones(m)
    laws = {}
    for rho in RHOS:
        values, vectors = np.linalg.eigh((1 - rho) * np.eye(m) + rho * np.ones((m, m)))
        root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
        laws[rho] = positive(np.linalg.eigvalsh(root @ covariance @ root))
    q = {rho: (1 - rho) * scores @ scores + rho * (ones @ scores) ** 2 for rho in RHOS}
    p = {rho: mixture_p(q[rho], laws[rho]) for rho in RHOS}
    smallest = min(p.values())
    rhos_of_smallest = [rho for rho in RHOS if p[rho] <= smallest * (1 + 1e-9)]
    if positive(np.linalg.eigvalsh(covariance)).size == 1:
        return smallest, rhos_of_smallest
    bounds = {rho: quantile(smallest, laws[rho], q[rho]) for rho in RHOS}
    variance = ones @ covariance @ ones
    along = covariance @ ones / math.sqrt(variance)
    values, vectors = np.linalg.eigh(covariance - np.outer(along, along))
    is_there = values > 1e-11 * np.trace(covariance)
    mu, shift = values[is_there], (vectors.T @ along)[is_there]
    fixed = float(along @ along - shift @ shift)
    lines = [(bounds[r] / (1 - r), r * variance / (1 - r)) for r in RHOS if r < 1]
    last = bounds[1.0] / variance

    def lowest(square: float) -> float:
        return min(height - slope * square for height, slope in lines)

    def given(x: float) -> float:
        room = lowest(x * x) - fixed * x * x
        if room <= 0:
            return 1.0
        if mu.size == 1:
            return float(stats.ncx2.sf(room / mu[0], 1, x * x * shift[0] ** 2 / mu[0]))
        return tail(room, mu, x * x * shift**2 / mu)

    squares = {0.0, last}
    every = [*lines, (0.0, -fixed)]
    for i, (height, slope) in enumerate(every):
        for other, steeper in every[:i]:
            if slope != steeper:
                squares.add((height - other) / (slope - steeper))
    ends = [math.sqrt(square) for square in sorted(squares) if 0 <= square <= last]
    nodes, shares = np.polynomial.legendre.leggauss(32)
    total = float(stats.chi2.sf(last, 1))
    for a, b in itertools.pairwise(ends):
        if b - a < 1e-12:
            continue
        for node, share in zip((nodes + 1) / 2, shares / 2, strict=True):
            # steps that shrink towards both ends, where the integrand has corners
            x = a + (b - a) * node**2 * (3 - 2 * node)
            step = (b - a) * 6 * node * (1 - node)
            total += 2 * share * step * stats.norm.pdf(x) * given(x)
    return float(total), rhos_of_smallest


def quantile(p: float, eigenvalues: Float, near: float) -> float:
    if eigenvalues.size == 1:
        return float(eigenvalues[0] * stats.chi2.isf(p, 1))

    def excess(log_q: float) -> float:
        return math.log(max(tail(math.exp(log_q), eigenvalues), 1e-300)) - math.log(p)

    low = high = math.log(near)
    while excess(low) < 0:
        low -= 1
    while excess(high) > 0:
        high += 1
    if low == high:
        return near
    return math.exp(optimize.brentq(excess, low, high, xtol=1e-13, rtol=1e-13))


def acat(p_values: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Combine by the Cauchy law; a p of 1, to rounding errors, counts as 1 - 1/n."""
    pairs = list(zip(p_values, weights or [1.0] * len(p_values), strict=True))
    pairs = [(p, weight) for p, weight in pairs if weight > 0]
    if all(p >= 1 - 1e-12 for p, _ in pairs):
        return 1.0
    total = 0.0
    for p, weight in pairs:
        used = 1 - 1 / len(pairs) if p >= 1 - 1e-12 else p
        share = weight / math.fsum(weight for _, weight in pairs)
        total += share * (
            1 / (math.pi * used) if used < 1e-12 else math.tan((0.5 - used) * math.pi)
        )
    return math.atan2(1, total) / math.pi
