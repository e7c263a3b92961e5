"""A warehouse in memory, set up as the command line does."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from varhouse.warehouse import create_functions, create_schema


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse."""
    connection = duckdb.connect(config={"threads": 2, "preserve_insertion_order": False})
    create_schema(connection)
    create_functions(connection)
    yield connection
    connection.close()
