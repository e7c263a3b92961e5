"""`varhouse load covariates`: numbers about donors, all of which are meant."""

from __future__ import annotations

import duckdb

from varhouse.ingest.donor_values import donor_column, load_values, stage_by_column, stage_by_row
from varhouse.ingest.format import Format, Loaded, LoadOptions, Say, SourceFile
from varhouse.ingest.records import column_names

# What stands above the names of covariates where donors are the columns.
_CORNERS = ("", "id", "covariate", "covariates")


def _load_wide(
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    options: LoadOptions,
    load_id: int,
    say: Say,
) -> Loaded:
    stage_by_row(con, source)
    return load_values(con, source, options, load_id, text_is_error=True)


def _load_transposed(
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    options: LoadOptions,
    load_id: int,
    say: Say,
) -> Loaded:
    stage_by_column(con, source)
    return load_values(con, source, options, load_id, text_is_error=True)


def _is_wide(source: SourceFile) -> bool:
    return donor_column(source) is not None


def _is_transposed(source: SourceFile) -> bool:
    names = column_names(source)
    return len(names) > 1 and names[0] in _CORNERS and not _is_wide(source)


FORMATS: tuple[Format, ...] = (
    Format(
        name="covariates",
        table="raw.covariates",
        matches=_is_wide,
        load=_load_wide,
        wants="a donor a line: donor_id (or IID, sample_id, individual), then numbers; sex as "
        "1/2, M/F or words",
    ),
    Format(
        name="covariates-by-row",
        table="raw.covariates",
        matches=_is_transposed,
        load=_load_transposed,
        wants="a covariate a line, as tensorQTL has them: id, then a column for each donor",
    ),
)
