"""The strongest of many variants for a gene: p-values by permutation, smoothed by a Beta law.

The smallest p-value of a gene's variants is compared with those of permuted phenotypes, to which a
Beta(a, b) law is fitted by maximum likelihood; its tail reaches beyond what permutations count
(Ongen et al. 2016, Bioinformatics 32, 1479-1485, doi:10.1093/bioinformatics/btv722).
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from varhouse.numerics.tails import log_t_two_sided

Float = npt.NDArray[np.float64]

MIN_PERMUTATIONS = 10

_NO_VARIANCE = 1e-10
_BLOCK = 1 << 22
_MAX_STEPS = 100
_CONVERGED = 1e-10
_DF_RANGE = (0.2, 2.0)
_SMALLEST_P, _LARGEST_P = 1e-300, 1.0 - 2.0**-53
# squares that agree to this are taken as equal: a rare variant has few values to choose from
_TIE = 1e-10
# permutations that all come to the same p-value fit any law
_NO_SPREAD = 1e-12


class PermutationTest(NamedTuple):
    """Result for one gene; numbers are NaN where ``status`` is not ``ok``.

    Attributes
    ----------
    best
        Column of the variant with the smallest p-value; -1 without one.
    nominal_p
        Its own two-sided p-value (t).
    empirical_p
        (1 + permutations at least as strong) / (1 + permutations).
    beta_p
        From the fitted law.
    shape1, shape2
        Of the fitted law; the second is about the number of independent tests.
    effective_df
        Degrees of freedom at which the first shape is near 1.
    n_permutations
        How many were made.
    status
        ``ok``, ``no_variants`` (none varies beyond the covariates), ``constant_phenotype``, or
        ``fit_failed``, where only the empirical p-value stands.
    """

    best: int
    nominal_p: float
    empirical_p: float
    beta_p: float
    shape1: float
    shape2: float
    effective_df: float
    n_permutations: int
    status: str


def gene_rng(seed: int, gene_id: str) -> np.random.Generator:
    """Return a generator that depends on the seed and the gene only, not on the order of genes."""
    digest = hashlib.sha256(gene_id.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:16], "little")])


def permutation_test(
    genotypes: Float,
    phenotype: Float,
    basis: Float,
    *,
    rng: np.random.Generator,
    n_permutations: int = 1000,
) -> PermutationTest:
    """Test whether any of a gene's variants is associated with its phenotype.

    Residuals of the phenotype are permuted, and regressed on the covariates again.

    Parameters
    ----------
    genotypes
        Shape (n, m): dosages, nothing missing.
    phenotype
        Shape (n,).
    basis
        Shape (n, k): orthonormal basis of the covariates.
    rng
        Of this gene: see `gene_rng`.
    n_permutations
        At least 10.

    Raises
    ------
    ValueError
        Fewer than 10 permutations.
    """
    if n_permutations < MIN_PERMUTATIONS:
        raise ValueError(
            f"{n_permutations} permutations are too few for a Beta law, at least {MIN_PERMUTATIONS}"
        )
    residual = _residual(phenotype[:, None], basis)[:, 0]
    if float(residual @ residual) <= _NO_VARIANCE * float(phenotype @ phenotype):
        return _none("constant_phenotype", n_permutations)
    columns = _residual(genotypes, basis)
    sizes = np.einsum("ij,ij->j", columns, columns)
    kept = np.flatnonzero(sizes > _NO_VARIANCE * np.einsum("ij,ij->j", genotypes, genotypes))
    if not kept.size:
        return _none("no_variants", n_permutations)
    columns = columns[:, kept] / np.sqrt(sizes[kept])
    df = basis.shape[0] - basis.shape[1] - 1
    squares = (columns.T @ residual) ** 2 / float(residual @ residual)
    best = int(np.argmax(squares))
    strongest = _permuted(columns, residual, basis, rng, n_permutations)
    as_strong = strongest >= (1.0 - _TIE) * squares[best]
    empirical = (1.0 + float(np.sum(as_strong))) / (1.0 + n_permutations)
    nominal = float(_p(squares[best : best + 1], df)[0])
    fitted = _fit(strongest, df)
    if fitted is None:
        nan = float("nan")
        return PermutationTest(
            int(kept[best]), nominal, empirical, nan, nan, nan, nan, n_permutations, "fit_failed"
        )
    shape1, shape2, effective_df = fitted
    beta_p = float(special.betainc(shape1, shape2, _p(squares[best : best + 1], effective_df)[0]))
    return PermutationTest(
        int(kept[best]), nominal, empirical, beta_p, shape1, shape2, effective_df,
        n_permutations, "ok",
    )  # fmt: skip


def _none(status: str, n_permutations: int) -> PermutationTest:
    nan = float("nan")
    return PermutationTest(-1, nan, nan, nan, nan, nan, nan, n_permutations, status)


def _residual(x: Float, basis: Float) -> Float:
    rest = x - basis @ (basis.T @ x)
    return np.asarray(rest - basis @ (basis.T @ rest))


def _permuted(
    columns: Float, residual: Float, basis: Float, rng: np.random.Generator, n_permutations: int
) -> Float:
    """Return the largest squared correlation of each permutation, shape (n_permutations,)."""
    n, m = columns.shape
    found = np.empty(n_permutations)
    block = max(1, _BLOCK // max(n, m))
    for start in range(0, n_permutations, block):
        count = min(block, n_permutations - start)
        shuffled = rng.permuted(np.broadcast_to(residual, (count, n)), axis=1).T
        shuffled = _residual(shuffled, basis)
        sizes = np.einsum("ij,ij->j", shuffled, shuffled)
        found[start : start + count] = np.max((columns.T @ shuffled) ** 2, axis=0) / sizes
    return found


def _p(squares: Float, df: float) -> Float:
    """Return two-sided p-values of squared correlations."""
    share = np.minimum(squares, 1.0 - 1e-15)
    p = np.exp(log_t_two_sided(np.sqrt(df * share / (1.0 - share)), df))
    return np.clip(p, _SMALLEST_P, _LARGEST_P)


def _fit(strongest: Float, df: float) -> tuple[float, float, float] | None:
    """Return both shapes and the degrees of freedom; None when the likelihood has no maximum."""

    def first_shape(log_factor: float) -> float:
        shapes = _moments(_p(strongest, df * float(np.exp(log_factor))))
        return float("nan") if shapes is None else shapes[0] - 1.0

    low, high = (float(np.log(factor)) for factor in _DF_RANGE)
    ends = first_shape(low), first_shape(high)
    effective = df
    if np.all(np.isfinite(ends)) and ends[0] * ends[1] < 0:
        effective = df * float(np.exp(optimize.brentq(first_shape, low, high, xtol=1e-6)))
    p = _p(strongest, effective)
    start = _moments(p)
    if start is None:
        return None
    shapes = _maximise(start, float(np.mean(np.log(p))), float(np.mean(np.log1p(-p))))
    return None if shapes is None else (*shapes, effective)


def _moments(p: Float) -> tuple[float, float] | None:
    """Return the shapes of the Beta law with the mean and variance of p."""
    mean, variance = float(np.mean(p)), float(np.var(p))
    if variance <= _NO_SPREAD * mean * (1.0 - mean):
        return None
    common = mean * (1.0 - mean) / variance - 1.0
    return (mean * common, (1.0 - mean) * common) if common > 0 else None


def _maximise(
    start: tuple[float, float], mean_log: float, mean_log_rest: float
) -> tuple[float, float] | None:
    """Return the shapes of maximum likelihood, by Newton's steps on their logarithms."""
    log_shapes = np.log(np.array(start))
    for _ in range(_MAX_STEPS):
        a, b = np.exp(log_shapes)
        both = special.digamma(a + b)
        gradient = np.array(
            [a * (both - special.digamma(a) + mean_log),
             b * (both - special.digamma(b) + mean_log_rest)]
        )  # fmt: skip
        if np.max(np.abs(gradient) / np.array([a, b])) < _CONVERGED:
            return float(a), float(b)
        curve = special.polygamma(1, a + b)
        hessian = np.array(
            [[a * a * (curve - special.polygamma(1, a)) + gradient[0], a * b * curve],
             [a * b * curve, b * b * (curve - special.polygamma(1, b)) + gradient[1]]]
        )  # fmt: skip
        step = -np.linalg.solve(hessian, gradient)
        log_shapes = log_shapes + np.clip(step, -1.0, 1.0)
    return None
