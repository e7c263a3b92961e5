"""Binary phenotypes: the reference panel, other optimisers, and laws found by enumeration."""

import itertools

import numpy as np
import pytest
from scipy import optimize, stats
from tests.unit.numerics.regions import covariates, regions

from varhouse.numerics.binary import binary_score_set, fit_logistic, logistic_burden
from varhouse.numerics.saddlepoint_score import collapse_rare, robust_score_set, score_test
from varhouse.numerics.skat import positive_eigenvalues, skat_log_p
from varhouse.numerics.skat_o import skat_o_log_p
from varhouse.numerics.tails import log_chi2_1

LN10 = np.log(10)


@pytest.mark.shared
def test_panel(shared_data):
    folder = shared_data / "stats" / "panel"
    x = covariates(folder)
    compared = fitted = 0
    for region in regions(folder):
        truth = region.truth
        if truth["bin_status"] != "ok" or region.genotypes.shape[1] > 300:
            continue
        null = fit_logistic(x, region.binary)
        assert null.status == "ok"
        weights = stats.beta.pdf(region.maf, 1, 25)
        found = binary_score_set(region.genotypes * weights, null)
        q = np.sum(found.scores**2, axis=0)
        log_p, _ = skat_log_p(q, positive_eigenvalues(found.covariance))
        assert log_p[0] / LN10 == pytest.approx(truth["bin_skat_log10p"], rel=0, abs=1e-8)
        burden = found.scores.sum() ** 2 / found.covariance.sum()
        assert log_chi2_1(burden) / LN10 == pytest.approx(
            truth["bin_burden_log10p"], rel=0, abs=1e-8
        )
        skat_o, *_ = skat_o_log_p(found.scores[:, 0], found.covariance)
        assert skat_o / LN10 == pytest.approx(truth["bin_skato_log10p"], rel=0, abs=1e-8)
        compared += 1
        for prefix, w in (("", weights), ("unw_", np.ones_like(weights))):
            if truth[f"{prefix}glm_converged"]:
                result = logistic_burden(region.genotypes @ w, x, region.binary, null)
                if result.status == "separated":
                    continue
                assert result.beta == pytest.approx(truth[f"{prefix}glm_beta"], rel=1e-5)
                assert result.lrt == pytest.approx(
                    truth[f"{prefix}glm_lrt_chi2"], rel=1e-6, abs=1e-8
                )
                fitted += 1
    assert compared > 80
    assert fitted > 140


@pytest.fixture
def problem():
    rng = np.random.default_rng(21)
    n = 400
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    y = (rng.random(n) < 1 / (1 + np.exp(1.5 - x[:, 1]))).astype(float)
    return x, y, rng


def test_the_fit_maximises_the_likelihood(problem):
    x, y, _ = problem

    def loss(beta):
        eta = x @ beta
        return np.sum(np.logaddexp(0, eta)) - y @ eta

    best = optimize.minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-8})
    null = fit_logistic(np.column_stack([x, x[:, 1] * 2]), y)
    assert null.dropped == (3,)
    assert -null.log_likelihood == pytest.approx(best.fun, rel=1e-10)
    np.testing.assert_allclose(null.fitted, 1 / (1 + np.exp(-x @ best.x)), atol=1e-5)


def test_two_groups_have_the_odds_ratio_and_its_error():
    cells = np.array([[13, 40], [21, 150]])
    b, y = np.array(list(itertools.product([1.0, 0.0], repeat=2))).repeat(cells.ravel(), axis=0).T
    x = np.ones((b.size, 1))
    found = logistic_burden(3 * b, x, y, fit_logistic(x, y))
    odds_ratio = 13 * 150 / (40 * 21)
    assert found.beta == pytest.approx(np.log(odds_ratio) / 3, rel=1e-9)
    assert found.se == pytest.approx(np.sqrt(np.sum(1 / cells)) / 3, rel=1e-9)
    g = stats.chi2_contingency(cells, correction=False, lambda_="log-likelihood")
    assert found.lrt == pytest.approx(g.statistic, rel=1e-9)
    assert np.exp(found.log_p) == pytest.approx(g.pvalue, rel=1e-9)


