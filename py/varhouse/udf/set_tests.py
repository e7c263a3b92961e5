"""Burden, SKAT and SKAT-O of one variant set a row, of quantitative and binary phenotypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from varhouse.numerics.binary import LogisticNull, fit_logistic, logistic_burden
from varhouse.numerics.burden import COLLINEAR
from varhouse.numerics.burden import burden_test as regress
from varhouse.numerics.null_model import LinearNull, fit_linear
from varhouse.numerics.saddlepoint_score import collapse_rare, robust_score_set, score_test
from varhouse.numerics.skat import ScoreSet, positive_eigenvalues, score_set, skat_log_p
from varhouse.numerics.skat_o import SkatO
from varhouse.udf.set_lists import Refused, TestedSet, ready_set, rows_of_lists, structs

Float = npt.NDArray[np.float64]
Result = tuple[Any, ...]

_LN10 = float(np.log(10.0))
_COUNTS = [("n_variants", pa.int32()), ("n_carriers", pa.int32()), ("n_donors", pa.int32())]
_ENDS = [*_COUNTS, ("status", pa.string())]
_P_VALUE = [("p_value", pa.float64()), ("log10p", pa.float64())]
_EFFECT = [("beta", pa.float64()), ("se", pa.float64()), *_P_VALUE]
_BINARY_EFFECT = [*_EFFECT, ("method", pa.string())]
_SKAT = [("statistic", pa.float64()), *_P_VALUE, ("error", pa.float64())]
_SKAT_O = [("rho", pa.float64()), *_P_VALUE, ("error", pa.float64())]


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
    return _each(lists, _burden, _EFFECT)


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


def burden_test_binary(*lists: pa.Array) -> pa.Array:
    """Test the weighted sum of dosages for a phenotype of 0 and 1, by the saddle point.

    Parameters as for `burden_test`.

    Returns
    -------
    pyarrow.Array
        Structs of beta (log odds ratio; NULL where all carriers are of one class), se, p_value,
        log10p, method (``normal`` or ``saddlepoint``), n_variants, n_carriers, n_donors, status.
    """
    return _each(lists, _burden_binary, _BINARY_EFFECT)


def skat_binary(*lists: pa.Array) -> pa.Array:
    """Make `skat` of a phenotype of 0 and 1, its variances adjusted to the saddle point."""
    return _each(lists, _skat_binary, _SKAT)


def skat_o_binary(*lists: pa.Array) -> pa.Array:
    """Make `skat_o` of a phenotype of 0 and 1, its variances adjusted to the saddle point."""
    return _each(lists, _skat_o_binary, _SKAT_O)


def _each(
    lists: tuple[pa.Array, ...],
    test: Callable[[TestedSet], tuple[str, Result]],
    fields: list[tuple[str, pa.DataType]],
) -> pa.Array:
    rows: list[Result] = []
    for each in rows_of_lists(lists):
        found = ready_set(each)
        if isinstance(found, Refused):
            rows.append((*((None,) * len(fields)), 0, 0, found.n_donors, found.status))
            continue
        status, result = test(found)
        numbers = result if status == "ok" else (None,) * len(fields)
        rows.append((*numbers, *found.counts, status))
    return structs(rows, [*fields, *_ENDS])


def _linear(found: TestedSet) -> tuple[str, LinearNull]:
    null = fit_linear(found.covariates, found.phenotype[:, None])
    if null.rss[0] <= 0:
        return "constant_phenotype", null
    return ("ok" if found.variants.size else "no_carriers"), null


def _burden(found: TestedSet) -> tuple[str, Result]:
    status, null = _linear(found)
    if status != "ok":
        return status, ()
    b = found.genotypes @ found.weights
    size = float(b @ b)
    variance = size - float(np.sum((null.basis.T @ b) ** 2))
    result = regress(float(b @ null.residuals[:, 0]), variance, size, null.rss[0], null.df)
    log_p = float(result.log_p)
    return str(result.status), (float(result.beta), float(result.se), *_p(log_p))


def _skat(found: TestedSet) -> tuple[str, Result]:
    status, null = _linear(found)
    if status != "ok":
        return status, ()
    weighted = found.genotypes * found.weights
    return _variance_test(score_set(weighted, null), weighted)


def _skat_o(found: TestedSet) -> tuple[str, Result]:
    status, null = _linear(found)
    if status != "ok":
        return status, ()
    weighted = found.genotypes * found.weights
    return _best_mixture(score_set(weighted, null), weighted)


def _logistic(found: TestedSet) -> tuple[str, LogisticNull | None]:
    if not np.all((found.phenotype == 0) | (found.phenotype == 1)):
        return "not_binary", None
    null = fit_logistic(found.covariates, found.phenotype)
    if null.status != "ok":
        return null.status, None
    return ("ok" if found.variants.size else "no_carriers"), null


def _burden_binary(found: TestedSet) -> tuple[str, Result]:
    status, null = _logistic(found)
    if status != "ok" or null is None:
        return status, ()
    b = found.genotypes @ found.weights
    test = score_test(b, null)
    if test.status != "ok":
        return "collinear", ()
    effect = logistic_burden(b, found.covariates, found.phenotype, null)
    return "ok", (effect.beta, effect.se, *_p(test.log_p), test.method)


def _skat_binary(found: TestedSet) -> tuple[str, Result]:
    status, null = _logistic(found)
    if status != "ok" or null is None:
        return status, ()
    weighted = collapse_rare(found.genotypes, found.weights)
    return _variance_test(
        robust_score_set(weighted, null), np.sqrt(null.variance)[:, None] * weighted
    )


def _skat_o_binary(found: TestedSet) -> tuple[str, Result]:
    status, null = _logistic(found)
    if status != "ok" or null is None:
        return status, ()
    weighted = collapse_rare(found.genotypes, found.weights)
    return _best_mixture(
        robust_score_set(weighted, null), np.sqrt(null.variance)[:, None] * weighted
    )


def _variance_test(scores: ScoreSet, scaled: Float) -> tuple[str, Result]:
    status = _testable(scores, scaled)
    if status != "ok":
        return status, ()
    q = np.sum(scores.scores**2, axis=0)
    log_p, error = skat_log_p(q, positive_eigenvalues(scores.covariance))
    return "ok", (float(q[0]), *_p(float(log_p[0])), float(error[0]))


def _best_mixture(scores: ScoreSet, scaled: Float) -> tuple[str, Result]:
    status = _testable(scores, scaled)
    if status != "ok":
        return status, ()
    result = SkatO(scores.covariance).test(scores.scores[:, 0])
    return "ok", (result.rho, *_p(result.log_p), result.error)


def _testable(scores: ScoreSet, scaled: Float) -> str:
    """Judge by what the covariates leave of the genotypes, scaled as their covariance is."""
    size = float(np.sum(scaled**2))
    if size == 0:
        return "no_carriers"
    return "ok" if float(np.trace(scores.covariance)) > COLLINEAR * size else "collinear"


def _p(log_p: float) -> tuple[float, float]:
    """Return p and -log10 p; 0 has one sign."""
    return float(np.exp(log_p)), max(0.0, -log_p / _LN10)
