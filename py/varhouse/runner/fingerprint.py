"""Fingerprints: what a node was made from, so that what is unchanged is not built again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import duckdb

from varhouse.runner.checks import compile_check
from varhouse.runner.compile import CTE_PREFIX, Compiler
from varhouse.runner.functions import calls_registered_function
from varhouse.runner.gate import canonical_text, check_query, check_reads
from varhouse.runner.graph import Graph
from varhouse.runner.nodes import SCHEMA, Node
from varhouse.runner.project import Project
from varhouse.runner.sourcemap import MappedSql
from varhouse.runner.state import Fingerprint, Stored
from varhouse.sql_text import quoted_name

SourceVersion = Callable[[duckdb.DuckDBPyConnection, str], str]
ABSENT = "absent"
# What stands among the parents of a node that calls registered functions.
FUNCTIONS = "functions"
# Settings that do not change what a table holds.
_NOT_HASHED = ("tags", "meta", "enabled", "full_refresh")


def digest(*parts: Any) -> str:
    """Return the sha256 of values, whatever the order of their mappings."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def content_version(con: duckdb.DuckDBPyConnection, source: str) -> str:
    """Return a text that changes when the rows of a table change, whatever their order.

    Reads the whole table. A caller that keeps its own count of changes passes a cheaper one.
    """
    names = [row[0] for row in con.execute(f"describe {source}").fetchall()]
    columns = ", ".join(quoted_name(name) for name in names)
    # hashing the columns side by side spares making each row a struct, which is half the time
    found = con.execute(
        f"select count(*), bit_xor(held), sum(held >> 20) "
        f"from (select hash({columns}) as held from {source})"
    ).fetchall()
    return digest([str(item) for item in found[0]])


