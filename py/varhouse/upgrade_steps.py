"""What the rows of older raw tables become where copying columns of the same name will not do."""

from __future__ import annotations

from typing import NamedTuple

KEPT_AS = "{}__before_upgrade"
"""Name of an older table while its rows move."""


class Step(NamedTuple):
    """Rows of several tables that change together.

    Attributes
    ----------
    tables
        Names in the schema ``raw``; all of them were there, as `KEPT_AS` while ``sql`` runs.
    column
        What the first of them had then and has not today.
    sql
        Fills the tables of today, which are empty.
    """

    tables: tuple[str, ...]
    column: str
    sql: str


STEPS = (
    Step(
        tables=("pseudobulk", "pseudobulk_donors", "pseudobulk_genes"),
        column="gene_id",
        # names of cell types, donors and genes beside each value became numbers
        sql="""
            insert into raw.pseudobulk_donors by name
            with named as (
                select cell_type, donor_id, n_cells, load_id
                from raw.pseudobulk_donors__before_upgrade
                union all
                select cell_type, donor_id, max(n_cells), load_id
                from raw.pseudobulk__before_upgrade
                group by cell_type, donor_id, load_id
            )

            select
                row_number() over (order by load_id, cell_type, donor_id) - 1 as group_idx,
                cell_type,
                donor_id,
                max(n_cells) as n_cells,
                load_id
            from named
            group by cell_type, donor_id, load_id
            order by group_idx;

            insert into raw.pseudobulk_genes by name
            with named as (
                select gene_id, true as zeros_left_out, has_sum, load_id
                from raw.pseudobulk_genes__before_upgrade
                union all
                select gene_id, false, bool_or(sum is not null), load_id
                from raw.pseudobulk__before_upgrade
                group by gene_id, load_id
            )

            select
                row_number() over (order by load_id, gene_id) - 1 as gene_idx,
                gene_id,
                bool_or(zeros_left_out) as zeros_left_out,
                bool_or(has_sum) as has_sum,
                load_id
            from named
            group by gene_id, load_id
            order by gene_idx;

            insert into raw.pseudobulk
            select donors.group_idx, genes.gene_idx, before.sum, before.mean
            from raw.pseudobulk__before_upgrade as before
            inner join raw.pseudobulk_donors as donors
                using (cell_type, donor_id, load_id)
            inner join raw.pseudobulk_genes as genes
                using (gene_id, load_id)
            order by before.load_id, donors.cell_type, genes.gene_idx, donors.group_idx;
        """,
    ),
)
