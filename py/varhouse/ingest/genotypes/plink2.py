"""PLINK 2 binary genotypes: ``.pgen`` with ``.pvar`` (or ``.pvar.zst``) and ``.psam`` beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError, UsageError
from varhouse.ingest.donors.sex import sex_of
from varhouse.ingest.format import Issue, LoadOptions, SourceFile
from varhouse.ingest.genotypes.block import (
    MISSING_CODE,
    GenotypeBlock,
    Sites,
    Wanted,
    block_from_codes,
    block_from_dense,
    block_size,
    kept_places,
)
from varhouse.ingest.genotypes.calls import allele_numbers
from varhouse.ingest.genotypes.header import build_of_header
from varhouse.ingest.genotypes.plink1 import bim_variants, read_fam
from varhouse.ingest.genotypes.text import (
    columns_of,
    companion,
    header_of,
    positions,
    site_blocks,
)
from varhouse.ingest.reading import check_compression, head_lines

if TYPE_CHECKING:
    from pgenlib import PgenReader

_PVAR_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT")
# Storage modes, the third byte: hard calls only, dosages for all, or a type for each record. Then
# the low half of the twelfth byte is below 4 where a type takes 4 bits, which have no room for
# dosages (PGEN specification, "Header").
_HARD_CALL_MODE, _DOSAGE_MODES, _VARIABLE_MODES = 0x02, (0x03, 0x04), (0x10, 0x11)
_HEADER_BYTES = 12
# The two highest bits of the twelfth byte: the reference of all variants, or of some, is unsure.
_ALL_PROVISIONAL, _SOME_PROVISIONAL = 2, 3
_LEAST_WIDE_TYPES = 4


def _pgenlib() -> ModuleType:
    try:
        import pgenlib
    except ImportError as error:
        raise UsageError(
            "reading .pgen files needs Pgenlib: pip install 'varhouse[genotypes]'."
        ) from error
    module: ModuleType = pgenlib
    return module


def pvar_variants(path: Path) -> Iterator[Sites]:
    """Yield the variants of a ``.pvar`` file.

    Without a ``#CHROM`` line the columns are those of a ``.bim``.

    Raises
    ------
    DataError
        A column is missing, or a line cut short.
    """
    header = header_of(path)
    if header and header[0] != "#CHROM":
        yield from bim_variants(path, comments=True)
        return
    missing = [name for name in _PVAR_COLUMNS if name not in header]
    if missing:
        raise DataError(f"{path}: column {missing[0]} missing from its #CHROM line.")
    places = [header.index(name) for name in _PVAR_COLUMNS]
    n_before = 0
    for columns in columns_of(path, max(places) + 1, comments=True):
        chrom, pos, name, ref, alt = (columns[place] for place in places)
        records = Sites(
            np.arange(n_before + 1, n_before + len(chrom) + 1),
            chrom,
            positions(pos),
            ref,
            alt,
            list(name),
        )
        yield records.by_allele()
        n_before += len(chrom)


def _allele_counts(path: Path) -> NDArray[np.int64]:
    """Return the number of alternative alleles of each variant."""
    counts = [np.bincount(sites.record - sites.record[0]) for sites in pvar_variants(path)]
    return np.concatenate(counts) if counts else np.empty(0, dtype=np.int64)


def read_psam(path: Path) -> tuple[list[str], list[int | None]]:
    """Return the individual ids and the sexes of a ``.psam`` file.

    Without a header line the columns are those of a ``.fam``.
    """
    header = header_of(path)
    if not header or header[0] not in ("#FID", "#IID"):
        return read_fam(path, comments=True)
    ids, sexes = list[str](), list[int | None]()
    names = [name.removeprefix("#") for name in header]
    if "IID" not in names:
        raise DataError(f"{path}: column IID missing from its header.")
    for columns in columns_of(path, len(names), comments=True):
        by_name = dict(zip(names, columns, strict=True))
        found = by_name["IID"]
        ids += found
        sexes += [sex_of(text) for text in by_name.get("SEX", [""] * len(found))]
    return ids, sexes


class Plink2Reader:
    """See `varhouse.ingest.genotypes.block.GenotypeReader`."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        source: SourceFile,
        options: LoadOptions,
        keep: frozenset[str] | None,
    ) -> None:
        self._path = source.path
        self._pvar, psam = plink2_companions(source)
        check_compression(self._pvar)
        ids, sexes = read_psam(psam)
        self._kept = kept_places(psam, ids, keep)
        self._n_stored = len(ids)
        self.samples: Sequence[str] = [ids[place] for place in self._kept]
        self.sex: Sequence[int | None] = [sexes[place] for place in self._kept]
        self.issues: list[Issue] = []
        n_alts = _allele_counts(self._pvar)
        self.n_records: int | None = len(n_alts)
        self._has_dosages = self._check_header(len(n_alts))
        self._allele_offsets = np.concatenate(([0], np.cumsum(n_alts + 1))).astype(np.uintp)
        self._open = _pgenlib().PgenReader

    def _check_header(self, n_variants: int) -> bool:
        """Compare the counts of the header; return whether dosages may be stored."""
        with self._path.open("rb") as stream:
            header = stream.read(_HEADER_BYTES)
        mode = header[2] if len(header) == _HEADER_BYTES else -1
        if mode not in (_HARD_CALL_MODE, *_DOSAGE_MODES, *_VARIABLE_MODES):
            raise DataError(
                f"{self._path}: not a .pgen file that can be read (storage mode {mode:#x}); "
                "rewrite it with plink2 --make-pgen."
            )
        found = tuple(int.from_bytes(header[at : at + 4], "little") for at in (3, 7))
        if found != (n_variants, self._n_stored):
            raise DataError(
                f"{self._path}: pgen has {found[0]} variants x {found[1]} samples, but there are "
                f"{n_variants} variants in {self._pvar.name} and {self._n_stored} samples in the "
                ".psam. Do they belong together?"
            )
        self._note_provisional(header[_HEADER_BYTES - 1] >> 6, n_variants)
        if mode in _VARIABLE_MODES:
            return header[_HEADER_BYTES - 1] & 15 >= _LEAST_WIDE_TYPES
        return mode in _DOSAGE_MODES

    def _note_provisional(self, flag: int, n_variants: int) -> None:
        if flag in (_ALL_PROVISIONAL, _SOME_PROVISIONAL):
            self.issues.append(
                Issue(
                    code="reference_provisional",
                    n=n_variants if flag == _ALL_PROVISIONAL else 1,
                    is_reject=False,
                )
            )

    def blocks(self, wanted: Wanted) -> Iterator[GenotypeBlock]:
        """See `varhouse.ingest.genotypes.block.GenotypeReader`."""
        subset = None
        if len(self._kept) < self._n_stored:
            subset = self._kept.astype(np.uint32)
        try:
            pgen = self._open(
                str(self._path).encode(),
                sample_subset=subset,
                variant_ct=self.n_records,
                allele_idx_offsets=self._allele_offsets,
            )
        except RuntimeError as error:
            raise DataError(f"{self._path}: its header is damaged.") from error
        try:
            for sites in site_blocks(pvar_variants(self._pvar), block_size(self._n_stored)):
                mask = wanted(sites)
                if mask.any():
                    yield self._read(pgen, sites.take(mask), allele_numbers(sites)[mask])
        finally:
            pgen.close()

    def _read(self, pgen: PgenReader, sites: Sites, allele: NDArray[np.int64]) -> GenotypeBlock:
        variants = (sites.record - 1).astype(np.uint32)
        shape = (len(sites), len(self._kept))
        later = [(row, int(allele[row])) for row in np.flatnonzero(allele > 1).tolist()]
        try:
            if self._has_dosages:
                dosages = np.empty(shape, dtype=np.float32)
                pgen.read_dosages_list(variants, dosages)
                for row, number in later:
                    pgen.read_dosages(int(variants[row]), dosages[row], number)
                dosages[dosages == MISSING_CODE] = np.nan
                return block_from_dense(sites, dosages)
            codes = np.empty(shape, dtype=np.int8)
            pgen.read_list(variants, codes)
            for row, number in later:
                pgen.read(int(variants[row]), codes[row], number)
        except RuntimeError as error:
            raise DataError(
                f"{self._path}: the genotypes of variants {sites.record[0]} to "
                f"{sites.record[-1]} cannot be read; the file is cut short or damaged."
            ) from error
        return block_from_codes(sites, codes)


def build_of_pvar(source: SourceFile) -> str | None:
    """Return the genome build that the header of the ``.pvar`` states, or None."""
    return build_of_header(head_lines(plink2_companions(source)[0]))


def plink2_companions(source: SourceFile) -> Sequence[Path]:
    """Return the ``.pvar`` or ``.pvar.zst`` and the ``.psam`` beside a ``.pgen``."""
    return [
        companion(source.path, [".pvar", ".pvar.zst"]),
        companion(source.path, [".psam"]),
    ]
