"""Burden, SKAT and SKAT-O of one variant set a row, from lists that a GROUP BY makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from varhouse.numerics.burden import burden_test as regress
from varhouse.numerics.genotype_matrix import genotype_matrix
from varhouse.numerics.null_model import LinearNull, fit_linear
from varhouse.numerics.skat import positive_eigenvalues, score_set, skat_log_p
from varhouse.numerics.skat_o import SkatO

Float = npt.NDArray[np.float64]
Result = tuple[Any, ...]

_LN10 = float(np.log(10.0))
_COLLINEAR = 1e-10
_COUNTS = [("n_variants", pa.int32()), ("n_carriers", pa.int32()), ("n_donors", pa.int32())]
_ENDS = [*_COUNTS, ("status", pa.string())]
_BURDEN = [(name, pa.float64()) for name in ("beta", "se", "p_value", "log10p")]
_SKAT = [(name, pa.float64()) for name in ("statistic", "p_value", "log10p", "error")]
_SKAT_O = [(name, pa.float64()) for name in ("rho", "p_value", "log10p", "error")]


class _Set(NamedTuple):
    """A set that can be tested; weighted minor-allele dosages, shape (n, m)."""

    weighted: Float
    null: LinearNull


def burden_test(*lists: pa.Array) -> pa.Array:
    """Regress the phenotype on the weighted sum of minor-allele dosages (t-test).

    Parameters
    ----------
    lists
        Seven columns of lists, see `docs/sql-functions.md`: variants, donors, dosages and weights
        of a set's genotypes; donors, phenotypes and covariates of its donors.

    Returns
    -------
    pyarrow.Array
        Structs of beta, se, p_value, log10p (-log10), n_variants, n_carriers, n_donors, status.
    """
    return _each(lists, _burden, _BURDEN)


def skat(*lists: pa.Array) -> pa.Array:
    """Test whether the set explains variance; parameters as for `burden_test`.

    Returns
    -------
    pyarrow.Array
        Structs of statistic, p_value, log10p, error (relative), n_variants, n_carriers, n_donors,
        status.
    """
    return _each(lists, _skat, _SKAT)


def skat_o(*lists: pa.Array) -> pa.Array:
    """Test by the best mixture of burden and SKAT; parameters as for `burden_test`.

    Returns
    -------
    pyarrow.Array
        Structs of rho, p_value, log10p, error (relative), n_variants, n_carriers, n_donors, status.
    """
    return _each(lists, _skat_o, _SKAT_O)


def _burden(found: _Set) -> tuple[str, Result]:
    b = found.weighted.sum(axis=1)
    null = found.null
    size = float(b @ b)
    variance = size - float(np.sum((null.basis.T @ b) ** 2))
    result = regress(float(b @ null.residuals[:, 0]), variance, size, null.rss[0], null.df)
    log_p = float(result.log_p)
    return str(result.status), (float(result.beta), float(result.se), *_p(log_p))


def _skat(found: _Set) -> tuple[str, Result]:
    scores = score_set(found.weighted, found.null)
    status = _testable(scores.covariance, found.weighted)
    if status != "ok":
        return status, ()
    q = np.sum(scores.scores**2, axis=0)
    log_p, error = skat_log_p(q, positive_eigenvalues(scores.covariance))
    return "ok", (float(q[0]), *_p(float(log_p[0])), float(error[0]))


def _skat_o(found: _Set) -> tuple[str, Result]:
    scores = score_set(found.weighted, found.null)
    status = _testable(scores.covariance, found.weighted)
    if status != "ok":
        return status, ()
    result = SkatO(scores.covariance).test(scores.scores[:, 0])
    return "ok", (result.rho, *_p(result.log_p), result.error)


def _testable(covariance: Float, weighted: Float) -> str:
    size = float(np.sum(weighted**2))
    if size == 0:
        return "no_carriers"
    return "ok" if float(np.trace(covariance)) > _COLLINEAR * size else "collinear"


def _p(log_p: float) -> tuple[float, float]:
    """Return p and -log10 p; 0 has one sign."""
    return float(np.exp(log_p)), max(-log_p / _LN10, 0.0)


def _each(
    lists: tuple[pa.Array, ...],
    test: Callable[[_Set], tuple[str, Result]],
    fields: list[tuple[str, pa.DataType]],
) -> pa.Array:
    rows = [_row(test, len(fields), *arguments) for arguments in _arguments(lists)]
    types = [*fields, *_ENDS]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(types)
    arrays = [
        pa.array(column, kind, from_pandas=True)
        for column, (_, kind) in zip(columns, types, strict=True)
    ]
    return pa.StructArray.from_arrays(arrays, names=[name for name, _ in types])


def _arguments(lists: tuple[pa.Array, ...]) -> list[list[Any]]:
    """Return the arguments of each row as arrays; NULL inside a list as NaN, or -1 for a key."""
    *flat, covariates = lists
    columns = [_flat(column) for column in flat]
    widths = _flat_lists(covariates)
    return [[*(column[row] for column in columns), widths[row]] for row in range(len(covariates))]


def _flat(column: pa.Array) -> list[npt.NDArray[Any]]:
    values = column.flatten()
    if pa.types.is_integer(values.type):
        numbers = values.fill_null(-1).to_numpy(zero_copy_only=False)
    else:
        numbers = values.to_numpy(zero_copy_only=False).astype(np.float64)
    # list lengths, not offsets: a slice's offsets do not start at 0
    return np.split(numbers, np.cumsum(column.value_lengths().to_numpy())[:-1])


def _flat_lists(column: pa.Array) -> list[Float | None]:
    """Return each row's lists as a matrix; None where their lengths differ."""
    inner = column.flatten()
    lengths = np.split(
        inner.value_lengths().fill_null(0).to_numpy(zero_copy_only=False),
        np.cumsum(column.value_lengths().to_numpy())[:-1],
    )
    values = inner.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    parts = np.split(values, np.cumsum([each.sum() for each in lengths])[:-1])
    return [
        part.reshape(size.size, int(size.max(initial=0))) if len(set(size)) < 2 else None
        for part, size in zip(parts, lengths, strict=True)
    ]


