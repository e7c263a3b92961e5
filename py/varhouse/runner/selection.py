"""dbt's selection syntax: names, paths, tags, states, graph operators, unions, intersections."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from varhouse.errors import UsageError
from varhouse.runner.graph import Graph
from varhouse.runner.nodes import Node, Project, suggest

_LOG = logging.getLogger("varhouse.runner")
_SPEC = re.compile(
    r"(?P<at>@)?(?P<above>\d*\+)?(?:(?P<method>[a-z_][a-z_.]*):)?(?P<value>[^+@,\s]+?)(?P<below>\+\d*)?"
)
_METHODS = (
    "fqn", "name", "path", "file", "tag", "source", "resource_type", "config.<key>", "state",
    "test_name", "test_type",
)  # fmt: skip
_STATES = ("new", "modified", "unmodified", "old")

StateOf = Callable[[Node], str]


def select_nodes(
    project: Project,
    graph: Graph,
    *,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    state_of: StateOf | None = None,
) -> set[str]:
    """Return the unique ids that a selection names; tests follow the nodes that they test.

    Parameters
    ----------
    select, exclude
        Each text may hold several specifications: spaces join, commas intersect.
    state_of
        Tells ``new``, ``modified`` or ``same`` for ``state:``; without it ``state:`` is refused.

    Notes
    -----
    An exclusion that names nothing is warned of by the log ``varhouse.runner``.

    Raises
    ------
    UsageError
        A specification is not understood or names nothing, or nothing is left.
    """
    chooser = _Chooser(project, graph, state_of)
    chosen = chooser.union(select) if select else set(project.nodes)
    left = chosen - (chooser.union(exclude, may_be_empty=True) if exclude else set())
    if not left and project.nodes:
        raise UsageError(
            f"the selection {' '.join(select) or '(everything)'!r} without "
            f"{' '.join(exclude) or '(nothing)'!r} is empty."
        )
    return left


class _Chooser:
    def __init__(self, project: Project, graph: Graph, state_of: StateOf | None) -> None:
        self._project = project
        self._graph = graph
        self._state_of = state_of

    def union(self, specifications: Sequence[str], *, may_be_empty: bool = False) -> set[str]:
        chosen: set[str] = set()
        for text in specifications:
            for words in text.split():
                found = self._with_tests(self._intersection(words))
                if not found and may_be_empty:
                    _LOG.warning("--exclude %s: nothing matches.%s", words, self._hint(words))
                elif not found:
                    raise UsageError(f"--select {words}: nothing matches.{self._hint(words)}")
                chosen |= found
        return chosen

    def _intersection(self, words: str) -> set[str]:
        parts = [self._one(word) for word in words.split(",")]
        return set.intersection(*parts)

    def _hint(self, words: str) -> str:
        bare = words.strip("+@0123456789").rsplit(":", 1)[-1]
        known = [node.name for node in self._project.nodes.values()]
        known += [tag for node in self._project.nodes.values() for tag in node.tags]
        return suggest(bare, sorted(set(known))) or " See `varhouse ls` for what there is."

    def _one(self, word: str) -> set[str]:
        parts = _SPEC.fullmatch(word)
        if parts is None:
            raise UsageError(
                f"--select {word!r}: not a selection such as +name, tag:x or path:dir."
            )
        if parts["at"]:
            raise UsageError(f"--select {word}: '@' is not supported; use name+ or +name+.")
        chosen = {
            key
            for key, node in self._project.nodes.items()
            if self._matches(node, parts["method"], parts["value"], word)
        }
        reached = set(chosen)
        for key in chosen:
            if parts["above"]:
                reached |= self._graph.ancestors(key, _depth(parts["above"]))
            if parts["below"]:
                reached |= self._graph.descendants(key, _depth(parts["below"]))
        return reached

    def _with_tests(self, chosen: set[str]) -> set[str]:
        nodes = self._project.nodes
        found = set(chosen)
        for key, node in nodes.items():
            if node.resource_type not in ("test", "unit_test"):
                continue
            # unlike dbt: a source is always there, the models beside it may not be built
            models = {ref for ref in node.refs if nodes[ref].resource_type != "source"}
            if chosen & (models or set(node.refs)):
                found.add(key)
        return found

    def _matches(self, node: Node, method: str | None, value: str, word: str) -> bool:
        if method is None:
            is_path = "/" in value or value.endswith((".sql", ".csv", ".yml"))
            method = "path" if is_path else "fqn"
        if method in ("fqn", "name"):
            return _matches_fqn(node, value)
        if method in ("path", "file"):
            return _matches_path(node, value)
        if method == "tag":
            return any(fnmatchcase(tag, value) for tag in node.tags)
        if method == "source":
            return node.resource_type == "source" and _matches_source(node, value)
        if method == "resource_type":
            return node.resource_type == value
        if method == "test_type":
            return value in _test_types(node)
        if method == "test_name":
            return node.test is not None and fnmatchcase(node.test.kind, value)
        if method == "state":
            return self._matches_state(node, value, word)
        if method.startswith("config."):
            held = node.config.get(method.removeprefix("config."))
            held = held if isinstance(held, list) else [held]
            return any(str(item).lower() == value.lower() for item in held if item is not None)
        raise UsageError(
            f"--select {word}: the method '{method}:' is not one of {', '.join(_METHODS)}."
        )

    def _matches_state(self, node: Node, value: str, word: str) -> bool:
        if value not in _STATES:
            raise UsageError(f"--select {word}: state is one of {', '.join(_STATES)}.")
        if self._state_of is None:
            raise UsageError(f"--select {word}: no warehouse to compare with; name one with --db.")
        if node.resource_type not in ("model", "seed"):
            return False
        found = self._state_of(node)
        return {
            "new": found == "new",
            "modified": found in ("new", "modified"),
            "old": found != "new",
            "unmodified": found == "same",
        }[value]


def _depth(operator: str) -> int | None:
    digits = operator.strip("+")
    return int(digits) if digits else None


def _matches_fqn(node: Node, value: str) -> bool:
    if fnmatchcase(node.name, value):
        return node.resource_type != "source"
    if node.resource_type == "source":
        return False
    wanted = value.split(".")
    return any(
        len(fqn) >= len(wanted)
        and all(fnmatchcase(have, want) for have, want in zip(fqn, wanted, strict=False))
        for fqn in (node.fqn, node.fqn[1:])
    )


def _matches_path(node: Node, value: str) -> bool:
    path, wanted = node.location.path, value.rstrip("/")
    wanted = wanted.removeprefix("./")
    name = path.rsplit("/", 1)[-1]
    return path.startswith(f"{wanted}/") or fnmatchcase(path, wanted) or fnmatchcase(name, wanted)


def _matches_source(node: Node, value: str) -> bool:
    parts = value.split(".")
    names = [node.source_name or "", node.name]
    if len(parts) == 3:
        names.insert(0, node.fqn[0])
    return len(parts) <= len(names) and all(
        fnmatchcase(have, want) for have, want in zip(names, parts, strict=False)
    )


def _test_types(node: Node) -> tuple[str, ...]:
    if node.resource_type == "unit_test":
        return ("unit",)
    if node.resource_type != "test":
        return ()
    return ("data", "generic" if node.test is not None else "singular")
