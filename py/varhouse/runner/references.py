"""Render every template of a project once: its configuration and its references become known."""

from __future__ import annotations

from collections.abc import Mapping

from varhouse.errors import ProjectError
from varhouse.runner.config import CONFIG_KEYS, check_value, merged, unsupported_config
from varhouse.runner.nodes import SCHEMA, Location, Node, Relation, suggest
from varhouse.runner.render import Renderer, Scope
from varhouse.runner.templates import TemplateFault

_TEST_CONFIG = ("severity", "tags", "enabled", "meta")


def resolve_references(project_name: str, renderer: Renderer, nodes: dict[str, Node]) -> None:
    """Fill in ``config``, ``refs`` and ``tags`` of the nodes, and remove the disabled ones.

    Raises
    ------
    ProjectError
        A template fails or refers to something that is not there; with file and line.
    """
    for node in nodes.values():
        if node.resource_type in ("model", "test") and node.test is None:
            _take_config(renderer, node)
    disabled = _drop_disabled(project_name, nodes)
    for node in nodes.values():
        if node.resource_type in ("model", "test"):
            _find_refs(renderer, node, _recording_scope(project_name, node, nodes, disabled))
        elif node.unit is not None:
            node.refs = [f"model.{project_name}.{node.unit.model}"]
        node.tags = tuple(dict.fromkeys(node.config.get("tags", ())))


def _take_config(renderer: Renderer, node: Node) -> None:
    """Take the ``config(...)`` call of a model or singular test; references do not matter yet."""
    scope = Scope(
        resolve_ref=lambda name: Relation(SCHEMA, name),
        resolve_source=Relation,
        this=node.relation,
        config=node.config,
    )
    renderer.render(node.unique_id, node.raw_code, node.location.path, scope)
    lines = enumerate(node.raw_code.splitlines(), 1)
    where = Location(
        node.location.path, next((number for number, text in lines if "config(" in text), 1)
    )
    keys = _TEST_CONFIG if node.resource_type == "test" else CONFIG_KEYS["models"]
    for key, value in scope.configured.items():
        if key not in keys:
            raise unsupported_config(key, keys, where)
        check_value(key, value, where)
    node.config = merged(node.config, scope.configured)


def _drop_disabled(project_name: str, nodes: dict[str, Node]) -> set[str]:
    disabled = {
        key: node for key, node in nodes.items() if node.config.get("enabled", True) is False
    }
    for key in disabled:
        del nodes[key]
    for key, node in list(nodes.items()):
        tested = f"model.{project_name}.{node.unit.model}" if node.unit else node.attached
        if tested in disabled:
            del nodes[key]
    return {node.name for node in disabled.values()}


def _find_refs(renderer: Renderer, node: Node, scope: Scope) -> None:
    if node.test is not None:
        # The tested table first, then whatever the arguments name.
        node.refs.append(str(node.attached))
        renderer.test_argument(dict(node.test.arguments), scope, node.location)
    else:
        renderer.render(node.unique_id, node.raw_code, node.location.path, scope)
    if node.unique_id in node.refs:
        raise ProjectError(
            f"{node.location.path}:1: the model refers to itself; "
            "use {{ this }} inside is_incremental()."
        )


def _recording_scope(
    project_name: str, node: Node, nodes: Mapping[str, Node], disabled: set[str]
) -> Scope:
    """Return a scope that notes every reference of ``node``."""

    def record(found: Node) -> Relation:
        if found.unique_id not in node.refs:
            node.refs.append(found.unique_id)
        assert found.relation is not None, "only tests have none, and nothing refers to them"
        return found.relation

    def resolve_ref(name: str) -> Relation:
        for kind in ("model", "seed"):
            found = nodes.get(f"{kind}.{project_name}.{name}")
            if found is not None:
                return record(found)
        if name in disabled:
            raise TemplateFault(f"ref('{name}'): the model is disabled (enabled: false).")
        known = [each.name for each in nodes.values() if each.resource_type in ("model", "seed")]
        raise TemplateFault(f"ref('{name}'): no such model or seed.{suggest(name, known)}")

    def resolve_source(source: str, table: str) -> Relation:
        found = nodes.get(f"source.{project_name}.{source}.{table}")
        if found is not None:
            return record(found)
        known = [
            f"{each.source_name}.{each.name}"
            for each in nodes.values()
            if each.resource_type == "source"
        ]
        raise TemplateFault(
            f"source('{source}', '{table}'): no yml file declares it."
            f"{suggest(f'{source}.{table}', known)}"
        )

    return Scope(
        resolve_ref=resolve_ref,
        resolve_source=resolve_source,
        this=node.relation,
        config=node.config,
    )
