"""Between Arrow columns and numpy arrays, through Arrow's buffers.

pyarrow's own conversions import pandas wherever it is installed, which costs more than many a test.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Int = npt.NDArray[np.int64]

_WIDTHS = {
    pa.int8(): np.int8, pa.int16(): np.int16, pa.int32(): np.int32, pa.int64(): np.int64,
    pa.uint8(): np.uint8, pa.uint16(): np.uint16, pa.uint32(): np.uint32, pa.uint64(): np.uint64,
    pa.float32(): np.float32, pa.float64(): np.float64,
}  # fmt: skip


class Lists(NamedTuple):
    """A column of lists: their values end to end, and where each list starts and the last ends."""

    values: Any
    starts: Int


def numbers(column: pa.Array | pa.ChunkedArray) -> Any:
    """Return a column of numbers or truth values; whole numbers as int64, NULL as NaN or False."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if array.type not in _WIDTHS and array.type != pa.bool_():
        # decimals, which literals such as 0.05 are
        return numbers(array.cast(pa.float64()))
    n, offset = len(array), array.offset
    validity, data = array.buffers()
    if array.type == pa.bool_():
        values = _bits(data, offset, n)
        return values & _bits(validity, offset, n) if array.null_count else values
    kind = _WIDTHS[array.type]
    values = np.zeros(0, kind) if data is None else np.frombuffer(data, kind)[offset : offset + n]
    if array.null_count:
        values = np.where(_bits(validity, offset, n), values.astype(np.float64), np.nan)
    return values.astype(np.int64) if values.dtype.kind in "iu" else values


def lists(column: pa.Array | pa.ChunkedArray) -> Lists:
    """Return a column of lists; a NULL list is an empty one."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    offsets = numbers(array.offsets)
    values, sizes = numbers(array.values)[offsets[0] : offsets[-1]], np.diff(offsets)
    if array.null_count:
        # what lies in the place of a NULL list is no value
        known = _bits(array.buffers()[0], array.offset, len(array))
        values, sizes = values[np.repeat(known, sizes)], np.where(known, sizes, 0)
    return Lists(values, np.concatenate([[0], np.cumsum(sizes)]))


def texts(values: npt.NDArray[np.str_] | npt.NDArray[np.object_]) -> pa.Array:
    """Return a column of texts; None is NULL."""
    given = values.tolist()
    encoded = [(each or "").encode() for each in given]
    starts = np.zeros(len(encoded) + 1, dtype=np.int32)
    np.cumsum([len(each) for each in encoded], out=starts[1:])
    validity = _validity(np.array([each is not None for each in given], dtype=bool))
    parts = [validity, pa.py_buffer(starts), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), parts)


def column(values: npt.ArrayLike, kind: pa.DataType) -> pa.Array:
    """Return a column of numbers; NaN is NULL."""
    array = np.asarray(values)
    known = ~np.isnan(array)
    data = np.ascontiguousarray(np.where(known, array, 0), dtype=_WIDTHS[kind])
    return pa.Array.from_buffers(kind, len(data), [_validity(known), pa.py_buffer(data)])


def column_of_lists(values: pa.Array, starts: npt.ArrayLike) -> pa.Array:
    """Return a column of lists from their values end to end and the place where each starts."""
    return pa.ListArray.from_arrays(column(starts, pa.int32()), values)


def _validity(known: npt.NDArray[np.bool_]) -> pa.Buffer | None:
    return None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))


def _bits(data: pa.Buffer | None, offset: int, n: int) -> npt.NDArray[np.bool_]:
    if data is None:
        return np.ones(n, dtype=bool)
    packed = np.frombuffer(data, np.uint8)
    return np.unpackbits(packed, count=offset + n, bitorder="little")[offset:].astype(bool)
