"""The transcripts of a GTF or GFF3 file, and which of them stands for its gene."""

from __future__ import annotations

import duckdb

from varhouse.ingest.genes.rows import strand_sql

# As with genes, only Ensembl's ids lose their version: annotations spell RefSeq's with it.
_VERSIONED = "^(ENS[A-Z]*T[0-9]+)[.]([0-9]+)(?:_[0-9]+)?(_PAR_Y)?$"
# Which transcript stands for its gene, best first.
_CANONICAL_TAGS = (
    "Ensembl_canonical",
    "MANE_Select",
    "MANE Select",
    "RefSeq Select",
    # GENCODE 19 has them without a number
    "appris_principal",
    *(f"appris_principal_{rank}" for rank in range(1, 6)),
)


def create_transcripts(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``incoming_transcripts`` of the genes that are kept, and count those left out.

    Reads ``model_features`` and ``model_genes``; a gene with transcript lines has all its
    transcripts there, one without has those that its exons name.
    """
    _place_transcripts(con)
    con.execute("""
        insert into incoming_issues
        select min(line), 'transcript_left_out', null, count(*), null
        from model_transcripts
        where is_left_out
        having count(*) > 0
    """)
    _choose_canonical(con)
    con.execute("drop table temp.model_transcripts")


def _place_transcripts(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``model_transcripts``: id, gene and place of each, and which are left out."""
    tag_rank = " ".join(
        f"when list_contains(tags, '{tag}') then {rank}" for rank, tag in enumerate(_CANONICAL_TAGS)
    )
    con.execute(f"""
        create or replace temp table model_transcripts as
        with transcript_lines as (
            select * from model_features where level = 'transcript'
        ),

        together as (
            select * from transcript_lines
            union all by name
            select exons.*
            from model_features as exons
            anti join transcript_lines
                on
                    exons.transcript_key = transcript_lines.transcript_key
                    and exons.contig = transcript_lines.contig
            -- a gene with transcript lines has all its transcripts there
            anti join transcript_lines as siblings
                on exons.gene_key = siblings.gene_key and exons.contig = siblings.contig
            anti join transcript_lines as of_gene
                on exons.gene_text = of_gene.gene_text and exons.contig = of_gene.contig
            anti join (select gene_key from model_features where level = 'gene') as genes
                on exons.transcript_key = genes.gene_key
            where exons.level = 'exon' and exons.transcript_key is not null
        ),

        placed as (
            select
                together.line,
                model_genes.gene_id,
                model_genes.chrom,
                together.start_pos,
                together.end_pos,
                cast({strand_sql("together.strand_text")} as tinyint) as strand,
                together.transcript_biotype as biotype,
                together.tags,
                regexp_replace(together.transcript_text, '{_VERSIONED}', '\\1\\3')
                || case
                    when
                        ends_with(model_genes.gene_id, '_PAR_Y')
                        and not ends_with(together.transcript_text, '_PAR_Y')
                        then '_PAR_Y'
                    else ''
                end as transcript_id,
                try_cast(
                    coalesce(
                        together.transcript_version,
                        nullif(
                            regexp_extract(together.transcript_text, '{_VERSIONED}', 2), ''
                        )
                    ) as smallint
                ) as transcript_version
            from together
            left join model_genes
                on
                    together.gene_key = model_genes.gene_key
                    and together.contig = model_genes.contig
                    and together.strand_text = model_genes.strand_text
            where model_genes.given_reject is null
        )

        select
            *,
            coalesce(
                gene_id is null
                or transcript_id is null
                or strand is null
                or start_pos is null
                or end_pos is null
                or start_pos > end_pos
                or row_number() over (partition by transcript_id order by gene_id is null, line)
                > 1,
                true
            ) as is_left_out,
            case
                {tag_rank}
            end as tag_rank
        from placed
    """)


def _choose_canonical(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``incoming_transcripts`` of those that stay, with the one that stands for its gene."""
    con.execute("""
        create or replace temp table incoming_transcripts as
        with kept as (
            select
                *,
                -- of several with the best tag the longest stands for the gene
                row_number() over (
                    partition by gene_id
                    order by tag_rank nulls last, end_pos - start_pos desc, transcript_id
                ) = 1 as is_first,
                min(tag_rank) over (partition by gene_id) is not null as is_told
            from model_transcripts
            where not is_left_out
        ),

        mane as (
            select coalesce(
                bool_or(list_has_any(tags, ['MANE_Select', 'MANE Select'])), false
            ) as is_told
            from model_transcripts
        )

        select
            kept.transcript_id,
            kept.transcript_version,
            kept.gene_id,
            kept.chrom,
            kept.start_pos,
            kept.end_pos,
            kept.strand,
            case kept.strand when 1 then kept.start_pos else kept.end_pos end as tss_pos,
            nullif(kept.biotype, '') as biotype,
            case when kept.is_told then kept.is_first end as is_canonical,
            case
                when mane.is_told
                    then coalesce(list_has_any(kept.tags, ['MANE_Select', 'MANE Select']), false)
            end as is_mane_select
        from kept
        cross join mane
    """)
