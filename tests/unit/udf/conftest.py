"""A connection that knows the functions."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

import varhouse


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = varhouse.register(duckdb.connect(config={"threads": 2}))
    yield connection
    connection.close()
