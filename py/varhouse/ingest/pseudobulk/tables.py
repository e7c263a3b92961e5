"""Expression by cell type, gene and donor, as tables that another tool made."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.donors.register import (
    DONOR_COLUMNS,
    add_donors,
    create_donor_meanings,
    read_id_map,
)
from varhouse.ingest.donors.values import donor_column
from varhouse.ingest.evidence.interval_rows import default_sql
from varhouse.ingest.format import Format, Issue, LoadOptions, SourceFile
from varhouse.ingest.genes.lookup import VERSIONED_GENE
from varhouse.ingest.keys import gene_id_sql, missing_sql
from varhouse.ingest.matrix import (
    MATRIX_CELLS,
    create_column_names,
    drop_matrix,
    matrix_column,
    stage_matrix,
)
from varhouse.ingest.pseudobulk.numbers import next_gene, next_group
from varhouse.ingest.pseudobulk.rows import (
    compare_with_known,
    create_incoming,
    note,
    refuse_repeated,
    refuse_repeated_genes,
)
from varhouse.ingest.pseudobulk.symbols import resolve_symbols as finish
from varhouse.ingest.reading import PANDAS_INDEX, is_row_labels, shown_names
from varhouse.ingest.records import (
    Columns,
    column_names,
    create_records,
    drop_records,
    has_columns,
    refuse_ragged,
)
from varhouse.sql_text import text_literal

__all__ = ["FORMATS", "finish", "store"]

_LONG: Columns = {
    "cell_type": ("cell_type", "celltype", "cell_label", "cluster"),
    "gene": (
        "gene_id",
        "ensembl_id",
        "ensembl_gene_id",
        "gene",
        "geneid",
        "phenotype_id",
        "feature_id",
    ),
    "donor": DONOR_COLUMNS,
    "sum": ("sum", "counts", "total"),
    "mean": ("mean", "mean_expression", "expression", "value"),
    "n_cells": ("n_cells", "ncells", "num_cells"),
}
_GENE_COLUMNS = (*_LONG["gene"], "", PANDAS_INDEX)  # best first
_BED_GENE_COLUMNS = ("phenotype_id", "gene_id", "pid", "id", "targetid")
# "count" is of cells in some tables and of transcripts in others
_OF_VALUES = frozenset(
    {"count", *_LONG["cell_type"], *_LONG["sum"], *_LONG["mean"], *_LONG["n_cells"]}
)
# Beside the gene, in no file a donor: as BED and QTL mappers, GTF, tximport and biomaRt call them.
_ABOUT_GENES = frozenset(
    {*_LONG["gene"], *_BED_GENE_COLUMNS, "gid", "strand", "score", "info", "chr", "chrom",
     "chromosome", "seqnames", "seqname", "start", "end", "stop", "chromstart", "chromend", "width",
     "length", "gene_name", "gene_symbol", "symbol", "gene_type", "gene_biotype", "biotype",
     "description", "gene_description", "gene_version", "transcript_id", "transcript_id(s)"}
)  # fmt: skip


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
    create_incoming(
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
    refuse_repeated(con, source)
    compare_with_known(con, source, options.id_map)


def _stage_wide(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    names = column_names(source)
    gene_at = next((names.index(name) for name in _GENE_COLUMNS if name in names), 0)
    _stage_donor_columns(con, source, options, gene_at=gene_at, place=())


def _stage_bed(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    _stage_donor_columns(con, source, options, gene_at=3, place=range(3))


def _stage_donor_columns(
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    options: LoadOptions,
    *,
    gene_at: int,
    place: Collection[int],
) -> None:
    """Stage a table with a gene a line and a donor a column, but for the gene and its place."""
    names = column_names(source)
    _refuse_other_columns(source, names)
    cell_type = _require_cell_type(source, options)
    known = {gene_at, *place}
    # elsewhere than in front, a column without a name is a donor without one, and rejected
    labels = {at for at, name in enumerate(names) if is_row_labels(name) and (name or not at)}
    about_genes = {at for at, name in enumerate(names) if name in _ABOUT_GENES}
    others = known | labels | about_genes
    meant = read_id_map(options.id_map)
    donors = [
        None if at in others else meant.get(name.strip(), name.strip())
        for at, name in enumerate(source.columns)
    ]
    twice = next((donor for donor in donors if donor and donors.count(donor) > 1), None)
    if twice:
        columns = [str(at) for at, donor in enumerate(donors, start=1) if donor == twice]
        raise DataError(
            f"{source.path}: donor {twice} occurs in columns {' and '.join(columns)}; keep one."
        )
    stage_matrix(con, source)
    create_column_names(con, donors)
    con.execute(f"""
        create or replace temp table matrix_genes as
        select line, {gene_id_sql("value")} as gene_id from {matrix_column(gene_at + 1)}
    """)
    refuse_repeated_genes(con, source)
    create_incoming(
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
    compare_with_known(con, source, options.id_map)
    left_out = {"row_labels_left_out": labels, "gene_columns_left_out": about_genes}
    for code, places in left_out.items():
        if n := len(places - known):
            note(con, Issue(code=code, n=n, is_reject=False))
    _note_whole_numbers(con)


def _refuse_other_columns(source: SourceFile, names: Sequence[str]) -> None:
    """Refuse columns that are genes, or of a table with a value a line, in place of donors."""
    values = [name for name in names if name in _OF_VALUES]
    if values:
        raise DataError(
            f"{source.path}: {shown_names(values)}: no donor is called so. Leave such columns out, "
            f"or, where a line is of one donor, call the donor's column {DONOR_COLUMNS[0]}."
        )
    genes = [name for name in source.columns if VERSIONED_GENE.fullmatch(name.strip())]
    if genes:
        raise DataError(
            f"{source.path}: {len(genes)} of its {len(source.columns)} columns are genes "
            f"({genes[0]} the first); wanted is a gene a line and a column for each donor. "
            "Transpose the table."
        )


def _note_whole_numbers(con: duckdb.DuckDBPyConnection) -> None:
    """Tell of a table that holds sums of counts, as edgeR and DESeq2 want them, by the looks."""
    ((n, is_whole),) = con.execute("""
        select count(*), bool_and(mean >= 0 and mean = trunc(mean)) and max(mean) > 1
        from incoming
        where reject is null
    """).fetchall()
    if is_whole:
        note(con, Issue(code="means_are_whole", n=n, is_reject=False))


def _require_cell_type(source: SourceFile, options: LoadOptions) -> str:
    if not options.feature:
        raise DataError(
            f"{source.path}: nothing says which cell type its values are of; give --feature NAME."
        )
    return options.feature


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
