"""Population structure from common variants: pruning, genetic relationship matrix, components.

Dosages are standardised by their expected variance, z = (g - 2p) / sqrt(2p(1 - p)), and the
relationship of two donors is the mean product of their z over variants (Yang et al. 2011, Am. J.
Hum. Genet. 88, 76-82, doi:10.1016/j.ajhg.2010.11.011, equation 1 off the diagonal, used on it too).
Components are its eigenvectors (Patterson, Price & Reich 2006, PLoS Genet. 2, e190,
doi:10.1371/journal.pgen.0020190).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


def standardise(dosages: Float) -> Float:
    """Return z-scores of dosages of shape (n, m); a missing call (NaN) is an average one.

    Raises
    ------
    ValueError
        A variant does not vary, or nobody has a call.
    """
    called = ~np.isnan(dosages)
    n_called = called.sum(axis=0)
    total = np.where(called, dosages, 0.0).sum(axis=0)
    frequency = total / (2.0 * np.maximum(n_called, 1))
    spread = np.sqrt(2.0 * frequency * (1.0 - frequency))
    if np.any(spread == 0):
        raise ValueError("a variant that does not vary has no z-scores")
    return np.where(called, (dosages - 2.0 * frequency) / spread, 0.0)


def prune(z: Float, positions: Int, *, max_r2: float, window_bp: int) -> Bool:
    """Choose variants of which no two near ones are correlated; the first of a group stays.

    Parameters
    ----------
    z
        Shape (n, m): z-scores of the variants of one chromosome, in order.
    positions
        Shape (m,), ascending.
    max_r2
        Squared correlation from which a later variant is left out.
    window_bp
        Variants further apart than this are not compared.

    Returns
    -------
    numpy.ndarray
        Shape (m,): whether a variant is kept.
    """
    kept = np.ones(positions.size, dtype=bool)
    sizes = np.sqrt(np.einsum("ij,ij->j", z, z))
    unit = z / np.where(sizes > 0, sizes, 1.0)
    ends = np.searchsorted(positions, positions + window_bp, side="right")
    for i in range(positions.size):
        if not kept[i]:
            continue
        later = i + 1 + np.flatnonzero(kept[i + 1 : ends[i]])
        if later.size:
            r2 = (unit[:, later].T @ unit[:, i]) ** 2
            kept[later[r2 >= max_r2]] = False
    return kept


def relationship(blocks_sum: Float, n_variants: int) -> Float:
    """Return the relationship matrix: the mean of z z' over variants.

    Parameters
    ----------
    blocks_sum
        Shape (n, n): the sum of z z', z a variant's standardised dosages.
    n_variants
        How many variants are in the sum.

    Raises
    ------
    ValueError
        No variants.
    """
    if n_variants == 0:
        raise ValueError("no variants to take relationships from")
    return blocks_sum / n_variants


def components(matrix: Float, n_components: int) -> tuple[Float, Float]:
    """Return the leading eigenvectors of a relationship matrix and the eigenvalues.

    Parameters
    ----------
    matrix
        Shape (n, n), symmetric.
    n_components
        How many, at most n.

    Returns
    -------
    vectors
        Shape (n, n_components), of length 1; the entry of largest size is positive.
    values
        Shape (n_components,), descending.
    """
    values, vectors = np.linalg.eigh(matrix)
    order = np.argsort(values)[::-1][:n_components]
    chosen = vectors[:, order]
    largest = np.argmax(np.abs(chosen), axis=0)
    signs = np.sign(chosen[largest, np.arange(chosen.shape[1])])
    return chosen * signs, values[order]
