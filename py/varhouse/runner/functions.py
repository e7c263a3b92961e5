"""Which SQL functions a query calls that the database does not bring along."""

from __future__ import annotations

from functools import cache

import duckdb
from sqlglot import exp


def calls_registered_function(tree: exp.Expr) -> bool:
    """Return whether a query calls a function that somebody registered, such as a Python one.

    A function that the parser knows by name is the database's own.
    """
    unknown = {call.name.lower() for call in tree.find_all(exp.Anonymous)}
    return bool(unknown) and not unknown <= _own_functions()


@cache
def _own_functions() -> frozenset[str]:
    """Return the names in an untouched database: registered functions look the same as its own."""
    with duckdb.connect(config={"threads": 1}) as untouched:
        rows = untouched.execute("select distinct lower(function_name) from duckdb_functions()")
        return frozenset(row[0] for row in rows.fetchall())
