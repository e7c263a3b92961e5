"""The gene index: where genes are, on which strand, and what they are."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from varhouse.errors import DataError
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.keys import (
    chrom_sql,
    gene_id_sql,
    gene_version_sql,
    integer_sql,
    missing_sql,
)
from varhouse.ingest.reading import (
    missing_columns,
    parquet_sql,
    quoted_name,
    require_columns,
    stage_table,
)

_TABLE_COLUMNS = ("gene_id", "gene_name", "start", "end", "strand", "biotype")
_CHROM = ("chr", "chrom", "chromosome", "chr_id")
_TARGET_TSV = (
    "id", "approvedSymbol", "biotype", "chromosome", "start", "end", "strand",
    "canonical_start", "canonical_end", "canonical_strand",
)  # fmt: skip
_TARGET_PARQUET = ("id", "approvedSymbol", "biotype", "genomicLocation")
_N_ALIKE = 4


def _chrom_column(source: SourceFile) -> str | None:
    return next((name for name in _CHROM if name in source.columns), None)


def _is_table(source: SourceFile) -> bool:
    return len(set(source.columns) & set(_TABLE_COLUMNS)) >= _N_ALIKE and not _is_target(source)


def _is_target(source: SourceFile) -> bool:
    return bool(source.delimiter) and len(set(source.columns) & set(_TARGET_TSV)) >= 7


def _is_target_parquet(source: SourceFile) -> bool:
    return not source.delimiter and len(set(source.columns) & set(_TARGET_PARQUET)) >= 3


def _strand_sql(text: str) -> str:
    return (
        f"case trim({text}) when '1' then 1 when '+1' then 1 when '+' then 1 "
        f"when '-1' then -1 when '-' then -1 end"
    )


def _stage_table(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    require_columns(source, _TABLE_COLUMNS)
    chrom = _chrom_column(source)
    if chrom is None:
        raise missing_columns(source, ["chrom"])
    has_tss = "tss" in source.columns
    tss = '"tss"' if has_tss else "cast(null as varchar)"
    rows = stage_table(con, source, [*_TABLE_COLUMNS, chrom, *(["tss"] if has_tss else [])])
    _stage_rows(
        con,
        source,
        f"""
        select
            line,
            gene_id as gene_text,
            gene_name,
            {quoted_name(chrom)} as chrom_text,
            {integer_sql('"start"')} as start_pos,
            {integer_sql('"end"')} as end_pos,
            strand as strand_text,
            {integer_sql(tss)} as tss_given,
            cast(null as bigint) as canonical_tss_pos,
            biotype,
            cast(null as varchar[]) as synonyms
        from {rows}
        """,
    )


def _stage_target(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    rows = stage_table(con, source, _TARGET_TSV)
    _stage_rows(
        con,
        source,
        f"""
        select
            line,
            id as gene_text,
            approvedSymbol as gene_name,
            chromosome as chrom_text,
            {integer_sql('"start"')} as start_pos,
            {integer_sql('"end"')} as end_pos,
            strand as strand_text,
            cast(null as bigint) as tss_given,
            case {_strand_sql("canonical_strand")}
                when 1 then {integer_sql("canonical_start")}
                when -1 then {integer_sql("canonical_end")}
            end as canonical_tss_pos,
            biotype,
            cast(null as varchar[]) as synonyms
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
        strand = _strand_sql("cast(canonicalTranscript.strand as varchar)")
        canonical = (
            f"case {strand} when 1 then cast(canonicalTranscript.start as bigint) "
            'when -1 then cast(canonicalTranscript."end" as bigint) end'
        )
    synonyms = "cast(null as varchar[])"
    if "symbolSynonyms" in source.columns:
        _require_fields(source, "symbolSynonyms", ("label",))
        synonyms = "list_sort(list_distinct([synonym.label for synonym in symbolSynonyms]))"
    _stage_rows(
        con,
        source,
        f"""
        select
            file_row_number + 1 as line,
            id as gene_text,
            approvedSymbol as gene_name,
            genomicLocation.chromosome as chrom_text,
            cast(genomicLocation.start as bigint) as start_pos,
            cast(genomicLocation."end" as bigint) as end_pos,
            cast(genomicLocation.strand as varchar) as strand_text,
            cast(null as bigint) as tss_given,
            {canonical} as canonical_tss_pos,
            biotype,
            {synonyms} as synonyms
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


def _stage_rows(con: duckdb.DuckDBPyConnection, source: SourceFile, rows: str) -> None:
    con.execute(f"""
        create temp table incoming as
        with given as ({rows}),
        typed as (
            select
                line,
                {gene_id_sql("gene_text")} as gene_id,
                {gene_version_sql("gene_text")} as gene_version,
                {missing_sql("gene_name")} as gene_name,
                {chrom_sql("chrom_text")} as chrom,
                try_cast(start_pos as integer) as start_pos,
                try_cast(end_pos as integer) as end_pos,
                cast({_strand_sql("strand_text")} as tinyint) as strand,
                try_cast(tss_given as integer) as tss_given,
                try_cast(canonical_tss_pos as integer) as canonical_tss_pos,
                {missing_sql("biotype")} as biotype,
                synonyms
            from given
        ),
        anchored as (
            select *, case strand when 1 then start_pos when -1 then end_pos end as tss_of_strand
            from typed
        )
        select
            line,
            case
                when gene_id is null then 'gene_id_missing'
                when chrom is null then 'unknown_contig'
                when strand is null then 'strand_unknown'
                when start_pos > end_pos then 'start_after_end'
            end as reject,
            case when tss_given <> tss_of_strand then 'tss_differs' end as note,
            gene_id,
            gene_version,
            gene_name,
            chrom,
            start_pos,
            end_pos,
            strand,
            coalesce(tss_given, tss_of_strand) as tss_pos,
            canonical_tss_pos,
            biotype,
            synonyms
        from anchored
    """)
    twice = con.execute(
        "select gene_id, list(line order by line) from incoming where gene_id is not null "
        "group by gene_id having count(*) > 1 order by min(line) limit 1"
    ).fetchone()
    if twice:
        lines = " and ".join(str(line) for line in twice[1])
        raise DataError(
            f"{source.path}: gene {twice[0]} stands in lines {lines}; a gene has one row."
        )


_COORDINATES = ("chrom", "start_pos", "end_pos", "strand", "tss_pos", "biotype")


def store(con: duckdb.DuckDBPyConnection, source: SourceFile, load_id: int) -> dict[str, int]:
    """Merge the accepted rows into ``raw.genes``.

    A gene that is there already must have the same place and biotype; it keeps its row and gains
    what it lacked (version, name, canonical TSS, synonyms).

    Returns
    -------
    dict of str to int
        ``known_gene``: rows that were there already.

    Raises
    ------
    DataError
        Two files place a gene differently: the gene, both values and both files.
    """
    differs = " or ".join(f"incoming.{name} <> genes.{name}" for name in _COORDINATES)
    values = ", ".join(f"incoming.{name}, genes.{name}" for name in _COORDINATES)
    conflict = con.execute(f"""
        select incoming.line, genes.gene_id, load_manifest.file, {values}
        from incoming_judged as incoming
        inner join raw.genes as genes on incoming.gene_id = genes.gene_id
        left join load_manifest on genes.load_id = load_manifest.load_id
        where incoming.reject is null and ({differs})
        order by incoming.line
        limit 1
    """).fetchone()
    if conflict:
        line, gene_id, file, *pairs = conflict
        told = "; ".join(
            f"{name} {new} here, {old} there"
            for name, new, old in zip(_COORDINATES, pairs[::2], pairs[1::2], strict=True)
            if new != old
        )
        raise DataError(
            f"{source.path}, line {line}: gene {gene_id} differs from the one of {file}: {told}. "
            "Load one gene index only."
        )
    known = con.execute(
        "select count(*) from incoming_judged "
        "where reject is null and gene_id in (select gene_id from raw.genes)"
    ).fetchone()
    con.execute("""
        update raw.genes
        set
            gene_version = coalesce(genes.gene_version, incoming.gene_version),
            gene_name = coalesce(genes.gene_name, incoming.gene_name),
            canonical_tss_pos = coalesce(genes.canonical_tss_pos, incoming.canonical_tss_pos),
            synonyms = coalesce(genes.synonyms, incoming.synonyms)
        from incoming_judged as incoming
        where incoming.reject is null and incoming.gene_id = genes.gene_id
    """)
    con.execute(f"""
        insert into raw.genes by name
        select * exclude (line, reject, note), {load_id} as load_id
        from incoming_judged
        where reject is null and gene_id not in (select gene_id from raw.genes)
        order by gene_id
    """)
    return {"known_gene": known[0] if known else 0}


FORMATS: tuple[Format, ...] = (
    Format(
        name="gene-table",
        kind="genes",
        table="raw.genes",
        matches=_is_table,
        stage=_stage_table,
        wants="with a header naming chr, " + ", ".join(_TABLE_COLUMNS) + "; tss if any",
    ),
    Format(
        name="opentargets-target-tsv",
        kind="genes",
        table="raw.genes",
        matches=_is_target,
        stage=_stage_target,
        genome_build="GRCh38",
        wants="tab-separated with " + ", ".join(_TARGET_TSV),
    ),
    Format(
        name="opentargets-target",
        kind="genes",
        table="raw.genes",
        matches=_is_target_parquet,
        stage=_stage_target_parquet,
        genome_build="GRCh38",
        wants="parquet with " + ", ".join(_TARGET_PARQUET) + " and canonicalTranscript if any",
    ),
)
