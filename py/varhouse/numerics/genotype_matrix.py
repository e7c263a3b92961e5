"""Sparse genotypes made ready for tests: minor alleles counted, missing calls imputed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Missing = Literal["mean", "zero"]


@dataclass(frozen=True)
class GenotypeMatrix:
    """Dosages of the tested allele of M variants in n donors.

    Attributes
    ----------
    matrix
        Shape (n, M), columns sorted by donor, no stored zeros; missing calls are imputed.
    frequency
        Shape (M,): frequency of the tested allele among the called donors.
    n_missing
        Shape (M,): donors without a call.
    imputed
        Shape (M,): the dosage that they have in ``matrix``.
    n_carriers
        Shape (M,): donors with a copy of the tested allele among those called.
    is_flipped
        Shape (M,): whether the tested allele is the reference.
    """

    matrix: sparse.csc_array
    frequency: Float
    n_missing: Int
    imputed: Float
    n_carriers: Int
    is_flipped: npt.NDArray[np.bool_]

    @property
    def varies(self) -> npt.NDArray[np.bool_]:
        """Whether a variant differs between donors, shape (M,); imputed donors do not count."""
        n = self.matrix.shape[0] - self.n_missing
        total = self.frequency * 2.0 * n
        column = np.repeat(np.arange(n.size), np.diff(self.matrix.indptr))
        every = np.bincount(column, self.matrix.data**2, minlength=n.size)
        squares = np.asarray(every - self.n_missing * self.imputed**2, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((n > 0) & (squares * n - total**2 > 1e-9 * squares * n))

    def select(self, variants: Int) -> GenotypeMatrix:
        """Return some of the variants, in the order given."""
        return GenotypeMatrix(
            self.matrix[:, variants],
            self.frequency[variants],
            self.n_missing[variants],
            self.imputed[variants],
            self.n_carriers[variants],
            self.is_flipped[variants],
        )


def genotype_matrix(
    variant: npt.ArrayLike,
    donor: npt.ArrayLike,
    dosage: npt.ArrayLike,
    *,
    n_variants: int,
    n_donors: int,
    fold: bool = True,
    missing_calls: Missing = "mean",
) -> GenotypeMatrix:
    """Build the matrix from sparse entries; what has no entry is a dosage of 0.

    Parameters
    ----------
    variant, donor
        Shape (z,): places of the entries; an entry of donor -1 is left out.
    dosage
        Shape (z,): of the alternative allele, NaN for a missing call.
    fold
        Count the minor allele (of frequency at most 1/2) instead of the alternative one.
    missing_calls
        What a missing call is taken for: the ``mean`` of the variant's called donors, or ``zero``
        copies of the counted allele.
    """
    column = np.asarray(variant, dtype=np.int64)
    row = np.asarray(donor, dtype=np.int64)
    value = np.asarray(dosage, dtype=np.float64)
    inside = row >= 0
    if not inside.all():
        column, row, value = column[inside], row[inside], value[inside]
    place = column * n_donors + row
    if np.any(place[1:] <= place[:-1]):
        order = np.argsort(place, kind="stable")
        column, row, value = column[order], row[order], value[order]
    missing = np.isnan(value)
    n_missing = np.bincount(column[missing], minlength=n_variants)
    known = np.where(missing, 0.0, value) if missing.any() else value
    copies = np.bincount(column, weights=known, minlength=n_variants)
    n_called = n_donors - n_missing
    with np.errstate(divide="ignore", invalid="ignore"):
        frequency = np.where(n_called > 0, copies / (2.0 * n_called), 0.0)
    flipped = (frequency > 0.5) & fold
    # in copies of the alternative allele, which is counted but in flipped columns
    imputed = 2.0 * (frequency if missing_calls == "mean" else flipped.astype(np.float64))
    if missing.any():
        value = np.where(missing, imputed[column], value)
    if flipped.any():
        column, row, value, missing = _flip(column, row, value, missing, flipped, n_donors)
        frequency = np.where(flipped, 1.0 - frequency, frequency)
        imputed = np.where(flipped, 2.0 - imputed, imputed)
    stored = value != 0
    if not stored.all():
        column, row, value, missing = column[stored], row[stored], value[stored], missing[stored]
    carriers = column[~missing] if missing.any() else column
    n_carriers = np.bincount(carriers, minlength=n_variants)
    starts = np.concatenate([[0], np.cumsum(np.bincount(column, minlength=n_variants))])
    matrix = sparse.csc_array((value, row, starts), shape=(n_donors, n_variants))
    return GenotypeMatrix(matrix, frequency, n_missing, imputed, n_carriers, flipped)


def _flip(
    column: Int,
    row: Int,
    value: Float,
    missing: npt.NDArray[np.bool_],
    flipped: npt.NDArray[np.bool_],
    n_donors: int,
) -> tuple[Int, Int, Float, npt.NDArray[np.bool_]]:
    """Count the other allele of some columns: who had no entry there has two copies now."""
    here = flipped[column]
    which = np.flatnonzero(flipped)
    place = np.full(flipped.size, -1)
    place[which] = np.arange(which.size)
    dense = np.full((which.size, n_donors), 2.0)
    unknown = np.zeros((which.size, n_donors), dtype=bool)
    dense[place[column[here]], row[here]] = 2.0 - value[here]
    unknown[place[column[here]], row[here]] = missing[here]
    new_column, new_row = np.nonzero(dense)
    columns = np.concatenate([column[~here], which[new_column]])
    rows = np.concatenate([row[~here], new_row])
    order = np.argsort(columns * n_donors + rows, kind="stable")
    values = np.concatenate([value[~here], dense[new_column, new_row]])
    unknowns = np.concatenate([missing[~here], unknown[new_column, new_row]])
    return columns[order], rows[order], values[order], unknowns[order]
