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
from scipy import sparse

from varhouse.numerics.acat_v import acat_v_log_p
from varhouse.numerics.burden import burden_test
from varhouse.numerics.genotype_matrix import GenotypeMatrix
from varhouse.numerics.mixture import mixture_log_sf
from varhouse.numerics.null_model import LinearNull
from varhouse.numerics.skat import ScoreSet, positive_eigenvalues, skat_log_p
from varhouse.numerics.skat_o import SkatO

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

AGGREGATIONS = ("sum", "mean", "max")
_CARRIES = 0.5
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
    skat, skat_o, acat_v
        Whether to make these tests.
    finite_sample
        Whether SKAT takes the law that is exact under normal errors.
    """

    aggregations: Sequence[str] = ("sum",)
    kernel_weights: Sequence[int] = ()
    kernel_power: float = 1.0
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
    twins = _twins(genotypes.matrix) if needs_kernel else np.zeros(varies.size, dtype=np.int64)
    burdens = _Burdens()
    tails: list[_Tail] = []
    rows: list[TestRow] = []
    for place, each in enumerate(sets):
        kept = varies[each.variants]
        part = _Part(
            genotypes,
            each.variants[kept],
            each.weights[kept],
            scores,
            projections,
            null,
            twins,
        )
        part.add_burdens(burdens, place, each.phenotypes, plan.aggregations)
        if needs_kernel:
            for weight in plan.kernel_weights:
                found = part.variance_tests(place, each.phenotypes, weight, plan)
                tails += [tail._replace(row=tail.row + len(rows)) for tail in found.tails]
                rows += found.rows
    _fill_tails(rows, tails, null.df if plan.finite_sample else None)
    return _burden_rows(burdens, null) + rows


test_region.__test__ = False  # type: ignore[attr-defined]
TestPlan.__test__ = False  # type: ignore[attr-defined]
TestRow.__test__ = False  # type: ignore[attr-defined]


class _Part:
    """The columns of one set."""

    def __init__(
        self,
        genotypes: GenotypeMatrix,
        variants: Int,
        weights: Float,
        scores: Float,
        projections: Float,
        null: LinearNull,
        twins: Int,
    ) -> None:
        self.genotypes, self.variants, self.weights, self.null = genotypes, variants, weights, null
        self.columns = genotypes.matrix[:, variants]
        self.scores = scores[variants]
        self.projections = projections[variants]
        self.twins = twins[variants]

    def n_carriers(self, used: npt.NDArray[np.bool_]) -> int:
        """Count the donors that carry one of the used variants."""
        columns = self.columns if used.all() else self.columns[:, used]
        carries = np.zeros(columns.shape[0], dtype=bool)
        carries[columns.indices[columns.data >= _CARRIES]] = True
        return int(carries.sum())

    def add_burdens(
        self, burdens: _Burdens, place: int, phenotypes: Int, aggregations: Sequence[str]
    ) -> None:
        used = ~np.isnan(self.weights)
        weights = np.where(used, self.weights, 0.0)
        carriers: dict[bytes, int] = {}
        sums = np.asarray(self.columns @ weights)
        projected = self.projections.T @ weights
        size = np.einsum("ij,ij->j", sums, sums)
        variance = size - np.einsum("ij,ij->j", projected, projected)
        score = weights.T @ self.scores[:, phenotypes]
        for a in range(weights.shape[1]):
            mask = used[:, a]
            m = int(mask.sum())
            key = mask.tobytes()
            if key not in carriers:
                carriers[key] = self.n_carriers(mask)
            for aggregation in aggregations:
                if aggregation == "max":
                    part = self._largest(weights[:, a], mask)
                    b_size = float(part @ part)
                    b_variance = b_size - float(np.sum((self.null.basis.T @ part) ** 2))
                    b_score = part @ self.null.residuals[:, phenotypes]
                else:
                    scale = 1.0 / m if aggregation == "mean" and m else 1.0
                    b_size, b_variance = size[a] * scale**2, variance[a] * scale**2
                    b_score = score[a] * scale
                for t, value in zip(phenotypes, b_score, strict=True):
                    burdens.keys.append((place, int(t), a, aggregation, m, carriers[key]))
                    burdens.score.append(float(value))
                    burdens.variance.append(float(b_variance))
                    burdens.size.append(float(b_size))

    def _largest(self, weights: Float, used: npt.NDArray[np.bool_]) -> Float:
        """Return each donor's largest weighted dosage over the used variants, zeros included."""
        by_donor = self.columns[:, used].tocsr()
        values = by_donor.data * weights[used][by_donor.indices]
        counts = np.diff(by_donor.indptr)
        largest = np.where(counts < by_donor.shape[1], 0.0, -np.inf)
        filled = np.flatnonzero(counts)
        if filled.size:
            tops = np.maximum.reduceat(values, by_donor.indptr[filled])
            largest[filled] = np.maximum(largest[filled], tops)
        return np.where(np.isfinite(largest), largest, 0.0)

    def variance_tests(
        self, place: int, phenotypes: Int, weight: int, plan: TestPlan
    ) -> _VarianceTests:
        """Make SKAT, SKAT-O and ACAT-V under one weight; SKAT's tails are left to be computed."""
        used = ~np.isnan(self.weights[:, weight])
        carriers = self.n_carriers(used)
        kernel = _Kernel(self, used, weight, plan.kernel_power)
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
            found = run(phenotypes) if status == "ok" else _nothing(phenotypes, status)
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


