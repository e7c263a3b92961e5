"""Generic tests against twins that count rows in Python; unit tests that tell what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runner_projects import ProjectFolder, message_of, statuses

from varhouse.errors import ProjectError
from varhouse.runner.checks import (
    accepted_values_sql,
    not_null_sql,
    relationships_sql,
    unique_sql,
)
from varhouse.runner.outcome import shown_row
from varhouse.runner.show import preview

values = st.lists(st.none() | st.integers(0, 4), max_size=12)


@pytest.fixture(scope="module")
def memory() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("create table child (x integer); create table parent (y integer)")
    yield connection
    connection.close()


def fill(con: duckdb.DuckDBPyConnection, table: str, held: list[int | None]) -> None:
    con.execute(f"delete from {table}")
    con.execute(f"insert into {table} select unnest(?::integer[])", [held])


def n_failing(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(con.execute(f"select count(*) from ({sql})").fetchall()[0][0])


@settings(max_examples=50)
@given(held=values, allowed=st.sets(st.integers(0, 4), min_size=1), parents=values)
def test_generic_tests_count_what_a_loop_counts(
    memory: duckdb.DuckDBPyConnection,
    held: list[int | None],
    allowed: set[int],
    parents: list[int | None],
) -> None:
    fill(memory, "child", held)
    fill(memory, "parent", parents)
    there = [value for value in held if value is not None]
    assert n_failing(memory, not_null_sql("child", "x", {})) == held.count(None)
    assert n_failing(memory, unique_sql("child", "x", {})) == sum(
        n > 1 for n in Counter(there).values()
    )
    for quote in (True, False):
        sql = accepted_values_sql("child", "x", {"values": sorted(allowed), "quote": quote})
        assert n_failing(memory, sql) == len(set(there) - allowed)
    sql = relationships_sql("child", "x", {"to": "parent", "field": "y"})
    assert n_failing(memory, sql) == sum(value not in parents for value in there)


def test_values_with_quotes_are_values() -> None:
    sql = accepted_values_sql("t", "x", {"values": ["it's", "b"]})
    assert "not in ('it''s', 'b')" in sql


def test_rows_of_unit_tests_are_shown_as_column_and_value() -> None:
    assert shown_row(["a", "b"], [None, "x" * 80]) == f"a=NULL, b={'x' * 59}…"


TESTED = """
models:
  - name: a
    columns:
      - name: id
        data_tests:
          - not_null: {config: {where: "kind = 'x'"}}
          - accepted_values: {arguments: {values: "{{ var('allowed') }}", quote: false}}
      - name: kind
        data_tests:
          - accepted_values: {values: [x, y]}
