"""The functions of `varhouse.udf` in Apache Spark: one implementation, called by the same SQL."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from varhouse.errors import UsageError
from varhouse.udf import FUNCTIONS, ArrowFunction, SqlFunction

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Session = TypeVar("Session", bound="SparkSession")

# DuckDB's names of types -> Spark's, and what the functions expect in Arrow.
_TYPES = {
    "double": ("double", pa.float64()),
    "integer": ("int", pa.int32()),
    "bigint": ("bigint", pa.int64()),
    "varchar": ("string", pa.string()),
}


def register_spark(session: Session) -> Session:
    """Add varhouse's SQL functions that are written in Python to a Spark session and return it.

    They are Arrow functions, as in DuckDB: nothing goes through pandas or rows of Python objects.
    What reads tables of the warehouse (``rvat_region``, ``genotype_pcs``, ``genotype_kinship``) and
    DuckDB's macros, but for ``acat``, are left out. Workers need varhouse installed.

    Parameters
    ----------
    session
        Of Spark 4.1 or later, classic or Connect.

    Raises
    ------
    UsageError
        PySpark is missing or older.

    Examples
    --------
    >>> from pyspark.sql import SparkSession  # doctest: +SKIP
    >>> spark = SparkSession.builder.remote("sc://localhost").getOrCreate()  # doctest: +SKIP
    >>> import varhouse
    >>> varhouse.register_spark(spark).sql("select beta_weight(0.01, 1, 25)")  # doctest: +SKIP
    """
    try:
        from pyspark.sql.functions import arrow_udf
    except ImportError as error:
        raise UsageError(
            "register_spark: needs PySpark 4.1 or later, with its Arrow functions. "
            "Try pip install 'varhouse[spark]'."
        ) from error
    for function in FUNCTIONS:
        if not function.reads_tables:
            run, returns = _function(function), _spark_type(function.returns)
            session.udf.register(function.name, arrow_udf(run, returns))
            if function.name == "acat_weighted":
                session.udf.register("acat", arrow_udf(_with_equal_weights(run), returns))
    return session


def _function(function: SqlFunction) -> Callable[..., pa.Array]:
    """Return what gives a function its types and keeps NULLs from it, as DuckDB does."""
    module, _, name = function.python.partition(":")
    types = [_arrow_type(each) for each in function.parameters]
    returns, sees_null = _arrow_type(function.returns), function.sees_null

    def call(*columns: pa.Array) -> pa.Array:
        run: ArrowFunction = getattr(importlib.import_module(module), name)
        ready = [column.cast(kind) for column, kind in zip(columns, types, strict=True)]
        if sees_null:
            return run(*ready)
        is_there = pc.is_valid(ready[0])
        for column in ready[1:]:
            is_there = pc.and_(is_there, pc.is_valid(column))
        if not pc.any(is_there).as_py():
            return pa.nulls(len(is_there), returns)
        found = run(*(column.filter(is_there) for column in ready))
        place = pc.subtract(pc.cumulative_sum(is_there.cast(pa.int64())), 1)
        return found.take(pc.if_else(is_there, place, None))

    return call


def _with_equal_weights(weighted: Callable[..., pa.Array]) -> Callable[..., pa.Array]:
    """Return ``acat``: of p-values and weights, or of p-values that weigh the same."""

    def call(*columns: pa.Array) -> pa.Array:
        if len(columns) > 1:
            return weighted(*columns)
        (p_values,) = columns
        ones = [None if each is None else [1.0] * len(each) for each in p_values.to_pylist()]
        return weighted(p_values, pa.array(ones, pa.list_(pa.float64())))

    return call


def _arrow_type(duckdb_type: str) -> pa.DataType:
    if duckdb_type.endswith("[]"):
        return pa.list_(_arrow_type(duckdb_type.removesuffix("[]")))
    if duckdb_type.startswith("struct("):
        return pa.struct([(name, _arrow_type(kind)) for name, kind in _fields(duckdb_type)])
    return _TYPES[duckdb_type][1]


def _spark_type(duckdb_type: str) -> str:
    if duckdb_type.endswith("[]"):
        return f"array<{_spark_type(duckdb_type.removesuffix('[]'))}>"
    if duckdb_type.startswith("struct("):
        named = [f"{name}: {_spark_type(kind)}" for name, kind in _fields(duckdb_type)]
        return f"struct<{', '.join(named)}>"
    return _TYPES[duckdb_type][0]


def _fields(struct: str) -> list[tuple[str, str]]:
    """Return names and types of a flat struct."""
    inside = struct.removeprefix("struct(").removesuffix(")")
    pairs = (field.partition(" ") for field in inside.split(", "))
    return [(name, kind) for name, _, kind in pairs]