def test_phenotypes_that_cannot_be_fitted(problem):
    x, y, _ = problem
    assert fit_logistic(x, np.ones_like(y)).status == "one_class"
    split = np.column_stack([x, y])
    assert fit_logistic(split, y).status == "separated"
    # no control carries what these cases carry
    some = np.where((y == 1) & (np.cumsum(y) <= 5), 1.0, 0.0)
    assert fit_logistic(np.column_stack([x, some]), y).status == "separated"
    null = fit_logistic(x, y)
    assert logistic_burden(np.zeros_like(y), x, y, null).status == "no_carriers"
    assert logistic_burden(x[:, 1] * 3, x, y, null).status == "collinear"
    assert logistic_burden(some, x, y, null).status == "separated"
    assert logistic_burden(some, split, y, fit_logistic(split, y)).status == "separated"
    assert logistic_burden(some, x, y, fit_logistic(x, 0 * y)).status == "one_class"
    assert score_test(some, fit_logistic(x, 0 * y)).status == "one_class"
    assert score_test(x[:, 1], null).status == "no_variance"
    with pytest.raises(ValueError, match="other than 0 and 1"):
        fit_logistic(x, y + 1)


def test_saddle_point_agrees_with_enumeration():
    """All outcomes of 12 carriers; the null has an intercept only, and n is large."""
    n, cases, m = 4000, 60, 12
    y = np.zeros(n)
    y[:cases] = 1.0
    null = fit_logistic(np.ones((n, 1)), y)
    g = np.zeros(n)
    dosage = np.array([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1.0])
    g[cases - 3 : cases - 3 + m] = dosage  # three carriers are cases
    found = score_test(g, null)
    assert found.method == "saddlepoint"
    mu = cases / n
    outcomes = np.array(list(itertools.product([0, 1], repeat=m)))
    sums = outcomes @ dosage
    weight = np.prod(np.where(outcomes == 1, mu, 1 - mu), axis=1)
    observed = dosage[:3].sum()
    centre = mu * dosage.sum()
    # the lattice's tail and that of the next point bracket a continuous one
    at = weight[np.abs(sums - centre) >= observed - centre - 1e-9].sum()
    beyond = weight[np.abs(sums - centre) > observed - centre + 1e-9].sum()
    assert beyond < np.exp(found.log_p) < at
    normal = float(log_chi2_1(found.score**2 / found.variance))
    assert normal < np.log(at) - 5


def slow_saddle_point(g, mu, score):
    """Return log of both tails by Dey et al.'s formula, the root of K' by bisection."""

    def k(t):
        return np.sum(np.log1p(mu * np.expm1(g * t)) - mu * g * t)

    def tilted(t):
        return mu * np.exp(g * t) / (1 - mu + mu * np.exp(g * t))

    tails = []
    for sign in (1, -1):
        s = sign * abs(score)
        t = optimize.brentq(lambda t, s=s: g @ (tilted(t) - mu) - s, -50, 50, xtol=1e-14)
        w = np.sign(t) * np.sqrt(2 * (t * s - k(t)))
        v = t * np.sqrt(g**2 @ (tilted(t) * (1 - tilted(t))))
        tails.append(stats.norm.logsf(sign * (w + np.log(v / w) / w)))
    return np.logaddexp(*tails)


@pytest.mark.parametrize("effect", [0.08, -0.08])
def test_saddle_point_is_the_published_formula(problem, effect):
    x, y, rng = problem
    null = fit_logistic(x, y)
    g = rng.binomial(2, 0.1 + effect * (2 * y - 1)).astype(float)
    found = score_test(g, null)
    assert found.method == "saddlepoint"
    weighted = np.sqrt(null.variance)[:, None] * x
    fitted = x @ np.linalg.lstsq(weighted, np.sqrt(null.variance) * g, rcond=None)[0]
    assert found.log_p == pytest.approx(
        slow_saddle_point(g - fitted, null.fitted, found.score), rel=1e-8
    )


@pytest.mark.parametrize("are_cases", [True, False])
def test_nothing_is_further_out_than_carriers_who_are_all_cases(are_cases):
    n, m = 40, 4
    carries = np.arange(n) < m
    null = fit_logistic(np.ones((n, 1)), (carries == are_cases).astype(float))
    found = score_test(carries.astype(float), null)
    assert found.log_p == pytest.approx(m * np.log(m / n) + (n - m) * np.log(1 - m / n), rel=1e-9)


def test_saddle_point_of_common_variants_is_near_the_likelihood_ratio(problem):
    x, y, rng = problem
    g = rng.binomial(2, 0.3, size=len(y)) + 0.6 * y
    null = fit_logistic(x, y)
    found = score_test(g, null)
    lrt = logistic_burden(g, x, y, null)
    assert found.log_p == pytest.approx(lrt.log_p, rel=0.1)
    assert found.score == pytest.approx(float(g @ (y - null.fitted)), rel=1e-8)