class Fingerprints:
    """Fingerprints of the nodes of a project as they would be built now.

    Parameters
    ----------
    project, graph
        The project and its graph.
    compiler
        Renders the nodes.
    stored
        The last successful build of each node.
    existing
        Tables and views that are there: name to kind.
    source_version
        Tells whether a source's data changed.
    functions_version
        Changes with the source of the functions that are registered beside the database's own.
    """

    def __init__(
        self,
        project: Project,
        graph: Graph,
        compiler: Compiler,
        *,
        stored: Mapping[str, Stored],
        existing: Mapping[str, str],
        con: duckdb.DuckDBPyConnection,
        source_version: SourceVersion,
        functions_version: str,
    ) -> None:
        self._project = project
        self._graph = graph
        self._compiler = compiler
        self._stored = stored
        self._existing = existing
        self._con = con
        self._source_version = source_version
        self._functions_version = functions_version
        self._calling: set[str] = set()
        self._own: dict[str, tuple[str, str]] = {}
        self._sources: dict[str, str] = {}
        self._built: dict[str, str] = {}
        self._views: dict[str, str] = {}

    def prepare(self, unique_ids: set[str]) -> None:
        """Render, check and hash these nodes, and read the versions of the sources they need.

        Everything that needs the main connection or Jinja happens here, before threads start.
        """
        for key in self._graph.order:
            if key in unique_ids and self._project.nodes[key].resource_type != "source":
                self.own(key)
                if self._project.nodes[key].resource_type == "unit_test":
                    self.own(self._graph.parents[key][0])
                for above in self._graph.ancestors(key):
                    kind = self._project.nodes[above].resource_type
                    if kind == "source":
                        self._source(above)
                    elif self._project.nodes[above].materialized in ("ephemeral", "view"):
                        self.own(above)

    def own(self, key: str) -> tuple[str, str]:
        """Return the hashes of a node's SQL and of its configuration."""
        if key not in self._own:
            node = self._project.nodes[key]
            self._own[key] = (self._sql_hash(node), _config_hash(node))
        return self._own[key]

    def _sql_hash(self, node: Node) -> str:
        if node.resource_type == "seed":
            path = self._project.directory / node.location.path
            return hashlib.sha256(path.read_bytes()).hexdigest()
        if node.resource_type == "unit_test":
            return digest(repr(node.unit))
        if node.resource_type == "test":
            sql = compile_check(self._project, self._compiler, node)
            return digest(self._canonical(node, sql))
        renderings = [False, True] if node.materialized == "incremental" else [False]
        canonical = []
        for incremental in renderings:
            sql, _ = self._compiler.body(node, incremental=incremental)
            canonical.append(self._canonical(node, sql))
        return digest(canonical)

    def _canonical(self, node: Node, sql: MappedSql) -> str:
        check_reads(sql, self._declared(node), SCHEMA)
        if calls_registered_function(check_query(sql).unknown_calls):
            self._calling.add(node.unique_id)
        return canonical_text(sql)

    def _declared(self, node: Node) -> set[tuple[str, str]]:
        """Return the tables that a node refers to; what is ephemeral stands for what it reads."""
        found = set()
        waiting = [node]
        while waiting:
            each = waiting.pop()
            is_inside = each.materialized == "ephemeral"
            if each.relation is not None:
                name = each.relation.identifier.lower()
                found.add((each.relation.schema.lower(), CTE_PREFIX * is_inside + name))
            if is_inside or each is node:
                waiting += [self._project.nodes[key] for key in each.refs]
        return found

    def functions(self, key: str) -> str | None:
        """Return the version of the registered functions if the node itself calls one."""
        self.own(key)
        return self._functions_version if key in self._calling else None

    def _source(self, key: str) -> str:
        if key not in self._sources:
            node = self._project.nodes[key]
            try:
                self._sources[key] = digest(self._source_version(self._con, str(node.relation)))
            except duckdb.CatalogException:
                # Not loaded yet; a model that reads it will say so when it is built.
                self._sources[key] = ABSENT
        return self._sources[key]

    def of(self, key: str) -> Fingerprint:
        """Return the fingerprint that building this node now would give."""
        sql_hash, config_hash = self.own(key)
        if self._project.nodes[key].resource_type == "unit_test":
            # Its rows are given: only the model's SQL can change how it ends.
            parents = {
                parent: digest(self.own(parent), self.functions(parent))
                for parent in self._graph.parents[key]
            }
        else:
            parents = {parent: self.held(parent) for parent in self._graph.parents[key]}
        functions = self.functions(key)
        if functions is not None:
            parents[FUNCTIONS] = functions
        return Fingerprint(sql_hash, config_hash, parents, digest(sql_hash, config_hash, parents))

    def mark_built(self, key: str, value: str, run_id: str) -> None:
        """Note that a node holds what this run makes of this fingerprint."""
        self._built[key] = self._content(key, value, run_id)
        self._views.clear()

    def _content(self, key: str, value: str, run_id: str) -> str:
        if self._project.nodes[key].materialized == "incremental":
            # It also holds what earlier builds left in it, which no fingerprint tells.
            return digest(value, run_id)
        return value

    def held(self, key: str) -> str:
        """Return what a parent holds now: as built in this run, else as last built."""
        node = self._project.nodes[key]
        if node.resource_type == "source":
            return self._source(key)
        if key in self._views:
            return self._views[key]
        if node.materialized == "ephemeral":
            return self._views.setdefault(key, self.of(key).value)
        if key in self._built:
            return self._built[key]
        stored = self._stored.get(key)
        if stored is None or node.name not in self._existing:
            return ABSENT
        if node.materialized == "view":
            # A view holds what its parents hold today, not what they held when it was made.
            parents = {parent: self.held(parent) for parent in self._graph.parents[key]}
            made = stored.fingerprint
            if FUNCTIONS in made.parents:
                parents[FUNCTIONS] = self._functions_version
            value = digest(made.sql_hash, made.config_hash, parents)
            return self._views.setdefault(key, value)
        return self._content(key, stored.fingerprint.value, stored.run_id)


def _config_hash(node: Node) -> str:
    config = {key: value for key, value in node.config.items() if key not in _NOT_HASHED}
    contract = config.get("contract") or {}
    types = (
        [(name, column.data_type) for name, column in node.columns.items()]
        if contract.get("enforced") else {}
    )  # fmt: skip
    return digest(config, types)