"""


def test_where_and_vars_in_arguments(tmp_path: Path) -> None:
    folder = ProjectFolder(
        tmp_path,
        {
            "models/a.sql": "select 1 as id, 'x' as kind union all select null, 'y'",
            "models/a.yml": TESTED,
        },
    )
    con = duckdb.connect()
    assert folder.run(con, vars={"allowed": [1, 2]}).ok
    outcome = folder.run(con, vars={"allowed": [2]})
    con.close()
    failed = [name for name, status in statuses(outcome).items() if status == "fail"]
    assert failed == ["accepted_values_a_id__False___var_allowed_"]
    # the rows that fail are those under the same vars
    assert message_of(outcome, failed[0]).endswith(f"{failed[0]} --vars '{{\"allowed\": [2]}}'")


TEST_OF_TWO = """
select b.id
from {{ ref('b') }} as b
left join {{ ref('s') }} as s on b.id = s.id
where s.id is null
"""


def test_failing_rows_are_counted_and_shown_only_when_asked_for(tmp_path: Path) -> None:
    files = {
        "data/seeds/s.csv": "id\n7\n",
        "models/a.sql": "select 7001 + i as id, null as x from range(1234) as r(i)",
        "models/a.yml": "models: [{name: a, columns: [{name: x, data_tests: [not_null]}]}]",
        "models/e.sql": "{{ config(materialized='ephemeral') }} select 7 as id",
        "models/b.sql": "with u as (select * from {{ ref('e') }}) select id from u union all "
        "select 5999",
        "sql/checks/two.sql": TEST_OF_TWO,
    }
    con = duckdb.connect()
    folder = ProjectFolder(tmp_path, files)
    outcome = folder.run(con)
    assert message_of(outcome, "not_null_a_x") == (
        "models/a.yml:1: test not_null_a_x: 1,234 failing rows; "
        "to see them: varhouse show --select not_null_a_x"
    )
    said = " ".join(result.message for result in outcome.results)
    assert "700" not in said
    assert "5999" not in said
    # Neither table was kept, so the tests run on what the models would hold.
    project = folder.load()
    tests = {node.name: node for node in project.of_type("test")}
    shown = preview(project, con, tests["not_null_a_x"], limit=2000)
    assert sorted(shown["id"].to_pylist()) == list(range(7001, 8235))
    assert preview(project, con, tests["two"], limit=5).to_pylist() == [{"id": 5999}]
    con.close()


@pytest.mark.parametrize("n_rows", [3, 1234])
def test_rows_are_told_where_the_author_says_that_they_hold_no_persons(
    tmp_path: Path, n_rows: int
) -> None:
    files = {
        "models/a.sql": f"select i as id, null as x from range({n_rows}) as r(i)",
        "sql/checks/told.sql": "{{ config(severity='warn', meta={'show_rows': true}) }}\n"
        "select id, x from {{ ref('a') }}",
    }
    con = duckdb.connect()
    lines = message_of(ProjectFolder(tmp_path, files).run(con), "told").splitlines()
    con.close()
    assert lines[0] == f"sql/checks/told.sql:1: test told: {n_rows:,} failing rows"
    assert lines[1:6] == [f"    id={i}, x=NULL" for i in range(min(n_rows, 5))]
    assert lines[6:] == (["    ... and 1,229 more"] if n_rows > 5 else [])


UNIT = """
sources: [{{name: raw, tables: [{{name: t}}]}}]
unit_tests:
  - name: u
    model: m
    given:
      - input: source('raw', 't')
        {source}
      - input: ref('s')
        {seed}
    expect:
      {expect}
    {more}
"""
SOURCE = "rows: [{id: 1, kind: a}, {id: 2}]"
SEED = "rows: [{id: 1, factor: 10}, {id: 2, factor: 0.5}]"


def unit_outcome(
    tmp_path: Path,
    *,
    source: str = SOURCE,
    seed: str = SEED,
    expect: str = "rows: [{id: 1, x: 10}, {id: 2, x: 1}]",
    more: str = "overrides: {vars: {n: 1}}",
) -> tuple[str, str]:
    folder = ProjectFolder(
        tmp_path,
        {
            "data/seeds/s.csv": "id,factor\n1,2.5\n",
            "models/m.sql": "select id, id * factor * {{ var('n', 7) }} as x, kind, tags\n"
            "from {{ source('raw', 't') }}\njoin {{ ref('s') }} using (id)\n",
            "models/m.yml": UNIT.format(source=source, seed=seed, expect=expect, more=more),
        },
    )
    con = duckdb.connect()
    try:
        con.execute("create schema raw; create table raw.t (id int, kind varchar, tags varchar[])")
        outcome = folder.run(con)
        return statuses(outcome)["u"], message_of(outcome, "u")
    finally:
        con.close()


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"expect": "rows: [{x: 1, id: 2}, {x: 10, id: 1}]"},
        {"expect": "rows: [{id: 1, kind: a, tags: null}, {id: 2, kind: null}]"},
        {"expect": "{format: csv, rows: \"id,x\\n1,10\\n2,1\\n\"}"},
        {"source": "format: csv\n        rows: \"id,kind\\n1,a\\n2,\\n\""},
        {"source": "rows: []", "expect": "rows: []"},
        {"source": "rows: [{id: 1, tags: [a, b]}]", "expect": "rows: [{id: 1, tags: [a, b]}]"},
        {"more": "", "expect": "rows: [{id: 1, x: 70}, {id: 2, x: 7}]"},
    ],
)  # fmt: skip
def test_unit_tests_that_hold(tmp_path: Path, change: dict[str, str]) -> None:
    assert unit_outcome(tmp_path, **change) == ("pass", "")


@pytest.mark.parametrize(
    ("change", "status", "what"),
    [
        ({"expect": "rows: [{id: 1, x: 10}]"}, "fail", "not expected: id=2, x=1"),
        ({"expect": "rows: [{id: 1}, {id: 1}, {id: 2}]"}, "fail", "missing:      id=1"),
        ({"expect": "rows: []"}, "fail", "2 rows were not expected"),
        ({"expect": "rows: [{idd: 1}]"}, "error", "Did you mean id"),
        ({"source": "rows: [{nope: 1}]"}, "error", "there is no column 'nope'"),
        ({"source": "rows: [{id: x}]"}, "error", "Could not convert"),
    ],
)
def test_unit_tests_that_fail_tell_which_rows(
    tmp_path: Path, change: dict[str, str], status: str, what: str
) -> None:
    found, message = unit_outcome(tmp_path, **change)
    assert found == status
    assert message.startswith("models/m.yml:")
    assert what in message


def test_an_error_while_a_unit_test_runs_is_on_the_line_of_the_model(tmp_path: Path) -> None:
    files = {
        "models/a.sql": "select 1 as id, '5' as t",
        "models/b.sql": "select 'x' as t",
        "models/m.sql": "select\n    id,\n    t::int as n\nfrom {{ ref('a') }}\n",
        "models/m.yml": """
