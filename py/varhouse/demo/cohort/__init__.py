"""A simulated single-cell cohort around the invented locus, with planted effects, as files."""

from __future__ import annotations

from varhouse.demo.cohort.files import CohortFiles, write_cohort_files
from varhouse.demo.cohort.plan import CommonEffect, RareEffect

__all__ = ["CohortFiles", "CommonEffect", "RareEffect", "write_cohort_files"]
