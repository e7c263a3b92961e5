"""Files as they are on disk: sniffing, checksums, lines of text, parquet columns."""

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

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from varhouse.errors import DataError, UsageError
from varhouse.ingest.accessions import build_of_accessions
from varhouse.ingest.format import Binary, SourceFile
from varhouse.ingest.keys import text_literal

_COMPRESSED = (".gz", ".bgz", ".zst")
_PARQUET = (".parquet", ".pq")
_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 20
_MAX_LINE_BYTES = 64 << 20
# The last block of every complete BGZF file (SAM specification, section 4.1.2).
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_GZIP_MAGIC = b"\x1f\x8b"
_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")


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
    binary = _binary(path)
    if binary:
        return SourceFile(path, "", (), suffix, "", binary)
    if suffix in _PARQUET:
        return SourceFile(path, "", _parquet_columns(path), suffix, "")
    header = next((line for line in head_lines(path) if line.strip()), "")
    if not header:
        raise DataError(f"{path}: the file is empty (blank lines only).")
    delimiter = _delimiter(header)
    names = header.split() if delimiter == " " else header.split(delimiter)
    columns = tuple(name.strip().removeprefix('"').removesuffix('"') for name in names)
    return SourceFile(path, header, columns, suffix, delimiter)


def _binary(path: Path) -> Binary:
    """Tell the binary formats of the field by their first bytes."""
    with path.open("rb") as stream:
        start = stream.read(20)
    if start[:2] == b"\x6c\x1b":
        # PLINK 1 in its variant-major order, which is all that is in use, else PLINK 2
        return "plink-bed" if start[2:3] in (b"\x00", b"\x01") else "plink-pgen"
    if start[:8] == b"\x89HDF\r\n\x1a\n":
        return "hdf5"
    if start[16:20] == b"bgen":
        return "bgen"
    if start[:2] == _GZIP_MAGIC:
        with contextlib.suppress(OSError, EOFError, zlib.error), gzip.open(path, "rb") as inner:
            if inner.read(4) == b"BCF\x02":
                return "bcf"
    return ""


def _suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _COMPRESSED:
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


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading; its suffix says how it is compressed."""
    match path.suffix.lower():
        case ".gz" | ".bgz":
            return cast(IO[bytes], gzip.open(path, "rb"))
        case ".zst":
            return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
        case _:
            return path.open("rb")


def head_lines(path: Path) -> list[str]:
    """Return the lines in the first MiB of a text file, line ends removed.

    Raises
    ------
    DataError
        The head cannot be decompressed or is not text in UTF-8.
    """
    try:
        with open_bytes(path) as stream:
            head = stream.read(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise _damaged(path, error) from error
    if len(head) == _HEAD_BYTES:
        head = head[: head.rfind(b"\n") + 1] or head
    try:
        return re.split("\r\n|\n|\r", head.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = head.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: not text in UTF-8. Is it a binary file with the wrong name, "
            "or text in another encoding (convert with iconv)?"
        ) from error


def _damaged(path: Path, error: Exception) -> DataError:
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


def check_compression(path: Path) -> str | None:
    """Read a compressed file to its end, so that its checksums are verified.

    DuckDB verifies neither the CRC of gzip nor its end.

    Returns
    -------
    str or None
        ``no_bgzf_end_marker`` when a block gzip file lacks its last, empty block.

    Raises
    ------
    DataError
        The file is cut short or a checksum differs.
    """
    if path.suffix.lower() not in _COMPRESSED:
        return None
    try:
        with open_bytes(path) as stream:
            while stream.read(_CHUNK_BYTES):
                pass
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise _damaged(path, error) from error
    return check_bgzf_end(path)


def check_bgzf_end(path: Path) -> str | None:
    """Return ``no_bgzf_end_marker`` when a block gzip file lacks its last, empty block."""
    with path.open("rb") as raw:
        start = raw.read(16)
        is_bgzf = start[:4] == b"\x1f\x8b\x08\x04" and start[12:14] == b"BC"
        if not is_bgzf:
            return None
        raw.seek(-min(len(_BGZF_END), path.stat().st_size), io.SEEK_END)
        return None if raw.read() == _BGZF_END else "no_bgzf_end_marker"


def path_sql(path: Path) -> str:
    """Return a path as an SQL literal in which no character is a wildcard."""
    return text_literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def parquet_sql(source: SourceFile) -> str:
    """Return a FROM item with a parquet file's columns and ``file_row_number`` (0-based)."""
    return f"read_parquet({path_sql(source.path)}, file_row_number=true, hive_partitioning=false)"


