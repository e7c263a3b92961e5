"""Expression added up by group: counts, and means of normalised values, a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from varhouse.ingest.cells.groups import Groups
from varhouse.ingest.cells.matrices import Matrix

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


def sum_groups(
    matrix: Matrix,
    groups: Groups,
    totals: npt.NDArray[np.float64] | None,
    *,
    n_values: int,
    max_bytes: int,
    progress: Callable[[str], None],
) -> Iterator[GroupSums]:
    """Add up the cells of each group, as many groups at once as the memory allows.

    The matrix is read once for each part.

    Parameters
    ----------
    totals
        Shape (n_cells,): counts of each cell. None takes the values as they are: already
        normalised, no counts.
    n_values
        Read about so many values at once.
    max_bytes
        The sums of a part stay below this, unless one group alone is larger.
    """
    n_groups = groups.n_cells.size
    factors = None if totals is None else normalising_factors(totals)
    # counts of a group and gene cannot exceed those of the group
    dtype: type[np.uint32] | type[np.float64] = np.float64
    if totals is not None:
        kept = groups.of_cell >= 0
        of_group = np.bincount(groups.of_cell[kept], totals[kept], minlength=n_groups)
        dtype = np.uint32 if of_group.max() <= _MAX_UINT32 else np.float64
    bytes_each = matrix.n_genes * (8 + (0 if totals is None else np.dtype(dtype).itemsize))
    step = max(1, min(n_groups, max_bytes // max(1, bytes_each)))
    n_parts = -(-n_groups // step)
    for part, first in enumerate(range(0, n_groups, step), start=1):
        size = min(step, n_groups - first)
        counts = None if totals is None else np.zeros(size * matrix.n_genes, dtype)
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
            if counts is None or factors is None:
                np.add.at(values, rows, found.astype(np.float64))
            else:
                np.add.at(counts, rows, found.astype(dtype))
                np.add.at(values, rows, np.log1p(factors[cells] * found))
            done = min(100, 100 * (block.start + block.values.size) // max(1, matrix.n_stored))
            progress(f"adding up, {done} %{told}")
        yield GroupSums(
            first,
            None if counts is None else counts.reshape(size, -1),
            values.reshape(size, -1),
        )
