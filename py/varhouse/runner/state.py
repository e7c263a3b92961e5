"""The append-only table ``run_results``: what was built, from what, and how it ended."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import duckdb

from varhouse import __version__
from varhouse.errors import ModelError
from varhouse.runner.nodes import SCHEMA
from varhouse.runner.outcome import NodeResult
from varhouse.runner.project import Project
from varhouse.settings import shipped_project_dir

_OF_THE_RUN = ("run_id", "command", "vars_json", "full_refresh", "varhouse_version")
_OF_A_NODE = (
    "node", "resource_type", "status", "n_rows", "seconds", "started_at", "message",
    "fingerprint", "sql_hash", "config_hash", "parents",
)  # fmt: skip

Command = Literal["run", "test", "build", "seed"]


@dataclass(frozen=True)
class Fingerprint:
    """What a node is made from: its SQL, its configuration, and what its parents hold."""

    sql_hash: str
    config_hash: str
    parents: Mapping[str, str]
    value: str


@dataclass(frozen=True)
class Stored:
    """The last successful build of a model or seed, or the last run of a test."""

    status: str
    fingerprint: Fingerprint
    run_id: str


@dataclass(frozen=True)
class RunContext:
    """What is the same for every row of one run."""

    run_id: str
    command: Command
    vars_json: str
    full_refresh: bool

    @classmethod
    def of(cls, project: Project, command: Command, full_refresh: bool) -> RunContext:
        """Begin a run."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        return cls(
            f"{stamp}-{uuid.uuid4().hex[:8]}",
            command,
            json.dumps(project.cli_vars, sort_keys=True, default=str),
            full_refresh,
        )


def ensure_table(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``run_results`` where it is not there yet."""
    path = shipped_project_dir() / "sql" / "schema" / "40_runs.sql"
    con.execute(path.read_text(encoding="utf-8"))


def read_state(con: duckdb.DuckDBPyConnection) -> dict[str, Stored]:
    """Return what was last built or tested, by unique id; empty where nothing ever ran."""
    if not _has_table(con):
        return {}
    rows = con.execute(
        f"""
        select node, status, sql_hash, config_hash, parents, fingerprint, run_id
        from {SCHEMA}.run_results
        where fingerprint is not null
            and status in ('success', 'pass', 'warn', 'fail')
        qualify row_number() over (partition by node order by rowid desc) = 1
        """
    ).fetchall()
    return {
        node: Stored(status, Fingerprint(sql_hash, config_hash, parents or {}, fingerprint), run_id)
        for node, status, sql_hash, config_hash, parents, fingerprint, run_id in rows
    }


def _has_table(con: duckdb.DuckDBPyConnection) -> bool:
    return "run_results" in relations(con)


def relations(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the tables and views of the models' schema: name to ``table`` or ``view``."""
    rows = con.execute(
        """
        select table_name, 'table' from duckdb_tables()
        where schema_name = $1 and database_name = current_database()
        union all
        select view_name, 'view' from duckdb_views()
        where schema_name = $1 and database_name = current_database()
        """,
        [SCHEMA],
    ).fetchall()
    return dict(rows)


def write_rows(
    con: duckdb.DuckDBPyConnection,
    run: RunContext,
    results: Sequence[tuple[NodeResult, Fingerprint | None]],
) -> None:
    """Append a row for each result; inside the caller's transaction if there is one.

    Parameters
    ----------
    results
        At least one, each with what the node was made from where that is known.
    """
    values = [
        (
            result.unique_id, result.resource_type, result.status, result.rows, result.seconds,
            result.started_at or datetime.now(UTC), result.message,
            made.value if made else None,
            made.sql_hash if made else None,
            made.config_hash if made else None,
            list(made.parents) if made else [], list(made.parents.values()) if made else [],
        )
        for result, made in results
    ]  # fmt: skip
    # One list a column: the statement costs the same for a model alone and for all its tests.
    lists = ", ".join(
        "map(unnest(?::varchar[][]), unnest(?::varchar[][]))" if column == "parents"
        else "unnest(?)"
        for column in _OF_A_NODE
    )  # fmt: skip
    con.execute(
        f"insert into {SCHEMA}.run_results ({', '.join((*_OF_THE_RUN, *_OF_A_NODE))}) "
        f"select {', '.join('?' * len(_OF_THE_RUN))}, {lists}",
        [
            run.run_id, run.command, run.vars_json, run.full_refresh, __version__,
            *(list(column) for column in zip(*values, strict=True)),
        ],
    )  # fmt: skip


def read_back(con: duckdb.DuckDBPyConnection, run: RunContext, result: NodeResult) -> None:
    """Read the committed row of a build again: what is not on record was not built.

    Raises
    ------
    ModelError
        The row is not there, or says something else.
    """
    found = con.execute(
        f"""
        select status, fingerprint, n_rows
        from {SCHEMA}.run_results
        where run_id = ? and node = ?
        """,
        [run.run_id, result.unique_id],
    ).fetchall()
    wanted = (result.status, result.fingerprint, result.rows)
    if found != [wanted]:
        raise ModelError(
            f"{result.name}: the build was committed, but run_results holds "
            f"{found or 'no row'} for it, wanted {wanted}. The database file may be damaged: "
            "copy it, then build again with --full-refresh or restore a backup."
        )


class Unfinished(NamedTuple):
    """How a run was started that did not succeed, and its failed and skipped nodes."""

    command: Command
    vars: dict[str, Any]
    full_refresh: bool
    unique_ids: list[str]


def last_unfinished(con: duckdb.DuckDBPyConnection) -> Unfinished | None:
    """Return what the last run that wrote rows left undone; None if nothing."""
    if not _has_table(con):
        return None
    rows = con.execute(
        f"""
        with last_run as (
            select run_id from {SCHEMA}.run_results
            order by rowid desc
            limit 1
        )

        select command, vars_json, full_refresh, node
        from {SCHEMA}.run_results
        where run_id in (select run_id from last_run) and status in ('error', 'fail', 'skipped')
        order by rowid
        """
    ).fetchall()
    if not rows:
        return None
    command, vars_json, full_refresh, _ = rows[0]
    return Unfinished(command, json.loads(vars_json), full_refresh, [row[3] for row in rows])
