"""Numbers that stand for groups of cells and for genes in ``raw.pseudobulk``."""

from __future__ import annotations

import duckdb


def next_group(con: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the first group of a new load."""
    return _next(con, "pseudobulk_donors", "group_idx")


def next_gene(con: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the first gene of a new load."""
    return _next(con, "pseudobulk_genes", "gene_idx")


def _next(con: duckdb.DuckDBPyConnection, table: str, column: str) -> int:
    ((number,),) = con.execute(f"select coalesce(max({column}) + 1, 0) from raw.{table}").fetchall()
    return int(number)
