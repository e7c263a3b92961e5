"""Planted effects are found as often as the laws of the tests under an effect say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats

from varhouse.numerics.genotype_matrix import GenotypeMatrix, genotype_matrix
from varhouse.numerics.null_model import fit_linear
from varhouse.numerics.region import TestPlan, VariantSet, test_region
from varhouse.numerics.weights import beta_weight

pytestmark = pytest.mark.slow

N_DONORS = 700
N_VARIANTS = 40
N_COVARIATES = 6
N_PHENOTYPES = 20_000
LEVEL = 1e-3
# twice in a thousand runs at most would chance alone fail a test
TAILS = [1e-3, 1 - 1e-3]


class Cohort:
    """Rare genotypes, covariates, and the weighted genotypes without what covariates explain."""

    def __init__(self) -> None:
        rng = np.random.default_rng(11)
        maf = np.exp(rng.uniform(np.log(0.003), np.log(0.05), size=N_VARIANTS))
        dosage = sparse.coo_array(rng.binomial(2, maf, size=(N_DONORS, N_VARIANTS)).astype(float))
        self.genotypes: GenotypeMatrix = genotype_matrix(
            dosage.col, dosage.row, dosage.data, n_variants=N_VARIANTS, n_donors=N_DONORS
        )
        assert self.genotypes.varies.all()
        self.x = np.column_stack([np.ones(N_DONORS), rng.normal(size=(N_DONORS, N_COVARIATES - 1))])
        self.weights = beta_weight(self.genotypes.frequency)
        self.weighted = dosage.toarray() * self.weights
        q, _ = np.linalg.qr(self.x)
        self.residual_weighted = self.weighted - q @ (q.T @ self.weighted)

    def power(self, effects: np.ndarray, *, finite_sample: bool = False) -> dict[str, int]:
        """Count the p-values below the level among phenotypes with these effects."""
        rng = np.random.default_rng(12)
        phenotypes = (
            (self.x @ np.full(N_COVARIATES, 0.5))[:, None]
            + (self.weighted @ effects)[:, None]
            + rng.normal(size=(N_DONORS, N_PHENOTYPES))
        )
        chosen = VariantSet(
            variants=np.arange(N_VARIANTS),
            weights=self.weights[:, None],
            phenotypes=np.arange(N_PHENOTYPES),
        )
        plan = TestPlan(kernel_weights=(0,), finite_sample=finite_sample)
        found = test_region(self.genotypes, fit_linear(self.x, phenotypes), [chosen], plan)
        assert set(found.status) == {"ok"}
        return {
            test: int(np.sum(found.log_p[found.test == test] < np.log(LEVEL)))
            for test in ("burden", "skat")
        }


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return Cohort()


def test_burden_finds_what_the_noncentral_t_says(cohort: Cohort) -> None:
    burden = cohort.residual_weighted.sum(axis=1)
    df = N_DONORS - N_COVARIATES - 1
    beta = 3.0 / np.sqrt(burden @ burden)
    critical = stats.t.isf(LEVEL / 2, df)
    law = stats.nct(df, beta * np.sqrt(burden @ burden))
    low, high = stats.binom.ppf(TAILS, N_PHENOTYPES, law.sf(critical) + law.cdf(-critical))
    assert low <= cohort.power(np.full(N_VARIANTS, beta))["burden"] <= high


@pytest.mark.parametrize("finite_sample", [False, True])
@pytest.mark.parametrize("signs", ["one", "both"])
def test_skat_finds_what_the_noncentral_mixture_says(
    cohort: Cohort, signs: str, finite_sample: bool
) -> None:
    """Q / s^2 of squared normals with the effect in their means, the rest of the donors in s^2."""
    rng = np.random.default_rng(13)
    effects = np.abs(rng.normal(size=N_VARIANTS))
    if signs == "both":
        effects *= rng.choice([-1.0, 1.0], size=N_VARIANTS)
    left, singular, _ = np.linalg.svd(cohort.residual_weighted, full_matrices=False)
    mean = cohort.residual_weighted @ effects
    effects *= 6.0 / np.sqrt(mean @ mean)
    shift = left.T @ (cohort.residual_weighted @ effects)
    # the published test takes s^2 as known; the finite-sample one takes it as what it is
    nothing = np.zeros(N_VARIANTS)
    null = _statistics(rng, singular, nothing, 8_000_000, variance_is_known=not finite_sample)
    critical = np.quantile(null, 1 - LEVEL)
    drawn = _statistics(rng, singular, shift, 400_000, variance_is_known=False)
    low, high = stats.binom.ppf(TAILS, N_PHENOTYPES, np.mean(drawn > critical))
    found = cohort.power(effects, finite_sample=finite_sample)
    assert low <= found["skat"] <= high
    assert (found["skat"] > found["burden"]) == (signs == "both")


def _statistics(
    rng: np.random.Generator,
    singular: np.ndarray,
    shift: np.ndarray,
    n: int,
    *,
    variance_is_known: bool,
) -> np.ndarray:
    """Draw SKAT's statistic from its law: no phenotype, no genotype, no regression."""
    parts = []
    df = N_DONORS - N_COVARIATES
    for _ in range(n // 100_000):
        squares = (rng.normal(size=(100_000, singular.size)) + shift) ** 2
        rest = rng.chisquare(df - singular.size, size=len(squares))
        variance = 1.0 if variance_is_known else (squares.sum(axis=1) + rest) / df
        parts.append(squares @ singular**2 / variance)
    return np.concatenate(parts)
