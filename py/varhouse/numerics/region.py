"""Every test of every variant set of a stretch of the genome, with what sets share done once.

One design (donors and covariates) at a time. Scores G'R of all variants and phenotypes and the
projections G'Q are two sparse products; a set then only needs its own columns: a burden is a sum
over their entries, SKAT a Gram matrix of the distinct ones. The eigenvalues of that matrix do not
depend on the phenotype and serve all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from varhouse.numerics.distinct_columns import DistinctColumns
from varhouse.numerics.genotype_matrix import GenotypeMatrix
from varhouse.numerics.mixture import mixture_log_sf
from varhouse.numerics.null_model import LinearNull
from varhouse.numerics.set_burdens import SetBurdens, burden_sizes, test_burdens
from varhouse.numerics.skat import skat_log_p
from varhouse.numerics.variance_kernel import Found, VarianceKernel, nothing
from varhouse.numerics.variant_set import VariantSet

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Text = npt.NDArray[np.str_]

AGGREGATIONS = ("sum", "mean", "max")
# from so many thresholds on one set of eigenvalues is better off alone
_SHARES_ITS_PATH = 3
# sets are taken together while the widest has at most so many times the eigenvalues of the others
_PADDING = 1.25


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


class Block(NamedTuple):
    """Variant sets that are tested together, near each other on the genome.

    Attributes
    ----------
    genotypes
        Of the donors of the null model, in their order. Variants that do not vary are left out of
        the tests.
    null
        Residuals of all phenotypes that the sets name.
    """

    genotypes: GenotypeMatrix
    null: LinearNull
    sets: Sequence[VariantSet]


class TestRows(NamedTuple):
    """Results, one array a column: each of one set, phenotype, test, weight and aggregation.

    ``place`` and ``phenotype`` number the sets given and the null model's phenotypes; ``weight`` is
    a column of the weights. What a test does not have is NaN; ``detail`` is the number of tested
    variants with a single-variant test (ACAT-V) or the rho of the smallest p (SKAT-O).
    """

    place: Int
    phenotype: Int
    test: Text
    weight: Int
    aggregation: Text
    n_variants: Int
    n_carriers: Int
    statistic: Float
    beta: Float
    se: Float
    log_p: Float
    lrt: Float
    lrt_log_p: Float
    error: Float
    detail: Float
    status: Text


class _Tail(NamedTuple):
    """SKAT statistics of a set, whose p-values are still to be computed."""

    found: Found
    eigenvalues: Float
    df: int | None


class _VarianceTest(NamedTuple):
    """One test of one set for its phenotypes; ``tail`` where its p-values are to be computed."""

    place: int
    phenotypes: Int
    test: str
    weight: int
    n_variants: int
    n_carriers: int
    found: Found
    tail: _Tail | None


def test_region(
    genotypes: GenotypeMatrix, null: LinearNull, sets: Sequence[VariantSet], plan: TestPlan
) -> TestRows:
    """Test every set for its phenotypes: the results of `test_blocks` for a single block."""
    return test_blocks([Block(genotypes, null, sets)], plan)[0]


def test_blocks(blocks: Iterable[Block], plan: TestPlan) -> list[TestRows]:
    """Test every set of every block for its phenotypes.

    Parameters
    ----------
    blocks
        Taken one after the other and let go; all of one design.

    Returns
    -------
    list of TestRows
        For each block: for each set its burdens by weight, aggregation and phenotype; then, for
        each set, the other tests.
    """
    burdens: list[TestRows] = []
    tests: list[list[_VarianceTest]] = []
    for genotypes, null, sets in blocks:
        if not sets:
            burdens.append(_variance_rows([]))
            tests.append([])
            continue
        varies = genotypes.varies
        block = Block(genotypes, null, [each.only(varies[each.variants]) for each in sets])
        sizes = burden_sizes(genotypes, null, block.sets, plan.aggregations)
        burdens.append(_burden_rows(block, sizes, plan.aggregations))
        tests.append(list(_block_variance_tests(block, sizes.n_carriers, plan)))
    _fill_tails([test.tail for block_tests in tests for test in block_tests if test.tail])
    return [_joined(*parts) for parts in zip(burdens, map(_variance_rows, tests), strict=True)]


test_region.__test__ = False  # type: ignore[attr-defined]
test_blocks.__test__ = False  # type: ignore[attr-defined]
TestPlan.__test__ = False  # type: ignore[attr-defined]
TestRows.__test__ = False  # type: ignore[attr-defined]


def _block_variance_tests(block: Block, n_carriers: Int, plan: TestPlan) -> Iterator[_VarianceTest]:
    """Make SKAT, SKAT-O and ACAT-V of every set; SKAT's tails are left to be computed."""
    if not (plan.skat or plan.skat_o or plan.acat_v):
        return
    columns = DistinctColumns(block.genotypes, block.null)
    for place, each in enumerate(block.sets):
        for weight in plan.kernel_weights:
            used = ~np.isnan(each.weights[:, weight])
            kernel = VarianceKernel(
                block.genotypes, block.null, columns, each.variants[used],
                each.weights[used, weight], each.phenotypes, plan.kernel_power,
                plan.kernel_maf_beta,
            )  # fmt: skip
            carriers = int(n_carriers[place, weight])
            yield from _variance_tests(kernel, place, weight, carriers, plan)


