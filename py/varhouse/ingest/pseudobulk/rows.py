"""Rows of pseudobulk tables as they are staged: judged, and compared with what is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.donors.register import donor_overlap
from varhouse.ingest.format import Issue, SourceFile
from varhouse.ingest.genes.lookup import report_unknown_genes
from varhouse.ingest.keys import integer_sql, missing_sql, number_sql
from varhouse.ingest.pseudobulk.symbols import SYMBOL_GENES, is_symbol_sql
from varhouse.ingest.records import case_sql


def create_incoming(con: duckdb.DuckDBPyConnection, rows: str) -> None:
    """Create ``incoming`` from a query of the columns of ``pseudobulk``, numbers as text."""
    rejects = {
        "ragged_row": "is_ragged",
        "value_not_a_number": "mean_is_text or sum_is_text",
        "value_missing": "mean is null and sum is null",
        "value_not_finite": "not isfinite(mean) or not isfinite(sum)",
        "cell_type_missing": "cell_type is null",
        "gene_id_missing": "gene_id is null",
        "donor_id_missing": "donor_id is null",
    }
    notes = {
        "sum_negative": "sum < 0",
        "n_cells_unreadable": "n_cells_given is not null and coalesce(n_cells, 0) < 1",
    }
    con.execute(f"""
        create or replace temp table incoming as
        with numbers as (
            select
                *,
                {number_sql("mean_text")} as mean,
                {number_sql("sum_text")} as sum,
                {missing_sql("n_cells_text")} as n_cells_given,
                try_cast({integer_sql("n_cells_text")} as integer) as n_cells
            from ({rows})
        ),

        judged as (
            select
                *,
                -- a CASE looks at the text of those values only that are no numbers
                case when mean is null then {missing_sql("mean_text")} is not null else false end
                    as mean_is_text,
                case when sum is null then {missing_sql("sum_text")} is not null else false end
                    as sum_is_text
            from numbers
        )

        select
            line,
            {case_sql(rejects)} as reject,
            {case_sql(notes)} as note,
            cell_type,
            gene_id,
            donor_id,
            sum,
            mean,
            case when n_cells >= 1 then n_cells end as n_cells
        from judged
    """)


def refuse_repeated_genes(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    """Refuse a gene that stands in two lines of ``matrix_genes``.

    Raises
    ------
    DataError
        Names the first such gene, and its lines.
    """
    twice = con.execute(
        "select gene_id, list_sort(list(line)), count(*) over () from matrix_genes "
        "where gene_id is not null group by gene_id having count(*) > 1 order by min(line) limit 1"
    ).fetchone()
    if twice:
        raise DataError(
            f"{source.path}: gene {twice[0]} stands in lines {_some(twice[1])} "
            f"({twice[2]} such genes). Versions of gene ids do not count."
        )


def refuse_repeated(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    """Refuse two values of one gene, cell type and donor in ``incoming``.

    Raises
    ------
    DataError
        Names the first such gene and cell type, and the lines.
    """
    twice = con.execute("""
        select cell_type, gene_id, list_sort(list(line)), count(*) over ()
        from incoming
        where reject is null
        group by cell_type, gene_id, donor_id
        having count(*) > 1 and gene_id is not null and donor_id is not null
        order by min(line), cell_type, gene_id
        limit 1
    """).fetchone()
    if twice:
        cell_type, gene_id, lines, n_keys = twice
        raise DataError(
            f"{source.path}: gene {gene_id} in cell type {cell_type} has two values of one donor, "
            f"in lines {_some(lines)} ({n_keys} such cases). Versions of gene ids do not count."
        )


def _some(lines: Sequence[int]) -> str:
    return " and ".join(str(line) for line in lines[:4])


def compare_with_known(
    con: duckdb.DuckDBPyConnection, source: SourceFile, id_map: Path | None
) -> None:
    """Refuse what is there already; compare donors, and genes but for symbols.

    Symbols are looked up once everything is stored.

    Raises
    ------
    DataError
        A gene and cell type have values of the same donors from another file.
    """
    known = con.execute(f"""
        with measured as (
            select
                incoming.gene_id,
                incoming.cell_type,
                groups.load_id,
                groups.group_idx,
                genes.gene_idx,
                genes.zeros_left_out
            from incoming
            inner join raw.pseudobulk_donors as groups
                on
                    incoming.donor_id = groups.donor_id
                    and incoming.cell_type = groups.cell_type
            -- an earlier load's symbols are gene ids by now
            left join {SYMBOL_GENES} as symbol_genes on incoming.gene_id = symbol_genes.symbol
            inner join raw.pseudobulk_genes as genes
                on groups.load_id = genes.load_id
                    and coalesce(symbol_genes.gene_id, incoming.gene_id) = genes.gene_id
        ),

        already as (
            select gene_id, cell_type, load_id
            from measured
            where zeros_left_out
            union all
            select measured.gene_id, measured.cell_type, measured.load_id
            from measured
            semi join raw.pseudobulk as pseudobulk
                on
                    measured.group_idx = pseudobulk.group_idx
                    and measured.gene_idx = pseudobulk.gene_idx
        )

        select already.gene_id, already.cell_type, load_manifest.file
        from already
        left join load_manifest on already.load_id = load_manifest.load_id
        order by all
        limit 1
    """).fetchone()
    if known:
        raise DataError(
            f"{source.path}: gene {known[0]} in cell type {known[1]} has values of the same donors "
            f"from {known[2]}. Name another cell type, or use another --db."
        )
    issues = donor_overlap(
        con,
        "select donor_id from incoming where reject is null",
        f"{source.path}: its donors",
        id_map=id_map,
    )
    for issue in issues:
        note(con, issue)
    report_unknown_genes(con, f"(from incoming where not ({is_symbol_sql('gene_id')}))")


def note(con: duckdb.DuckDBPyConnection, issue: Issue) -> None:
    """Add something that is told of the file as a whole to ``incoming_issues``."""
    values = [issue.code, issue.message, issue.n]
    con.execute("insert into incoming_issues values (null, ?, ?, ?, null)", values)
