"""Genotypes into the warehouse: what all formats have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from varhouse.ingest.arrow_tables import ArrowTables, in_order
from varhouse.ingest.format import Issue, Loaded, LoadFile, LoadOptions, Say, SourceFile
from varhouse.ingest.genotypes.block import GenotypeBlock, GenotypeReader, OpenReader
from varhouse.ingest.genotypes.donors import place_donors
from varhouse.ingest.genotypes.duplicates import resolve_duplicates
from varhouse.ingest.genotypes.filters import (
    RARE_BELOW,
    count_absent,
    sample_list,
    within_maf,
)
from varhouse.ingest.genotypes.sites import SiteJudge, SiteNumbers
from varhouse.ingest.genotypes.tally import Tally

_SECONDS_BETWEEN_NEWS = 1.0


def load_genotypes(open_reader: OpenReader) -> LoadFile:
    """Return the ``load`` of a genotype format: reads with ``open_reader``, stores block by block.

    Memory is that of a block and of DuckDB, whatever the number of variants.
    """

    def load(
        con: duckdb.DuckDBPyConnection,
        source: SourceFile,
        options: LoadOptions,
        load_id: int,
        say: Say,
    ) -> Loaded:
        keep = sample_list(options.samples)
        reader = open_reader(con, source, options, keep)
        n_absent = count_absent(options.samples, keep, reader.samples) if keep else 0
        if n_absent:
            reader.issues.append(Issue(code="sample_not_in_file", n=n_absent, is_reject=False))
        with ArrowTables(con) as tables, in_order(con):
            store = _Store(con, tables, source, options, reader, load_id)
            for block in _with_news(reader, store, source, say):
                store.add(block)
        say(f"{source.path}: numbering")
        return store.finish()

    return load


class _Store:
    """The tables that one file goes to."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        tables: ArrowTables,
        source: SourceFile,
        options: LoadOptions,
        reader: GenotypeReader,
        load_id: int,
    ) -> None:
        self._con = con
        self._tables = tables
        self._source = source
        self._options = options
        self._reader = reader
        self._load_id = load_id
        self._donors = place_donors(con, source, reader, load_id)
        self.tally = Tally()
        self.judge = SiteJudge(con, tables, options, self.tally)
        self._numbers = SiteNumbers(con, tables)

    def add(self, block: GenotypeBlock) -> None:
        """Store a block."""
        starts = block.starts()
        maf = minor_allele_frequency(block, starts, len(self._donors))
        inside = within_maf(maf, self._options)
        for place in self.judge.places[~inside].tolist():
            self.tally.reject(place, "outside_maf")
        if not inside.any():
            return
        index = np.zeros(len(inside), dtype=np.uint32)
        index[inside] = self._numbers.number(block.sites.take(inside))
        is_rare = ~(maf >= RARE_BELOW)
        for table, mask in (("rare", inside & is_rare), ("common", inside & ~is_rare)):
            self._insert(f"raw.genotypes_{table}", block, index, mask, np.diff(starts))

    def _insert(
        self,
        table: str,
        block: GenotypeBlock,
        index: NDArray[np.uint32],
        mask: NDArray[np.bool_],
        n_calls: NDArray[np.int64],
    ) -> None:
        """Insert the calls of the masked variants, in the order of ``variant_idx``."""
        variant_idx = np.repeat(index[mask], n_calls[mask])
        if not len(variant_idx):
            return
        sample, dosage = block.sample, block.dosage
        if not mask.all():
            chosen = np.flatnonzero(np.repeat(mask, n_calls))
            sample, dosage = sample[chosen], dosage[chosen]
        if (np.diff(index[mask].astype(np.int64)) < 0).any():
            order = np.argsort(variant_idx, kind="stable")
            variant_idx, sample, dosage = variant_idx[order], sample[order], dosage[order]
        calls = pa.table(
            {
                "variant_idx": variant_idx,
                "donor_idx": self._donors[sample],
                "dosage": _nullable(dosage),
            }
        )
        self._tables.show("calls", calls)
        self._con.execute(f"insert into {table} from calls")

    def finish(self) -> Loaded:
        """Settle duplicates, bring the variants into the index, and say what was loaded."""
        self.tally.finish()
        repeats = resolve_duplicates(self._con, self._source, self._options)
        swapped = self._swapped()
        self._merge_variants()
        ((n_loaded,),) = self._con.execute(
            "select count(distinct record) from incoming_variants"
        ).fetchall()
        issues = [*self._reader.issues, *self.tally.issues(), *repeats, *swapped]
        self._con.execute("drop table incoming_variants")
        return Loaded(n_read=self.tally.n_read, n_loaded=n_loaded, issues=issues)

    def _swapped(self) -> list[Issue]:
        """Tell of new variants that are known with reference and alternative interchanged."""
        ((n_swapped, record),) = self._con.execute("""
            select count(*), min(incoming.record)
            from raw.variants as known
            inner join incoming_variants as incoming
                on
                    known.chrom = incoming.chrom
                    and known.pos = incoming.pos
                    and known.ref = incoming.alt
                    and known.alt = incoming.ref
            where not incoming.is_known
        """).fetchall()
        if not n_swapped:
            return []
        return [Issue(line=record, code="alleles_swapped", n=n_swapped, is_reject=False)]

    def _merge_variants(self) -> None:
        self._con.execute(
            """
            update raw.variants set
                genotype_load_id = ?,
                rsid = coalesce(variants.rsid, incoming.rsid)
            from (select variant_idx, rsid from incoming_variants where is_known) as incoming
            where variants.variant_idx = incoming.variant_idx
            """,
            [self._load_id],
        )
        self._con.execute(
            """
            insert into raw.variants by name
            select
                variant_idx,
                variant_id,
                chrom,
                pos,
                ref,
                alt,
                rsid,
                $1 as load_id,
                $1 as genotype_load_id
            from incoming_variants
            where not is_known
            order by variant_idx
            """,
            [self._load_id],
        )


