"""The reference pages of the site name every model, column, SQL function and command."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import click
import pytest
import yaml

from varhouse.cli import cli
from varhouse.udf import FUNCTIONS

REPO = Path(__file__).resolve().parents[3]


def generator(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(REPO / "docs" / "generate")
    return importlib.import_module(name)


def test_every_model_and_described_column_is_in_the_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = generator("models", monkeypatch).pages(REPO)
    text = "\n".join(pages.values())
    for path in (REPO / "models").rglob("*.sql"):
        assert f"## {path.stem} " in text
    for path in (REPO / "models" / "results").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            section = text.partition(f"## {model['name']} ")[2].partition("\n## ")[0]
            for column in model.get("columns", []):
                assert f"| `{column['name']}` |" in section
    scores = pages["reference/models/v2g.md"].partition("## v2g_scores ")[2].partition("\n## ")[0]
    assert "| `overall_score` | double |" in scores
    assert "[int_v2g__scores](#int_v2g__scores)" in scores


def test_every_sql_function_is_in_the_reference_without_html(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (page,) = generator("functions", monkeypatch).pages(REPO).values()
    headings = set(re.findall(r"^### (\w+)$", page, re.MULTILINE))
    macros = {
        name
        for path in (REPO / "sql" / "functions").glob("*.sql")
        for name in re.findall(r"macro (\w+)\s*\(", path.read_text(encoding="utf-8"))
    }
    assert headings == macros | {function.name for function in FUNCTIONS}
    assert "<DEL>" not in page
    assert "&lt;DEL>" in page


def test_every_command_and_its_own_options_are_in_the_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (page,) = generator("commands", monkeypatch).pages(REPO).values()
    context = click.Context(cli)
    for name in cli.list_commands(context):
        assert f"\n## {name}\n" in page
        command = cli.get_command(context, name)
        assert command is not None
        assert command.help
    load = page.partition("\n## load\n")[2].partition("\n## ")[0]
    assert "`--dry-run`" in load
    assert "`--threads" not in load
    assert page.count("`--db PATH`") == 1
