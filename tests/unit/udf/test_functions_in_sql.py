"""Functions of the numerics layer, called from SQL."""

from __future__ import annotations

import duckdb
import pytest

from varhouse.numerics.hwe import hwe_test
from varhouse.udf import FUNCTIONS, register_functions


def test_registering_again_changes_nothing(con: duckdb.DuckDBPyConnection) -> None:
    register_functions(con)
    with con.cursor() as cursor:
        register_functions(cursor)
        found = cursor.sql("select hwe_test(0, 1, 0).p_value").fetchall()
    assert found == [(1.0,)]


def test_every_function_is_there(con: duckdb.DuckDBPyConnection) -> None:
    found = con.sql("select function_name from duckdb_functions()").fetchall()
    assert {function.name for function in FUNCTIONS} <= {name for (name,) in found}


def test_a_real_error_is_not_taken_for_a_function_that_is_there() -> None:
    con = duckdb.connect()
    con.close()
    with pytest.raises(duckdb.ConnectionException):
        register_functions(con)


def test_hwe_over_more_rows_than_one_call_takes(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.sql("""
        with counts as (
            select range % 97 as hom_ref, range % 31 as het, range % 7 as hom_alt from range(5000)
        )
        select hom_ref, het, hom_alt, hwe_test(hom_ref, het, hom_alt) as test from counts
    """).fetchall()
    test = hwe_test(*zip(*(row[:3] for row in rows), strict=True))
    for place, row in enumerate(rows):
        if sum(row[:3]) == 0:
            assert set(row[3].values()) == {None}
        else:
            assert row[3]["p_value"] == test.p_value[place]
            assert row[3]["log10p"] == test.log10p[place]


def test_hwe_macros_take_whatever_counts_and_sums_give(con: duckdb.DuckDBPyConnection) -> None:
    # 1 heterozygote and one homozygote of each kind: P(1 het | 3:3) = 12 / 20, P(3 hets) = 8 / 20
    found = con.sql("""
        select
            hwe_p_value(count(*), sum(1), cast(1 as uinteger)) as p_value,
            hwe_mid_p_value(count(*), sum(1), cast(1 as uinteger)) as mid_p_value,
            hwe_p_value(null, 1, 1) as without_a_count,
            hwe_p_value(0, 0, 0) as without_donors
    """).fetchall()
    assert found == [(pytest.approx(1.0), pytest.approx(0.7), None, None)]


def test_a_negative_count_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="genotype count -1, wanted 0 or more"):
        con.sql("select hwe_p_value(-1, 2, 3)").fetchall()
