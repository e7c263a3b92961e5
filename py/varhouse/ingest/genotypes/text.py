"""The text files beside binary genotypes: variants and samples, a line at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from varhouse.errors import DataError
from varhouse.ingest.genotypes.block import Sites
from varhouse.ingest.reading import open_bytes

_MAX_POSITION = 2**31 - 1

Variant = tuple[str, int, str, Sequence[str], str | None]
"""Contig, position, reference allele, alternative alleles and name of a record."""


def position(text: str) -> int:
    """Return a position, -1 where the text is no whole number that can be one.

    Examples
    --------
    >>> position("1000"), position("1e+05"), position("12.5"), position("")
    (1000, 100000, -1, -1)
    """
    try:
        value = float(text)
    except ValueError:
        return -1
    return int(value) if 0 <= value <= _MAX_POSITION and value.is_integer() else -1


def companion(path: Path, suffixes: Sequence[str]) -> Path:
    """Return the file of the same name with one of the suffixes.

    Raises
    ------
    DataError
        There is none.
    """
    for suffix in suffixes:
        candidate = path.with_suffix(suffix)
        if candidate.is_file():
            return candidate
    wanted = " or ".join(path.with_suffix(suffix).name for suffix in suffixes)
    raise DataError(f"{path}: {wanted} is not beside it; the file cannot be read without.")


def fields_of(path: Path, n_fields: int, *, comments: bool = False) -> Iterator[list[str]]:
    """Yield the first fields of every line that is not blank.

    Fields are split at white space; what follows the first ``n_fields`` is left out.

    Parameters
    ----------
    comments
        Whether lines that begin with ``#`` are none of the data.

    Raises
    ------
    DataError
        A line has fewer fields, or is not text in UTF-8.
    """
    with open_bytes(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                fields = line.decode().split(None, n_fields)[:n_fields]
            except UnicodeDecodeError as error:
                raise DataError(f"{path}, line {number}: not text in UTF-8.") from error
            if not fields or (comments and fields[0].startswith("#")):
                continue
            if len(fields) < n_fields:
                raise DataError(
                    f"{path}, line {number}: {len(fields)} columns found, at least {n_fields} "
                    "expected. Is the line cut short?"
                )
            yield fields


def count_lines(path: Path) -> int:
    """Return the number of lines that are not blank."""
    with open_bytes(path) as stream:
        return sum(not line.isspace() for line in stream)


def header_of(path: Path) -> list[str]:
    """Return the fields of the first line that is neither blank nor begins with ``##``."""
    with open_bytes(path) as stream:
        for number, line in enumerate(stream, start=1):
            if line.isspace() or line.startswith(b"##"):
                continue
            try:
                return line.decode().split()
            except UnicodeDecodeError as error:
                raise DataError(f"{path}, line {number}: not text in UTF-8.") from error
    return []


def site_blocks(variants: Iterable[Variant], n_rows: int) -> Iterator[Sites]:
    """Yield the variants of a file in blocks of about ``n_rows`` rows.

    A block ends where the position changes, so that variants of one position stand together,
    unless there are more of them than a block holds.
    """
    building = SitesBuilder()
    for number, (chrom, pos, ref, alts, name) in enumerate(variants, start=1):
        if building.is_full(n_rows, chrom, pos):
            yield building.take()
        for alt in alts:
            building.add(number, chrom, pos, ref, alt, name)
    if building.n_rows:
        yield building.take()


class SitesBuilder:
    """Collects the rows of a block."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, str, int, str, str, str | None]] = []

    @property
    def n_rows(self) -> int:
        """Number of rows collected."""
        return len(self._rows)

    def is_full(self, n_rows: int, chrom: str, pos: int) -> bool:
        """Return whether a record at this place should begin a block of its own."""
        if len(self._rows) < n_rows:
            return False
        last = self._rows[-1]
        return len(self._rows) >= 2 * n_rows or last[2] != pos or last[1] != chrom

    def add(self, record: int, chrom: str, pos: int, ref: str, alt: str, name: str | None) -> None:
        """Add a row."""
        self._rows.append((record, chrom, pos, ref, alt, name))

    def take(self) -> Sites:
        """Return the rows and begin anew."""
        record, chrom, pos, ref, alt, name = (
            list(column) for column in zip(*self._rows, strict=True)
        )
        self._rows = []
        return Sites(
            np.array(record, dtype=np.int64),
            chrom,
            np.array(pos, dtype=np.int64),
            ref,
            alt,
            name,
        )
