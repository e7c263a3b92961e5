"""Eigenvalues of symmetric matrices of which one triangle is there.

LAPACK's own driver works in blocks that are too wide for matrices of a few hundred rows and copies
its argument first; these call the reduction to tridiagonal form and the QL iteration themselves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import blas, lapack

Float = npt.NDArray[np.float64]

# columns reduced at once: 32, as LAPACK has it, pays from a thousand rows on
_BLOCK = 12


class Tridiagonal(NamedTuple):
    """A symmetric tridiagonal matrix: shape (m,) on its diagonal, (m - 1,) beside it."""

    diagonal: Float
    beside: Float


def tridiagonal(upper: Float, *, overwrite: bool = False) -> Tridiagonal:
    """Return a tridiagonal matrix that is orthogonally similar to a symmetric one.

    The first axis stays where it is: only the others are rotated.

    Parameters
    ----------
    upper
        Shape (m, m), m > 0; only the upper triangle is read.
    overwrite
        Whether the matrix may be destroyed, which saves a copy.
    """
    _, diagonal, beside, _, _ = lapack.dsytrd(
        upper.T, lower=1, lwork=_BLOCK * len(upper), overwrite_a=overwrite
    )
    return Tridiagonal(diagonal, beside)


def spectrum(matrix: Tridiagonal) -> Float:
    """Return the eigenvalues, ascending; NaN where the matrix is not finite.

    Raises
    ------
    numpy.linalg.LinAlgError
        The iteration did not converge.
    """
    if matrix.beside.size == 0:
        return matrix.diagonal
    values, info = lapack.dsterf(matrix.diagonal, matrix.beside)
    if info and np.all(np.isfinite(matrix.diagonal)):
        raise np.linalg.LinAlgError(f"{info} eigenvalues did not converge")
    return np.asarray(values)


def spectrum_along_first(matrix: Tridiagonal) -> tuple[Float, Float]:
    """Return the eigenvalues, ascending, and the square of each eigenvector's first entry.

    Raises
    ------
    numpy.linalg.LinAlgError
        The iteration did not converge.
    """
    if matrix.beside.size == 0:
        return matrix.diagonal, np.ones(1)
    values, vectors, info = lapack.dstevd(matrix.diagonal, matrix.beside, compute_v=1)
    if info:
        raise np.linalg.LinAlgError("the eigenvectors of a tridiagonal matrix did not converge")
    return np.asarray(values), np.asarray(vectors[0] ** 2)


def with_first_axis(upper: Float, axis: Float) -> Float:
    """Return a symmetric matrix mirrored so that its first axis is a given one.

    The mirror is that of Householder: H = I - 2 v v' takes ``axis`` to a multiple of the first unit
    vector, and the result is the upper triangle of H A H.

    Parameters
    ----------
    upper
        Shape (m, m): upper triangle of A.
    axis
        Shape (m,), not 0.
    """
    v = axis / np.linalg.norm(axis)
    v[0] += np.copysign(1.0, v[0])
    v /= np.linalg.norm(v)
    along = blas.dsymv(1.0, upper.T, v, lower=1)
    u = 2.0 * along - 2.0 * float(v @ along) * v
    return np.asarray(blas.dsyr2(-1.0, v, u, a=upper.T, lower=1).T)
