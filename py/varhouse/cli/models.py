"""Commands that build the models: plan, run, test, build, compile, show, ls, retry, docs, init."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from varhouse.cli import common_options, tell
from varhouse.cli.model_options import (
    build_options,
    functions_version,
    open_for_reading,
    project_of,
    selection_options,
    source_version,
    target_dir,
    vars_option,
)
from varhouse.errors import DataError, UsageError
from varhouse.file_formats import FORMATS, Format, choose_format
from varhouse.output import as_text, write_file
from varhouse.settings import Settings, shipped_project_dir
from varhouse.warehouse import open_warehouse

if TYPE_CHECKING:
    from varhouse.runner.outcome import RunOutcome
    from varhouse.runner.project import Project
    from varhouse.runner.state import Command

_SHIPPED = ("dbt_project.yml", "models", "sql/macros", "sql/checks", "data/seeds")


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM sets; Python itself turns SIGINT into KeyboardInterrupt."""
    stop = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)


def run_models(
    settings: Settings,
    command: Command,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    vars: dict[str, Any],
    full_refresh: bool,
) -> int:
    """Run a command on the chosen nodes, report it, write its artifacts; return the exit code."""
    from varhouse.cli.model_report import StderrReporter
    from varhouse.runner import run_project
    from varhouse.runner.gate import lock_down

    reporter = StderrReporter(settings)
    with reporter.logging():
        project = project_of(settings, vars)
    for text in project.warnings:
        reporter.message("warning", text)
    if not settings.database.exists():
        made = f"{settings.database} was not there: it is made, with nothing loaded."
        reporter.message("warning", made)
    with reporter.logging(), _stopping() as stop, open_warehouse(settings) as con:
        lock_down(con, project.seed_dirs)
        outcome = run_project(
            project, con, command=command, select=select, exclude=exclude,
            full_refresh=full_refresh, threads=settings.threads, reporter=reporter,
            source_version=source_version, functions_version=functions_version(), stop=stop,
        )  # fmt: skip
    args = {
        "select": list(select), "exclude": list(exclude), "vars": vars,
        "full_refresh": full_refresh,
    }  # fmt: skip
    _write_artifacts(settings, project, outcome, args)
    reporter.summary(outcome)
    return 0 if outcome.ok else 1


def _write_artifacts(
    settings: Settings, project: Project, outcome: RunOutcome, args: dict[str, Any]
) -> None:
    from varhouse.runner.graph import project_graph
    from varhouse.runner.manifest import (
        make_manifest,
        make_run_results,
        write_compiled,
        write_json,
    )

    target = target_dir(settings)
    # as dbt's: with the SQL of what was chosen
    manifest = make_manifest(project, project_graph(project), outcome.compiled)
    try:
        write_json(target / "manifest.json", manifest)
        write_json(target / "run_results.json", make_run_results(project, outcome, args))
        write_compiled(project, outcome.compiled, target)
    except OSError as error:
        raise DataError(
            f"{target}: the run ended, but its artifacts cannot be written: {error}"
        ) from error


@click.command("run")
@common_options
@selection_options
@build_options
def run_command(settings: Settings, **options: Any) -> int:
    """Build models (and the seeds they need), each checked by its tests before it is kept."""
    return run_models(settings, "run", **options)


@click.command("build")
@common_options
@selection_options
@build_options
def build_command(settings: Settings, **options: Any) -> int:
    """Load seeds, run unit tests, build models and test them, in the order of the graph."""
    return run_models(settings, "build", **options)


@click.command("test")
@common_options
@selection_options
@build_options
def test_command(settings: Settings, **options: Any) -> int:
    """Run data tests and unit tests on the tables as they are."""
    return run_models(settings, "test", **options)


