"""`varhouse load donors`: who they are, and whatever numbers stand beside."""

from __future__ import annotations

from functools import partial

from varhouse.ingest.donors.values import is_by_row, load_values, stage_by_row
from varhouse.ingest.format import Format

FORMATS: tuple[Format, ...] = (
    Format(
        name="donors",
        table="raw.donors",
        matches=is_by_row,
        load=partial(load_values, stage_by_row, text_is_error=False),
        wants="a donor a line: donor_id (or IID, sample_id, individual); sex and other columns if "
        "any, of which numbers are kept as covariates",
    ),
)
