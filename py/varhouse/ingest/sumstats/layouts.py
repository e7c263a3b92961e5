"""The dialects of summary statistics, as ``layouts.yaml`` beside this file describes them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from varhouse.ingest.format import SourceFile
from varhouse.ingest.records import Columns, column_names

COLUMNS = (
    "study", "trait", "gene", "variant", "chrom", "pos", "ref", "alt", "effect", "other", "ref_is",
    "rsid", "beta", "odds_ratio", "ci_lower", "ci_upper", "se", "z", "p", "neglog10_p",
    "p_mantissa", "p_exponent", "af", "ac", "an", "n", "n_cases", "n_controls", "info", "test",
)  # fmt: skip
"""What a layout may name a column for, beside the columns that only tell it from others."""

STRENGTHS = (("p",), ("neglog10_p",), ("p_mantissa", "p_exponent"), ("z",))
"""Sets of columns, one of which a file has to have."""

PLACES = (
    ("chrom", "pos", "ref", "alt"),
    ("chrom", "pos", "effect", "other"),
    ("variant",),
    # the other allele is looked up in the variant index
    ("chrom", "pos", "effect"),
)
"""Sets of columns that say which variant a row is of; a file has to have one."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One dialect; ``layouts.yaml`` says what the fields mean."""

    name: str
    cite: str = ""
    wants: str
    recognised_by: Sequence[str] = ()
    columns: Columns
    contigs: Mapping[str, str] = field(default_factory=dict)
    tests: str | None = None
    build: str | None = None
    by_phenotype: Sequence[str] = ()

    def phenotypes_in(self, source: SourceFile) -> list[str]:
        """Return the phenotypes of a file that has columns for each, as its header calls them."""
        if not self.by_phenotype:
            return []
        starts = tuple(f"{alias}." for alias in self.columns[self.by_phenotype[0]])
        # as written: `column_names` are in lower case
        return [
            name.split(".", 1)[1]
            for name in source.columns
            if name.strip().lower().startswith(starts)
        ]

    def found_in(self, source: SourceFile) -> frozenset[str]:
        """Return which of our columns the header has, be it for each of several phenotypes."""
        header = column_names(source)
        return frozenset(
            name
            for name, aliases in self.columns.items()
            if any(alias in header for alias in aliases)
        ).union(self.by_phenotype if self.phenotypes_in(source) else ())

    def fits(self, source: SourceFile) -> bool:
        """Whether the header has what this layout needs."""
        found = self.found_in(source)
        return found.issuperset(self.recognised_by) and all(
            any(found.issuperset(names) for names in sets) for sets in (STRENGTHS, PLACES)
        )


@functools.cache
def read_layouts() -> tuple[Layout, ...]:
    """Return every layout, the particular ones before the plain one."""
    text = Path(__file__).with_name("layouts.yaml").read_text(encoding="utf-8")
    entries = yaml.safe_load(text)["layouts"]
    added = {name: entries[-1]["columns"][name] for name in ("study", "trait", "gene")}
    return tuple(Layout(**entry | {"columns": added | entry["columns"]}) for entry in entries)
