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
from varhouse.udf.buffers import structs
from varhouse.udf.set_lists import Refused, TestedSet, ready_set, rows_of_lists

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
    return _each(lists, lambda found: _variance_test(_linear_scores(found)), _SKAT)


def skat_o(*lists: pa.Array) -> pa.Array:
    """Test by the best mixture of burden and SKAT; parameters as for `burden_test`.

    Returns
    -------
    pyarrow.Array
        Structs of rho, p_value, log10p, error (relative), n_variants, n_carriers, n_donors, status.
    """
    return _each(lists, lambda found: _best_mixture(_linear_scores(found)), _SKAT_O)


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
    return _each(lists, lambda found: _variance_test(_logistic_scores(found)), _SKAT)


def skat_o_binary(*lists: pa.Array) -> pa.Array:
    """Make `skat_o` of a phenotype of 0 and 1, its variances adjusted to the saddle point."""
    return _each(lists, lambda found: _best_mixture(_logistic_scores(found)), _SKAT_O)


class _Untested(Exception):
    """A set cannot be tested; ``status`` says why."""

    def __init__(self, status: str) -> None:
        super().__init__()
        self.status = status


def _each(
    lists: tuple[pa.Array, ...],
    test: Callable[[TestedSet], Result],
    fields: list[tuple[str, pa.DataType]],
) -> pa.Array:
    nothing = (None,) * len(fields)
    rows: list[Result] = []
    for each in rows_of_lists(lists):
        found = ready_set(each)
        if isinstance(found, Refused):
            rows.append((*nothing, 0, 0, found.n_donors, found.status))
            continue
        try:
            rows.append((*test(found), *found.counts, "ok"))
        except _Untested as error:
            rows.append((*nothing, *found.counts, error.status))
    return structs(rows, [*fields, *_ENDS])


def _linear(found: TestedSet) -> LinearNull:
    null = fit_linear(found.covariates, found.phenotype[:, None])
    if null.rss[0] <= 0:
        raise _Untested("constant_phenotype")
    if not found.variants.size:
        raise _Untested("no_carriers")
    return null


def _logistic(found: TestedSet) -> LogisticNull:
    if not np.all((found.phenotype == 0) | (found.phenotype == 1)):
        raise _Untested("not_binary")
    null = fit_logistic(found.covariates, found.phenotype)
    if null.status != "ok":
        raise _Untested(null.status)
    if not found.variants.size:
        raise _Untested("no_carriers")
    return null


def _burden(found: TestedSet) -> Result:
    null = _linear(found)
    b = found.genotypes @ found.weights
    size = float(b @ b)
    variance = size - float(np.sum((null.basis.T @ b) ** 2))
    result = regress(float(b @ null.residuals[:, 0]), variance, size, null.rss[0], null.df)
    if result.status != "ok":
        raise _Untested(str(result.status))
    return float(result.beta), float(result.se), *_p(float(result.log_p))


def _burden_binary(found: TestedSet) -> Result:
    null = _logistic(found)
    b = found.genotypes @ found.weights
    test = score_test(b, null)
    if test.status != "ok":
        raise _Untested("collinear")
    effect = logistic_burden(b, found.covariates, found.phenotype, null)
    return effect.beta, effect.se, *_p(test.log_p), test.method


def _linear_scores(found: TestedSet) -> ScoreSet:
    null = _linear(found)
    weighted = found.genotypes * found.weights
    return _testable(score_set(weighted, null), weighted)


def _logistic_scores(found: TestedSet) -> ScoreSet:
    null = _logistic(found)
    weighted = collapse_rare(found.genotypes, found.weights)
    scaled = np.sqrt(null.variance)[:, None] * weighted
    return _testable(robust_score_set(weighted, null), scaled)


def _testable(scores: ScoreSet, scaled: Float) -> ScoreSet:
    """Judge by what the covariates leave of the genotypes, scaled as their covariance is."""
    size = float(np.sum(scaled**2))
    if size == 0:
        raise _Untested("no_carriers")
    if not float(np.trace(scores.covariance)) > COLLINEAR * size:
        raise _Untested("collinear")
    return scores


def _variance_test(scores: ScoreSet) -> Result:
    q = np.sum(scores.scores**2, axis=0)
    log_p, error = skat_log_p(q, positive_eigenvalues(scores.covariance))
    return float(q[0]), *_p(float(log_p[0])), float(error[0])


def _best_mixture(scores: ScoreSet) -> Result:
    result = SkatO(scores.covariance).test(scores.scores[:, 0])
    return result.rho, *_p(result.log_p), result.error


def _p(log_p: float) -> tuple[float, float]:
    """Return p and -log10 p; 0 has one sign."""
    return float(np.exp(log_p)), max(0.0, -log_p / _LN10)
