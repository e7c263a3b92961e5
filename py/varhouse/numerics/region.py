"""Every test of every variant set of a stretch of the genome, with what sets share done once.

One design (donors and covariates) at a time. Scores G'R of all variants and phenotypes and the
projections G'Q are two sparse products; a set then only needs its own columns: a burden is a sparse
product with its weights, SKAT a Gram matrix of its distinct columns. The eigenvalues of that matrix
do not depend on the phenotype and serve all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from varhouse.numerics.burden import burden_test
from varhouse.numerics.genotype_matrix import GenotypeMatrix
from varhouse.numerics.mixture import mixture_log_sf
from varhouse.numerics.null_model import LinearNull
from varhouse.numerics.set_columns import SetColumns, number_columns
from varhouse.numerics.skat import skat_log_p
from varhouse.numerics.variance_kernel import VarianceKernel, nothing

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

AGGREGATIONS = ("sum", "mean", "max")
_NAN = float("nan")
# from so many thresholds on one set of eigenvalues is better off alone
_SHARES_ITS_PATH = 3


@dataclass(frozen=True, kw_only=True)
class VariantSet:
    """Variants that are tested together.

    Attributes
    ----------
    variants
        Shape (m,): places in the block's genotype matrix.
    weights
        Shape (m, a): NaN leaves a variant out of the test under that weight.
    phenotypes
        Shape (t,): columns of the null model's residuals.
    """

    variants: Int
    weights: Float
    phenotypes: Int


@dataclass(frozen=True, kw_only=True)
class TestPlan:
    """Which tests to make.

    Attributes
    ----------
    aggregations
        How a burden is made of weighted dosages: some of `AGGREGATIONS`.
    kernel_weights
        Columns of the weights that variance tests (SKAT, SKAT-O, ACAT-V) are made under.
    kernel_power
        Power of the weights in variance tests; 1/2 gives the kernel G W G' for weights W.
    kernel_maf_beta
        Shapes of the Beta density of the MAF that the kernel weights are, if they are one: what
        ACAT-V then weighs collapsed variants by.
    skat, skat_o, acat_v
        Whether to make these tests.
    finite_sample
        Whether SKAT takes the law that is exact under normal errors.
    """

    aggregations: Sequence[str] = ("sum",)
    kernel_weights: Sequence[int] = ()
    kernel_power: float = 1.0
    kernel_maf_beta: tuple[float, float] | None = None
    skat: bool = True
    skat_o: bool = False
    acat_v: bool = False
    finite_sample: bool = False


class TestRow(NamedTuple):
    """A result: of one set, phenotype, test, weight and aggregation.

    ``place`` and ``phenotype`` number the sets given and the null model's phenotypes; ``weight`` is
    a column of the weights. What a test does not have is NaN; ``detail`` is the number of tested
    variants with a single-variant test (ACAT-V) or the rho of the smallest p (SKAT-O).
    """

    place: int
    phenotype: int
    test: str
    weight: int
    aggregation: str
    n_variants: int
    n_carriers: int
    statistic: float
    beta: float
    se: float
    log_p: float
    lrt: float
    lrt_log_p: float
    error: float
    detail: float
    status: str


@dataclass
class _Burdens:
    """Sufficient statistics of burdens, collected so that they are tested in one go."""

    keys: list[tuple[int, int, int, str, int, int]] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    variance: list[float] = field(default_factory=list)
    size: list[float] = field(default_factory=list)


def test_region(
    genotypes: GenotypeMatrix, null: LinearNull, sets: Sequence[VariantSet], plan: TestPlan
) -> list[TestRow]:
    """Test every set for its phenotypes.

    Parameters
    ----------
    genotypes
        Of the donors of the null model, in their order. Variants that do not vary are left out.
    null
        Residuals of all phenotypes that the sets name.

    Returns
    -------
    list of TestRow
        For each set: burdens by weight, aggregation and phenotype, then the other tests.
    """
    transposed = genotypes.matrix.T.tocsr()
    scores = np.asarray(transposed @ null.residuals)
    projections = np.asarray(transposed @ null.basis)
    varies = genotypes.varies
    needs_kernel = plan.skat or plan.skat_o or plan.acat_v
    twins = (
        number_columns(genotypes.matrix) if needs_kernel else np.zeros(varies.size, dtype=np.int64)
    )
    burdens = _Burdens()
    tails: list[_Tail] = []
    rows: list[TestRow] = []
    for place, each in enumerate(sets):
        kept = varies[each.variants]
        part = SetColumns(
            genotypes,
            each.variants[kept],
            each.weights[kept],
            scores,
            projections,
            null,
            twins,
        )
        _add_burdens(burdens, part, place, each.phenotypes, plan.aggregations)
        if needs_kernel:
            for weight in plan.kernel_weights:
                found = _variance_tests(part, place, each.phenotypes, weight, plan)
                tails += [tail._replace(row=tail.row + len(rows)) for tail in found.tails]
                rows += found.rows
    _fill_tails(rows, tails, null.df if plan.finite_sample else None)
    return _burden_rows(burdens, null) + rows


test_region.__test__ = False  # type: ignore[attr-defined]
TestPlan.__test__ = False  # type: ignore[attr-defined]
TestRow.__test__ = False  # type: ignore[attr-defined]


def _add_burdens(
    burdens: _Burdens, part: SetColumns, place: int, phenotypes: Int, aggregations: Sequence[str]
) -> None:
    used = ~np.isnan(part.weights)
    weights = np.where(used, part.weights, 0.0)
    carriers: dict[bytes, int] = {}
    sums = np.asarray(part.columns @ weights)
    projected = part.projections.T @ weights
    size = np.einsum("ij,ij->j", sums, sums)
    variance = size - np.einsum("ij,ij->j", projected, projected)
    score = weights.T @ part.scores[:, phenotypes]
    for a in range(weights.shape[1]):
        mask = used[:, a]
        m = int(mask.sum())
        key = mask.tobytes()
        if key not in carriers:
            carriers[key] = part.n_carriers(mask)
        for aggregation in aggregations:
            if aggregation == "max":
                b = part.largest(weights[:, a], mask)
                b_size = float(b @ b)
                b_variance = b_size - float(np.sum((part.null.basis.T @ b) ** 2))
                b_score = b @ part.null.residuals[:, phenotypes]
            else:
                scale = 1.0 / m if aggregation == "mean" and m else 1.0
                b_size, b_variance = size[a] * scale**2, variance[a] * scale**2
                b_score = score[a] * scale
            for t, value in zip(phenotypes, b_score, strict=True):
                burdens.keys.append((place, int(t), a, aggregation, m, carriers[key]))
                burdens.score.append(float(value))
                burdens.variance.append(float(b_variance))
                burdens.size.append(float(b_size))


def _variance_tests(
    part: SetColumns, place: int, phenotypes: Int, weight: int, plan: TestPlan
) -> _VarianceTests:
    """Make SKAT, SKAT-O and ACAT-V under one weight; SKAT's tails are left to be computed."""
    used = ~np.isnan(part.weights[:, weight])
    carriers = part.n_carriers(used)
    kernel = VarianceKernel(part, used, weight, plan.kernel_power, plan.kernel_maf_beta)
    asked = {
        "skat": (plan.skat, kernel.skat),
        "skat_o": (plan.skat_o, kernel.skat_o),
        "acat_v": (plan.acat_v, kernel.acat_v),
    }
    rows: list[TestRow] = []
    tails: list[_Tail] = []
    for test, (is_asked, run) in asked.items():
        if not is_asked:
            continue
        status = kernel.status if carriers else "no_carriers"
        found = run(phenotypes) if status == "ok" else nothing(phenotypes, status)
        if test == "skat" and kernel.eigenvalues is not None:
            tails.append(_Tail(len(rows), np.array(found.statistic), kernel.eigenvalues))
        rows += [
            TestRow(
                place, int(t), test, weight, "", int(used.sum()), carriers,
                statistic, _NAN, _NAN, log_p, _NAN, _NAN, error, detail, result,
            )
            for t, statistic, log_p, error, detail, result in zip(
                phenotypes, *found, strict=True
            )
        ]  # fmt: skip
    return _VarianceTests(rows, tails)


