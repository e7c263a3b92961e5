"""Binary phenotypes: the logistic null model, score tests on it, and the burden's own regression.

With mu the fitted probabilities, V = diag(mu (1 - mu)) and X the covariates, the scores G'(y - mu)
have covariance G'(V - V X (X'V X)^-1 X'V) G (Wu et al. 2011, Am. J. Hum. Genet. 89, 82-93,
doi:10.1016/j.ajhg.2011.05.029): SKAT, SKAT-O, burden and ACAT-V need nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from varhouse.numerics.null_model import covariate_basis
from varhouse.numerics.skat import ScoreSet
from varhouse.numerics.tails import log_chi2_1

Float = npt.NDArray[np.float64]
Status = Literal["ok", "one_class", "separated", "not_converged"]

_MAX_STEPS = 60
_CONVERGED = 1e-10
_SEPARATED = 1e-7
_NO_VARIANCE = 1e-10


@dataclass(frozen=True)
class LogisticNull:
    """Logistic regression of one binary phenotype on covariates.

    Attributes
    ----------
    fitted
        Shape (n,): probabilities mu.
    variance
        Shape (n,): mu (1 - mu).
    residuals
        Shape (n,): y - mu.
    basis
        Shape (n, k): orthonormal basis of V^(1/2) X.
    coefficients
        Of the orthonormal basis of X that the fit used.
    log_likelihood
        At the optimum.
    dropped
        Columns of the covariates that depend linearly on those before them.
    status
        ``ok``; ``one_class`` where all phenotypes are equal, ``separated`` where covariates tell
        cases from controls so that probabilities reach 0 or 1, ``not_converged``. Results of a
        null that is not ``ok`` mean nothing.
    """

    fitted: Float
    variance: Float
    residuals: Float
    basis: Float
    coefficients: Float
    log_likelihood: float
    dropped: tuple[int, ...]
    status: Status

    @property
    def df(self) -> int:
        """Residual degrees of freedom, n - k."""
        n, k = self.basis.shape
        return int(n - k)


def fit_logistic(covariates: Float, phenotype: Float) -> LogisticNull:
    """Fit by iteratively reweighted least squares, halving steps that do not help.

    Parameters
    ----------
    covariates
        Shape (n, c), the intercept among them.
    phenotype
        Shape (n,), of 0 and 1.

    Raises
    ------
    ValueError
        A covariate is not finite, a phenotype not 0 or 1, or there are too few donors.
    """
    y = np.asarray(phenotype, dtype=np.float64)
    if not np.all((y == 0) | (y == 1)):
        raise ValueError("a binary phenotype holds values other than 0 and 1")
    x, dropped = covariate_basis(covariates)
    coefficients, log_likelihood, status = _maximise(x, y)
    mu = special.expit(x @ coefficients)
    variance = mu * (1.0 - mu)
    basis, _ = np.linalg.qr(np.sqrt(variance)[:, None] * x)
    return LogisticNull(mu, variance, y - mu, basis, coefficients, log_likelihood, dropped, status)


def _maximise(x: Float, y: Float) -> tuple[Float, float, Status]:
    """Return coefficients and log likelihood of the logistic model."""
    coefficients = np.zeros(x.shape[1])
    if np.all(y == y[0]):
        return coefficients, 0.0, "one_class"
    best = _log_likelihood(x @ coefficients, y)
    for _ in range(_MAX_STEPS):
        mu = special.expit(x @ coefficients)
        information = x.T @ ((mu * (1.0 - mu))[:, None] * x)
        gradient = x.T @ (y - mu)
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        if float(gradient @ step) < _CONVERGED:
            # the last step squares an error that is small already
            coefficients = coefficients + step
            extreme = np.minimum(mu, 1.0 - mu) < _SEPARATED
            status: Status = "separated" if extreme.any() else "ok"
            return coefficients, _log_likelihood(x @ coefficients, y), status
        for _ in range(_MAX_STEPS):
            value = _log_likelihood(x @ (coefficients + step), y)
            if value >= best:
                break
            step = 0.5 * step
        coefficients, best = coefficients + step, value
    return coefficients, best, "not_converged"


def _log_likelihood(eta: Float, y: Float) -> float:
    return float(y @ eta - np.logaddexp(0.0, eta).sum())


def binary_score_set(weighted: Float, null: LogisticNull) -> ScoreSet:
    """Return the scores of weighted genotypes and their covariance under the null.

    Parameters
    ----------
    weighted
        Shape (n, m): donors by variants, dosages times weights, nothing missing.
    null
        From `fit_logistic`, of the same donors in the same order.

    Returns
    -------
    ScoreSet
        Of one phenotype; the scores are G'(y - mu), not divided by a residual deviation.
    """
    scaled = np.sqrt(null.variance)[:, None] * weighted
    projected = null.basis.T @ scaled
    return ScoreSet(
        (weighted.T @ null.residuals)[:, None], scaled.T @ scaled - projected.T @ projected
    )


class LogisticBurden(NamedTuple):
    """Logistic regression with a burden; numbers are NaN where ``status`` is not ``ok``.

    ``beta`` is a log odds ratio per unit of the burden, ``se`` of Wald's kind; ``lrt`` is twice the
    gain in log likelihood, ``log_p`` of chi-square 1.
    """

    beta: float
    se: float
    lrt: float
    log_p: float
    status: str


def logistic_burden(
    burden: Float, covariates: Float, phenotype: Float, null: LogisticNull
) -> LogisticBurden:
    """Test a burden by the likelihood ratio.

    Parameters
    ----------
    burden
        Shape (n,).
    covariates, phenotype, null
        As in, and from, `fit_logistic`.

    Returns
    -------
    LogisticBurden
        ``status`` is that of the null or the fit, ``no_carriers`` (b = 0) or ``collinear``.
    """
    b = np.asarray(burden, dtype=np.float64)
    nan = float("nan")
    if null.status != "ok":
        return LogisticBurden(nan, nan, nan, nan, null.status)
    if not np.any(b):
        return LogisticBurden(nan, nan, nan, nan, "no_carriers")
    x, _ = covariate_basis(covariates)
    rest = b - x @ (x.T @ b)
    rest = rest - x @ (x.T @ rest)
    size = float(np.linalg.norm(rest))
    if size**2 <= _NO_VARIANCE * float(b @ b):
        return LogisticBurden(nan, nan, nan, nan, "collinear")
    y = np.asarray(phenotype, dtype=np.float64)
    # the residual of the burden has the burden's own coefficient
    full = np.column_stack([x, rest / size])
    coefficients, log_likelihood, status = _maximise(full, y)
    if status != "ok":
        return LogisticBurden(nan, nan, nan, nan, status)
    mu = special.expit(full @ coefficients)
    information = full.T @ ((mu * (1.0 - mu))[:, None] * full)
    se = float(np.sqrt(np.linalg.inv(information)[-1, -1])) / size
    lrt = max(2.0 * (log_likelihood - null.log_likelihood), 0.0)
    return LogisticBurden(float(coefficients[-1]) / size, se, lrt, float(log_chi2_1(lrt)), "ok")
