"""Genotypes of VCF text, plain or compressed.

htslib reads past columns that a line has too many, lets positions overflow and ends the process at
calls such as ``A/B``; so VCF text, which people edit, is decoded here.
"""

from __future__ import annotations

import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.ingest.format import Issue, LoadOptions, SourceFile
from varhouse.ingest.genotypes.block import (
    GenotypeBlock,
    Sites,
    Wanted,
    kept_places,
)
from varhouse.ingest.genotypes.calls import CallReader, Calls, allele_numbers
from varhouse.ingest.genotypes.vcf_lines import N_FIXED, VcfLines
from varhouse.ingest.reading import check_bgzf_end, open_bytes

_CHUNK_BYTES = 1 << 23
_SMALL_BYTES = 1 << 12
_GZIP_WINDOW = 31
_DAMAGE = (OSError, EOFError, zlib.error)


class VcfReader:
    """See `varhouse.ingest.genotypes.block.GenotypeReader`."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        source: SourceFile,
        options: LoadOptions,
        keep: frozenset[str] | None,
    ) -> None:
        self._path = source.path
        with open_bytes(self._path) as stream:
            ids, self._n_header_lines = self._read_header(stream)
        self._kept = kept_places(self._path, ids, keep, where="column", first=N_FIXED + 1)
        self._n_stored = len(ids)
        self.samples: Sequence[str] = [ids[place] for place in self._kept]
        self.sex: Sequence[int | None] = [None] * len(self.samples)
        self.n_records: int | None = None
        self.issues: list[Issue] = check_bgzf_end(self._path)
        self._calls = CallReader(self._path, options.half_call)

    def _read_header(self, stream: IO[bytes]) -> tuple[list[str], int]:
        """Read up to the line of column names; return the sample ids and the number of lines."""
        for number, read in enumerate(stream, start=1):
            line = read.removeprefix(BOM_UTF8) if number == 1 else read
            if line.startswith(b"#CHROM"):
                try:
                    columns = line.decode().rstrip("\r\n").split("\t")
                except UnicodeDecodeError as error:
                    raise DataError(f"{self._path}, line {number}: not text in UTF-8.") from error
                if len(columns) < N_FIXED - 1:
                    raise DataError(
                        f"{self._path}, line {number}: {len(columns)} columns found in the #CHROM "
                        f"line, at least {N_FIXED - 1} expected, with tabs between them."
                    )
                return columns[N_FIXED:], number
            if not line.startswith(b"#"):
                break
        raise DataError(f"{self._path}: no #CHROM line before the first record of the VCF file.")

    def blocks(self, wanted: Wanted) -> Iterator[GenotypeBlock]:
        """See `varhouse.ingest.genotypes.block.GenotypeReader`."""
        record = 1
        for text in self._chunks():
            lines = VcfLines(self._path, text, self._n_stored, record, self._n_header_lines)
            sites, place = lines.sites()
            mask = wanted(sites)
            if mask.any():
                yield self._block(lines, sites.take(mask), place[mask], allele_numbers(sites)[mask])
            record += lines.n_lines
        self.issues += self._calls.issues()

    def _block(
        self,
        lines: VcfLines,
        sites: Sites,
        place: NDArray[np.int64],
        allele: NDArray[np.int64],
    ) -> GenotypeBlock:
        """Decode rows; ``place`` is the line of each, ``allele`` which allele of it."""
        lines.check_formats(place)
        called = np.unique(place[lines.has_calls[place]])
        first, second = lines.calls(called, self._kept)
        calls = Calls(lines.records(called), lines.n_alleles[called], first, second)
        dosages = {
            row: lines.dosages(int(place[row]), int(allele[row]), self._kept)
            for row in np.flatnonzero(lines.has_dosages[place]).tolist()
        }
        return self._calls.block(sites, allele, calls, dosages)

    def _chunks(self) -> Iterator[bytes]:
        """Yield whole lines, those of one position together where they fit."""
        pending = b""
        try:
            with open_bytes(self._path) as stream:
                self._read_header(stream)
                while data := stream.read(_CHUNK_BYTES):
                    pending += data
                    end = _end_of_positions(pending)
                    if end:
                        yield pending[:end]
                        pending = pending[end:]
        except _DAMAGE as error:
            raise self._cut_short(error) from error
        if pending := pending.rstrip(b"\r\n"):
            yield pending + b"\n"

    def _cut_short(self, error: Exception) -> DataError:
        """Say after which record the compressed stream breaks off."""
        n_records = max(0, _lines_in_whole_blocks(self._path) - self._n_header_lines)
        found = (
            "the compressed stream ends in the middle of a block"
            if isinstance(error, EOFError)
            else "the compressed stream is damaged"
        )
        where = f" after record {n_records}" if n_records else ""
        return DataError(f"{self._path}: {found}{where}; was the file cut short?")


def _lines_in_whole_blocks(path: Path) -> int:
    """Return the number of line ends in a gzip file before the block that is damaged."""
    n_lines = n_whole = 0
    block = zlib.decompressobj(_GZIP_WINDOW)
    # what follows the damage cannot be read, which is why this is called
    with path.open("rb") as stream, suppress(zlib.error):
        while data := stream.read(_SMALL_BYTES):
            while data:
                n_lines += block.decompress(data).count(b"\n")
                if not block.eof:
                    break
                n_whole, data = n_lines, block.unused_data
                block = zlib.decompressobj(_GZIP_WINDOW)
    return n_whole


def _end_of_positions(text: bytes) -> int:
    """Return where the last position begins that may go on behind the text.

    That is where the last whole line ends when all lines are of one position, and 0 when there is
    no whole line.
    """
    end = last = text.rfind(b"\n") + 1
    key: list[bytes] | None = None
    while end:
        start = text.rfind(b"\n", 0, end - 1) + 1
        begins = text[start : start + 64].split(b"\t", 2)[:2]
        if key is not None and begins != key:
            return end
        key, end = begins, start
    return last