class _Tail(NamedTuple):
    """SKAT statistics of a set from row ``row`` on, whose p-values are still to be computed."""

    row: int
    q: Float
    eigenvalues: Float


class _VarianceTests(NamedTuple):
    rows: list[TestRow]
    tails: list[_Tail]


def _fill_tails(rows: list[TestRow], tails: Sequence[_Tail], df: int | None) -> None:
    """Compute the p-values left open: of sets with few phenotypes, all in one go."""
    alone = [tail for tail in tails if df is not None or tail.q.size >= _SHARES_ITS_PATH]
    found = [(tail, *skat_log_p(tail.q, tail.eigenvalues, df=df)) for tail in alone]
    together = [tail for tail in tails if df is None and tail.q.size < _SHARES_ITS_PATH]
    if together:
        width = max(tail.eigenvalues.size for tail in together)
        padded = np.zeros((sum(tail.q.size for tail in together), width))
        ends = np.cumsum([tail.q.size for tail in together])
        for tail, end in zip(together, ends, strict=True):
            padded[end - tail.q.size : end, : tail.eigenvalues.size] = tail.eigenvalues
        log_p, error = mixture_log_sf(np.concatenate([tail.q for tail in together]), padded)
        found += [
            (tail, log_p[end - tail.q.size : end], error[end - tail.q.size : end])
            for tail, end in zip(together, ends, strict=True)
        ]
    for tail, log_p, error in found:
        for i in range(tail.q.size):
            rows[tail.row + i] = rows[tail.row + i]._replace(
                log_p=float(log_p[i]), error=float(error[i])
            )


def _burden_rows(burdens: _Burdens, null: LinearNull) -> list[TestRow]:
    if not burdens.keys:
        return []
    found = burden_test(
        burdens.score,
        burdens.variance,
        burdens.size,
        null.rss[[key[1] for key in burdens.keys]],
        null.df,
    )
    return [
        TestRow(
            place, t, "burden", weight, aggregation, m, carriers,
            t_value, beta, se, log_p, lrt, lrt_log_p, _NAN, _NAN, status,
        )
        for (place, t, weight, aggregation, m, carriers), beta, se, t_value, log_p, lrt,
            lrt_log_p, status in zip(
            burdens.keys, *(column.tolist() for column in found), strict=True
        )
    ]  # fmt: skip
