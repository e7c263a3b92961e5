"""Tables of the report: cells as a reader sees them, with the values that they are sorted by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import duckdb

from varhouse.ask.names import Parameters, query_table
from varhouse.output import format_cell, is_number

FEWEST = 10
"""Smaller counts of donors are not told: with other knowledge they could single out a person."""


class Cell(NamedTuple):
    """A cell: its text, and what it is sorted by."""

    text: str
    order: str


class Column(NamedTuple):
    """A heading, and whether numbers are below it."""

    name: str
    is_number: bool


class ReportTable(NamedTuple):
    """A table with a heading for each column."""

    columns: list[Column]
    rows: list[list[Cell]]


def hide_small(n: int | None) -> str:
    """Return a count as text, without telling one between 1 and `FEWEST` - 1."""
    if n is None:
        return ""
    return f"< {FEWEST}" if 0 < n < FEWEST else f"{n:,}"


def query_report(
    con: duckdb.DuckDBPyConnection,
    query: str,
    params: Parameters | None = None,
    *,
    counts: Sequence[str] = (),
) -> ReportTable:
    """Return the rows of a query; ``counts`` are columns whose small values are hidden."""
    table = query_table(con, query, params)
    hidden = [field.name in counts for field in table.schema]
    return ReportTable(
        [Column(field.name.replace("_", " "), is_number(field.type)) for field in table.schema],
        [
            [_cell(value, is_hidden) for value, is_hidden in zip(row.values(), hidden, strict=True)]
            for row in table.to_pylist()
        ],
    )


def _cell(value: Any, is_hidden: bool) -> Cell:
    if is_hidden:
        small = value is not None and 0 < value < FEWEST
        return Cell(hide_small(value), "1" if small else str(value or 0))
    if isinstance(value, int) and not isinstance(value, bool):
        return Cell(f"{value:,}", str(value))
    if isinstance(value, float):
        return Cell(format_cell(value), repr(value))
    if isinstance(value, datetime):
        return Cell(value.strftime("%Y-%m-%d %H:%M"), value.isoformat())
    return Cell(format_cell(value), format_cell(value))
