"""Models that call registered functions are built again when those functions' source changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.runner_projects import ProjectFolder, message_of, statuses

from varhouse.cli import model_options
from varhouse.runner import plan_project
from varhouse.runner.functions import calls_registered_function
from varhouse.runner.gate import check_query
from varhouse.runner.sourcemap import MappedSql

FILES = {
    "models/a.sql": "select 2.0::double as x",
    "models/caller.sql": "select {{ twice('x') }} as y from {{ ref('a') }}",
    "models/below.sql": "select y + 1 as z from {{ ref('caller') }}",
    "models/e.sql": "{{ config(materialized='ephemeral') }} select twice(x) as y "
    "from {{ ref('a') }}",
    "models/through.sql": "select y from {{ ref('e') }}",
    "models/plain.sql": "select list_transform([x], lambda v: v + 1) as l, "
    "jaro_similarity('a', 'b') as j from {{ ref('a') }}",
    "sql/macros/m.sql": "{% macro twice(x) %}small_Twice({{ x }}){% endmacro %}",
    "models/m.yml": """
unit_tests:
  - name: u
    model: caller
    given: [{input: ref('a'), rows: [{x: 3.0}]}]
    expect: {rows: [{y: 6.0}]}
  - name: v
    model: below
    given: [{input: ref('caller'), rows: [{y: 3.0}]}]
    expect: {rows: [{z: 4.0}]}
""",
    "sql/checks/doubled.sql": "select x from {{ ref('a') }} where small_twice(x) <> x + x",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    for name in ("small_twice", "twice"):
        connection.create_function(name, lambda x: 2 * x, ["DOUBLE"], "DOUBLE")  # type: ignore[arg-type]
    yield connection
    connection.close()


def test_only_callers_and_what_reads_them_are_built_again(
    tmp_path: Path, con: duckdb.DuckDBPyConnection
) -> None:
    folder = ProjectFolder(tmp_path, FILES)
    outcome = folder.run(con, functions_version="1")
    assert outcome.ok
    assert con.execute("from below").fetchall() == [(5.0,)]
    again = folder.run(con, functions_version="1")
    assert set(statuses(again).values()) == {"unchanged"}
    planned = {
        item.node.name: item.reason
        for item in plan_project(folder.load(), con, functions_version="2")
    }
    assert planned == {
        "a": "unchanged", "caller": "functions changed", "below": "parent changed: caller",
        "through": "parent changed: e", "plain": "unchanged",
    }  # fmt: skip
    modified = plan_project(folder.load(), con, select=["state:modified"], functions_version="2")
    assert [item.node.name for item in modified] == ["caller"]
    assert statuses(folder.run(con, functions_version="2")) == {
        "a": "unchanged", "caller": "success", "below": "success", "through": "success",
        "plain": "unchanged", "u": "pass", "v": "unchanged", "doubled": "pass",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select sum(x), jaro_similarity(a, b) from t", False),
        ("select (rvat_burden(a)).p_value from t", True),
        ("select list_transform(l, lambda v: Rvat_One(v)) from t", True),
        ("with a as (select 1 as x) select x from a where exists (select rvat(x))", True),
    ],
)
def test_a_registered_function_is_one_that_duckdb_does_not_have(sql: str, expected: bool) -> None:
    query = check_query(MappedSql.copied_from(sql, "m.sql"))
    assert calls_registered_function(query.unknown_calls) is expected


def test_macros_of_the_connection_cannot_be_called_so_need_no_version(
    tmp_path: Path, con: duckdb.DuckDBPyConnection
) -> None:
    con.execute("create temp macro own_macro(x) as x + 1")
    folder = ProjectFolder(tmp_path, {"models/a.sql": "select own_macro(1) as x"})
    assert "own_macro does not exist" in message_of(folder.run(con), "a")


def test_the_version_changes_with_the_sources_of_the_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "varhouse"
    for name in ("__init__.py", "numerics/a.py", "udf/b.py", "report/c.py"):
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(model_options.varhouse, "__file__", str(package / "__init__.py"))
    seen = [model_options.functions_version()]
    for name, text, changes in (
        ("report/c.py", "x = 2\n", False),
        ("udf/b.py", "x = 2\n", True),
        ("numerics/deep/d.py", "", True),
        ("numerics/notes.md", "x", False),
    ):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text(text, encoding="utf-8")
        seen.append(model_options.functions_version())
        assert (seen[-1] != seen[-2]) is changes
