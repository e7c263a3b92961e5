"""Writes a world of cells as h5ad, by the format's description, in old and new encodings.

The description is https://anndata.readthedocs.io/en/stable/fileformat-prose.html; for files of
anndata before 0.7 what its reader of those files (``read_h5ad``, legacy parts) accepts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

TEXT = h5py.string_dtype()


@dataclass(frozen=True)
class Stored:
    """How a matrix is put into a file.

    Attributes
    ----------
    layout
        ``csr``, ``csc`` or ``dense``.
    is_old
        Attributes of h5sparse in place of today's.
    zeros, splits
        Share of zeros that are written out, and of values that are written as two entries.
    is_shuffled
        Entries of a row (of a column in ``csc``) stand in any order.
    """

    layout: str = "csr"
    dtype: str = "<f4"
    index_dtype: str = "<i4"
    is_old: bool = False
    zeros: float = 0.0
    splits: float = 0.0
    is_shuffled: bool = False
    compression: str | None = None
    chunk: int | None = None


@dataclass(frozen=True)
class Column:
    """A column of a table: ``values`` with None where missing, and how they are encoded.

    ``encoding`` is one of ``categorical`` (unused names too when there are ``extra`` ones; old
    files have them in ``__categories``), ``strings``, ``bytes``, ``numbers`` (NaN where
    missing) and ``masked`` (values beside a mask).
    """

    values: Sequence[Any]
    encoding: str = "categorical"
    extra: tuple[str, ...] = ()


def _keep(parent: h5py.Group, name: str, data: np.ndarray, how: Stored) -> None:
    options: dict[str, Any] = {}
    if how.chunk is not None and data.size:
        options["chunks"] = tuple(min(how.chunk, side) for side in data.shape)
        if data.ndim == 1:
            options["maxshape"] = (None,)
        if how.compression is not None:
            options["compression"] = how.compression
    parent.create_dataset(name, data=data, **options)


def _entries(line: np.ndarray, how: Stored, rng: np.random.Generator) -> list[tuple[int, Any]]:
    """Return (index, value) of a row or column as they are to stand in the file."""
    found: list[tuple[int, Any]] = []
    for at, value in enumerate(line.tolist()):
        if value == 0:
            if rng.random() < how.zeros:
                found.append((at, 0))
        elif value >= 2 and rng.random() < how.splits:
            found += [(at, 1), (at, value - 1)]
        else:
            found.append((at, value))
    if how.is_shuffled:
        found = [found[i] for i in rng.permutation(len(found))]
    return found


def write_matrix(
    parent: h5py.Group, name: str, values: np.ndarray, how: Stored, rng: np.random.Generator
) -> None:
    if how.layout == "dense":
        _keep(parent, name, values.astype(how.dtype), how)
        return
    lines = [_entries(line, how, rng) for line in (values.T if how.layout == "csc" else values)]
    group = parent.create_group(name)
    if how.is_old:
        group.attrs["h5sparse_format"] = how.layout
        group.attrs["h5sparse_shape"] = np.array(values.shape)
    else:
        group.attrs["encoding-type"] = f"{how.layout}_matrix"
        group.attrs["encoding-version"] = "0.1.0"
        group.attrs["shape"] = np.array(values.shape)
    flat = [entry for line in lines for entry in line]
    _keep(group, "data", np.array([value for _, value in flat]).astype(how.dtype), how)
    _keep(group, "indices", np.array([at for at, _ in flat], dtype=how.index_dtype), how)
    ends = np.cumsum([0, *map(len, lines)])
    group.create_dataset("indptr", data=ends.astype(how.index_dtype))


def _codes(column: Column) -> tuple[np.ndarray, list[Any]]:
    # in order of appearance, behind one that no row has
    names = list(dict.fromkeys([*column.extra, *(v for v in column.values if v is not None)]))
    codes = [-1 if value is None else names.index(value) for value in column.values]
    return np.array(codes, dtype=np.int16 if len(names) > 100 else np.int8), names


def _write_names(group: h5py.Group, place: str, names: list[Any], *, is_list: bool = True) -> None:
    data = names if is_list else names[0]
    if isinstance(names[0], str):
        group.create_dataset(place, data=data, dtype=TEXT)
    else:
        group.create_dataset(place, data=np.array(data))


def _write_column(group: h5py.Group, name: str, column: Column, is_old: bool) -> None:
    values = column.values
    if column.encoding == "categorical" and not is_old:
        codes, names = _codes(column)
        node = group.create_group(name)
        node.attrs["encoding-type"] = "categorical"
        node.attrs["encoding-version"] = "0.2.0"
        node.attrs["ordered"] = False
        _write_names(node, "categories", names)
        node.create_dataset("codes", data=codes)
    elif column.encoding == "categorical":
        codes, names = _codes(column)
        folder = group.require_group("__categories")
        _write_names(folder, name, names)
        node = group.create_dataset(name, data=codes)
        node.attrs["categories"] = folder[name].ref
    elif column.encoding == "strings":
        node = group.create_dataset(name, data=list(values), dtype=TEXT)
        node.attrs["encoding-type"] = "string-array"
        node.attrs["encoding-version"] = "0.2.0"
    elif column.encoding == "bytes":
        group.create_dataset(name, data=np.array([value.encode() for value in values]))
    elif column.encoding == "numbers":
        group.create_dataset(name, data=_numbers(values))
    elif column.encoding == "masked":
        node = group.create_group(name)
        known = [value for value in values if value is not None]
        is_text = isinstance(known[0], str)
        kind = "string-array" if is_text else "integer"
        node.attrs["encoding-type"] = f"nullable-{kind}"
        node.attrs["encoding-version"] = "0.1.0"
        filled = [known[0] if value is None else value for value in values]
        node.create_dataset("values", data=filled, **({"dtype": TEXT} if is_text else {}))
        node.create_dataset("mask", data=np.array([value is None for value in values]))
    else:
        raise AssertionError(column.encoding)


def _numbers(values: Sequence[Any]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values])


def write_table(
    parent: h5py.Group, name: str, index: Sequence[str], columns: dict[str, Column], is_old: bool
) -> None:
    group = parent.create_group(name)
    group.attrs["encoding-type"] = "dataframe"
    group.attrs["encoding-version"] = "0.1.0" if is_old else "0.2.0"
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(list(columns), dtype=TEXT)
    group.create_dataset("_index", data=list(index), dtype=TEXT)
    for column_name, column in columns.items():
        _write_column(group, column_name, column, is_old)


def write_compound(
    root: h5py.Group, name: str, index: Sequence[str], columns: dict[str, Column], is_old: bool
) -> None:
    """Write a table as anndata before 0.7: one dataset, names of categories in ``uns``."""
    fields: list[tuple[str, Any]] = [("index", TEXT)]
    data: list[Sequence[Any]] = [list(index)]
    for column_name, column in columns.items():
        if column.encoding == "numbers":
            numbers = _numbers(column.values)
            fields.append((column_name, numbers.dtype))
            data.append(numbers)
        elif column.encoding in ("strings", "bytes"):
            fields.append((column_name, TEXT if column.encoding == "strings" else "S40"))
            data.append([v.encode() for v in column.values])
        else:
            codes, names = _codes(column)
            if name == "raw.var":
                # the names were lost; those of var stand under the same key
                codes = codes + 1
            else:
                uns = root.require_group("uns")
                # of one name alone there was no list
                place = f"{column_name}_categories"
                _write_names(uns, place, names, is_list=len(names) > 1)
            fields.append((column_name, codes.dtype))
            data.append(codes)
    rows = np.array(list(zip(*data, strict=True)), dtype=fields)
    root.create_dataset(name, data=rows)


@dataclass(frozen=True)
class Matrix:
    """Values of cells by genes, where they are and how they are stored.

    ``place`` is ``X``, ``raw`` or the name of a layer; raw has a table of genes of its own.
    """

    place: str
    values: np.ndarray
    how: Stored
    genes: Sequence[str] = ()
    var: dict[str, Column] | None = None


def write_h5ad(
    path: Path,
    matrices: Sequence[Matrix],
    *,
    obs_names: Sequence[str],
    obs: dict[str, Column],
    genes: Sequence[str],
    var: dict[str, Column],
    generation: str,
    rng: np.random.Generator,
) -> Path:
    """Write a file of a ``generation``: ``new``, ``0.7`` (references), ``0.6`` (compounds)."""
    table = write_compound if generation == "0.6" else write_table
    with h5py.File(path, "w") as root:
        if generation == "new":
            root.attrs["encoding-type"] = "anndata"
            root.attrs["encoding-version"] = "0.1.0"
        is_old = generation != "new"
        table(root, "obs", obs_names, obs, is_old)
        table(root, "var", genes, var, is_old)
        for matrix in matrices:
            if matrix.place == "X":
                write_matrix(root, "X", matrix.values, matrix.how, rng)
            elif matrix.place != "raw":
                write_matrix(
                    root.require_group("layers"), matrix.place, matrix.values, matrix.how, rng
                )
            elif generation == "0.6":
                write_matrix(root, "raw.X", matrix.values, matrix.how, rng)
                table(root, "raw.var", matrix.genes, matrix.var or {}, is_old)
            else:
                raw = root.create_group("raw")
                write_matrix(raw, "X", matrix.values, matrix.how, rng)
                table(raw, "var", matrix.genes, matrix.var or {}, is_old)
    return path
