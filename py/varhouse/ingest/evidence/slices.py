"""Open Targets V2G evidence rows as dumped: parquet slices and their headerless TSV form."""

from __future__ import annotations

import re

import duckdb

from varhouse.ingest.evidence.repeats import EVIDENCE_SCORE, QTL_TYPES, report_loaded_before
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.genes.lookup import report_unknown_genes
from varhouse.ingest.keys import (
    allele_sql,
    chrom_sql,
    gene_id_sql,
    integer_sql,
    missing_sql,
    number_sql,
    one_of_sql,
    variant_id_sql,
    variant_key_sql,
)
from varhouse.ingest.staging import (
    header_line_number,
    parquet_numbers,
    parquet_sql,
    require_columns,
    stage_fields,
)
from varhouse.sql_text import text_literal

SLICE_COLUMNS: tuple[str, ...] = (
    "chr_id", "position", "ref_allele", "alt_allele", "variant_id", "rs_id", "gene_chr", "gene_id",
    "gene_start", "gene_end", "gene_name", "feature", "type_id", "source_id", "csq_counts",
    "qtl_beta", "qtl_se", "qtl_pval", "interval_score",
)  # fmt: skip
"""Columns of a slice in the order of the headerless TSV."""

_NEEDED = tuple(
    name for name in SLICE_COLUMNS if name not in ("gene_chr", "gene_start", "gene_end")
)
TYPES = (*QTL_TYPES, "pchic", "fantom5", "dhscor", "vep")
"""Types of evidence that a slice may hold."""

_NUMBERS = ("qtl_beta", "qtl_se", "qtl_pval", "interval_score")
_TEXT = tuple(name for name in _NEEDED if name not in (*_NUMBERS, "position", "csq_counts"))
_N_ALIKE = 10


def _is_slice(source: SourceFile) -> bool:
    # Most of the columns are enough: staging then names the one that is missing.
    return len(set(source.columns) & set(_NEEDED)) >= _N_ALIKE


def _is_slice_parquet(source: SourceFile) -> bool:
    return not source.delimiter and _is_slice(source)


def _is_slice_text(source: SourceFile) -> bool:
    if source.delimiter != "\t":
        return False
    if _is_slice(source):
        return True
    cells = source.columns
    return (
        len(cells) == len(SLICE_COLUMNS)
        and re.fullmatch(r"\d+", cells[1]) is not None
        and cells[4].count("_") >= 3
    )


def _stage_parquet(
    con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions
) -> None:
    require_columns(source, _NEEDED)
    _stage_rows(
        con,
        f"(select {', '.join(_NEEDED)}, file_row_number + 1 as line from {parquet_sql(source)})",
        options,
        "temp view",
        parquet_numbers(source),
    )


def _stage_text(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    has_header = _is_slice(source)
    if has_header:
        require_columns(source, _NEEDED)
    columns = source.columns if has_header else SLICE_COLUMNS
    header_line = header_line_number(source) if has_header else 0
    named = stage_fields(con, source, columns, _NEEDED, header_line=header_line)
    _stage_rows(
        con,
        f"(select line, {named} from file_fields)",
        options,
        "temp table",
        (frozenset(), frozenset()),
    )


def _stage_rows(
    con: duckdb.DuckDBPyConnection,
    rows: str,
    options: LoadOptions,
    create_as: str,
    typed: tuple[frozenset[str], frozenset[str]],
) -> None:
    as_text = {name: f"cast({name} as varchar)" for name in _TEXT}
    integers, floats = typed
    # Rows of other types have 0 where they have nothing, so only a QTL's zero means anything.
    source_id = text_literal(options.source_id) if options.source_id else "null"
    feature = text_literal(options.feature) if options.feature else "null"
    given = ", ".join(
        f"{name} as {name}, false as {name}_is_odd"
        if name in integers | floats
        else f"{number_sql(f'cast({name} as varchar)')} as {name}, "
        f"{missing_sql(f'cast({name} as varchar)')} is not null "
        f"and {number_sql(f'cast({name} as varchar)')} is null as {name}_is_odd"
        for name in _NUMBERS
    )
    pos, csq_counts = (
        f"try_cast({name if name in integers else integer_sql(f'cast({name} as varchar)')} "
        "as integer)"
        for name in ("position", "csq_counts")
    )
    con.execute(f"""
        create {create_as} incoming as
        with typed as (
            select
                line,
                {chrom_sql(as_text["chr_id"])} as chrom,
                {pos} as pos,
                {allele_sql(as_text["ref_allele"])} as ref,
                {allele_sql(as_text["alt_allele"])} as alt,
                {missing_sql(as_text["variant_id"])} as variant_text,
                {missing_sql(as_text["rs_id"])} as rsid,
                {gene_id_sql(as_text["gene_id"])} as gene_id,
                {missing_sql(as_text["gene_name"])} as gene_name,
                coalesce({missing_sql(as_text["feature"])}, {feature}) as feature,
                lower({missing_sql(as_text["type_id"])}) as type_id,
                coalesce({missing_sql(as_text["source_id"])}, {source_id}) as source_id,
                {csq_counts} as csq_counts,
                {given}
            from {rows}
        ),
        keyed as (
            select *, {variant_id_sql("chrom", "pos", "ref", "alt")} as variant_id
            from typed
        )
        select
            line,
            case
                when chrom is null then 'unknown_contig'
                when gene_id is null then 'gene_id_missing'
                when variant_text is null then 'variant_id_missing'
                -- nested, so that the ids that agree as text are not parsed
                when case when variant_text <> variant_id
                    then {variant_key_sql("variant_text")} is distinct from variant_id
                end then 'variant_id_mismatch'
                when type_id is null or not {one_of_sql("type_id", TYPES)} then 'type_id_unknown'
                when qtl_pval_is_odd then 'p_value_not_a_number'
                when not isfinite(qtl_pval) then 'p_value_not_finite'
                when qtl_pval < 0 or qtl_pval > 1 then 'p_value_out_of_range'
                when interval_score_is_odd then 'score_not_a_number'
                when not isfinite(interval_score) then 'score_not_finite'
            end as reject,
            case
                when {one_of_sql("type_id", QTL_TYPES)} and qtl_pval = 0 then 'p_value_zero'
                when qtl_beta_is_odd or qtl_se_is_odd
                    or not isfinite(qtl_beta) or not isfinite(qtl_se)
                    then 'effect_not_finite'
            end as note,
            chrom,
            pos,
            ref,
            alt,
            variant_id,
            rsid,
            gene_id,
            gene_name,
            feature,
            type_id,
            source_id,
            csq_counts,
            case when isfinite(qtl_beta) then qtl_beta end as qtl_beta,
            case when isfinite(qtl_se) then qtl_se end as qtl_se,
            qtl_pval,
            interval_score
        from keyed
    """)
    report_unknown_genes(con)
    report_loaded_before(con, EVIDENCE_SCORE)


FORMATS: tuple[Format, ...] = (
    Format(
        name="opentargets-slice",
        table="raw.evidence",
        matches=_is_slice_parquet,
        stage=_stage_parquet,
        wants="parquet with " + ", ".join(_NEEDED),
    ),
    Format(
        name="opentargets-slice-tsv",
        table="raw.evidence",
        matches=_is_slice_text,
        stage=_stage_text,
        wants="tab-separated, without header in the order "
        + ", ".join(SLICE_COLUMNS)
        + ", or with a header naming them",
    ),
)
