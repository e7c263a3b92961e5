"""The raw schema of a file: made, or brought up to date where an older varhouse made it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import duckdb

from varhouse.errors import DataError
from varhouse.transaction import transaction
from varhouse.upgrade_steps import KEPT_AS, STEPS


class _Column(NamedTuple):
    name: str
    type: str
    is_nullable: bool


class _Schema(NamedTuple):
    """Tables with their columns and views with their text, by (schema, name)."""

    path: str
    tables: dict[tuple[str, str], list[_Column]]
    views: dict[tuple[str, str], str]


def create_or_upgrade(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Run the statements of ``sql/schema``, unless the warehouse is up to date with them.

    In a warehouse of an older version, views are made anew, and tables that differ are made anew
    with their rows.

    Parameters
    ----------
    con
        A writable connection, not in a transaction.
    sql
        All of them.

    Raises
    ------
    DataError
        The rows of an older version do not fit, or the database is no warehouse and has a table
        or view by a name of ours; nothing was changed.
    """
    digest = hashlib.sha256(sql.encode()).hexdigest()
    found = _read(con)
    if ("main", "schema_version") in found.tables and con.execute(
        "select digest from schema_version"
    ).fetchall() == [(digest,)]:
        return
    with transaction(con):
        if ("main", "load_manifest") in found.tables:
            _upgrade(con, found, sql)
        else:
            _refuse_foreign(found, sql)
            con.execute(sql)
        con.execute("delete from schema_version")
        con.execute("insert into schema_version values (?)", [digest])


def _read(con: duckdb.DuckDBPyConnection) -> _Schema:
    tables: dict[tuple[str, str], list[_Column]] = {}
    for schema, table, *column in con.execute(
        "select schema_name, table_name, column_name, data_type, is_nullable "
        "from duckdb_columns() inner join duckdb_tables() using (schema_name, table_name) "
        "where not duckdb_columns.internal and not temporary "
        "and duckdb_columns.database_name = current_database() order by column_index"
    ).fetchall():
        tables.setdefault((schema, table), []).append(_Column(*column))
    views = con.execute(
        "select schema_name, view_name, sql from duckdb_views() "
        "where not internal and not temporary and database_name = current_database()"
    ).fetchall()
    ((path,),) = con.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchall()
    return _Schema(path, tables, {(schema, view): text for schema, view, text in views})


def _refuse_foreign(found: _Schema, sql: str) -> None:
    """Refuse a database of something else whose tables would stand in the place of ours."""
    there = found.tables.keys() | found.views.keys()
    if not there:
        return
    with duckdb.connect() as new:
        new.execute(sql)
        ours = _read(new)
    taken = sorted(map(_spelled, there & (ours.tables.keys() | ours.views.keys())))
    if taken:
        raise DataError(
            f"{found.path}: a database of something else, which has {', '.join(taken)}; a "
            "warehouse has its own by that name. Name another file with --db."
        )


def _upgrade(con: duckdb.DuckDBPyConnection, found: _Schema, sql: str) -> None:
    with duckdb.connect() as new:
        new.execute(sql)
        wanted = _read(new)
    for name, text in wanted.views.items():
        if name in found.tables:
            _drop_if_empty(con, name, found)
        elif found.views.get(name, text) != text:
            con.execute(f"drop view {_spelled(name)}")
    moved = []
    for name, columns in wanted.tables.items():
        if name in found.views:
            con.execute(f"drop view {_spelled(name)}")
        elif found.tables.get(name, columns) != columns:
            con.execute(f"alter table {_spelled(name)} rename to {KEPT_AS.format(name[1])}")
            moved.append(name)
    con.execute(sql)
    done = _moved_by_steps(con, found)
    for name in moved:
        if name not in done:
            _copy_back(con, name, found, wanted.tables[name])


def _moved_by_steps(con: duckdb.DuckDBPyConnection, found: _Schema) -> set[tuple[str, str]]:
    """Run the steps that apply; return the tables whose rows they moved."""
    done: set[tuple[str, str]] = set()
    for step in STEPS:
        names = [("raw", table) for table in step.tables]
        if all(name in found.tables for name in names) and step.column in {
            column.name for column in found.tables[names[0]]
        }:
            con.execute(step.sql)
            for schema, table in names:
                con.execute(f"drop table {_spelled((schema, KEPT_AS.format(table)))}")
            done.update(names)
    return done


def _drop_if_empty(con: duckdb.DuckDBPyConnection, name: tuple[str, str], found: _Schema) -> None:
    n_rows = _count(con, _spelled(name))
    if n_rows:
        raise _too_old(found, f"{_spelled(name)} has {n_rows:,} rows that are kept elsewhere now")
    con.execute(f"drop table {_spelled(name)}")


def _copy_back(
    con: duckdb.DuckDBPyConnection,
    name: tuple[str, str],
    found: _Schema,
    wanted: Sequence[_Column],
) -> None:
    schema, table = name
    before = _spelled((schema, KEPT_AS.format(table)))
    had = {column.name for column in found.tables[name]}
    shared = ", ".join(f'"{column.name}"' for column in wanted if column.name in had)
    required = [
        column.name for column in wanted if column.name not in had and not column.is_nullable
    ]
    if _count(con, before):
        if required:
            raise _too_old(found, f"{_spelled(name)} has no column {', '.join(required)}")
        try:
            con.execute(f"insert into {_spelled(name)} by name select {shared} from {before}")
        except (duckdb.ConversionException, duckdb.ConstraintException) as error:
            raise _too_old(
                found, f"rows of {_spelled(name)} do not fit the table of today"
            ) from error
    con.execute(f"drop table {before}")


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    ((n_rows,),) = con.execute(f"select count(*) from {table}").fetchall()
    return int(n_rows)


def _too_old(found: _Schema, reason: str) -> DataError:
    return DataError(
        f"{found.path}: made by an older varhouse, and cannot be brought up to date: {reason}. "
        "Load the files into a new warehouse (--db NEW.duckdb); load_manifest of this one lists "
        "them."
    )


def _spelled(name: tuple[str, str]) -> str:
    schema, table = name
    return table if schema == "main" else f"{schema}.{table}"
