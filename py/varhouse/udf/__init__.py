"""Functions of `varhouse.numerics` as SQL functions: one row of `FUNCTIONS` each.

They belong to the database instance, so every cursor of a connection sees them. Nothing here
imports numpy or pyarrow until a function is called.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from varhouse.blas import hold_to_what_was_asked
from varhouse.udf import rvat_types

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
    reads_tables
        Whether ``python`` has a keyword argument ``cursor`` that opens a connection to the
        database: for what is too large to be an argument.
    sees_null
        Whether ``python`` gets rows with NULL arguments too, and may return NULL.
    """

    name: str
    python: str
    parameters: tuple[str, ...]
    returns: str
    reads_tables: bool = False
    sees_null: bool = False

    def implementation(self, con: duckdb.DuckDBPyConnection) -> ArrowFunction:
        """Return a function that imports ``python`` when it is first called."""
        if not self.reads_tables:
            return _implementation(self, None)
        # a strong reference would keep the file open after its last user has closed it
        return _implementation(self, weakref.ref(con))


@functools.cache
def _implementation(
    function: SqlFunction, owner: weakref.ref[duckdb.DuckDBPyConnection] | None
) -> ArrowFunction:
    """Make what DuckDB calls, once.

    It is kept for good: DuckDB lets go of it with the connection that registered it, but calls it
    on the others of the same database.
    """

    def call(*columns: pa.ChunkedArray) -> pa.Array:
        if not len(columns[0]):
            # what DuckDB leaves of a batch that is all NULL; it looks at no type then
            return columns[0].combine_chunks()
        module, _, name = function.python.partition(":")
        run: ArrowFunction = getattr(importlib.import_module(module), name)
        hold_to_what_was_asked()  # the module has loaded numpy and scipy
        if owner is not None:
            run = functools.partial(run, cursor=lambda: _cursor(function.name, owner))
        return run(*(column.combine_chunks() for column in columns))

    # DuckDB counts the parameters that inspect.signature shows
    shown = [
        inspect.Parameter(f"column_{place}", inspect.Parameter.POSITIONAL_ONLY)
        for place in range(len(function.parameters))
    ]
    call.__dict__["__signature__"] = inspect.Signature(shown)
    return call


def _cursor(
    function: str, owner: weakref.ref[duckdb.DuckDBPyConnection]
) -> duckdb.DuckDBPyConnection:
    import duckdb

    found = owner()
    if found is not None:
        with contextlib.suppress(duckdb.ConnectionException):
            return found.cursor()
    raise RuntimeError(
        f"{function}: the connection that registered it is closed. Close the others of this "
        "database, too, and open it again."
    )


_COMBINED = "struct(p_value double, log10p double, n integer, status varchar)"
_SET = ("bigint[]", "bigint[]", "double[]", "double[]", "bigint[]", "double[]", "double[][]")
_SET_WITHOUT_WEIGHTS = (*_SET[:3], *_SET[4:])
_COUNTS = "n_variants integer, n_carriers integer, n_donors integer, status varchar"

_STRUCTURE_INPUTS = "struct(calls varchar, variants varchar, donors varchar)"
_STRUCTURE_OPTIONS = "struct(n_components integer, max_r2 double, window_bp bigint)"

