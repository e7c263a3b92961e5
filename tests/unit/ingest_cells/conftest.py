"""A warehouse in memory, and a short way to load cells into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import duckdb
import pytest
from tests.loading import load_one

from varhouse.ingest.load import LoadReport
from varhouse.warehouse import create_schema


@pytest.fixture
def house() -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect()
    con.execute("set threads = 1")
    create_schema(con)
    yield con
    con.close()


@pytest.fixture
def load_cells(house: duckdb.DuckDBPyConnection) -> Callable[..., LoadReport]:
    return partial(load_one, house, "cells")
