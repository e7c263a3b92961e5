"""BGEN 1.2 and 1.3 (layout 2): probabilities of imputed and called genotypes.

The format does not say which allele is the reference, and both orders are in use: ``--ref-first``
or ``--ref-last`` says it, or the variant index does. Dosages are rounded to the steps of the
house, 1 / `varhouse.ingest.genotypes.block.DOSAGE_STEPS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.ingest.format import Issue, LoadOptions, SourceFile
from varhouse.ingest.genotypes.bgen_layout import BgenHeader, BgenRecord, records_of
from varhouse.ingest.genotypes.bgen_order import allele_order
from varhouse.ingest.genotypes.bgen_probabilities import Unpacked, allele_dosages, unpack
from varhouse.ingest.genotypes.bgen_samples import read_sample_file
from varhouse.ingest.genotypes.block import (
    GenotypeBlock,
    Sites,
    Wanted,
    block_from_dense,
    block_size,
    kept_places,
)
from varhouse.ingest.genotypes.text import MAX_POSITION, record_batches

_CALLS_AT_ONCE = 1 << 18


class BgenReader:
    """See `varhouse.ingest.genotypes.block.GenotypeReader`."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        source: SourceFile,
        options: LoadOptions,
        keep: frozenset[str] | None,
    ) -> None:
        self._path = source.path
        self._header = BgenHeader.read(self._path)
        ids, sexes, where = self._samples(options.sample_file)
        self._kept = kept_places(where, ids, keep)
        self.samples: Sequence[str] = [ids[place] for place in self._kept]
        self.sex: Sequence[int | None] = [sexes[place] for place in self._kept]
        self.n_records: int | None = self._header.n_variants
        self.issues: list[Issue] = []
        self._is_ref_first = (
            allele_order(con, self._path, self._header, options.allele_order) == "ref-first"
        )

    def _samples(self, named: Path | None) -> tuple[list[str], list[int | None], Path]:
        """Return ids and sexes of all samples of the file, and where the ids were found."""
        own = self._header.samples
        beside = _beside(self._path)
        path = named or (beside if beside.is_file() else None)
        if path is None:
            if own is None:
                raise DataError(
                    f"{self._path}: has no sample ids of its own, and {beside.name} is not beside "
                    f"it. Name the .sample file of its {self._header.n_samples} samples with "
                    "--sample-file."
                )
            return own, [None] * len(own), self._path
        ids, sexes = read_sample_file(path)
        if own is not None and named is None:
            # the file's own ids count; what is beside it adds the sex of the same people
            return own, (sexes if ids == own else [None] * len(own)), self._path
        if len(ids) != self._header.n_samples:
            raise DataError(
                f"{path}: {len(ids)} samples, but {self._path.name} has "
                f"{self._header.n_samples}. Do they belong together?"
            )
        return ids, sexes, path

    def blocks(self, wanted: Wanted) -> Iterator[GenotypeBlock]:
        """See `varhouse.ingest.genotypes.block.GenotypeReader`."""
        records = records_of(self._path, self._header)
        for batch in record_batches(records, block_size(self._header.n_samples)):
            sites = Sites.of_rows(map(self._site, batch))
            mask = wanted(sites)
            if mask.any():
                chosen = [batch[place] for place in np.flatnonzero(mask).tolist()]
                yield self._block(sites.take(mask), chosen)

    def _site(self, record: BgenRecord) -> tuple[int, str, int, str, str, str | None]:
        pos = record.pos if record.pos <= MAX_POSITION else -1
        ref, alt = record.alleles if self._is_ref_first else record.alleles[::-1]
        return record.number, record.chrom, pos, ref, alt, record.name

    def _block(self, sites: Sites, chosen: Sequence[BgenRecord]) -> GenotypeBlock:
        unpacked = [unpack(self._path, self._header, record) for record in chosen]
        places, parts = list[NDArray[np.int64]](), list[GenotypeBlock]()
        for rows in _alike(unpacked, self._header.n_samples):
            dosages = allele_dosages(
                self._path, chosen, unpacked, rows, self._kept, of_first=not self._is_ref_first
            )
            places.append(rows)
            parts.append(block_from_dense(sites, dosages))
        return _joined(sites, places, parts)


def _joined(
    sites: Sites, places: Sequence[NDArray[np.int64]], parts: Sequence[GenotypeBlock]
) -> GenotypeBlock:
    """Return one block of blocks whose variants have these places in it."""
    variant = np.concatenate(
        [rows.astype(np.int32)[part.variant] for rows, part in zip(places, parts, strict=True)]
    )
    sample = np.concatenate([part.sample for part in parts])
    dosage = np.concatenate([part.dosage for part in parts])
    if (np.diff(np.concatenate(places)) < 0).any():
        order = np.argsort(variant, kind="stable")
        variant, sample, dosage = variant[order], sample[order], dosage[order]
    return GenotypeBlock(sites, variant, sample, dosage)


def _alike(unpacked: Sequence[Unpacked], n_samples: int) -> Iterator[NDArray[np.int64]]:
    """Yield the places of records that are stored in the same way, a few at a time."""
    places: dict[tuple[int, bool, int], list[int]] = {}
    for place, each in enumerate(unpacked):
        places.setdefault((each.ploidy, each.is_phased, each.n_bits), []).append(place)
    for alike in places.values():
        n_parts = -(-len(alike) * n_samples // _CALLS_AT_ONCE)
        yield from np.array_split(np.array(alike, dtype=np.int64), max(1, min(n_parts, len(alike))))


def bgen_companions(source: SourceFile) -> Sequence[Path]:
    """Return the ``.sample`` file beside a ``.bgen``, if there is one."""
    beside = _beside(source.path)
    return [beside] if beside.is_file() else []


def _beside(path: Path) -> Path:
    return path.with_suffix(".sample")
