"""Read the yml files beside the models: descriptions, columns, tests, sources, unit tests."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

from varhouse.errors import ProjectError
from varhouse.runner.config import REFUSED, check_config, check_value, merged
from varhouse.runner.nodes import (
    Column,
    GenericTest,
    Given,
    Location,
    Node,
    Relation,
    UnitTest,
    suggest,
)
from varhouse.runner.render import Renderer
from varhouse.runner.yml import Entry, LineDict, plain, read_yaml

GENERIC_TESTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # kind: (arguments that must be there, arguments that may)
    "unique": ((), ()),
    "not_null": ((), ()),
    "accepted_values": (("values",), ("quote",)),
    "relationships": (("to", "field"), ()),
}
_TEST_CONFIGS = ("severity", "where", "tags", "enabled", "meta")
_UNDER_CONFIG = "dbt takes it only under config."
_QUOTE = "Tests name a column as it stands here; write the quotes into its name."
_SECTIONS = ("version", "models", "seeds", "sources", "unit_tests", "data_tests")


class PropertyReader:
    """Adds what yml files say to the nodes of a project."""

    def __init__(self, project_name: str, renderer: Renderer, nodes: dict[str, Node]) -> None:
        self._project = project_name
        self._renderer = renderer
        self._nodes = nodes

    def read(self, path: Path, shown: str, relative: Path) -> None:
        """Read one yml file."""
        top = Entry(read_yaml(path, shown), Location(shown, 1), "the file")
        top.allow(*_SECTIONS, refused=REFUSED)
        if top.value.get("version", 2) != 2:
            raise ProjectError(f"{top.at('version')}: version must be 2.")
        for entry in top.entries("models", "a model"):
            self._patch(entry, "model", "models")
        for entry in top.entries("seeds", "a seed"):
            self._patch(entry, "seed", "seeds")
        for entry in top.entries("sources", "a source"):
            self._source(entry)
        for entry in top.entries("data_tests", "a data test"):
            self._singular(entry)
        for entry in top.entries("unit_tests", "a unit test"):
            self._unit_test(entry, relative.parent.parts)

    def _patch(self, entry: Entry, kind: str, section: str) -> None:
        entry.allow("name", "description", "config", "columns", "data_tests", "tests", "meta",
                    "docs", refused={**REFUSED, "tags": _UNDER_CONFIG})  # fmt: skip
        name = entry.text("name")
        node = self._nodes.get(f"{kind}.{self._project}.{name}")
        if node is None:
            known = [each.name for each in self._nodes.values() if each.resource_type == kind]
            raise ProjectError(
                f"{entry.at('name')}: no {kind} file is called '{name}'.{suggest(name, known)}"
            )
        if node.patch is not None:
            raise ProjectError(
                f"{entry.at('name')}: '{name}' is described already, at {node.patch}."
            )
        node.patch = entry.at("name")
        self._describe(entry, node, section)

    def _describe(self, entry: Entry, node: Node, section: str) -> None:
        config = entry.mapping("config", "config")
        check_config(config, section)
        node.config = merged(node.config, self._rendered(config))
        node.config = merged(node.config, _beside_config(entry))
        node.description = self._description(entry)
        self._tests(entry, node, None)
        for column in entry.entries("columns", "a column"):
            self._column(column, node)

    def _column(self, column: Entry, node: Node) -> None:
        column.allow("name", "description", "data_type", "data_tests", "tests", "meta", "tags",
                     "config", refused={**REFUSED, "quote": _QUOTE})  # fmt: skip
        config = column.mapping("config", "the config of a column")
        config.allow("tags", "meta")
        name = column.text("name")
        if name in node.columns:
            raise ProjectError(f"{column.at('name')}: the column '{name}' is described twice.")
        data_type = column.text("data_type", "") or None
        node.columns[name] = Column(name, self._description(column), data_type)
        self._tests(column, node, name, (*_tag_list(column), *config.strings("tags")))

    def _tests(
        self, entry: Entry, node: Node, column: str | None, tags: tuple[str, ...] = ()
    ) -> None:
        """Read the tests of a table or column; they carry the tags of a column and of a source."""
        if "tests" in entry.value and "data_tests" in entry.value:
            raise ProjectError(
                f"{entry.at('tests')}: {entry.what} has tests and data_tests, which are the same; "
                "put all of them under data_tests."
            )
        if node.source_name is not None:
            tags = (*node.config.get("tags", ()), *tags)
        for key in ("data_tests", "tests"):
            for test, where in entry.items(key):
                self._generic(test, where, node, column, tags)

    def _description(self, entry: Entry) -> str:
        return self._renderer.description(entry.text("description", ""), entry.at("description"))

    def _rendered(self, config: Entry) -> dict[str, Any]:
        found = dict(plain(self._renderer.yml_value(config.value, config.location)))
        for key, value in found.items():
            check_value(key, value, config.at(key))
        return found

    def _source(self, entry: Entry) -> None:
        entry.allow("name", "description", "schema", "tables", "tags", "meta", "config", "loader",
                    refused=REFUSED)  # fmt: skip
        source = entry.text("name")
        schema = self._renderer.yml_value(entry.text("schema", source), entry.at("schema"))
        config = entry.mapping("config", "config")
        check_config(config, "sources")
        shared = merged(self._rendered(config), _beside_config(entry))
        for table in entry.entries("tables", "a source table"):
            table.allow("name", "identifier", "description", "columns", "data_tests", "tests",
                        "config", "tags", "meta", "loader", refused=REFUSED)  # fmt: skip
            name = table.text("name")
            identifier = self._renderer.yml_value(
                table.text("identifier", name), table.at("identifier")
            )
            node = Node(
                unique_id=f"source.{self._project}.{source}.{name}",
                resource_type="source",
                name=name,
                location=table.at("name"),
                fqn=(self._project, source, name),
                relation=Relation(str(schema), str(identifier)),
                source_name=source,
                config=merged({}, shared),
            )
            twin = self._nodes.get(node.unique_id)
            if twin is not None:
                raise ProjectError(
                    f"{node.location}: the source is declared already, at {twin.location}."
                )
            self._nodes[node.unique_id] = node
            self._describe(table, node, "sources")

    def _generic(
        self, value: Any, where: Location, node: Node, column: str | None, tags: tuple[str, ...]
    ) -> None:
        kind, arguments, config, name = self._test_parts(value, where)
        description = str(arguments.pop("description", None) or "")
        if kind not in GENERIC_TESTS:
            raise ProjectError(
                f"{where}: the generic test '{kind}' is not supported, wanted one of "
                f"{', '.join(GENERIC_TESTS)}. Other tests are SQL files in the test folder."
                f"{suggest(kind, GENERIC_TESTS)}"
            )
        needed, optional = GENERIC_TESTS[kind]
        column = arguments.pop("column_name", column)
        missing = [key for key in needed if key not in arguments]
        extra = [key for key in arguments if key not in (*needed, *optional)]
        if missing or extra or column is None:
            what = (
                f"the argument '{missing[0]}' is missing" if missing
                else f"the argument '{extra[0]}' is not known" if extra
                else "it stands at the model, so it needs column_name"
            )  # fmt: skip
            raise ProjectError(f"{where}: {kind}: {what}.")
        full = _test_name(kind, node, {**arguments, "column_name": column})
        told = f"{full}{sorted(arguments.items(), key=str)}"
        digest = hashlib.md5(told.encode(), usedforsecurity=False)
        unique_id = f"test.{self._project}.{name or full}.{digest.hexdigest()[:10]}"
        if unique_id in self._nodes:
            raise ProjectError(
                f"{where}: the same test stands already at {self._nodes[unique_id].location}; "
                "give one of them a name of its own."
            )
        self._nodes[unique_id] = Node(
            unique_id=unique_id,
            resource_type="test",
            name=name or full,
            location=where,
            # dbt takes the file's path without its first folder, whatever the paths of models are
            fqn=(self._project, *where.path.split("/")[1:-1], name or full),
            config=merged({"tags": list(tags)} if tags else {}, config),
            description=self._renderer.description(description, where),
            test=GenericTest(kind, column, arguments),
            attached=node.unique_id,
        )

    def _test_parts(
        self, value: Any, where: Location
    ) -> tuple[str, dict[str, Any], dict[str, Any], str | None]:
        if isinstance(value, str):
            return value, {}, {}, None
        if not isinstance(value, LineDict) or not value:
            raise ProjectError(f"{where}: a test is a name, or one name with its arguments.")
        value = copy(value)
        name = value.pop("name", None)
        config = value.pop("config", None)
        if "test_name" in value:
            kind, body = value.pop("test_name"), value
        elif len(value) == 1:
            kind, body = next(iter(value.items()))
            body = LineDict(where.line) if body is None else body
        else:
            raise ProjectError(
                f"{where}: a test is one name with its arguments, found {list(value)}."
            )
        entry = Entry(body, where, f"the test {kind}")
        settings: dict[str, Any] = {}
        arguments = dict(plain(entry.value))
        name = arguments.pop("name", name)
        arguments.pop("config", None)
        for held in (config, body.get("config")):
            if held is not None:
                checked = Entry(held, where, "the config of a test")
                check_config(checked, "data_tests")
                settings = merged(settings, self._rendered(checked))
        for key in _TEST_CONFIGS:
            if key in arguments:
                settings = merged(settings, {key: arguments.pop(key)})
        for key in arguments:
            if key in REFUSED:
                raise ProjectError(f"{entry.at(key)}: '{key}' is not supported. {REFUSED[key]}")
        nested = arguments.pop("arguments", None)
        if isinstance(nested, Mapping):
            arguments.update(nested)
        return str(kind), arguments, settings, name

    def _singular(self, entry: Entry) -> None:
        entry.allow("name", "description", "config", refused=REFUSED)
        name = entry.text("name")
        node = self._nodes.get(f"test.{self._project}.{name}")
        if node is None:
            raise ProjectError(f"{entry.at('name')}: no test file is called '{name}'.")
        config = entry.mapping("config", "config")
        check_config(config, "data_tests")
        node.config = merged(node.config, self._rendered(config))
        node.description = self._description(entry)
        node.patch = entry.at("name")

    def _unit_test(self, entry: Entry, folders: tuple[str, ...]) -> None:
        entry.allow("name", "description", "model", "given", "expect", "overrides", "config",
                    refused={**REFUSED, "tags": _UNDER_CONFIG, "meta": _UNDER_CONFIG})  # fmt: skip
        name, model = entry.text("name"), entry.text("model")
        if f"model.{self._project}.{model}" not in self._nodes:
            known = [each.name for each in self._nodes.values() if each.resource_type == "model"]
            raise ProjectError(
                f"{entry.at('model')}: unit test {name}: no model is called '{model}'."
                f"{suggest(model, known)}"
            )
        overrides = entry.mapping("overrides", "overrides")
        overrides.allow("vars", "macros")
        macros = overrides.mapping("macros", "overrides.macros")
        macros.allow("is_incremental")
        config = entry.mapping("config", "config")
        check_config(config, "unit_tests")
        given = []
        for each in entry.entries("given", "an input"):
            each.allow("input", "rows", "format", "name")
            given.append(Given(each.text("input"), _rows(each), each.location.line))
        expect = entry.mapping("expect", "expect")
        expect.allow("rows", "format", "name")
        unique_id = f"unit_test.{self._project}.{model}.{name}"
        if unique_id in self._nodes:
            raise ProjectError(f"{entry.at('name')}: the unit test '{name}' is defined twice.")
        node = Node(
            unique_id=unique_id,
            resource_type="unit_test",
            name=name,
            location=entry.at("name"),
            fqn=(self._project, *folders, model, name),
            config=merged({}, self._rendered(config)),
            description=self._description(entry),
            unit=UnitTest(
                model,
                tuple(given),
                _rows(expect),
                plain(overrides.mapping("vars", "overrides.vars").value),
                macros.flag("is_incremental", False),
            ),
        )
        self._nodes[unique_id] = node


def _tag_list(entry: Entry) -> list[str]:
    """Return the tags that stand beside ``config``, where dbt takes nothing but a list."""
    if isinstance(entry.value.get("tags"), str):
        raise ProjectError(f"{entry.at('tags')}: {entry.what}: 'tags' is a text, wanted a list.")
    return entry.strings("tags")


def _beside_config(entry: Entry) -> dict[str, Any]:
    """Return the tags and meta of a table that do not stand under its ``config``."""
    found: dict[str, Any] = {}
    if "tags" in entry.value:
        found["tags"] = _tag_list(entry)
    if "meta" in entry.value:
        found["meta"] = plain(entry.value["meta"])
    return found


def _rows(entry: Entry) -> tuple[dict[str, Any], ...]:
    form = entry.value.get("format", "dict")
    if form == "csv":
        text = entry.text("rows", "")
        return tuple(
            {key.strip(): (None if cell is None or not cell.strip() else cell.strip())
             for key, cell in row.items()}
            for row in csv.DictReader(io.StringIO(text.strip()))
        )  # fmt: skip
    if form != "dict":
        raise ProjectError(f"{entry.at('format')}: format {form!r} is not supported: dict or csv.")
    rows = []
    for row, where in entry.items("rows"):
        if not isinstance(row, Mapping):
            raise ProjectError(f"{where}: a row is a mapping of columns to values, found {row!r}.")
        rows.append({str(key): plain(value) for key, value in row.items()})
    return tuple(rows)


def _test_name(kind: str, node: Node, arguments: Mapping[str, Any]) -> str:
    """Return dbt's name of a generic test."""
    parts: list[str] = []
    for key in sorted(arguments):
        value = arguments[key]
        values = (
            list(value.values()) if isinstance(value, Mapping)
            else list(value) if isinstance(value, list | tuple)
            else [value]
        )  # fmt: skip
        parts += [re.sub("[^0-9a-zA-Z_]+", "_", str(item)) for item in values]
    target = node.name if node.source_name is None else f"{node.source_name}_{node.name}"
    prefix = kind if node.source_name is None else f"source_{kind}"
    return f"{prefix}_{target}_{'__'.join(parts)}"