@click.command("retry")
@common_options
def retry_command(settings: Settings) -> int:
    """Run again what failed or was skipped in the last run, with its command and vars."""
    from varhouse.runner.state import last_unfinished

    with open_warehouse(settings, must_exist=True) as con:
        found = last_unfinished(con)
    if found is None:
        tell(
            settings,
            "nothing to retry: the last run has no failures. (One that was interrupted goes on "
            "with its own command.)",
        )
        return 0
    nodes = project_of(settings, found.vars).nodes
    gone = [key for key in found.unique_ids if key not in nodes]
    select = tuple(dict.fromkeys(nodes[key].name for key in found.unique_ids if key in nodes))
    if gone:
        tell(settings, f"no longer in the project: {', '.join(gone)}")
    if not select:
        return 0
    return run_models(settings, found.command, select, (), found.vars, found.full_refresh)


@click.command("plan")
@common_options
@selection_options
@build_options
@click.option("--format", "form", type=click.Choice(FORMATS), help="How to write the rows. [table]")
def plan_command(
    settings: Settings,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    vars: dict[str, Any],
    full_refresh: bool,
    form: Format | None,
) -> None:
    """Show what a run would build, and why; nothing is changed."""
    from varhouse.cli.model_report import StderrReporter
    from varhouse.runner import plan_project

    project = project_of(settings, vars)
    with StderrReporter(settings).logging(), open_for_reading(settings) as con:
        decisions = plan_project(
            project, con, select=select, exclude=exclude, full_refresh=full_refresh,
            source_version=source_version, functions_version=functions_version(),
        )  # fmt: skip
    rows = [
        {
            "node": decision.node.name, "resource_type": decision.node.resource_type,
            "materialized": decision.node.materialized, "action": decision.action,
            "reason": decision.reason,
        }
        for decision in decisions
    ]  # fmt: skip
    _print_rows(rows, form)


def _print_rows(rows: list[dict[str, Any]], form: Format | None) -> None:
    import pyarrow as pa

    click.echo(as_text(pa.Table.from_pylist(rows), choose_format(form, None)), nl=False)


@click.command("compile")
@common_options
@selection_options
def compile_command(
    settings: Settings, select: tuple[str, ...], exclude: tuple[str, ...], vars: dict[str, Any]
) -> None:
    """Write the SQL of models and tests, as it would run, to target/compiled."""
    from varhouse.cli.model_report import StderrReporter
    from varhouse.runner.graph import project_graph
    from varhouse.runner.manifest import compile_project, make_manifest, write_compiled, write_json
    from varhouse.runner.selection import select_nodes

    project = project_of(settings, vars)
    graph = project_graph(project)
    with StderrReporter(settings).logging():
        chosen = select_nodes(project, graph, select=select, exclude=exclude)
    compiled = compile_project(project)
    target = target_dir(settings)
    write_json(target / "manifest.json", make_manifest(project, graph, compiled))
    wanted = {key: sql for key, sql in compiled.items() if key in chosen}
    n_files = write_compiled(project, wanted, target)
    if len(wanted) == 1:
        click.echo(next(iter(wanted.values())))
    tell(settings, f"{n_files} files in {target / 'compiled'}")


@click.command("show")
@common_options
@selection_options
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Rows.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="How to write the rows.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def show_command(
    settings: Settings,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    vars: dict[str, Any],
    limit: int,
    form: Format | None,
    out: Path | None,
) -> None:
    """Print the first rows of one model's query, or the failing rows of one data test.

    Nothing is changed. A test runs on its models' queries as they are now, so that it finds what
    kept a model from being built.
    """
    from varhouse.cli.model_report import StderrReporter
    from varhouse.runner.gate import lock_down
    from varhouse.runner.graph import project_graph
    from varhouse.runner.selection import select_nodes
    from varhouse.runner.show import preview

    project = project_of(settings, vars)
    if not select:
        raise UsageError("show: name the model or data test with --select.")
    with StderrReporter(settings).logging():
        found = select_nodes(project, project_graph(project), select=select, exclude=exclude)
    chosen = [project.nodes[key] for key in sorted(found)]
    # The tests of a chosen model are chosen too; the model is what was asked for.
    shown = [node for node in chosen if node.resource_type in ("model", "seed")] or [
        node for node in chosen if node.resource_type == "test"
    ]
    if len(shown) != 1:
        raise UsageError(
            f"show: {len(shown)} models or data tests are selected, wanted one: "
            f"{', '.join(node.name for node in shown) or 'none'}."
        )
    form = choose_format(form, out)
    with open_warehouse(settings, read_only=True) as con:
        lock_down(con, project.seed_dirs)
        table = preview(project, con, shown[0], limit=limit)
    if out is not None:
        write_file(table, out, form)
    else:
        click.echo(as_text(table, form), nl=False)


