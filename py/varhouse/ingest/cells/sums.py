"""Expression added up by group: counts, and means of normalised values, a part at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from varhouse.ingest.cells.groups import Groups
from varhouse.ingest.cells.matrices import Matrix
from varhouse.ingest.format import Say

_MAX_UINT32 = 2**32 - 1


@dataclass(frozen=True)
class GroupSums:
    """Sums of consecutive groups.

    Attributes
    ----------
    first
        Number of the first group.
    counts
        Shape (n_groups, n_genes): sum of raw counts; None when the matrix has none.
    values
        Shape (n_groups, n_genes): sum over cells of the normalised values.
    """

    first: int
    counts: npt.NDArray[Any] | None
    values: npt.NDArray[np.float64]


def normalising_factors(totals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return what a cell's counts are multiplied with to reach the median total.

    Cells without counts are no part of the median and get 0.
    """
    counted = totals > 0
    target = float(np.median(totals[counted]))
    return np.divide(target, totals, out=np.zeros_like(totals), where=counted)


def normalised_totals(
    matrix: Matrix,
    totals: npt.NDArray[np.float64],
    n_values: int,
    *,
    progress: Say,
) -> npt.NDArray[np.float64]:
    """Return the total of each cell's normalised values: what normalising them again divides by.

    Parameters
    ----------
    totals
        Shape (n_cells,): counts of each cell.
    n_values
        Read about so many values at once.
    """
    factors = normalising_factors(totals)
    found = np.zeros(matrix.n_cells)
    for block in matrix.blocks(n_values, genes=False):
        values = np.log1p(factors[block.cells] * block.values)
        found += np.bincount(block.cells, values, minlength=matrix.n_cells)
        progress(f"normalising, {matrix.percent_at(block)} %")
    return found


def sum_groups(
    matrix: Matrix,
    groups: Groups,
    totals: Sequence[npt.NDArray[np.float64]],
    *,
    n_values: int,
    max_bytes: int,
    progress: Say,
) -> Iterator[GroupSums]:
    """Add up the cells of each group, as many groups at once as the memory allows.

    The matrix is read once for each part.

    Parameters
    ----------
    totals
        For each time that values are normalised, shape (n_cells,): the counts of each cell, then
        the totals of its normalised values. None at all takes the values as they are: already
        normalised, no counts.
    n_values
        Read about so many values at once.
    max_bytes
        The sums of a part stay below this, unless one group alone is larger.
    """
    n_groups = groups.n_cells.size
    rounds = [normalising_factors(each) for each in totals]
    # counts of a group and gene cannot exceed those of the group
    dtype: type[np.uint32] | type[np.float64] = np.float64
    if totals:
        kept = groups.of_cell >= 0
        of_group = np.bincount(groups.of_cell[kept], totals[0][kept], minlength=n_groups)
        dtype = np.uint32 if of_group.max() <= _MAX_UINT32 else np.float64
    bytes_each = matrix.n_genes * (8 + (np.dtype(dtype).itemsize if totals else 0))
    step = max(1, min(n_groups, max_bytes // max(1, bytes_each)))
    n_parts = -(-n_groups // step)
    for part, first in enumerate(range(0, n_groups, step), start=1):
        size = min(step, n_groups - first)
        counts = np.zeros(size * matrix.n_genes, dtype) if totals else None
        values = np.zeros(size * matrix.n_genes)
        row_of_cell = np.where(
            (groups.of_cell >= first) & (groups.of_cell < first + size),
            (groups.of_cell - first) * matrix.n_genes,
            -1,
        )
        everything = bool((row_of_cell >= 0).all())
        told = f", part {part} of {n_parts}" if n_parts > 1 else ""
        for block in matrix.blocks(n_values, cells=row_of_cell >= 0):
            rows, cells, genes, found = row_of_cell[block.cells], *block[1:]
            if not everything:
                wanted = rows >= 0
                rows, cells, genes, found = (array[wanted] for array in (rows, cells, genes, found))
            rows += genes
            if counts is not None:
                np.add.at(counts, rows, found.astype(dtype))
            normalised = found.astype(np.float64)
            for factors in rounds:
                normalised *= factors[cells]
                np.log1p(normalised, out=normalised)
            np.add.at(values, rows, normalised)
            progress(f"adding up, {matrix.percent_at(block)} %{told}")
        yield GroupSums(
            first,
            None if counts is None else counts.reshape(size, -1),
            values.reshape(size, -1),
        )
        # before the next part takes its room
        del counts, values
