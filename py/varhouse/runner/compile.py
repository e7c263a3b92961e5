"""From templates to the SQL that runs: references resolved, ephemeral models put in as CTEs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlglot

from varhouse.errors import ProjectError
from varhouse.runner.gate import DIALECT
from varhouse.runner.nodes import SCHEMA, Node, Relation
from varhouse.runner.project import Project
from varhouse.runner.render import Scope
from varhouse.runner.sourcemap import MappedSql, join
from varhouse.runner.templates import TemplateFault
from varhouse.sql_text import quoted_name

CTE_PREFIX = "__dbt__cte__"


class Compiler:
    """Compiles the nodes of one project.

    Parameters
    ----------
    project
        The project.
    standing_in
        Names that replace those of some nodes' tables, by unique id.
    vars
        Override the project's vars (unit tests).
    """

    def __init__(
        self,
        project: Project,
        *,
        standing_in: Mapping[str, str] | None = None,
        vars: Mapping[str, Any] | None = None,
    ) -> None:
        self._project = project
        self._standing_in = standing_in or {}
        self._vars = vars or {}
        self._bodies: dict[tuple[str, bool], tuple[MappedSql, tuple[Node, ...]]] = {}

    def scope(self, node: Node, used: list[Node], *, incremental: bool = False) -> Scope:
        """Return the scope of a node; the ephemeral models it reads are appended to ``used``."""
        project = self._project.name

        def relation(name: str, *keys: str) -> Relation:
            for key in keys:
                if key in node.refs:
                    return self.relation(self._project.nodes[key], used)
            raise TemplateFault(
                f"'{name}' was not referred to when the project was loaded; references may not "
                "depend on is_incremental(). Refer to it outside the condition too."
            )

        stand_in = self._standing_in.get(node.unique_id)
        return Scope(
            resolve_ref=lambda name: relation(
                name, f"model.{project}.{name}", f"seed.{project}.{name}"
            ),
            resolve_source=lambda source, table: relation(
                table, f"source.{project}.{source}.{table}"
            ),
            this=node.relation if stand_in is None else _named(node, stand_in),
            incremental=incremental,
            config=node.config,
            vars=self._vars,
        )

    def relation(self, node: Node, used: list[Node]) -> Relation:
        """Return what a node is called in a query; an ephemeral model is appended to ``used``."""
        stand_in = self._standing_in.get(node.unique_id)
        if stand_in is not None:
            return _named(node, stand_in)
        if node.materialized == "ephemeral":
            used.append(node)
            return _named(node, CTE_PREFIX + node.name)
        assert node.relation is not None, "only tests have none, and nothing refers to them"
        return node.relation

    def body(self, node: Node, *, incremental: bool = False) -> tuple[MappedSql, tuple[Node, ...]]:
        """Return the node's own rendered SQL and the ephemeral models that it reads."""
        key = (node.unique_id, incremental)
        if key not in self._bodies:
            self._bodies[key] = self._rendered(node, incremental)
        return self._bodies[key]

    def _rendered(self, node: Node, incremental: bool) -> tuple[MappedSql, tuple[Node, ...]]:
        used: list[Node] = []
        sql = self._project.renderer.render(
            node.unique_id,
            node.raw_code,
            node.location.path,
            self.scope(node, used, incremental=incremental),
        )
        if not sql.text.strip():
            raise ProjectError(f"{node.location.path}:1: the model renders to nothing.")
        return sql.strip(), tuple(used)

    def compile(self, node: Node, *, incremental: bool = False) -> MappedSql:
        """Return the SQL of a model or singular test, ephemeral parents inside.

        Raises
        ------
        ProjectError
            The template fails; with file and line.
        """
        sql, used = self.body(node, incremental=incremental)
        return self.with_ephemerals(sql, used)

    def with_ephemerals(self, sql: MappedSql, used: Sequence[Node]) -> MappedSql:
        """Put these ephemeral models, and those that they read, before the query as CTEs."""
        ordered: list[tuple[str, MappedSql]] = []
        self._gather(used, ordered, set())
        return with_ctes(sql, ordered)

    def _gather(
        self, used: Sequence[Node], ordered: list[tuple[str, MappedSql]], done: set[str]
    ) -> None:
        for node in used:
            if node.unique_id in done:
                continue
            done.add(node.unique_id)
            body, deeper = self.body(node)
            self._gather(deeper, ordered, done)
            ordered.append((CTE_PREFIX + node.name, body))


def _named(node: Node, name: str) -> Relation:
    """Return the relation of a node that a query calls otherwise."""
    return Relation(SCHEMA, node.name, literal=name)


def with_ctes(sql: MappedSql, ctes: list[tuple[str, MappedSql]]) -> MappedSql:
    """Return the query with these named queries in front, whatever ``with`` it has itself."""
    if not ctes:
        return sql
    parts: list[MappedSql | str] = []
    for name, body in ctes:
        parts += [", " if parts else "", f"{quoted_name(name)} as (\n", body, "\n)"]
    tokens = sqlglot.tokenize(sql.text, read=DIALECT)
    first = tokens[0] if tokens else None
    if first is None or first.token_type is not sqlglot.TokenType.WITH:
        return join(["with ", *parts, "\n", sql])
    second = tokens[1]
    recursive = second.token_type is sqlglot.TokenType.RECURSIVE
    end = (second if recursive else first).end + 1
    return join([sql.slice(0, end), " ", *parts, ",", sql.slice(end)])
