"""The command line: arguments to Settings to one call. The only place that prints."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from varhouse import __version__
from varhouse.errors import VarhouseError

# Command -> module that defines it; imported only when that command is asked for.
_COMMANDS: dict[str, str] = {
    "init": "varhouse.cli.models",
    "load": "varhouse.cli.load",
    "plan": "varhouse.cli.models",
    "run": "varhouse.cli.models",
    "test": "varhouse.cli.models",
    "build": "varhouse.cli.models",
    "compile": "varhouse.cli.models",
    "show": "varhouse.cli.models",
    "ls": "varhouse.cli.models",
    "retry": "varhouse.cli.models",
    "docs": "varhouse.cli.models",
    "sql": "varhouse.cli.ask",
    "genes-for-variant": "varhouse.cli.ask",
    "variants-for-gene": "varhouse.cli.ask",
    "explain": "varhouse.cli.ask",
    "why-missing": "varhouse.cli.ask",
    "evaluate": "varhouse.cli.ask",
    "freeze": "varhouse.cli.ask",
    "rvat": "varhouse.cli.rvat",
    "export": "varhouse.cli.export",
    "plot": "varhouse.cli.demo",
    "demo": "varhouse.cli.demo",
}


class LazyGroup(click.Group):
    """A click group whose commands live in modules that are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        found: click.Command = getattr(
            importlib.import_module(module), cmd_name.replace("-", "_") + "_command"
        )
        return found


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="varhouse")
def cli() -> None:
    """A genetics warehouse in one DuckDB file: load data, build models, ask questions."""


def main() -> None:
    """Run the command line and turn every expected error into one message and its exit code."""
    log_json = "--log-json" in sys.argv
    # Genotypes are personal data: whatever a command writes is its owner's alone.
    os.umask(0o077)
    try:
        outcome = cli.main(standalone_mode=False)
    except VarhouseError as error:
        _say(str(error), log_json)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        if log_json:
            _say(error.format_message(), log_json)
        else:
            error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted; the warehouse is as it was before the current step", log_json)
        sys.exit(130)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _say(message: str, log_json: bool) -> None:
    if log_json:
        click.echo(json.dumps({"level": "error", "message": message}), err=True)
    else:
        click.echo(f"error: {message}", err=True)


def common_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command; the command receives them as one ``Settings``."""
    import functools

    from varhouse.settings import DEFAULT_DATABASE, DEFAULT_MEMORY, Settings, shipped_project_dir

    @functools.wraps(function)
    def with_settings(*args: Any, **kwargs: Any) -> Any:
        quiet, verbose = kwargs.pop("quiet"), kwargs.pop("verbose")
        project_dir = kwargs.pop("project_dir")
        settings = Settings(
            database=Path(kwargs.pop("db")),
            project_dir=Path(project_dir) if project_dir else shipped_project_dir(),
            threads=kwargs.pop("threads") or os.cpu_count() or 1,
            memory=kwargs.pop("memory"),
            temp_dir=kwargs.pop("temp_dir"),
            verbosity=-1 if quiet else int(verbose),
            log_json=kwargs.pop("log_json"),
            progress=not kwargs.pop("no_progress"),
        )
        return function(settings, *args, **kwargs)

    decorators = [
        click.option(
            "--db", default=str(DEFAULT_DATABASE), show_default=True, envvar="VARHOUSE_DB",
            metavar="PATH", help="The warehouse file.",
        ),
        click.option("--threads", type=click.IntRange(min=1), help="DuckDB threads. [all cores]"),
        click.option(
            "--memory", default=DEFAULT_MEMORY, show_default=True, metavar="SIZE",
            help="DuckDB memory limit.",
        ),
        click.option(
            "--temp-dir", type=click.Path(file_okay=False, exists=True, path_type=Path),
            help="Where to spill. [beside the warehouse]",
        ),
        click.option(
            "--project-dir", type=click.Path(file_okay=False, exists=True),
            help="A project made by `varhouse init`. [the shipped one]",
        ),
        click.option("-q", "--quiet", is_flag=True, help="Only errors on stderr."),
        click.option("-v", "--verbose", is_flag=True, help="More on stderr."),
        click.option("--log-json", is_flag=True, help="Messages on stderr as JSON lines."),
        click.option("--no-progress", is_flag=True, help="No progress bar."),
    ]  # fmt: skip
    for decorator in reversed(decorators):
        with_settings = decorator(with_settings)
    return with_settings
