"""Small projects for tests of the runner, written to a folder file by file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from varhouse.runner import Project, RunOutcome, load_project, run_project
from varhouse.runner.state import Command

PROJECT = """\
name: small
version: "1.0"
config-version: 2
profile: small
models:
  small:
    +materialized: table
"""
UNIQUE_ID = "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests: [unique]\n"
INCREMENTAL = """\
{{{{ config(materialized='incremental'{more}) }}}}
select id, grp from {{{{ source('raw', 't') }}}}
{{% if is_incremental() %}}
where id >= (select max(id) from {{{{ this }}}})
{{% endif %}}
"""


class ProjectFolder:
    """A project on disk that a test edits."""

    def __init__(self, path: Path, files: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.write({"dbt_project.yml": PROJECT, **(files or {})})

    def write(self, files: Mapping[str, str]) -> None:
        """Write files, their folders included."""
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def load(self, **vars: Any) -> Project:
        """Load the project as it is on disk now."""
        return load_project(self.path, vars=vars, env={"SMALL_ENV": "from the environment"})

    def run(
        self, con: duckdb.DuckDBPyConnection, command: Command = "build", **options: Any
    ) -> RunOutcome:
        """Load and run."""
        vars = options.pop("vars", {})
        return run_project(self.load(**vars), con, command=command, **options)


def statuses(outcome: RunOutcome) -> dict[str, str]:
    """Return the status of each node by its name."""
    return {result.name: result.status for result in outcome.results}


def message_of(outcome: RunOutcome, name: str) -> str:
    """Return what a node's result says."""
    return next(result.message for result in outcome.results if result.name == name)


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    """Return what a query finds, sorted."""
    return sorted(con.execute(query).fetchall())


def kinds(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the type of each table and view that models made."""
    found = con.execute(
        "select table_name, table_type from information_schema.tables where table_schema = 'main'"
    ).fetchall()
    return {name: kind for name, kind in found if name != "run_results"}
