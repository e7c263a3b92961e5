"""``varhouse load annotations``: every layout of annotations, VEP's among them."""

from __future__ import annotations

from varhouse.ingest.annotations import tables, vep
from varhouse.ingest.format import Format

FORMATS: tuple[Format, ...] = (*vep.FORMATS, *tables.FORMATS)