def parquet_numbers(source: SourceFile) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of a parquet file's integer and of its floating-point columns.

    Their values need not be parsed from text.
    """
    schema = pq.read_schema(source.path)
    integers = (field.name for field in schema if pa.types.is_signed_integer(field.type))
    floats = (
        field.name
        for field in schema
        if pa.types.is_float32(field.type) or pa.types.is_float64(field.type)
    )
    return frozenset(integers), frozenset(floats)


def require_columns(source: SourceFile, wanted: Sequence[str]) -> None:
    """Refuse a file that lacks a column.

    Raises
    ------
    DataError
        Names the file, the missing columns and the columns found.
    """
    missing = [name for name in wanted if name not in source.columns]
    if missing:
        raise missing_columns(source, missing)


def missing_columns(source: SourceFile, missing: Sequence[str]) -> DataError:
    """Return the error for a file without columns that its format needs."""
    plural = "s" if len(missing) > 1 else ""
    return DataError(
        f"{source.path}: column{plural} {', '.join(missing)} missing; "
        f"columns found: {_shown(source.columns)}."
    )


def _shown(columns: Sequence[str]) -> str:
    shown = [name if len(name) <= 40 else name[:37] + "..." for name in columns[:40]]
    return ", ".join(shown) + (", ..." if len(columns) > 40 else "")


def stage_lines(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    """Create the temp table ``file_lines(line, content)``: every line that is not blank.

    Raises
    ------
    DataError
        A line is not UTF-8, or longer than any sane line.
    """
    compression = {".gz": "gzip", ".bgz": "gzip", ".zst": "zstd"}.get(
        source.path.suffix.lower(), "none"
    )
    # The delimiter is a control character that no text holds: DuckDB only splits lines here.
    # row_number() over () numbers them in file order: the operator runs on one thread.
    try:
        con.execute(f"""
            create or replace temp table file_lines as
            select line, content
            from (
                select
                    row_number() over () as line,
                    rtrim(content, chr(13)) as content
                from read_csv(
                    {path_sql(source.path)}, columns={{'content': 'VARCHAR'}}, auto_detect=false,
                    header=false, delim='\x01', quote='', escape='', comment='', nullstr='',
                    compression='{compression}', max_line_size={_MAX_LINE_BYTES},
                    hive_partitioning=false
                )
            )
            where trim(content, ' ' || chr(9)) <> ''
        """)
    except duckdb.InvalidInputException as error:
        line = _CSV_LINE.search(str(error))
        where = f", line {line[1]}" if line else ""
        if "unicode" in str(error):
            found = "not text in UTF-8 (convert with iconv, or is it a binary file?)"
        elif "Maximum line size" in str(error):
            found = f"a line longer than {_MAX_LINE_BYTES >> 20} MiB"
        else:
            found = "a control character or line end that does not belong in a text table"
        raise DataError(f"{source.path}{where}: {found}.") from None


def stage_fields(
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    columns: Sequence[str],
    wanted: Sequence[str],
    *,
    header_line: int,
    comment: str = "",
) -> str:
    """Create ``file_fields(line, fields)`` and return a SELECT list naming the wanted fields.

    Parameters
    ----------
    columns
        Names of the fields in the order of the file.
    wanted
        Those that are read; the others may be called anything.
    header_line
        Lines up to this one are not data; 0 for a file without header.
    comment
        Lines that begin with it are not data.

    Returns
    -------
    str
        ``fields[1] as "a", fields[2] as "b"``; every field is VARCHAR.

    Raises
    ------
    DataError
        A line has more or fewer fields than there are columns: its number and both counts. A
        wanted column stands in the header twice.
    """
    twice = [name for name in wanted if columns.count(name) > 1]
    if twice:
        raise DataError(f"{source.path}: column {twice[0]} occurs twice in the header.")
    stage_lines(con, source)
    delimiter = text_literal(source.delimiter)
    split = f"string_split(content, {delimiter})"
    if source.delimiter == ",":
        split = f"case when contains(content, '\"') then {_QUOTED_SPLIT} else {split} end"
    elif source.delimiter == " ":
        split = r"string_split_regex(trim(content), ' +')"
    where = f"line > {header_line}"
    if comment:
        where += f" and not starts_with(content, {text_literal(comment)})"
    con.execute(f"""
        create or replace temp table file_fields as
        select line, {split} as fields from file_lines where {where}
    """)
    con.execute("drop table file_lines")
    ragged = con.execute(
        "select line, len(fields) from file_fields where len(fields) is distinct from ? "
        "order by line limit 1",
        [len(columns)],
    ).fetchone()
    if ragged and ragged[1] is None:
        raise DataError(
            f"{source.path}, line {ragged[0]}: a quote opens or closes in the middle of a value."
        )
    if ragged:
        raise DataError(
            f"{source.path}, line {ragged[0]}: {ragged[1]} columns found, {len(columns)} expected. "
            "Is the line cut short, or does a value hold the delimiter?"
        )
    return ", ".join(f"fields[{columns.index(name) + 1}] as {quoted_name(name)}" for name in wanted)


# Each field with the comma before it, its quotes taken off and doubled quotes halved; NULL when
# something is left over, such as text after a closing quote or a quote that is never closed.
_QUOTED_FIELDS = r"""regexp_extract_all(',' || content, ',(?:"(?:[^"]|"")*"|[^,"]*)')"""
_QUOTED_SPLIT = f"""
    case when length(array_to_string({_QUOTED_FIELDS}, '')) = length(content) + 1 then
        list_transform(
            {_QUOTED_FIELDS},
            lambda field: case
                when starts_with(field, ',"') then replace(field[3:-2], '""', '"')
                else field[2:]
            end
        )
    end
