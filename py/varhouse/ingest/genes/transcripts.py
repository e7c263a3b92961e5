"""Transcripts of the accepted genes into ``raw.transcripts``."""

from __future__ import annotations

import duckdb


def store_transcripts(con: duckdb.DuckDBPyConnection, load_id: int) -> None:
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
