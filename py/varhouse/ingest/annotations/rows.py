"""Annotations as read from any layout, typed, judged and ranked: the staged table."""

from __future__ import annotations

import duckdb

from varhouse.ingest.annotations.alleles import AlleleRule, alt_sql
from varhouse.ingest.annotations.fields import (
    given_select,
    read_cells_sql,
    score_map_sql,
    typed_select,
)
from varhouse.ingest.annotations.severity import severity_sql
from varhouse.ingest.annotations.values import (
    VEP_SEPARATORS,
    listed_cells_sql,
    loose_values_sql,
    own_cells_sql,
)
from varhouse.ingest.genes.lookup import report_unknown_genes
from varhouse.ingest.keys import (
    allele_sql,
    chrom_sql,
    integer_sql,
    missing_sql,
    number_sql,
    variant_id_sql,
)

# What makes two rows of a variant the same.
_CONTENT = (
    "gene_id, gene_name, transcript_id, regulatory_id, feature_type, consequence_terms, impact, "
    "biotype, is_canonical, mane_select, protein_id, exon, intron, hgvsc, hgvsp, protein_pos, "
    "amino_acids, sift_prediction, sift_score, polyphen_prediction, polyphen_score"
)


def stage_annotations(
    con: duckdb.DuckDBPyConnection,
    rows: str,
    *,
    alleles: AlleleRule = "vep",
    separators: str = VEP_SEPARATORS,
) -> None:
    """Create ``incoming`` from a query of annotations that are still text.

    Parameters
    ----------
    rows
        A query with ``line``, ``entry`` (order of the row within its line), ``fault`` (a code, or
        NULL), ``name`` (what the file calls the variant), ``site`` (see
        `varhouse.ingest.annotations.alleles`), ``place`` (VEP's location, NULL when there is none),
        ``seen`` (alleles of all rows of a site with several ALTs; VEP's alone) and what
        `varhouse.ingest.annotations.fields.field_select` yields.
    alleles
        How the file spells the allele that a row is about.
    separators
        Characters that stand between several values of one cell.
    """
    _create_rows(con, rows, alleles, separators)
    has_lists = _has_lists(con)
    if has_lists:
        _spread_loose_values(con)
    _report_unreadable(con)
    if has_lists:
        _drop_empty_rows(con)
    _create_ranks(con)
    _create_incoming(con)
    _report_nobodys(con)
    con.execute("drop table annotation_rows")
    con.execute("drop table annotation_ranks")
    report_unknown_genes(con)


def _create_rows(
    con: duckdb.DuckDBPyConnection, rows: str, alleles: AlleleRule, separators: str
) -> None:
    """Create ``annotation_rows``: every row typed, with its variant, a hash and its severity."""
    con.execute(f"""
        create or replace temp table annotation_rows as
        with given as ({rows}),
        listed as (
            select *, {listed_cells_sql("score_cells", separators)} as listed_cells
            from given
        ),
        named as (
            select
                * exclude (score_cells, listed_cells),
                -- few rows have lists: a CASE looks only at those
                case when len(listed_cells) = 0 then score_cells
                    else {own_cells_sql("score_cells", separators)} end as own_cells,
                case when len(listed_cells) > 0
                    then {loose_values_sql("listed_cells", separators)} end as loose_values,
                {read_cells_sql("own_cells")} as read_cells,
                {given_select()},
                coalesce(
                    {chrom_sql("site.chrom")}, {chrom_sql("string_split(place, ':')[1]")}
                ) as chrom,
                string_split(string_split(place, ':')[2], '-') as span,
                {alt_sql("site", "allele_text", "allele_num_text", "seen", alleles)} as alt_text
            from listed
        ),
        placed as (
            select
                *,
                alt_text is not null as is_told,
                coalesce(
                    try_cast({integer_sql("site.pos")} as integer),
                    try_cast({integer_sql("span[1]")} as integer)
                ) as pos,
                case when is_told then {allele_sql("site.ref")} end as ref,
                {allele_sql("alt_text")} as alt
            from named
        ),
        keyed as (
            select *, {variant_id_sql("chrom", "pos", "ref", "alt")} as variant_id
            from placed
        ),
        typed as (
            select
                line,
                entry,
                fault,
                chrom,
                pos,
                ref,
                alt,
                variant_id,
                case when trim(name) <> variant_id or variant_id is null
                    then {missing_sql("name")} end as uploaded_id,
                -- of a site whose alleles are known, none of which fits, no place tells more
                case when variant_id is null and site.pos is null then coalesce(
                    try_cast({integer_sql("span[2]")} as integer), pos
                ) end as vep_end_pos,
                case when variant_id is null then upper(trim(allele_text)) end as vep_allele,
                loose_values,
                value_place.n as n_listed,
                -- without a transcript, nothing else tells the rows of a list apart
                case when value_place.n > 1 and feature_given is null then entry end
                    as value_number,
                {typed_select()}
            from keyed
        )
        select
            *,
            row_number() over () as row_idx,
            hash({_CONTENT}, scores, value_number) as content_hash,
            coalesce(variant_id, concat_ws(' ', chrom, pos, vep_allele, uploaded_id))
                as variant_key,
            {severity_sql("consequence_terms", "impact")} as severity
        from typed
    """)


def _has_lists(con: duckdb.DuckDBPyConnection) -> bool:
    lists = con.execute(
        "select 1 from annotation_rows where len(loose_values) > 0 or n_listed > 1 limit 1"
    )
    return lists.fetchone() is not None


