"""Expression by cell type, gene and donor put into the raw tables, names turned to numbers."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
from tests.rows import add_rows

Group = tuple[str, str, int | None]
"""Cell type, donor, number of cells."""
Value = tuple[str, str, str, float | None, float]
"""Cell type, gene, donor, sum, mean."""


def add_expression(
    con: duckdb.DuckDBPyConnection,
    *,
    groups: Sequence[Group],
    genes: Sequence[str] = (),
    values: Sequence[Value] = (),
    zeros_left_out: bool = True,
    load_id: int = 1,
) -> None:
    """Add the rows of a load."""
    (first_group, first_gene), *_ = con.execute(
        "select (select count(*) from raw.pseudobulk_donors), "
        "(select count(*) from raw.pseudobulk_genes)"
    ).fetchall()
    group_idx = {group[:2]: idx for idx, group in enumerate(groups, start=first_group)}
    gene_idx = {gene: idx for idx, gene in enumerate(genes, start=first_gene)}
    has_sum = any(value[3] is not None for value in values)
    for table, rows in (
        ("pseudobulk_donors", [(group_idx[group[:2]], *group, load_id) for group in groups]),
        (
            "pseudobulk_genes",
            [(gene_idx[gene], gene, zeros_left_out, has_sum, load_id) for gene in genes],
        ),
        (
            "pseudobulk",
            [
                (group_idx[cell_type, donor], gene_idx[gene], total, mean)
                for cell_type, gene, donor, total, mean in values
            ],
        ),
    ):
        add_rows(con, f"raw.{table}", rows)
