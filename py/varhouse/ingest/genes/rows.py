"""From a layout's genes to ``incoming``, and from there into ``raw.genes``."""

from __future__ import annotations

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.format import SourceFile
from varhouse.ingest.keys import chrom_sql, gene_id_sql, gene_version_sql, missing_sql


def strand_sql(text: str) -> str:
    """Return 1 or -1 for any usual spelling of a strand, NULL for every other."""
    return (
        f"case trim({text}) when '1' then 1 when '+1' then 1 when '+' then 1 "
        f"when '-1' then -1 when '-' then -1 end"
    )


def stage_genes(con: duckdb.DuckDBPyConnection, source: SourceFile, rows: str) -> None:
    """Create ``incoming`` from a layout's genes.

    Parameters
    ----------
    rows
        Query of ``line, gene_text, version_text, gene_name, chrom_text, start_pos, end_pos,
        strand_text, tss_given, canonical_tss_pos, biotype, synonyms, given_reject``; the last is a
        code for what only the layout can tell.

    Raises
    ------
    DataError
        A gene stands in the file twice, and the layout does not reject the second.
    """
    con.execute(f"""
        create temp table incoming as
        with given as ({rows}),
        typed as (
            select
                line,
                {gene_id_sql("gene_text")} as gene_id,
                coalesce({gene_version_sql("gene_text")}, try_cast(version_text as smallint))
                    as gene_version,
                {missing_sql("gene_name")} as gene_name,
                {chrom_sql("chrom_text")} as chrom,
                try_cast(start_pos as integer) as start_pos,
                try_cast(end_pos as integer) as end_pos,
                cast({strand_sql("strand_text")} as tinyint) as strand,
                try_cast(tss_given as integer) as tss_given,
                try_cast(canonical_tss_pos as integer) as canonical_tss_pos,
                {missing_sql("biotype")} as biotype,
                synonyms,
                given_reject
            from given
        ),
        anchored as (
            select *, case strand when 1 then start_pos when -1 then end_pos end as tss_of_strand
            from typed
        )
        select
            line,
            coalesce(
                given_reject,
                case
                    when gene_id is null then 'gene_id_missing'
                    when chrom is null then 'unknown_contig'
                    when strand is null then 'strand_unknown'
                    when start_pos > end_pos then 'start_after_end'
                end
            ) as reject,
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
        "select gene_id, list(line order by line) from incoming "
        "where gene_id is not null and reject is null "
        "group by gene_id having count(*) > 1 order by min(line) limit 1"
    ).fetchone()
    if twice:
        lines = " and ".join(str(line) for line in twice[1])
        raise DataError(
            f"{source.path}: gene {twice[0]} stands in lines {lines}; a gene has one row."
        )


_COORDINATES = ("chrom", "start_pos", "end_pos", "strand", "tss_pos", "biotype")


def store(con: duckdb.DuckDBPyConnection, source: SourceFile, load_id: int) -> dict[str, int]:
    """Merge the accepted rows into ``raw.genes``, and their transcripts into ``raw.transcripts``.

    A gene that is there already must have the same place and biotype; it keeps its row and gains
    what it lacked (version, name, biotype, canonical TSS, synonyms).

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
    ((n_known,),) = con.execute(
        "select count(*) from incoming_judged "
        "where reject is null and gene_id in (select gene_id from raw.genes)"
    ).fetchall()
    con.execute("""
        update raw.genes
        set
            gene_version = coalesce(genes.gene_version, incoming.gene_version),
            gene_name = coalesce(genes.gene_name, incoming.gene_name),
            biotype = coalesce(genes.biotype, incoming.biotype),
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
    _store_transcripts(con, load_id)
    return {"known_gene": n_known}


def _store_transcripts(con: duckdb.DuckDBPyConnection, load_id: int) -> None:
    """Merge the temp table ``incoming_transcripts``, where a layout has made one, and drop it.

    It has the columns of ``raw.transcripts`` without ``load_id``. A transcript whose gene was not
    accepted stays out with its gene; one that is there already keeps its row.
    """
    staged = con.execute(
        "select 1 from duckdb_tables() where temporary and table_name = 'incoming_transcripts'"
    ).fetchone()
    if staged is None:
        return
    con.execute(f"""
        insert into raw.transcripts by name
        select incoming_transcripts.*, {load_id} as load_id
        from incoming_transcripts
        semi join (select gene_id from incoming_judged where reject is null) as accepted
            on incoming_transcripts.gene_id = accepted.gene_id
        anti join raw.transcripts as known
            on incoming_transcripts.transcript_id = known.transcript_id
        order by incoming_transcripts.gene_id, incoming_transcripts.transcript_id
    """)
    con.execute("drop table temp.incoming_transcripts")
