"""The gene index: where genes are, on which strand, and what they are.

Here are its tables; GTF and GFF3 files are in `varhouse.ingest.genes.models`.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.genes.models import FORMATS as MODEL_FORMATS
from varhouse.ingest.genes.rows import stage_genes, store, strand_sql
from varhouse.ingest.keys import integer_sql, missing_sql
from varhouse.ingest.pseudobulk.symbols import resolve_symbols as finish
from varhouse.ingest.staging import (
    missing_columns,
    parquet_sql,
    require_columns,
    stage_table,
)
from varhouse.sql_text import quoted_name

_TABLE_COLUMNS = ("gene_id", "gene_name", "start", "end", "strand", "biotype")
_CHROM = ("chr", "chrom", "chromosome", "chr_id")
_TARGET_TSV = (
    "id", "approvedSymbol", "biotype", "chromosome", "start", "end", "strand",
    "canonical_start", "canonical_end", "canonical_strand",
)  # fmt: skip
_TARGET_PARQUET = ("id", "approvedSymbol", "biotype", "genomicLocation")
_N_ALIKE = 4
# A gene index says what its genes are; only gene models may be silent about it.
_NO_BIOTYPE = f"case when {missing_sql('biotype')} is null then 'biotype_missing' end"

__all__ = ["FORMATS", "finish", "store"]


def _is_table(source: SourceFile) -> bool:
    return len(set(source.columns) & set(_TABLE_COLUMNS)) >= _N_ALIKE and not _is_target(source)


def _is_target(source: SourceFile) -> bool:
    return bool(source.delimiter) and len(set(source.columns) & set(_TARGET_TSV)) >= 7


def _is_target_parquet(source: SourceFile) -> bool:
    return not source.delimiter and len(set(source.columns) & set(_TARGET_PARQUET)) >= 3


def _stage_table(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    require_columns(source, _TABLE_COLUMNS)
    chrom = next((name for name in _CHROM if name in source.columns), None)
    if chrom is None:
        raise missing_columns(source, ["chrom"])
    has_tss = "tss" in source.columns
    tss = '"tss"' if has_tss else "cast(null as varchar)"
    rows = stage_table(con, source, [*_TABLE_COLUMNS, chrom, *(["tss"] if has_tss else [])])
    stage_genes(
        con,
        source,
        f"""
        select
            line,
            gene_id as gene_text,
            null as version_text,
            gene_name,
            {quoted_name(chrom)} as chrom_text,
            {integer_sql('"start"')} as start_pos,
            {integer_sql('"end"')} as end_pos,
            strand as strand_text,
            {integer_sql(tss)} as tss_given,
            cast(null as bigint) as canonical_tss_pos,
            biotype,
            cast(null as varchar[]) as synonyms,
            {_NO_BIOTYPE} as given_reject
        from {rows}
        """,
    )


def _stage_target(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    rows = stage_table(con, source, _TARGET_TSV)
    stage_genes(
        con,
        source,
        f"""
        select
            line,
            id as gene_text,
            null as version_text,
            approvedSymbol as gene_name,
            chromosome as chrom_text,
            {integer_sql('"start"')} as start_pos,
            {integer_sql('"end"')} as end_pos,
            strand as strand_text,
            cast(null as bigint) as tss_given,
            case {strand_sql("canonical_strand")}
                when 1 then {integer_sql("canonical_start")}
                when -1 then {integer_sql("canonical_end")}
            end as canonical_tss_pos,
            biotype,
            cast(null as varchar[]) as synonyms,
            {_NO_BIOTYPE} as given_reject
        from {rows}
        """,
    )


def _stage_target_parquet(
    con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions
) -> None:
    require_columns(source, _TARGET_PARQUET)
    _require_fields(source, "genomicLocation", ("chromosome", "start", "end", "strand"))
    canonical = "cast(null as bigint)"
    if "canonicalTranscript" in source.columns:
        _require_fields(source, "canonicalTranscript", ("start", "end", "strand"))
        strand = strand_sql("cast(canonicalTranscript.strand as varchar)")
        canonical = (
            f"case {strand} when 1 then cast(canonicalTranscript.start as bigint) "
            'when -1 then cast(canonicalTranscript."end" as bigint) end'
        )
    synonyms = "cast(null as varchar[])"
    if "symbolSynonyms" in source.columns:
        _require_fields(source, "symbolSynonyms", ("label",))
        synonyms = "list_sort(list_distinct([synonym.label for synonym in symbolSynonyms]))"
    stage_genes(
        con,
        source,
        f"""
        select
            file_row_number + 1 as line,
            id as gene_text,
            null as version_text,
            approvedSymbol as gene_name,
            genomicLocation.chromosome as chrom_text,
            cast(genomicLocation.start as bigint) as start_pos,
            cast(genomicLocation."end" as bigint) as end_pos,
            cast(genomicLocation.strand as varchar) as strand_text,
            cast(null as bigint) as tss_given,
            {canonical} as canonical_tss_pos,
            biotype,
            {synonyms} as synonyms,
            {_NO_BIOTYPE} as given_reject
        from {parquet_sql(source)}
        """,
    )


def _require_fields(source: SourceFile, column: str, wanted: Sequence[str]) -> None:
    kind = pq.read_schema(source.path).field(column).type
    if pa.types.is_list(kind):
        kind = kind.value_type
    found = [kind.field(index).name for index in range(kind.num_fields)]
    missing = [f"{column}.{name}" for name in wanted if name not in found]
    if missing:
        raise missing_columns(source, missing)


FORMATS: tuple[Format, ...] = (
    Format(
        name="gene-table",
        table="raw.genes",
        matches=_is_table,
        stage=_stage_table,
        wants="with a header naming chr, " + ", ".join(_TABLE_COLUMNS) + "; tss if any",
    ),
    Format(
        name="opentargets-target-tsv",
        table="raw.genes",
        matches=_is_target,
        stage=_stage_target,
        genome_build="GRCh38",
        wants="tab-separated with " + ", ".join(_TARGET_TSV),
    ),
    Format(
        name="opentargets-target",
        table="raw.genes",
        matches=_is_target_parquet,
        stage=_stage_target_parquet,
        genome_build="GRCh38",
        wants="parquet with " + ", ".join(_TARGET_PARQUET) + " and canonicalTranscript if any",
    ),
    *MODEL_FORMATS,
)
