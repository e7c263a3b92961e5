"""Single cells: h5ad files, streamed into expression by cell type, gene and donor."""

from __future__ import annotations

import duckdb

from varhouse.ingest.cells.expression_pcs import store_expression_pcs
from varhouse.ingest.cells.load import load_cells
from varhouse.ingest.format import Format, SourceFile


def _is_h5ad(source: SourceFile) -> bool:
    return source.binary == "hdf5"


FORMATS: tuple[Format, ...] = (
    Format(
        name="h5ad",
        table="raw.pseudobulk",
        matches=_is_h5ad,
        load=load_cells,
        wants="AnnData in HDF5 with raw counts (in raw, layers['counts'] or X) and, in obs, "
        "columns for donor and cell type",
    ),
)


def finish(con: duckdb.DuckDBPyConnection) -> None:
    """Compute what depends on the cells of all files."""
    store_expression_pcs(con)
