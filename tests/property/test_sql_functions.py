"""Every SQL function against its numerics row by row, wherever a query may call it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sql_function_cases import CASES, SET, Case
from sql_set_cases import COUNTS, Row

import varhouse
from varhouse.udf import FUNCTIONS

DOCS = Path(__file__).resolve().parents[2] / "docs"
N_ROWS = 3_000
"""More than one vector of DuckDB's."""


@pytest.fixture(scope="module", params=[1, 4])
def con(request: pytest.FixtureRequest) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = varhouse.register(duckdb.connect(config={"threads": request.param}))
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def one_thread() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = varhouse.register(duckdb.connect(config={"threads": 1}))
    yield connection
    connection.close()


def expected_rows(case: Case, rows: list[Row]) -> list[Any]:
    return [None if None in row else case.twin(*row) for row in rows]


# an estimate of what rounding does, which rounding moves
LOOSE = {"error": 1e-3}


def same(found: Any, wanted: Any, rel: float = 1e-9) -> bool:
    """Whether two results agree, numbers to their last digits; a NaN agrees with nothing."""
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and list(found) == list(wanted)
            and all(same(found[name], wanted[name], LOOSE.get(name, rel)) for name in wanted)
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(map(same, found, wanted, [rel] * len(wanted)))
        )
    if isinstance(wanted, float):
        return isinstance(found, float) and (
            found == wanted or math.isclose(found, wanted, rel_tol=rel, abs_tol=5e-324)
        )
    return type(found) is type(wanted) and found == wanted


def fill(con: duckdb.DuckDBPyConnection, case: Case, rows: list[Row]) -> str:
    """Store the rows as ``cases``; return the names of the arguments."""
    names = [f"a{place}" for place in range(len(case.types))]
    columns = [
        pa.array(column, kind)
        for column, kind in zip(zip(*rows, strict=True), case.types, strict=True)
    ]
    table = pa.table([pa.array(range(len(rows))), *columns], names=["place", *names])
    con.register("incoming", table)
    con.execute("create or replace table cases as from incoming")
    con.unregister("incoming")
    return ", ".join(names)


def check(case: Case, rows: list[Row], found: list[Any], wanted: list[Any]) -> None:
    assert len(found) == len(wanted)
    for row, one, other in zip(rows, found, wanted, strict=True):
        assert same(one, other), f"{row}:\nSQL gives {one},\nthe twin {other}"


@pytest.mark.parametrize("name", CASES)
def test_a_column(con: duckdb.DuckDBPyConnection, name: str) -> None:
    case = CASES[name]
    rows = case.rows(random.Random(name))
    arguments = fill(con, case, rows)
    wanted = expected_rows(case, rows)
    function = case.macro or name
    found = con.sql(f"select {function}({arguments}) from cases order by place").fetchall()
    check(case, rows, [row[0] for row in found], wanted)


def some(name: str, n: int = 6) -> list[Row]:
    """Return a few rows of a function, one with a NULL argument among them."""
    rows = CASES[name].rows(random.Random(name))
    return [*rows[: n - 1], next((row for row in rows if None in row), rows[n - 1])]


