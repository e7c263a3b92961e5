"""The order of nodes: who reads whom, in which order they can be built."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from varhouse.errors import ProjectError
from varhouse.runner.project import Project


class Graph:
    """Parents and children of every node, and one fixed order in which parents come first.

    Parameters
    ----------
    parents
        For every node, what it reads.

    Raises
    ------
    ProjectError
        The nodes read each other in a circle.
    """

    def __init__(self, parents: Mapping[str, Iterable[str]]) -> None:
        self.parents: dict[str, tuple[str, ...]] = {
            node: tuple(dict.fromkeys(parents[node])) for node in sorted(parents)
        }
        children: dict[str, list[str]] = {node: [] for node in self.parents}
        for node, above in self.parents.items():
            for parent in above:
                children[parent].append(node)
        self.children = {node: tuple(below) for node, below in children.items()}
        self.order = self._sorted()
        self.position = {node: index for index, node in enumerate(self.order)}

    def _sorted(self) -> list[str]:
        waiting = {node: len(above) for node, above in self.parents.items()}
        ready = [node for node, n_waiting in waiting.items() if n_waiting == 0]
        heapq.heapify(ready)
        order = []
        while ready:
            node = heapq.heappop(ready)
            order.append(node)
            for child in self.children[node]:
                waiting[child] -= 1
                if waiting[child] == 0:
                    heapq.heappush(ready, child)
        if len(order) < len(self.parents):
            circle = self._circle({node for node, n_waiting in waiting.items() if n_waiting})
            raise ProjectError("models read each other in a circle: " + " -> ".join(circle))
        return order

    def _circle(self, stuck: set[str]) -> list[str]:
        walk = [min(stuck)]
        while walk[-1] not in walk[:-1]:
            walk.append(next(parent for parent in self.parents[walk[-1]] if parent in stuck))
        # Each reads the next; told in the direction of the data.
        return walk[walk.index(walk[-1]) :][::-1]

    def ancestors(self, node: str, depth: int | None = None) -> set[str]:
        """Return what ``node`` reads, directly and indirectly, at most ``depth`` steps away."""
        return _reach(self.parents, node, depth)

    def descendants(self, node: str, depth: int | None = None) -> set[str]:
        """Return what reads ``node``, directly and indirectly, at most ``depth`` steps away."""
        return _reach(self.children, node, depth)


def _reach(edges: Mapping[str, tuple[str, ...]], start: str, depth: int | None) -> set[str]:
    found: set[str] = set()
    frontier = {start}
    steps = 0
    while frontier and (depth is None or steps < depth):
        frontier = {far for near in frontier for far in edges[near]} - found - {start}
        found |= frontier
        steps += 1
    return found


def project_graph(project: Project) -> Graph:
    """Return the graph of a project.

    Raises
    ------
    ProjectError
        Models read each other in a circle; the text names their files.
    """
    try:
        return Graph({key: node.refs for key, node in project.nodes.items()})
    except ProjectError as error:
        text = str(error)
        for key, node in project.nodes.items():
            if node.resource_type == "model":
                text = text.replace(f"{key} ", f"{node.name} ({node.location.path}) ")
                if text.endswith(key):
                    text = f"{text.removesuffix(key)}{node.name}"
        raise ProjectError(text) from error
