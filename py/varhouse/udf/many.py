"""SQL functions of many tests at once: each row has a list of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from varhouse.numerics.acat import acat, acat_many
from varhouse.numerics.fdr import benjamini_hochberg, genomic_control, storey_q_values
from varhouse.numerics.ranks import inverse_normal
from varhouse.udf import buffers

_LN10 = float(np.log(10.0))
_COMBINED = [
    ("p_value", pa.float64()),
    ("log10p", pa.float64()),
    ("n", pa.int32()),
    ("status", pa.string()),
]
# beyond it the natural logarithm is infinite
_LARGEST_LOG10P = float(np.finfo(np.float64).max) / _LN10


def acat_log10p(lists: pa.Array) -> pa.Array:
    """Combine the p-values of each list, given as -log10 p; NULL and NaN are left out.

    Returns
    -------
    pyarrow.Array
        Structs of p_value, log10p (-log10), n (p-values that are there) and status: ``ok``,
        ``no_p_values``, or ``invalid_p`` for a list with a value below 0 or infinite.
    """
    values, starts = buffers.lists(lists)
    n_rows = len(lists)
    rows = np.repeat(np.arange(n_rows), np.diff(starts))
    values, rows = values[~np.isnan(values)], rows[~np.isnan(values)]
    n = np.bincount(rows, minlength=n_rows)
    bad = np.zeros(n_rows, dtype=bool)
    bad[rows[(values < 0) | (values > _LARGEST_LOG10P)]] = True
    there = (n > 0) & ~bad
    log10p = np.full(n_rows, np.nan)
    if there.any():
        starts = np.cumsum(n[there]) - n[there]
        log10p[there] = -acat_many(-values[there[rows]] * _LN10, starts) / _LN10
    # 0 has two signs; -log10 of 1 has one
    log10p = np.where(log10p == 0, 0.0, log10p)
    status = np.select([bad, there], ["invalid_p", "ok"], "no_p_values")
    return pa.StructArray.from_arrays(
        [
            buffers.column(10.0**-log10p, pa.float64()),
            buffers.column(log10p, pa.float64()),
            buffers.column(n, pa.int32()),
            buffers.texts(status),
        ],
        names=[name for name, _ in _COMBINED],
    )


def storey_q_value_list(lists: pa.Array) -> pa.Array:
    """Return the q-values of each list of p-values, in its order.

    NULL stays NULL, and so does a list with a value that is no p-value.
    """
    return _list_by_list(lists, lambda p: _of_p_values(p, lambda there: storey_q_values(there)[0]))


def genomic_lambda(lists: pa.Array) -> pa.Array:
    """Return lambda GC of each list of p-values.

    NULL for a list without any, with a value that is no p-value, or where half of them underflow.
    """
    values, starts = buffers.lists(lists)
    found = np.array(
        [
            genomic_control(values[low:high]) if _are_p_values(values[low:high]) else np.nan
            for low, high in pairwise(starts.tolist())
        ]
    )
    return pa.array(found, pa.float64(), mask=~np.isfinite(found))


def acat_weighted(lists: pa.Array, weights: pa.Array) -> pa.Array:
    """Combine the p-values of each list; NULL and NaN are left out together with their weights.

    Returns
    -------
    pyarrow.Array
        Structs as of `acat_log10p`; more statuses: ``zero_p`` for a p of 0, which is an underflow,
        ``invalid_weight`` for one that is NULL, negative or not finite, or where all are 0, and
        ``unequal_lists``.
    """
    found: list[tuple[float | None, float | None, int, str]] = []
    for p_scalar, w_scalar in zip(lists, weights, strict=True):
        p, w = (
            scalar.values.to_numpy(zero_copy_only=False).astype(np.float64)
            for scalar in (p_scalar, w_scalar)
        )
        n = int(np.sum(~np.isnan(p)))
        if p.size != w.size:
            found.append((None, None, n, "unequal_lists"))
            continue
        log_p, status = acat(p, w)
        ok = status == "ok"
        found.append(
            (float(np.exp(log_p)), max(0.0, -log_p / _LN10), n, status)
            if ok
            else (None, None, n, status)
        )
    return buffers.structs(found, _COMBINED)


def bh_q_value_list(lists: pa.Array) -> pa.Array:
    """Return Benjamini and Hochberg's adjusted p-values of each list; as `storey_q_value_list`."""
    return _list_by_list(lists, lambda p: _of_p_values(p, benjamini_hochberg))


def inverse_normal_list(lists: pa.Array) -> pa.Array:
    """Return normal quantiles of ranks (ties averaged) of each list.

    NULL and what is not finite become NULL, and do not count.
    """
    return _list_by_list(lists, lambda x: inverse_normal(np.where(np.isinf(x), np.nan, x)))


def _are_p_values(values: npt.NDArray[np.float64]) -> bool:
    return not np.any((values < 0) | (values > 1))


def _of_p_values(
    values: npt.NDArray[np.float64],
    change: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
) -> npt.NDArray[np.float64]:
    return change(values) if _are_p_values(values) else np.full(values.shape, np.nan)


def _list_by_list(
    lists: pa.Array, change: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
) -> pa.Array:
    values, starts = buffers.lists(lists)
    found = np.full(values.shape, np.nan)
    for low, high in pairwise(starts.tolist()):
        found[low:high] = change(values[low:high])
    return buffers.column_of_lists(buffers.column(found, pa.float64()), starts)
