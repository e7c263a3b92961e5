"""The command line: arguments to Settings to one call. The only place that prints."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click
from click.shell_completion import CompletionItem

from varhouse import __version__
from varhouse.errors import NO_ROOM, UsageError, VarhouseError

if TYPE_CHECKING:
    from varhouse.settings import Settings


class _Lazy(NamedTuple):
    """The module of a command, imported only when the command is asked for, and what it does.

    ``example`` is a command line without the program's name.
    """

    module: str
    summary: str
    example: str


_COMMANDS: dict[str, _Lazy] = {
    "init": _Lazy(
        "varhouse.cli.models", "Copy the shipped project into a folder, to edit.", "init my_project"
    ),
    "load": _Lazy(
        "varhouse.cli.load",
        "Load files of one kind.",
        "load genotypes cohort.vcf.gz --build GRCh38 --max-maf 0.05",
    ),
    "plan": _Lazy(
        "varhouse.cli.models",
        "Show what a run would build, and why.",
        "plan --select state:modified+",
    ),
    "run": _Lazy(
        "varhouse.cli.models", "Build models, each with its data tests.", "run --select +v2g_scores"
    ),
    "test": _Lazy(
        "varhouse.cli.models",
        "Run data tests and unit tests on what is built.",
        "test --select v2g_scores",
    ),
    "build": _Lazy(
        "varhouse.cli.models",
        "Load seeds, run unit tests, build and test models.",
        "build --select +rvat_omnibus --vars '{max_maf: 0.01}'",
    ),
    "compile": _Lazy(
        "varhouse.cli.models",
        "Write the SQL of models and tests as it would run.",
        "compile --select v2g_scores",
    ),
    "show": _Lazy(
        "varhouse.cli.models",
        "Print rows of a model, or what fails a test.",
        "show --select v2g_scores",
    ),
    "ls": _Lazy(
        "varhouse.cli.models", "List models, seeds, sources and tests.", "ls --select +rvat_burden"
    ),
    "retry": _Lazy("varhouse.cli.models", "Run again what failed or was skipped.", "retry"),
    "docs": _Lazy(
        "varhouse.cli.models", "Write a page of models, columns and lineage.", "docs --out lineage"
    ),
    "sql": _Lazy(
        "varhouse.cli.ask",
        "Run one read-only SQL statement.",
        'sql "select * from v2g_scores where rank = 1" --out best.parquet',
    ),
    "genes-for-variant": _Lazy(
        "varhouse.cli.ask",
        "Rank the genes of a variant.",
        "genes-for-variant rs1421085 --format csv",
    ),
    "variants-for-gene": _Lazy(
        "varhouse.cli.ask",
        "List the variants that point to a gene.",
        "variants-for-gene FTO --limit 20",
    ),
    "explain": _Lazy("varhouse.cli.ask", "Take a result apart.", "explain rs1421085 FTO"),
    "why-missing": _Lazy(
        "varhouse.cli.ask",
        "Say where a variant, or its link to a gene, got lost.",
        "why-missing rs1421085 IRX3",
    ),
    "evaluate": _Lazy("varhouse.cli.ask", "Rank known effector genes.", "evaluate gold.tsv"),
    "freeze": _Lazy(
        "varhouse.cli.ask",
        "Keep the cut points of the last build.",
        "freeze release_1 --out release_1.parquet",
    ),
    "rvat": _Lazy(
        "varhouse.cli.rvat",
        "Test rare variants around genes for expression.",
        'rvat --cell-type "B cell" --weights maf_beta,maf_beta*v2g --tests skat,skat_o',
    ),
    "export": _Lazy(
        "varhouse.cli.export",
        "Write what is stored for another tool to read.",
        "export vep-input --out todo.vcf.gz",
    ),
    "plot": _Lazy("varhouse.cli.plot", "Draw results.", "plot heatmap rs1421085 --out fto.png"),
    "report": _Lazy(
        "varhouse.cli.report",
        "Write what was loaded, run and found as one page.",
        "report --out report.html",
    ),
    "demo": _Lazy(
        "varhouse.cli.demo", "Score a locus end to end and show the answer.", "demo --out demo"
    ),
}


class LazyGroup(click.Group):
    """A click group whose commands live in modules that are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command and return it; None for a name that is none."""
        lazy = _COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        found: click.Command = getattr(
            importlib.import_module(lazy.module), cmd_name.replace("-", "_") + "_command"
        )
        # \b: click leaves the lines of this paragraph as they are
        found.epilog = f"\b\nExample:\n  varhouse {lazy.example}"
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the commands do without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in _COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin so, without importing them."""
        found = [
            CompletionItem(name, help=lazy.summary)
            for name, lazy in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        # not of click.Group, which imports every command
        return found + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="varhouse")