def test_robust_covariance_makes_burden_and_single_p_values_agree(problem):
    _, y, rng = problem
    rare = (rng.random(len(y)) < 0.05).astype(float)
    null = fit_logistic(np.ones((len(y), 1)), rare)
    g = rng.binomial(1, 0.02, size=(len(y), 5)).astype(float)
    g[:, 0] = np.where(rare == 1, rng.random(len(y)) < 0.5, g[:, 0])
    found = robust_score_set(g, null)
    single = score_test(g[:, 0], null)
    assert single.method == "saddlepoint"
    alone = robust_score_set(g[:, :1], null)
    p = float(log_chi2_1(alone.scores[0, 0] ** 2 / alone.covariance[0, 0]))
    assert p == pytest.approx(single.log_p, rel=1e-9)
    p = float(log_chi2_1(found.scores[0, 0] ** 2 / found.covariance[0, 0]))
    assert p >= single.log_p - 1e-9  # the burden can only enlarge the variance further
    burden = float(log_chi2_1(found.scores.sum() ** 2 / found.covariance.sum()))
    assert burden >= score_test(g.sum(axis=1), null).log_p - 1e-9
    plain = binary_score_set(g, null).covariance
    methods = [score_test(each, null).method for each in g.T]
    assert methods == ["saddlepoint"] + ["normal"] * 4
    # correlations stay; whose normal law is good enough is changed by the burden alone
    sizes, sizes_of_plain = np.sqrt(np.diag(found.covariance)), np.sqrt(np.diag(plain))
    np.testing.assert_allclose(sizes[1:] / sizes_of_plain[1:], sizes[1] / sizes_of_plain[1])
    np.testing.assert_allclose(
        found.covariance / np.outer(sizes, sizes), plain / np.outer(sizes_of_plain, sizes_of_plain)
    )
    assert sizes[1] > sizes_of_plain[1]
    assert burden == pytest.approx(score_test(g.sum(axis=1), null).log_p)


def test_a_burden_with_a_lighter_tail_shrinks_no_variance():
    rng = np.random.default_rng(55)
    n = 400
    y = (rng.random(n) < 0.05).astype(float)
    null = fit_logistic(np.ones((n, 1)), y)
    g = rng.binomial(1, 0.02, size=(n, 3)).astype(float)
    for j in (0, 1):
        g[:, j] = np.where(y == 1, rng.random(n) < 0.4, g[:, j])
    tests = [score_test(each, null) for each in (*g.T, g.sum(axis=1))]
    assert [each.method for each in tests] == [
        "saddlepoint",
        "saddlepoint",
        "normal",
        "saddlepoint",
    ]
    found = robust_score_set(g, null)
    single = log_chi2_1(found.scores[:, 0] ** 2 / np.diag(found.covariance))
    np.testing.assert_allclose(single, [each.log_p for each in tests[:3]], rtol=1e-9)
    assert log_chi2_1(found.scores.sum() ** 2 / found.covariance.sum()) > tests[3].log_p


@pytest.mark.parametrize(("deviations", "method"), [(-1.99, "normal"), (2.01, "saddlepoint")])
def test_two_standard_deviations_are_far_enough(problem, deviations, method):
    _, y, rng = problem
    null = fit_logistic(np.ones((len(y), 1)), y)
    along = null.residuals / np.linalg.norm(null.residuals)
    across = rng.normal(size=len(y))
    across -= across.mean() + along * (along @ across)
    share = deviations / np.sqrt(len(y))
    found = score_test(share * along + np.sqrt(1 - share**2) * stats.zscore(across) / 20, null)
    assert found.score / np.sqrt(found.variance) == pytest.approx(deviations, rel=1e-6)
    assert found.method == method


def test_what_covariates_all_but_explain(problem):
    x, y, rng = problem
    null = fit_logistic(x, y)
    noise = rng.normal(size=len(y))
    near, nearer = (x[:, 1] + size * noise for size in (1e-4, 1e-6))
    assert score_test(near, null).status == logistic_burden(near, x, y, null).status == "ok"
    assert score_test(nearer, null).status == "no_variance"
    assert logistic_burden(nearer, x, y, null).status == "collinear"


def test_rare_variants_collapse_into_one_column():
    g = np.zeros((30, 4))
    g[:3, 0] = 1
    g[2:4, 1] = [2, 1]
    g[:11, 2] = 1
    g[20:, 3] = 1  # ten copies are few, eleven are not
    found = collapse_rare(g, np.array([1.0, 3.0, 5.0, 7.0]))
    assert found.shape == (30, 2)
    largest = np.repeat([1, 1, 2, 1, 0, 1], [1, 1, 1, 1, 16, 10])
    np.testing.assert_allclose(found[:, 0], largest * (1 + 3 + 7) / 3)
    np.testing.assert_array_equal(found[:, 1], 5 * g[:, 2])
    assert collapse_rare(g[:, 2:3], np.ones(1)).shape == (30, 1)
