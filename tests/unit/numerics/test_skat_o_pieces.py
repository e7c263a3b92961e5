"""SKAT-O given the burden score, where what the burden leaves is one exponential variable.

With scores of variances 1, 4 and 4, of which the first is the burden, S'S is x^2 plus 4 times a
chi-square of 2 degrees of freedom: P(S'S > q | x) = exp(-(q - x^2) / 8).
"""

import numpy as np
import pytest
from scipy import stats

from varhouse.numerics.skat_o_laws import Kernel
from varhouse.numerics.skat_o_pieces import Pieces, Slices

KERNEL = Kernel(np.diag([1.0, 4.0, 4.0]), np.array([1.0, 0.0, 0.0]))
TRACE = 9.0


def test_slices():
    x = np.array([0.0, 0.1, 1.0, 2.0, 2.0, 2.0, 5.0])
    q = np.array([1e-3, 300.0, 9.0, 4.01, 4.0, 3.0, 40.0])
    log_p, error = Slices(KERNEL, q / TRACE, x).log_sf()
    np.testing.assert_allclose(log_p, np.minimum(-(q - x**2) / 8, 0), rtol=1e-9, atol=1e-13)
    assert np.all(error < 1e-9)


@pytest.mark.parametrize("q", [12.0, 60.0, 900.0])
@pytest.mark.parametrize(
    "ends", [[(0.0, 1.5)], [(0.4, 0.4001)], [(0.0, 0.02), (0.02, 1.0), (1.0, 1.7)]]
)
def test_pieces(q, ends):
    low, high = np.array(ends).T
    theta = 1.0 + 0.1 * np.arange(len(low))
    thresholds = q + 0.01 * np.arange(len(low))
    # exp((1 + theta) x^2 / 8) leaves a normal density of another width
    width = np.sqrt(1 - (1 + theta) / 4)
    share = 2 * np.diff(stats.norm.cdf(np.stack([low, high]) * width), axis=0)[0] / width
    expected = np.log(np.sum(np.exp((q - thresholds) / 8) * share)) - q / 8
    log_p, error = Pieces(KERNEL, thresholds / TRACE, theta / TRACE, low, high).log_p()
    # where the error is larger, slices are taken
    assert error < 1e-6
    assert log_p == pytest.approx(expected, rel=0, abs=max(2 * error, 1e-10))
