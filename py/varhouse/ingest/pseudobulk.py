"""Expression by cell type, gene and donor, as tables that another tool made."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.donor_values import DONOR_COLUMNS, donor_column
from varhouse.ingest.donors import add_donors, create_donor_meanings, donor_overlap, read_id_map
from varhouse.ingest.expression_numbers import next_gene, next_group
from varhouse.ingest.expression_symbols import SYMBOL_GENES, is_symbol_sql, resolve_symbols
from varhouse.ingest.format import Format, Issue, LoadOptions, SourceFile
from varhouse.ingest.gene_lookup import report_unknown_genes
from varhouse.ingest.interval_rows import default_sql
from varhouse.ingest.keys import gene_id_sql, integer_sql, missing_sql, number_sql, text_literal
from varhouse.ingest.matrix import (
    MATRIX_CELLS,
    create_column_names,
    drop_matrix,
    matrix_column,
    stage_matrix,
)
from varhouse.ingest.reading import PANDAS_INDEX, is_row_labels, shown_names
from varhouse.ingest.records import (
    Columns,
    case_sql,
    column_names,
    create_records,
    drop_records,
    has_columns,
    refuse_ragged,
)

_LONG: Columns = {
    "cell_type": ("cell_type", "celltype", "cell_label", "cluster"),
    "gene": ("gene_id", "gene", "ensembl_id", "phenotype_id", "feature_id"),
    "donor": DONOR_COLUMNS,
    "sum": ("sum", "counts", "count", "total"),
    "mean": ("mean", "mean_expression", "expression", "value"),
    "n_cells": ("n_cells", "ncells", "num_cells"),
}
_GENE_COLUMNS = (*_LONG["gene"], "", PANDAS_INDEX)  # best first
_BED_GENE_COLUMNS = ("phenotype_id", "gene_id", "pid", "id", "targetid")
_BED_OTHERS = ("gid", "strand", "score")  # of QTL mappers, between the gene and the donors


def _stage_long(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    ids = ("donor", "cell_type")
    found = create_records(con, source, _LONG, required=("gene", "donor"), ids=ids)
    if not {"sum", "mean"} & found:
        raise DataError(
            f"{source.path}: no column of values; wanted is sum or mean. Columns found: "
            f"{shown_names(source.columns)}."
        )
    if "cell_type" not in found:
        _require_cell_type(source, options)
    create_donor_meanings(con, options.id_map)
    _create_incoming(
        con,
        f"""
        select
            records.line,
            {default_sql("records.cell_type", options.feature)} as cell_type,
            {gene_id_sql("records.gene")} as gene_id,
            coalesce(donor_meanings.meant, {missing_sql("records.donor")}) as donor_id,
            records.sum as sum_text,
            records.mean as mean_text,
            records.n_cells as n_cells_text,
            records.is_ragged
        from records
        left join donor_meanings on trim(records.donor) = donor_meanings.donor_text
        """,
    )
    con.execute("drop table temp.donor_meanings")
    drop_records(con)
    refuse_ragged(con, source)
    _refuse_repeated(con, source)
    _compare(con, source)


def _stage_wide(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    names = column_names(source)
    gene_at = next((names.index(name) for name in _GENE_COLUMNS if name in names), 0)
    # elsewhere than in front, a column without a name is a donor without one, and rejected
    labels = (at for at, name in enumerate(names) if is_row_labels(name) and (name or not at))
    _stage_donor_columns(con, source, options, gene_at=gene_at, others={gene_at, *labels})


def _stage_bed(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    names = column_names(source)
    n_before = 4
    while n_before < len(names) and names[n_before] in _BED_OTHERS:
        n_before += 1
    _stage_donor_columns(con, source, options, gene_at=3, others=range(n_before))


def _stage_donor_columns(
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    options: LoadOptions,
    *,
    gene_at: int,
    others: Collection[int],
) -> None:
    """Stage a table with a gene a line and a donor a column, but for the columns ``others``."""
    cell_type = _require_cell_type(source, options)
    meant = read_id_map(options.id_map)
    donors = [
        None if place in others else meant.get(name.strip(), name.strip())
        for place, name in enumerate(source.columns)
    ]
    twice = next((donor for donor in donors if donor and donors.count(donor) > 1), None)
    if twice:
        columns = [str(place) for place, donor in enumerate(donors, start=1) if donor == twice]
        raise DataError(
            f"{source.path}: donor {twice} occurs in columns {' and '.join(columns)}; keep one."
        )
    stage_matrix(con, source)
    create_column_names(con, donors)
    con.execute(f"""
        create or replace temp table matrix_genes as
        select line, {gene_id_sql("value")} as gene_id from {matrix_column(gene_at + 1)}
    """)
    _refuse_repeated_genes(con, source)
    _create_incoming(
        con,
        f"""
        select
            cells.line,
            {text_literal(cell_type)} as cell_type,
            matrix_genes.gene_id,
            nullif(matrix_columns.name, '') as donor_id,
            cast(null as varchar) as sum_text,
            cells.value as mean_text,
            cast(null as varchar) as n_cells_text,
            false as is_ragged
        from {MATRIX_CELLS} as cells
        inner join matrix_columns on cells.number = matrix_columns.number
        inner join matrix_genes on cells.line = matrix_genes.line
        """,
    )
    drop_matrix(con)
    con.execute("drop table temp.matrix_columns")
    con.execute("drop table temp.matrix_genes")
    _compare(con, source)


def _require_cell_type(source: SourceFile, options: LoadOptions) -> str:
    if not options.feature:
        raise DataError(
            f"{source.path}: nothing says which cell type its values are of; give --feature NAME."
        )
    return options.feature


def _create_incoming(con: duckdb.DuckDBPyConnection, rows: str) -> None:
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


def _refuse_repeated_genes(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    twice = con.execute(
        "select gene_id, list_sort(list(line)), count(*) over () from matrix_genes "
        "where gene_id is not null group by gene_id having count(*) > 1 order by min(line) limit 1"
    ).fetchone()
    if twice:
        raise DataError(
            f"{source.path}: gene {twice[0]} stands in lines {_some(twice[1])} "
            f"({twice[2]} such genes). Versions of gene ids do not count."
        )


def _refuse_repeated(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
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


def _compare(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    """Refuse what is there already; compare donors, and genes but for symbols: see `finish`."""
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
        con, "select donor_id from incoming where reject is null", f"{source.path}: its donors"
    )
    for issue in issues:
        con.execute(
            "insert into incoming_issues values (null, ?, ?, ?, null)",
            [issue.code, issue.message, issue.n],
        )
    report_unknown_genes(con, f"(from incoming where not ({is_symbol_sql('gene_id')}))")


def store(con: duckdb.DuckDBPyConnection, source: SourceFile, load_id: int) -> dict[str, int]:
    """Append the accepted rows to ``raw.pseudobulk``, their groups and genes to those tables."""
    accepted = "(select * from incoming_judged where reject is null)"
    con.execute(f"""
        insert into raw.pseudobulk_donors by name
        select
            {next_group(con)} - 1 + row_number() over (order by cell_type, donor_id) as group_idx,
            cell_type,
            donor_id,
            max(n_cells) as n_cells,
            {load_id} as load_id
        from {accepted}
        group by cell_type, donor_id
        order by group_idx
    """)
    con.execute(f"""
        insert into raw.pseudobulk_genes by name
        select
            {next_gene(con)} - 1 + row_number() over (order by gene_id) as gene_idx,
            gene_id,
            false as zeros_left_out,
            bool_or(sum is not null) as has_sum,
            {load_id} as load_id
        from {accepted}
        group by gene_id
        order by gene_idx
    """)
    con.execute(f"""
        insert into raw.pseudobulk by name
        select groups.group_idx, genes.gene_idx, accepted.sum, accepted.mean
        from {accepted} as accepted
        inner join raw.pseudobulk_donors as groups
            on
                groups.load_id = {load_id}
                and accepted.cell_type = groups.cell_type
                and accepted.donor_id = groups.donor_id
        inner join raw.pseudobulk_genes as genes
            on genes.load_id = {load_id} and accepted.gene_id = genes.gene_id
        order by groups.cell_type, genes.gene_idx, groups.group_idx
    """)
    add_donors(con, f"select donor_id from {accepted}", load_id)
    return {}


def finish(con: duckdb.DuckDBPyConnection) -> list[Issue]:
    """Look the genes up that are known by symbol."""
    return resolve_symbols(con)


def _is_long(source: SourceFile) -> bool:
    return has_columns(source, _LONG, ("gene", "donor")) and any(
        has_columns(source, _LONG, (name,)) for name in ("sum", "mean")
    )


def _is_bed(source: SourceFile) -> bool:
    names = column_names(source)
    return (
        len(names) > 4
        and names[0] in ("chr", "chrom")
        and names[1:3] == ("start", "end")
        and names[3] in _BED_GENE_COLUMNS
    )


def _is_wide(source: SourceFile) -> bool:
    names = column_names(source)
    return (
        len(names) > 1
        and not set(_GENE_COLUMNS).isdisjoint(names)
        and not (_is_long(source) or _is_bed(source) or donor_column(source))
    )


FORMATS: tuple[Format, ...] = (
    Format(
        name="pseudobulk",
        table="raw.pseudobulk",
        matches=_is_long,
        stage=_stage_long,
        wants="a value a line: gene_id, donor_id, mean or sum or both; cell_type (or --feature); "
        "n_cells if known",
    ),
    Format(
        name="pseudobulk-bed",
        table="raw.pseudobulk",
        matches=_is_bed,
        stage=_stage_bed,
        wants="#chr, start, end, phenotype_id, then a column of means for each donor, as for "
        "tensorQTL; needs --feature",
    ),
    Format(
        name="pseudobulk-wide",
        table="raw.pseudobulk",
        matches=_is_wide,
        stage=_stage_wide,
        wants="gene_id, then a column of means for each donor; needs --feature",
    ),
)
