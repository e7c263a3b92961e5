"""Single cells: h5ad files, streamed into expression by cell type, gene and donor."""

from __future__ import annotations

from varhouse.ingest.cells.expression_pcs import store_expression_pcs
from varhouse.ingest.cells.load import load_cells
from varhouse.ingest.format import Format

# the components are those of the cells of all files
finish = store_expression_pcs

FORMATS: tuple[Format, ...] = (
    Format(
        name="h5ad",
        table="raw.pseudobulk",
        matches=lambda source: source.binary == "hdf5",
        load=load_cells,
        wants="AnnData in HDF5 with raw counts (in raw, layers['counts'] or X) and, in obs, "
        "columns for donor and cell type",
    ),
)
