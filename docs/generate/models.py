"""Reference pages of models, seeds and raw tables, from the yml files and the SQL itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from varhouse.cli.model_options import source_version
from varhouse.runner import load_project, run_project
from varhouse.runner.docs import DocumentedColumn, DocumentedNode, document_nodes
from varhouse.runner.graph import project_graph
from varhouse.runner.manifest import make_manifest
from varhouse.runner.show import column_types
from varhouse.warehouse import create_functions, create_schema

FOLDER = "reference/models"
_LAYERS = ("results", "marts", "intermediate", "staging")
_MAX_ORIGINS = 6


def pages(repo: Path) -> dict[str, str]:
    """Return the reference pages: path below ``docs`` to Markdown, the overview first."""
    nodes = _documented(repo)
    by_page: dict[str, list[DocumentedNode]] = {}
    for node in nodes.values():
        by_page.setdefault(_page_of(node), []).append(node)
    ordered = sorted(by_page, key=lambda name: (name in ("seeds", "sources"), name))
    found = {f"{FOLDER}/index.md": _overview({name: by_page[name] for name in ordered})}
    for name in ordered:
        found[f"{FOLDER}/{name}.md"] = _page(name, by_page[name], nodes)
    return found


def title_of(path: str) -> str:
    """Return the name of a page in the navigation."""
    name = Path(path).stem
    titles = {"index": "Overview", "qc": "Quality", "rvat": "Rare variants", "v2g": "V2G"}
    return titles.get(name, name.capitalize())


def _documented(repo: Path) -> dict[str, DocumentedNode]:
    """Return every node; column types come from building the models on empty raw tables."""
    project = load_project(repo)
    with duckdb.connect() as con:
        create_schema(con)
        create_functions(con)
        outcome = run_project(project, con, command="run", source_version=source_version)
        if not outcome.ok:
            failed = [result.unique_id for result in outcome.results if result.message]
            raise RuntimeError(f"models do not build on empty tables: {', '.join(failed)}")
        types = column_types(project, con)
    return document_nodes(make_manifest(project, project_graph(project)), column_types=types)


def _page_of(node: DocumentedNode) -> str:
    """Return the page of a node: its domain, that is the innermost folder of a model."""
    if node.folder.startswith("sources"):
        return "sources"
    return node.folder.rpartition(" / ")[2]


def _layer_of(node: DocumentedNode) -> int:
    layer = node.folder.partition(" / ")[0]
    return _LAYERS.index(layer) if layer in _LAYERS else len(_LAYERS)


def _in_order(nodes: Iterable[DocumentedNode]) -> list[DocumentedNode]:
    return sorted(nodes, key=lambda node: (_layer_of(node), node.name))


def _anchor(node: DocumentedNode) -> str:
    return re.sub(r"\W", "-", node.name)


def _overview(by_page: Mapping[str, list[DocumentedNode]]) -> str:
    lines = [
        "# Models",
        "",
        "Every table, made from the yml files beside the models: columns, types, tests, and the "
        "columns that each derives from. `varhouse docs` writes the same for your warehouse, with "
        "the SQL and a graph. Results come first; `int_` and `stg_` models lead to them.",
        "",
    ]
    for name, nodes in by_page.items():
        lines += [f"## {title_of(name)}", "", "| table | holds |", "|---|---|"]
        lines += [
            f"| [{node.name}]({name}.md#{_anchor(node)}) | {_cell(_first(node.description))} |"
            for node in _in_order(nodes)
        ]
        lines.append("")
    return "\n".join(lines)


def _page(name: str, on_page: list[DocumentedNode], nodes: Mapping[str, DocumentedNode]) -> str:
    lines = [f"# {title_of(name)}", ""]
    for node in _in_order(on_page):
        lines += [f"## {node.name} {{ #{_anchor(node)} }}", ""]
        lines += [node.description.strip(), ""] if node.description else []
        lines += [f"*{node.kind}*, `{node.path}`", ""]
        for label, keys in (("Made from", node.parents), ("Read by", node.children)):
            if keys:
                lines += [f"{label}: {', '.join(_link(nodes[key], name) for key in keys)}", ""]
        if node.columns:
            lines += _columns(node)
        if node.tests:
            lines += ["Tests: " + "; ".join(_cell(test.name) for test in node.tests), ""]
    return "\n".join(lines)


def _link(node: DocumentedNode, here: str) -> str:
    page = _page_of(node)
    target = "" if page == here else f"{page}.md"
    return f"[{node.name}]({target}#{_anchor(node)})"


def _columns(node: DocumentedNode) -> list[str]:
    traced = any(column.origins for column in node.columns)
    heading = ["column", "type", "meaning", "tests", *(["from"] if traced else [])]
    lines = [f"| {' | '.join(heading)} |", "|" + "---|" * len(heading)]
    for column in node.columns:
        cells = [
            f"`{column.name}`",
            _type(column.data_type),
            _cell(column.description),
            _cell(", ".join(column.tests)),
            *([_origins(column)] if traced else []),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _type(text: str) -> str:
    shown = "struct(...)" if text.startswith("STRUCT(") and not text.endswith("]") else text
    shown = "struct(...)[]" if text.startswith("STRUCT(") and text.endswith("]") else shown
    return shown.lower().replace("|", "\\|").replace("[", "\\[")


def _origins(column: DocumentedColumn) -> str:
    labels = [f"`{origin.label}`" for origin in column.origins]
    if len(labels) > _MAX_ORIGINS:
        labels = [*labels[:_MAX_ORIGINS], f"{len(labels) - _MAX_ORIGINS} more"]
    return ", ".join(labels)


def _first(text: str) -> str:
    return text.strip().partition("\n\n")[0]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
