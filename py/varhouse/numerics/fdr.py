"""Many tests at once: false discovery rates and genomic control."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Float = npt.NDArray[np.float64]

THRESHOLDS = np.arange(0.05, 0.96, 0.05)
THREE_DF_PENALTY = 0.015720040883551497
"""Penalty at which the cubic smoothing spline over `THRESHOLDS` has three degrees of freedom."""

_MEDIAN_CHI2_1 = 2.0 * float(special.erfinv(0.5)) ** 2


def benjamini_hochberg(p_values: npt.ArrayLike) -> Float:
    """Return adjusted p-values; NaNs stay NaN and do not count as tests.

    Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300, as the smallest level at which each
    test is rejected.
    """
    return _step_up(np.asarray(p_values, dtype=np.float64), 1.0)


def storey_q_values(p_values: npt.ArrayLike) -> tuple[Float, float]:
    """Return q-values and the estimated share of true null hypotheses.

    Storey & Tibshirani (2003), PNAS 100, 9440-9445, doi:10.1073/pnas.1530509100: the share of
    p-values above a threshold, smoothed by a cubic spline with three degrees of freedom over
    thresholds from 0.05 to 0.95 and taken at 0.95. With too few p-values for that, or an estimate
    of 0 or below, it is 1, and the q-values are Benjamini and Hochberg's.
    """
    p = np.asarray(p_values, dtype=np.float64)
    there = p[~np.isnan(p)]
    if there.size == 0:
        return np.full(p.shape, np.nan), float("nan")
    pi0 = 1.0
    if there.size >= THRESHOLDS.size and there.max() > THRESHOLDS[-1]:
        shares = np.array([np.mean(there >= level) / (1.0 - level) for level in THRESHOLDS])
        from scipy import interpolate  # takes longer to import than all else here to run

        smooth = interpolate.make_smoothing_spline(THRESHOLDS, shares, lam=THREE_DF_PENALTY)
        estimate = float(smooth(THRESHOLDS[-1]))
        pi0 = min(estimate, 1.0) if estimate > 0 else 1.0
    return _step_up(p, pi0), pi0


def genomic_control(p_values: npt.ArrayLike) -> float:
    """Return lambda GC: the chi-square of the median p over the null median (0.4549).

    Devlin & Roeder (1999), Biometrics 55, 997-1004, doi:10.1111/j.0006-341X.1999.00997.x.
    """
    p = np.asarray(p_values, dtype=np.float64)
    p = p[~np.isnan(p)]
    if p.size == 0:
        return float("nan")
    return float(special.chdtri(1.0, float(np.median(p))) / _MEDIAN_CHI2_1)


def _step_up(p: Float, pi0: float) -> Float:
    q = np.full(p.shape, np.nan)
    there = np.flatnonzero(~np.isnan(p))
    order = there[np.argsort(p[there], kind="stable")]
    n = order.size
    if n:
        raw = pi0 * p[order] * n / np.arange(1, n + 1)
        q[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return q
