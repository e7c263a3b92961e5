"""The commands of benchmarks/README.md run, on data small enough for a test."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
README = REPO / "benchmarks" / "README.md"
# The last of two equal options counts: these make a command small. Peers are not installed here.
SMALL = {
    "v2g.py": "--rows 20000 --repeat 1 --peers= --overlap-variants 2000 --overlap-intervals 1000",
    "ingest.py": "--variants 400 --donors 30 --formats pgen,bed --repeat 1",
    "cells.py": "--cells 400 --donors 5 --repeat 1 --no-peer",
}


def commands() -> list[list[str]]:
    """Return the command lines of the page, but for those that install."""
    blocks = re.findall(r"^```\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [words for words in lines if words and words[0] != "pip"]


def test_every_command_is_one_that_we_know_how_to_make_small() -> None:
    assert {words[0] for words in commands()} == {"python"}
    assert {Path(words[1]).name for words in commands()} == set(SMALL)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_the_page_runs(words: list[str], tmp_path: Path) -> None:
    pytest.importorskip("pgenlib")
    pytest.importorskip("h5py")
    script = REPO / words[1]
    done = subprocess.run(
        [sys.executable, str(script), *words[2:], *SMALL[script.name].split()],
        cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
        env={**os.environ, "PYTHONPATH": str(REPO / "py"), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "varhouse" in done.stdout
