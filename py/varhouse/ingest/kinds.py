"""The kinds of file that `varhouse load` takes. Imports nothing heavy: ``--help`` reads it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from varhouse.ingest.format import Format


@dataclass(frozen=True)
class Kind:
    """A kind of file that ``varhouse load`` takes.

    Attributes
    ----------
    module
        Holds ``FORMATS``, a tuple of `varhouse.ingest.format.Format`, and ``store`` when
        ``own_store`` is set.
    needs_build
        Whether the rows have positions, which mean nothing without a genome build.
    own_store
        Whether rows are merged with the table instead of appended to it.
    replaces
        Whether a load takes the place of the one before.
    finishes
        Whether the module has ``finish(con)``, called once after the last file of a command; it
        may return a sequence of `varhouse.ingest.format.Issue`, told with the last file.
    same_tables
        Kinds whose rows go into the same tables: what was loaded as one is loaded for the other.
    options
        Fields of `varhouse.ingest.format.LoadOptions`, beyond those of every kind, that it heeds.
    """

    name: str
    module: str
    needs_build: bool = True
    own_store: bool = False
    replaces: bool = False
    finishes: bool = False
    same_tables: tuple[str, ...] = ()
    options: frozenset[str] = frozenset()

    def formats(self) -> tuple[Format, ...]:
        """Return every layout of file known for this kind."""
        found: tuple[Format, ...] = importlib.import_module(self.module).FORMATS
        return found


_SOURCE = frozenset({"source_id"})
_EVIDENCE = _SOURCE | {"feature"}
_CELLS = frozenset(
    ("feature", "layer", "donor_column", "cell_type_column", "normalise_twice", "id_map")
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("evidence", "varhouse.ingest.evidence.slices", options=_EVIDENCE),
        Kind("qtl", "varhouse.ingest.evidence.qtl", options=_EVIDENCE),
        Kind("intervals", "varhouse.ingest.evidence.intervals", options=_EVIDENCE),
        Kind(
            "vep",
            "varhouse.ingest.annotations.vep",
            same_tables=("annotations",),
            options=_SOURCE | {"csq_fields"},
        ),
        Kind(
            "annotations",
            "varhouse.ingest.annotations.layouts",
            same_tables=("vep",),
            options=_SOURCE | {"csq_fields"},
        ),
        Kind("variants", "varhouse.ingest.variants", own_store=True, options=_SOURCE),
        Kind(
            "genes", "varhouse.ingest.genes.index", own_store=True, finishes=True, options=_SOURCE
        ),
        Kind(
            "genotypes",
            "varhouse.ingest.genotypes",
            finishes=True,
            options=frozenset(
                {"regions", "samples", "min_maf", "max_maf", "half_call", "on_duplicate"}
                | {"allele_order", "sample_file"}
            ),
        ),
        Kind("tags", "varhouse.ingest.evidence.tags", options=_SOURCE),
        Kind(
            "donors",
            "varhouse.ingest.donors.tables",
            needs_build=False,
            options=frozenset({"id_map"}),
        ),
        Kind(
            "covariates",
            "varhouse.ingest.donors.covariates",
            needs_build=False,
            options=frozenset({"id_map"}),
        ),
        Kind(
            "pseudobulk",
            "varhouse.ingest.pseudobulk.tables",
            needs_build=False,
            own_store=True,
            finishes=True,
            options=frozenset({"feature", "id_map"}),
        ),
        Kind(
            "sumstats",
            "varhouse.ingest.sumstats",
            options=_SOURCE,
        ),
        Kind(
            "cells",
            "varhouse.ingest.cells",
            needs_build=False,
            finishes=True,
            options=_CELLS,
        ),
        Kind(
            "weights",
            "varhouse.ingest.evidence.weights",
            needs_build=False,
            replaces=True,
            options=_SOURCE,
        ),
    )
}
