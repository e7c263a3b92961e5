"""GTF and GFF3 gene models into genes and transcripts.

Ensembl, GENCODE, RefSeq and UCSC differ in which lines they write (UCSC and old Ensembl files have
exons only) and in what they call things. The lines of a file become ``model_features``, one row for
each gene line, each transcript line and the exons of each transcript; where the gene or transcript
line is missing, the exons' span takes its place.
"""

from __future__ import annotations

import re
from functools import partial

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.genes.attributes import Attributes, gff3_attributes, gtf_attributes
from varhouse.ingest.genes.build import stated_build
from varhouse.ingest.genes.model_transcripts import create_transcripts
from varhouse.ingest.genes.rows import stage_genes
from varhouse.ingest.keys import chrom_sql, gene_id_sql, gene_version_sql
from varhouse.ingest.reading import head_lines
from varhouse.ingest.records import create_bed_records, drop_records

_FIELDS = (
    "contig", "origin", "feature", "start_text", "end_text", "score", "strand_text", "phase",
    "attributes",
)  # fmt: skip
_GTF = re.compile(r'gene_id\s+"?[^"\s;]')
# Transcripts of a gene without a gene line that lie farther apart are copies of it.
_MAX_GAP = 100_000
_GFF3 = re.compile(r"(?:^|;)\s*\w+=")


def _stage(
    attributes: Attributes,
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    options: LoadOptions,
) -> None:
    create_bed_records(con, source, _FIELDS, n_required=len(_FIELDS))
    _create_features(con, attributes)
    drop_records(con)
    _refuse_short_lines(con, source)
    _report_nameless_genes(con)
    _part_places(con)
    _create_genes(con)
    create_transcripts(con)
    _refuse_other_contigs(con, source)
    stage_genes(
        con,
        source,
        """
        select
            model_genes.* exclude (gene_text),
            model_genes.gene_id as gene_text,
            model_genes.chrom as chrom_text,
            cast(null as bigint) as tss_given,
            canonical.tss_pos as canonical_tss_pos
        from model_genes
        left join (select gene_id, tss_pos from incoming_transcripts where is_canonical)
            as canonical
            on model_genes.gene_id = canonical.gene_id and model_genes.given_reject is null
        """,
    )
    con.execute("drop table temp.model_genes")
    con.execute("drop table temp.model_features")


def _position_sql(text: str) -> str:
    """Return text as INTEGER when it is one; a cast alone would round ``1.5``."""
    return f"case when not contains({text}, '.') then try_cast({text} as integer) end"


def _create_features(con: duckdb.DuckDBPyConnection, attributes: Attributes) -> None:
    """Create ``model_features``: gene lines, transcript lines, exons merged by transcript."""
    con.execute(f"""
        create or replace temp table model_features as
        with features as (
            select
                line,
                contig,
                case when is_ragged then 'short' else {attributes.level} end as level,
                {_position_sql("start_text")} as start_pos,
                {_position_sql("end_text")} as end_pos,
                trim(strand_text) as strand_text,
                feature,
                attributes
            from records
        ),

        keyed as (
            select
                *,
                {attributes.gene_key} as gene_key,
                {attributes.transcript_key} as transcript_key
            from features
            where level is not null
        ),

        -- exons are most of a file: what they say is read from the first of a transcript only
        merged as (
            select
                min(line) as line,
                level,
                contig,
                strand_text,
                gene_key,
                transcript_key,
                min(start_pos) as start_pos,
                max(end_pos) as end_pos,
                min(feature) as feature,
                arg_min(attributes, line) as attributes
            from keyed
            group by
                level,
                case when level <> 'exon' then line end,
                contig,
                strand_text,
                gene_key,
                transcript_key
        )

        select
            * exclude (feature, attributes),
            {attributes.gene_text} as gene_text,
            {attributes.gene_name} as gene_name,
            {attributes.gene_biotype} as gene_biotype,
            case when level = 'gene' then {attributes.gene_version} end as gene_version,
            case when level = 'gene' then {attributes.synonyms} end as synonyms,
            case when level <> 'gene' then {attributes.transcript_text} end as transcript_text,
            case when level = 'transcript' then {attributes.transcript_version} end
                as transcript_version,
            case when level = 'transcript' then {attributes.transcript_biotype} end
                as transcript_biotype,
            case when level = 'transcript' then {attributes.tags} end as tags
        from merged
    """)


