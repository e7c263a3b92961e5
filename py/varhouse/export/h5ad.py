"""Pseudobulk as AnnData: a row for each cell type and donor, a column for each gene."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import duckdb
import numpy as np

from varhouse import __version__
from varhouse.errors import DataError, UsageError
from varhouse.h5ad import new_group, new_table, write_array, write_categories, write_texts
from varhouse.output import whole_file

_BATCH = 1 << 18
_CHUNK = 1 << 16

_GROUPS = """
    create or replace temp table exported_groups as
    select
        cast(row_number() over (order by cell_type, donor_id) - 1 as integer) as group_idx,
        cell_type,
        donor_id,
        max(n_cells) as n_cells
    from raw.pseudobulk_donors
    group by cell_type, donor_id
"""
_GENES = """
    create or replace temp table exported_genes as
    select
        cast(row_number() over (order by measured.gene_id) - 1 as integer) as gene_idx,
        measured.gene_id,
        coalesce(min(genes.gene_name), '') as gene_name
    from raw.pseudobulk_genes as measured
    left join raw.genes on measured.gene_id = genes.gene_id
    group by measured.gene_id
"""
# What is not zero, and what was not measured: a gene of one load is not in the groups of another.
_VALUES = """
    select
        exported_groups.group_idx,
        exported_genes.gene_idx,
        coalesce(pseudobulk.sum, 'nan') as sum,
        coalesce(pseudobulk.mean, 'nan') as mean
    from exported_groups
    cross join exported_genes
    left join pseudobulk
        on exported_groups.cell_type = pseudobulk.cell_type
        and exported_groups.donor_id = pseudobulk.donor_id
        and exported_genes.gene_id = pseudobulk.gene_id
    where
        coalesce(pseudobulk.sum, 'nan') <> 0
        or coalesce(pseudobulk.mean, 'nan') <> 0
    order by exported_groups.group_idx, exported_genes.gene_idx
"""


class AnnDataWritten(NamedTuple):
    """What `write_anndata` wrote."""

    n_groups: int
    n_genes: int
    n_values: int


def write_anndata(con: duckdb.DuckDBPyConnection, out: Path) -> AnnDataWritten:
    """Write ``X``, the sums of raw counts, and ``layers['mean']``; CSR, NaN for not measured.

    ``obs`` has cell_type, donor_id and n_cells, ``var`` the gene_name. Streams the values.

    Raises
    ------
    DataError
        There is no pseudobulk.
    UsageError
        h5py is not installed, or the folder does not exist.
    """
    h5py = _h5py()
    con.execute(_GROUPS)
    con.execute(_GENES)
    try:
        groups = con.sql("from exported_groups order by group_idx").to_arrow_table()
        genes = con.sql("from exported_genes order by gene_idx").to_arrow_table()
        if groups.num_rows == 0 or genes.num_rows == 0:
            raise DataError(
                "the warehouse has no pseudobulk to export; load some (varhouse load cells FILE)."
            )
        shape = (groups.num_rows, genes.num_rows)
        with whole_file(out) as part, h5py.File(part, "w") as file:
            file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
            n_values = _write_matrices(con, file, shape)
            donors, types = groups["donor_id"].to_pylist(), groups["cell_type"].to_pylist()
            obs = new_table(
                file,
                "obs",
                [f"{cell_type}|{donor}" for cell_type, donor in zip(types, donors, strict=True)],
                ["cell_type", "donor_id", "n_cells"],
            )
            for name, values in (("cell_type", types), ("donor_id", donors)):
                names, codes = np.unique(np.array(values), return_inverse=True)
                write_categories(obs, name, codes.astype(np.int32), names.tolist())
            write_array(obs, "n_cells", groups["n_cells"].cast("float64").to_numpy())
            var = new_table(file, "var", genes["gene_id"].to_pylist(), ["gene_name"])
            write_texts(var, "gene_name", genes["gene_name"].to_pylist())
            uns = new_group(file, "uns", "dict", "0.1.0")
            text = h5py.string_dtype()
            write_array(uns, "varhouse_version", __version__, "string", dtype=text)
    finally:
        con.execute("drop table temp.exported_groups")
        con.execute("drop table temp.exported_genes")
    return AnnDataWritten(*shape, n_values)


def _h5py() -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise UsageError(
            "h5ad files are written with h5py, which is not installed: pip install 'varhouse[sc]'."
        ) from error
    module: ModuleType = h5py
    return module


def _write_matrices(con: duckdb.DuckDBPyConnection, file: Any, shape: tuple[int, int]) -> int:
    layers = new_group(file, "layers", "dict", "0.1.0")
    # no value stands for 0 in both, so that they share their places
    matrices = {"sum": _new_matrix(file, "X", shape), "mean": _new_matrix(layers, "mean", shape)}
    n_of_group = np.zeros(shape[0], dtype=np.int64)
    n_values = 0
    for batch in con.sql(_VALUES).to_arrow_reader(_BATCH):
        group, gene = batch["group_idx"].to_numpy(), batch["gene_idx"].to_numpy()
        n_of_group += np.bincount(group, minlength=shape[0])
        for name, matrix in matrices.items():
            for part, values in (("data", batch[name].to_numpy()), ("indices", gene)):
                matrix[part].resize((n_values + len(group),))
                matrix[part][n_values:] = values
        n_values += len(group)
    bounds = np.concatenate([[0], np.cumsum(n_of_group)])
    for matrix in matrices.values():
        matrix.create_dataset("indptr", data=bounds)
    return n_values


def _new_matrix(parent: Any, name: str, shape: tuple[int, int]) -> Any:
    group = new_group(parent, name, "csr_matrix", "0.1.0", shape=shape)
    for part, kind in (("data", np.float64), ("indices", np.int32)):
        group.create_dataset(
            part, (0,), kind, maxshape=(None,), chunks=(_CHUNK,), compression="gzip"
        )
    return group
