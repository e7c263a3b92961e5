"""Arrow tables that SQL can see for the length of a few statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa


@contextmanager
def seen_as(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """Let SQL read ``table`` under ``name`` inside the block, whose results are fetched there."""
    con.complete()
    con.register(name, table)
    try:
        yield
    finally:
        con.unregister(name)