unit_tests:
  - name: u
    model: m
    given:
      - input: ref('a')
        rows:
          - {id: 1, t: "5"}
          - {id: 2, t: "not a number"}
    expect:
      rows: [{id: 1, n: 5}]
  - name: w
    model: m
    given: [{input: ref('a'), rows: [{id: 1, t: "5"}]}]
    expect: {rows: [{id: 1, n: five}]}
models:
  - name: b
    columns:
      - name: t
        data_tests:
          - accepted_values: {name: digits, values: [1, 2], quote: false}
""",
    }
    con = duckdb.connect()
    outcome = ProjectFolder(tmp_path, files).run(con)
    con.close()
    assert "models/m.sql:3: Conversion Error: Could not convert" in message_of(outcome, "u")
    assert message_of(outcome, "u").startswith("models/m.yml:3: unit test u: ")
    # What is expected stands in the yml, and so does what is wrong with it.
    assert "unit test w: models/m.yml:12: Conversion Error" in message_of(outcome, "w")
    # The SQL of a generic test has many lines, its place in the yml is one.
    assert "cannot run: models/m.yml:21 (approx" in message_of(outcome, "digits")


def test_every_input_has_to_be_given(tmp_path: Path) -> None:
    files = {
        "models/a.sql": "select 1 as id",
        "models/m.sql": "select * from {{ ref('a') }}",
        "models/m.yml": "unit_tests:\n  - name: u\n    model: m\n    expect: {rows: []}\n",
    }
    con = duckdb.connect()
    with pytest.raises(ProjectError, match=r"^models/m.yml:2: .*no rows are given for a"):
        ProjectFolder(tmp_path, files).run(con)
    con.close()


def test_a_unit_test_of_an_incremental_model_sees_this(tmp_path: Path) -> None:
    files = {
        "models/a.sql": "select 1 as id",
        "models/m.sql": "{{ config(materialized='incremental') }}\nselect id from {{ ref('a') }}\n"
        "{% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}",
        "models/m.yml": """
unit_tests:
  - name: u
    model: m
    overrides: {macros: {is_incremental: true}}
    given:
      - {input: ref('a'), rows: [{id: 1}, {id: 2}, {id: 3}]}
      - {input: this, rows: [{id: 1}, {id: 2}]}
    expect: {rows: [{id: 3}]}
""",
    }
    con = duckdb.connect()
    folder = ProjectFolder(tmp_path, files)
    assert folder.run(con, "run").ok
    assert statuses(folder.run(con))["u"] == "pass"
    con.close()
