"""Beta-approximated permutation p-values: a slow twin, the law's own fit, and the null."""

import numpy as np
import pytest
from scipy import stats

from varhouse.numerics import permutation
from varhouse.numerics.null_model import covariate_basis
from varhouse.numerics.permutation import gene_rng, permutation_test


@pytest.fixture
def problem():
    rng = np.random.default_rng(8)
    n = 120
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    g = rng.binomial(2, 0.2, size=(n, 15)).astype(float)
    y = rng.normal(size=n) + 0.5 * g[:, 4] + x[:, 1]
    return x, g, y


def regress(x, g, y):
    """Return the two-sided p of g in a regression of y on x and g."""
    full = np.column_stack([x, g])
    coefficients, rss, _, _ = np.linalg.lstsq(full, y, rcond=None)
    df = len(y) - full.shape[1]
    se = np.sqrt(rss[0] / df * np.linalg.inv(full.T @ full)[-1, -1])
    return 2 * stats.t.sf(abs(coefficients[-1] / se), df)


# the moments of the second have shapes that are both too large
@pytest.mark.parametrize("seed", [(1, "ENSG01"), (10, "G")])
def test_twin(problem, seed):
    x, g, y = problem
    basis, _ = covariate_basis(x)
    found = permutation_test(g, y, basis, rng=gene_rng(*seed), n_permutations=60)
    nominal = [regress(x, g[:, j], y) for j in range(g.shape[1])]
    assert found.best == int(np.argmin(nominal)) == 4
    assert found.nominal_p == pytest.approx(min(nominal), rel=1e-9, abs=0)
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    shuffled = gene_rng(*seed).permuted(np.tile(residual, (60, 1)), axis=1)
    smallest = [min(regress(x, g[:, j], each) for j in range(g.shape[1])) for each in shuffled]
    as_strong = np.sum(np.array(smallest) <= min(nominal))
    assert found.empirical_p == pytest.approx((1 + as_strong) / 61)
    # the degrees of freedom are those at which the first shape, by moments, is 1
    df = len(y) - x.shape[1] - 1
    t = stats.t.isf(np.array(smallest) / 2, df) * np.sqrt(found.effective_df / df)
    p = 2 * stats.t.sf(t, found.effective_df)
    assert p.mean() * (p.mean() * (1 - p.mean()) / p.var() - 1) == pytest.approx(1, abs=1e-4)
    shapes = stats.beta.fit(p, floc=0, fscale=1)[:2]
    assert (found.shape1, found.shape2) == pytest.approx(shapes, rel=1e-5)
    strongest = stats.t.isf(min(nominal) / 2, df) * np.sqrt(found.effective_df / df)
    expected = stats.beta.cdf(2 * stats.t.sf(strongest, found.effective_df), *shapes)
    assert found.beta_p == pytest.approx(expected, rel=1e-3, abs=0)
    assert found.status == "ok"


def test_the_law_is_the_most_likely_one(problem):
    x, g, y = problem
    basis, _ = covariate_basis(x)
    found = permutation_test(g, y, basis, rng=gene_rng(1, "a"), n_permutations=2000)
    # p-values of independent variants: the smallest of m is Beta(1, m)
    assert found.shape1 == pytest.approx(1.0, abs=0.1)
    assert 9 < found.shape2 < 17
    assert found.beta_p == pytest.approx(1 - (1 - found.nominal_p) ** 15, rel=0.6)
    assert found.empirical_p == pytest.approx(found.beta_p, abs=2e-3)


def test_permutations_made_a_few_at_a_time_are_the_same(problem, monkeypatch):
    x, g, y = problem
    basis, _ = covariate_basis(x)
    together = permutation_test(g, y, basis, rng=gene_rng(1, "a"), n_permutations=100)
    monkeypatch.setattr(permutation, "_BLOCK", 7 * len(y))
    found = permutation_test(g, y, basis, rng=gene_rng(1, "a"), n_permutations=100)
    assert found[:3] == together[:3]
    assert found[3:7] == pytest.approx(together[3:7], rel=1e-9)


def test_a_gene_has_its_own_chance(problem):
    x, g, y = problem
    basis, _ = covariate_basis(x)
    first, again, other = (
        permutation_test(g, y, basis, rng=gene_rng(7, gene), n_permutations=100)
        for gene in ("ENSG01", "ENSG01", "ENSG02")
    )
    assert first == again
    assert first.beta_p != other.beta_p


@pytest.mark.parametrize("n", [21, 30, 100])
def test_permutations_that_are_as_strong_but_for_rounding_count(n):
    """The one carrier has the highest value, as in one of n permutations."""
    basis, _ = covariate_basis(np.ones((n, 1)))
    y = np.random.default_rng(1).normal(size=n)
    y[0] = np.abs(y).max() + 1
    g = np.eye(n, 1)
    found = permutation_test(g, y, basis, rng=gene_rng(1, "a"), n_permutations=1000)
    shuffled = gene_rng(1, "a").permuted(np.tile(y, (1000, 1)), axis=1)
    assert found.empirical_p == (1 + np.sum(shuffled[:, 0] == y[0])) / 1001


def test_permutations_that_are_all_alike_fit_no_law():
    basis, _ = covariate_basis(np.ones((20, 1)))
    y = np.tile([1.0, -1.0], 10)
    found = permutation_test(np.eye(20, 1), y, basis, rng=gene_rng(1, "a"), n_permutations=10)
    assert (found.status, found.best, found.empirical_p) == ("fit_failed", 0, 1.0)
    assert found.nominal_p == pytest.approx(stats.linregress(np.eye(20)[0], y).pvalue)
    assert np.isnan(found.beta_p)


def test_null_p_values_are_uniform():
    rng = np.random.default_rng(31)
    n = 80
    basis, _ = covariate_basis(np.ones((n, 1)))
    g = rng.binomial(2, 0.3, size=(n, 8)).astype(float)
    found = [
        permutation_test(g, rng.normal(size=n), basis, rng=gene_rng(0, str(i)), n_permutations=200)
        for i in range(200)
    ]
    assert stats.kstest([each.beta_p for each in found], "uniform").pvalue > 0.01


def test_nothing_to_test(problem):
    x, g, y = problem
    basis, _ = covariate_basis(x)
    rng = np.random.default_rng(1)
    assert permutation_test(x[:, :2], y, basis, rng=rng).status == "no_variants"
    assert permutation_test(g[:, :0], y, basis, rng=rng).status == "no_variants"
    assert permutation_test(g, x[:, 1], basis, rng=rng).status == "constant_phenotype"
    with pytest.raises(ValueError, match="at least 10"):
        permutation_test(g, y, basis, rng=rng, n_permutations=9)
