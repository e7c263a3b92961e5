"""`varhouse load covariates`: numbers about donors, all of which are meant."""

from __future__ import annotations

from functools import partial

from varhouse.ingest.donors.values import is_by_row, load_values, stage_by_column, stage_by_row
from varhouse.ingest.format import Format, SourceFile
from varhouse.ingest.records import column_names

# What stands above the names of covariates where donors are the columns.
_CORNERS = ("", "id", "covariate", "covariates")


def _is_transposed(source: SourceFile) -> bool:
    names = column_names(source)
    return len(names) > 1 and names[0] in _CORNERS and not is_by_row(source)


FORMATS: tuple[Format, ...] = (
    Format(
        name="covariates",
        table="raw.covariates",
        matches=is_by_row,
        load=partial(load_values, stage_by_row, text_is_error=True),
        wants="a donor a line: donor_id (or IID, sample_id, individual), then numbers; sex as "
        "1/2, M/F or words",
    ),
    Format(
        name="covariates-by-row",
        table="raw.covariates",
        matches=_is_transposed,
        load=partial(load_values, stage_by_column, text_is_error=True),
        wants="a covariate a line, as tensorQTL has them: id, then a column for each donor",
    ),
)
