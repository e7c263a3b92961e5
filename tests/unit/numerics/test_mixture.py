"""Tails of chi-square mixtures against closed forms and high-precision references."""

import decimal

import numpy as np
import polars as pl
import pytest
from scipy import special, stats

from varhouse.numerics.mixture import mixture_log_sf, ratio_log_sf
from varhouse.numerics.tails import log_complement

DEPTHS = np.array([-1e-9, -0.01, -0.7, -3.0, -40.0, -600.0])


@pytest.mark.parametrize("df", [1, 2, 3, 5, 40, 1000])
def test_equal_weights_are_one_chi_square(df):
    q = stats.chi2.isf(np.exp(DEPTHS), df)
    log_p, error = mixture_log_sf(3.0 * q, np.full((1, df), 3.0))
    np.testing.assert_allclose(log_p, stats.chi2.logsf(q, df), rtol=1e-11, atol=1e-17)
    assert np.all(error < 1e-9)
    grouped, _ = mixture_log_sf(3.0 * q, [[3.0]], [[df]])
    np.testing.assert_allclose(grouped, log_p, rtol=1e-11, atol=1e-17)


def test_pairs_of_weights_are_sums_of_exponentials():
    rates = np.array([4.0, 1.0, 0.3])
    q = np.array([0.1, 3.0, 20.0, 500.0])
    shares = np.array(
        [np.prod([a / (a - b) for b in rates if b != a]) for a in rates]
    )  # hypoexponential law with means 2a
    expected = special.logsumexp(
        -q[:, None] / (2 * rates), axis=1, b=np.broadcast_to(shares, (4, 3))
    )
    log_p, _ = mixture_log_sf(q, np.repeat(rates, 2)[None, :])
    np.testing.assert_allclose(log_p, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(("a", "b"), [(1, 10), (5, 60), (2, 7), (150, 800)])
def test_ratio_of_chi_squares_is_f(a, b):
    f = np.array([0.3, 1.0, 2.0, 3.5])
    weights = np.stack([np.full(4, 1 / a), -f / b], axis=1)
    log_p, _ = mixture_log_sf(np.zeros(4), weights, [[a, b]])
    np.testing.assert_allclose(log_p, stats.f.logsf(f, a, b), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize(("up", "down"), [(1.0, 1.0), (5.0, 0.1), (0.02, 3.0)])
def test_differences_of_exponentials(up, down):
    q = np.array([-90.0, -4.0, -0.3, 0.0, 0.01, 2.0, 70.0])
    above = np.log(up / (up + down)) - np.maximum(q, 0) / (2 * up)
    below = np.log(down / (up + down)) + np.minimum(q, 0) / (2 * down)
    expected = np.where(q >= 0, above, np.log1p(-np.exp(below)))
    weights = np.array([up, up, -down, -down])
    for log_p in (
        mixture_log_sf(q, weights)[0],
        np.array([mixture_log_sf(each, weights)[0] for each in q]),
    ):
        np.testing.assert_allclose(log_p, expected, rtol=1e-8, atol=1e-15)


def test_weights_below_zero_mirror():
    q = np.array([0.1, 2.0, 30.0])
    log_p, _ = mixture_log_sf(-q, np.full((1, 4), -1.0))
    np.testing.assert_allclose(log_p, stats.chi2.logcdf(q, 4), rtol=1e-11, atol=1e-15)


def test_beyond_the_support_and_nothing_to_sum():
    log_p, _ = mixture_log_sf([-1.0, 0.0, np.inf, np.nan], [[1.0, 2.0]])
    np.testing.assert_array_equal(log_p, [0.0, 0.0, -np.inf, np.nan])
    log_p, _ = mixture_log_sf([0.0, 1.0], [[-1.0]])
    np.testing.assert_array_equal(log_p, [-np.inf, -np.inf])
    log_p, _ = mixture_log_sf([-1.0, 0.0], [[0.0]])
    np.testing.assert_array_equal(log_p, [0.0, -np.inf])
    log_p, error = mixture_log_sf(1.0, [np.nan, 1.0])
    assert np.isnan(log_p)
    assert np.isnan(error)


def test_scale_does_not_matter():
    weights = np.random.default_rng(3).gamma(0.4, size=(1, 60))
    q = weights.sum() * np.array([0.4, 1.0, 2.0, 9.0])
    expected, _ = mixture_log_sf(q, weights)
    for scale in (1e-12, 1e12):
        log_p, _ = mixture_log_sf(q * scale, weights * scale)
        np.testing.assert_allclose(log_p, expected, rtol=1e-11)


def test_many_thresholds_agree_with_one_at_a_time():
    weights = np.random.default_rng(4).gamma(0.5, size=40)
    q = weights.sum() * np.array([0.01, 0.3, 0.8, 1.0, 1.1, 1.3, 2.0, 4.0, 15.0, 90.0])
    together, error = mixture_log_sf(q, weights)
    single = [float(mixture_log_sf(each, weights)[0]) for each in q]
    np.testing.assert_allclose(together, single, rtol=1e-10, atol=1e-16)
    assert np.all(error < 1e-9)


@pytest.mark.parametrize(("m", "nu"), [(1, 30), (7, 200), (12, 13), (5, 5000)])
def test_ratios_of_equal_weights_are_beta(m, nu):
    share = stats.beta.isf([0.999, 0.9, 0.6, 0.5, 0.2, 0.03, 1e-4, 1e-12], m / 2, (nu - m) / 2)
    log_p, error = ratio_log_sf(2.5 * share * nu, np.full(m, 2.5), nu)
    expected = stats.beta.logsf(share, m / 2, (nu - m) / 2)
    np.testing.assert_allclose(log_p, expected, rtol=1e-9)
    assert np.all(error < 1e-8)


def test_ratios_beyond_their_support():
    log_p, _ = ratio_log_sf(np.array([0.0, 21.0, np.nan]), np.array([1.0, 2.0]), 10)
    np.testing.assert_array_equal(log_p, [0.0, -np.inf, np.nan])


@pytest.mark.shared
def test_high_precision_references(shared_data):
    truth = pl.read_parquet(shared_data / "stats" / "mixture_truth.parquet")
    eigenvalues = pl.read_parquet(shared_data / "stats" / "mixture_eigenvalues.parquet")
    for (name,), rows in truth.group_by("set_id"):
        weights = eigenvalues.filter(pl.col("set_id") == name)["lambda"].to_numpy()
        log_p, error = mixture_log_sf(rows["q"].to_numpy(), weights[None, :])
        expected = rows["log10p_exact"].to_numpy() * np.log(10)
        np.testing.assert_allclose(log_p, expected, rtol=0, atol=1e-11, err_msg=str(name))
        is_small = expected < np.log(0.5)
        off = np.abs(np.expm1(log_p - expected))[is_small]
        # doubles of that size say no more
        assert np.all(off <= error[is_small] + 1e-14 * (100 - expected[is_small])), name


@pytest.mark.parametrize("log_p", [-1e-300, -1e-6, -0.5, -0.7, -3.0, -40.0, -700.0])
def test_the_other_tail_keeps_its_digits(log_p):
    one = decimal.Decimal(1)
    with decimal.localcontext(prec=700):
        expected = (one - decimal.Decimal(log_p).exp()).ln()
    assert float(log_complement(log_p)) == pytest.approx(float(expected), rel=1e-15, abs=0)


def test_the_other_tail_of_certain_and_impossible():
    assert log_complement([0.0, -np.inf]).tolist() == [-np.inf, 0.0]
