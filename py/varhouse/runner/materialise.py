"""Make a table or view of a query: built aside, checked, swapped in, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import sqlglot
from sqlglot import exp

from varhouse.errors import ModelError
from varhouse.runner.faults import located_faults
from varhouse.runner.gate import DIALECT
from varhouse.runner.nodes import SCHEMA, Node
from varhouse.runner.project import Project
from varhouse.runner.scrub import scrubbed
from varhouse.runner.seeds import seed_query
from varhouse.runner.sourcemap import MappedSql
from varhouse.sql_text import quoted_name

_NEW = "__new"


def load_seed(
    con: duckdb.DuckDBPyConnection, project: Project, node: Node, existing: str | None
) -> int | None:
    """Load a seed inside the caller's transaction; return its rows.

    Raises
    ------
    ModelError
        The file cannot be read.
    """
    text = seed_query(project, node)
    try:
        n_rows = _made(con, f"create table {_relation(node, _NEW)} as {text}")
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        said = scrubbed(str(error), error, text)
        raise ModelError(f"{node.location.path}: the seed cannot be read: {said}") from error
    _swap(con, node, existing)
    return n_rows


def build_model(
    con: duckdb.DuckDBPyConnection,
    node: Node,
    sql: MappedSql,
    *,
    incremental: bool,
    existing: str | None,
) -> int | None:
    """Build a model inside the caller's transaction.

    Parameters
    ----------
    sql
        The compiled query.
    incremental
        Add to the table that is there instead of replacing it.
    existing
        ``table`` or ``view`` where something has the node's name already.

    Returns
    -------
    int or None
        Rows that the table holds afterwards; None for a view.

    Raises
    ------
    ModelError
        The query fails or breaks its contract; file and line of the source are named.
    """
    if node.materialized == "view":
        _build_view(con, node, sql, existing)
        return None
    if _enforced(node):
        _check_contract(con, node, sql)
    if incremental:
        _add_rows(con, node, sql)
        ((n_rows,),) = con.execute(f"select count(*) from {node.relation}").fetchall()
        return int(n_rows)
    header = f"create table {_relation(node, _NEW)} as"
    if _enforced(node):
        # in the order of the contract, as dbt makes it
        names = ", ".join(f"{name} as {name}" for name in map(quoted_name, node.columns))
        n_rows = _create(con, node, sql, f"{header} select {names} from (", ")")
    else:
        n_rows = _create(con, node, sql, header)
    _swap(con, node, existing)
    return n_rows


def _build_view(
    con: duckdb.DuckDBPyConnection, node: Node, sql: MappedSql, existing: str | None
) -> None:
    if existing is not None:
        con.execute(f"drop {existing} {node.relation}")
    _create(con, node, sql, f"create view {node.relation} as")
    if _enforced(node):
        _compare_contract(con, node, _columns(con, str(node.relation)))


def _relation(node: Node, suffix: str = "") -> str:
    return f"{quoted_name(SCHEMA)}.{quoted_name(node.name + suffix)}"


def _made(con: duckdb.DuckDBPyConnection, statement: str) -> int | None:
    """Carry out a statement that makes something; return the rows of a table, as it tells."""
    found = con.execute(statement).fetchall()
    return int(found[0][0]) if found else None


def _create(
    con: duckdb.DuckDBPyConnection, node: Node, sql: MappedSql, header: str, footer: str = ""
) -> int | None:
    with located_faults(sql, node):
        return _made(con, f"{header}\n{sql.text}\n{footer}")


def _swap(con: duckdb.DuckDBPyConnection, node: Node, existing: str | None) -> None:
    if existing is not None:
        con.execute(f"drop {existing} {node.relation}")
    con.execute(f"alter table {_relation(node, _NEW)} rename to {quoted_name(node.name)}")


def _add_rows(con: duckdb.DuckDBPyConnection, node: Node, sql: MappedSql) -> None:
    """Append, replace by key, or merge the query's rows, as dbt-duckdb does."""
    aside = quoted_name(node.name + _NEW)
    _create(con, node, sql, f"create temp table {aside} as")
    aside = f"temp.{aside}"
    have = _columns(con, str(node.relation))
    new = _columns(con, aside)
    missing = [name for name in have if name not in new]
    extra = [name for name in new if name not in have]
    if missing or (extra and node.config.get("on_schema_change") == "fail"):
        raise ModelError(
            f"{node.location.path}: the table has the columns {', '.join(have)}, the query now "
            f"{', '.join(new)}. Rebuild it with --full-refresh."
        )
    keys = node.config.get("unique_key") or []
    keys = [keys] if isinstance(keys, str) else list(keys)
    strategy = node.config.get("incremental_strategy") or ("delete+insert" if keys else "append")
    if strategy != "append" and not keys:
        raise ModelError(
            f"{node.location.path}: incremental_strategy {strategy} needs a unique_key."
        )
    names = ", ".join(quoted_name(name) for name in have)
    if strategy == "merge":
        on = " and ".join(f"held.{quoted_name(key)} = new.{quoted_name(key)}" for key in keys)
        sets = ", ".join(f"{quoted_name(name)} = new.{quoted_name(name)}" for name in have)
        values = ", ".join(f"new.{quoted_name(name)}" for name in have)
        con.execute(
            f"merge into {node.relation} as held using {aside} as new on {on} "
            f"when matched then update set {sets} "
            f"when not matched then insert ({names}) values ({values})"
        )
    else:
        if strategy == "delete+insert":
            on = " and ".join(f"new.{quoted_name(key)} = held.{quoted_name(key)}" for key in keys)
            con.execute(
                f"delete from {node.relation} as held "
                f"where exists (select 1 from {aside} as new where {on})"
            )
        con.execute(f"insert into {node.relation} ({names}) select {names} from {aside}")
    con.execute(f"drop table {aside}")


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {row[0]: row[1] for row in con.execute(f"describe {relation}").fetchall()}


