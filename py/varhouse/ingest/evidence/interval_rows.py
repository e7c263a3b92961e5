"""From a layout's rows to ``incoming``: what all layouts of interval file have in common.

A layout gives a query of rows as text; here positions become 1-based and closed, scores numbers,
every fault a code. Of rows that agree in interval, gene, source and feature the one with the top
score stays.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping

import duckdb

from varhouse.ingest.genes.lookup import ENSEMBL_GENE
from varhouse.ingest.keys import (
    chrom_sql,
    gene_id_sql,
    integer_sql,
    missing_sql,
    number_sql,
)
from varhouse.ingest.records import case_sql
from varhouse.settings import shipped_project_dir
from varhouse.sql_text import text_literal


def create_incoming(
    con: duckdb.DuckDBPyConnection,
    rows: str,
    *,
    first_base: int,
    score: str = "score",
    rules: Mapping[str, str] | None = None,
) -> None:
    """Create ``incoming`` from a layout's rows.

    Parameters
    ----------
    con
        Where.
    rows
        Query of ``line, contig, start_text, end_text, gene_id, gene_name, gene_reject, type_id,
        source_id, feature, score_text, is_ragged, note``; ``gene_reject`` is a code when the gene
        could not be told.
    first_base
        Number of a chromosome's first base in the file: 0, with ends left out, or 1, with ends
        counted in. Either way the end is the number of the last base, counted from 1.
    score
        What is stored, in terms of the file's number ``score``.
    rules
        Further reject rules (code -> condition) over the columns of ``incoming`` and those of the
        query; they hold after all others.
    """
    checks = {
        "ragged_row": "is_ragged",
        "interval_unreadable": "start_pos is null or end_pos is null",
        "start_after_end": f"start_pos > end_pos + {1 - first_base}",
        "zero_length": "start_pos > end_pos",
        "unknown_contig": "chrom is null",
        "gene_id_missing": "gene_id is null and gene_reject is null",
        "gene_id_not_ensembl": f"not regexp_full_match(gene_id, '{ENSEMBL_GENE}')",
        "score_missing": "score_value is null or isnan(number)",
        "score_not_a_number": "number is null",
        "score_not_finite": "isinf(number)",
    }
    con.execute(f"""
        create or replace temp table incoming as
        with typed as (
            select
                * replace ({gene_id_sql("gene_id")} as gene_id),
                {chrom_sql("contig")} as chrom,
                try_cast({integer_sql("start_text")} + {1 - first_base} as integer) as start_pos,
                try_cast({integer_sql("end_text")} as integer) as end_pos,
                {missing_sql("score_text")} as score_value,
                {number_sql(missing_sql("score_text"))} as number
            from ({rows})
        ),

        scored as (
            select
                *,
                case when isfinite(number) then number end as score
            from typed
        )

        select
            line,
            chrom,
            start_pos,
            end_pos,
            gene_id,
            gene_name,
            type_id,
            source_id,
            feature,
            {score} as score,
            coalesce(
                {case_sql(checks)}, gene_reject, {case_sql(rules) if rules else "null"}
            ) as reject,
            case when {score} < 0 then 'score_negative' else note end as note
        from scored
    """)


def reject_repeated(con: duckdb.DuckDBPyConnection) -> None:
    """Keep the top score of each (interval, gene, type, source, feature); the rest are rejected."""
    con.execute("""
        create or replace temp table incoming as
        select
            * replace (
                case
                    when reject is not null then reject
                    when
                        row_number() over (
                            partition by
                                reject, chrom, start_pos, end_pos, gene_id, type_id, source_id,
                                feature
                            order by score desc, line
                        ) > 1
                        then 'duplicate_row'
                end as reject
            )
        from incoming
    """)


def create_feature_codes(con: duckdb.DuckDBPyConnection, source_id: str) -> None:
    """Create the temp table ``feature_codes(biofeature, feature)`` of one source."""
    con.execute("create or replace temp table feature_codes(biofeature varchar, feature varchar)")
    path = shipped_project_dir() / "data" / "reference" / "interval_features.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        codes = [
            [row["biofeature"], row["feature"]]
            for row in csv.DictReader(stream)
            if row["source_id"] == source_id
        ]
    con.executemany("insert into feature_codes values (?, ?)", codes)


def feature_columns(biofeature: str) -> str:
    """Return ``feature`` and ``note`` for a row joined to ``feature_codes`` on ``biofeature``."""
    styled = f"upper(regexp_replace(trim({biofeature}), '[^A-Za-z0-9]+', '_', 'g'))"
    return (
        f"coalesce(feature_codes.feature, {styled}) as feature, "
        "case when feature_codes.feature is null then 'feature_not_in_table' end as note"
    )


def default_sql(cell: str, *fallbacks: str | None) -> str:
    """Return the cell, else the first fallback that is given, else NULL."""
    given = [text_literal(fallback) for fallback in fallbacks if fallback]
    return f"coalesce({', '.join([missing_sql(cell), *given])})"
