"""Dates and times that Python cannot hold, and types that Arrow has no word for, in every output.

DuckDB's own words for a value, ``cast(... as varchar)``, are what each text has to say.
"""

from __future__ import annotations

import csv
import datetime
import json
import random

import duckdb
import pytest

import varhouse
from varhouse import output
from varhouse.errors import DataError
from varhouse.rows import fetched, python_rows

BEYOND = [
    "'infinity'::date",
    "'-infinity'::date",
    "'99999-01-01'::date",
    "'5000-03-04 (BC)'::date",
    "'0001-02-29 (BC)'::date",
    "'5877642-06-25 (BC)'::date",
    "'infinity'::timestamp",
    "'-infinity'::timestamp",
    "'290000-01-01 01:02:03.5'::timestamp",
    "'290308-12-22 (BC) 00:00:00'::timestamp",
    "'infinity'::timestamp_s",
    "'-infinity'::timestamp_ms",
    "'20000-01-01 01:02:03.004'::timestamp_ms",
    "'infinity'::timestamp_ns",
    "'2020-01-01 00:00:00.123456789'::timestamp_ns",
    "'infinity'::timestamptz",
    "'5000-01-01 (BC) 12:00:00+00'::timestamptz",
    "'24:00:00'::time",
    "time_ns '24:00:00'",
    "'24:00:00-15:59:59'::timetz",
    "'00:00:00+15:59:59'::timetz",
    "340282366920938463463374607431768211455::uhugeint",
    "-5::bignum",
    "'0101'::bit",
]


@pytest.mark.parametrize("value", BEYOND)
def test_texts_are_those_of_the_database(value):
    with duckdb.connect() as con:
        table = fetched(con.sql(f"select {value} as x union all by name select null as x"))
        said = [text for (text,) in con.sql(f"select cast({value} as varchar)").fetchall()]
        assert sorted(row["x"] for row in python_rows(table) if row["x"] is not None) == said
    assert [row["x"] for row in json.loads(output.as_text(table, "json")) if row["x"]] == said
    assert set(output.as_text(table, "table").splitlines()[1:]) == {*said, ""}
    if "123456789" not in value:  # CSV has nanoseconds of its own
        rows = csv.DictReader(output.as_text(table, "csv").splitlines())
        assert {row["x"] for row in rows if row["x"]} == set(said)
    assert output.fits(table, 80)
    assert [cell.plain for cell in next(iter(output.as_rich(table).columns)).cells if cell] == said


@pytest.mark.parametrize(
    ("made", "n_bits"), [("'1970-01-01'::date + number::int", 31), ("make_timestamp(number)", 63)]
)
def test_dates_all_over_the_calendar_are_those_of_the_database(made, n_bits):
    rng = random.Random(5)
    # DuckDB's first day is nearer than the smallest number
    numbers = [rng.randint(-(2**n_bits) * 99 // 100, 2**n_bits - 2) for _ in range(300)]
    numbers += [number // 500 for number in numbers]
    with duckdb.connect() as con:
        con.execute("create table times as select unnest(?::bigint[]) as number", [numbers])
        table = fetched(con.sql(f"select {made} as x, cast({made} as varchar) as said from times"))
    rows = python_rows(table)
    texts = [row for row in rows if isinstance(row["x"], str)]
    assert 250 < len(texts) < len(rows) == 600
    assert [row["x"] for row in texts] == [row["said"] for row in texts]
    held = [row for row in rows if not isinstance(row["x"], str)]
    assert [row["said"].rstrip("0").ljust(10, "0") for row in held] == [
        str(row["x"]).rstrip("0").ljust(10, "0") for row in held
    ]


def test_what_python_can_hold_stays_what_it_is():
    with duckdb.connect() as con:
        rows = python_rows(
            fetched(
                con.sql(
                    """
                    select
                        unnest(['infinity'::date, '2020-01-02', null]) as day,
                        unnest([
                            ['infinity'::timestamp], ['2020-01-02 03:04:05'::timestamp, null], null
                        ]) as at,
                        unnest([
                            {'a': 'infinity'::timestamptz},
                            {'a': '2020-01-02 00:00:00+00'::timestamptz},
                            null
                        ]) as inside,
                        map {1: '-infinity'::date} as known
                    """
                )
            )
        )
    assert [row["day"] for row in rows] == ["infinity", datetime.date(2020, 1, 2), None]
    assert [row["at"] for row in rows] == [
        ["infinity"], [datetime.datetime(2020, 1, 2, 3, 4, 5), None], None,
    ]  # fmt: skip
    assert [row["inside"] and row["inside"]["a"] for row in rows] == [
        "infinity", datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC), None,
    ]  # fmt: skip
    assert [row["known"] for row in rows] == [[(1, "-infinity")]] * 3


def test_columns_beside_a_column_of_no_arrow_type_keep_names_and_values():
    with duckdb.connect() as con:
        table = fetched(con.sql('select 1 as a, \'12:00:00+02\'::timetz as "t""z", 2 as a, 3 as b'))
    assert table.to_pylist() == [{"a": 1, 't"z': "12:00:00+02", "a_1": 2, "b": 3}]


def test_parquet_keeps_infinity_or_says_what_it_cannot_hold(tmp_path):
    out = tmp_path / "x.parquet"
    with duckdb.connect() as con:
        both = "'infinity'::date as a, '5000-01-01 (BC)'::timestamp as b, '24:00:00'::time as c"
        output.write_file(fetched(con.sql(f"select {both}")), out, "parquet")
        assert con.sql(f"from '{out}'").fetchall() == con.sql(f"select {both}").fetchall()
        with pytest.raises(DataError, match=r"x\.parquet: parquet cannot hold .* Cast it"):
            output.write_file(fetched(con.sql("select 'infinity'::timestamp_s")), out, "parquet")


@pytest.mark.parametrize("value", [*BEYOND, "interval '2 months'", "union_value(k := 1)"])
def test_results_in_python_can_be_shown(built_file, value):
    with varhouse.connect(built_file, threads=1) as house:
        found = house.sql(f"select {value} as x, 1 as n")
        (own,) = found.rows()
        if isinstance(own["x"], str) and "123456789" not in value:
            assert found.pl()["x"].to_list() == [own["x"]]
            assert found.df()["x"].tolist() == [own["x"]]
        assert found.pl()["n"].to_list() == [1]
        assert "shape: (1, 2)" in repr(found)
        assert "<table" in found._repr_html_()
        assert found.arrow()["n"].to_pylist() == [1]
        asked = house.sql("select ?::timetz as x", ["01:02:03+04"])
        assert asked.rows() == [{"x": "01:02:03+04"}]
