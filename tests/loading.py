"""Short ways to write and load files, where only what a test is about is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from varhouse.ingest.load import LoadReport, load_files


def load_each(
    con: duckdb.DuckDBPyConnection, kind: str, *paths: Path, **options: Any
) -> list[LoadReport]:
    """Load files whose build, source and format are not given unless they are among the options."""
    settings: dict[str, Any] = {"build": None, "source_id": None, "format": None} | options
    return load_files(con, kind, list(paths), **settings)


def load_one(con: duckdb.DuckDBPyConnection, kind: str, path: Path, **options: Any) -> LoadReport:
    """Load one file as `load_each` does."""
    (report,) = load_each(con, kind, path, **options)
    return report


def write_text(folder: Path, name: str, *lines: str) -> Path:
    """Write lines to a file of the folder."""
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
