"""The gene table as the loaders of QTL and intervals need it: is it there, who is not in it."""

from __future__ import annotations

import re

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.format import SourceFile

ENSEMBL_GENE = "ENS[A-Z]*G[0-9]+(_PAR_Y)?"
"""Whole-text pattern of an unversioned Ensembl gene id."""

VERSIONED_GENE = re.compile(r"(ENS[A-Z]*G[0-9]+)(?:\.[0-9]+(?:_[0-9]+)?)?(_PAR_Y)?")
"""The same with a version, as `gene_id_sql` takes it off: what stands before it, and behind."""


def has_genes(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether any gene has been loaded."""
    return con.execute("select 1 from raw.genes limit 1").fetchone() is not None


def require_genes(con: duckdb.DuckDBPyConnection, source: SourceFile, need: str) -> None:
    """Refuse a file whose genes can only be told with the gene table.

    Raises
    ------
    DataError
        No genes are loaded; ``need`` completes "its rows name genes by ...".
    """
    if not has_genes(con):
        raise DataError(
            f"{source.path}: its rows name genes by {need}, and no genes are loaded. "
            "Load a gene table of the same build first: varhouse load genes FILE."
        )


def report_unknown_genes(con: duckdb.DuckDBPyConnection, rows: str = "incoming") -> None:
    """Count the good rows of ``incoming`` whose gene is not in the gene table, if there is one.

    ``rows`` is a FROM item, for some of them only.

    They are kept: the table may be loaded, or completed, later, and the outcome of a load should
    not depend on the order of loads. The models leave out what has no gene.
    """
    if not has_genes(con):
        return
    con.execute(f"""
        insert into incoming_issues
        select
            min(incoming.line),
            'unknown_gene',
            'the gene is not in the gene table; the row is kept, but cannot be scored without it',
            count(*),
            arg_min(incoming.gene_id, incoming.line)
        from {rows} as incoming
        anti join raw.genes
            on incoming.gene_id = genes.gene_id
        where incoming.reject is null
        having count(*) > 0
    """)
