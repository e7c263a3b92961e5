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


class SetColumns:
    """Genotypes, scores G'R and projections G'Q of the variants of a set."""

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
        self.columns = genotypes.matrix[:, variants]
        self.scores = scores[variants]
        self.projections = projections[variants]
        self.twins = twins[variants]

    def n_carriers(self, used: Bool) -> int:
        """Count the donors that carry one of the used variants."""
        columns = self.columns if used.all() else self.columns[:, used]
        carries = np.zeros(columns.shape[0], dtype=bool)
        carries[columns.indices[columns.data >= _CARRIES]] = True
        return int(carries.sum())

    def largest(self, weights: Float, used: Bool) -> Float:
        """Return each donor's largest weighted dosage over the used variants, zeros included."""
        by_donor = self.columns[:, used].tocsr()
        values = by_donor.data * weights[used][by_donor.indices]
        counts = np.diff(by_donor.indptr)
        largest = np.where(counts < by_donor.shape[1], 0.0, -np.inf)
        filled = np.flatnonzero(counts)
        if filled.size:
            tops = np.maximum.reduceat(values, by_donor.indptr[filled])
            largest[filled] = np.maximum(largest[filled], tops)
        return np.where(np.isfinite(largest), largest, 0.0)


def number_columns(matrix: sparse.csc_array) -> Int:
    """Number the distinct columns; equal columns have one number. Shape (M,).

    Columns are compared by 128 bits of two random sums over their entries.
    """
    keys = np.random.default_rng(0).integers(2**63, size=(2, matrix.shape[0]), dtype=np.uint64)
    values = matrix.data.view(np.uint64) | np.uint64(1)
    ends = np.concatenate([np.zeros((2, 1), np.uint64), np.empty((2, values.size), np.uint64)], 1)
    np.cumsum((keys[:, matrix.indices] | np.uint64(1)) * values, axis=1, out=ends[:, 1:])
    sums = ends[:, matrix.indptr[1:]] - ends[:, matrix.indptr[:-1]]
    _, place = np.unique(sums, axis=1, return_inverse=True)
    return np.asarray(place, dtype=np.int64).reshape(-1)
