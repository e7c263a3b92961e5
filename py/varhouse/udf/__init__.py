"""Functions of `varhouse.numerics` as SQL functions: one row of `FUNCTIONS` each.

They belong to the database instance, so every cursor of a connection sees them. Nothing here
imports numpy or pyarrow until a function is called.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ArrowFunction = Callable[..., "pa.Array"]


@dataclass(frozen=True)
class SqlFunction:
    """A Python function that SQL can call.

    Attributes
    ----------
    name
        In SQL.
    python
        ``module:function``; it takes one pyarrow array a parameter, without NULLs, and returns
        an array of the same length.
    parameters, returns
        DuckDB types. A NULL argument makes the result NULL.
    """

    name: str
    python: str
    parameters: tuple[str, ...]
    returns: str

    def implementation(self) -> ArrowFunction:
        """Return a function that imports ``python`` when it is first called."""

        def call(*columns: pa.ChunkedArray) -> pa.Array:
            module, _, function = self.python.partition(":")
            run: ArrowFunction = getattr(importlib.import_module(module), function)
            return run(*(column.combine_chunks() for column in columns))

        # DuckDB counts the parameters that inspect.signature shows
        shown = [
            inspect.Parameter(f"column_{place}", inspect.Parameter.POSITIONAL_ONLY)
            for place in range(len(self.parameters))
        ]
        call.__dict__["__signature__"] = inspect.Signature(shown)
        return call


FUNCTIONS: tuple[SqlFunction, ...] = (
    SqlFunction(
        "hwe_test",
        "varhouse.udf.hwe:hwe_test",
        ("bigint", "bigint", "bigint"),
        "struct(p_value double, mid_p_value double, log10p double)",
    ),
)


def register_functions(con: duckdb.DuckDBPyConnection) -> None:
    """Make every function of `FUNCTIONS` callable on a connection; those that are there stay.

    Parameters
    ----------
    con
        Any DuckDB connection. Its other cursors, and connections to the same file in this
        process, can call the functions too.
    """
    import duckdb
    from duckdb.func import PythonUDFType

    for function in FUNCTIONS:
        try:
            con.create_function(
                function.name,
                function.implementation(),
                [duckdb.sqltype(each) for each in function.parameters],
                duckdb.sqltype(function.returns),
                type=PythonUDFType.ARROW,
            )
        except (duckdb.CatalogException, duckdb.NotImplementedException) as error:
            # DuckDB's two ways to say so: by another cursor, and by this one
            if "already" not in str(error):
                raise
