"""The house of ``plot_house``, and figures that get closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from plot_house import fill
from tests.v2g import empty_warehouse

from varhouse.warehouse import create_functions


@pytest.fixture(scope="session")
def house_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of the house; not to be changed."""
    path = tmp_path_factory.mktemp("plot") / "house.duckdb"
    with empty_warehouse(path) as con:
        fill(con)
    return path


@pytest.fixture
def house(house_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a read-only connection to the house."""
    with duckdb.connect(str(house_file), read_only=True) as con:
        create_functions(con)
        yield con


@pytest.fixture(autouse=True)
def _figures(closed_figures: None) -> None:
    """Close the figures of every test."""
