"""Between Arrow columns and numpy arrays.

Polars does it: pyarrow's own conversions import pandas wherever it is installed, which costs more
than many a test. Texts are Arrow's large ones, as polars has them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Int = npt.NDArray[np.int64]

_KINDS = {pa.int32(): pl.Int32, pa.float64(): pl.Float64}


class Lists(NamedTuple):
    """A column of lists: their values end to end, and where each list starts and the last ends."""

    values: Any
    starts: Int


def numbers(column: pa.Array | pa.ChunkedArray) -> Any:
    """Return a column of numbers or truth values; whole numbers as int64, NULL as NaN or False."""
    return _numbers(_series(column))


def lists(column: pa.Array | pa.ChunkedArray) -> Lists:
    """Return a column of lists; a NULL list is an empty one."""
    series = _series(column)
    sizes = series.list.len().fill_null(0)
    values = _numbers(series.filter(sizes > 0).explode())
    return Lists(values, np.concatenate([[0], np.cumsum(sizes.to_numpy(), dtype=np.int64)]))


def texts(values: npt.NDArray[np.str_] | npt.NDArray[np.object_]) -> pa.Array:
    """Return a column of texts; None is NULL."""
    return _arrow(pl.Series(values.tolist(), dtype=pl.String))


def column(values: npt.ArrayLike, kind: pa.DataType) -> pa.Array:
    """Return a column of numbers; NaN is NULL."""
    return _arrow(pl.Series(np.asarray(values)).fill_nan(None).cast(_KINDS[kind]))


def column_of_lists(values: pa.Array, starts: npt.ArrayLike) -> pa.Array:
    """Return a column of lists from their values end to end and the place where each starts."""
    return pa.ListArray.from_arrays(column(starts, pa.int32()), values)


def structs(rows: list[tuple[Any, ...]], fields: list[tuple[str, pa.DataType]]) -> pa.Array:
    """Return rows of numbers and words as Arrow structs; NaN is NULL."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(fields)
    arrays = [
        pa.array(column, kind, from_pandas=True)
        for column, (_, kind) in zip(columns, fields, strict=True)
    ]
    return pa.StructArray.from_arrays(arrays, names=[name for name, _ in fields])


def places(keys: Int) -> Int:
    """Return an array that has, at each of some keys (at least 0, each once), the key's place.

    Elsewhere, up to the largest key, it is -1.
    """
    found = np.full(int(keys.max(initial=0)) + 1, -1)
    found[keys] = np.arange(keys.size)
    return found


def _series(column: pa.Array | pa.ChunkedArray) -> pl.Series:
    # as a table: a column alone makes polars import pyarrow.compute
    return pl.DataFrame(pa.table([column], names=["values"]))["values"]


def _numbers(series: pl.Series) -> Any:
    if series.dtype == pl.Boolean:
        return series.fill_null(False).to_numpy()
    if series.dtype.is_integer() and not series.null_count():
        return series.cast(pl.Int64).to_numpy()
    return series.cast(pl.Float64).to_numpy()


def _arrow(series: pl.Series) -> pa.Array:
    found = series.to_arrow()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