class _Found(NamedTuple):
    """Results of one test for t phenotypes."""

    statistic: Sequence[float]
    log_p: Sequence[float]
    error: Sequence[float]
    detail: Sequence[float]
    status: Sequence[str]


def _nothing(phenotypes: Int, status: str) -> _Found:
    nan = [_NAN] * phenotypes.size
    return _Found(nan, nan, nan, nan, [status] * phenotypes.size)


class _Kernel:
    """Covariance of a set's scores, of distinct columns only, under one weight."""

    def __init__(self, part: _Part, used: npt.NDArray[np.bool_], weight: int, power: float) -> None:
        self.part, self.used = part, used
        given = part.weights[used, weight]
        self.status = "negative_weight" if np.any(given < 0) else "ok"
        self.weights = np.abs(given) ** power
        _, first, self.group = np.unique(part.twins[used], return_index=True, return_inverse=True)
        self.first = np.flatnonzero(used)[first]
        self.eigenvalues: Float | None = None
        self._covariance: Float | None = None

    @property
    def covariance(self) -> Float:
        """Covariance of the unweighted scores of distinct columns, made when first asked for."""
        if self._covariance is None:
            columns = self.part.columns[:, self.first]
            # sums of products of whole numbers are exact in float32 up to 2^24, at twice the speed
            whole = columns.shape[0] * 4 < 2**24 and np.all(columns.data == np.rint(columns.data))
            dense = (columns.astype(np.float32) if whole else columns).toarray()
            gram = (dense.T @ dense).astype(np.float64)
            projections = self.part.projections[self.first]
            self._covariance = gram - projections @ projections.T
        return self._covariance

    def skat(self, phenotypes: Int) -> _Found:
        """Return SKAT's statistics; ``eigenvalues`` then say their law."""
        null = self.part.null
        # equal columns act as one whose squared weight is the sum of theirs
        squares = np.bincount(self.group, weights=self.weights**2)
        scores = self.part.scores[np.ix_(self.first, phenotypes)]
        rss = null.rss[phenotypes]
        with np.errstate(divide="ignore", invalid="ignore"):
            q = squares @ scores**2 / (rss / null.df)
        eigenvalues = self._eigenvalues(np.sqrt(squares))
        if eigenvalues.size == 0:
            return _nothing(phenotypes, "collinear")
        self.eigenvalues = eigenvalues
        status = ["ok" if each > 0 else "constant_phenotype" for each in rss]
        nan = [_NAN] * q.size
        return _Found(q.tolist(), nan, nan, nan, status)

    def _eigenvalues(self, weights: Float) -> Float:
        n, k = self.part.null.basis.shape
        if self.first.size <= n - k:
            return positive_eigenvalues(weights[:, None] * self.covariance * weights)
        dense = self.part.columns[:, self.first].toarray()
        residual = dense - self.part.null.basis @ self.part.projections[self.first].T
        residual *= weights
        return positive_eigenvalues(residual @ residual.T)

    def skat_o(self, phenotypes: Int) -> _Found:
        covariance = self.weights[:, None] * self._expanded() * self.weights
        kernel = SkatO(covariance)
        found: list[tuple[float, float, float, float, str]] = []
        for t in phenotypes:
            scores = self._scores(int(t)) * self.weights
            if not np.all(np.isfinite(scores)):
                found.append((_NAN, _NAN, _NAN, _NAN, "constant_phenotype"))
                continue
            log_p, rho, each, error = kernel.test(scores)
            found.append((float(each.min()), log_p, error, rho, "ok"))
        return _Found(*zip(*found, strict=True))

    def acat_v(self, phenotypes: Int) -> _Found:
        genotypes = self.part.genotypes
        variants = self.part.variants[self.used]
        n_called = genotypes.matrix.shape[0] - genotypes.n_missing[variants]
        maf = np.minimum(genotypes.frequency[variants], 1.0 - genotypes.frequency[variants])
        covariance = self._expanded()
        found: list[tuple[float, float, float, float, str]] = []
        for t in phenotypes:
            scores = self._scores(int(t))
            if not np.all(np.isfinite(scores)):
                found.append((_NAN, _NAN, _NAN, _NAN, "constant_phenotype"))
                continue
            log_p, status = acat_v_log_p(
                ScoreSet(scores[:, None], covariance),
                self.weights,
                maf,
                maf * 2.0 * n_called,
                df=self.part.null.df,
            )
            found.append((_NAN, log_p, _NAN, _NAN, status))
        return _Found(*zip(*found, strict=True))

    def _expanded(self) -> Float:
        return self.covariance[np.ix_(self.group, self.group)]

    def _scores(self, t: int) -> Float:
        null = self.part.null
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.part.scores[self.used, t] / null.sigma[t])


def _twins(matrix: sparse.csc_array) -> Int:
    """Number the distinct columns; equal columns have one number. Shape (M,).

    Columns are compared by 128 bits of two random sums over their entries.
    """
    keys = np.random.default_rng(0).integers(2**63, size=(2, matrix.shape[0]), dtype=np.uint64)
    values = matrix.data.view(np.uint64) | np.uint64(1)
    ends = np.concatenate([np.zeros((2, 1), np.uint64), np.empty((2, values.size), np.uint64)], 1)
    np.cumsum((keys[:, matrix.indices] | np.uint64(1)) * values, axis=1, out=ends[:, 1:])
    sums = ends[:, matrix.indptr[1:]] - ends[:, matrix.indptr[:-1]]
    _, place = np.unique(sums, axis=1, return_inverse=True)
    return np.asarray(place, dtype=np.int64).reshape(-1)


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
