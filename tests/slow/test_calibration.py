"""Twenty thousand null genes: p-values are uniform, and small ones as rare as they should be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, special, stats

from varhouse.numerics.acat import acat
from varhouse.numerics.binary import fit_logistic
from varhouse.numerics.genotype_matrix import genotype_matrix
from varhouse.numerics.null_model import fit_linear
from varhouse.numerics.region import TestPlan, VariantSet, test_region
from varhouse.numerics.saddlepoint_score import score_test
from varhouse.numerics.weights import beta_weight

pytestmark = pytest.mark.slow

N_DONORS = 800
N_SETS = 500
N_PHENOTYPES = 40
N_GENES = N_SETS * N_PHENOTYPES
LEVEL = 1e-3


@pytest.fixture(scope="module")
def null_p_values() -> dict[str, np.ndarray]:
    """Return p-values by test, of 500 variant sets with 40 phenotypes each."""
    rng = np.random.default_rng(20_240_501)
    x = np.column_stack([np.ones(N_DONORS), rng.normal(size=(N_DONORS, 8))])
    logs: dict[str, list[float]] = {"burden": [], "skat": [], "skat_o": [], "acat_v": []}
    plan = TestPlan(kernel_weights=(0,), skat_o=True, acat_v=True)
    for _ in range(N_SETS):
        m = int(rng.integers(5, 60))
        # haplotypes are shared, so that variants are in disequilibrium
        maf = np.exp(rng.uniform(np.log(0.002), np.log(0.05), size=m))
        normal = rng.normal(size=(2 * N_DONORS, m)) + 0.7 * rng.normal(size=(2 * N_DONORS, 1))
        alleles = normal / np.sqrt(1.49) < special.ndtri(maf)
        dosage = sparse.coo_array(alleles[:N_DONORS].astype(float) + alleles[N_DONORS:])
        genotypes = genotype_matrix(
            dosage.col, dosage.row, dosage.data, n_variants=m, n_donors=N_DONORS
        )
        phenotypes = 0.3 * x[:, 1:2] + rng.normal(size=(N_DONORS, N_PHENOTYPES))
        chosen = VariantSet(
            variants=np.flatnonzero(genotypes.varies),
            weights=beta_weight(genotypes.frequency[genotypes.varies])[:, None],
            phenotypes=np.arange(N_PHENOTYPES),
        )
        found = test_region(genotypes, fit_linear(x, phenotypes), [chosen], plan)
        assert set(found.status) == {"ok"}
        for test, log_p in zip(found.test.tolist(), found.log_p.tolist(), strict=True):
            logs[test].append(log_p)
    three = np.array([logs["burden"], logs["skat"], logs["acat_v"]]).T
    logs["acat_o"] = [acat(log_p=each)[0] for each in three]
    return {name: np.exp(values) for name, values in logs.items()}


@pytest.mark.parametrize("test", ["burden", "skat", "skat_o", "acat_v", "acat_o"])
def test_type_one_error(null_p_values: dict[str, np.ndarray], test: str) -> None:
    p = null_p_values[test]
    assert p.size == N_GENES
    low, high = stats.binom.ppf([5e-4, 1 - 5e-4], N_GENES, LEVEL)
    assert low <= np.sum(p < LEVEL) <= high


@pytest.mark.parametrize("test", ["burden", "skat", "skat_o", "acat_v"])
def test_p_values_are_uniform(null_p_values: dict[str, np.ndarray], test: str) -> None:
    assert stats.kstest(null_p_values[test], "uniform").pvalue > 0.01


def test_dependent_p_values_combine_on_the_safe_side(null_p_values: dict[str, np.ndarray]) -> None:
    """The Cauchy law of ACAT holds in the tail; of dependent tests the bulk is conservative."""
    p = null_p_values["acat_o"]
    for level in (1e-2, 5e-2, 0.2):
        assert np.sum(p < level) <= stats.binom.ppf(1 - 5e-4, N_GENES, level)
        assert np.sum(p < level) >= 0.8 * N_GENES * level
    assert stats.kstest(p, "uniform").statistic < 0.08


def test_rare_disease_by_the_saddle_point() -> None:
    """One case in a hundred: the normal law finds several times too many, the saddle point not."""
    rng = np.random.default_rng(3)
    n, n_tests = 3000, 20_000
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    nulls = []
    while len(nulls) < 200:
        y = (rng.random(n) < special.expit(-4.7 + 0.4 * x[:, 1])).astype(float)
        nulls.append(fit_logistic(x, y))
    small = np.zeros(2)
    for i in range(n_tests):
        g = np.zeros(n)
        carriers = rng.choice(n, size=40, replace=False)
        g[carriers] = rng.uniform(1, 3, size=40)  # weights, so that sums are no lattice
        found = score_test(g, nulls[i % len(nulls)])
        normal = special.chdtrc(1.0, found.score**2 / found.variance)
        small += [np.exp(found.log_p) < LEVEL, normal < LEVEL]
    assert small[0] <= stats.binom.ppf(1 - 5e-4, n_tests, LEVEL)
    assert small[0] >= 0.25 * n_tests * LEVEL
    assert small[1] > 5 * n_tests * LEVEL
