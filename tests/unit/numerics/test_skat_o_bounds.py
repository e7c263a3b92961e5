"""SKAT-O of odd covariances: no warning, and p between its bounds.

The smallest of seven p-values T has T <= P(min <= T) <= 7 T.
"""

import numpy as np
import pytest

from varhouse.numerics.skat_o import RHO, SkatO

SHAPES = {
    "plain": lambda a, rng: a,
    "wide range": lambda a, rng: a * np.exp(3 * rng.normal(size=a.shape[1])),
    "one direction": lambda a, rng: a + 5 * rng.normal(size=(len(a), 1)),
    "twins": lambda a, rng: np.hstack([a[:, : a.shape[1] // 2]] * 2),
    "independent": lambda a, rng: np.diag(np.exp(rng.normal(size=a.shape[1]))),
    "burden cancels": lambda a, rng: a - a.mean(axis=1, keepdims=True),
    "burden nearly cancels": lambda a, rng: a - 0.999 * a.mean(axis=1, keepdims=True),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1e-3, 0.1, 1.0, 3.0, 30.0])
def test_bounds(shape, size):
    rng = np.random.default_rng(17)
    for m in (2, 4, 24):
        a = SHAPES[shape](rng.normal(size=(m + 3, m)), rng)
        covariance = a.T @ a * 1e5
        scores = a.T @ rng.normal(size=len(a)) * np.sqrt(1e5) * size
        found = SkatO(covariance).test(scores)
        least = found.each.min()
        assert least - 1e-9 <= found.log_p <= min(0.0, least + np.log(len(RHO))) + 1e-9
        assert found.error < 1e-6


def test_no_scores_at_all():
    found = SkatO(np.diag([3.0, 1.0, 1.0])).test(np.zeros(3))
    assert found.log_p == 0.0
