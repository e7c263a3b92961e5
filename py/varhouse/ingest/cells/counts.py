"""Which matrix of an h5ad file holds the raw counts, and how many each cell has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from varhouse.errors import DataError
from varhouse.ingest.cells.h5 import Node, child
from varhouse.ingest.cells.matrices import Block, Matrix, open_matrix
from varhouse.ingest.cells.tables import Table
from varhouse.ingest.format import Say

# No cell has as many copies of a transcript; what is larger is no count.
_LARGEST_COUNT = 2**53

# Where counts are looked for, in this order, and how messages tell that nothing is there.
_PLACES = {"raw": "raw.X", "counts": "layers['counts']", "X": "X"}


@dataclass
class Tally:
    """What a matrix holds that no count can be.

    Attributes
    ----------
    totals
        Shape (n_cells,): sum of a cell's values.
    first
        Cell and gene (from 0) of the first such value.
    """

    totals: npt.NDArray[np.float64]
    n_negative: int = 0
    n_not_finite: int = 0
    n_fractions: int = 0
    first: tuple[int, int] | None = None

    @property
    def is_counts(self) -> bool:
        """Whether every value seen is a count."""
        return self.first is None

    @property
    def is_expression(self) -> bool:
        """Whether every value seen is at least finite and not negative."""
        return not self.n_negative and not self.n_not_finite

    def told(self, genes: npt.NDArray[np.object_]) -> str:
        """Say how many of what, and where the first is (from 1)."""
        parts = (
            (self.n_negative, "negative"),
            (self.n_not_finite, "NaN or infinite"),
            (self.n_fractions, "with a fraction"),
        )
        counted = ", ".join(f"{n:,} {what}" for n, what in parts if n)
        if self.first is None:
            return counted
        cell, gene = self.first
        return f"{counted}; the first in cell {cell + 1}, gene {gene + 1} ({genes[gene]})"


@dataclass(frozen=True)
class Expression:
    """The matrix that is taken, and the genes of its columns."""

    matrix: Matrix
    genes: Table


def tally(
    matrix: Matrix,
    n_values: int,
    *,
    head_only: bool = False,
    progress: Say = lambda _: None,
) -> Tally:
    """Add up each cell and look for values that are no counts.

    Parameters
    ----------
    head_only
        Look at the first block only.
    """
    found = Tally(np.zeros(matrix.n_cells))
    for block in matrix.blocks(n_values, genes=False):
        values = block.values
        largest = np.inf if values.dtype == np.float16 else _LARGEST_COUNT
        good = (values >= 0) & (values < largest) & (values == np.rint(values))
        if not good.all():
            _count_bad(found, matrix, block, good)
        found.totals += np.bincount(block.cells, values, minlength=matrix.n_cells)
        if head_only:
            break
        progress(f"counting {matrix.n_cells:,} cells, {matrix.percent_at(block)} %")
    return found


def _count_bad(found: Tally, matrix: Matrix, block: Block, good: npt.NDArray[np.bool_]) -> None:
    bad = block.values[~good]
    finite = np.isfinite(bad) & (bad < _LARGEST_COUNT)
    found.n_not_finite += int((~finite).sum())
    found.n_negative += int((bad[finite] < 0).sum())
    found.n_fractions += int((bad[finite] >= 0).sum())
    if found.first is None:
        i = int(np.argmin(good))
        found.first = (int(block.cells[i]), matrix.gene_at(block, i))


def find_expressions(
    path: Path, root: Node, n_cells: int, layer: str | None, n_values: int
) -> list[Expression]:
    """Return the matrix named, else those of raw, layers['counts'] and X that begin with counts.

    Raises
    ------
    DataError
        There is no such matrix, or none holds counts: what they hold instead.
    """
    if layer is not None:
        chosen = _open(path, root, layer, n_cells)
        if chosen is None:
            raise DataError(
                f"{path}: has no {_spelled(layer)}; matrices found: {', '.join(_names(root))}."
            )
        return [chosen]
    there = {
        name: found for name in _PLACES if (found := _open(path, root, name, n_cells)) is not None
    }
    if not there:
        raise DataError(f"{path}: has no matrix X; is it an h5ad file?")
    possible = [
        found for found in there.values() if tally(found.matrix, n_values, head_only=True).is_counts
    ]
    if possible:
        return possible
    refused = {
        name: tally(found.matrix, n_values).told(found.genes.index())
        for name, found in there.items()
    }
    told = "".join(f"\n  {_spelled(name)}: values {what}" for name, what in refused.items())
    absent = " or ".join(place for name, place in _PLACES.items() if name not in refused)
    raise DataError(
        f"{path}: {' and '.join(map(_spelled, reversed(refused)))} "
        f"{'is' if len(refused) == 1 else 'are'} not integer counts"
        f"{'; no ' + absent if absent else ''}.{told}\n"
        f"Name the matrix of counts with --layer; found are {', '.join(_names(root))}. A named "
        "matrix of expression values is taken as it is: means of its values, no sums."
    )


def first_of_counts(
    expressions: Sequence[Expression], n_values: int, *, progress: Say
) -> tuple[Expression, Tally]:
    """Return the first matrix that holds counts to its end; the first of all when none does."""
    seen = []
    for expression in expressions:
        found = tally(expression.matrix, n_values, progress=progress)
        if found.is_counts:
            return expression, found
        seen.append((expression, found))
    return seen[0]


def _open(path: Path, root: Node, name: str, n_cells: int) -> Expression | None:
    if name == "raw":
        raw = child(root, "raw")
        if raw is not None:
            node, table = child(raw, "X"), "raw/var"
        else:
            # written by anndata before 0.7
            node, table = child(root, "raw.X"), "raw.var"
    elif name == "X":
        node, table = child(root, "X"), "var"
    else:
        node, table = child(child(root, "layers"), name), "var"
    if node is None:
        return None
    genes = Table(path, root, table)
    matrix = open_matrix(path, _spelled(name), node, n_cells=n_cells, n_genes=genes.n_rows)
    return Expression(matrix, genes)


def _spelled(name: str) -> str:
    return name if name in ("X", "raw") else f"layers[{name!r}]"


def _names(root: Node) -> list[str]:
    return [
        *(["X"] if "X" in root else []),
        *(["raw"] if "raw" in root or "raw.X" in root else []),
        *map(_spelled, child(root, "layers") or ()),
    ]
