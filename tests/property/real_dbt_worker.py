"""Answers commands for dbt, one JSON line each, in one process: starting dbt costs two seconds."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

_MANIFESTS: dict[str, Any] = {}


def answer(words: list[str], folder: str, known: bool) -> dict[str, Any]:
    """Run one command of dbt; ``known`` takes the manifest of this folder as it was parsed last."""
    where = ["--project-dir", folder, "--profiles-dir", folder]
    runner = dbtRunner(manifest=_MANIFESTS.get(folder) if known else None)
    done = runner.invoke(["--quiet", "--no-use-colors", *words, *where])
    # lets go of the database file
    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager._ENV = None
    said = {"ok": done.success, "error": str(done.exception or "")}
    if words[0] == "parse":
        _MANIFESTS[folder] = done.result
    elif words[0] == "ls":
        said["listed"] = done.result
    elif done.result is not None:
        said["results"] = [
            [each.node.unique_id, str(each.status), each.failures, each.message]
            for each in done.result.results
        ]
    return said


def main() -> None:
    """Read commands until there are no more; dbt's own words go nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    for line in sys.stdin:
        answers.write(json.dumps(answer(**json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
