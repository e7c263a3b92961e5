"""Matrices of cells by genes in an h5ad file, read in blocks of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from varhouse.errors import DataError
from varhouse.ingest.cells.h5 import Node, attribute, child, is_group, is_list

Indices = npt.NDArray[np.int64]


class Block(NamedTuple):
    """Values of a matrix, each with the numbers of its cell and gene (from 0).

    Zeros may be left out. ``genes`` is empty when they were not asked for and cost reading.
    """

    start: int
    cells: Indices
    genes: Indices
    values: npt.NDArray[Any]


@dataclass(frozen=True)
class Matrix:
    """A matrix of cells by genes.

    Attributes
    ----------
    path, name
        The file, and where in it: ``X``, ``raw``, ``layers['counts']``.
    node
        Group of a sparse matrix, dataset of a dense one.
    layout
        ``csr`` (cell by cell), ``csc`` (gene by gene) or ``dense``.
    """

    path: Path
    name: str
    node: Node
    layout: str
    n_cells: int
    n_genes: int

    @property
    def n_stored(self) -> int:
        """Number of values on disk."""
        return (
            self.n_cells * self.n_genes if self.layout == "dense" else int(self.node["data"].size)
        )

    def blocks(
        self, n_values: int, *, genes: bool = True, cells: npt.NDArray[np.bool_] | None = None
    ) -> Iterator[Block]:
        """Read the matrix from start to end.

        Parameters
        ----------
        n_values
            Read about so many values at once.
        genes
            Whether the genes of the values are wanted.
        cells
            Shape (n_cells,): blocks without any of these may be left out.
        """
        if self.layout == "dense":
            yield from self._dense_blocks(n_values, cells)
        else:
            yield from self._sparse_blocks(n_values, genes, cells)

    def gene_at(self, block: Block, i: int) -> int:
        """Return the gene of the i-th value of a block, read when the block has none."""
        return int(block.genes[i] if block.genes.size else self.node["indices"][block.start + i])

    def percent_at(self, block: Block) -> int:
        """Return how much of the matrix is read once a block is, in percent."""
        return min(100, 100 * (block.start + block.values.size) // max(1, self.n_stored))

    def _dense_blocks(self, n_values: int, wanted: npt.NDArray[np.bool_] | None) -> Iterator[Block]:
        step = max(1, n_values // max(1, self.n_genes))
        chunk = (self.node.chunks or (1,))[0]
        if step > chunk:
            step -= step % chunk
        for start in range(0, self.n_cells, step):
            if wanted is not None and not wanted[start : start + step].any():
                continue
            rows = self.node[start : start + step]
            cells, genes = np.nonzero(rows)
            yield Block(start * self.n_genes, cells + start, genes, rows[cells, genes])

    def _sparse_blocks(
        self, n_values: int, genes: bool, wanted: npt.NDArray[np.bool_] | None
    ) -> Iterator[Block]:
        data, indices = self.node["data"], self.node["indices"]
        by_cell = self.layout == "csr"
        n_minor = self.n_genes if by_cell else self.n_cells
        bounds = self._bounds()
        chunk = (data.chunks or (1,))[0]
        step = n_values - n_values % chunk if n_values > chunk else chunk
        repeats = _Repeats(self, n_minor)
        for start in range(0, int(data.size), step):
            end = min(start + step, int(data.size))
            # the rows (columns of csc) that the values from start to end belong to
            first = int(np.searchsorted(bounds, start, side="right")) - 1
            last = int(np.searchsorted(bounds, end, side="left"))
            if by_cell and wanted is not None and not wanted[first:last].any():
                continue
            cuts = np.clip(bounds[first : last + 1], start, end)
            major = np.repeat(np.arange(first, last), np.diff(cuts))
            minor = np.empty(0, dtype=np.int64)
            if genes or not by_cell:
                minor = indices[start:end]
                if minor.min() < 0 or minor.max() >= n_minor:
                    raise DataError(
                        f"{self.path}: {self.name} has an index outside its {n_minor} "
                        f"{'genes' if by_cell else 'cells'}; the file is damaged."
                    )
                if minor.dtype == np.uint64:
                    # numpy adds no signed number to these
                    minor = minor.astype(np.int64)
                repeats.refuse(major, minor)
            pair = (major, minor) if by_cell else (minor, major)
            yield Block(start, *pair, data[start:end])

    def _bounds(self) -> Indices:
        bounds: Indices = self.node["indptr"][:].astype(np.int64)
        n_major = self.n_cells if self.layout == "csr" else self.n_genes
        size = int(self.node["data"].size)
        whole = (
            bounds.size == n_major + 1
            and bounds[0] == 0
            and bounds[-1] == size == self.node["indices"].size
            and bool((np.diff(bounds) >= 0).all())
        )
        if not whole:
            raise DataError(
                f"{self.path}: {self.name} is damaged: its indptr does not cut {size} values "
                f"into {n_major} rows."
            )
        return bounds


class _Repeats:
    """Looks for a cell that has a gene twice, also where its values are cut into two blocks.

    scipy takes two such values for their sum; what is computed value by value, as ln(1 + x), would
    differ from that.
    """

    def __init__(self, matrix: Matrix, n_minor: int) -> None:
        self._matrix, self._n_minor = matrix, n_minor
        # what the last row of the block before has
        self._row, self._seen = -1, np.empty(0, dtype=np.int64)

    def refuse(self, major: Indices, minor: Indices) -> None:
        """Take the next block.

        Raises
        ------
        DataError
            An index occurs twice in a row.
        """
        goes_on = self._row == major[0]
        falls = minor[1:] <= minor[:-1]
        falls &= major[1:] == major[:-1]
        # most files are in order, and need no more than this
        if falls.any() or (goes_on and minor[0] <= self._seen.max()):
            self._compare(major, minor)
        self._row, before = int(major[-1]), self._seen
        self._seen = minor[np.searchsorted(major, self._row) :].astype(np.int64)
        if goes_on and self._row == major[0]:
            self._seen = np.concatenate([before, self._seen])

    def _compare(self, major: Indices, minor: Indices) -> None:
        keys = major * self._n_minor + minor
        if self._row == major[0]:
            keys = np.concatenate([self._row * self._n_minor + self._seen, keys])
        keys.sort()
        twice = np.flatnonzero(keys[1:] == keys[:-1])
        if twice.size:
            self._tell(*divmod(int(keys[twice[0]]), self._n_minor))

    def _tell(self, row: int, index: int) -> NoReturn:
        matrix = self._matrix
        cell, gene = (row, index) if matrix.layout == "csr" else (index, row)
        raise DataError(
            f"{matrix.path}: {matrix.name} has two values in cell {cell + 1}, gene {gene + 1}; one "
            "was wanted. sum_duplicates() of scipy.sparse adds them up: write the file again."
        )


def open_matrix(path: Path, name: str, node: Node, *, n_cells: int, n_genes: int) -> Matrix:
    """Return the matrix that a node holds.

    Raises
    ------
    DataError
        It is neither sparse (CSR, CSC) nor dense, does not hold numbers, or has not the shape that
        obs and var say.
    """
    if is_group(node):
        kind = str(attribute(node, "encoding-type", "h5sparse_format") or "")
        layout = kind.removesuffix("_matrix")
        if layout not in ("csr", "csc") or not (
            is_list(child(node, "data"))
            and is_list(child(node, "indices"), "i", "u")
            and is_list(child(node, "indptr"), "i", "u")
        ):
            raise DataError(
                f"{path}: {name} is encoded as {kind or 'nothing known'}; "
                "a dense, CSR or CSC matrix was wanted."
            )
        stated = attribute(node, "shape", "h5sparse_shape")
        shape = tuple(int(n) for n in (() if stated is None else stated))
        values = node["data"]
    else:
        layout, shape, values = "dense", node.shape, node
    if values.dtype.kind not in "iufb":
        raise DataError(f"{path}: {name} holds {values.dtype}, not numbers.")
    if shape != (n_cells, n_genes):
        raise DataError(
            f"{path}: {name} is of shape {' x '.join(map(str, shape)) or 'unknown'}; "
            f"{n_cells} cells x {n_genes} genes were wanted, as in obs and var."
        )
    return Matrix(path, name, node, layout, n_cells, n_genes)
