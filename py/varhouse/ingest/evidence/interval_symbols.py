"""Rows of published intervals: symbols to genes, what is too far away, the rows to load."""

from __future__ import annotations

import duckdb

from varhouse.ingest.evidence.interval_rows import feature_columns, reject_repeated
from varhouse.ingest.keys import chrom_sql
from varhouse.ingest.records import drop_records
from varhouse.sql_text import text_literal


def near_gene(limit_bp: float) -> dict[str, str]:
    """Return the reasons to reject a row as too far from its gene, as SQL conditions."""
    # Twice the midpoint is a whole number, so that the limit falls where it should.
    return {
        "other_chromosome": "gene_chrom <> chrom",
        "too_far_from_gene": f"abs(start_pos + end_pos - 2 * tss_pos) >= {2 * limit_bp}",
    }


def resolve_symbols(con: duckdb.DuckDBPyConnection, *, with_synonyms: bool) -> None:
    """Create ``symbol_genes(symbol, contig, gene_id, n_genes)`` for the symbols of ``named_rows``.

    ``gene_id`` is NULL where no gene, or no one gene, bears the symbol.
    """
    synonyms = """
        union all
        select distinct
            synonym_rows.symbol,
            synonym_rows.gene_id,
            synonym_rows.chrom
        from (
            select upper(unnest(synonyms)) as symbol, gene_id, chrom from raw.genes
        ) as synonym_rows
        anti join official
            on synonym_rows.symbol = official.symbol
    """
    con.execute(f"""
        create or replace temp table symbol_genes as
        with official as (
            select upper(gene_name) as symbol, gene_id, chrom
            from raw.genes
            where gene_name is not null
        ),

        names as (
            select symbol, gene_id, chrom from official
            {synonyms if with_synonyms else ""}
        ),

        wanted as (
            select distinct upper(symbol) as symbol, contig, {chrom_sql("contig")} as chrom
            from named_rows
        )

        select
            wanted.symbol,
            wanted.contig,
            count(names.gene_id) as n_genes,
            case
                when count(names.gene_id) = 1 then min(names.gene_id)
                when count(names.gene_id) filter (names.chrom = wanted.chrom) = 1
                    then min(names.gene_id) filter (names.chrom = wanted.chrom)
            end as gene_id
        from wanted
        left join names
            on wanted.symbol = names.symbol
        group by wanted.symbol, wanted.contig
    """)


def resolved_rows(*, type_id: str, source_id: str, feature: str | None, score_text: str) -> str:
    """Return the rows of ``named_rows`` with their genes; ``feature`` None reads ``biofeature``."""
    features = (
        f"{feature} as feature, null as note"
        if feature
        else feature_columns("named_rows.biofeature")
    )
    codes = (
        ""
        if feature
        else "left join feature_codes on named_rows.biofeature = feature_codes.biofeature"
    )
    return f"""
        select
            named_rows.line,
            named_rows.is_ragged,
            named_rows.contig,
            named_rows.start_text,
            named_rows.end_text,
            symbol_genes.gene_id,
            coalesce(genes.gene_name, named_rows.symbol) as gene_name,
            case
                when symbol_genes.gene_id is not null then null
                when symbol_genes.n_genes > 1 then 'ambiguous_gene_symbol'
                when named_rows.symbol <> '' then 'unknown_gene'
            end as gene_reject,
            genes.chrom as gene_chrom,
            genes.tss_pos,
            {text_literal(type_id)} as type_id,
            {text_literal(source_id)} as source_id,
            {features},
            {score_text} as score_text
        from named_rows
        left join symbol_genes
            on
                upper(named_rows.symbol) = symbol_genes.symbol
                and named_rows.contig is not distinct from symbol_genes.contig
        left join raw.genes as genes
            on symbol_genes.gene_id = genes.gene_id
        {codes}
    """


def reject_beyond_deviations(con: duckdb.DuckDBPyConnection, n_deviations: int) -> None:
    """Reject rows farther from their gene than so many standard deviations of that distance.

    In whole numbers, so that no order of rows changes the outcome: with d twice the distance and
    n rows, d > k sd is d^2 n (n - 1) > k^2 (n sum d^2 - (sum d)^2). Nothing is far
    where there is no spread.
    """
    con.execute(f"""
        update incoming
        set reject = 'too_far_from_gene'
        from (
            with distances as (
                select
                    incoming.rowid as row_number,
                    abs(
                        incoming.start_pos::bigint + incoming.end_pos
                        - genes.start_pos - genes.end_pos
                    )::hugeint as distance
                from incoming
                inner join raw.genes as genes
                    on incoming.gene_id = genes.gene_id
                where incoming.reject is null
            ),

            totals as (
                select
                    count(*)::hugeint as n,
                    sum(distance)::hugeint as total,
                    sum(distance * distance)::hugeint as total_of_squares
                from distances
            )

            select distances.row_number
            from distances
            cross join totals
            where
                totals.n * totals.total_of_squares > totals.total * totals.total
                and distances.distance * distances.distance * totals.n * (totals.n - 1)
                > {n_deviations**2}
                * (totals.n * totals.total_of_squares - totals.total * totals.total)
        ) as far_rows
        where incoming.rowid = far_rows.row_number
    """)


def finish(con: duckdb.DuckDBPyConnection) -> None:
    """Reject repeated rows, and drop the temp tables on the way to them."""
    reject_repeated(con)
    for name in ("named_rows", "symbol_genes", "feature_codes"):
        con.execute(f"drop table if exists temp.{name}")
    drop_records(con)
