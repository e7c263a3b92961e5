"""Sums of groups as rows of ``raw.pseudobulk``."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from varhouse.ingest.cells.gene_ids import GeneIds
from varhouse.ingest.cells.groups import Groups
from varhouse.ingest.cells.sums import GroupSums

# Values, zeros included, turned into rows at once: a few row groups of DuckDB.
_VALUES_AT_ONCE = 1 << 22


def store_groups(con: duckdb.DuckDBPyConnection, groups: Groups, load_id: int) -> None:
    """Write who has how many cells of which type."""
    _insert(
        con,
        "pseudobulk_donors",
        pa.table(
            {
                "cell_type": pa.array(groups.cell_types, pa.string()),
                "donor_id": pa.array(groups.donors, pa.string()),
                "n_cells": pa.array(groups.n_cells, pa.int32()),
                "load_id": _constant(load_id, len(groups.donors)),
            }
        ),
    )


def store_genes(
    con: duckdb.DuckDBPyConnection, genes: GeneIds, has_sum: bool, load_id: int
) -> None:
    """Write which genes were measured."""
    ids = np.sort(genes.ids[genes.kept])
    _insert(
        con,
        "pseudobulk_genes",
        pa.table(
            {
                "gene_id": pa.array(ids.tolist(), pa.string()),
                "has_sum": pa.array(np.full(ids.size, has_sum)),
                "load_id": _constant(load_id, ids.size),
            }
        ),
    )


def store_sums(
    con: duckdb.DuckDBPyConnection, sums: GroupSums, groups: Groups, genes: GeneIds, load_id: int
) -> None:
    """Write what is not zero, by cell type, gene and donor."""
    for table in _rows(sums, groups, genes, load_id):
        _insert(con, "pseudobulk", table)


def _rows(sums: GroupSums, groups: Groups, genes: GeneIds, load_id: int) -> Iterator[pa.Table]:
    order = np.argsort(genes.ids.astype(str), kind="stable")
    order = order[genes.kept[order]]
    end = sums.first + sums.values.shape[0]
    types = np.array(groups.cell_types[sums.first : end], dtype=object)
    donors = groups.donors[sums.first : end]
    n_cells = groups.n_cells[sums.first : end].astype(np.int32)
    bounds = np.flatnonzero(np.append(True, types[1:] != types[:-1])).tolist()
    for start, stop in zip(bounds, [*bounds[1:], types.size], strict=True):
        # names are converted once a table: only those of the table
        donor_names = pa.array(donors[start:stop], pa.string())
        n_donors = stop - start
        by_gene = np.ascontiguousarray(sums.values[start:stop].T)
        counts_by_gene = None
        if sums.counts is not None:
            counts_by_gene = np.ascontiguousarray(sums.counts[start:stop].T)
        step = max(1, _VALUES_AT_ONCE // n_donors)
        for at in range(0, order.size, step):
            columns = order[at : at + step]
            values = by_gene[columns].ravel()
            at_value = np.flatnonzero(values != 0)
            if at_value.size == 0:
                continue
            gene, donor = np.divmod(at_value.astype(np.int32), np.int32(n_donors))
            n_of_donor = n_cells[start:stop][donor]
            total = pa.nulls(gene.size, pa.float64())
            if counts_by_gene is not None:
                counts = counts_by_gene[columns].ravel()
                total = pa.array(counts[at_value].astype(np.float64))
            yield pa.table(
                {
                    "cell_type": _repeated(types[start], gene.size),
                    "gene_id": _named(gene, pa.array(genes.ids[columns].tolist(), pa.string())),
                    "donor_id": _named(donor, donor_names),
                    "sum": total,
                    "mean": values[at_value] / n_of_donor,
                    "n_cells": pa.array(n_of_donor, pa.int32()),
                    "load_id": _constant(load_id, gene.size),
                }
            )


def _named(codes: npt.NDArray[np.int32], names: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), names)


def _repeated(name: str, n: int) -> pa.DictionaryArray:
    return _named(np.zeros(n, dtype=np.int32), pa.array([name], pa.string()))


def _constant(value: int, n: int) -> pa.Array:
    return pa.array(np.full(n, value, dtype=np.int32))


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    con.register("incoming_rows", rows)
    try:
        con.execute(f"insert into raw.{table} by name select * from incoming_rows")
    finally:
        con.unregister("incoming_rows")
