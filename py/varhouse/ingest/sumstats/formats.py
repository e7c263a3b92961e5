"""The formats of the kind ``sumstats``: one for each layout."""

from __future__ import annotations

from functools import partial

from varhouse.ingest.format import Format, is_first_fit
from varhouse.ingest.sumstats.layouts import read_layouts
from varhouse.ingest.sumstats.metadata import stated_build
from varhouse.ingest.sumstats.staging import stage_sumstats

FORMATS: tuple[Format, ...] = tuple(
    Format(
        name=layout.name,
        table="raw.sumstats",
        matches=partial(is_first_fit, read_layouts(), layout),
        stage=partial(stage_sumstats, layout),
        genome_build=layout.build,
        wants=layout.wants,
        stated_build=stated_build,
    )
    for layout in read_layouts()
)
