"""Which tests run with which node, and what has to end before what begins."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from varhouse.runner.graph import Graph
from varhouse.runner.plan import Prepared
from varhouse.runner.project import Project


@dataclass
class Task:
    """One step of a run.

    Parameters
    ----------
    key
        The node that is built or tested.
    gates
        Tests that run on the node's result before it is committed.
    after
        Tasks that have to end well before this one begins.
    """

    key: str
    gates: list[str] = field(default_factory=list)
    after: set[str] = field(default_factory=set)


def schedule(prepared: Prepared, *, build: bool) -> dict[str, Task]:
    """Return the tasks of a run, parents first.

    A test runs before the commit of the last of its parents that are built; where no single
    parent is last, after all of them. Unit tests run before their model is built.
    """
    project, graph = prepared.project, prepared.graph
    chosen = [key for key in graph.order if key in prepared.chosen]
    tests = [key for key in chosen if _kind(project, key) == "test"]
    units = [key for key in chosen if _kind(project, key) == "unit_test"]
    if not build:
        return {key: Task(key) for key in (*units, *tests)}
    tasks = {key: Task(key) for key in prepared.tasks()}
    built = set(tasks)
    for key in built:
        tasks[key].after = nearest(graph, key, built)
    blocking: dict[str, set[str]] = {}
    for key in tests:
        parents = nearest(graph, key, built)
        last = last_of(graph, parents)
        if last is not None:
            tasks[last].gates.append(key)
            continue
        tasks[key] = Task(key, after=parents)
        if not parents:
            for parent in graph.parents[key]:
                if _kind(project, parent) == "source":
                    blocking.setdefault(parent, set()).add(key)
    for key in units:
        model = graph.parents[key][0]
        tasks[key] = Task(key, after=nearest(graph, model, built))
        if model in tasks:
            tasks[model].after.add(key)
    for source, source_tests in blocking.items():
        for below in graph.descendants(source) & built:
            tasks[below].after |= source_tests
    return tasks


def _kind(project: Project, key: str) -> str:
    return project.nodes[key].resource_type


def nearest(graph: Graph, key: str, among: Collection[str]) -> set[str]:
    """Return the closest ancestors that are ``among`` these, looking through all others."""
    found: set[str] = set()
    seen: set[str] = set()
    stack = list(graph.parents[key])
    while stack:
        parent = stack.pop()
        if parent in seen:
            continue
        seen.add(parent)
        if parent in among:
            found.add(parent)
        else:
            stack.extend(graph.parents[parent])
    return found


def last_of(graph: Graph, keys: Collection[str]) -> str | None:
    """Return the one of these nodes that all the others come before, if there is one."""
    if not keys:
        return None
    last = max(keys, key=graph.position.__getitem__)
    return last if set(keys) - {last} <= graph.ancestors(last) else None
