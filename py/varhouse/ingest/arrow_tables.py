"""Arrow tables that SQL can see, and rows kept in their order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import duckdb
import pyarrow as pa


@dataclass
class _Slot:
    """Hands DuckDB the table that it holds at the time of a query."""

    table: pa.Table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class ArrowTables:
    """Arrow tables under names that SQL can use; a context manager.

    What is registered inside a transaction stays in memory until its end, so a name is registered
    once and what it shows is exchanged.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self._slots: dict[str, _Slot] = {}

    def show(self, name: str, table: pa.Table) -> None:
        """Let SQL read ``table`` under ``name``, whose columns are the same each time."""
        if name in self._slots:
            self._slots[name].table = table
            return
        self._slots[name] = _Slot(table)
        self._con.complete()
        self._con.register(name, self._slots[name])

    def __enter__(self) -> ArrowTables:
        return self

    def __exit__(self, *_: object) -> None:
        # an error of DuckDB has ended the transaction and with it the names: that error is the news
        with suppress(duckdb.Error):
            self._con.complete()
            for name in self._slots:
                self._con.unregister(name)
        for slot in self._slots.values():
            slot.table = None


@contextmanager
def seen_as(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """Let SQL read ``table`` under ``name`` inside the block, whose results are fetched there."""
    with ArrowTables(con) as tables:
        tables.show(name, table)
        yield


@contextmanager
def in_order(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let inserted rows lie in the order of their source inside the block."""
    ((before,),) = con.execute("select current_setting('preserve_insertion_order')").fetchall()
    con.execute("set preserve_insertion_order = true")
    try:
        yield
    finally:
        # as above
        with suppress(duckdb.Error):
            con.complete()
            con.execute(f"set preserve_insertion_order = {before}")
