"""Every command of the README runs as it stands there, in its order, in an empty folder."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.command import run_program

REPO = Path(__file__).resolve().parents[2]
README = REPO / "README.md"
FENCED = re.compile(r"^```(?P<info>\w*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(info: str) -> list[str]:
    """Return the fenced blocks of a kind: ``text`` shows output, none is commands."""
    found = FENCED.finditer(README.read_text(encoding="utf-8"))
    return [block["body"] for block in found if block["info"] == info]


def commands() -> list[list[str]]:
    lines = [line for body in blocks("") for line in body.splitlines()]
    return [shlex.split(line) for line in lines if line.strip()]


def make_recipe(target: str) -> str:
    """Return what ``make target`` would run, its environment taken as made."""
    command = ["make", "--dry-run", f"--old-file={REPO / '.venv/.installed'}", target]
    shown = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def test_the_commands_are_those_we_know_how_to_run() -> None:
    found = commands()
    assert found[:2] == [["make", "demo"], ["make", "test"]]
    assert {words[0] for words in found[2:]} == {"varhouse"}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_demo_and_make_test_run_the_demo_and_the_tests() -> None:
    assert make_recipe("demo").rstrip().endswith("/varhouse demo")
    assert "-m pytest" in make_recipe("test").splitlines()[-1]


def test_every_varhouse_command_runs_and_the_demo_prints_what_is_shown(
    demo: tuple[Path, str], tmp_path: Path
) -> None:
    shutil.copytree(demo[0], tmp_path / "demo")
    printed = {line.strip() for line in demo[1].splitlines()}
    for line in blocks("text")[0].splitlines():
        if line.strip() not in ("", "..."):
            assert line.strip() in printed
    for words in commands()[2:]:
        done = run_program(*words[1:], cwd=tmp_path)
        assert done.returncode == 0, f"{shlex.join(words)}: {done.stderr}"
    assert (tmp_path / "heatmap.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_the_figure_of_the_readme_is_there_and_small() -> None:
    picture = REPO / "docs" / "img" / "demo_heatmap.png"
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert picture.stat().st_size < 150_000
