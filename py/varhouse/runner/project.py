"""A loaded project: its nodes, and what renders them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from varhouse.errors import ProjectError
from varhouse.runner.nodes import Node, suggest

if TYPE_CHECKING:
    from varhouse.runner.render import Renderer


@dataclass(kw_only=True)
class Project:
    """A loaded project: every node parsed, every reference resolved; ``nodes`` sorted by id."""

    name: str
    directory: Path
    vars: Mapping[str, Any]
    cli_vars: Mapping[str, Any]
    nodes: dict[str, Node]
    renderer: Renderer
    seed_dirs: tuple[Path, ...]
    warnings: list[str]

    def of_type(self, *resource_types: str) -> list[Node]:
        """Return the nodes of these types in the order of their unique ids."""
        return [node for node in self.nodes.values() if node.resource_type in resource_types]

    def model(self, name: str) -> Node:
        """Return the model or seed called ``name``.

        Raises
        ------
        ProjectError
            There is none; the text suggests close names.
        """
        for kind in ("model", "seed"):
            found = self.nodes.get(f"{kind}.{self.name}.{name}")
            if found is not None:
                return found
        known = [node.name for node in self.of_type("model", "seed")]
        raise ProjectError(f"no model or seed is called '{name}'.{suggest(name, known)}")
