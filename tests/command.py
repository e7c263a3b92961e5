"""The command line, run in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from varhouse.cli import cli, main

PY = Path(__file__).resolve().parents[1] / "py"


def run_main(*words: str) -> int:
    """Run ``varhouse`` with these words; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["varhouse", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


def invoke(*words: str) -> Result:
    """Run ``varhouse`` with these words; its errors are raised as they are."""
    return CliRunner().invoke(cli, words, catch_exceptions=False)


def run_program(
    *words: str, cwd: Path, before: str = "pass", stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run ``varhouse`` with these words as a program, 80 columns wide, in a folder.

    ``before`` are Python statements to run first.
    """
    environment = {**os.environ, "PYTHONPATH": str(PY), "COLUMNS": "80"}
    environment.pop("VARHOUSE_DB", None)
    return subprocess.run(
        [sys.executable, "-c", f"{before}; from varhouse.cli import main; main()", *words],
        cwd=cwd, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False,
        timeout=600,
    )  # fmt: skip
