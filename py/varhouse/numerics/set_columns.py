"""The columns of one variant set, cut out of what its region has computed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from varhouse.numerics.genotype_matrix import GenotypeMatrix
from varhouse.numerics.null_model import LinearNull

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

_CARRIES = 0.5
# a pair of entries of one donor costs a sparse product what so many cells cost a dense one
_CELLS_A_PAIR = 500


class SetColumns:
    """Genotypes, scores G'R and projections G'Q of the variants of a set.

    Attributes
    ----------
    column, donor, dosage
        Shape (z,): the stored genotypes, ``column`` a place in ``variants``.
    """

    def __init__(
        self,
        genotypes: GenotypeMatrix,
        variants: Int,
        weights: Float,
        scores: Float,
        projections: Float,
        null: LinearNull,
        twins: Int,
    ) -> None:
        self.genotypes, self.variants, self.weights, self.null = genotypes, variants, weights, null
        self.scores = scores[variants]
        self.projections = projections[variants]
        self.twins = twins[variants]
        matrix = genotypes.matrix
        starts = matrix.indptr[variants].astype(np.int64)
        sizes = matrix.indptr[variants + 1] - starts
        ends = np.cumsum(sizes)
        place = np.arange(ends[-1] if ends.size else 0)
        place += np.repeat(starts - (ends - sizes), sizes)
        self.column = np.repeat(np.arange(variants.size), sizes)
        self.donor = matrix.indices[place].astype(np.int64)
        self.dosage = matrix.data[place]

    @property
    def n_donors(self) -> int:
        """Donors of the design, carriers or not."""
        return int(self.genotypes.matrix.shape[0])

    def n_carriers(self, used: Bool) -> int:
        """Count the donors that carry one of the used variants."""
        carries = np.zeros(self.n_donors, dtype=bool)
        carries[self.donor[(self.dosage >= _CARRIES) & used[self.column]]] = True
        return int(np.count_nonzero(carries))

    def sums(self, weights: Float) -> Float:
        """Return each donor's weighted dosages, summed; shapes (m, a) and (n, a)."""
        found = np.empty((self.n_donors, weights.shape[1]))
        for a, weight in enumerate(weights.T):
            values = self.dosage * weight[self.column]
            found[:, a] = np.bincount(self.donor, weights=values, minlength=self.n_donors)
        return found

    def largest(self, weights: Float, used: Bool) -> Float:
        """Return each donor's largest weighted dosage over the used variants, zeros included."""
        chosen = used[self.column]
        donor = self.donor[chosen]
        counts = np.bincount(donor, minlength=self.n_donors)
        largest = np.where(counts < np.count_nonzero(used), 0.0, -np.inf)
        np.maximum.at(largest, donor, (self.dosage * weights[self.column])[chosen])
        return np.where(np.isfinite(largest), largest, 0.0)

    def dense(self, chosen: Int) -> Float:
        """Return some columns, in ascending order, as rows: shape (m', n)."""
        row, donor, dosage = self._entries(chosen)
        dense = np.zeros((chosen.size, self.n_donors))
        dense[row, donor] = dosage
        return dense

    def gram(self, chosen: Int) -> Float:
        """Return the products of some columns, in ascending order: shape (m', m')."""
        row, donor, dosage = self._entries(chosen)
        m, n = chosen.size, self.n_donors
        shared = np.bincount(donor, minlength=n)
        if _CELLS_A_PAIR * int(shared @ shared) < m * m * n:
            starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=m))])
            columns = sparse.csr_array((dosage, donor, starts), shape=(m, n))
            return np.asarray((columns @ columns.T).toarray())
        # sums of products of whole numbers are exact in float32 up to 2^24, at twice the speed
        whole = n * 4 < 2**24 and bool(np.all(dosage == np.rint(dosage)))
        dense = np.zeros((m, n), np.float32 if whole else np.float64)
        dense[row, donor] = dosage
        return np.asarray(dense @ dense.T, dtype=np.float64)

    def _entries(self, chosen: Int) -> tuple[Int, Int, Float]:
        """Return the row in ``chosen``, the donor and the dosage of its columns' entries."""
        rows = np.full(self.variants.size, -1)
        rows[chosen] = np.arange(chosen.size)
        row = rows[self.column]
        inside = row >= 0
        return row[inside], self.donor[inside], self.dosage[inside]


def number_columns(matrix: sparse.csc_array) -> Int:
    """Number the distinct columns; equal columns have one number. Shape (M,).

    Columns are compared by 128 bits of two random sums over their entries.
    """
    keys = np.random.default_rng(0).integers(2**63, size=(2, matrix.shape[0]), dtype=np.uint64)
    values = matrix.data.view(np.uint64) | np.uint64(1)
    ends = np.zeros((2, values.size + 1), np.uint64)
    for key, end in zip(keys | np.uint64(1), ends, strict=True):
        np.cumsum(key[matrix.indices] * values, out=end[1:])
    sums = ends[:, matrix.indptr[1:]] - ends[:, matrix.indptr[:-1]]
    order = np.lexsort(sums)
    changes = np.any(np.diff(sums[:, order], axis=1) != 0, axis=0)
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.concatenate([np.zeros(min(order.size, 1), int), np.cumsum(changes)])
    return place
