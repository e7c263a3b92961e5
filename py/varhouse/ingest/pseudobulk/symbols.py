"""Expression of genes known by symbol: the gene that a symbol names, also once genes come later."""

from __future__ import annotations

import duckdb

from varhouse.ingest.format import Issue
from varhouse.ingest.genes.lookup import ENSEMBL_GENE

SYMBOL_GENES = """(
    select gene_name as symbol, any_value(gene_id) as gene_id
    from raw.genes
    where gene_name is not null
    group by gene_name
    having count(distinct gene_id) = 1
)"""
"""FROM item of the symbols that name one gene, as they are written in the gene table."""


def is_symbol_sql(gene: str) -> str:
    """Return whether a gene of ``raw.pseudobulk`` is known by its symbol only."""
    return f"not regexp_full_match({gene}, '{ENSEMBL_GENE}')"


def resolve_symbols(con: duckdb.DuckDBPyConnection) -> list[Issue]:
    """Give expression that was loaded before its genes the ids of these genes.

    A symbol that names several genes stays, and so does one whose gene has values of the same
    donors and cell type already.

    Returns
    -------
    list of Issue
        ``gene_symbol_resolved`` and ``gene_symbol_kept`` with the numbers of symbols; empty when
        all expression is of genes with an id.
    """
    con.execute(f"""
        create or replace temp table expression_symbols as
        select load_id, gene_id as symbol
        from raw.pseudobulk_genes
        anti join raw.genes using (gene_id)
        where {is_symbol_sql("gene_id")}
    """)
    con.execute(f"""
        create or replace temp table resolved_symbols as
        select expression_symbols.load_id, symbol, symbol_genes.gene_id
        from expression_symbols
        inner join {SYMBOL_GENES} as symbol_genes using (symbol)
    """)
    _keep_colliding(con)
    found = [
        _issue(con, "gene_symbol_resolved", "resolved_symbols"),
        _issue(
            con,
            "gene_symbol_kept",
            "(from expression_symbols anti join resolved_symbols using (load_id, symbol))",
        ),
    ]
    if found[0].n:
        con.execute("""
            update raw.pseudobulk_genes as genes
            set gene_id = resolved_symbols.gene_id
            from resolved_symbols
            where
                genes.load_id = resolved_symbols.load_id
                and genes.gene_id = resolved_symbols.symbol
        """)
    con.execute("drop table temp.expression_symbols")
    con.execute("drop table temp.resolved_symbols")
    return [issue for issue in found if issue.n]


def _keep_colliding(con: duckdb.DuckDBPyConnection) -> None:
    """Leave out the symbols whose gene is there under its id, of a donor and type of the load."""
    con.execute("""
        delete from resolved_symbols
        using (
            with genes_there as (
                select load_id, gene_id
                from raw.pseudobulk_genes
                semi join resolved_symbols using (gene_id)
            ),

            loads_sharing_groups as (
                select distinct here.load_id, there.load_id as other_load_id
                from raw.pseudobulk_donors as here
                inner join raw.pseudobulk_donors as there
                    on here.cell_type = there.cell_type and here.donor_id = there.donor_id
            )

            select loads_sharing_groups.load_id, genes_there.gene_id
            from loads_sharing_groups
            inner join genes_there
                on loads_sharing_groups.other_load_id = genes_there.load_id
        ) as colliding
        where
            resolved_symbols.load_id = colliding.load_id
            and resolved_symbols.gene_id = colliding.gene_id
    """)


def _issue(con: duckdb.DuckDBPyConnection, code: str, rows: str) -> Issue:
    n, first = con.execute(f"select count(distinct symbol), min(symbol) from {rows}").fetchall()[0]
    return Issue(
        code=code,
        n=n,
        example=None if first is None else f"gene_name={first}",
        is_reject=False,
    )