@pytest.mark.parametrize("name", CASES)
def test_more_rows_than_one_vector(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Rows with NULLs between them and another order each time keep results in their places."""
    case = CASES[name]
    rows = some(name, n=4)
    arguments = fill(con, case, rows)
    wanted = expected_rows(case, rows)
    times = 30 if case.types[: len(SET)] == SET else N_ROWS // len(rows) + 1
    function = case.macro or name
    found = con.sql(
        f"select place, {function}({arguments}) from cases, range({times}) as again "
        "order by hash(place, again.range)"
    ).fetchall()
    assert len(found) == times * len(rows)
    for place, value in found:
        assert same(value, wanted[place])


PLACES = {
    "none": "select {f}({a}) from cases where false",
    "constant": "select {f}({a}) from (from cases limit 1)",
    "cte": "with c as (from cases), r as materialized (select place, {f}({a}) as r from c) "
    "select r from r order by place",
    "twice": "with r as (select place, {f}({a}) as r from cases) "
    "select r from r where r is not distinct from r order by place",
    "view": "select r from answers order by place",
    "table": "select r from stored order by place",
    "lateral": "select x.r from cases, lateral (select {f}({a}) as r) as x order by place",
    "correlated": "select (select {f}({a})) from cases order by place",
    "group by": "select {f}({grouped}) from cases group by place order by place",
    "case": "select case when place >= 0 then {f}({a}) end from cases order by place",
    "union": "select r from (select place, {f}({a}) as r from cases where place % 2 = 0 "
    "union all select place, {f}({a}) as r from cases where place % 2 = 1) order by place",
}


@pytest.mark.parametrize("name", CASES)
def test_wherever_a_query_calls_it(con: duckdb.DuckDBPyConnection, name: str) -> None:
    case = CASES[name]
    rows = some(name)
    a = fill(con, case, rows)
    wanted = expected_rows(case, rows)
    f = case.macro or name
    con.execute(f"create or replace temp view answers as select place, {f}({a}) as r from cases")
    con.execute(f"create or replace table stored as select place, {f}({a}) as r from cases")
    grouped = ", ".join(f"any_value({each})" for each in a.split(", "))
    lengths = {"none": 0, "constant": 1}
    for place, text in PLACES.items():
        found = con.sql(text.format(f=f, a=a, grouped=grouped)).fetchall()
        n = lengths.get(place, len(rows))
        check(case, rows[:n], [row[0] for row in found], wanted[:n])


@pytest.mark.parametrize("name", CASES)
def test_values_given_one_by_one(one_thread: duckdb.DuckDBPyConnection, name: str) -> None:
    """Prepared statements, on the connection, on a cursor and on one that registers again."""
    case = CASES[name]
    rows = some(name, n=5)
    wanted = expected_rows(case, rows)
    types = one_thread.execute(
        f"describe (select {fill(one_thread, case, rows)} from cases)"
    ).fetchall()
    marks = ", ".join(f"cast(? as {kind})" for _, kind, *_ in types)
    query = f"select {case.macro or name}({marks})"
    with one_thread.cursor() as cursor, one_thread.cursor() as registered:
        varhouse.register(registered)
        # macros are temporary: of the connection that registered them
        for each in (one_thread, registered) if case.macro else (one_thread, cursor, registered):
            found = [each.execute(query, list(row)).fetchall()[0][0] for row in rows]
            check(case, rows, found, wanted)


def test_a_second_connection_to_a_file_outlives_the_first(tmp_path: Path) -> None:
    first = varhouse.register(duckdb.connect(str(tmp_path / "own.duckdb")))
    second = varhouse.register(duckdb.connect(str(tmp_path / "own.duckdb")))
    first.close()
    try:
        assert second.sql("select acat([0.2]).p_value, beta_weight(0.5, 1, 1)").fetchall() == [
            (pytest.approx(0.2), pytest.approx(1.0))
        ]
    finally:
        second.close()


def test_a_null_argument_gives_null(one_thread: duckdb.DuckDBPyConnection) -> None:
    for name, case in CASES.items():
        row = next(row for row in case.rows(random.Random(name)) if None not in row)
        rows = [(*row[:place], None, *row[place + 1 :]) for place in range(len(row))]
        found = one_thread.sql(
            f"select {case.macro or name}({fill(one_thread, case, rows)}) from cases"
        )
        assert found.fetchall() == [(None,)] * len(rows), name


@pytest.mark.parametrize("name", CASES)
def test_a_status_says_why_there_are_no_numbers(
    one_thread: duckdb.DuckDBPyConnection, name: str
) -> None:
    case = CASES[name]
    arguments = fill(one_thread, case, case.rows(random.Random(f"{name} again")))
    for (found,) in one_thread.sql(
        f"select {case.macro or name}({arguments}) from cases"
    ).fetchall():
        if not isinstance(found, dict) or "status" not in found:
            continue
        p, log10p = found["p_value"], found["log10p"]
        assert (p is not None) == (found["status"] == "ok"), found
        if p is not None and p > 1e-300:
            assert log10p == pytest.approx(-math.log10(p), rel=1e-9, abs=1e-12)
        if found["status"] not in ("ok", "fit_failed"):
            counts = {*COUNTS, "n", "status"}
            assert {value for field, value in found.items() if field not in counts} == {None}


@pytest.mark.parametrize("power", [0, 0.3, 2, 15.9, 16, 17, 50, 150, 299, 300, 307, 400, 5000])
def test_p_values_from_1_to_below_the_doubles(
    one_thread: duckdb.DuckDBPyConnection, power: float
) -> None:
    """One p-value combines to itself; two equal eigenvalues make an exponential law."""
    p = 10.0**-power
    (found,) = one_thread.execute(
        "select acat_log10p([$power]), acat_log10p([$power, $power, null]), "
        "chi2_mixture_sf(2 * 7 * $power * ln(10), [7, 7])",
        {"power": power},
    ).fetchall()
    if p > 0:
        found += one_thread.execute(
            "select acat([$p]), acat([$p, $p], [3, 1])", {"p": p}
        ).fetchall()[0]
    for each in found:
        assert each["status"] == "ok"
        # -log10 of p = 1 - 1e-16 and the like is 0 but for the last bits
        assert each["log10p"] == pytest.approx(power, rel=1e-12 if p > 0 else 1e-9, abs=1e-15)
        assert each["p_value"] == pytest.approx(p, rel=1e-11, abs=5e-324)


WRONG = [
    "beta_weight('rare', 1, 25)", "beta_weight(0.1)", "acat(0.1)", "acat(['a'])", "acat()",
    "acat([0.1], [1], [1])", "inverse_normal(1)", "inverse_normal([[1]])", "skat([1], [1])",
    "chi2_mixture_sf([1], 1)", "burden_test(1, 2, 3, 4, 5, 6, 7)", "hwe_p_value(1, 2)",
    "variant_key([1])", "hwe_p_value(-1, 2, 3)", "genomic_lambda('x')",
]  # fmt: skip


@pytest.mark.parametrize("call", WRONG)
def test_wrong_types_are_refused(one_thread: duckdb.DuckDBPyConnection, call: str) -> None:
    with pytest.raises(duckdb.Error):
        one_thread.sql(f"select {call}").fetchall()
    assert one_thread.sql("select acat([0.5]).status").fetchall() == [("ok",)]


def test_every_function_is_tested() -> None:
    of_tables = {function.name for function in FUNCTIONS if function.reads_tables}
    assert {function.name for function in FUNCTIONS} - of_tables <= set(CASES)


def test_functions_that_read_tables_take_null(one_thread: duckdb.DuckDBPyConnection) -> None:
    for function in FUNCTIONS:
        if function.reads_tables:
            nulls = ", ".join(
                f"cast(null as {kind}) as a{place}"
                for place, kind in enumerate(function.parameters)
            )
            columns = ", ".join(f"a{place}" for place in range(len(function.parameters)))
            one_thread.execute(f"create or replace table nothing as select {nulls} from range(3)")
            found = one_thread.sql(f"select {function.name}({columns}) from nothing").fetchall()
            assert found == [(None,)] * 3


def test_statuses_are_documented() -> None:
    text = (DOCS / "sql-functions.md").read_text(encoding="utf-8")
    found = set()
    rng = random.Random(5)
    for name, case in CASES.items():
        if name.startswith("hwe"):
            continue
        for row in case.rows(rng):
            result = None if None in row else case.twin(*row)
            if isinstance(result, dict):
                found.add(result["status"])
    assert len(found) > 15
    assert {status for status in found if f"`{status}`" not in text} == set()