"""


def quoted_name(name: str) -> str:
    """Return an SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def stage_table(
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    wanted: Sequence[str],
    *,
    comment: str = "",
) -> str:
    """Return a subquery with ``line`` and the wanted columns as text, whatever the file type.

    Parquet columns are cast to VARCHAR, ``line`` is the record number; text files must begin with
    a header line naming `SourceFile.columns`.

    Raises
    ------
    DataError
        A wanted column is missing or named twice, a ragged line, text that is not UTF-8.
    """
    require_columns(source, wanted)
    if not source.delimiter:
        named = ", ".join(
            f"cast({quoted_name(name)} as varchar) as {quoted_name(name)}" for name in wanted
        )
        return f"(select file_row_number + 1 as line, {named} from {parquet_sql(source)})"
    named = stage_fields(
        con,
        source,
        source.columns,
        wanted,
        header_line=header_line_number(source),
        comment=comment,
    )
    return f"(select line, {named} from file_fields)"


def header_line_number(source: SourceFile) -> int:
    """Return the 1-based number of the line that `sniff` took for the header."""
    for number, line in enumerate(head_lines(source.path), start=1):
        if line.strip():
            return number
    raise DataError(f"{source.path}: the file is empty (blank lines only).")


def build_of_first_id(source: SourceFile) -> str | None:
    """Return the build that an id in the first row ends in, as GTEx writes them, or None.

    ``_b37`` is of v7, ``_b38`` of v8 and later.
    """
    if source.binary or not source.delimiter:
        return None
    lines = [line for line in head_lines(source.path) if line.strip()][1:2]
    cells = lines[0].split(source.delimiter) if lines else []
    tags = {"_b37": "GRCh37", "_b38": "GRCh38"}
    return next(
        (build for cell in cells for tag, build in tags.items() if cell.endswith(tag)), None
    )


def build_of_contigs(source: SourceFile) -> str | None:
    """Return the build that a text file names its contigs after (``NC_000021.9``), or None."""
    if source.binary or not source.delimiter:
        return None
    return build_of_accessions("\n".join(head_lines(source.path)))
