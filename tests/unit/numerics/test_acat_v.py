"""ACAT-V of the reference panel, and against a loop over the variants."""

import numpy as np
import pytest
from scipy import stats
from tests.unit.numerics.regions import covariates, regions

from varhouse.numerics.acat_v import MAX_COLLAPSED_COPIES, acat_v_log_p
from varhouse.numerics.null_model import fit_linear
from varhouse.numerics.skat import score_set

LN10 = np.log(10)


def beta_1_25(maf):
    return stats.beta.pdf(maf, 1, 25)


def one(maf):
    return np.ones_like(maf)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("column", "weight_of"), [("acatv_log10p", beta_1_25), ("acatv_w11_log10p", one)]
)
def test_panel(shared_data, column, weight_of):
    folder = shared_data / "stats" / "panel"
    x = covariates(folder)
    compared = 0
    for region in regions(folder):
        if region.truth["status"] != "ok":
            continue
        null = fit_linear(x, region.phenotype[:, None])
        copies = region.genotypes.sum(axis=0)
        log_p, status = acat_v_log_p(
            score_set(region.genotypes, null), weight_of(region.maf), region.maf, copies,
            df=null.df, weight_of_maf=weight_of,
        )  # fmt: skip
        assert status == "ok"
        assert log_p / LN10 == pytest.approx(region.truth[column], rel=0, abs=5e-8)
        compared += 1
    assert compared > 90


@pytest.fixture
def problem():
    rng = np.random.default_rng(11)
    n = 300
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    maf = np.array([0.004, 0.006, 0.008, 0.05, 0.1, 0.2])
    g = rng.binomial(2, maf, size=(n, maf.size)).astype(float)
    g[:, [2, 4]] = np.arange(n)[:, None] % 27 == [3, 12]
    g[3, 4] = 1.0  # ten copies are few, twelve are not
    y = rng.normal(size=n) + 0.4 * g[:, 3]
    return x, g, y


def slow_acat_v(x, g, y, weights):
    """One regression a common variant, one score test of the rare ones, one Cauchy sum."""
    n = len(y)
    copies = g.sum(axis=0)
    maf = copies / (2 * n)
    tests = []
    for j in np.flatnonzero(copies > MAX_COLLAPSED_COPIES):
        full = np.column_stack([x, g[:, j]])
        coefficients, rss, _, _ = np.linalg.lstsq(full, y, rcond=None)
        df = n - full.shape[1]
        se = np.sqrt(rss[0] / df * np.linalg.inv(full.T @ full)[-1, -1])
        p = 2 * stats.t.sf(abs(coefficients[-1] / se), df)
        tests.append((p, weights[j] ** 2 * maf[j] * (1 - maf[j])))
    few = copies <= MAX_COLLAPSED_COPIES
    if few.any():
        b = g[:, few] @ weights[few]
        residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
        rest = b - x @ np.linalg.lstsq(x, b, rcond=None)[0]
        sigma2 = residual @ residual / (n - x.shape[1])
        chi2 = (b @ residual) ** 2 / (rest @ rest) / sigma2
        mean = maf[few].mean()
        share = weights[few].mean() ** 2 * mean * (1 - mean)
        tests.append((stats.chi2.sf(chi2, 1), share))
    p, share = np.array(tests).T
    return stats.cauchy.sf(np.sum(share / share.sum() * np.tan((0.5 - p) * np.pi)))


@pytest.mark.parametrize("kept", [slice(None), slice(0, 3), slice(3, None)])
def test_twin(problem, kept):
    x, g, y = problem
    g = g[:, kept]
    copies = g.sum(axis=0)
    maf = copies / (2 * len(y))
    weights = np.linspace(3.0, 1.0, copies.size)
    null = fit_linear(x, y[:, None])
    rounded = copies * (1 + 1e-9)
    log_p, _ = acat_v_log_p(score_set(g, null), weights, maf, rounded, df=null.df)
    assert np.exp(log_p) == pytest.approx(slow_acat_v(x, g, y, weights), rel=1e-10, abs=0)


@pytest.mark.parametrize("explained", [0, 5])
def test_a_variant_that_covariates_explain_counts_for_nothing(problem, explained):
    x, g, y = problem
    null = fit_linear(np.column_stack([x, g[:, explained]]), y[:, None])
    copies = g.sum(axis=0)
    maf, weights = copies / (2 * len(y)), np.linspace(3.0, 1.0, copies.size)
    found, without = (
        acat_v_log_p(
            score_set(g[:, kept], null), weights[kept], maf[kept], copies[kept], df=null.df
        )
        for kept in (np.arange(6), np.delete(np.arange(6), explained))
    )
    assert found[0] == pytest.approx(without[0], rel=1e-9)


def test_nothing_to_test(problem):
    x, _, y = problem
    null = fit_linear(x, y[:, None])
    g = np.zeros((len(y), 2))
    log_p, status = acat_v_log_p(
        score_set(g, null), np.ones(2), np.zeros(2), np.zeros(2), df=null.df
    )
    assert np.isnan(log_p)
    assert status == "no_p_values"
