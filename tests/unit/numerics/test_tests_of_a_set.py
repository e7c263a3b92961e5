"""Burden, SKAT and SKAT-O of the reference panel, and against slow obvious twins."""

import numpy as np
import pytest
from scipy import special, stats
from tests.unit.numerics.regions import covariates, regions

from varhouse.numerics.burden import burden_test
from varhouse.numerics.null_model import fit_linear
from varhouse.numerics.skat import positive_eigenvalues, score_set, skat_log_p
from varhouse.numerics.skat_o import RHO, SkatO, skat_o_log_p
from varhouse.numerics.tails import log_chi2_1, log_t_two_sided

LN10 = np.log(10)


@pytest.fixture(scope="module")
def panel(request):
    folder = request.getfixturevalue("shared_data") / "stats" / "panel"
    return covariates(folder), list(regions(folder))


@pytest.mark.shared
def test_panel_skat_and_burden(panel):
    x, windows = panel
    compared = 0
    for region in windows:
        truth = region.truth
        assert region.genotypes.shape[1] == truth["n_tested"]
        null = fit_linear(x, region.phenotype[:, None])
        if truth["status"] != "ok":
            continue
        for prefix, (a, b) in {"": (1, 25), "mb_": (0.5, 0.5)}.items():
            weighted = region.genotypes * stats.beta.pdf(region.maf, a, b)
            found = score_set(weighted, null)
            q = np.sum(found.scores**2, axis=0)
            eigenvalues = positive_eigenvalues(found.covariance)
            for df, name in ((None, "skat_log10p"), (null.df, "skat_fs_log10p")):
                log_p, _ = skat_log_p(q, eigenvalues, df=df)
                assert log_p[0] / LN10 == pytest.approx(truth[prefix + name], rel=0, abs=1e-8)
            burden = found.scores.sum() ** 2 / found.covariance.sum()
            assert log_chi2_1(burden) / LN10 == pytest.approx(
                truth[prefix + "burden_log10p"], rel=0, abs=1e-8
            )
            compared += 1
    assert compared > 150


@pytest.mark.shared
def test_panel_regression_of_the_burden(panel):
    x, windows = panel
    for region in windows:
        if region.truth["status"] != "ok":
            continue
        null = fit_linear(x, region.phenotype[:, None])
        n, nu = len(region.phenotype), null.df
        for prefix, weights in (("", stats.beta.pdf(region.maf, 1, 25)), ("unw_", 1.0)):
            b = (region.genotypes * weights).sum(axis=1)
            bpb = b @ b - np.sum((null.basis.T @ b) ** 2)
            found = burden_test(b @ null.residuals[:, 0], bpb, b @ b, null.rss[0], nu)
            truth = {name: region.truth[f"{prefix}{name}"] for name in
                     ("ols_beta", "ols_se", "ols_t", "ols_log10p", "lrt_chi2")}  # fmt: skip
            assert found.beta == pytest.approx(truth["ols_beta"], rel=1e-9)
            assert found.se == pytest.approx(truth["ols_se"], rel=1e-9)
            assert found.log_p / LN10 == pytest.approx(truth["ols_log10p"], rel=1e-9, abs=1e-9)
            # R's likelihood ratio has n where ours, as other programs' has n - k
            assert found.lrt * n / nu == pytest.approx(truth["lrt_chi2"], rel=1e-9)


@pytest.mark.shared
def test_panel_skat_o(panel):
    x, windows = panel
    small = [w for w in windows if w.truth["status"] == "ok" and w.genotypes.shape[1] <= 400]
    assert len(small) > 80
    for region in small:
        null = fit_linear(x, region.phenotype[:, None])
        for prefix, (a, b) in {"": (1, 25), "mb_": (0.5, 0.5)}.items():
            weighted = region.genotypes * stats.beta.pdf(region.maf, a, b)
            found = score_set(weighted, null)
            result = SkatO(found.covariance).test(found.scores[:, 0])
            truth = region.truth[f"{prefix}skato_log10p"]
            assert result.log_p / LN10 == pytest.approx(truth, rel=0, abs=1e-8)
            each = [float(p) for p in region.truth[f"{prefix}skato_each_log10p"].split(",")]
            np.testing.assert_allclose(result.each / LN10, each, rtol=0, atol=1e-8)
            assert result.error < 1e-6


def test_skat_o_of_burdens_that_cancel_and_of_one_variant(small_problem):
    _, g, _ = small_problem
    centred = g - g.mean(axis=0)
    covariance = centred.T @ centred
    mirrored = np.block([[covariance, -covariance], [-covariance, covariance]])
    scores = np.append(np.arange(8.0), -np.arange(8.0))
    log_p, rho, each = skat_o_log_p(scores, mirrored)
    expected, _ = skat_log_p(np.array([scores @ scores]), positive_eigenvalues(mirrored))
    assert rho == 0.0
    np.testing.assert_allclose([log_p, *each], [expected[0]] * 8, rtol=1e-9)
    # the mirrored variants have the rank of one half
    assert positive_eigenvalues(mirrored).size == 8
    assert positive_eigenvalues(np.diag([1e-9, 1.0, 1e-14])).tolist() == [1e-9, 1.0]
    alone, rho, each = skat_o_log_p(np.array([7.0]), np.array([[9.0]]))
    assert rho == 0.0
    np.testing.assert_allclose([alone, *each], [float(log_chi2_1(49 / 9))] * 8, rtol=1e-12)