def _nullable(dosage: NDArray[np.float32]) -> pa.Array:
    """Return dosages with NULL for NaN."""
    is_missing = np.isnan(dosage)
    return pa.array(dosage, mask=is_missing) if is_missing.any() else pa.array(dosage)


def minor_allele_frequency(
    block: GenotypeBlock, starts: NDArray[np.int64], n_samples: int
) -> NDArray[np.float64]:
    """Return the MAF of each variant among its called samples; NaN where nobody is called.

    ``starts`` are those of the block.

    With two alleles each, as the rare-variant models count: they read the table of rare calls for
    all that is below their cut-off.
    """
    n_variants = len(block.sites)
    n_called = np.full(n_variants, n_samples, dtype=np.int64)
    has_rows = np.diff(starts) > 0
    total = np.zeros(n_variants)
    if has_rows.any():
        firsts = starts[:-1][has_rows]
        total[has_rows] = np.add.reduceat(block.dosage, firsts, dtype=np.float64)
    # NaN in a sum says that there are missing calls, which few blocks have
    if np.isnan(total).any():
        is_missing = np.isnan(block.dosage)
        called = np.where(is_missing, np.float32(0), block.dosage)
        total[has_rows] = np.add.reduceat(called, firsts, dtype=np.float64)
        n_called -= np.bincount(block.variant[is_missing], minlength=n_variants)
    # 2 of 20 copies, or 18, are the 0.1 that a user writes; 1 - 0.9 is not
    with np.errstate(invalid="ignore"):
        frequency: NDArray[np.float64] = np.minimum(total, 2 * n_called - total) / (2 * n_called)
    return frequency


def _with_news(
    reader: GenotypeReader, store: _Store, source: SourceFile, say: Say
) -> Iterator[GenotypeBlock]:
    """Yield the reader's blocks and now and then say how far the file is read."""
    started = last = time.monotonic()
    for block in reader.blocks(store.judge):
        yield block
        now = time.monotonic()
        if now - last < _SECONDS_BETWEEN_NEWS:
            continue
        last = now
        n_read = int(block.sites.record[-1])
        share = f", {100 * n_read // reader.n_records} %" if reader.n_records else ""
        rate = n_read / (now - started)
        say(f"{source.path}: {n_read:,} variants{share} ({rate:,.0f} a second)")
