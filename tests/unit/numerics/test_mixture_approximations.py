"""Published approximations against R, and against closed forms where they are exact."""

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tests.unit.numerics.regions import covariates, regions

from varhouse.numerics.mixture_approximations import METHODS, davies, match_moments, skat_p
from varhouse.numerics.null_model import fit_linear
from varhouse.numerics.skat import positive_eigenvalues, score_set
from varhouse.numerics.skat_o import skat_o_log_p
from varhouse.numerics.skat_o_lee import skat_o_lee_log_p

LN10 = np.log(10)


@pytest.fixture(scope="module")
def panel(request):
    folder = request.getfixturevalue("shared_data") / "stats" / "panel"
    results = pl.read_parquet(folder / "r_results.parquet")
    printed = {row["gene_id"]: row for row in results.iter_rows(named=True)}
    x = covariates(folder)
    found = []
    for region in regions(folder):
        if region.truth["status"] != "ok" or region.genotypes.shape[1] > 200:
            continue
        null = fit_linear(x, region.phenotype[:, None])
        weighted = region.genotypes * stats.beta.pdf(region.maf, 1, 25)
        found.append((score_set(weighted, null), region.truth, printed[region.gene_id]))
    return found


@pytest.mark.shared
def test_panel_of_r(panel):
    compared = 0
    for scores, _, printed in panel:
        q = float(np.sum(scores.scores**2))
        eigenvalues = positive_eigenvalues(scores.covariance)
        for method, column in (("liu", "r_skat_liu"), ("liu_modified", "r_skat_liumod")):
            p = np.exp(skat_p(q, eigenvalues, method=method).log_p)
            assert p == pytest.approx(printed[column], rel=1e-5, abs=1e-12)
        p, error = davies(q, eigenvalues)
        if error < 1e-6:
            assert p == pytest.approx(printed["r_skat"], abs=1e-5)
            compared += 1
    assert compared > 60


@pytest.mark.shared
def test_panel_of_published_skat_o(panel):
    for scores, truth, _ in panel:
        log_p = skat_o_lee_log_p(scores.scores[:, 0], scores.covariance)
        assert log_p / LN10 == pytest.approx(truth["skato_lee_log10p"], rel=0, abs=4e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("p", [0.9, 0.3, 1e-3])
def test_equal_weights(method, p):
    """One chi-square of 20: exact for all but the saddle point, which is good to 1 %."""
    q = 3.0 * stats.chi2.isf(p, 20)
    found = skat_p(q, np.full(20, 3.0), method=method, df=10**7)
    assert found.method == method
    tolerance = {"saddlepoint": 0.01, "exact_finite": 1e-4, "davies": 3e-4}.get(method, 1e-9)
    assert np.exp(found.log_p) == pytest.approx(p, rel=tolerance)
    assert np.isnan(found.error) == (method in ("liu", "liu_modified", "saddlepoint"))


@pytest.mark.parametrize("x", [1.0, 12.0, 21.0, 300.0])
def test_saddle_point_of_equal_weights_in_closed_form(x):
    t = (1 - 20 / x) / 2
    w = np.sign(t) * np.sqrt(2 * (t * x + 10 * np.log1p(-2 * t)))
    v = t * x * np.sqrt(2 / 20)
    expected = stats.norm.logsf(w + np.log(v / w) / w)
    found = skat_p(3 * x, np.full(20, 3.0), method="saddlepoint")
    assert found.log_p == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"liu_modified"}))
def test_every_statistic_is_above_zero(method):
    assert skat_p(0.0, np.array([2.0, 1.0]), method=method, df=10).log_p == 0.0


def test_published_skat_o_of_one_variant_is_its_chi_square():
    found = skat_o_lee_log_p(np.array([7.0]), np.array([[9.0]]))
    assert found == pytest.approx(stats.chi2.logsf(49 / 9, 1), rel=1e-11)


@pytest.mark.parametrize("size", [5, 30, 100])
def test_published_skat_o_far_out_is_near_its_smallest_p_value(size):
    rng = np.random.default_rng(1)
    factor = rng.normal(size=(30, 6))
    scores = factor.T @ rng.normal(size=30) * size
    _, _, each = skat_o_log_p(scores, factor.T @ factor)
    found = skat_o_lee_log_p(scores, factor.T @ factor)
    # T <= P(min <= T) <= 7 T
    assert each.min() <= found <= each.min() + np.log(7) + 1e-3


def test_davies_error_is_a_bound():
    rng = np.random.default_rng(3)
    for m in (3, 10, 60):
        weights = rng.gamma(0.5, size=m) + 1e-3
        for q in weights.sum() * np.array([0.3, 1.0, 2.5]):
            exact = np.exp(skat_p(q, weights).log_p)
            p, error = davies(q, weights, accuracy=1e-8)
            assert abs(p - exact) <= error
            # few eigenvalues make a long sum, which is cut
            assert m == 3 or error <= 1e-8


def test_moments_are_matched():
    weights = np.array([3.0, 1.0, 1.0, 0.5])
    found = match_moments(weights, modified=False)
    law = stats.ncx2(found.df, found.noncentrality) if found.noncentrality else stats.chi2(found.df)
    skewness = np.sqrt(8) * np.sum(weights**3) / np.sum(weights**2) ** 1.5
    assert law.stats("s") == pytest.approx(skewness, rel=1e-9)
    assert found.matched_mean == pytest.approx(law.mean())
    assert found.matched_sd == pytest.approx(law.std())


def test_saddle_point_is_continuous_at_the_mean():
    weights = np.array([2.0, 1.0, 0.3])
    q = weights.sum() + np.array([-2e-3, -1e-5, 0, 1e-5, 2e-3])
    logs = [skat_p(each, weights, method="saddlepoint").log_p for each in q]
    assert np.all(np.diff(logs) < 0)
    assert logs[4] - logs[0] == pytest.approx(0, abs=5e-3)


def test_what_is_refused():
    with pytest.raises(ValueError, match="not one of exact"):
        skat_p(1.0, np.ones(2), method="imhof")
    with pytest.raises(ValueError, match="degrees of freedom"):
        skat_p(1.0, np.ones(2), method="exact_finite")
    with pytest.raises(ValueError, match="above 0"):
        skat_p(1.0, np.zeros(2))