def _variance_tests(
    kernel: VarianceKernel, place: int, weight: int, carriers: int, plan: TestPlan
) -> Iterator[_VarianceTest]:
    phenotypes = kernel.phenotypes
    status = kernel.status if carriers else "no_carriers"
    by_skat_o = plan.skat_o and not plan.finite_sample
    asked = {
        "skat": (plan.skat, kernel.skat_beside_skat_o if by_skat_o else kernel.skat),
        "skat_o": (plan.skat_o, kernel.skat_o),
        "acat_v": (plan.acat_v, kernel.acat_v),
    }
    for test, (is_asked, run) in asked.items():
        if not is_asked:
            continue
        found = run() if status == "ok" else nothing(phenotypes, status)
        tail = None
        if test == "skat" and kernel.eigenvalues is not None:
            df = kernel.null.df if plan.finite_sample else None
            tail = _Tail(found, kernel.eigenvalues, df)
        n_used = kernel.variants.size
        yield _VarianceTest(place, phenotypes, test, weight, n_used, carriers, found, tail)


def _fill_tails(tails: Sequence[_Tail]) -> None:
    """Compute the p-values left open: of sets with few phenotypes, several in one go."""
    together: list[_Tail] = []
    for tail in tails:
        if tail.df is None and tail.found.statistic.size < _SHARES_ITS_PATH:
            together.append(tail)
        else:
            _note(tail, *skat_log_p(tail.found.statistic, tail.eigenvalues, df=tail.df))
    together.sort(key=lambda tail: tail.eigenvalues.size)
    while together:
        width = together[-1].eigenvalues.size
        n = sum(width <= _PADDING * tail.eigenvalues.size for tail in together)
        chosen, together = together[-n:], together[:-n]
        ends = np.cumsum([tail.found.statistic.size for tail in chosen])
        padded = np.zeros((ends[-1], width))
        for tail, end in zip(chosen, ends, strict=True):
            padded[end - tail.found.statistic.size : end, : tail.eigenvalues.size] = (
                tail.eigenvalues
            )
        log_p, error = mixture_log_sf(
            np.concatenate([tail.found.statistic for tail in chosen]), padded
        )
        for tail, end in zip(chosen, ends, strict=True):
            here = slice(end - tail.found.statistic.size, end)
            _note(tail, log_p[here], error[here])


def _note(tail: _Tail, log_p: Float, error: Float) -> None:
    tail.found.log_p[:] = log_p
    tail.found.error[:] = error


def _burden_rows(block: Block, sizes: SetBurdens, aggregations: Sequence[str]) -> TestRows:
    found = test_burdens(block.sets, sizes, aggregations, block.null)
    nan = np.full(found.place.size, np.nan)
    each = found.tests
    return TestRows(
        found.place, found.phenotype, np.full(nan.size, "burden"), found.weight,
        found.aggregation, found.n_variants, found.n_carriers, each.t, each.beta, each.se,
        each.log_p, each.lrt, each.lrt_log_p, nan, nan, each.status,
    )  # fmt: skip


def _variance_rows(tests: Sequence[_VarianceTest]) -> TestRows:
    sizes = [each.phenotypes.size for each in tests]

    def repeated(values: Sequence[int] | Sequence[str], kind: type) -> npt.NDArray[Any]:
        return np.repeat(np.array(values, dtype=kind), sizes)

    def joined(parts: Sequence[npt.NDArray[Any]], kind: type) -> npt.NDArray[Any]:
        return np.concatenate([np.zeros(0, kind), *parts])

    nan = np.full(sum(sizes), np.nan)
    found = [each.found for each in tests]
    return TestRows(
        repeated([each.place for each in tests], np.int64),
        joined([each.phenotypes for each in tests], np.int64),
        repeated([each.test for each in tests], np.str_),
        repeated([each.weight for each in tests], np.int64),
        np.full(nan.size, ""),
        repeated([each.n_variants for each in tests], np.int64),
        repeated([each.n_carriers for each in tests], np.int64),
        joined([each.statistic for each in found], np.float64),
        nan,
        nan,
        joined([each.log_p for each in found], np.float64),
        nan,
        nan,
        joined([each.error for each in found], np.float64),
        joined([each.detail for each in found], np.float64),
        joined([each.status for each in found], np.str_),
    )


def _joined(*parts: TestRows) -> TestRows:
    return TestRows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
