"""The distinct genotype columns of a block of variant sets, with what variance tests need of them.

Rare variants in linkage are often carried by the same donors: columns that are equal in every donor
are taken as one, once for all sets of the block.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import blas

from varhouse.numerics.burden import without_rounding
from varhouse.numerics.genotype_matrix import GenotypeMatrix
from varhouse.numerics.null_model import LinearNull

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Place = npt.NDArray[np.int32]

# a pair of entries of one donor costs what so many cells of a dense product cost
_CELLS_A_PAIR = 1000
_PAIRS_AT_ONCE = 1 << 20
_CELLS_AT_ONCE = 1 << 24
# sums of products of 0, 1 and 2 are exact in float32 up to 2^24, and twice as fast as in float64
_EXACT_DONORS = (1 << 22) - 1


class DistinctColumns:
    """Distinct columns of a block, in the order of their first variants.

    Attributes
    ----------
    number
        Shape (M,): the column of each variant.
    squares, left
        Shape (d,): squared length of each column, and that of what covariates leave of it.
    scores, projections
        Shapes (d, t) and (d, k): G'R and G'Q.
    """

    def __init__(self, genotypes: GenotypeMatrix, null: LinearNull) -> None:
        first, self.number = _first_and_number(genotypes.matrix)
        matrix = genotypes.matrix[:, first]
        by_donor = matrix.tocsr()
        self.n_donors = int(matrix.shape[0])
        self._column = by_donor.indices.astype(np.int32)
        self._donor = np.repeat(np.arange(self.n_donors), np.diff(by_donor.indptr))
        self._dosage = by_donor.data
        self._is_whole = bool(np.all(self._dosage == np.rint(self._dosage)))
        self.squares = np.bincount(self._column, self._dosage**2, minlength=first.size)
        self.scores = without_rounding(matrix.T @ null.residuals, self.squares[:, None], null.rss)
        self.projections = np.asarray(matrix.T @ null.basis)
        self.left = self.squares - np.einsum("ij,ij->i", self.projections, self.projections)

    def gram(self, chosen: Int, factors: Float) -> Float:
        """Return the upper triangle of the products of some columns, each times its factor.

        Parameters
        ----------
        chosen
            Shape (m,): columns, ascending.
        factors
            Shape (m,).

        Returns
        -------
        numpy.ndarray
            Shape (m, m): what is below the diagonal is left open.
        """
        row, donor, dosage = self._entries(chosen)
        m, n = chosen.size, self.n_donors
        counts = np.bincount(donor, minlength=n)
        ends = np.cumsum(counts)
        # entries of the same donor from each one on
        partners = ends[donor] - np.arange(donor.size)
        n_pairs = int(partners.sum())
        if _CELLS_A_PAIR * n_pairs < m * m * n:
            values = dosage * factors[row]
            at_once = max(_PAIRS_AT_ONCE, m * m)
            if n_pairs <= at_once:
                return _products(row, values, partners, slice(0, row.size), m).reshape(m, m)
            found = np.zeros(m * m)
            for part in _slices(partners, at_once):
                found += _products(row, values, partners, part, m)
            return found.reshape(m, m)
        products = self._dense_products(row, donor, dosage, m)
        products *= factors
        products *= factors[:, None]
        return products

    def _dense_products(self, row: Place, donor: Int, dosage: Float, m: int) -> Float:
        """Sum the products of all entries of rows, some donors at a time."""
        products = np.zeros((m, m))
        step = min(_CELLS_AT_ONCE // m, _EXACT_DONORS)
        for first in range(0, self.n_donors, step):
            here = slice(*np.searchsorted(donor, [first, first + step]))
            shape = (m, min(step, self.n_donors - first))
            dense = np.zeros(shape, np.float32 if self._is_whole else np.float64)
            dense[row[here], donor[here] - first] = dosage[here]
            products += dense @ dense.T
        return products

    def covariance(self, chosen: Int, factors: Float) -> Float:
        """Return the same as `gram` without what covariates explain: under the null, of scores."""
        projections = self.projections[chosen] * factors[:, None]
        found = blas.dsyrk(
            -1.0, projections.T, trans=1, beta=1.0, c=self.gram(chosen, factors).T, lower=1,
            overwrite_c=1,
        )  # fmt: skip
        return np.asarray(found.T)

    def dense(self, chosen: Int) -> Float:
        """Return some columns, in ascending order, as rows: shape (m, n)."""
        row, donor, dosage = self._entries(chosen)
        dense = np.zeros((chosen.size, self.n_donors))
        dense[row, donor] = dosage
        return dense

    def _entries(self, chosen: Int) -> tuple[Place, Int, Float]:
        """Return the row in ``chosen``, the donor and the dosage of entries, donor by donor."""
        place = np.full(self.squares.size, -1, dtype=np.int32)
        place[chosen] = np.arange(chosen.size, dtype=np.int32)
        row = place[self._column]
        inside = np.flatnonzero(row >= 0)
        return row[inside], self._donor[inside], self._dosage[inside]


def _slices(partners: Int, size: int) -> list[slice]:
    """Cut entries into stretches of about so many pairs."""
    last = np.cumsum(partners)
    cuts = np.searchsorted(last, np.arange(size, last[-1], size))
    edges = np.unique(np.concatenate([[0], cuts, [partners.size]]))
    return [slice(int(low), int(high)) for low, high in pairwise(edges)]


def _products(row: Place, values: Float, partners: Int, part: slice, m: int) -> Float:
    """Sum the products of each entry of a stretch with its partners, by their rows.

    The entries of a donor are in the order of their rows, so that all of it is the upper triangle.
    """
    counts = partners[part]
    here = np.arange(part.start, part.stop)
    # short indices: reading them is most of the work
    one = np.repeat(np.arange(counts.size, dtype=np.int32), counts)
    shift = (here - (np.cumsum(counts) - counts)).astype(np.int32)
    other = np.arange(one.size, dtype=np.int32) + shift[one]
    place = (row[part] * np.int64(m))[one] + row[other]
    return np.asarray(
        np.bincount(place, values[part][one] * values[other], minlength=m * m), dtype=np.float64
    )


def _first_and_number(matrix: sparse.csc_array) -> tuple[Int, Int]:
    """Return where each distinct column is first, ascending, and the number of every column.

    Columns are compared by 128 bits of two random sums over their entries.
    """
    keys = np.random.default_rng(0).integers(2**63, size=(2, matrix.shape[0]), dtype=np.uint64)
    values = matrix.data.view(np.uint64) | np.uint64(1)
    ends = np.zeros((2, values.size + 1), np.uint64)
    for key, end in zip(keys | np.uint64(1), ends, strict=True):
        np.cumsum(key[matrix.indices] * values, out=end[1:])
    sums = ends[:, matrix.indptr[1:]] - ends[:, matrix.indptr[:-1]]
    # equal columns stay in their order
    order = np.lexsort(sums)
    is_new = np.append(np.any(np.diff(sums[:, order], axis=1) != 0, axis=0), True)
    is_new = np.concatenate([[True], is_new[:-1]])[: order.size]
    first = order[is_new]
    rank = np.argsort(np.argsort(first))
    number = np.empty(order.size, dtype=np.int64)
    number[order] = rank[np.cumsum(is_new) - 1]
    return np.sort(first), number