@click.command("ls")
@common_options
@selection_options
@click.option("--resource-type", multiple=True, help="Only this type, such as model.")
@click.option(
    "--output", type=click.Choice(["name", "selector", "path", "json"]), default="selector",
    show_default=True, help="What to print of each node.",
)  # fmt: skip
def ls_command(
    settings: Settings,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    vars: dict[str, Any],
    resource_type: tuple[str, ...],
    output: str,
) -> None:
    """List the chosen nodes, one a line."""
    import json

    from varhouse.cli.model_report import StderrReporter
    from varhouse.runner.plan import choose_nodes

    project = project_of(settings, vars)
    with StderrReporter(settings).logging(), open_for_reading(settings) as con:
        prepared = choose_nodes(
            project, con, select=select, exclude=exclude, functions_version=functions_version()
        )
    for key in prepared.graph.order:
        node = project.nodes[key]
        if key not in prepared.chosen or (
            resource_type and node.resource_type not in resource_type
        ):
            continue
        if output == "json":
            entry = {
                "unique_id": key, "name": node.name, "resource_type": node.resource_type,
                "original_file_path": node.location.path, "tags": list(node.tags),
                "config": node.config, "depends_on": {"nodes": node.refs},
            }  # fmt: skip
            click.echo(json.dumps(entry, default=str))
            continue
        prefix = "" if node.resource_type in ("model", "seed") else f"{node.resource_type}:"
        shown = {
            "name": node.name,
            "path": node.location.path,
            "selector": prefix + ".".join(node.fqn),
        }
        click.echo(shown[output])


@click.command("docs")
@common_options
@vars_option("Vars, as YAML or JSON.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path),
    help="Folder for index.html. [docs in the target folder]",
)  # fmt: skip
def docs_command(settings: Settings, vars: dict[str, Any], out: Path | None) -> None:
    """Write one page that documents models, columns and where each column comes from."""
    from varhouse.runner.docs import write_docs
    from varhouse.runner.graph import project_graph
    from varhouse.runner.manifest import make_manifest, write_json
    from varhouse.runner.show import column_types

    project = project_of(settings, vars)
    manifest = make_manifest(project, project_graph(project))
    target = target_dir(settings)
    write_json(target / "manifest.json", manifest)
    with open_for_reading(settings) as con:
        types = column_types(project, con)
    written = write_docs(project.name, manifest, out or target / "docs", column_types=types)
    click.echo(written)


@click.command("init")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@common_options
def init_command(settings: Settings, directory: Path) -> None:
    """Copy the shipped project to DIRECTORY, to edit and to build with --project-dir."""
    source = shipped_project_dir()
    if directory.exists() and any(directory.iterdir()):
        raise UsageError(f"{directory}: the folder is not empty; name a new one.")
    directory.mkdir(parents=True, exist_ok=True)
    for name in _SHIPPED:
        here, there = source / name, directory / name
        there.parent.mkdir(parents=True, exist_ok=True)
        if here.is_dir():
            shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copyfile(here, there)
    click.echo(directory)
    tell(settings, f"edit it, then: varhouse build --project-dir {directory}")
