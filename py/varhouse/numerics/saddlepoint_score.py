"""Score tests of rare binary phenotypes, with tails by the saddle point (SPA).

When cases are few, scores are far from normal. Given the fitted probabilities mu, the score
S = sum_i g_i (y_i - mu_i) of covariate-adjusted dosages g is a sum of independent shifted
Bernoulli variables with a known cumulant generating function K; its tail is
Phi(-r), r = w + log(v / w) / w, w = sign(t) sqrt(2 (t s - K(t))), v = t sqrt(K''(t)), K'(t) = s
(Dey et al. 2017, Am. J. Hum. Genet. 101, 37-49, doi:10.1016/j.ajhg.2017.05.014).

For SKAT the variance of every score is changed to the one for which the normal law gives the
saddle point's p-value, and the whole covariance to agree with that of the burden (Zhao et al. 2020,
Am. J. Hum. Genet. 106, 3-12, doi:10.1016/j.ajhg.2019.11.012). Variants with few copies are
collapsed into one first (Zhou et al. 2022, Nat. Genet. 54, 1466-1469,
doi:10.1038/s41588-022-01178-w).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from varhouse.numerics.binary import LogisticNull, binary_score_set
from varhouse.numerics.skat import ScoreSet
from varhouse.numerics.tails import log_chi2_1

Float = npt.NDArray[np.float64]

MAX_COLLAPSED_COPIES = 10
NORMAL_BELOW_SD = 2.0
"""Within so many standard deviations the normal law is good enough."""

_MAX_STEPS = 200
_EDGE = 1e-9
_ROOT_TOLERANCE = 1e-12
_NO_VARIANCE = 1e-10
_SMALL_T = 1e-6


class ScoreTest(NamedTuple):
    """A two-sided score test.

    ``log_p`` is NaN unless ``status`` is ``ok``; ``method`` is ``normal`` or ``saddlepoint``.
    Other statuses: ``no_variance``, and those of the null model.
    """

    score: float
    variance: float
    log_p: float
    method: Literal["normal", "saddlepoint", ""]
    status: str


def score_test(dosage: Float, null: LogisticNull) -> ScoreTest:
    """Test one variant or burden.

    Parameters
    ----------
    dosage
        Shape (n,): dosages or a weighted sum of them, nothing missing.
    null
        From `varhouse.numerics.binary.fit_logistic`.
    """
    nan = float("nan")
    if null.status != "ok":
        return ScoreTest(nan, nan, nan, "", null.status)
    root = np.sqrt(null.variance)
    scaled = root * dosage
    adjusted = scaled - null.basis @ (null.basis.T @ scaled)
    variance = float(adjusted @ adjusted)
    if variance <= _NO_VARIANCE * float(scaled @ scaled) or variance == 0:
        return ScoreTest(nan, nan, nan, "", "no_variance")
    g = adjusted / root
    score = float(g @ null.residuals)
    if abs(score) < NORMAL_BELOW_SD * np.sqrt(variance):
        return ScoreTest(score, variance, float(log_chi2_1(score**2 / variance)), "normal", "ok")
    above, below = (_log_tail(sign * g, null.fitted, abs(score)) for sign in (1.0, -1.0))
    log_p = min(float(np.logaddexp(above, below)), 0.0)
    return ScoreTest(score, variance, log_p, "saddlepoint", "ok")


def _log_tail(g: Float, mu: Float, score: float) -> float:
    """Return log P(sum g_i (Y_i - mu_i) >= score) for a score above 0."""
    largest = float(np.sum(np.where(g > 0, g * (1.0 - mu), -g * mu)))
    smallest_step = float(np.min(np.abs(g[g != 0])))
    if score > largest + _EDGE * largest:
        return -np.inf
    if score >= largest - max(_EDGE * largest, 1e-3 * smallest_step):
        # only one outcome is as far out: every carrier the way that adds
        certain = np.where(g > 0, np.log(mu), np.log1p(-mu))
        return float(np.sum(certain[g != 0]))

    def slopes(t: float) -> tuple[float, float]:
        tilted = special.expit(special.logit(mu) + g * t)
        return float(g @ (tilted - mu)) - score, float(g**2 @ (tilted * (1.0 - tilted)))

    low, high = 0.0, score / slopes(0.0)[1]
    while slopes(high)[0] < 0:
        low, high = high, 2.0 * high
    t = high
    for _ in range(_MAX_STEPS):
        first, second = slopes(t)
        if abs(first) <= _ROOT_TOLERANCE * score or high - low < _ROOT_TOLERANCE * high:
            break
        low, high = (t, high) if first < 0 else (low, t)
        proposal = t - first / second if second > 0 else np.nan
        t = proposal if low < proposal < high else 0.5 * (low + high)
    _, curvature = slopes(t)
    # log(1 - mu + mu exp(g t)) - mu g t, without overflow
    eta = special.logit(mu)
    k = float(np.sum(np.logaddexp(0.0, eta + g * t) - np.logaddexp(0.0, eta) - mu * g * t))
    w = np.sqrt(max(2.0 * (t * score - k), 0.0))
    v = t * np.sqrt(curvature)
    if w < _SMALL_T or v == 0:
        return float(special.log_ndtr(-w))
    return float(special.log_ndtr(-(w + np.log(v / w) / w)))


def robust_score_set(weighted: Float, null: LogisticNull) -> ScoreSet:
    """Return scores and a covariance for SKAT, SKAT-O and burden tests of unbalanced phenotypes.

    Parameters
    ----------
    weighted
        Shape (n, m): weighted genotypes, after `collapse_rare`.
    null
        With status ``ok``.
    """
    plain = binary_score_set(weighted, null)
    scores = plain.scores[:, 0]
    variance = np.diag(plain.covariance)
    ratio = np.ones(scores.size)
    for j in range(scores.size):
        found = score_test(weighted[:, j], null)
        if found.method == "saddlepoint":
            ratio[j] = _variance_for(found.log_p, scores[j]) / variance[j]
    root = np.sqrt(ratio)
    covariance = root[:, None] * plain.covariance * root
    burden = score_test(weighted.sum(axis=1), null)
    if burden.method == "saddlepoint":
        needed = _variance_for(burden.log_p, float(scores.sum()))
        covariance = covariance * max(1.0, needed / float(covariance.sum()))
    return ScoreSet(plain.scores, covariance)


def _variance_for(log_p: float, score: float) -> float:
    """Return the variance with which the normal law gives a two-sided p-value."""
    z = -float(special.ndtri_exp(log_p - np.log(2.0)))
    return (score / z) ** 2


def collapse_rare(
    genotypes: Float, weights: Float, *, max_copies: float = MAX_COLLAPSED_COPIES
) -> Float:
    """Return weighted genotypes in which variants of few copies are one column, the first.

    A donor's value there is the largest dosage times the mean weight of the collapsed variants.

    Parameters
    ----------
    genotypes
        Shape (n, m): minor-allele dosages, nothing missing.
    weights
        Shape (m,).
    max_copies
        Largest number of copies that is collapsed.
    """
    few = genotypes.sum(axis=0) <= max_copies
    rest = np.asarray(genotypes[:, ~few] * weights[~few])
    if not few.any():
        return rest
    return np.column_stack([genotypes[:, few].max(axis=1) * weights[few].mean(), rest])