def _row(
    test: Callable[[_Set], tuple[str, Result]],
    n_results: int,
    variants: npt.NDArray[np.int64],
    donors: npt.NDArray[np.int64],
    dosages: Float,
    weights: Float,
    known: npt.NDArray[np.int64],
    phenotype: Float,
    covariates: Float | None,
) -> Result:
    counts = (0, 0, 0)
    unequal = len({variants.size, donors.size, dosages.size, weights.size}) > 1
    if unequal or covariates is None or {known.size} != {phenotype.size, len(covariates)}:
        return (*((None,) * n_results), *counts, "unequal_lists")
    status, result, counts = _tested(
        test, variants, donors, dosages, weights, known, phenotype, covariates
    )
    numbers = result if status == "ok" else (None,) * n_results
    return (*numbers, *counts, status)


def _tested(
    test: Callable[[_Set], tuple[str, Result]],
    variants: npt.NDArray[np.int64],
    donors: npt.NDArray[np.int64],
    dosages: Float,
    weights: Float,
    known: npt.NDArray[np.int64],
    phenotype: Float,
    covariates: Float,
) -> tuple[str, Result, tuple[int, int, int]]:
    complete = np.isfinite(phenotype) & np.all(np.isfinite(covariates), axis=1) & (known >= 0)
    ids, place = np.unique(known[complete], return_inverse=True)
    if ids.size < place.size:
        return "duplicate_donor", (), (0, 0, 0)
    n = ids.size
    design = np.column_stack([np.ones(n), covariates[complete]])[np.argsort(place)]
    if n <= design.shape[1] + 1:
        return "too_few_donors", (), (0, 0, n)
    null = fit_linear(design, phenotype[complete][np.argsort(place)][:, None])
    names, first, column = np.unique(variants, return_index=True, return_inverse=True)
    used = weights[first]
    same = (weights == used[column]) | (np.isnan(weights) & np.isnan(used[column]))
    if not same.all() or np.any(used < 0):
        return "invalid_weight", (), (0, 0, n)
    keys = column * (1 + int(donors.max(initial=0))) + donors
    if np.unique(keys).size < keys.size:
        return "duplicate_genotype", (), (0, 0, n)
    where = np.searchsorted(ids, donors)
    inside = (where < n) & (ids[np.minimum(where, n - 1)] == donors)
    genotypes = genotype_matrix(
        column, np.where(inside, where, -1), dosages, n_variants=names.size, n_donors=n
    )
    kept = np.flatnonzero(genotypes.varies & np.isfinite(used) & (used > 0))
    dense = genotypes.matrix[:, kept].toarray()
    counts = (kept.size, int(np.sum((dense >= 0.5).any(axis=1))), n)
    if null.rss[0] <= 0:
        return "constant_phenotype", (), counts
    if not kept.size:
        return "no_carriers", (), counts
    status, result = test(_Set(dense * used[kept], null))
    return status, result, counts
