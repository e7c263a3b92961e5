"""Where commands keep what can be made again: a folder of the user's, elsewhere, or nowhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.runner_projects import ProjectFolder

from varhouse.cli import cli
from varhouse.cli.model_options import cache_dir


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "/home/of/.cache/varhouse"),
        ("linux", {"XDG_CACHE_HOME": "/large/cache"}, "/large/cache/varhouse"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, None),
        ("darwin", {}, "/home/of/Library/Caches/varhouse"),
        ("linux", {"VARHOUSE_CACHE_DIR": "/else/where"}, "/else/where"),
        ("darwin", {"VARHOUSE_CACHE_DIR": ""}, None),
    ],
)
def test_the_environment_tells_where(
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    environment: dict[str, str],
    expected: str | None,
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("VARHOUSE_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/of", **environment}.items():
        monkeypatch.setenv(name, value)
    assert cache_dir() == (None if expected is None else Path(expected))


def test_commands_keep_compiled_templates_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ProjectFolder(tmp_path / "project", {"models/a.sql": "select 1 as x"})
    monkeypatch.setenv("VARHOUSE_CACHE_DIR", str(tmp_path / "cache"))
    arguments = ["ls", "--project-dir", str(project.path), "--db", str(tmp_path / "none.duckdb")]
    shown = [CliRunner().invoke(cli, arguments).output for _ in range(2)]
    assert shown == ["small.a\n", "small.a\n"]
    assert len(list((tmp_path / "cache").iterdir())) == 1
