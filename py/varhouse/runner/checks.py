"""Data tests: the SQL of the generic ones, and running any."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from shlex import quote
from typing import Any

import duckdb

from varhouse.errors import ModelError, ProjectError
from varhouse.runner.compile import Compiler
from varhouse.runner.faults import located_faults
from varhouse.runner.gate import check_query
from varhouse.runner.nodes import GenericTest, Node
from varhouse.runner.outcome import Finding, shown_row
from varhouse.runner.project import Project
from varhouse.runner.sourcemap import MappedSql
from varhouse.sql_text import text_literal

_SHOWN_ROWS = 5


def unique_sql(table: str, column: str, arguments: Mapping[str, Any]) -> str:
    """Return the query for values that occur more than once; NULLs may repeat."""
    return (
        f"select {column} as unique_field, count(*) as n_records\nfrom {table}\n"
        f"where {column} is not null\ngroup by {column}\nhaving count(*) > 1"
    )


def not_null_sql(table: str, column: str, arguments: Mapping[str, Any]) -> str:
    """Return the query for rows without a value."""
    return f"select *\nfrom {table}\nwhere {column} is null"


def accepted_values_sql(table: str, column: str, arguments: Mapping[str, Any]) -> str:
    """Return the query for values outside the list; NULL is not a value."""
    quote = arguments.get("quote", True)
    values = ", ".join(
        text_literal(str(value)) if quote else str(value) for value in arguments["values"]
    )
    return (
        f"select * from (\n    select {column} as value_field, count(*) as n_records\n"
        f"    from {table}\n    group by {column}\n) as all_values\n"
        f"where value_field not in ({values})"
    )


def relationships_sql(table: str, column: str, arguments: Mapping[str, Any]) -> str:
    """Return the query for values that the other table's field does not have."""
    return (
        f"select child.from_field\nfrom (\n    select {column} as from_field\n    from {table}\n"
        f"    where {column} is not null\n) as child\nleft join (\n"
        f"    select {arguments['field']} as to_field\n    from {arguments['to']}\n) as parent\n"
        "    on child.from_field = parent.to_field\nwhere parent.to_field is null"
    )


_SQL: dict[str, Callable[[str, str, Mapping[str, Any]], str]] = {
    "unique": unique_sql,
    "not_null": not_null_sql,
    "accepted_values": accepted_values_sql,
    "relationships": relationships_sql,
}


def compile_check(project: Project, compiler: Compiler, node: Node) -> MappedSql:
    """Return the query for the failing rows of a data test, checked as every model is.

    Raises
    ------
    ProjectError
        An argument or the template is wrong; with file and line.
    """
    if node.test is None:
        sql = compiler.compile(node)
    else:
        sql = _generic_query(project, compiler, node, node.test)
    check_query(sql)
    return sql


def _generic_query(
    project: Project, compiler: Compiler, node: Node, test: GenericTest
) -> MappedSql:
    used: list[Node] = []
    scope = compiler.scope(node, used)
    arguments = project.renderer.test_argument(dict(test.arguments), scope, node.location)
    if test.kind == "accepted_values" and not (
        isinstance(arguments["values"], list) and arguments["values"]
    ):
        raise ProjectError(
            f"{node.location}: accepted_values: values is {arguments['values']!r}, wanted a list."
        )
    table = str(compiler.relation(project.nodes[str(node.attached)], used))
    where = node.config.get("where")
    if where:
        table = f"(select * from {table} where {where}) as dbt_subquery"
    text = _SQL[test.kind](table, test.column, arguments)
    return compiler.with_ephemerals(MappedSql.made_for(text, node.location), used)


def run_check(
    con: duckdb.DuckDBPyConnection, node: Node, sql: MappedSql, cli_vars: Mapping[str, Any]
) -> Finding:
    """Run a data test and tell how many rows fail.

    Messages hold no data, so the rows themselves are told only where the test's author says that
    they hold none about persons: ``config(meta={'show_rows': true})``.

    An error of the database becomes the status ``error``; an interruption is passed on.
    """
    try:
        with located_faults(sql, node, f"{node.location}: test {node.name} cannot run: "):
            found = con.execute(f"select count(*) from (\n{sql.text}\n) as failing").fetchall()
            n_failing = int(found[0][0])
            if not n_failing:
                return Finding("pass", 0)
            status = "fail" if node.severity == "error" else "warn"
            return Finding(status, n_failing, _failure(con, node, sql, cli_vars, n_failing))
    except ModelError as error:
        return Finding("error", 0, str(error))


def _failure(
    con: duckdb.DuckDBPyConnection,
    node: Node,
    sql: MappedSql,
    cli_vars: Mapping[str, Any],
    n_failing: int,
) -> str:
    first = (
        f"{node.location}: test {node.name}: {n_failing:,} failing "
        f"{'row' if n_failing == 1 else 'rows'}"
    )
    if (node.config.get("meta") or {}).get("show_rows") is not True:
        given = f" --vars {quote(json.dumps(cli_vars))}" if cli_vars else ""
        return f"{first}; to see them: varhouse show --select {node.name}{given}"
    cursor = con.execute(
        f"select * from (\n{sql.text}\n) as failing order by all limit {_SHOWN_ROWS}"
    )
    names = [column[0] for column in cursor.description or ()]
    lines = [first, *(f"    {shown_row(names, row)}" for row in cursor.fetchall())]
    if n_failing > _SHOWN_ROWS:
        lines.append(f"    ... and {n_failing - _SHOWN_ROWS:,} more")
    return "\n".join(lines)
