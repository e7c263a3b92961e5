"""Rows put straight into the tables of a warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa


def add_rows(
    con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any] | Mapping[str, Any]]
) -> None:
    """Append rows, all in one statement: with a statement for each, most tests would wait for that.

    A row has a value for every column of the table in its order, or values by column, the same
    columns in each row.
    """
    if not rows:
        return
    types = con.table(table).limit(0).to_arrow_table().schema
    if isinstance(rows[0], Mapping):
        columns = {name: [row[name] for row in rows] for name in rows[0]}
    else:
        columns = dict(zip(types.names, zip(*rows, strict=True), strict=True))
    arrays = {name: pa.array(column, types.field(name).type) for name, column in columns.items()}
    con.register("new_rows", pa.table(arrays))
    con.execute(f"insert into {table} by name from new_rows")
    con.unregister("new_rows")


def replace_rows(
    con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any] | Mapping[str, Any]]
) -> None:
    """Put rows in the place of those that a table has."""
    con.execute(f"delete from {table}")
    add_rows(con, table, rows)
