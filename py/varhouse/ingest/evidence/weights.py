"""Source weights: how much each source counts in the overall score."""

from __future__ import annotations

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.keys import missing_sql, number_sql
from varhouse.ingest.staging import stage_table

_NEEDED = ("source_id", "weight")


def _matches(source: SourceFile) -> bool:
    return any(name in source.columns for name in _NEEDED)


def _stage(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    rows = stage_table(con, source, _NEEDED, comment="#")
    con.execute(f"""
        create temp table incoming as
        with typed as (
            select
                line,
                {missing_sql("source_id")} as source_id,
                {number_sql("weight")} as weight
            from {rows}
        )
        select
            line,
            cast(null as varchar) as reject,
            cast(null as varchar) as note,
            source_id,
            weight
        from typed
    """)
    _refuse_bad_weights(con, source)


def _refuse_bad_weights(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    # The table is replaced as a whole, so a row left out would change every score in silence.
    bad = con.execute(
        "select line, source_id, weight from incoming where source_id is null "
        "or weight is null or not isfinite(weight) or weight < 0 order by line limit 1"
    ).fetchone()
    if bad:
        line, source_id, weight = bad
        raise DataError(
            f"{source.path}, line {line}: weight of {source_id or '(no source_id)'} is "
            f"{'not a number' if weight is None else weight}; "
            "a source_id and a finite number of at least 0 are wanted."
        )
    twice = con.execute(
        "select source_id, list(line order by line) from incoming "
        "group by source_id having count(*) > 1 order by source_id limit 1"
    ).fetchone()
    if twice:
        lines = " and ".join(str(line) for line in twice[1])
        raise DataError(f"{source.path}: source {twice[0]} has a weight in lines {lines}.")


FORMATS: tuple[Format, ...] = (
    Format(
        name="source-weights",
        table="raw.source_weights",
        matches=_matches,
        stage=_stage,
        wants="tab- or comma-separated with source_id, weight",
    ),
)
