"""Values of a result in Python's types; dates and times that Python cannot hold as text.

Python knows the years 1 to 9999 and times before 24:00; DuckDB knows infinity, the years before
Christ and 24:00 too. Their text is as DuckDB writes and reads it: ``infinity``,
``5000-01-01 (BC)``.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from varhouse.sql_text import quoted_name

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Arrow has no type for them: DuckDB hands them over as bytes or as another value.
_AS_TEXT = frozenset({"BIGNUM", "BIT", "TIME WITH TIME ZONE", "UHUGEINT"})
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SECONDS_A_DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
# a day within what Python knows, because a time zone moves a time
_FIRST_DAY = date.min.toordinal() + 1 - _EPOCH
_LAST_DAY = date.max.toordinal() - 1 - _EPOCH
# the calendar repeats itself
_CYCLE_YEARS = 400
_CYCLE_DAYS = 146_097


def fetched(relation: duckdb.DuckDBPyRelation) -> pa.Table:
    """Return all rows; columns of a type that Arrow has no word for are text."""
    kinds = [str(kind) for kind in relation.types]
    if _AS_TEXT.isdisjoint(kinds):
        return relation.to_arrow_table()
    columns = []
    for number, (name, kind) in enumerate(zip(relation.columns, kinds, strict=True), start=1):
        as_text = f"cast(#{number} as varchar) as {quoted_name(name)}"
        columns.append(as_text if kind in _AS_TEXT else f"#{number}")
    return relation.project(", ".join(columns)).to_arrow_table()


def python_values(column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a column; those that Python has no type for are text."""
    if not is_beyond_python(column) and not _has_times(column.type, "ns"):
        values: list[Any] = column.to_pylist()
        return values
    return [_python_value(scalar) for scalar in column]


def python_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows of a table whose columns have different names, see `python_values`."""
    columns = [python_values(column) for column in table.columns]
    names = table.column_names
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def is_beyond_python(column: pa.ChunkedArray) -> bool:
    """Whether a column has a date or a time that Python cannot hold."""
    return _has_times(column.type) and any(map(_is_beyond, column.chunks))


def _has_times(kind: pa.DataType, unit: str | None = None) -> bool:
    """Whether a type is or holds one of dates and times, of this unit."""
    from pyarrow import types

    if types.is_nested(kind):
        return any(_has_times(kind.field(place).type, unit) for place in range(kind.num_fields))
    if types.is_time64(kind) or types.is_timestamp(kind):
        return unit is None or kind.unit == unit
    return unit is None and bool(types.is_date32(kind))


def _is_beyond(array: pa.Array) -> bool:
    import pyarrow as pa
    from pyarrow import types

    kind = array.type
    if not _has_times(kind):
        return False
    if types.is_union(kind):
        return any(_is_beyond(array.field(place)) for place in range(kind.num_fields))
    if types.is_map(kind):
        return _is_beyond(array.keys) or _is_beyond(array.items)
    if types.is_struct(kind):
        return any(map(_is_beyond, array.flatten()))
    if types.is_nested(kind):
        return _is_beyond(array.flatten())
    whole = pa.int32() if types.is_date32(kind) else pa.int64()
    units = array.view(whole).fill_null(0).to_numpy()
    low, high = _bounds(kind)
    return bool(((units < low) | (units > high)).any())


def _bounds(kind: pa.DataType) -> tuple[int, int]:
    """Return the smallest and largest number that stands for a value of Python, of a leaf type."""
    from pyarrow import types

    if types.is_date32(kind):
        return _FIRST_DAY, _LAST_DAY
    per_day = _SECONDS_A_DAY * _PER_SECOND[kind.unit]
    if types.is_time64(kind):
        return 0, per_day - 1
    # nanoseconds reach three centuries; the largest number is infinity in every unit
    return max(_FIRST_DAY * per_day, -(2**63) + 2), min(_LAST_DAY * per_day, 2**63 - 2)


def _python_value(scalar: pa.Scalar) -> Any:
    from pyarrow import types

    kind = scalar.type
    if not scalar.is_valid:
        return None
    if not _has_times(kind):
        return scalar.as_py()
    if types.is_union(kind):
        return _python_value(scalar.value)
    if types.is_map(kind):
        return [
            (_python_value(pair["key"]), _python_value(pair["value"])) for pair in scalar.values
        ]
    if types.is_struct(kind):
        return {name: _python_value(value) for name, value in scalar.items()}
    if types.is_nested(kind):
        return [_python_value(value) for value in scalar.values]
    low, high = _bounds(kind)
    # Python counts microseconds
    is_exact = not _has_times(kind, "ns") or scalar.value % 1000 == 0
    if is_exact and low <= scalar.value <= high:
        return scalar.as_py()
    return _text_of(scalar.value, kind)


def _text_of(units: int, kind: pa.DataType) -> str:
    """Return a date, time or timestamp, as the number that stands for it, in DuckDB's words."""
    from pyarrow import types

    if types.is_date32(kind):
        return _infinity_of(units, 31) or _date_text(units)
    per_second = _PER_SECOND[kind.unit]
    if types.is_time64(kind):
        return _clock_text(units, per_second)
    endless = _infinity_of(units, 63)
    if endless:
        return endless
    days, rest = divmod(units, _SECONDS_A_DAY * per_second)
    zone = "+00" if kind.tz else ""
    return f"{_date_text(days)} {_clock_text(rest, per_second)}{zone}"


def _infinity_of(units: int, n_bits: int) -> str | None:
    largest = 2**n_bits - 1
    return {largest: "infinity", -largest: "-infinity"}.get(units)


def _date_text(days: int) -> str:
    cycles, day = divmod(days + _EPOCH - 1, _CYCLE_DAYS)
    inside = date.min + timedelta(days=day)
    year = inside.year + cycles * _CYCLE_YEARS
    era = "" if year > 0 else " (BC)"
    return f"{year if year > 0 else 1 - year:04}-{inside:%m-%d}{era}"


def _clock_text(units: int, per_second: int) -> str:
    seconds, part = divmod(units, per_second)
    fraction = f".{part:0{len(str(per_second)) - 1}}".rstrip("0") if part else ""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"
