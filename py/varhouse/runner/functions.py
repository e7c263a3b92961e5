"""Which SQL functions a query calls that the database does not bring along."""

from __future__ import annotations

from functools import cache

import duckdb


def calls_registered_function(unknown: frozenset[str]) -> bool:
    """Return whether any of these functions is one that somebody registered, such as in Python.

    Parameters
    ----------
    unknown
        Names, in lower case, that the parser does not know: what it knows is the database's own.
    """
    return bool(unknown) and not unknown <= _own_functions()


@cache
def _own_functions() -> frozenset[str]:
    """Return the names in an untouched database: registered functions look the same as its own."""
    with duckdb.connect(config={"threads": 1}) as untouched:
        rows = untouched.execute("select function_name from duckdb_functions()").fetchall()
        return frozenset(row[0].lower() for row in rows)
