"""Unit tests: a model computed from given rows, compared with the rows expected of it."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from varhouse.errors import ModelError, ProjectError
from varhouse.runner.compile import CTE_PREFIX, Compiler, with_ctes
from varhouse.runner.faults import located_faults
from varhouse.runner.gate import check_query
from varhouse.runner.nodes import Location, Node, UnitTest, suggest
from varhouse.runner.outcome import Finding, shown_row
from varhouse.runner.project import Project
from varhouse.runner.sourcemap import MappedSql
from varhouse.sql_text import quoted_name, text_literal

_INPUT = re.compile(r"^\s*(ref|source)\s*(\(.+\))\s*$", re.DOTALL)
_THIS = "this"
_SHOWN_ROWS = 5


@dataclass(frozen=True)
class CompiledUnitTest:
    """A unit test whose inputs are known but not yet typed."""

    node: Node
    unit: UnitTest
    sql: MappedSql
    model: Node
    inputs: tuple[tuple[str, Node, tuple[dict[str, Any], ...], Location], ...]


def compile_unit_test(project: Project, node: Node, unit: UnitTest) -> CompiledUnitTest:
    """Render the tested model with its inputs replaced by names of given rows.

    Raises
    ------
    ProjectError
        An input is not known, not an input of the model, or not given.
    """
    model = project.model(unit.model)
    inputs = []
    standing_in: dict[str, str] = {}
    for index, given in enumerate(unit.given):
        where = Location(node.location.path, given.line)
        name = f"{CTE_PREFIX}given_{index}"
        if given.input.strip() == _THIS:
            found = model
        else:
            found = _input_node(project, given.input, where)
            if found.unique_id not in model.refs:
                names = [project.nodes[ref].name for ref in model.refs]
                raise ProjectError(
                    f"{where}: unit test {node.name}: {model.name} does not read {given.input}; "
                    f"it reads {', '.join(names) or 'nothing'}."
                )
            if found.materialized == "ephemeral":
                raise ProjectError(
                    f"{where}: unit test {node.name}: {found.name} is ephemeral, so dbt could not "
                    "tell the types of given rows. Make it a view."
                )
        standing_in[found.unique_id] = name
        inputs.append((name, found, given.rows, where))
    missing = [project.nodes[ref].name for ref in model.refs if ref not in standing_in]
    if missing:
        raise ProjectError(
            f"{node.location}: unit test {node.name}: no rows are given for "
            f"{', '.join(missing)}; every input of {model.name} must be given (rows: [] for none)."
        )
    if unit.is_incremental and model.unique_id not in standing_in:
        raise ProjectError(
            f"{node.location}: unit test {node.name}: is_incremental needs an input 'this'."
        )
    compiler = Compiler(project, standing_in=standing_in, vars=unit.vars)
    sql, _ = compiler.body(model, incremental=unit.is_incremental)
    check_query(sql)
    return CompiledUnitTest(node, unit, sql, model, tuple(inputs))


def _input_node(project: Project, text: str, where: Location) -> Node:
    parts = _INPUT.match(text)
    arguments: Any = None
    if parts is not None:
        try:
            arguments = ast.literal_eval(parts[2].rstrip(")") + ",)")
        except (ValueError, SyntaxError) as error:
            raise ProjectError(f"{where}: the input {text!r} cannot be read: {error}") from error
    if parts is None or not all(isinstance(item, str) for item in arguments):
        raise ProjectError(
            f"{where}: the input is {text!r}, wanted ref('name'), source('name', 'table') or this."
        )
    if parts[1] == "ref":
        keys = [f"{kind}.{project.name}.{arguments[-1]}" for kind in ("model", "seed")]
    else:
        keys = [f"source.{project.name}.{'.'.join(arguments)}"]
    found = next((project.nodes[key] for key in keys if key in project.nodes), None)
    if found is None:
        known = [each.name for each in project.of_type("model", "seed", "source")]
        raise ProjectError(f"{where}: {text}: not there.{suggest(arguments[-1], known)}")
    return found


def run_unit_test(con: duckdb.DuckDBPyConnection, test: CompiledUnitTest) -> Finding:
    """Run a unit test; rows are compared as multisets on the columns that are expected.

    Errors of the database become the status ``error``; an interruption is passed on.
    """
    try:
        return _compared(con, test)
    except ModelError as error:
        return Finding("error", None, str(error))


def _compared(con: duckdb.DuckDBPyConnection, test: CompiledUnitTest) -> Finding:
    ctes = []
    for name, source, rows, where in test.inputs:
        if not rows and source.resource_type == "seed":
            text = f"select * from {source.relation}"
        else:
            text = rows_sql(rows, _input_types(con, source, where), where)
        ctes.append((name, MappedSql.made_for(text, where)))
    model_sql = with_ctes(test.sql, ctes)
    described = _execute(con, test, "describe select * from (\n", model_sql, "\n) as actual")
    types = {row[0]: row[1] for row in described}
    expect = test.unit.expect
    names = list(dict.fromkeys(name for row in expect for name in row)) or list(types)
    expected_types = {name: types.get(name, "") for name in names}
    where = test.node.location
    for name in names:
        if name not in types:
            raise ModelError(
                f"{where}: unit test {test.node.name}: the model has no column '{name}'."
                f"{suggest(name, types)}"
            )
    shown = ", ".join(quoted_name(name) for name in names)
    expected = MappedSql.made_for(rows_sql(expect, expected_types, where), where)
    header = f"create or replace temp table __actual as select {shown} from (\n"
    _execute(con, test, header, model_sql, "\n) as actual")
    _execute(con, test, "create or replace temp table __expected as\n", expected)
    try:
        surplus = _except(con, "__actual", "__expected")
        missing = _except(con, "__expected", "__actual")
    finally:
        con.execute("drop table temp.__actual")
        con.execute("drop table temp.__expected")
    if not surplus and not missing:
        return Finding("pass", 0)
    lines = [
        f"{where}: unit test {test.node.name} of {test.model.name}: "
        f"{len(missing)} expected rows are missing, {len(surplus)} rows were not expected"
    ]
    lines += [f"    missing:      {shown_row(names, row)}" for row in missing[:_SHOWN_ROWS]]
    lines += [f"    not expected: {shown_row(names, row)}" for row in surplus[:_SHOWN_ROWS]]
    return Finding("fail", len(surplus) + len(missing), "\n".join(lines))


def _execute(
    con: duckdb.DuckDBPyConnection,
    test: CompiledUnitTest,
    header: str,
    sql: MappedSql,
    footer: str = "",
) -> list[tuple[Any, ...]]:
    """Run a query inside a statement; ``header`` is one line."""
    prefix = f"{test.node.location}: unit test {test.node.name}: "
    with located_faults(sql, test.model, prefix):
        return con.execute(header + sql.text + footer).fetchall()


def _except(con: duckdb.DuckDBPyConnection, left: str, right: str) -> list[tuple[Any, ...]]:
    return con.execute(
        f"select * from (from {left} except all from {right}) order by all"
    ).fetchall()


def _input_types(con: duckdb.DuckDBPyConnection, source: Node, where: Location) -> dict[str, str]:
    try:
        found = con.execute(f"describe select * from {source.relation}").fetchall()
    except duckdb.CatalogException as error:
        raise ModelError(
            f"{where}: the columns of {source.name} are not known: it is not in the warehouse yet."
        ) from error
    return {row[0]: row[1] for row in found}


def rows_sql(rows: Sequence[Mapping[str, Any]], types: Mapping[str, str], where: Location) -> str:
    """Return a query that yields these rows in these types; what a row does not say is NULL."""
    by_lower = {name.lower(): name for name in types}
    selects = []
    for row in rows:
        unknown = [name for name in row if name.lower() not in by_lower]
        if unknown:
            raise ModelError(
                f"{where}: there is no column '{unknown[0]}', only {', '.join(types)}."
                f"{suggest(unknown[0], types)}"
            )
        held = {by_lower[name.lower()]: value for name, value in row.items()}
        cells = [
            f"cast({literal(held.get(name))} as {kind}) as {quoted_name(name)}"
            for name, kind in types.items()
        ]
        selects.append("select " + ", ".join(cells))
    if not selects:
        cells = [f"cast(null as {kind}) as {quoted_name(name)}" for name, kind in types.items()]
        return "select " + ", ".join(cells) + " where false"
    return "\nunion all ".join(selects)


def literal(value: Any) -> str:
    """Return a Python value of a yml file as an SQL literal."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return f"'{value}'"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{literal(str(key))}: {literal(item)}" for key, item in value.items())
        return "{" + inside + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, date | datetime):
        value = value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return text_literal(str(value))
