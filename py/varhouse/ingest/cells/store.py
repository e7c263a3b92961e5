"""Sums of groups as rows of ``raw.pseudobulk``."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from varhouse.ingest.cells.gene_ids import GeneIds, columns_by_id
from varhouse.ingest.cells.groups import Groups
from varhouse.ingest.cells.sums import GroupSums
from varhouse.ingest.pseudobulk.numbers import next_gene, next_group

# Values, zeros included, turned into rows at once: about one row group of DuckDB, or a few.
_VALUES_AT_ONCE = 1 << 20


def store_groups(con: duckdb.DuckDBPyConnection, groups: Groups, load_id: int) -> int:
    """Write who has how many cells of which type; return the number of the first group."""
    first = next_group(con)
    n_groups = len(groups.donors)
    _insert(
        con,
        "pseudobulk_donors",
        pa.table(
            {
                "group_idx": np.arange(first, first + n_groups, dtype=np.int32),
                "cell_type": pa.array(groups.cell_types, pa.string()),
                "donor_id": pa.array(groups.donors, pa.string()),
                "n_cells": pa.array(groups.n_cells, pa.int32()),
                "load_id": pa.repeat(load_id, n_groups),
            }
        ),
    )
    return first


def store_genes(con: duckdb.DuckDBPyConnection, genes: GeneIds, has_sum: bool, load_id: int) -> int:
    """Write which genes were measured, by id; return the number of the first."""
    first = next_gene(con)
    ids = genes.ids[columns_by_id(genes)]
    _insert(
        con,
        "pseudobulk_genes",
        pa.table(
            {
                "gene_idx": np.arange(first, first + ids.size, dtype=np.int32),
                "gene_id": pa.array(ids.tolist(), pa.string()),
                "zeros_left_out": pa.repeat(True, ids.size),
                "has_sum": pa.repeat(has_sum, ids.size),
                "load_id": pa.repeat(load_id, ids.size),
            }
        ),
    )
    return first


def store_sums(
    con: duckdb.DuckDBPyConnection,
    sums: GroupSums,
    groups: Groups,
    genes: GeneIds,
    *,
    first_group: int,
    first_gene: int,
) -> None:
    """Write what is not zero, by cell type, gene and donor.

    Parameters
    ----------
    first_group, first_gene
        Numbers of the first group and gene of the load.
    """
    for table in _rows(sums, groups, columns_by_id(genes), first_group, first_gene):
        _insert(con, "pseudobulk", table)


def _rows(
    sums: GroupSums,
    groups: Groups,
    columns: npt.NDArray[np.int64],
    first_group: int,
    first_gene: int,
) -> Iterator[pa.Table]:
    end = sums.first + sums.values.shape[0]
    types = np.array(groups.cell_types[sums.first : end], dtype=object)
    n_cells = groups.n_cells[sums.first : end]
    bounds = np.flatnonzero(np.append(True, types[1:] != types[:-1])).tolist()
    for start, stop in zip(bounds, [*bounds[1:], types.size], strict=True):
        n_donors = stop - start
        step = max(1, _VALUES_AT_ONCE // n_donors)
        for at in range(0, columns.size, step):
            chosen = columns[at : at + step]
            values = sums.values[start:stop, chosen].T.ravel()
            at_value = np.flatnonzero(values)
            if at_value.size == 0:
                continue
            gene, donor = np.divmod(at_value.astype(np.int32), np.int32(n_donors))
            total = pa.nulls(gene.size, pa.float64())
            if sums.counts is not None:
                total = pa.array(sums.counts[start:stop, chosen].T.ravel()[at_value])
            yield pa.table(
                {
                    "group_idx": donor + np.int32(first_group + sums.first + start),
                    "gene_idx": gene + np.int32(first_gene + at),
                    "sum": total,
                    "mean": values[at_value] / n_cells[start:stop][donor],
                }
            )


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    # a registered table would stay in memory until the transaction ends, unregistered or not
    con.from_arrow(rows).insert_into(f"raw.{table}")
