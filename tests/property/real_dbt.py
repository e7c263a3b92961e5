"""Real dbt as one process that answers many commands: its start would take most of the time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

REPO = Path(__file__).resolve().parents[2]
NO_TESTS = ("--exclude-resource-type", "test", "unit_test")


class Ran(NamedTuple):
    """How one node of a run of dbt ended; ``failures`` counts the failing rows of a test."""

    unique_id: str
    status: str
    failures: int | None
    message: str | None


class Dbt:
    """Speaks to the process of dbt."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, folder: Path, *words: str, known: bool = False) -> dict[str, Any]:
        """Run a command of dbt in a project folder; ``known`` reuses what was parsed last."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"words": words, "folder": str(folder), "known": known}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def parse(self, folder: Path, *words: str) -> None:
        """Read a project, for the commands that follow."""
        said = self.ask(folder, "parse", *words)
        assert said["ok"], said["error"]

    def run(self, folder: Path, *words: str) -> dict[str, Ran]:
        """Run a command that makes results; return them by unique id."""
        said = self.ask(folder, *words, known=True)
        assert "results" in said, said["error"]
        return {each[0]: Ran(*each) for each in said["results"]}

    def ls(self, folder: Path, *words: str) -> set[str] | None:
        """Return the unique ids that a selection names; None where dbt refuses it."""
        given = ("ls", "--output", "json", "--output-keys", "unique_id", *words)
        said = self.ask(folder, *given, known=True)
        if not said["ok"]:
            return None
        return {json.loads(line)["unique_id"] for line in said["listed"]}


def write_profile(folder: Path, database: Path) -> None:
    """Write the profile ``small`` that names this database."""
    (folder / "profiles.yml").write_text(
        "small:\n  target: warehouse\n  outputs:\n    warehouse:\n      type: duckdb\n"
        f"      path: {database}\n      schema: main\n      threads: 1\n",
        encoding="utf-8",
    )


@contextmanager
def running_dbt() -> Iterator[Dbt]:
    """Start dbt, or skip the test with the reason why there is none."""
    own = REPO / ".venv-dbt" / "bin" / "dbt"
    found = os.environ.get("VARHOUSE_DBT") or (str(own) if own.is_file() else shutil.which("dbt"))
    if not found:
        pytest.skip("dbt is not installed: neither VARHOUSE_DBT nor .venv-dbt has it")
    process = subprocess.Popen(
        [str(Path(found).parent / "python"), str(Path(__file__).with_name("real_dbt_worker.py"))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"},
    )  # fmt: skip
    with process:
        try:
            yield Dbt(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
