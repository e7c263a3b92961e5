"""SKAT-O of odd covariances: no warning, and p between its bounds; and of two variants, exactly.

The smallest of seven p-values T has T <= P(min <= T) <= 7 T.
"""

import numpy as np
import pytest
from scipy import optimize

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
        assert least - 1e-9 <= found.log_p <= least + np.log(len(RHO)) + 1e-9
        # not even by rounding
        assert found.log_p <= 0.0
        assert found.each.max() <= 0.0
        assert found.skat_error <= found.error < 1e-6


def by_directions(scores, covariance):
    """Return SKAT-O's p-value of two variants as a mean over directions.

    A normal score goes r in a direction in which Q_rho is r^2 f_rho, and P(R > r) = exp(-r^2 / 2).
    """
    angles = (np.arange(200_001) + 0.5) * np.pi / 200_001
    at = np.linalg.cholesky(covariance) @ np.stack([np.cos(angles), np.sin(angles)])
    rho = np.array(RHO)
    form, observed = (
        np.multiply.outer(1 - rho, (s**2).sum(axis=0)) + np.multiply.outer(rho, s.sum(axis=0) ** 2)
        for s in (at, scores)
    )

    def tail(q, f):
        return np.mean(np.exp(-0.5 * q / f))

    least = min(tail(q, f) for q, f in zip(observed, form, strict=True))
    logs = [
        optimize.brentq(lambda log_q, f=f: tail(np.exp(log_q), f) - least, -60, 10, xtol=1e-13)
        for f in form
    ]
    radius2 = np.min(np.exp(logs)[:, None] / form, axis=0)
    return np.mean(np.exp(-0.5 * radius2))


@pytest.mark.parametrize("correlation", [0.5, -0.9, -0.999])
@pytest.mark.parametrize("size", [1e-3, 0.1, 3.0])
def test_two_variants(correlation, size):
    covariance = np.array([[1.0, correlation], [correlation, 1.0]])
    scores = size * np.array([1.0, -0.5])
    found = SkatO(covariance).test(scores)
    assert np.exp(found.log_p) == pytest.approx(by_directions(scores, covariance), rel=1e-7, abs=0)


def test_no_scores_at_all():
    found = SkatO(np.diag([3.0, 1.0, 1.0])).test(np.zeros(3))
    assert found.log_p == 0.0
