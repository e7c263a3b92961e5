"""What a run would do, and why: new, changed, or unchanged since the last successful build."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from varhouse.errors import UsageError
from varhouse.runner.compile import Compiler
from varhouse.runner.fingerprint import (
    FUNCTIONS,
    Fingerprints,
    SourceVersion,
    content_version,
)
from varhouse.runner.graph import Graph, project_graph
from varhouse.runner.nodes import Node
from varhouse.runner.project import Project
from varhouse.runner.selection import select_nodes
from varhouse.runner.state import Fingerprint, Stored, read_state, relations

UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Decision:
    """What is to happen with a model or seed.

    Parameters
    ----------
    action
        ``build`` or ``unchanged``.
    reason
        Why, in words.
    """

    node: Node
    action: str
    reason: str
    fingerprint: Fingerprint


@dataclass(frozen=True)
class Prepared:
    """A project compared with a warehouse: graph, selection and fingerprints."""

    project: Project
    graph: Graph
    compiler: Compiler
    chosen: set[str]
    stored: Mapping[str, Stored]
    existing: Mapping[str, str]
    fingerprints: Fingerprints

    def tasks(self) -> list[str]:
        """Return the chosen models and seeds that are built as such, parents first."""
        return [
            key
            for key in self.graph.order
            if key in self.chosen
            and self.project.nodes[key].resource_type in ("model", "seed")
            and self.project.nodes[key].materialized != "ephemeral"
        ]


def choose_nodes(
    project: Project,
    con: duckdb.DuckDBPyConnection,
    *,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    source_version: SourceVersion | None = None,
    functions_version: str = "",
    keep: Callable[[Node], bool] | None = None,
) -> Prepared:
    """Choose nodes by what they are and by what a warehouse holds; render none without need.

    What is to be run has to be rendered and checked first: ``fingerprints.prepare(chosen)``.

    Raises
    ------
    ProjectError
        Models read each other in a circle.
    UsageError
        The selection names nothing.
    """
    graph = project_graph(project)
    compiler = Compiler(project)
    stored, existing = read_state(con), relations(con)
    fingerprints = Fingerprints(
        project, graph, compiler, stored=stored, existing=existing, con=con,
        source_version=source_version or content_version, functions_version=functions_version,
    )  # fmt: skip
    chosen = select_nodes(
        project, graph, select=select, exclude=exclude,
        state_of=lambda node: own_state(node, stored, fingerprints),
    )  # fmt: skip
    if keep is not None:
        chosen = {key for key in chosen if keep(project.nodes[key])}
        if select and not chosen:
            raise UsageError(f"--select {' '.join(select)}: nothing there that this command runs.")
    return Prepared(project, graph, compiler, chosen, stored, existing, fingerprints)


def own_state(node: Node, stored: Mapping[str, Stored], fingerprints: Fingerprints) -> str:
    """Return ``new``, ``modified`` or ``same``, looking at the node alone."""
    held = stored.get(node.unique_id)
    if held is None:
        return "same" if node.materialized == "ephemeral" else "new"
    made = held.fingerprint
    now = (*fingerprints.own(node.unique_id), fingerprints.functions(node.unique_id))
    before = (made.sql_hash, made.config_hash, made.parents.get(FUNCTIONS))
    return "same" if now == before else "modified"


def decide(prepared: Prepared, key: str, *, full_refresh: bool) -> Decision:
    """Return what is to happen with a node, given what its parents hold by now."""
    node = prepared.project.nodes[key]
    fingerprint = prepared.fingerprints.of(key)
    if full_refresh and node.config.get("full_refresh") is not False:
        reason: str | None = "full refresh"
    else:
        reason = _reason(prepared, node, fingerprint)
    return Decision(node, "build" if reason else UNCHANGED, reason or UNCHANGED, fingerprint)


def _reason(prepared: Prepared, node: Node, now: Fingerprint) -> str | None:
    held = prepared.stored.get(node.unique_id)
    if held is None:
        return "new"
    kind = "view" if node.materialized == "view" else "table"
    found = prepared.existing.get(node.name)
    if found != kind:
        return f"the {kind} is missing" if found is None else f"was a {found}"
    before = held.fingerprint
    if before.value == now.value:
        return None
    if before.sql_hash != now.sql_hash:
        return "data changed" if node.resource_type == "seed" else "sql changed"
    if before.config_hash != now.config_hash:
        return "config changed"
    changed = [
        parent for parent, value in now.parents.items() if before.parents.get(parent) != value
    ]
    if FUNCTIONS in changed:
        return "functions changed"
    data = [parent for parent in changed if parent.startswith("source.")]
    names = ", ".join(_short(parent) for parent in (data or changed))
    return f"{'data' if data else 'parent'} changed: {names}"


def _short(unique_id: str) -> str:
    return ".".join(unique_id.split(".")[2:])


def plan_project(
    project: Project,
    con: duckdb.DuckDBPyConnection,
    *,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    full_refresh: bool = False,
    source_version: SourceVersion | None = None,
    functions_version: str = "",
) -> list[Decision]:
    """Return what a run would do with each chosen model and seed, in order; nothing is changed.

    Parameters
    ----------
    project, con
        The project and the warehouse it is compared with.
    select, exclude
        dbt's selection syntax.
    full_refresh
        As in ``run_project``.
    source_version, functions_version
        As in ``run_project``.
    """
    prepared = choose_nodes(
        project, con, select=select, exclude=exclude, source_version=source_version,
        functions_version=functions_version,
    )  # fmt: skip
    prepared.fingerprints.prepare(prepared.chosen)
    decisions = []
    for key in prepared.tasks():
        decision = decide(prepared, key, full_refresh=full_refresh)
        if decision.action == "build":
            prepared.fingerprints.mark_built(key, decision.fingerprint.value, "planned")
        decisions.append(decision)
    return decisions
