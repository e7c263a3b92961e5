"""`varhouse load donors`: who they are, and whatever numbers stand beside."""

from __future__ import annotations

from varhouse.ingest.donors.values import donor_loader, is_by_row, stage_by_row
from varhouse.ingest.format import Format

FORMATS: tuple[Format, ...] = (
    Format(
        name="donors",
        table="raw.donors",
        matches=is_by_row,
        load=donor_loader(stage_by_row, text_is_error=False),
        wants="a donor a line: donor_id (or IID, sample_id, individual); sex and other columns if "
        "any, of which numbers are kept as covariates",
    ),
)
