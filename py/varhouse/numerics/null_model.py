"""The phenotype without the variants: linear regression on covariates, kept as projections.

Frisch-Waugh: with Q an orthonormal basis of the covariates, everything that a test of variants
needs of them is Q'G and the residuals of the phenotype (Hastie, Tibshirani & Friedman, The Elements
of Statistical Learning, 2nd ed., section 3.2.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

_RANK_TOLERANCE = 1e-9
_CONSTANT_TOLERANCE = 1e-20


@dataclass(frozen=True)
class LinearNull:
    """Covariates and phenotypes of n donors, taken apart.

    Attributes
    ----------
    basis
        Shape (n, k): orthonormal basis of the covariates.
    residuals
        Shape (n, t): phenotypes without their projection on the covariates.
    rss
        Shape (t,): residual sums of squares; 0 for a phenotype that the covariates explain fully.
    df
        Residual degrees of freedom, n - k.
    dropped
        Columns of the covariates that depend linearly on those before them.
    """

    basis: Float
    residuals: Float
    rss: Float
    df: int
    dropped: tuple[int, ...]

    @property
    def sigma(self) -> Float:
        """Residual standard deviation of each phenotype, shape (t,)."""
        return np.sqrt(self.rss / self.df)


def covariate_basis(covariates: Float) -> tuple[Float, tuple[int, ...]]:
    """Return an orthonormal basis of the columns and the columns that add nothing to it.

    Parameters
    ----------
    covariates
        Shape (n, c), the intercept among them.

    Raises
    ------
    ValueError
        A value is not finite.
    """
    x = np.asarray(covariates, dtype=np.float64)
    if not np.all(np.isfinite(x)):
        raise ValueError("covariates hold values that are not finite")
    # by the largest value first, so that no square overflows
    tops = np.max(np.abs(x), axis=0, initial=0.0)
    scaled = x / np.where(tops > 0, tops, 1.0)
    sizes = np.linalg.norm(scaled, axis=0)
    scaled = scaled / np.where(sizes > 0, sizes, 1.0)
    kept: list[int] = []
    basis = np.empty((x.shape[0], 0))
    # one column after the other, so that it is the later of two equal columns that goes
    for column in range(x.shape[1]):
        rest = scaled[:, column]
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        size = float(np.linalg.norm(rest))
        if size > _RANK_TOLERANCE:
            basis = np.column_stack([basis, rest / size])
            kept.append(column)
    return basis, tuple(column for column in range(x.shape[1]) if column not in kept)


def fit_linear(covariates: Float, phenotypes: Float) -> LinearNull:
    """Regress phenotypes on covariates.

    Parameters
    ----------
    covariates
        Shape (n, c), the intercept among them; collinear columns are dropped and named.
    phenotypes
        Shape (n, t), finite.

    Raises
    ------
    ValueError
        A value is not finite, or there are too few donors.
    """
    return fit_residuals(*covariate_basis(covariates), phenotypes)


def fit_residuals(basis: Float, dropped: tuple[int, ...], phenotypes: Float) -> LinearNull:
    """Regress phenotypes on an orthonormal basis of the covariates.

    Parameters
    ----------
    basis, dropped
        As `covariate_basis` returns them; the basis has shape (n, k).
    phenotypes
        Shape (n, t): a column each, all values finite.

    Raises
    ------
    ValueError
        A value is not finite, or there are too few donors.
    """
    n, k = basis.shape
    if n - k < 2:
        raise ValueError(f"{n} donors are too few for {k} covariates and a variant set")
    y = np.asarray(phenotypes, dtype=np.float64)
    if not np.all(np.isfinite(y)):
        raise ValueError("phenotypes hold values that are not finite")
    residuals = y - basis @ (basis.T @ y)
    residuals -= basis @ (basis.T @ residuals)
    rss = np.einsum("ij,ij->j", residuals, residuals)
    explained = rss <= _CONSTANT_TOLERANCE * np.einsum("ij,ij->j", y, y)
    rss = np.where(explained, 0.0, rss)
    return LinearNull(basis, residuals, rss, n - k, dropped)