def test_variants_of_equal_genotypes_are_one_with_a_direction():
    rng = np.random.default_rng(11)
    a, scores = rng.normal(size=(9, 3)), np.array([1.5, -2.0, 4.0])
    weights = np.array([0.5, 2.0, 1.0])
    # the first variant twice, under weights 3 and 4 for the 5 of their joint score
    apart = (a * weights)[:, [0, 0, 1, 2]] * np.array([0.6, 0.8, 1.0, 1.0])
    each_score = scores[[0, 0, 1, 2]] * np.array([0.6, 0.8, 1.0, 1.0])
    joint = SkatO((a * weights).T @ (a * weights), np.array([1.4, 1.0, 1.0])).test(scores)
    expected = SkatO(apart.T @ apart).test(each_score)
    assert joint.rho == expected.rho
    np.testing.assert_allclose(joint.each, expected.each, rtol=1e-9)
    assert joint.log_p == pytest.approx(expected.log_p, rel=1e-9, abs=0)


@pytest.mark.parametrize("seed", range(6))
def test_a_burden_that_is_a_rounding_error_is_none(seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(20, 7)) * rng.uniform(0.1, 3.0, size=7)
    a -= a.mean(axis=1, keepdims=True)
    covariance, scores = a.T @ a, 4.0 * a.T @ rng.normal(size=20)
    log_p, rho, each = skat_o_log_p(scores, covariance)
    expected, _ = skat_log_p(np.array([scores @ scores]), np.linalg.eigvalsh(covariance)[1:])
    assert rho == 0.0
    np.testing.assert_allclose([log_p, *each], [expected[0]] * 8, rtol=1e-9)


@pytest.fixture
def small_problem():
    rng = np.random.default_rng(5)
    n = 60
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 3))])
    g = rng.binomial(2, 0.15, size=(n, 8)).astype(float)
    y = rng.normal(size=(n, 2)) + x[:, 1:2]
    return x, g, y


def test_burden_is_ordinary_least_squares(small_problem):
    x, g, y = small_problem
    null = fit_linear(x, y)
    b = g.sum(axis=1)
    full = np.column_stack([x, b])
    coefficients, rss, _, _ = np.linalg.lstsq(full, y, rcond=None)
    df = len(b) - full.shape[1]
    se = np.sqrt(rss / df * np.linalg.inv(full.T @ full)[-1, -1])
    bpb = b @ b - np.sum((null.basis.T @ b) ** 2)
    found = burden_test(b @ null.residuals, bpb, b @ b, null.rss, null.df)
    np.testing.assert_allclose(found.beta, coefficients[-1], rtol=1e-10)
    np.testing.assert_allclose(found.se, se, rtol=1e-10)
    p = 2 * stats.t.sf(np.abs(found.t), df)
    np.testing.assert_allclose(np.exp(found.log_p), p, rtol=1e-10)
    np.testing.assert_allclose(found.lrt, null.df * np.log(null.rss / rss), rtol=1e-9)


def test_burdens_that_cannot_be_tested(small_problem):
    x, _, y = small_problem
    null = fit_linear(x, y)
    b = np.column_stack([np.zeros(60), x[:, 1], np.ones(60)])
    bpb = np.sum(b**2, axis=0) - np.sum((null.basis.T @ b) ** 2, axis=0)
    found = burden_test(b.T @ null.residuals[:, 0], bpb, np.sum(b**2, axis=0), null.rss[0], null.df)
    assert list(found.status) == ["no_carriers", "collinear", "collinear"]
    assert np.all(np.isnan(found.log_p))
    assert burden_test(1.0, 1.0, 1.0, 0.0, 10).status == "constant_phenotype"
    # covariates leave 1e-10 of the squares of the one and 2e-10 of those of the other
    edge = burden_test(1e-6, [1e-10, 2e-10], 1.0, 1.0, 10)
    assert list(edge.status) == ["collinear", "ok"]


def test_collinear_covariates_are_named(small_problem):
    x, _, y = small_problem
    null = fit_linear(np.column_stack([x, x[:, 1] + x[:, 2], np.zeros(60)]), y)
    assert null.dropped == (4, 5)
    assert null.df == 56
    np.testing.assert_allclose(null.rss, fit_linear(x, y).rss)
    noise = np.random.default_rng(8).normal(size=60)
    near = np.column_stack([x, x[:, 1] + 1e-11 * noise, x[:, 2] + 1e-6 * noise])
    assert fit_linear(near, y).dropped == (4,)


def test_covariates_of_any_size(small_problem):
    x, _, y = small_problem
    found = fit_linear(x * [1.0, 1e200, 1e-200, -3.0], y)
    assert found.dropped == ()
    np.testing.assert_allclose(found.residuals, fit_linear(x, y).residuals, rtol=1e-9, atol=1e-12)


