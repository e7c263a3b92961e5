"""Population structure against plain loops."""

import numpy as np
import pytest

from varhouse.numerics.structure import components, prune, relationship, standardise


@pytest.fixture
def dosages():
    rng = np.random.default_rng(3)
    found = rng.binomial(2, rng.uniform(0.1, 0.5, size=30), size=(25, 30)).astype(float)
    found[:, 11] = found[:, 10]
    found[2, 4] = np.nan
    return found


def test_z_scores(dosages):
    z = standardise(dosages)
    for column, found in zip(dosages.T, z.T, strict=True):
        p = np.nanmean(column) / 2
        expected = (column - 2 * p) / np.sqrt(2 * p * (1 - p))
        np.testing.assert_allclose(found, np.where(np.isnan(column), 0, expected), atol=1e-12)
    with pytest.raises(ValueError, match="does not vary"):
        standardise(np.zeros((3, 1)))


def test_pruning_leaves_no_correlated_neighbours(dosages):
    z = standardise(dosages)
    positions = np.arange(30) * 100
    kept = prune(z, positions, max_r2=0.1, window_bp=500)
    expected = np.ones(30, dtype=bool)
    unit = z / np.linalg.norm(z, axis=0)
    for i in range(30):
        for j in range(i + 1, 30):
            near = positions[j] - positions[i] <= 500
            if expected[i] and expected[j] and near and (unit[:, i] @ unit[:, j]) ** 2 >= 0.1:
                expected[j] = False
    np.testing.assert_array_equal(kept, expected)
    assert not kept[11] or not kept[10]
    assert prune(z, positions, max_r2=1.1, window_bp=500).all()
    # r2 = 1/4, 100 bp apart: out at that r2 and that distance
    pair = np.column_stack([[2.0, 0, 0, 0], [1.0, 1, 1, 1]])
    at = np.array([100, 200])
    assert prune(pair, at, max_r2=0.25, window_bp=100).tolist() == [True, False]
    assert prune(pair, at, max_r2=0.25, window_bp=99).all()
    assert prune(pair, at, max_r2=0.2500001, window_bp=100).all()


def test_components_are_those_of_the_relationship_matrix(dosages):
    z = standardise(dosages)
    matrix = relationship(z @ z.T, z.shape[1])
    vectors, values = components(matrix, 3)
    np.testing.assert_allclose(matrix @ vectors, vectors * values, atol=1e-10)
    left, singular, _ = np.linalg.svd(z / np.sqrt(z.shape[1]), full_matrices=False)
    np.testing.assert_allclose(values, singular[:3] ** 2, rtol=1e-10)
    np.testing.assert_allclose(np.abs(vectors), np.abs(left[:, :3]), atol=1e-8)
    assert np.all(vectors[np.argmax(np.abs(vectors), axis=0), np.arange(3)] > 0)
    with pytest.raises(ValueError, match="no variants"):
        relationship(z @ z.T, 0)
