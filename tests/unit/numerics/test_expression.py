"""Variable genes and components: against pandas, scikit-learn and, where installed, scanpy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from varhouse.numerics.expression import dispersion_score, highly_variable, principal_components


def some_expression(seed: int, n_donors: int = 30, n_genes: int = 400) -> np.ndarray:
    """Return log-normalised expression with genes that nobody, or one donor, expresses."""
    rng = np.random.default_rng(seed)
    level = rng.lognormal(-1, 1.5, n_genes)
    expression = np.log1p(rng.gamma(2, level / 2, (n_donors, n_genes)))
    expression[:, :7] = 0
    expression[1:, 7] = 0
    expression[:, 8] = 3.0
    return expression


def slow_score(expression: np.ndarray) -> np.ndarray:
    """Standardise dispersions with pandas: cut into bins, group, subtract and divide."""
    linear = np.expm1(expression)
    mean = linear.mean(axis=0)
    variance = linear.var(axis=0, ddof=1)
    mean[mean == 0] = 1e-12
    dispersion = variance / mean
    dispersion[dispersion == 0] = np.nan
    table = pd.DataFrame({"mean": np.log1p(mean), "dispersion": np.log(dispersion)})
    table["bin"] = pd.cut(table["mean"], bins=20)
    score = np.full(mean.size, np.nan)
    for _, rows in table.groupby("bin", observed=True):
        known = rows["dispersion"].dropna()
        if known.size == 1:
            score[known.index] = 1.0
        elif known.size > 1:
            score[known.index] = (known - known.mean()) / known.std()
    return score


@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_those_of_pandas(seed: int) -> None:
    expression = some_expression(seed)
    linear = np.expm1(expression)
    score = dispersion_score(linear.mean(axis=0), linear.var(axis=0, ddof=1))
    wanted = slow_score(expression)
    # the constant gene has a variance of rounding errors only; its score says nothing
    for scores in (score, wanted):
        scores[8] = np.nan
    np.testing.assert_allclose(score, wanted, rtol=1e-9, atol=1e-9)
    assert np.isnan(score[:7]).all()


@pytest.mark.parametrize("seed", range(3))
def test_components_equal_those_of_scikit_learn(seed: int) -> None:
    expression = some_expression(seed)
    found = principal_components(expression, 10)
    peer = PCA(n_components=10, svd_solver="full")
    scores = peer.fit_transform(expression)
    np.testing.assert_allclose(found.variance, peer.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(found.scores, scores, atol=1e-9)


def test_the_sign_does_not_depend_on_the_order_of_donors() -> None:
    expression = some_expression(1)
    forward = principal_components(expression, 5).scores
    backward = principal_components(expression[::-1], 5).scores[::-1]
    np.testing.assert_allclose(forward, backward, atol=1e-9)


def test_scores_are_uncorrelated_and_centred() -> None:
    scores = principal_components(some_expression(2), 6).scores
    covariance = np.cov(scores.T)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-9)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-9)


def test_more_genes_than_scores_wanted_are_all_that_have_one() -> None:
    score = np.array([1.0, np.nan, 0.0])
    assert highly_variable(score, 10).tolist() == [True, False, True]
    assert not highly_variable(np.array([np.nan]), 1).any()
    assert not highly_variable(score, 0).any()


def test_genes_of_equal_means_share_a_bin() -> None:
    score = dispersion_score(np.array([2.0, 2.0]), np.array([1.0, 3.0]))
    np.testing.assert_allclose(score, [-np.sqrt(0.5), np.sqrt(0.5)])
    assert np.isnan(dispersion_score(np.array([2.0, 2.0]), np.array([3.0, 3.0]))).all()
    # the first bin holds its lower edge, too
    score = dispersion_score(np.array([2.0, 2.01, 9.0]), np.array([1.0, 3.0, 5.0]))
    np.testing.assert_allclose(score, [-np.sqrt(0.5), np.sqrt(0.5), 1.0])


def test_scanpy_chooses_the_same_genes_and_components() -> None:
    scanpy = pytest.importorskip("scanpy")
    anndata = pytest.importorskip("anndata")
    expression = some_expression(3)
    peer = anndata.AnnData(expression.copy())
    scanpy.pp.highly_variable_genes(peer, n_top_genes=100)
    scanpy.pp.pca(peer, n_comps=10)
    linear = np.expm1(expression)
    score = dispersion_score(linear.mean(axis=0), linear.var(axis=0, ddof=1))
    chosen = highly_variable(score, 100)
    assert chosen.tolist() == peer.var["highly_variable"].tolist()
    found = principal_components(expression[:, chosen], 10)
    np.testing.assert_allclose(found.scores, peer.obsm["X_pca"], atol=1e-4)
