"""`varhouse.connect`: what `sql` runs and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import varhouse
from varhouse.connection import Warehouse
from varhouse.errors import UsageError
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    path = tmp_path / "w.duckdb"
    with open_warehouse(Settings(database=path, threads=1, memory="200MB")):
        pass
    with varhouse.connect(path, read_only=False, memory="200MB", threads=1) as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("create table t as select 1 as a; drop table t", 2),
        ("create table t as select 1 as a; select 2; select 3", 3),
        ("-- nothing", 0),
    ],
)
def test_other_than_one_statement_is_refused_before_any_runs(
    house: Warehouse, query: str, n: int
) -> None:
    with pytest.raises(UsageError, match=f"found {n} statements; wanted one"):
        house.sql(query)
    assert house.sql("select * from duckdb_tables() where table_name = 't'").rows() == []


@pytest.mark.parametrize(
    "query", ["select ? as a;", "select ? as a -- one; two", "select ?::int a"]
)
def test_one_statement_runs_whatever_ends_it(house: Warehouse, query: str) -> None:
    assert house.sql(query, [7]).rows() == [{"a": 7}]


def test_what_is_no_sql_is_told_by_duckdb(house: Warehouse) -> None:
    with pytest.raises(duckdb.ParserException):
        house.sql("selec 1; select 2")
