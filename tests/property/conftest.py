"""A warehouse that the worlds of a module are put into, one in the place of the other."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from tests.v2g import empty_warehouse


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as opened:
        yield opened
