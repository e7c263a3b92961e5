"""Options that the model commands share, and what they mean."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import duckdb
import yaml

import varhouse
from varhouse.cli import Command, options
from varhouse.errors import UsageError
from varhouse.settings import Settings, shipped_project_dir
from varhouse.warehouse import create_schema, open_warehouse

if TYPE_CHECKING:
    from varhouse.runner import Project

_FUNCTION_SOURCES = ("numerics", "udf")
_EXPRESSION_GENES = '"raw"."pseudobulk_genes"'
_EXPRESSION = {'"raw"."pseudobulk"': ('"raw"."pseudobulk_donors"', _EXPRESSION_GENES)}
_GENOTYPES = ('"raw"."genotypes_rare"', '"raw"."genotypes_common"')


def _parsed_vars(
    context: click.Context, option: click.Parameter, text: str | None
) -> dict[str, Any]:
    """Return the mapping that ``--vars`` holds.

    Raises
    ------
    UsageError
        Not YAML, or not a mapping.
    """
    if text is None:
        return {}
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"--vars {text!r}: not YAML: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"--vars {text!r}: wanted a mapping, such as '{{max_maf: 0.01}}'.")
    return {str(name): value for name, value in found.items()}


def _require_duckdb(context: click.Context, option: click.Parameter, engine: str) -> None:
    if engine != "duckdb":
        raise UsageError(
            f"--engine {engine}: this version runs models on duckdb only. Leave the option out, or "
            "say --engine duckdb."
        )


def vars_option(help: str) -> Callable[[Command], Command]:
    """Return the option ``--vars``; the command gets a mapping, empty where nothing was given."""
    return click.option("--vars", callback=_parsed_vars, metavar="YAML", help=help)


def _refuse_bare_words(
    context: click.Context, argument: click.Parameter, words: tuple[str, ...]
) -> None:
    """Tell who names a node without an option how it is named.

    Raises
    ------
    UsageError
        There are words that belong to no option.
    """
    if words:
        command = context.info_name
        chosen = " ".join(f"--select {shlex.quote(word)}" for word in words)
        raise UsageError(
            f"{command}: found {' '.join(words)} without an option; nodes are named with --select "
            f"or --exclude, which stands before each: varhouse {command} {chosen}"
        )


# The command gets select, exclude and vars.
selection_options = options(
    click.argument("bare", nargs=-1, metavar="", callback=_refuse_bare_words, expose_value=False),
    click.option(
        "--select", "-s", multiple=True, metavar="S",
        help="Which nodes: name, +name, name+1, tag:, source:, path:, state:modified+ ...",
    ),
    click.option("--exclude", multiple=True, metavar="S", help="Which nodes not."),
    vars_option("Vars, as YAML or JSON."),
)  # fmt: skip

# The command gets full_refresh.
build_options = options(
    click.option("--full-refresh", is_flag=True, help="Build everything chosen again."),
    click.option(
        "--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True,
        callback=_require_duckdb, expose_value=False, help="What runs the models.",
    ),
)  # fmt: skip


def source_version(con: duckdb.DuckDBPyConnection, source: str) -> str:
    """Return a text that changes when rows are loaded into or removed from a raw table.

    Loaded tables carry the id of their load, so nothing has to be read but one column. Genotypes
    are too many for that: they change when genotypes are loaded or variants are numbered anew.
    """
    from varhouse.runner.fingerprint import content_version

    if source in _GENOTYPES:
        loads = con.execute(
            f"select count(*), sum(load_id), (select count(*) from {source}) "
            "from load_manifest where kind = 'genotypes'"
        ).fetchall()[0]
        if loads[0]:
            return "/".join(str(item) for item in (*loads, source_version(con, '"raw"."variants"')))
    if source in _EXPRESSION:
        ((n_rows,),) = con.execute(f"select count(*) from {source}").fetchall()
        return "/".join((str(n_rows), *(source_version(con, name) for name in _EXPRESSION[source])))
    columns = {row[0] for row in con.execute(f"describe {source}").fetchall()}
    if "load_id" not in columns:
        return content_version(con, source)
    # symbols there become gene ids when genes are loaded later; a bit_xor forgets what is even
    genes = ", sum(hash(gene_id) >> 32)" if source == _EXPRESSION_GENES else ""
    found = con.execute(
        f"select count(*), max(load_id), sum(load_id), bit_xor(hash(load_id)){genes} from {source}"
    ).fetchall()
    return "/".join(str(item) for item in found[0])


def functions_version() -> str:
    """Return the sha256 of the Python sources behind the SQL functions that we register."""
    package = Path(varhouse.__file__).parent
    held = hashlib.sha256()
    for folder in _FUNCTION_SOURCES:
        for path in sorted((package / folder).rglob("*.py")):
            content = path.read_bytes()
            held.update(f"{path.relative_to(package).as_posix()} {len(content)}\n".encode())
            held.update(content)
    return held.hexdigest()


def project_of(settings: Settings, vars: Mapping[str, Any]) -> Project:
    """Return the project that a command is about, loaded with these vars."""
    from varhouse.runner import load_project

    return load_project(settings.project_dir, vars=vars, cache_dir=cache_dir())


def cache_dir() -> Path | None:
    """Return where this user keeps what can be made again; None where there is no such place."""
    given = os.environ.get("VARHOUSE_CACHE_DIR")
    if given is not None:
        return Path(given).absolute() if given else None
    usual = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or usual).expanduser()
    except RuntimeError:  # a user without a home
        return None
    return folder / "varhouse" if folder.is_absolute() else None


def target_dir(settings: Settings) -> Path:
    """Return where artifacts go: the project's ``target``, or one beside the warehouse file."""
    project_dir = settings.project_dir.resolve()
    is_shipped = project_dir == shipped_project_dir().resolve()
    if is_shipped or not os.access(project_dir, os.W_OK):
        return settings.database.resolve().parent / "target"
    return project_dir / "target"


@contextmanager
def open_for_reading(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse without write access; where there is none yet, an empty one in memory."""
    if settings.database.is_file():
        with open_warehouse(settings, read_only=True) as con:
            yield con
        return
    memory = duckdb.connect(config={"threads": settings.threads})
    try:
        create_schema(memory)
        yield memory
    finally:
        memory.close()
