"""Reductions of symmetric matrices against numpy's eigendecomposition."""

import numpy as np
import pytest

from varhouse.numerics.tridiagonal import (
    spectrum,
    spectrum_along_first,
    tridiagonal,
    with_first_axis,
)


def symmetric(m, rank):
    factor = np.random.default_rng(m).normal(size=(m, rank))
    return factor @ factor.T


@pytest.mark.parametrize(("m", "rank"), [(1, 1), (2, 1), (3, 3), (40, 25), (90, 90)])
def test_eigenvalues_are_those_of_the_matrix(m, rank):
    matrix = symmetric(m, rank)
    expected = np.linalg.eigvalsh(matrix)
    upper = np.triu(matrix)
    given = upper.copy()
    found = tridiagonal(upper)
    np.testing.assert_array_equal(upper, given)
    np.testing.assert_allclose(spectrum(found), expected, atol=1e-13 * expected[-1] * m)
    in_place = tridiagonal(upper, overwrite=True)
    np.testing.assert_array_equal(in_place.diagonal, found.diagonal)


@pytest.mark.parametrize("m", [1, 2, 7, 60])
def test_the_first_axis_keeps_its_share_of_every_eigenvector(m):
    matrix = symmetric(m, m)
    axis = np.random.default_rng(3).normal(size=m)
    values, shares = spectrum_along_first(tridiagonal(with_first_axis(np.triu(matrix), axis)))
    expected, vectors = np.linalg.eigh(matrix)
    np.testing.assert_allclose(values, expected, atol=1e-13 * expected[-1] * m)
    along = (vectors.T @ axis) ** 2 / (axis @ axis)
    np.testing.assert_allclose(shares, along, atol=1e-11)


def test_a_matrix_that_is_not_finite_has_no_eigenvalues():
    matrix = np.eye(3)
    matrix[0, 2] = np.nan
    assert np.isnan(spectrum(tridiagonal(matrix))).all()
