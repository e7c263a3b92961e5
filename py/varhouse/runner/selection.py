"""dbt's selection syntax: names, paths, tags, states, graph operators, unions, intersections."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from varhouse.errors import UsageError
from varhouse.runner.config import CONFIG_DEFAULTS, CONFIG_KEYS, CONFIG_SECTIONS
from varhouse.runner.graph import Graph
from varhouse.runner.nodes import Node, suggest
from varhouse.runner.project import Project

_LOG = logging.getLogger("varhouse.runner")
_SPEC = re.compile(
    r"(?P<at>@)?(?P<above>\d*\+)?(?:(?P<method>[a-z_][a-z_.]*):)?(?P<value>[^+@,\s]+?)(?P<below>\+\d*)?"
)
_METHODS = (
    "fqn", "name", "path", "file", "tag", "source", "resource_type", "config.<key>", "state",
    "test_name", "test_type",
)  # fmt: skip
_WILD = re.compile(r"[*?\[\]]")
_RESOURCE_TYPES = ("model", "seed", "source", "test", "unit_test")
_TEST_TYPES = ("data", "generic", "singular", "unit")
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
                found = self._intersection(words)
                if not found and may_be_empty:
                    _LOG.warning("--exclude %s: nothing matches.%s", words, self._hint(words))
                elif not found:
                    raise UsageError(f"--select {words}: nothing matches.{self._hint(words)}")
                chosen |= found
        return chosen

    def _intersection(self, words: str) -> set[str]:
        # as dbt: tests follow each part, so that `x,test_type:generic` has those of x
        parts = [self._with_tests(self._one(word)) for word in words.split(",")]
        return set.intersection(*parts)

    def _hint(self, words: str) -> str:
        bare = words.strip("+@0123456789").rsplit(":", 1)[-1]
        nodes = self._project.nodes.values()
        source = next((n for n in nodes if n.resource_type == "source" and n.name == bare), None)
        if source is not None and ":" not in words:
            whole = f"source:{source.source_name}.{bare}"
            return f" {bare} is a source: {whole}+ names what is made of it."
        known = [node.name for node in nodes if node.name != bare]
        known += [tag for node in nodes for tag in node.tags]
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
            is_file = value.lower().endswith((".sql", ".csv"))
            method = "path" if "/" in value else "file" if is_file else "fqn"
        if method in ("fqn", "name"):
            return _matches_fqn(node, value)
        if method == "path":
            return _matches_path(node, value)
        if method == "file":
            path = PurePosixPath(node.location.path)
            return fnmatchcase(path.name, value) or fnmatchcase(path.stem, value)
        if method == "tag":
            return any(fnmatchcase(tag, value) for tag in node.tags)
        if method == "source":
            return node.resource_type == "source" and _matches_source(node, value)
        if method == "resource_type":
            _check_word(value, _RESOURCE_TYPES, word, "resource_type")
            return node.resource_type == value
        if method == "test_type":
            _check_word(value, _TEST_TYPES, word, "test_type")
            return value in _test_types(node)
        if method == "test_name":
            return _matches_test_name(node, value)
        if method == "state":
            return self._matches_state(node, value, word)
        if method.startswith("config."):
            return _matches_config(node, method.split(".")[1:], value, word)
        raise UsageError(
            f"--select {word}: the method '{method}:' is not one of {', '.join(_METHODS)}."
        )

    def _matches_state(self, node: Node, value: str, word: str) -> bool:
        _check_word(value, _STATES, word, "state")
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


def _check_word(value: str, known: tuple[str, ...], word: str, what: str) -> None:
    if value not in known:
        raise UsageError(
            f"--select {word}: {what} is one of {', '.join(known)}.{suggest(value, known)}"
        )


def _depth(operator: str) -> int | None:
    digits = operator.strip("+")
    return int(digits) if digits else None


def _matches_fqn(node: Node, value: str) -> bool:
    """Match the name, or the folders and the name from the first on, as dbt does."""
    if node.resource_type == "source":
        return False
    if fnmatchcase(node.name, value):
        return True
    wanted = value.split(".")
    first_wild = next(
        (index for index, part in enumerate(wanted) if _WILD.search(part)), len(wanted)
    )
    # a pattern takes all that is left, dots included
    rest = ".".join(wanted[first_wild:])
    return any(
        len(fqn) >= len(wanted)
        and list(fqn[:first_wild]) == wanted[:first_wild]
        and (not rest or fnmatchcase(".".join(fqn[first_wild:]), rest))
        for fqn in (node.fqn, node.fqn[1:])
    )


def _matches_path(node: Node, value: str) -> bool:
    """Match the file, a folder above it, or the yml file that describes the node."""
    wanted = PurePosixPath(value).parts
    path = PurePosixPath(node.location.path)
    places = [path, *path.parents]
    if node.patch is not None:
        places.append(PurePosixPath(node.patch.path))
    return any(_matches_parts(place.parts, wanted) for place in places)


def _matches_parts(have: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    if not wanted:
        return not have
    if wanted[0] == "**":
        return any(_matches_parts(have[n:], wanted[1:]) for n in range(len(have) + 1))
    return bool(have) and fnmatchcase(have[0], wanted[0]) and _matches_parts(have[1:], wanted[1:])


def _matches_config(node: Node, keys: list[str], value: str, word: str) -> bool:
    section = CONFIG_SECTIONS.get(node.resource_type)
    if keys[0] not in {key for known in CONFIG_KEYS.values() for key in known}:
        raise UsageError(
            f"--select {word}: '{keys[0]}' is not a config that is supported here."
            f"{suggest(keys[0], CONFIG_KEYS['models'])}"
        )
    if section is None:
        return False
    held: Any = {**CONFIG_DEFAULTS[section], **node.config}
    for key in keys:
        held = held.get(key) if isinstance(held, Mapping) else None
    if keys == ["severity"]:
        return str(held).lower() == value.lower()
    flag = {"true": True, "false": False}.get(value.lower())
    return any(
        item == value or (flag is not None and item is flag)
        for item in (held if isinstance(held, list | tuple) else [held])
    )


def _matches_test_name(node: Node, value: str) -> bool:
    if node.resource_type == "unit_test":
        return fnmatchcase(node.name, value)
    return node.test is not None and fnmatchcase(node.test.kind, value)


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
