"""One static page that documents a project: models, columns, lineage, tests, SQL and the DAG."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from varhouse.runner.lineage import ColumnLineage, ColumnRef, column_lineage

_TEMPLATE = "docs_page.html"
_DOCUMENTED = ("model", "seed", "source")
_TEST_NAMES = {"test": "data test", "unit_test": "unit test"}
_KEYWORDS = (
    "all|and|any|as|asc|between|by|case|cast|coalesce|cross|date|desc|distinct|double|"
    "else|end|exclude|exists|false|filter|from|full|group|having|in|inner|integer|"
    "interval|is|join|lambda|lateral|left|like|limit|materialized|not|null|on|or|order|"
    "outer|over|partition|qualify|recursive|replace|select|semi|struct|then|true|union|"
    "unnest|using|values|varchar|when|where|window|with"
)
_SQL_TOKEN = re.compile(
    r"(?P<jinja>\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})"
    r"|(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<string>'(?:[^'\n{]|''|\{(?![{%#]))*')"
    rf"|(?P<keyword>\b(?:{_KEYWORDS})\b)",
    re.DOTALL | re.IGNORECASE,
)
_CODE_SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Origin:
    """A column that another one derives from; ``unique_id`` is None outside the project."""

    label: str
    unique_id: str | None


@dataclass
class DocumentedColumn:
    """A column: what yml says of it, its data tests and the columns that it derives from."""

    name: str
    data_type: str = ""
    description: str = ""
    tests: list[str] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    unresolved: str | None = None


@dataclass(frozen=True)
class DocumentedTest:
    """A data test of several columns, or a unit test."""

    name: str
    kind: str
    description: str


@dataclass
class DocumentedNode:
    """What the page says about one model, seed or source table."""

    unique_id: str
    name: str
    kind: str
    folder: str
    relation: str
    description: str
    path: str
    tags: Sequence[str]
    raw_code: str
    compiled_code: str
    parents: list[str]
    children: list[str]
    columns: list[DocumentedColumn] = field(default_factory=list)
    tests: list[DocumentedTest] = field(default_factory=list)
    has_lineage: bool = False


def write_docs(
    project_name: str,
    manifest: Mapping[str, Any],
    out_dir: Path,
    *,
    column_types: Mapping[str, Mapping[str, str]],
) -> Path:
    """Write the documentation of a project as one HTML file that loads nothing else.

    Parameters
    ----------
    project_name
        Shown as the title.
    manifest
        From `make_manifest`, with the compiled code from which the lineage is worked out.
    out_dir
        Where ``index.html`` goes; made when it is not there.
    column_types
        ``schema.name`` to columns and types in order, from ``describe``; they win over the types
        in the manifest and add columns that no yml file names.

    Returns
    -------
    Path
        The written file.
    """
    pages = document_nodes(manifest, column_types=column_types)
    out_dir.mkdir(parents=True, exist_ok=True)
    target = out_dir / "index.html"
    target.write_text(_render(project_name, pages), encoding="utf-8")
    return target


def document_nodes(
    manifest: Mapping[str, Any], *, column_types: Mapping[str, Mapping[str, str]]
) -> dict[str, DocumentedNode]:
    """Return models, seeds and sources by unique id; parameters as of `write_docs`."""
    every = {**manifest["nodes"], **manifest["sources"], **manifest["unit_tests"]}
    documented = {key: node for key, node in every.items() if node["resource_type"] in _DOCUMENTED}
    types = {**_described_types(documented), **column_types}
    lineage = column_lineage(_compiled_models(documented), types)
    pages = _make_pages(documented)
    _add_columns(pages, documented, types, lineage)
    _add_tests(
        pages, {key: node for key, node in every.items() if node["resource_type"] in _TEST_NAMES}
    )
    return pages


def _relation_of(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node['identifier']}"


def _described_types(nodes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the types of the relations whose every column has one in the manifest."""
    found = {}
    for node in nodes.values():
        types = {name: column["data_type"] for name, column in node["columns"].items()}
        if types and all(types.values()):
            found[_relation_of(node)] = types
    return found


