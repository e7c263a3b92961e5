"""ACAT-V: single-variant tests of a set, combined by the Cauchy distribution.

Liu et al. (2019), Am. J. Hum. Genet. 104, 410-421, doi:10.1016/j.ajhg.2019.01.002: variants with
few copies, for which a single test says little, are first collapsed into one burden.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from varhouse.numerics.acat import Status, acat
from varhouse.numerics.burden import NO_EFFECT
from varhouse.numerics.skat import ScoreSet
from varhouse.numerics.tails import log_chi2_1, log_t_two_sided

Float = npt.NDArray[np.float64]

MAX_COLLAPSED_COPIES = 10
# copies that are a frequency times donors are whole but for rounding
_ROUNDING = 1e-6
_NO_VARIANCE = 1e-9


def acat_v_log_p(
    unweighted: ScoreSet,
    weights: Float,
    maf: Float,
    copies: Float,
    *,
    df: int,
    weight_of_maf: Callable[[float], float] | None = None,
) -> tuple[float, Status]:
    """Return log p of ACAT-V for one phenotype.

    Parameters
    ----------
    unweighted
        Scores of shape (m, 1) and covariance of the genotypes themselves.
    weights
        Shape (m,): of the variants in a burden or SKAT; here each counts as w^2 MAF (1 - MAF).
    maf, copies
        Shape (m,): frequency and number of the minor alleles.
    df
        n - k; single variants are tested by t with one degree of freedom less.
    weight_of_maf
        Where weights are a function of the MAF, that function: the collapsed variants then have
        its value at their mean MAF, and otherwise the mean of their weights (as R's ACAT).
    """
    score = unweighted.scores[:, 0]
    variance = np.diag(unweighted.covariance)
    tested = variance > _NO_VARIANCE * np.max(variance, initial=0.0)
    few = copies <= MAX_COLLAPSED_COPIES + _ROUNDING
    single = tested & ~few
    log_p = list(log_t_from_score(score[single], variance[single], df))
    shares = list(weights[single] ** 2 * maf[single] * (1.0 - maf[single]))
    few &= tested
    if few.any():
        w = weights[few]
        spread = float(w @ unweighted.covariance[np.ix_(few, few)] @ w)
        if spread > 0:
            mean = float(maf[few].mean())
            typical = float(w.mean()) if weight_of_maf is None else weight_of_maf(mean)
            square = float(w @ score[few]) ** 2 / spread
            log_p.append(float(log_chi2_1(square if square > NO_EFFECT * df else 0.0)))
            shares.append(typical**2 * mean * (1.0 - mean))
    return acat(log_p=log_p, weights=shares)


def log_t_from_score(score: Float, variance: Float, df: int) -> Float:
    """Return log p of Student's t for the regression that a score test stands for.

    Parameters
    ----------
    score
        Shape (m,), in units of the null's residual standard deviation.
    variance
        Shape (m,): variances of the scores under the null.
    df
        Residual degrees of freedom of the null.

    Returns
    -------
    ndarray
        Shape (m,): natural logarithms of two-sided p-values.
    """
    explained = np.minimum(score**2 / variance / df, 1.0)
    explained = np.where(explained <= NO_EFFECT, 0.0, explained)
    with np.errstate(divide="ignore"):
        t = np.sqrt(explained * (df - 1.0) / (1.0 - explained))
    return log_t_two_sided(t, df - 1.0)
