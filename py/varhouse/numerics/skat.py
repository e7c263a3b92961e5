"""SKAT: does the variance that a set of variants explains differ from 0?

Q = sum_j (w_j g_j'r)^2 / sigma^2 with residuals r and residual variance sigma^2. Under the null
Q is a weighted sum of chi-squares; the weights are the eigenvalues of the covariance of the scores
(Wu et al. 2011, Am. J. Hum. Genet. 89, 82-93, doi:10.1016/j.ajhg.2011.05.029, equations 2 and 3).
With normal errors and an estimated sigma^2 the exact law is that of a ratio of quadratic forms,
P(sum_i (lambda_i - Q/nu) z_i^2 > 0) over all nu = n - k residual dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from varhouse.numerics.mixture import mixture_log_sf, ratio_log_sf
from varhouse.numerics.null_model import LinearNull
from varhouse.numerics.tridiagonal import spectrum, tridiagonal

Float = npt.NDArray[np.float64]

_EIGENVALUE_TOLERANCE = 1e-12


@dataclass(frozen=True)
class ScoreSet:
    """Scores of the m variants of a set for t phenotypes, and their covariance.

    Attributes
    ----------
    scores
        Shape (m, t): W G'r / sigma.
    covariance
        Shape (m, m): W G'(I - QQ')G W, the same for all phenotypes.
    """

    scores: Float
    covariance: Float


def score_set(weighted: Float, null: LinearNull) -> ScoreSet:
    """Return the scores of weighted genotypes and their covariance under the null.

    Parameters
    ----------
    weighted
        Shape (n, m): donors by variants, dosages times weights, nothing missing.
    null
        Covariates-only fit of the same donors in the same order.
    """
    projected = null.basis.T @ weighted
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = (weighted.T @ null.residuals) / null.sigma
    return ScoreSet(scores, weighted.T @ weighted - projected.T @ projected)


def positive_eigenvalues(covariance: Float, *, overwrite: bool = False) -> Float:
    """Return the eigenvalues of a covariance matrix without the rounding noise around 0.

    Parameters
    ----------
    covariance
        Shape (m, m); only the upper triangle is read.
    overwrite
        Whether the matrix may be destroyed, which saves a copy.
    """
    if not covariance.size:
        return np.zeros(0)
    values = spectrum(tridiagonal(covariance, overwrite=overwrite))
    return np.asarray(values[values > _EIGENVALUE_TOLERANCE * values.size * values[-1]])


def skat_log_p(q: Float, eigenvalues: Float, *, df: int | None = None) -> tuple[Float, Float]:
    """Return log p and its relative error for statistics of one set.

    Parameters
    ----------
    q
        Shape (t,): S'S of each phenotype.
    eigenvalues
        Shape (r,): of the scores' covariance, without zeros.
    df
        Residual degrees of freedom for the law that is exact under normal errors; None for the
        large-sample law, which takes sigma for known.
    """
    statistics = np.asarray(q, dtype=np.float64)
    if df is None:
        return mixture_log_sf(statistics, eigenvalues)
    return ratio_log_sf(statistics, eigenvalues, df)
