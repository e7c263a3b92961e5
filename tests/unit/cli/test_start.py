"""Starting is cheap: nothing heavy is imported before a command needs it; shells can complete."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from varhouse.cli import cli

PY = Path(__file__).resolve().parents[3] / "py"
HEAVY = ("duckdb", "numpy", "pyarrow", "polars", "scipy", "sqlglot", "jinja2", "matplotlib", "rich")
SHOW_HEAVY = f"import sys; print(*[name for name in {HEAVY} if name in sys.modules])"
# an import of a dozen modules is some 50 ms; numpy and duckdb alone are 200
FEW_MODULES = 250


def python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(PY), **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "start",
    ["import varhouse", "from varhouse.cli import cli; cli(['--help'], standalone_mode=False)"],
)
def test_neither_the_import_nor_help_loads_a_heavy_library(start: str) -> None:
    shown = python(f"{start}\n{SHOW_HEAVY}\nprint(len(sys.modules))").splitlines()
    assert shown[-2] == ""
    assert int(shown[-1]) < FEW_MODULES


def test_commands_about_models_load_what_writes_tables_when_they_write_one() -> None:
    shown = python(f"import varhouse.cli.models, varhouse.cli.model_report\n{SHOW_HEAVY}")
    assert {"pyarrow", "polars", "scipy", "matplotlib"}.isdisjoint(shown.split())


def test_help_says_what_each_command_does_in_whole_sentences() -> None:
    listed = CliRunner().invoke(cli, ["--help"], terminal_width=80).output.partition("Commands:")[2]
    context = click.Context(cli)
    for name in cli.list_commands(context):
        assert cli.get_command(context, name) is not None
        (line,) = [line for line in listed.splitlines() if line.split()[:1] == [name]]
        assert line.endswith(".")
        assert not line.endswith("...")


def test_the_example_of_every_command_is_one_that_it_understands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cohort.vcf.gz", "gold.tsv"):
        Path(name).touch()
    context = click.Context(cli, info_name="varhouse")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        shown = CliRunner().invoke(cli, [name, "--help"]).output
        (example,) = [line for line in shown.splitlines() if line.startswith("    varhouse ")]
        words = shlex.split(example)[1:]
        assert words[0] == name
        asked = command.make_context(name, words[1:], parent=context)
        if isinstance(command, click.Group):
            inner = command.get_command(asked, words[1])
            assert inner is not None
            inner.make_context(words[1], words[2:], parent=asked)


@pytest.mark.parametrize("group", ["plot", "export"])
def test_every_figure_and_every_export_shows_an_example_that_it_understands(group: str) -> None:
    context = click.Context(cli, info_name="varhouse")
    within = cli.get_command(context, group)
    assert isinstance(within, click.Group)
    for name, command in within.commands.items():
        shown = CliRunner().invoke(cli, [group, name, "--help"]).output.splitlines()
        examples = [line for line in shown if line.strip().startswith(f"varhouse {group} {name} ")]
        assert examples, f"{group} {name}"
        for example in examples:
            command.make_context(name, shlex.split(example)[3:], parent=context)


def test_the_shell_completes_commands_without_importing_them() -> None:
    code = f"""
import sys
from varhouse.cli import main
sys.argv = ["varhouse"]
try:
    main()
except SystemExit:
    print([name for name in {HEAVY} if name in sys.modules])
"""
    asked = {"_VARHOUSE_COMPLETE": "bash_complete", "COMP_WORDS": "varhouse why", "COMP_CWORD": "1"}
    assert python(code, **asked).splitlines() == ["plain,why-missing", "[]"]
