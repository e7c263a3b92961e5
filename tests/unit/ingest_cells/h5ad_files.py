"""Small h5ad files, written with h5py alone in every encoding that anndata has used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.sparse as sp

TEXT = h5py.string_dtype()
GENES = [f"ENSG{number:011d}" for number in range(1, 7)]
DONORS = ["D1", "D1", "D2", "D2", "D2", "D1", "D3", "D3"]
TYPES = ["T", "B", "T", "T", "B", "T", "B", "B"]


def some_counts(n_cells: int = 8, n_genes: int = 6, seed: int = 7) -> np.ndarray:
    """Return counts, mostly zeros, with a cell and a gene that have none."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.8, (n_cells, n_genes)) * rng.integers(1, 9, (n_cells, n_genes))
    counts[:, -1] = 0
    if n_cells > 4:
        counts[4] = 0
    return counts


def write_matrix(parent: h5py.Group, name: str, values: np.ndarray, layout: str = "csr") -> None:
    """Write a matrix: ``csr``, ``csc``, ``dense``, or ``old-csr`` as before anndata 0.7."""
    if layout == "dense":
        parent.create_dataset(name, data=values)
        return
    sparse = sp.csc_matrix(values) if layout == "csc" else sp.csr_matrix(values)
    group = parent.create_group(name)
    if layout == "old-csr":
        group.attrs["h5sparse_format"] = "csr"
        group.attrs["h5sparse_shape"] = values.shape
    else:
        group.attrs["encoding-type"] = f"{layout}_matrix"
        group.attrs["shape"] = values.shape
    # chunks that do not divide anything evenly, compressed as anndata can
    stored = {"chunks": (5,), "compression": "gzip"} if sparse.nnz >= 5 else {}
    group.create_dataset("data", data=sparse.data, **stored)
    group.create_dataset("indices", data=sparse.indices, **stored)
    group.create_dataset("indptr", data=sparse.indptr)


def write_table(
    parent: h5py.Group, name: str, index: Sequence[str], columns: Mapping[str, Any]
) -> None:
    """Write a table as anndata does since 0.8: text as categories, numbers as they are."""
    group = parent.create_group(name)
    group.attrs["_index"] = "_index"
    group.create_dataset("_index", data=list(index), dtype=TEXT)
    for column, values in columns.items():
        if isinstance(values, np.ndarray):
            group.create_dataset(column, data=values)
            continue
        names = sorted({value for value in values if value is not None})
        node = group.create_group(column)
        node.attrs["encoding-type"] = "categorical"
        node.create_dataset("categories", data=names, dtype=TEXT)
        codes = [-1 if value is None else names.index(value) for value in values]
        node.create_dataset("codes", data=np.array(codes, dtype=np.int8))


def write_h5ad(
    path: Path,
    counts: np.ndarray,
    *,
    obs: Mapping[str, Any] | None = None,
    genes: Sequence[str] = GENES,
    var: Mapping[str, Any] | None = None,
    layout: str = "csr",
    where: str = "X",
) -> Path:
    """Write counts of cells by genes; elsewhere than in X, X holds their logarithms."""
    n_cells = counts.shape[0]
    if obs is None:
        obs = {"donor_id": DONORS[:n_cells], "cell_type": TYPES[:n_cells]}
    with h5py.File(path, "w") as file:
        write_table(file, "obs", [f"cell{number}" for number in range(n_cells)], obs)
        write_table(file, "var", genes, var or {})
        if where == "X":
            write_matrix(file, "X", counts, layout)
            return path
        write_matrix(file, "X", np.log1p(counts), layout)
        if where == "raw":
            raw = file.create_group("raw")
            write_matrix(raw, "X", counts, layout)
            write_table(raw, "var", genes, var or {})
        else:
            write_matrix(file.create_group("layers"), where, counts, layout)
    return path
