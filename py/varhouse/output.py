"""Results as text or files: aligned table, CSV, TSV, JSON records, parquet.

Most commands that may write a table do not: what writes imports its libraries when it does.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from varhouse.errors import DataError, UsageError
from varhouse.file_formats import Format, is_packed
from varhouse.rows import is_beyond_python, python_rows, python_values

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.table import Table

_SEPARATORS: dict[Format, str] = {"csv": ",", "tsv": "\t"}
_TABLE_DIGITS = 4
_READABLE_WIDTH = 12
"""Columns of a terminal that a cell is not folded below."""


def write_file(table: pa.Table, out: Path, form: Format) -> None:
    """Write the rows to ``out``: all of them or, if anything fails, nothing.

    A text whose file is named ``.gz`` goes through gzip.

    Raises
    ------
    UsageError
        The folder does not exist.
    DataError
        The file cannot be written; parquet has no words for the type of a column.
    """
    with whole_file(out) as part:
        if form == "parquet":
            _write_parquet(table, part, out)
        else:
            with text_stream(part, is_packed=is_packed(out)) as stream:
                stream.write(as_text(table, form))


def _write_parquet(table: pa.Table, part: Path, out: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.write_table(_named_once(table), part, compression="zstd")
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise DataError(
            f"--out {out}: parquet cannot hold a column of the result ({error}). "
            "Cast it to text in the query, or write csv or json."
        ) from error


@contextlib.contextmanager
def whole_file(out: Path) -> Iterator[Path]:
    """Yield a file beside ``out`` that takes its place at the end, unless anything fails.

    Raises
    ------
    UsageError
        The folder does not exist, or what is there is a database, a device or a pipe.
    DataError
        The file cannot be written.
    """
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: the folder {out.parent} does not exist.")
    # a link stays, and what it leads to is replaced
    target = Path(os.path.realpath(out))
    try:
        _require_replaceable(target, out)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        part = Path(name)
        try:
            yield part
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"--out {out}: cannot be written: {error.strerror or error}.") from error


def _require_replaceable(target: Path, out: Path) -> None:
    """Refuse to put a file in the place of what is no result.

    Raises
    ------
    UsageError
        It is a database, a device or a pipe.
    """
    if not target.exists() or target.is_dir():
        return
    if not target.is_file():
        raise UsageError(f"--out {out}: a device or a pipe; wanted the name of a file.")
    with target.open("rb") as file:
        if file.read(12)[8:] == b"DUCK":
            raise UsageError(f"--out {out}: a DuckDB database; wanted the name of another file.")


@contextlib.contextmanager
def text_stream(out: Path, *, is_packed: bool) -> Iterator[TextIO]:
    """Yield a stream of text, in UTF-8 with plain line breaks, to a file.

    Parameters
    ----------
    out
        The file.
    is_packed
        Through gzip, without a time or name in it: equal texts make equal files.
    """
    with out.open("wb") as raw, contextlib.ExitStack() as stack:
        target: Any = raw
        if is_packed:
            target = stack.enter_context(
                gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
            )
        yield stack.enter_context(io.TextIOWrapper(target, encoding="utf-8", newline="\n"))


def as_text(table: pa.Table, form: Format) -> str:
    """Return the rows as a text that ends with a line break.

    Numbers have :data:`4 significant digits <format_cell>` in ``table`` only; ``csv``, ``tsv`` and
    ``json`` keep what is stored. In ``json`` NaN and infinities are null, because JSON has no
    words for them.
    """
    if form in _SEPARATORS:
        return _as_csv(_named_once(table), separator=_SEPARATORS[form])
    if form == "json":
        return _as_json(_named_once(table))
    if form == "table":
        return _as_aligned(table)
    raise UsageError(f"--format {form}: not a text format.")


def as_rich(table: pa.Table) -> Table:
    """Return the rows as a table for a terminal; cells wrap, nothing is cut off."""
    from rich.table import Table
    from rich.text import Text

    named = _named_once(table)
    shown = Table()
    for field in named.schema:
        shown.add_column(
            Text(field.name),
            justify="right" if is_number(field.type) else "left",
            overflow="fold",
        )
    for row in python_rows(named):
        shown.add_row(*(Text(format_cell(value)) for value in row.values()))
    return shown


def fits(table: pa.Table, width: int) -> bool:
    """Whether `as_rich` leaves each column of a table room enough in a terminal of this width.

    In less it cuts words into slivers of a letter or two, and columns to nothing.
    """
    widest = [
        max(map(len, [name, *map(format_cell, python_values(column))]))
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    # a border and a blank on either side of each column, and the last border
    return sum(min(each, _READABLE_WIDTH) + 3 for each in widest) + 1 <= width


def format_cell(value: Any) -> str:
    """Return one value as a person reads it: 4 significant digits, empty for NULL."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _format_number(value)
    if isinstance(value, Decimal):
        return str(int(value)) if value == value.to_integral() else _format_number(float(value))
    if isinstance(value, list):
        return "[" + ", ".join(format_cell(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {format_cell(item)}" for name, item in value.items()) + "}"
    if isinstance(value, bytes) or _is_interval(value):
        return str(_plain(value))
    return " ".join(str(value).split()) if isinstance(value, str) else str(value)


def _format_number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    # '#' keeps trailing zeros (0.1360), which a column of scores wants; not in 12.00e-5 or 5.
    if 1e-4 <= abs(value) < 10**_TABLE_DIGITS:
        return f"{value:#.{_TABLE_DIGITS}g}".removesuffix(".")
    return f"{value:.{_TABLE_DIGITS}g}"


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a column of this type is aligned to the right."""
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _as_aligned(table: pa.Table) -> str:
    if table.num_columns == 0:
        return ""
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        cells = [field.name, *(format_cell(value) for value in python_values(column))]
        width = max(len(cell) for cell in cells)
        align = str.rjust if is_number(field.type) else str.ljust
        columns.append([align(cell, width) for cell in cells])
    return "".join("  ".join(line).rstrip() + "\n" for line in zip(*columns, strict=True))


def _named_once(table: pa.Table) -> pa.Table:
    """Return a table whose columns have each a name of their own, as in a subquery: a, a_1."""
    names: list[str] = []
    for name in table.column_names:
        free = (f"{name}_{number}" for number in itertools.count(1))
        names.append(name if name not in names else next(one for one in free if one not in names))
    return table.rename_columns(names)


def _as_csv(table: pa.Table, *, separator: str) -> str:
    import polars as pl

    def has_no_word(column: pa.ChunkedArray) -> bool:
        from pyarrow import types

        kind = column.type
        return (
            types.is_nested(kind)
            or types.is_binary(kind)
            or types.is_interval(kind)
            or is_beyond_python(column)
        )

    return pl.DataFrame(with_texts(table, has_no_word)).write_csv(separator=separator)


def with_texts(table: pa.Table, chosen: Callable[[pa.ChunkedArray], bool]) -> pa.Table:
    """Return a table with texts in place of some columns: words of JSON, plain where they can be.

    Parameters
    ----------
    table
        Any.
    chosen
        Tells of a column whether it becomes text.
    """
    import pyarrow as pa

    for position, (field, column) in enumerate(zip(table.schema, table.columns, strict=True)):
        if chosen(column):
            cells = [
                value if value is None or isinstance(value, str) else json.dumps(value)
                for value in map(_plain, python_values(column))
            ]
            table = table.set_column(position, field.name, pa.array(cells, pa.string()))
    return table


def _as_json(table: pa.Table) -> str:
    records = [json.dumps(_plain(row), ensure_ascii=False) for row in python_rows(table)]
    if not records:
        return "[]\n"
    return "[\n" + ",\n".join(records) + "\n]\n"


def _is_interval(value: Any) -> bool:
    """Whether it is one of pyarrow's, a tuple, told by its fields: pyarrow is not imported here."""
    return isinstance(value, tuple) and hasattr(value, "nanoseconds")


def _plain(value: Any) -> Any:
    """Return ``value`` in JSON's own types."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if _is_interval(value):
        return f"P{value.months}M{value.days}DT{Decimal(value.nanoseconds).scaleb(-9):f}S"
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral() else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    return value
