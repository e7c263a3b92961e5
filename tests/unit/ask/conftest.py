"""The small house of ``small_house``, loaded only or built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from small_house import RAW, RESULTS

import varhouse


@pytest.fixture(scope="session")
def loaded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse with raw tables that was never built."""
    path = tmp_path_factory.mktemp("ask") / "loaded.duckdb"
    with varhouse.connect(path, read_only=False, threads=1) as house:
        house.con.execute(RAW)
    return path


@pytest.fixture
def built_file(tmp_path: Path) -> Path:
    """Return the built warehouse of the table in ``small_house``."""
    path = tmp_path / "built.duckdb"
    with varhouse.connect(path, read_only=False, threads=1) as house:
        house.con.execute(RAW)
        house.con.execute(RESULTS)
    return path


@pytest.fixture
def con(built_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a read-only connection to the built warehouse."""
    with varhouse.connect(built_file, threads=1) as house:
        yield house.con


@pytest.fixture
def loaded_con(loaded_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a read-only connection to the warehouse that was never built."""
    with varhouse.connect(loaded_file, threads=1) as house:
        yield house.con
