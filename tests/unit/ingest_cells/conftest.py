"""A warehouse in memory, and a short way to load cells into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from varhouse.ingest.load import LoadReport, load_files
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
    def load_one(path: Path, **options: Any) -> LoadReport:
        settings: dict[str, Any] = {"build": None, "source_id": None, "format": None} | options
        return load_files(house, "cells", [path], **settings)[0]

    return load_one
