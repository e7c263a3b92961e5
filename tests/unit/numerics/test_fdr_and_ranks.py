"""Adjusted p-values, genomic control and the inverse normal transformation."""

import numpy as np
import pytest
from scipy import interpolate, stats

from varhouse.numerics import fdr
from varhouse.numerics.ranks import inverse_normal


def test_benjamini_hochberg_is_scipys():
    p = np.random.default_rng(1).beta(0.3, 2, size=500)
    np.testing.assert_allclose(
        fdr.benjamini_hochberg(p), stats.false_discovery_control(p), rtol=1e-14
    )


def test_missing_tests_do_not_count():
    p = np.array([0.01, np.nan, 0.04])
    np.testing.assert_allclose(fdr.benjamini_hochberg(p), [0.02, np.nan, 0.04])


def test_the_smoother_has_three_degrees_of_freedom():
    columns = [
        interpolate.make_smoothing_spline(fdr.THRESHOLDS, e, lam=fdr.THREE_DF_PENALTY)(
            fdr.THRESHOLDS
        )
        for e in np.eye(fdr.THRESHOLDS.size)
    ]
    assert np.trace(np.array(columns)) == pytest.approx(3.0, abs=1e-6)


def test_storey_finds_the_share_of_nulls():
    rng = np.random.default_rng(2)
    p = np.concatenate([rng.uniform(size=8000), rng.beta(0.05, 5, size=2000)])
    q, share = fdr.storey_q_values(p)
    assert share == pytest.approx(0.8, abs=0.05)
    np.testing.assert_allclose(q, share * fdr.benjamini_hochberg(p), atol=1e-12)


def test_shares_on_a_line_need_no_smoothing():
    # of 4,000 p-values 4000 (1 - t) (a - b t) are at least t, so that the shares are a - b t
    edges = np.append(np.arange(0, 20), 21) / 20
    for a, b, expected in ((1.0, 0.2, 0.81), (1.0, -0.4, 1.0)):
        above = np.rint(4000 * (1 - edges) * (a - b * edges)).clip(0)
        p = np.repeat(
            np.concatenate([[0.0], fdr.THRESHOLDS[:-1], [0.99]]), -np.diff(above).astype(int)
        )
        q, share = fdr.storey_q_values(np.append(p, np.nan))
        assert share == pytest.approx(expected, abs=1e-9)
        np.testing.assert_allclose(q[:-1], share * stats.false_discovery_control(p))


def test_without_an_estimate_above_zero_all_are_taken_for_nulls():
    # shares that fall to 0 at 0.9, and one p-value beyond
    edges = np.arange(0, 19) / 20
    above = np.rint(4000 * (1 - edges) * (1 - edges / 0.9))
    p = np.repeat(edges[:-1] + 0.01, -np.diff(above).astype(int))
    assert fdr.storey_q_values(np.append(p, 0.97))[1] == 1.0
    # no p-value above the last threshold
    assert fdr.storey_q_values(np.linspace(0, 0.94, 50))[1] == 1.0


def test_few_p_values_are_adjusted_without_an_estimate():
    q, share = fdr.storey_q_values([0.01, 0.2])
    assert share == 1.0
    np.testing.assert_allclose(q, [0.02, 0.2])
    # one for each threshold are enough
    shares = [fdr.storey_q_values(np.append(np.full(n, 0.01), 0.99))[1] for n in (17, 18)]
    assert shares[0] == 1.0 > shares[1]


def test_genomic_control():
    p = stats.chi2.sf(stats.chi2.ppf(np.linspace(0, 1, 1001)[1:-1], 1) * 1.3, 1)
    assert fdr.genomic_control(np.append(p, np.nan)) == pytest.approx(1.3, rel=1e-9)
    assert np.isnan(fdr.genomic_control([]))


def test_inverse_normal_positions():
    z = inverse_normal([10.0, 30.0, np.nan, 20.0])
    np.testing.assert_allclose(z, stats.norm.ppf([0.5 / 3, 2.5 / 3, np.nan, 1.5 / 3]))
    blom = inverse_normal([1.0, 2.0], offset=3 / 8)
    np.testing.assert_allclose(blom, stats.norm.ppf([0.625 / 2.25, 1.625 / 2.25]))


def test_ties():
    x = [5.0, 5.0, 1.0, 5.0]
    np.testing.assert_allclose(
        inverse_normal(x), stats.norm.ppf(np.array([2.5, 2.5, 0.5, 2.5]) / 4)
    )
    assert len(set(inverse_normal(x, ties="first"))) == 4
    # ranks 1.5 and 3.5 round to the even 2 and 4
    np.testing.assert_allclose(
        inverse_normal([1.0, 1.0, 2.0, 2.0], ties="half_even"),
        stats.norm.ppf(np.array([1.5, 1.5, 3.5, 3.5]) / 4),
    )


@pytest.mark.parametrize("ties", ["average", "min", "max", "first"])
def test_ranks_are_scipys(ties):
    x = np.random.default_rng(4).integers(0, 12, size=60).astype(float)
    method = {"first": "ordinal"}.get(ties, ties)
    expected = stats.norm.ppf((stats.rankdata(x, method=method) - 0.5) / 60)
    np.testing.assert_allclose(inverse_normal(x, ties=ties), expected, rtol=1e-12)


@pytest.mark.parametrize("ties", ["average", "min", "max", "first", "half_even"])
def test_rows_are_ranked_by_themselves(ties):
    x = np.random.default_rng(6).integers(0, 9, size=(5, 40)).astype(float)
    x[2] = 3.0
    x[3, ::3] = np.nan
    x[4] = np.nan
    found = inverse_normal(x, ties=ties)
    np.testing.assert_array_equal(found, [inverse_normal(row, ties=ties) for row in x])
    assert np.isnan(found[4]).all()
    there = ~np.isnan(x[3])
    np.testing.assert_array_equal(found[3, there], inverse_normal(x[3, there], ties=ties))
    assert inverse_normal([]).shape == (0,)


def test_infinite_values_are_refused():
    with pytest.raises(ValueError, match="infinite"):
        inverse_normal([1.0, np.inf])
