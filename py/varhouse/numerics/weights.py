"""Weights of variants: of their frequency, and of their distance from a TSS."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Float = npt.NDArray[np.float64]

TSS_DECAY_PER_BP = 1e-5


def beta_weight(maf: npt.ArrayLike, a: npt.ArrayLike = 1.0, b: npt.ArrayLike = 25.0) -> Float:
    """Return the density of Beta(a, b) at the minor allele frequency.

    Wu et al. (2011), Am. J. Hum. Genet. 89, 82-93, doi:10.1016/j.ajhg.2011.05.029: (1, 25) favours
    rare variants, (0.5, 0.5) is 1 / (pi * sqrt(maf (1 - maf))), (1, 1) weighs all alike.

    Parameters
    ----------
    maf
        From 0 to 1; elsewhere, and at NaN, the weight is NaN.
    a, b
        Above 0; elsewhere the weight is NaN.

    Returns
    -------
    numpy.ndarray
        At least 0; infinite at a frequency of 0 when a < 1, and of 1 when b < 1.
    """
    x, p, q = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (maf, a, b)))
    good = (x >= 0) & (x <= 1) & (p > 0) & (q > 0) & np.isfinite(p) & np.isfinite(q)
    x, p, q = (np.where(good, each, 0.5) for each in (x, p, q))
    with np.errstate(over="ignore"):
        density = np.exp(
            special.xlogy(p - 1.0, x) + special.xlog1py(q - 1.0, -x) - special.betaln(p, q)
        )
    return np.where(good, density, np.nan)


def tss_distance_weight(
    distance_bp: npt.ArrayLike, *, decay_per_bp: float = TSS_DECAY_PER_BP
) -> Float:
    """Return exp(-decay * |distance|): 1 at the TSS, 0.37 at 100 kb by default."""
    distance = np.asarray(distance_bp, dtype=np.float64)
    return np.asarray(np.exp(-decay_per_bp * np.abs(distance)))
