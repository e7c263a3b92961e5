"""The text files beside binary genotypes: variants and samples, many lines at a time."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.ingest.genotypes.block import Sites
from varhouse.ingest.reading import open_bytes

MAX_POSITION = 2**31 - 1
"""Positions are stored as INTEGER."""

# Above each mebibyte of text stand some 12 MiB of fields.
_CHUNK_BYTES = 1 << 20
_TAB, _LINE_END, _BLANK = 9, 10, 32


def positions(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return the `position` of each text."""
    try:
        found = np.array([int(text) for text in texts], dtype=np.int64)
    except (ValueError, OverflowError):
        return np.array([position(text) for text in texts], dtype=np.int64)
    found[(found < 0) | (found > MAX_POSITION)] = -1
    return found


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
    return int(value) if 0 <= value <= MAX_POSITION and value.is_integer() else -1


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


def columns_of(path: Path, n_fields: int, *, comments: bool = False) -> Iterator[list[list[str]]]:
    """Yield the first fields of a file's lines as columns, about a mebibyte of text at a time.

    Fields are what stands between white space.

    Parameters
    ----------
    comments
        Whether lines that begin with ``#`` are none of the data.

    Raises
    ------
    DataError
        A line has fewer fields or an empty one, or is not text in UTF-8.
    """
    n_before = 0
    with open_bytes(path) as stream:
        while lines := stream.readlines(_CHUNK_BYTES):
            if n_before == 0:
                lines[0] = lines[0].removeprefix(BOM_UTF8)
            columns = _cut(lines, n_fields, comments=comments)
            if columns is None:
                rows = list(_split_each(path, lines, n_before, n_fields, comments=comments))
                columns = [list(column) for column in zip(*rows, strict=True)]
            n_before += len(lines)
            if columns:
                yield columns


def _cut(lines: list[bytes], n_fields: int, *, comments: bool) -> list[list[str]] | None:
    """Return the first fields of all lines at once; None where lines are not alike.

    They are when each has as many tabs, no other white space and no empty field.
    """
    if comments:
        lines = [line for line in lines if not line.startswith(b"#")]
    text = b"".join(lines).rstrip(b"\n")
    codes = np.frombuffer(text, dtype=np.uint8)
    is_tab = codes == _TAB
    ends = np.append(np.flatnonzero(codes == _LINE_END), len(codes))
    n_tabs = np.diff(np.searchsorted(np.flatnonzero(is_tab), ends), prepend=0)
    n_columns = int(n_tabs[0]) + 1
    if (
        not text.isascii()
        or n_columns < n_fields
        or (n_tabs != n_tabs[0]).any()
        or int((codes <= _BLANK).sum()) != int(n_tabs.sum()) + len(ends) - 1
    ):
        return None
    fields = text.decode().replace("\n", "\t").split("\t")
    return None if "" in fields else [fields[place::n_columns] for place in range(n_fields)]


def _split_each(
    path: Path, lines: list[bytes], n_before: int, n_fields: int, *, comments: bool
) -> Iterator[list[str]]:
    for number, line in enumerate(lines, start=n_before + 1):
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
        if line.startswith(b"\t") or b"\t\t" in line:
            raise DataError(
                f"{path}, line {number}: nothing stands between two tabs, which PLINK reads as "
                "one; write what is missing as it does: . in a .pvar or .bim, 0 in a .fam, NA in "
                "a .psam."
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


def site_blocks(chunks: Iterable[Sites], n_rows: int) -> Iterator[Sites]:
    """Yield the variants of a file in blocks of about ``n_rows`` rows.

    A block ends where the position changes, so that variants of one position stand together,
    unless there are more of them than a block holds.
    """
    pending: Sites | None = None
    for chunk in chunks:
        pending = chunk if pending is None else pending.followed_by(chunk)
        start = 0
        while len(pending) - start > 2 * n_rows:
            end = _block_end(pending, start, n_rows)
            yield pending.part(start, end)
            start = end
        pending = pending.part(start, len(pending))
    start = 0
    while pending is not None and start < len(pending):
        end = _block_end(pending, start, n_rows)
        yield pending.part(start, end)
        start = end


def _block_end(sites: Sites, start: int, n_rows: int) -> int:
    """Return where a block from ``start`` ends: between positions, or at least between records."""
    for place in range(start + n_rows, min(start + 2 * n_rows, len(sites))):
        if (sites.pos[place], sites.chrom[place]) != (sites.pos[place - 1], sites.chrom[place - 1]):
            return place
    record = sites.record
    for place in range(start + 2 * n_rows, len(sites)):
        if record[place] != record[place - 1]:
            return place
    return len(sites)


class _Placed(Protocol):
    @property
    def chrom(self) -> str: ...

    @property
    def pos(self) -> int: ...


_Record = TypeVar("_Record", bound=_Placed)


def record_batches(records: Iterable[_Record], n_records: int) -> Iterator[list[_Record]]:
    """Yield records about ``n_records`` at a time, cut as `site_blocks` cuts."""
    batch = list[_Record]()
    for record in records:
        if len(batch) >= n_records and (
            len(batch) >= 2 * n_records
            or (batch[-1].pos, batch[-1].chrom) != (record.pos, record.chrom)
        ):
            yield batch
            batch = []
        batch.append(record)
    if batch:
        yield batch
