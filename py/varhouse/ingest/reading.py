"""Files as they are on disk: sniffing, checksums, damage, the build they state."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from varhouse.errors import DataError, UsageError
from varhouse.ingest.accessions import build_of_accessions
from varhouse.ingest.builds import ID_ENDS
from varhouse.ingest.format import Binary, Issue, SourceFile

_COMPRESSIONS = {".gz": "gzip", ".bgz": "gzip", ".zst": "zstd"}
_PARQUET = (".parquet", ".pq")
_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 20
# The last block of every complete BGZF file (SAM specification, section 4.1.2).
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_GZIP_MAGIC = b"\x1f\x8b"
_PACKED: dict[bytes, tuple[str, tuple[str, ...]]] = {
    _GZIP_MAGIC: ("compressed with gzip", (".gz", ".bgz")),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", (".zst",)),
    b"BZh": ("compressed with bzip2", ()),
    b"\xfd7zXZ\x00": ("compressed with xz", ()),
    b"PK\x03\x04": ("a zip archive or an Excel workbook", ()),
}
"""First bytes of packed files: what they are, and the suffixes by which we unpack them."""


PANDAS_INDEX = "__index_level_0__"
"""What pandas calls an index without a name in parquet; as text it has none."""

_ROW_LABELS = re.compile(rf"|index|level_0|{PANDAS_INDEX}|unnamed: \d+")


def check_file(path: Path) -> None:
    """Refuse a path that is no file.

    Raises
    ------
    UsageError
        There is no such file, it is not a file, or it may not be read.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file.")
    if not path.is_file():
        raise UsageError(f"{path}: not a file; name the files in it.")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{path}: you may not read this file.")


def sniff(path: Path) -> SourceFile:
    """Read the head of a file and say what it looks like.

    Raises
    ------
    UsageError
        See `check_file`.
    DataError
        It is empty, cannot be decompressed, is not text in UTF-8, or is not a whole parquet file.
    """
    check_file(path)
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty (0 bytes).")
    suffix = _suffix(path)
    with path.open("rb") as stream:
        start = stream.read(20)
    binary = _binary(path, start)
    if binary:
        return SourceFile(path, "", (), suffix, "", binary)
    _refuse_packed(path, start)
    if suffix in _PARQUET:
        return SourceFile(path, "", _parquet_columns(path), suffix, "")
    header = next((line for line in head_lines(path) if line.strip()), "")
    if not header:
        raise DataError(f"{path}: the file is empty (blank lines only).")
    delimiter = _delimiter(header)
    names = header.split() if delimiter == " " else header.split(delimiter)
    columns = tuple(name.strip().removeprefix('"').removesuffix('"') for name in names)
    return SourceFile(path, header, columns, suffix, delimiter)


def _binary(path: Path, start: bytes) -> Binary:
    """Tell the binary formats of the field by their first bytes."""
    if start[:2] == b"\x6c\x1b":
        # PLINK 1 in its variant-major order, which is all that is in use, else PLINK 2
        return "plink-bed" if start[2:3] in (b"\x00", b"\x01") else "plink-pgen"
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return "hdf5"
    if start[16:20] == b"bgen":
        return "bgen"
    if start.startswith(_GZIP_MAGIC):
        # what cannot be unpacked is no BCF, and is told of by whoever reads the file
        with contextlib.suppress(OSError, EOFError, zlib.error), gzip.open(path, "rb") as inner:
            if inner.read(4) == b"BCF\x02":
                return "bcf"
    return ""


def _refuse_packed(path: Path, start: bytes) -> None:
    """Refuse an archive, and a compressed file that does not say so: its name tells the reader."""
    for magic, (kind, suffixes) in _PACKED.items():
        if start.startswith(magic) and path.suffix.lower() not in suffixes:
            wanted = f"add {suffixes[0]} to its name" if suffixes else "unpack it first"
            raise DataError(f"{path}: {kind}; {wanted}.")


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _delimiter(header: str) -> str:
    return next((candidate for candidate in "\t, " if candidate in header), "\t")


def _parquet_columns(path: Path) -> tuple[str, ...]:
    try:
        return tuple(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: not a whole parquet file (its end or its schema cannot be read); "
            "was the download cut short?"
        ) from error


