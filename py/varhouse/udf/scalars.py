"""SQL functions of one number or one tail a row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from varhouse.numerics import weights
from varhouse.numerics.mixture import mixture_log_sf

_LN10 = float(np.log(10.0))


def beta_weight(maf: pa.Array, a: pa.Array, b: pa.Array) -> pa.Array:
    """Return the density of Beta(a, b) at maf.

    NULL for arguments outside their range or NaN, and where the density is infinite.
    """
    with np.errstate(all="ignore"):
        found = weights.beta_weight(*(each.to_numpy(zero_copy_only=False) for each in (maf, a, b)))
    return pa.array(found, mask=~np.isfinite(found))


def tss_distance_weight(distance_bp: pa.Array) -> pa.Array:
    """Return exp(-1e-5 |distance|); NULL for NaN."""
    found = weights.tss_distance_weight(distance_bp.to_numpy(zero_copy_only=False))
    return pa.array(found, mask=np.isnan(found))


def chi2_mixture_sf(q: pa.Array, eigenvalues: pa.Array) -> pa.Array:
    """Return P(sum of eigenvalue times chi-square 1 > q) of each row.

    Returns
    -------
    pyarrow.Array
        Structs of p_value, log10p (-log10, finite where p underflows; NULL where p is 0), error
        (relative) and status: ``ok``, ``no_eigenvalues`` for an empty list, ``invalid`` where q is
        NaN or infinite or an eigenvalue is NULL, NaN or infinite, ``not_converged`` where the
        p-value is too far beyond the doubles (log10p above 1e15).
    """
    thresholds = q.to_numpy(zero_copy_only=False)
    log_p = np.full(len(q), np.nan)
    error = np.full(len(q), np.nan)
    status = np.full(len(q), "ok", dtype="<U14")
    for row, scalar in enumerate(eigenvalues):
        values = scalar.values.to_numpy(zero_copy_only=False).astype(np.float64)
        if values.size == 0:
            status[row] = "no_eigenvalues"
        elif not (np.isfinite(thresholds[row]) and np.all(np.isfinite(values))):
            status[row] = "invalid"
        else:
            # numbers beyond any use overflow on the way; what comes of it is looked at below
            with np.errstate(all="ignore"):
                log_p[row], error[row] = mixture_log_sf(thresholds[row], values)
    status[(status == "ok") & np.isnan(log_p)] = "not_converged"
    nothing = status != "ok"
    # -log10 of 1 without a sign, of an impossible value without an infinity
    log10p = np.where(np.isinf(log_p), np.nan, np.maximum(-log_p / _LN10, 0.0))
    return pa.StructArray.from_arrays(
        [
            pa.array(np.exp(log_p), mask=nothing),
            pa.array(log10p, mask=np.isnan(log10p)),
            pa.array(error, mask=nothing),
            pa.array(status.tolist(), pa.string()),
        ],
        names=["p_value", "log10p", "error", "status"],
    )
