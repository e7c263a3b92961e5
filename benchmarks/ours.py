"""What the timings of this project's own models share."""

from __future__ import annotations

import sys
from typing import Any

import duckdb

from varhouse.cli.model_options import cache_dir, source_version
from varhouse.runner import load_project, run_project
from varhouse.settings import shipped_project_dir


def run_models(con: duckdb.DuckDBPyConnection, select: str, *, vars: dict[str, Any]) -> None:
    """Run the chosen models, print what each took, and stop if one fails."""
    project = load_project(shipped_project_dir(), vars=vars, cache_dir=cache_dir())
    outcome = run_project(
        project, con, command="run", select=[select], source_version=source_version
    )
    for result in outcome.results:
        print(result.unique_id, result.status, f"{result.seconds:.2f} s", result.message or "")
    if not outcome.ok:
        sys.exit("varhouse run failed: see the nodes above")
