"""Look without changing: first rows of a model, failing rows of a test, types of columns."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from varhouse.rows import fetched
from varhouse.runner.checks import compile_check
from varhouse.runner.compile import CTE_PREFIX, Compiler, with_ctes
from varhouse.runner.faults import located_faults
from varhouse.runner.gate import check_query
from varhouse.runner.nodes import Node
from varhouse.runner.project import Project
from varhouse.runner.seeds import seed_query
from varhouse.runner.sourcemap import MappedSql


def preview(
    project: Project, con: duckdb.DuckDBPyConnection, node: Node, *, limit: int
) -> pa.Table:
    """Return the first rows of a model's query, of a seed's file, or that a data test finds.

    A test runs on its models' queries, not on their tables: a model that failed its test has
    left its table as it was before.

    Raises
    ------
    ModelError
        The query fails; with file and line.
    """
    if node.resource_type == "seed":
        sql = MappedSql.copied_from(seed_query(project, node), node.location.path)
    elif node.resource_type == "test":
        sql = _failing_rows(project, node)
    else:
        sql = Compiler(project).compile(node)
        check_query(sql)
    query = f"select * from (\n{sql.text}\n) as shown limit {limit}"
    with located_faults(sql, node):
        # Errors of execute tell the line, those of sql do not.
        con.execute(f"explain {query}").fetchall()
        return fetched(con.sql(query))


def _failing_rows(project: Project, node: Node) -> MappedSql:
    compiler = Compiler(project)
    names: dict[str, str] = {}
    queries = []
    for key in node.refs:
        parent = project.nodes[key]
        if parent.resource_type == "model" and parent.materialized != "ephemeral":
            names[key] = f"{CTE_PREFIX}tested_{len(names)}"
            sql = compiler.compile(parent)
            check_query(sql)
            queries.append((names[key], sql))
    return with_ctes(compile_check(project, Compiler(project, standing_in=names), node), queries)


def column_types(project: Project, con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Return columns and types of each model, seed and source that is there, by ``schema.name``."""
    found: dict[str, dict[str, str]] = {}
    rows = con.execute(
        """
        select schema_name || '.' || table_name, column_name, data_type
        from duckdb_columns()
        where database_name = current_database()
        order by schema_name, table_name, column_index
        """
    ).fetchall()
    wanted = {
        f"{node.relation.schema}.{node.relation.identifier}"
        for node in project.of_type("model", "seed", "source")
        if node.relation is not None
    }
    for relation, column, kind in rows:
        if relation in wanted:
            found.setdefault(relation, {})[column] = kind
    return found
