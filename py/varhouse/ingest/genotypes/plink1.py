"""PLINK 1 binary genotypes: ``.bed`` with ``.bim`` and ``.fam`` beside it.

Two bits a call, four calls a byte, variants one after the other. The count is that of A1, the
fifth column of the ``.bim``; A1 is taken as the alternative allele and A2 as the reference, as
PLINK 2 and ``plink --keep-allele-order`` write them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.ingest.donors.sex import sex_of
from varhouse.ingest.format import Issue, LoadOptions, SourceFile
from varhouse.ingest.genotypes.block import (
    MISSING_CODE,
    GenotypeBlock,
    Sites,
    Wanted,
    block_from_codes,
    block_size,
    kept_places,
)
from varhouse.ingest.genotypes.text import (
    columns_of,
    companion,
    count_lines,
    positions,
    site_blocks,
)

_MAGIC = b"\x6c\x1b\x01"
_BIM_FIELDS = 6
_FAM_FIELDS = 5

# 00 two copies of A1, 01 missing, 10 one copy, 11 none; the first call is in the lowest bits.
_COPIES = np.array([2, MISSING_CODE, 1, 0], dtype=np.int8)
_CALLS_OF_BYTE = _COPIES[(np.arange(256)[:, None] >> np.array([0, 2, 4, 6])) & 3].view(np.uint32)


def decode_calls(packed: NDArray[np.uint8], n_samples: int) -> NDArray[np.int8]:
    """Return the copies of A1 in rows of packed calls.

    Parameters
    ----------
    packed
        Shape (n_variants, ceil(n_samples / 4)).

    Returns
    -------
    numpy.ndarray
        Shape (n_variants, n_samples): 0, 1, 2, or `MISSING_CODE`.
    """
    calls = np.take(_CALLS_OF_BYTE[:, 0], packed).view(np.int8)
    return np.ascontiguousarray(calls[:, :n_samples])


def read_fam(path: Path, *, comments: bool = False) -> tuple[list[str], list[int | None]]:
    """Return the individual ids and the sexes of a ``.fam`` file.

    Raises
    ------
    DataError
        Its first line names columns, which would be one sample more.
    """
    ids, sexes = list[str](), list[int | None]()
    for _, names, _, _, sex in columns_of(path, _FAM_FIELDS, comments=comments):
        ids += names
        sexes += [sex_of(text) for text in sex]
    if ids and ids[0].upper() == "IID":
        raise DataError(
            f"{path}: its first line names columns; a .fam file has none, and the header of a "
            ".psam begins with #FID or #IID."
        )
    return ids, sexes


def bim_variants(path: Path, *, comments: bool = False) -> Iterator[Sites]:
    """Yield the variants of a ``.bim`` file, A1 as alternative allele."""
    n_before = 0
    for chrom, name, _, pos, a1, a2 in columns_of(path, _BIM_FIELDS, comments=comments):
        record = np.arange(n_before + 1, n_before + len(chrom) + 1)
        yield Sites(record, chrom, positions(pos), a2, a1, list(name))
        n_before += len(chrom)


class Plink1Reader:
    """See `varhouse.ingest.genotypes.block.GenotypeReader`."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        source: SourceFile,
        options: LoadOptions,
        keep: frozenset[str] | None,
    ) -> None:
        self._path = source.path
        self._bim, fam = plink1_companions(source)
        ids, sexes = read_fam(fam)
        self._kept = kept_places(fam, ids, keep)
        self._n_stored = len(ids)
        self.samples: Sequence[str] = [ids[place] for place in self._kept]
        self.sex: Sequence[int | None] = [sexes[place] for place in self._kept]
        self.n_records: int | None = count_lines(self._bim)
        self.issues: list[Issue] = []
        self._row_bytes = (self._n_stored + 3) // 4
        self._check_length(self.n_records)

    def _check_length(self, n_variants: int) -> None:
        with self._path.open("rb") as stream:
            magic = stream.read(len(_MAGIC))
        if magic[:2] == _MAGIC[:2] and magic[2:] == b"\0":
            raise DataError(
                f"{self._path}: in sample-major order, which plink 1.07 wrote long ago; "
                "rewrite it with plink --make-bed."
            )
        if magic != _MAGIC:
            raise DataError(f"{self._path}: not a .bed file of PLINK 1 (its first bytes differ).")
        found = self._path.stat().st_size
        expected = len(_MAGIC) + n_variants * self._row_bytes
        if found != expected:
            raise DataError(
                f"{self._path}: bed has {found} bytes, expected {len(_MAGIC)}+{n_variants}*"
                f"{self._row_bytes}={expected} for {n_variants} variants x {self._n_stored} "
                "samples. Is a file cut short, or do .bim and .fam belong to another .bed?"
            )

    def blocks(self, wanted: Wanted) -> Iterator[GenotypeBlock]:
        """See `varhouse.ingest.genotypes.block.GenotypeReader`."""
        with self._path.open("rb") as stream:
            for sites in site_blocks(bim_variants(self._bim), block_size(self._n_stored)):
                mask = wanted(sites)
                if not mask.any():
                    continue
                first = int(sites.record[0]) - 1
                stream.seek(len(_MAGIC) + first * self._row_bytes)
                packed = np.frombuffer(stream.read(len(sites) * self._row_bytes), dtype=np.uint8)
                rows = packed.reshape(len(sites), self._row_bytes)
                # a byte too few or too many is told by the length of the file
                if self._n_stored % 4 and (rows[:, -1] >> 2 * (self._n_stored % 4)).any():
                    raise DataError(
                        f"{self._path}: has calls of more samples than the {self._n_stored} of its "
                        ".fam. Was a line removed from it?"
                    )
                calls = decode_calls(rows if mask.all() else rows[mask], self._n_stored)
                if len(self._kept) < self._n_stored:
                    calls = np.ascontiguousarray(calls[:, self._kept])
                yield block_from_codes(sites.take(mask), calls)


def plink1_companions(source: SourceFile) -> Sequence[Path]:
    """Return the ``.bim`` and the ``.fam`` beside a ``.bed``."""
    return [companion(source.path, [suffix]) for suffix in (".bim", ".fam")]
