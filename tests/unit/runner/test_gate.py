"""A model only reads: what the gate lets through and what it stops, with its line."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from varhouse.errors import ProjectError
from varhouse.runner.gate import check_query, check_reads, lock_down
from varhouse.runner.sourcemap import MappedSql

HARMLESS = [
    "select 1 as x",
    "with a as (select 1 as x) select * from a union all select 2",
    "from t",
    "(select 1)",
    "select unnest(generate_series(1, 3)) as bin, list_transform([1], lambda x: x + 1)",
    "select {'a': 1} as s, x[1:2], a // 2 from t qualify rank() over () = 1",
    "select sum(x) filter (where y) from t",
    "select * exclude (a) from t asof join u using (k)",
    "select 'delete from t; copy t to ''x''' as text -- drop table t",
    "select x.drop_table, y.insert_into from t as x, u as y",
]
HARMFUL = [
    ("select 1\n;\nselect 2", 2, "semicolon"),
    ("with x as (\n  delete from t returning *\n) select * from x", 2, "delete"),
    ("with x as (insert into t values (1) returning *) select * from x", 1, "insert"),
    ("copy t to 'x'", 1, "copy"),
    ("attach 'x.db'", 1, "attach"),
    ("set threads = 1", 1, "set"),
    ("pragma database_size", 1, "pragma"),
    ("install httpfs", 1, "load"),
    ("create table x as select 1", 1, "create"),
    ("drop table x", 1, "drop"),
    ("call pragma_version()", 1, "call"),
    ("select *\nfrom read_csv('/etc/passwd')", 2, "reads files"),
    ("select *\n\nfrom read_parquet('x')", 3, "read"),
    ("select *\nfrom read_text('x')", 2, "read_text"),
    ("select *\nfrom parquet_scan('x')", 2, "parquet"),
    ("select *\nfrom glob('*')", 2, "glob"),
    ("select *\nfrom 'x.parquet'", 2, "the file"),
    ('select *\nfrom "x.parquet"', 2, "the file"),
    ("select *\nfrom query('drop table t')", 2, "query"),
    ("select\ngetenv('HOME')", 2, "getenv"),
    ("select * from duckdb_secrets()", 1, "duckdb_secrets"),
    ("select (select content from read_text('x')) as y", 1, "read_text"),
    ("select * from information_schema.tables", 1, "information_schema"),
    ("", 1, "no query"),
    ("select\n  1 +\n  from", 3, "not a query"),
]


@pytest.mark.parametrize("text", HARMLESS)
def test_queries_pass(text: str) -> None:
    check_query(MappedSql.copied_from(text, "m.sql"))


@pytest.mark.parametrize(("text", "line", "what"), HARMFUL)
def test_anything_else_is_refused_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(ProjectError) as error:
        check_query(MappedSql.copied_from(text, "m.sql"))
    assert str(error.value).startswith(f"m.sql:{line}")
    assert what in str(error.value)


DECLARED = {("main", "genes"), ("raw", "variants"), ("main", "__dbt__cte__near")}


@pytest.mark.parametrize(
    "text",
    [
        "select * from genes",
        "select * from Main.Genes as g",
        'select * from "main"."genes" join "raw"."variants" using (chrom)',
        "with a as (select 1), b as (select * from a) select (select max(x) from b) from A",
        "select * from __dbt__cte__near, unnest([1]), range(3), some_table_macro('x')",
    ],
)
def test_tables_that_are_referred_to_may_be_read(text: str) -> None:
    check_reads(MappedSql.copied_from(text, "m.sql"), DECLARED, "main")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("select *\nfrom scores", 2, "ref('scores')"),
        ("select *\nfrom main.scores", 2, "ref('scores')"),
        ("select *\nfrom raw.genotypes_rare", 2, "source('raw', 'genotypes_rare')"),
        ("select *\nfrom variants", 2, "ref('variants')"),
        ("with a as (select 1)\nselect (\nselect max(x) from b) from a", 3, "ref('b')"),
        ("with a as (select 1)\nselect * from main.a", 2, "ref('a')"),
    ],
)
def test_reading_a_table_without_referring_to_it_is_refused(
    text: str, line: int, what: str
) -> None:
    with pytest.raises(ProjectError) as error:
        check_reads(MappedSql.copied_from(text, "m.sql"), DECLARED, "main")
    assert str(error.value).startswith(f"m.sql:{line}")
    assert what in str(error.value)


def test_a_locked_warehouse_reads_seeds_spills_and_nothing_else(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "s.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": "120MB",
        "temp_directory": str(tmp_path / "spill"),
        "threads": 2,
    }
    con = duckdb.connect(str(tmp_path / "w.duckdb"), config=config)
    try:
        lock_down(con, [seeds])
        assert con.execute(f"select * from read_csv('{seeds}/s.csv')").fetchall() == [(1,)]
        for statement in (
            f"select * from read_csv('{tmp_path}/secret.csv')",
            f"copy (select 1) to '{tmp_path}/out.csv'",
            f"attach '{tmp_path}/other.db'",
            "set threads = 1",
            "set enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(statement)
        # A sort larger than the memory limit has to spill; the locked settings let it.
        con.execute(
            "create table big as select hash(i) as h, i::varchar || repeat('x', 30) as t "
            "from range(3000000) as r(i) order by h"
        )
        assert con.execute("select count(*) from big").fetchall() == [(3_000_000,)]
        con.execute("checkpoint")
    finally:
        con.close()
    again = duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True)
    assert again.execute("select count(*) from big").fetchall() == [(3_000_000,)]
    again.close()