def compression_of(path: Path) -> str:
    """Return how a file is compressed, by its suffix and in DuckDB's words: gzip, zstd or none."""
    return _COMPRESSIONS.get(path.suffix.lower(), "none")


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading; its suffix says how it is compressed."""
    match compression_of(path):
        case "gzip":
            return cast(IO[bytes], gzip.open(path, "rb"))
        case "zstd":
            return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
        case _:
            return path.open("rb")


def head_lines(path: Path, n_bytes: int = _HEAD_BYTES) -> list[str]:
    """Return the lines in the first MiB of a text file, line ends removed; -1 bytes are all.

    Raises
    ------
    DataError
        The head cannot be decompressed or is not text in UTF-8.
    """
    try:
        with open_bytes(path) as stream:
            head = stream.read(n_bytes)
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise _damaged(path, error) from error
    if len(head) == n_bytes:
        head = head[: head.rfind(b"\n") + 1] or head
    try:
        return re.split("\r\n|\n|\r", head.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = head.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: not text in UTF-8. Is it a binary file with the wrong name, "
            "or text in another encoding (convert with iconv)?"
        ) from error


def is_row_labels(name: str) -> bool:
    """Return whether a column has the row names that R or pandas wrote beside the others.

    It has no name, that of an unnamed index of pandas (in parquet, or from ``reset_index``), or
    what pandas calls a column without one.
    """
    return _ROW_LABELS.fullmatch(name.strip().lower()) is not None


def shown_names(names: Sequence[str]) -> str:
    """Return names of columns as errors tell them: the first 40, each of 40 letters at most."""
    shown = [name if len(name) <= 40 else name[:37] + "..." for name in names[:40]]
    return ", ".join(shown) + (", ..." if len(names) > 40 else "")


def header_hint(source: SourceFile) -> str:
    """Return a sentence on what is amiss with a header that names no columns we know, or nothing.

    It begins with a space: it goes behind the error that the header causes.
    """
    if not source.header:
        return ""
    if source.header.count(";") >= len(source.columns):
        return " Columns are separated by tabs, commas or spaces; here they look separated by ;."
    if not source.header.startswith("#"):
        first = next(iter(head_lines(source.path)[1:]), "")
        fields = first.split(source.delimiter)
        # a delimiter at the end of each line is no name of a row
        if len(fields) == len(source.columns) + 1 and fields[-1]:
            return (
                " The line below has a field more than the header, as where R writes row names: "
                "write them with col.names = NA, or none with row.names = FALSE."
            )
        return ""
    if source.header.startswith("##fileformat=VCF"):
        return ""
    lines = (line for line in head_lines(source.path) if line.strip())
    below = next((line for line in lines if not line.startswith("#")), source.header)
    if len(below.split(_delimiter(below))) == len(source.columns):
        return ""
    return " The first line looks like a comment: remove the lines that stand above the header."


def _damaged(path: Path, error: Exception) -> DataError:
    with path.open("rb") as stream:
        is_gzip = stream.read(2) == _GZIP_MAGIC
    if isinstance(error, gzip.BadGzipFile) and not is_gzip:
        return DataError(f"{path}: not compressed, although its name says gzip; rename it.")
    if isinstance(error, EOFError):
        found = "ends in the middle of a compressed block"
    else:
        found = f"cannot be decompressed ({error})"
    return DataError(f"{path}: {found}; was the download cut short?")


def sha256_of(paths: Sequence[Path]) -> str:
    """Return the SHA-256 of a file's bytes in hex; of several files, that of their digests."""
    digests = []
    for path in paths:
        with path.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def check_compression(path: Path) -> list[Issue]:
    """Read a compressed file to its end, so that its checksums are verified.

    DuckDB verifies neither the CRC of gzip nor its end.

    Returns
    -------
    list of Issue
        See `check_bgzf_end`.

    Raises
    ------
    DataError
        The file is cut short or a checksum differs.
    """
    if compression_of(path) == "none":
        return []
    try:
        with open_bytes(path) as stream:
            while stream.read(_CHUNK_BYTES):
                pass
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise _damaged(path, error) from error
    return check_bgzf_end(path)


def check_bgzf_end(path: Path) -> list[Issue]:
    """Tell of a block gzip file that lacks its last, empty block."""
    with path.open("rb") as raw:
        start = raw.read(16)
        is_bgzf = start[:4] == b"\x1f\x8b\x08\x04" and start[12:14] == b"BC"
        if not is_bgzf:
            return []
        raw.seek(-min(len(_BGZF_END), path.stat().st_size), io.SEEK_END)
        if raw.read() == _BGZF_END:
            return []
    return [Issue(code="no_bgzf_end_marker", n=1, is_reject=False)]


def build_of_first_id(source: SourceFile) -> str | None:
    """Return the build that an id in the first row ends in, as GTEx writes them, or None."""
    if not source.delimiter:
        return None
    lines = [line for line in head_lines(source.path) if line.strip()][1:2]
    cells = lines[0].split(source.delimiter) if lines else []
    return next(
        (build for cell in cells for build, end in ID_ENDS.items() if cell.endswith(end)), None
    )


def build_of_contigs(source: SourceFile) -> str | None:
    """Return the build that a text file names its contigs after (``NC_000021.9``), or None."""
    if not source.delimiter:
        return None
    return build_of_accessions("\n".join(head_lines(source.path)))