def _refuse_short_lines(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    ((line, n_lines),) = con.execute(
        "select min(line), count(*) from model_features where level = 'short'"
    ).fetchall()
    if n_lines:
        raise DataError(
            f"{source.path}, line {line}: fewer than the 9 columns of a gene model, separated by "
            f"tabs ({n_lines} such lines). Is the file cut short?"
        )


def _report_nameless_genes(con: duckdb.DuckDBPyConnection) -> None:
    """Count the genes of a file in which each is a transcript, as no line names its gene."""
    con.execute("""
        insert into incoming_issues
        select
            min(line),
            'transcripts_as_genes',
            'the gene''s id is that of the transcript on every line, as in GTF of UCSC''s Table '
            || 'Browser: each transcript is a gene of its own; take a file that names genes',
            count(distinct gene_key),
            arg_min(gene_key, line)
        from model_features
        where gene_key is not null
        having bool_and(gene_key = transcript_key)
    """)


def _part_places(con: duckdb.DuckDBPyConnection) -> None:
    """Give copies of a gene that has no gene line a key each.

    UCSC's files have all placements of a transcript under one gene id.
    """
    con.execute(f"""
        create or replace temp table feature_places as
        with loose as (
            select line, contig, strand_text, gene_key, start_pos, end_pos
            from model_features
            anti join (select contig, gene_key from model_features where level = 'gene') as genes
                on
                    model_features.gene_key = genes.gene_key
                    and model_features.contig = genes.contig
            where gene_key is not null
        ),

        reached as (
            select
                *,
                max(end_pos) over (
                    partition by contig, strand_text, gene_key
                    order by start_pos, end_pos, line
                    rows between unbounded preceding and 1 preceding
                ) as last_end
            from loose
        )

        select
            line,
            count(*) filter (where start_pos > last_end + {_MAX_GAP}) over (
                partition by contig, strand_text, gene_key
                order by start_pos, end_pos, line
                rows unbounded preceding
            ) as place
        from reached
    """)
    con.execute("""
        update model_features
        set gene_key = gene_key || ' ' || feature_places.place
        from feature_places
        where model_features.line = feature_places.line and feature_places.place > 0
    """)
    con.execute("drop table temp.feature_places")


def _create_genes(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``model_genes``: the gene lines, and the span of what has no gene line.

    A gene of Y that bears the id of one of X is its copy in the pseudoautosomal region and gets an
    id of its own, as GENCODE spells it. Of genes that stand at several places the first stays.
    """
    con.execute(f"""
        create or replace temp table model_genes as
        with gene_lines as (
            select * from model_features where level = 'gene'
        ),

        spans as (
            select
                min(features.line) as line,
                features.contig,
                features.strand_text,
                features.gene_key,
                min(features.gene_text) as gene_text,
                min(features.gene_version) as version_text,
                min(features.gene_name) as gene_name,
                min(features.gene_biotype) as biotype,
                cast(null as varchar[]) as synonyms,
                min(features.start_pos) as start_pos,
                max(features.end_pos) as end_pos
            from model_features as features
            anti join gene_lines
                on features.gene_key = gene_lines.gene_key and features.contig = gene_lines.contig
            -- GFF3: exons of what lies inside a transcript, such as a mature miRNA, name the gene
            anti join gene_lines as named
                on
                    features.level = 'exon'
                    and features.gene_text = named.gene_text
                    and features.contig = named.contig
            -- exons that belong to a transcript of the file are in its span already
            anti join (select contig, transcript_key from model_features where level = 'transcript')
                as transcripts
                on
                    features.level = 'exon'
                    and features.transcript_key = transcripts.transcript_key
                    and features.contig = transcripts.contig
            -- GFF3: exons right below a gene
            anti join gene_lines as parents
                on
                    features.level = 'exon'
                    and features.transcript_key = parents.gene_key
                    and features.contig = parents.contig
            where features.level in ('transcript', 'exon')
            group by features.contig, features.strand_text, features.gene_key
        ),

        together as (
            select
                line,
                contig,
                strand_text,
                gene_key,
                gene_text,
                gene_version as version_text,
                gene_name,
                gene_biotype as biotype,
                synonyms,
                start_pos,
                end_pos
            from gene_lines
            union all by name
            select * from spans
        ),

        named as (
            select
                *,
                {chrom_sql("contig")} as chrom,
                {gene_id_sql("gene_text")} as bare_id
            from together
        ),

        apart as (
            select
                * exclude (bare_id) replace (
                    coalesce(
                        version_text,
                        cast({gene_version_sql("gene_text")} as varchar)
                    ) as version_text
                ),
                case
                    when chrom = 'Y' and bool_or(chrom = 'X') over (partition by bare_id)
                        then bare_id || '_PAR_Y'
                    else bare_id
                end as gene_id
            from named
        )

        select
            *,
            case
                when chrom is null and contig is not null then 'contig_not_kept'
                when
                    gene_id is not null
                    and row_number() over (
                        partition by gene_id, chrom is null order by line
                    ) > 1
                    then 'gene_at_two_places'
            end as given_reject
        from apart
    """)


def _refuse_other_contigs(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    """Refuse a file without genes on a chromosome: parts alone, another organism, other names."""
    ((n_genes, n_placed, contigs),) = con.execute("""
        select
            count(*),
            count(chrom),
            array_to_string(list_sort(list_distinct(list(contig)))[:5], ', ')
        from model_genes
    """).fetchall()
    if not n_genes:
        raise DataError(
            f"{source.path}: none of its lines is a gene, a transcript or an exon. Of coding parts "
            "(CDS, start_codon) alone no gene can be told; take the whole gene model."
        )
    if not n_placed:
        raise DataError(
            f"{source.path}: none of its {n_genes} genes lies on one of 1..22, X, Y, MT; "
            f"contigs found: {contigs}. Only human gene models can be loaded."
        )


def _first_attributes(source: SourceFile) -> str:
    """Return the ninth cell of the first line that is no comment; empty if that is no feature."""
    if not source.delimiter:
        return ""
    lines = (line for line in head_lines(source.path) if line.strip())
    cells = next((line for line in lines if not line.startswith("#")), "").split("\t")
    is_feature = (
        len(cells) == len(_FIELDS)
        and cells[3].strip().isdigit()
        and cells[4].strip().isdigit()
        and cells[6].strip() in ("+", "-", ".", "?")
    )
    return cells[8] if is_feature else ""


def _is_gtf(source: SourceFile) -> bool:
    return _GTF.search(_first_attributes(source)) is not None


def _is_gff3(source: SourceFile) -> bool:
    attributes = _first_attributes(source)
    return _GFF3.search(attributes) is not None and _GTF.search(attributes) is None


FORMATS: tuple[Format, ...] = (
    Format(
        name="gtf",
        table="raw.genes",
        matches=_is_gtf,
        stage=partial(_stage, gtf_attributes()),
        stated_build=stated_build,
        wants='9 columns; the last like gene_id "ENSG..."; transcript_id "ENST..."',
    ),
    Format(
        name="gff3",
        table="raw.genes",
        matches=_is_gff3,
        stage=partial(_stage, gff3_attributes()),
        stated_build=stated_build,
        wants="9 columns; the last like ID=...;Parent=...",
    ),
)
