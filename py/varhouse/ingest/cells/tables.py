"""The tables ``obs`` and ``var`` of an h5ad file, in every encoding that anndata has written.

Today a table is a group of columns, categories being groups of codes and names; up to anndata 0.7
the names lay in ``__categories`` and before that a table was one compound dataset, the names of
its categories in ``uns/<column>_categories``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from varhouse.errors import DataError
from varhouse.ingest.cells.h5 import Node, attribute, child, is_compound, is_group, is_list, texts
from varhouse.ingest.keys import MISSING
from varhouse.ingest.reading import shown_names


@dataclass(frozen=True)
class Labels:
    """A column of text: ``names[codes[i]]`` is the value of row i.

    Attributes
    ----------
    codes
        Shape (n_rows,); -1 where the value is missing.
    names
        Distinct, none of them missing.
    """

    codes: npt.NDArray[np.int64]
    names: tuple[str, ...]


class Table:
    """One of the tables of a file.

    Parameters
    ----------
    path
        The file, for messages.
    root
        Top of the file, where old files keep their categories.
    name
        Where the table is: ``obs``, ``var``, ``raw/var``.

    Attributes
    ----------
    columns
        Names of its columns, without the index.
    n_rows
        Number of rows, by the index.
    """

    def __init__(self, path: Path, root: Node, name: str) -> None:
        self.path, self._root, self.name = path, root, name
        node = root
        for part in name.split("/"):
            node = child(node, part)
        if node is None:
            raise DataError(f"{path}: has no table {name}; is it an h5ad file?")
        self._node = node
        self._is_compound = is_compound(node)
        if not self._is_compound and not is_group(node):
            raise DataError(f"{path}: {name} is not a table.")
        names = node.dtype.names if self._is_compound else tuple(node)
        self._index = self._index_name(names)
        self.columns: tuple[str, ...] = tuple(
            column for column in names if column not in (self._index, "__categories")
        )
        sized = node if self._is_compound else child(node, self._index)
        if is_group(sized):
            # pandas 3 has texts beside a mask, also where none is missing
            sized = child(sized, "values")
        if not is_list(sized):
            raise DataError(f"{path}: the index of {name} is no list; is the file damaged?")
        self.n_rows = int(sized.shape[0])

    def _index_name(self, names: tuple[str, ...]) -> str:
        stated = attribute(self._node, "_index")
        for name in (stated, "_index", "index"):
            if name in names:
                return str(name)
        if self._is_compound:
            return names[0]
        raise DataError(f"{self.path}: {self.name} has no index; is the file whole?")

    def first_of(self, names: Sequence[str]) -> str | None:
        """Return the first column that has one of these names, whatever its case, or None."""
        lower = {column.lower(): column for column in reversed(self.columns)}
        return next((lower[name] for name in names if name in lower), None)

    def index(self) -> npt.NDArray[np.object_]:
        """Return the names of the rows."""
        return self.texts(self._index)

    def texts(self, column: str) -> npt.NDArray[np.object_]:
        """Return a column as text, empty where it is missing."""
        labels = self._labels(column)
        names = np.array((*labels.names, ""), dtype=object)
        found: npt.NDArray[np.object_] = names[labels.codes]
        return found

    def labels(self, column: str) -> Labels:
        """Return a column as text: categories, strings, truth values or whole numbers.

        Raises
        ------
        DataError
            The column is not there, or it holds numbers with fractions.
        """
        if column not in self.columns:
            raise DataError(
                f"{self.path}: {self.name} has no column {column}; columns found: "
                f"{shown_names(self.columns)}."
            )
        return self._labels(column)

    def numbers(self, column: str) -> npt.NDArray[np.float64] | None:
        """Return a column as numbers, NaN where missing; None when it does not hold numbers."""
        values, missing, names = self._read_whole(column)
        if names is not None or values.dtype.kind not in "iuf":
            return None
        numbers = values.astype(np.float64)
        numbers[missing] = np.nan
        return numbers

    def _labels(self, column: str) -> Labels:
        values, missing, names = self._read_whole(column)
        if names is None:
            if values.dtype.kind == "f":
                missing = missing | np.isnan(values)
                whole = np.where(missing, 0, values)
                if (whole != np.rint(whole)).any() or (np.abs(whole) > 2**53).any():
                    raise DataError(
                        f"{self.path}: {self.name}[{column!r}] holds numbers with fractions; "
                        "names were wanted."
                    )
                values = whole.astype(np.int64)
            distinct, values = np.unique(
                texts(values) if values.dtype.kind in "OSU" else values, return_inverse=True
            )
            names = texts(distinct)
        codes = np.where(missing, -1, values).astype(np.int64)
        if codes.size and not -1 <= codes.min() <= codes.max() < len(names):
            raise DataError(f"{self.path}: {self.name}[{column!r}] has codes without category.")
        return _compact(codes, names.tolist())

    def _read_whole(
        self, column: str
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_], npt.NDArray[np.object_] | None]:
        values, missing, names = self._read(column)
        if values.shape != (self.n_rows,) or missing.shape != values.shape:
            raise DataError(
                f"{self.path}: {self.name}[{column!r}] has not {self.n_rows} values, one for "
                "each row of its table."
            )
        if names is not None and values.dtype.kind not in "iu":
            raise DataError(f"{self.path}: {self.name}[{column!r}] has codes that are no numbers.")
        return values, missing, names

    def _read(
        self, column: str
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_], npt.NDArray[np.object_] | None]:
        """Return values (codes of a category), where they are missing, and category names."""
        if self._is_compound:
            values = self._node.fields(column)[:]
            # those of raw.var were not kept; what has the name of one belongs to var
            uns = child(self._root, "uns") if self.name in ("obs", "var") else None
            node = child(uns, f"{column}_categories")
            # a single category is no list
            names = None
            if node is not None and values.dtype.kind in "iu":
                names = _category_names(np.atleast_1d(node[()]))
            return values, _nothing(values) if names is None else values < 0, names
        node = child(self._node, column)
        if node is None:
            raise DataError(f"{self.path}: {self.name}[{column!r}] lies in another file.")
        if is_group(node):
            return self._read_group(column, node)
        if not is_list(node):
            raise DataError(f"{self.path}: {self.name}[{column!r}] is no list of values.")
        values = node[:]
        if "categories" in node.attrs:
            reference = node.attrs["categories"]
            named = self._root[reference][:] if reference else np.array(reference)
            return values, values < 0, _category_names(named)
        # SeuratDisk writes the names, and no reference to them
        named = child(child(self._node, "__categories"), column)
        if is_list(named) and values.dtype.kind in "iu":
            return values, values < 0, _category_names(named[:])
        return values, _nothing(values), None

    def _read_group(
        self, column: str, node: Node
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_], npt.NDArray[np.object_] | None]:
        codes, categories = child(node, "codes"), child(node, "categories")
        if is_list(codes, "i", "u") and is_list(categories):
            values = codes[:]
            return values, values < 0, _category_names(categories[:])
        held, mask = child(node, "values"), child(node, "mask")
        if is_list(held) and is_list(mask):
            return held[:], mask[:].astype(bool), None
        kind = attribute(node, "encoding-type")
        raise DataError(
            f"{self.path}: {self.name}[{column!r}] is encoded as {kind}, which is not known here."
        )


def _compact(codes: npt.NDArray[np.int64], names: list[str]) -> Labels:
    """Strip the names, merge those that are then equal, drop what no row has or means missing."""
    stripped = [name.strip() for name in names]
    used = {stripped[code] for code in np.flatnonzero(np.bincount(codes[codes >= 0])).tolist()}
    kept = sorted(name for name in used if name.upper() not in (*MISSING, "NAN"))
    number = {name: i for i, name in enumerate(kept)}
    # one place more, so that code -1 finds it
    renumbered = np.array([*(number.get(name, -1) for name in stripped), -1], dtype=np.int64)
    return Labels(renumbered[codes], tuple(kept))


def _category_names(categories: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """Return categories as text, whole numbers without the point."""
    is_float = categories.dtype.kind == "f"
    if is_float and ((categories == np.rint(categories)) & (np.abs(categories) < 2**53)).all():
        categories = categories.astype(np.int64)
    return texts(categories)


def _nothing(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    return np.zeros(values.shape[0], dtype=bool)