def _enforced(node: Node) -> bool:
    return bool((node.config.get("contract") or {}).get("enforced"))


def _check_contract(con: duckdb.DuckDBPyConnection, node: Node, sql: MappedSql) -> None:
    with located_faults(sql, node):
        found = _columns(con, f"select * from (\n{sql.text}\n)")
    _compare_contract(con, node, found)


def _compare_contract(con: duckdb.DuckDBPyConnection, node: Node, found: Mapping[str, str]) -> None:
    """Refuse a result whose columns or types are not those that its contract promises."""
    where = node.patch or node.location
    wanted: dict[str, str] = {}
    for column in node.columns.values():
        if column.data_type is None:
            raise ModelError(f"{where}: contract: the column '{column.name}' has no data_type.")
        wanted[column.name] = canonical_type(con, column.data_type, str(where))
    wrong = [
        f"{name}: {have or 'not there'}, promised {want or 'nothing'}"
        for name in dict.fromkeys([*wanted, *found])
        if (have := _of(found, name)) != (want := _of(wanted, name))
    ]
    if wrong:
        raise ModelError(f"{where}: contract of {node.name} broken: " + "; ".join(wrong))


def _of(columns: Mapping[str, str], name: str) -> str | None:
    return next((kind for key, kind in columns.items() if key.lower() == name.lower()), None)


def canonical_type(con: duckdb.DuckDBPyConnection, data_type: str, where: str) -> str:
    """Return a type as the database itself writes it (``int`` becomes ``INTEGER``).

    Raises
    ------
    ModelError
        It is not a type.
    """
    try:
        kind = exp.DataType.build(data_type, dialect=DIALECT).sql(dialect=DIALECT)
        found = con.execute(f"describe select cast(null as {kind}) as held").fetchall()
    except (sqlglot.errors.SqlglotError, ValueError, duckdb.Error) as error:
        raise ModelError(f"{where}: {data_type!r} is not a data type.") from error
    return str(found[0][1])
