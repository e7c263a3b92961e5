"""Variant weights against scipy's density and written-out values."""

import numpy as np
import pytest
from scipy import stats

from varhouse.numerics.weights import beta_weight, tss_distance_weight


@pytest.mark.parametrize(("a", "b"), [(1, 25), (0.5, 0.5), (1, 1), (2.5, 300)])
def test_beta_weight_is_the_density(a, b):
    maf = np.array([1e-9, 1e-4, 0.01, 0.2, 0.5, 0.99])
    np.testing.assert_allclose(beta_weight(maf, a, b), stats.beta.pdf(maf, a, b), rtol=1e-10)


def test_beta_weight_at_the_edges():
    assert beta_weight(0.0) == pytest.approx(25.0)
    assert beta_weight(1.0) == 0.0
    assert np.isinf(beta_weight(0.0, 0.5, 0.5))
    wrong = beta_weight([np.nan, -0.1, 1.1, 0.1, 0.1], 1, [25, 25, 25, 0, np.inf])
    assert np.all(np.isnan(wrong))


def test_tss_distance_weight():
    np.testing.assert_allclose(
        tss_distance_weight([0, -100_000, 100_000]), [1.0, np.exp(-1), np.exp(-1)]
    )
    assert tss_distance_weight(10, decay_per_bp=0.1) == pytest.approx(np.exp(-1))