def _spread_loose_values(con: duckdb.DuckDBPyConnection) -> None:
    """Add rows of the gene with the values that are of no transcript in particular, one a row."""
    con.execute(f"""
        insert into annotation_rows by name
        with numbered as (
            select
                *,
                unnest(range(1, 1 + list_max(
                    list_transform(loose_values, lambda each: len(each.parts))
                ))) as place
            from annotation_rows
            where len(loose_values) > 0 and fault is null
        ),
        read as (
            select
                * exclude (scores),
                list_transform(loose_values, lambda each: struct_pack(
                    name := each.name, score := {number_sql("each.parts[place]")}
                )) as values_at,
                {score_map_sql("values_at")} as scores,
                hash(gene_id, gene_name, loose_values, place) as values_hash
            from numbered
        )
        select
            line,
            entry,
            chrom,
            pos,
            ref,
            alt,
            variant_id,
            uploaded_id,
            vep_end_pos,
            vep_allele,
            variant_key,
            gene_id,
            gene_name,
            place as value_number,
            scores,
            values_hash as content_hash,
            (select max(row_idx) from annotation_rows) + row_number() over () as row_idx
        from read
        where cardinality(scores) > 0
        -- rows of the gene's other transcripts have the same lists
        qualify row_number() over (partition by variant_key, values_hash order by line, entry) = 1
    """)
    con.execute("""
        insert into incoming_issues
        select min(line), 'score_without_transcript', null, count(distinct line), 'column=' || name
        from (select line, unnest(loose_values).name as name from annotation_rows)
        group by name
    """)


def _drop_empty_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Drop rows that lists left with nothing; of a line that had nothing at all, one stays."""
    con.execute("""
        delete from annotation_rows
        where
            fault is null
            and coalesce(len(consequence_terms), 0) = 0
            and cardinality(scores) = 0
            and (
                len(loose_values) > 0
                or n_listed > 1 and (
                    entry > 1
                    or line in (select line from annotation_rows where cardinality(scores) > 0)
                )
            )
    """)


def _create_ranks(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``annotation_ranks``: what is wrong with a row, and its place among the variant's.

    Apart, so that the windows sort a few columns, not all forty.
    """
    con.execute("""
        create or replace temp table annotation_ranks as
        with judged as (
            select
                row_idx,
                line,
                entry,
                variant_key,
                severity,
                value_number,
                gene_id,
                is_canonical,
                transcript_id,
                regulatory_id,
                case
                    when fault is not null then fault
                    when variant_id is null and vep_allele is null then 'variant_id_missing'
                    when chrom is null then 'unknown_contig'
                    when coalesce(len(consequence_terms), 0) = 0 and cardinality(scores) = 0
                        then 'annotation_empty'
                    when row_number() over (
                        partition by variant_key, content_hash
                        order by line, entry, value_number nulls first
                    ) > 1 then 'duplicate_row'
                end as reject
            from annotation_rows
        )
        select
            row_idx,
            reject,
            -- by content where severities tie, so that every layout of a run ranks alike
            cast(row_number() over (
                partition by variant_key, reject is null
                order by severity, gene_id, is_canonical desc, transcript_id, regulatory_id, line,
                    entry, value_number nulls first
            ) as integer) as rank,
            cast(row_number() over (
                partition by variant_key, reject is null
                order by line, entry, value_number nulls first
            ) as integer) as file_rank
        from judged
    """)


def _create_incoming(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"""
        create or replace temp table incoming as
        select
            annotation_rows.line,
            annotation_ranks.reject,
            case when variant_id is null then 'alleles_unknown' end as note,
            chrom,
            pos,
            ref,
            alt,
            variant_id,
            uploaded_id,
            vep_end_pos,
            vep_allele,
            {_CONTENT},
            scores,
            annotation_ranks.rank,
            annotation_ranks.file_rank
        from annotation_rows
        inner join annotation_ranks
            on annotation_rows.row_idx = annotation_ranks.row_idx
    """)


def _report_unreadable(con: duckdb.DuckDBPyConnection) -> None:
    """Count by column what is neither a score nor plainly empty."""
    con.execute("""
        insert into incoming_issues
        with unreadable as (
            select unnest(unreadable) as name, line
            from annotation_rows
        ),
        names as (
            select distinct unnest(map_keys(scores)) as name
            from annotation_rows
        )
        select
            min(unreadable.line),
            'score_not_a_number',
            'a score is not a finite number; kept as absent',
            count(*),
            'column=' || unreadable.name
        from unreadable
        -- a column without any number is no score
        semi join names
            on unreadable.name = names.name
        group by unreadable.name
    """)


def _report_nobodys(con: duckdb.DuckDBPyConnection) -> None:
    """Count consequences that are of a gene or feature, but name none."""
    con.execute("""
        insert into incoming_issues
        select
            min(line),
            'consequence_without_gene',
            'the consequence is for no gene and no feature, as VEP''s --most_severe and --summary '
            || 'write it; kept, but no gene has it',
            count(*),
            arg_min(variant_key, line)
        from annotation_rows
        where
            coalesce(gene_id, transcript_id, regulatory_id) is null
            and len(list_filter(
                consequence_terms,
                lambda term: not regexp_matches(term, '^(intergenic_|regulatory_|TF)')
            )) > 0
        having count(*) > 0
    """)
