"""``varhouse load vep``: every output of VEP."""

from __future__ import annotations

from varhouse.ingest.annotations import info, vep_json, vep_text
from varhouse.ingest.format import Format

FORMATS: tuple[Format, ...] = (*vep_text.FORMATS, *vep_json.FORMATS, *info.FORMATS)