def test_what_rounding_leaves_of_a_phenotype_is_nothing(small_problem):
    x, _, _ = small_problem
    noise = np.random.default_rng(8).normal(size=60)
    found = fit_linear(x, (x[:, 1] + 1e-11 * noise)[:, None])
    assert found.rss == [0]
    found = fit_linear(x, (x[:, 1] + 1e-8 * noise)[:, None])
    assert found.rss == pytest.approx(1e-16 * fit_linear(x, noise[:, None]).rss, rel=1e-5, abs=0)


def test_one_degree_of_freedom_is_too_few(small_problem):
    x, _, y = small_problem
    assert fit_linear(x[:6], y[:6]).df == 2
    with pytest.raises(ValueError, match="5 donors are too few for 4 covariates"):
        fit_linear(x[:5], y[:5])
    for values in ((np.where(x > 2, np.inf, x), y), (x, np.where(y > 1, np.nan, y))):
        with pytest.raises(ValueError, match="not finite"):
            fit_linear(*values)


def test_skat_twin_by_simulation(small_problem):
    """The exact law under normal errors, against fresh phenotypes drawn under the null."""
    x, g, y = small_problem
    null = fit_linear(x, y)
    found = score_set(g, null)
    q = np.sum(found.scores**2, axis=0)
    eigenvalues = positive_eigenvalues(found.covariance)
    log_p, _ = skat_log_p(q, eigenvalues, df=null.df)
    drawn = fit_linear(x, np.random.default_rng(6).normal(size=(60, 40_000)))
    simulated = np.sum(score_set(g, drawn).scores ** 2, axis=0)
    for p, statistic in zip(np.exp(log_p), q, strict=True):
        assert np.mean(simulated >= statistic) == pytest.approx(
            p, abs=4 * np.sqrt(p * (1 - p) / 4e4)
        )


def test_skat_o_twin_by_simulation(small_problem):
    _, g, _ = small_problem
    centred = g - g.mean(axis=0)
    covariance = centred.T @ centred
    rng = np.random.default_rng(7)
    scores = rng.multivariate_normal(np.zeros(8), covariance, method="cholesky")
    log_p, rho, each = skat_o_log_p(scores, covariance)
    assert rho == RHO[int(np.argmin(each))]
    draws = rng.multivariate_normal(np.zeros(8), covariance, size=200_000, method="cholesky")
    squares, burdens = np.sum(draws**2, axis=1), draws.sum(axis=1) ** 2
    below = np.zeros(len(draws), dtype=bool)
    for value, r in zip(each.min() * np.ones(len(RHO)), RHO, strict=True):
        statistic = (1 - r) * squares + r * burdens
        # the draws' own tail stands for the law of Q_rho
        cut = np.quantile(statistic, 1 - np.exp(value))
        below |= statistic >= cut
    assert np.exp(log_p) == pytest.approx(below.mean(), rel=0.02)


@pytest.mark.parametrize("df", [3.0, 900.0])
def test_log_tail_of_t(df):
    t = np.array([0.0, 0.5, 3.0, 20.0])
    np.testing.assert_allclose(np.exp(log_t_two_sided(t, df)), 2 * stats.t.sf(t, df), rtol=1e-12)
    # far out P(|T| > t) falls as t^-df
    deep = log_t_two_sided(np.array([1e60, 1e61]), 9.0)
    assert deep[1] - deep[0] == pytest.approx(-9 * LN10, rel=1e-12)
    # with two degrees of freedom P(|T| > t) is 2 / (s (s + t)), s^2 = 2 + t^2
    assert log_t_two_sided(1e150, 2.0) == pytest.approx(-300 * LN10, rel=1e-14)


@pytest.mark.parametrize("t", [50.0, 80.0, 4000.0])
def test_log_tail_of_t_of_many_degrees_of_freedom(t):
    """P = s sum of C(2k, k) (x / 4)^k from k = df / 2 on: the rest of the series of 1 / s."""
    df = 900
    x = df / (df + t**2)
    k = np.arange(df / 2, df / 2 + 4000)
    terms = special.gammaln(2 * k + 1) - 2 * special.gammaln(k + 1) + k * np.log(x / 4)
    expected = 0.5 * np.log1p(-x) + special.logsumexp(terms)
    assert log_t_two_sided(t, df) == pytest.approx(expected, rel=1e-12)


def test_the_likelihood_ratio_is_too_small_where_donors_are_few():
    """100 donors, 38 covariates, t = 5: published as 3.9e-6, exactly 5.1e-6."""
    nu, t = 62, 5.0
    # b'r = share of the residual sum of squares, with b'Pb = r'r = 1
    share = t**2 / (nu - 1) / (1 + t**2 / (nu - 1))
    found = burden_test(np.sqrt(share), 1.0, 1.0, 1.0, nu)
    assert found.t == pytest.approx(t, rel=1e-12)
    assert np.exp(found.log_p) == pytest.approx(5.1e-6, rel=0.01)
    assert np.exp(found.lrt_log_p) == pytest.approx(3.9e-6, rel=0.01)
