"""`varhouse load donors`: who they are, and whatever numbers stand beside."""

from __future__ import annotations

import duckdb

from varhouse.ingest.donor_values import donor_column, load_values, stage_by_row
from varhouse.ingest.format import Format, Loaded, LoadOptions, Say, SourceFile


def _load(
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    options: LoadOptions,
    load_id: int,
    say: Say,
) -> Loaded:
    stage_by_row(con, source)
    return load_values(con, source, options, load_id, text_is_error=False)


def _is_table(source: SourceFile) -> bool:
    return donor_column(source) is not None


FORMATS: tuple[Format, ...] = (
    Format(
        name="donors",
        table="raw.donors",
        matches=_is_table,
        load=_load,
        wants="a donor a line: donor_id (or IID, sample_id, individual); sex and other columns if "
        "any, of which numbers are kept as covariates",
    ),
)