def cli() -> None:
    """A genetics warehouse in one DuckDB file: load data, build models, ask questions."""


def main() -> None:
    """Run the command line and turn every expected error into one message and its exit code."""
    log_json = "--log-json" in sys.argv
    _open_closed_streams()
    # Genotypes are personal data: whatever a command writes is its owner's alone.
    os.umask(0o077)
    try:
        _refuse_undecodable(sys.argv)
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
        _interrupted(log_json)
    except Exception as error:
        # what DuckDB's Python package makes of Ctrl-C while a query runs
        if isinstance(error, RuntimeError) and str(error) == "Query interrupted":
            _interrupted(log_json)
        fault = _fault_of_the_surroundings(error)
        if fault is None or "-v" in sys.argv or "--verbose" in sys.argv:
            raise
        _say(fault, log_json)
        sys.exit(1)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _open_closed_streams() -> None:
    """Give what a daemon closed (``>&-``) a place to write to.

    Otherwise the next file that is opened takes the number of the stream, and its output.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def _refuse_undecodable(words: Sequence[str]) -> None:
    """Refuse bytes that are not UTF-8, which the database takes in no name and no query.

    Raises
    ------
    UsageError
        Shows the word.
    """
    for word in words:
        if not word.isascii() and word.encode("utf-8", "replace").decode() != word:
            shown = os.fsencode(word).decode("ascii", "backslashreplace")
            raise UsageError(
                f"{shown}: not text in UTF-8. Rename the file or folder, or set PYTHONUTF8=1 "
                "where the terminal is in UTF-8."
            )


def _interrupted(log_json: bool) -> NoReturn:
    _say("interrupted; the warehouse is as it was before the current step", log_json)
    sys.exit(130)


def _fault_of_the_surroundings(error: Exception) -> str | None:
    """Say what is lacking (memory, disk) that no command foresaw; None for a slip of ours."""
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    # not imported here: no command that has not opened the warehouse can fail in it
    duckdb = sys.modules.get("duckdb")
    if duckdb is None or not isinstance(error, duckdb.Error):
        return None
    from varhouse.runner.scrub import scrubbed

    said = scrubbed(str(error).partition("\n\n")[0], error)
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"the memory limit is too small: {said}. Give more with --memory."
    if NO_ROOM.search(said):
        return (
            f"no room on the disk, or a limit on the size of files: {said}. The warehouse is as it "
            "was before the step that failed: make room, and give the command again."
        )
    if isinstance(error, duckdb.BinderException):
        # ours asks for a column that is not there: what was built before has other columns
        said = (
            f"{said}. If an earlier varhouse built these models, build them again: varhouse build"
        )
    if isinstance(error, duckdb.CatalogException):
        # ours asks for a table that every warehouse has: DuckDB's next line guesses at another
        said = (
            f"{said.partition(chr(10))[0]} Is --db a warehouse? One of an earlier varhouse is "
            "brought up to date by a command that writes: varhouse build"
        )
    return f"the database says: {said}"


def _say(message: str, log_json: bool) -> None:
    if log_json:
        click.echo(json.dumps({"level": "error", "message": message}), err=True)
    else:
        click.echo(f"error: {message}", err=True)


def tell(settings: Settings, text: str) -> None:
    """Say what was done, or what to know about it, on stderr; nothing when quiet."""
    if settings.verbosity < 0:
        return
    click.echo(
        json.dumps({"level": "info", "message": text}) if settings.log_json else text, err=True
    )


Command = Callable[..., Any]


def options(*each: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return a decorator that adds options to a command, in the order of its help."""

    def decorated(function: Command) -> Command:
        for option in reversed(each):
            function = option(function)
        return function

    return decorated


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

    return options(
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
    )(with_settings)  # fmt: skip
