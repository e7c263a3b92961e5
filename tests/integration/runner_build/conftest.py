"""A database with one raw table, and projects that read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from tests.runner_projects import ProjectFolder


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with one raw table."""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("create schema raw")
    connection.execute("create table raw.t as select i as id, i % 3 as grp from range(10) as r(i)")
    yield connection
    connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., ProjectFolder]:
    """Make a project with a source ``raw.t``."""

    def make(**models: str) -> ProjectFolder:
        files = {f"models/{name}.sql": text for name, text in models.items()}
        source = "sources: [{name: raw, tables: [{name: t}]}]\n"
        return ProjectFolder(tmp_path, {**files, "models/_sources.yml": source})

    return make
