"""Genotypes made ready for tests, against a loop over a dense table."""

import numpy as np
import pytest

from varhouse.numerics.genotype_matrix import genotype_matrix


def entries(dense):
    """Return (variant, donor, dosage) of what is not 0."""
    donor, variant = np.nonzero(np.isnan(dense) | (dense != 0))
    return variant, donor, dense[donor, variant]


def slow_matrix(dense, fold, missing_calls):
    """One variant after the other, written out."""
    columns, frequencies, carriers, flips = [], [], [], []
    for column in dense.T:
        called = column[~np.isnan(column)]
        frequency = called.mean() / 2 if called.size else 0.0
        flip = fold and frequency > 0.5
        counted = 2 - column if flip else column
        frequency = 1 - frequency if flip else frequency
        filled = 2 * frequency if missing_calls == "mean" else 0.0
        columns.append(np.where(np.isnan(counted), filled, counted))
        frequencies.append(frequency)
        carriers.append(np.sum(counted[~np.isnan(counted)] > 0))
        flips.append(flip)
    return np.array(columns).T, frequencies, carriers, flips


@pytest.fixture
def dense():
    rng = np.random.default_rng(2)
    table = rng.binomial(2, [0.02, 0.3, 0.5, 0.8, 0.99, 0.4, 0.0, 1.0], size=(40, 8)).astype(float)
    table[rng.random(table.shape) < 0.1] = np.nan
    table[:, 5] = rng.uniform(0, 2, size=40)  # imputed dosages
    half = np.tile([0.0, 2.0, 1.0, 1.0], 10)  # neither allele is the minor one
    return np.column_stack([table, np.full(40, np.nan), np.zeros(40), half])


@pytest.mark.parametrize("missing_calls", ["mean", "zero"])
@pytest.mark.parametrize("fold", [True, False])
def test_twin(dense, fold, missing_calls):
    variant, donor, dosage = entries(dense)
    order = np.random.default_rng(3).permutation(variant.size)
    found = genotype_matrix(
        variant[order], donor[order], dosage[order],
        n_variants=dense.shape[1], n_donors=dense.shape[0], fold=fold,
        missing_calls=missing_calls,
    )  # fmt: skip
    matrix, frequencies, carriers, flips = slow_matrix(dense, fold, missing_calls)
    np.testing.assert_allclose(found.matrix.toarray(), matrix, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(found.frequency, frequencies, rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(found.n_missing, np.isnan(dense).sum(axis=0))
    np.testing.assert_array_equal(found.n_carriers, carriers)
    np.testing.assert_array_equal(found.is_flipped, flips)
    varies = [len(set(column[~np.isnan(column)])) > 1 for column in dense.T]
    np.testing.assert_array_equal(found.varies, varies)
    assert np.all(found.matrix.data != 0)


def test_donors_left_out_count_nowhere(dense):
    variant, donor, dosage = entries(dense)
    kept = np.arange(dense.shape[0]) % 3 != 0
    place = np.where(kept, np.cumsum(kept) - 1, -1)
    without = genotype_matrix(
        variant, place[donor], dosage, n_variants=dense.shape[1], n_donors=int(kept.sum())
    )
    matrix, frequencies, *_ = slow_matrix(dense[kept], True, "mean")
    np.testing.assert_allclose(without.matrix.toarray(), matrix, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(without.frequency, frequencies, rtol=1e-14, atol=1e-15)


def test_no_variants():
    found = genotype_matrix([], [], [], n_variants=0, n_donors=3)
    assert found.matrix.shape == (3, 0)
    assert found.varies.shape == (0,)
