"""The laws of SKAT-O's grid on one path, against each as a mixture of chi-squares."""

import numpy as np
import pytest

from varhouse.numerics import skat_o_laws
from varhouse.numerics.mixture import mixture_log_sf
from varhouse.numerics.skat_o import RHO
from varhouse.numerics.skat_o_common import CommonPath
from varhouse.numerics.skat_o_laws import Grid, Kernel

GRID = np.array(RHO[:-1])


@pytest.fixture(scope="module", params=[1.0, 3.0])
def law(request):
    """Return a grid and, by rho, the eigenvalues of its law."""
    rng = np.random.default_rng(8)
    factor = rng.normal(size=(30, 12)) * rng.uniform(0.1, request.param, size=12)
    covariance = factor.T @ factor
    spectra = [
        np.linalg.eigvalsh((1 - rho) * covariance + rho * _on_burden(covariance)) / (1 - rho)
        for rho in GRID
    ]
    trace = np.trace(covariance)
    return Grid(Kernel(covariance, np.ones(12)), GRID), np.array(spectra) / trace


def _on_burden(covariance):
    """Return a matrix with the eigenvalues that 1 1' has between scores of that covariance.

    (1 - rho) I + rho 1 1' and the covariance C have a product with the eigenvalues of
    (1 - rho) C + rho C^(1/2) 1 1' C^(1/2).
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    along = root.sum(axis=1)
    return np.outer(along, along)


@pytest.mark.parametrize("share", [0.0, 1e-3, 0.2, 0.9, 1.0, 1.5, 3.0, 20.0])
def test_tails_are_those_of_mixtures(law, share):
    grid, spectra = law
    q = share * spectra.sum(axis=1)
    found, error = CommonPath(grid, q).log_tails()
    expected, _ = mixture_log_sf(q, spectra)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert np.all(error < 1e-9)


@pytest.mark.parametrize("share", [0.5, 1.5, 6.0])
@pytest.mark.parametrize("p", [0.97, 0.5, 0.03, 2e-3, 1e-9, 1e-40])
def test_quantiles_have_the_tail_that_was_asked_for(law, share, p):
    grid, spectra = law
    found = CommonPath(grid, share * spectra.sum(axis=1)).isf(float(np.log(p)))
    log_p, _ = mixture_log_sf(found, spectra)
    np.testing.assert_allclose(np.expm1(log_p - np.log(p)), 0.0, atol=1e-7)


@pytest.mark.parametrize("q", [-1.0, 0.0, 1e-4, 0.3, 1.0, 4.0, 30.0])
def test_both_tails(law, q):
    grid, spectra = law
    upper, lower, error = grid.log_tails(np.full(GRID.size, q))
    expected, _ = mixture_log_sf(np.full(GRID.size, q), spectra)
    np.testing.assert_allclose(upper, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.exp(upper) + np.exp(lower), 1.0, rtol=1e-12)
    assert np.all(np.isneginf(lower) == (q <= 0))
    assert np.all(error < 1e-9)


@pytest.mark.parametrize("max_paths", [skat_o_laws._MAX_PATHS, 0])
@pytest.mark.parametrize("p", [0.999, 0.97, 0.7, 0.5, 0.4, 0.03, 1e-9])
def test_quantiles_of_a_path_of_ones_own_and_of_the_last_resort(law, p, max_paths, monkeypatch):
    grid, spectra = law
    monkeypatch.setattr(skat_o_laws, "_MAX_PATHS", max_paths)
    log_p, _ = mixture_log_sf(grid.isf(float(np.log(p))), spectra)
    np.testing.assert_allclose(np.expm1(log_p - np.log(p)), 0.0, atol=1e-8)