def _compiled_models(nodes: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {
        _relation_of(node): node["compiled_code"]
        for node in nodes.values()
        if node["resource_type"] == "model"
    }


def _make_pages(documented: Mapping[str, Mapping[str, Any]]) -> dict[str, DocumentedNode]:
    parents = {
        unique_id: sorted(set(node["depends_on"]["nodes"]))
        for unique_id, node in documented.items()
    }
    return {
        unique_id: DocumentedNode(
            unique_id=unique_id,
            name=_page_name(node),
            kind=node["config"]["materialized"],
            folder=_folder_of(node),
            relation=_relation_of(node),
            description=node["description"],
            path=node["original_file_path"],
            tags=node["tags"],
            raw_code=node["raw_code"],
            compiled_code=node["compiled_code"] or "",
            parents=parents[unique_id],
            children=sorted(child for child in documented if unique_id in parents[child]),
        )
        for unique_id, node in documented.items()
    }


def _page_name(node: Mapping[str, Any]) -> str:
    source = node.get("source_name")
    return f"{source}.{node['name']}" if source else str(node["name"])


def _folder_of(node: Mapping[str, Any]) -> str:
    """Return where the list shows a node: its folder below ``models``, or what it is."""
    if node["resource_type"] == "source":
        return f"sources / {node['source_name']}"
    if node["resource_type"] == "seed":
        return "seeds"
    parts = PurePosixPath(node["original_file_path"]).parent.parts
    inner = parts[1:] if parts[:1] == ("models",) else parts
    return " / ".join(inner) or "models"


def _add_columns(
    pages: Mapping[str, DocumentedNode],
    documented: Mapping[str, Mapping[str, Any]],
    types: Mapping[str, Mapping[str, str]],
    lineage: Mapping[str, Mapping[str, ColumnLineage]],
) -> None:
    by_relation = {page.relation.lower(): page for page in pages.values()}
    for unique_id, page in pages.items():
        described = {
            name.lower(): column for name, column in documented[unique_id]["columns"].items()
        }
        known = types.get(page.relation, {})
        traced = lineage.get(page.relation, {})
        page.has_lineage = bool(traced)
        names: dict[str, str] = {}
        for name in [*known, *(traced if not known else ()), *described]:
            if name != "*":
                names.setdefault(name.lower(), name)
        for key, name in names.items():
            column = described.get(key, {})
            found = _lineage_of(name, traced)
            page.columns.append(
                DocumentedColumn(
                    name=column.get("name", name),
                    data_type=known.get(name) or column.get("data_type") or "",
                    description=column.get("description", ""),
                    origins=[_origin(ref, by_relation) for ref in sorted(found.sources)],
                    unresolved=found.unresolved,
                )
            )


def _lineage_of(name: str, traced: Mapping[str, ColumnLineage]) -> ColumnLineage:
    for written, found in traced.items():
        if written.lower() == name.lower():
            return found
    reason = traced["*"].unresolved if "*" in traced else None
    if traced and reason is None:
        reason = "the query has no such column"
    return ColumnLineage(frozenset(), reason)


def _origin(ref: ColumnRef, by_relation: Mapping[str, DocumentedNode]) -> Origin:
    page = by_relation.get(ref.relation.lower())
    relation = page.name if page else ref.relation
    return Origin(f"{relation}.{ref.column}", page.unique_id if page else None)


def _add_tests(pages: Mapping[str, DocumentedNode], tests: Mapping[str, Mapping[str, Any]]) -> None:
    for _, node in sorted(tests.items()):
        page = pages.get(_tested_node(node))
        if page is None:
            continue
        label = _test_label(node)
        column = (node.get("column_name") or "").lower()
        for each in page.columns:
            if column and each.name.lower() == column:
                each.tests.append(label)
                break
        else:
            kind = _TEST_NAMES[node["resource_type"]]
            page.tests.append(DocumentedTest(label, kind, node["description"]))


def _tested_node(node: Mapping[str, Any]) -> str:
    """Return what a test belongs to: its table or model, or the first that a singular one reads."""
    return str(node.get("attached_node") or next(iter(node["depends_on"]["nodes"]), ""))


def _test_label(node: Mapping[str, Any]) -> str:
    generic = node.get("test_metadata")
    if generic is None:
        return str(node["name"])
    arguments = ", ".join(
        ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in generic["kwargs"].items()
        if key != "column_name"
    )
    return f"{generic['name']}: {arguments}" if arguments else str(generic["name"])


def _render(project_name: str, pages: Mapping[str, DocumentedNode]) -> str:
    environment = Environment(
        loader=PackageLoader("varhouse.runner", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(prose=_prose, sql=_highlighted)
    ordered = sorted(pages.values(), key=lambda page: (_folder_order(page.folder), page.name))
    folders: dict[str, list[DocumentedNode]] = {}
    for page in ordered:
        folders.setdefault(page.folder, []).append(page)
    graph = {
        page.unique_id: {"name": page.name, "kind": page.kind, "parents": page.parents}
        for page in ordered
    }
    return environment.get_template(_TEMPLATE).render(
        project_name=project_name,
        folders=folders,
        pages=ordered,
        by_id=pages,
        n_models=sum(page.kind not in ("seed", "source") for page in ordered),
        n_tests=sum(
            len(page.tests) + sum(len(column.tests) for column in page.columns) for page in ordered
        ),
        graph=_inline_json(graph),
    )


def _folder_order(folder: str) -> tuple[int, str]:
    order = ("results", "marts", "intermediate", "staging", "models")
    top = folder.partition(" / ")[0]
    if top in ("seeds", "sources"):
        return len(order) + 1, folder
    return (order.index(top) if top in order else len(order)), folder


def _inline_json(value: object) -> Markup:
    """Return JSON that is safe inside a script element, whatever its strings hold."""
    text = json.dumps(value, sort_keys=True)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _prose(text: str) -> Markup:
    """Return escaped text in which `spans` are code."""
    return Markup(_CODE_SPAN.sub(r"<code>\1</code>", str(escape(text.strip()))))


def _highlighted(sql: str) -> Markup:
    """Return escaped SQL with its keywords, strings, comments and Jinja marked."""
    pieces: list[Markup] = []
    end = 0
    for token in _SQL_TOKEN.finditer(sql):
        pieces.append(escape(sql[end : token.start()]))
        pieces.append(Markup('<i class="{}">{}</i>').format(token.lastgroup, token.group()))
        end = token.end()
    pieces.append(escape(sql[end:]))
    return Markup("").join(pieces)
