"""An invented locus with planted answers, written as files in the formats that ``load`` reads."""

from __future__ import annotations

from varhouse.demo.files import DemoFiles, write_demo_files
from varhouse.demo.locus import DEFAULT_SEED, DemoLocus, PlantedAnswer, invent_locus

__all__ = [
    "DEFAULT_SEED",
    "DemoFiles",
    "DemoLocus",
    "PlantedAnswer",
    "invent_locus",
    "write_demo_files",
]
