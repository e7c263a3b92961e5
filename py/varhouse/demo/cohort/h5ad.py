"""Write counts as an h5ad file, as anndata lays it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp


def write_h5ad(
    path: Path,
    counts: sp.csr_matrix,
    *,
    cells: Sequence[str],
    genes: Sequence[str],
    obs: Mapping[str, tuple[npt.NDArray[np.int64], Sequence[str]]],
    gene_names: Sequence[str],
) -> None:
    """Write cells by genes; equal input makes equal bytes.

    Parameters
    ----------
    obs
        Columns of the cells: codes, and the categories that they number.

    Raises
    ------
    ImportError
        h5py is not installed.

    References
    ----------
    .. [1] https://anndata.readthedocs.io/en/stable/fileformat-prose.html
    """
    import h5py

    text = h5py.string_dtype()

    def put(parent: Any, name: str, values: Any, kind: str, **how: Any) -> None:
        node = parent.create_dataset(name, data=values, **how)
        node.attrs.update({"encoding-type": kind, "encoding-version": "0.2.0"})

    def group(parent: Any, name: str, kind: str, version: str) -> Any:
        node = parent.create_group(name)
        node.attrs.update({"encoding-type": kind, "encoding-version": version})
        return node

    def table(name: str, index: Sequence[str], columns: Sequence[str]) -> Any:
        node = group(file, name, "dataframe", "0.2.0")
        node.attrs["_index"] = "_index"
        node.attrs["column-order"] = np.array(columns, dtype=object)
        put(node, "_index", list(index), "string-array", dtype=text)
        return node

    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        matrix = group(file, "X", "csr_matrix", "0.1.0")
        matrix.attrs["shape"] = counts.shape
        for name in ("data", "indices", "indptr"):
            values = getattr(counts, name)
            matrix.create_dataset(name, data=values, compression="gzip", compression_opts=1)
        of_cells = table("obs", cells, list(obs))
        for name, (codes, categories) in obs.items():
            column = group(of_cells, name, "categorical", "0.2.0")
            column.attrs["ordered"] = False
            put(column, "codes", codes.astype(np.int16), "array")
            put(column, "categories", list(categories), "string-array", dtype=text)
        of_genes = table("var", genes, ["gene_name"])
        put(of_genes, "gene_name", list(gene_names), "string-array", dtype=text)
