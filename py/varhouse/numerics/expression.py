"""Which genes vary most between donors, and the principal components of their expression."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_N_BINS = 20
# What a mean of zero is replaced by, so that it can be divided by.
_TINY_MEAN = 1e-12


class Components(NamedTuple):
    """Principal components of a matrix of donors by genes.

    Attributes
    ----------
    scores
        Shape (n_donors, n_components).
    variance
        Shape (n_components,): of the scores, the largest first.
    """

    scores: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]


def dispersion_score(
    mean: npt.NDArray[np.float64], variance: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Compare each gene's dispersion with that of genes of similar mean [1]_.

    The log of variance / mean is standardised within twenty bins of log(1 + mean), of equal width,
    as ``scanpy.pp.highly_variable_genes`` does by default.

    Parameters
    ----------
    mean, variance
        Shape (n_genes,): over donors, of expression that is not on a log scale; the variance with
        n - 1 in its denominator.

    Returns
    -------
    numpy.ndarray
        Shape (n_genes,): standard deviations above the bin's mean; 1 where a gene has its bin for
        itself; NaN for a gene without variance.

    References
    ----------
    .. [1] Satija et al. (2015), Nat. Biotechnol. 33:495, doi:10.1038/nbt.3192.

    Examples
    --------
    >>> dispersion_score(np.array([1.0, 1.0, 1.0, 9.0]), np.array([1.0, 2.0, 4.0, 3.0]))
    array([-1.,  0.,  1.,  1.])
    """
    if mean.size == 0:
        return np.empty(0)
    raised = np.where(mean == 0, _TINY_MEAN, mean)
    dispersion = variance / raised
    varies = dispersion > 0
    log_dispersion = np.log(dispersion, out=np.full_like(dispersion, np.nan), where=varies)
    bins = _equal_width_bins(np.log1p(raised))
    score = np.full(mean.shape, np.nan)
    for number in np.unique(bins[varies]):
        inside = (bins == number) & varies
        values = log_dispersion[inside]
        if values.size == 1:
            score[inside] = 1.0
            continue
        spread = values.std(ddof=1)
        if spread > 0:
            score[inside] = (values - values.mean()) / spread
    return score


def _equal_width_bins(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Cut a range into twenty parts, each open on its left, the first one a little wider."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.zeros(values.shape, dtype=np.int64)
    edges = np.linspace(low, high, _N_BINS + 1)
    return np.maximum(np.searchsorted(edges, values, side="left") - 1, 0)


def highly_variable(score: npt.NDArray[np.float64], n_top: int) -> npt.NDArray[np.bool_]:
    """Return which genes have one of the ``n_top`` highest scores; ties with the last included.

    Parameters
    ----------
    score
        Shape (n_genes,); genes without a score (NaN) are never chosen.
    n_top
        How many genes to choose.

    Returns
    -------
    ndarray of bool
        Shape (n_genes,).

    Examples
    --------
    >>> highly_variable(np.array([0.5, np.nan, 2.0, 0.5, -1.0]), 2)
    array([ True, False,  True,  True, False])
    """
    scored = np.sort(score[~np.isnan(score)])[::-1]
    if scored.size == 0 or n_top < 1:
        return np.zeros(score.shape, dtype=bool)
    chosen: npt.NDArray[np.bool_] = score >= scored[min(n_top, scored.size) - 1]
    return chosen


def principal_components(expression: npt.NDArray[np.float64], n_components: int) -> Components:
    """Return the first principal components, their signs settled by the loadings.

    The gene of the largest absolute loading has a positive one. No scaling: genes are centred only.

    Parameters
    ----------
    expression
        Shape (n_donors, n_genes).
    n_components
        At most one less than there are donors, and no more than genes.

    Returns
    -------
    Components
        Scores of the donors, and the variance that each component has.
    """
    centred = expression - expression.mean(axis=0)
    left, size, loadings = np.linalg.svd(centred, full_matrices=False)
    largest = np.argmax(np.abs(loadings), axis=1)
    signs = np.where(loadings[np.arange(size.size), largest] < 0, -1.0, 1.0)
    scores = left * (size * signs)
    n_donors = expression.shape[0]
    return Components(scores[:, :n_components], size[:n_components] ** 2 / (n_donors - 1))