FUNCTIONS: tuple[SqlFunction, ...] = (
    SqlFunction(
        "beta_weight",
        "varhouse.udf.scalars:beta_weight",
        ("double",) * 3,
        "double",
        sees_null=True,
    ),
    SqlFunction(
        "tss_distance_weight",
        "varhouse.udf.scalars:tss_distance_weight",
        ("double",),
        "double",
        sees_null=True,
    ),
    SqlFunction(
        "chi2_mixture_sf",
        "varhouse.udf.scalars:chi2_mixture_sf",
        ("double", "double[]"),
        "struct(p_value double, log10p double, error double, status varchar)",
    ),
    SqlFunction(
        "acat_weighted", "varhouse.udf.many:acat_weighted", ("double[]", "double[]"), _COMBINED
    ),
    SqlFunction("bh_q_values", "varhouse.udf.many:bh_q_value_list", ("double[]",), "double[]"),
    SqlFunction(
        "inverse_normal", "varhouse.udf.many:inverse_normal_list", ("double[]",), "double[]"
    ),
    SqlFunction(
        "burden_test",
        "varhouse.udf.set_tests:burden_test",
        _SET,
        f"struct(beta double, se double, p_value double, log10p double, {_COUNTS})",
    ),
    SqlFunction(
        "skat",
        "varhouse.udf.set_tests:skat",
        _SET,
        f"struct(statistic double, p_value double, log10p double, error double, {_COUNTS})",
    ),
    SqlFunction(
        "skat_o",
        "varhouse.udf.set_tests:skat_o",
        _SET,
        f"struct(rho double, p_value double, log10p double, error double, {_COUNTS})",
    ),
    SqlFunction(
        "burden_test_binary",
        "varhouse.udf.set_tests:burden_test_binary",
        _SET,
        f"struct(beta double, se double, p_value double, log10p double, method varchar, {_COUNTS})",
    ),
    SqlFunction(
        "skat_binary",
        "varhouse.udf.set_tests:skat_binary",
        _SET,
        f"struct(statistic double, p_value double, log10p double, error double, {_COUNTS})",
    ),
    SqlFunction(
        "skat_o_binary",
        "varhouse.udf.set_tests:skat_o_binary",
        _SET,
        f"struct(rho double, p_value double, log10p double, error double, {_COUNTS})",
    ),
    SqlFunction(
        "best_variant_test",
        "varhouse.udf.best_variant:best_variant_test",
        (*_SET_WITHOUT_WEIGHTS, "integer", "varchar"),
        "struct(variant bigint, nominal_p double, empirical_p double, p_value double, "
        "log10p double, n_independent double, n_variants integer, n_donors integer, "
        "status varchar)",
    ),
    SqlFunction(
        "hwe_test",
        "varhouse.udf.hwe:hwe_test",
        ("bigint", "bigint", "bigint"),
        "struct(p_value double, mid_p_value double, log10p double)",
    ),
    SqlFunction(
        "acat_log10p",
        "varhouse.udf.many:acat_log10p",
        ("double[]",),
        _COMBINED,
    ),
    SqlFunction(
        "storey_q_values", "varhouse.udf.many:storey_q_value_list", ("double[]",), "double[]"
    ),
    SqlFunction(
        "genomic_lambda",
        "varhouse.udf.many:genomic_lambda",
        ("double[]",),
        "double",
        sees_null=True,
    ),
    SqlFunction(
        "genotype_pcs",
        "varhouse.udf.structure:genotype_pcs",
        (_STRUCTURE_INPUTS, _STRUCTURE_OPTIONS),
        "struct(donor_idx uinteger, component integer, value double)[]",
        reads_tables=True,
    ),
    SqlFunction(
        "genotype_kinship",
        "varhouse.udf.structure:genotype_kinship",
        (_STRUCTURE_INPUTS, _STRUCTURE_OPTIONS),
        "struct(donor_idx uinteger, other_idx uinteger, value double)[]",
        reads_tables=True,
    ),
    SqlFunction(
        "rvat_region",
        "varhouse.udf.rvat:rvat_region",
        ("integer", "integer", rvat_types.INPUTS, rvat_types.OPTIONS),
        rvat_types.ROWS,
        reads_tables=True,
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
    from duckdb.func import FunctionNullHandling, PythonUDFType

    for function in FUNCTIONS:
        try:
            con.create_function(
                function.name,
                function.implementation(con),
                [duckdb.sqltype(each) for each in function.parameters],
                duckdb.sqltype(function.returns),
                type=PythonUDFType.ARROW,
                null_handling=(
                    FunctionNullHandling.SPECIAL
                    if function.sees_null
                    else FunctionNullHandling.DEFAULT
                ),
            )
        except (duckdb.CatalogException, duckdb.NotImplementedException) as error:
            # DuckDB's two ways to say so: by another cursor, and by this one
            if "already" not in str(error):
                raise
