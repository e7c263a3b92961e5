"""Burden test: one regression of the phenotype on a weighted sum of genotypes.

With the covariates projected out (Frisch-Waugh, see `varhouse.numerics.null_model`), beta is
b'r / b'Pb for the burden b and the residuals r of the phenotype. P-values are those of Student's t
with n - k - 1 degrees of freedom; the likelihood ratio (n - k) log(RSS0 / RSS1) on chi-square 1
stands beside it for comparison with programs that use it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from varhouse.numerics.tails import log_chi2_1, log_t_two_sided

Float = npt.NDArray[np.float64]

COLLINEAR = 1e-10
"""Covariates explain genotypes of which they leave no larger share of the squares than this."""

NO_EFFECT = 1e-26
"""A share of the squares of a phenotype that is a rounding error: explained is nothing, p is 1.

ACAT takes a p of 1 apart from one just below, which erases the others.
"""


def without_rounding(score: npt.ArrayLike, size: npt.ArrayLike, rss: npt.ArrayLike) -> Float:
    """Return scores, 0 where they are rounding errors.

    Parameters
    ----------
    score, size, rss
        b'r, b'b and r'r, broadcast against each other.
    """
    br, bb, rr = (np.asarray(x, dtype=np.float64) for x in (score, size, rss))
    return np.where(br**2 <= NO_EFFECT * bb * rr, 0.0, br)


class BurdenTest(NamedTuple):
    """Results, all of one shape; NaN where ``status`` is not ``ok``.

    Attributes
    ----------
    beta, se
        Effect of one unit of the burden, and its standard error.
    t
        beta / se, on n - k - 1 degrees of freedom.
    log_p
        Natural logarithm of the two-sided p-value of t.
    lrt, lrt_log_p
        Likelihood ratio statistic, and the logarithm of its p-value.
    status
        ``ok``, ``no_carriers`` (b = 0), ``collinear`` (b lies in the span of the covariates) or
        ``constant_phenotype``.
    """

    beta: Float
    se: Float
    t: Float
    log_p: Float
    lrt: Float
    lrt_log_p: Float
    status: npt.NDArray[np.str_]


def burden_test(
    score: npt.ArrayLike,
    variance: npt.ArrayLike,
    size: npt.ArrayLike,
    rss: npt.ArrayLike,
    df: npt.ArrayLike,
) -> BurdenTest:
    """Test burdens from their sufficient statistics.

    Parameters
    ----------
    score
        b'r.
    variance
        b'Pb: squared length of b without its projection on the covariates.
    size
        b'b.
    rss
        r'r.
    df
        n - k, the residual degrees of freedom without the burden.

    All broadcast against each other.
    """
    br, bpb, bb, rr, nu = np.broadcast_arrays(
        *(np.asarray(x, dtype=np.float64) for x in (score, variance, size, rss, df))
    )
    status = np.full(br.shape, "ok", dtype="<U18")
    # of several reasons the last, as in the variance tests
    status[rr <= 0] = "constant_phenotype"
    status[bpb <= COLLINEAR * bb] = "collinear"
    status[bb == 0] = "no_carriers"
    good = status == "ok"
    br = without_rounding(br, bb, rr)
    with np.errstate(divide="ignore", invalid="ignore"):
        beta = np.where(good, br / bpb, np.nan)
        # explained share of the residual variance, at most 1 but for rounding
        share = np.minimum(beta * br / rr, 1.0)
        se = np.sqrt((1.0 - share) * rr / (nu - 1.0) / bpb)
        t = beta / se
        lrt = -nu * np.log1p(-share)
    return BurdenTest(beta, se, t, log_t_two_sided(t, nu - 1.0), lrt, log_chi2_1(lrt), status)
