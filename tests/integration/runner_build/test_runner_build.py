"""Models become tables: materialisations, and what is built again after an edit."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest
from tests.runner_projects import (
    INCREMENTAL,
    PROJECT,
    UNIQUE_ID,
    ProjectFolder,
    kinds,
    rows,
    statuses,
)

from varhouse.errors import UsageError
from varhouse.runner import plan_project
from varhouse.runner.outcome import NodeResult


def test_each_materialization(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(
        a="select id from {{ source('raw', 't') }} where id < 3",
        e="{{ config(materialized='ephemeral') }} select id + 1 as id from {{ ref('a') }}",
        v="{{ config(materialized='view') }}\n"
        "with x as (select * from {{ ref('e') }}) select * from x",
    )
    project.write({"data/seeds/s.csv": "id,name\n001,a\n2,\n", "dbt_project.yml": PROJECT + (
        "seeds:\n  small:\n    s:\n      +column_types: {id: varchar, name: varchar}\n"
    )})  # fmt: skip
    outcome = project.run(con)
    assert outcome.ok
    assert kinds(con) == {"a": "BASE TABLE", "v": "VIEW", "s": "BASE TABLE"}
    assert rows(con, "from v") == [(1,), (2,), (3,)]
    assert rows(con, "from s") == [("001", "a"), ("2", None)]
    assert {result.name: result.rows for result in outcome.results} == {"a": 3, "v": None, "s": 2}


def test_a_build_and_its_tests_are_on_record_in_their_order(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(
        a="select id from {{ source('raw', 't') }} where id < {{ var('n', 5) }}",
        b="{{ config(materialized='view') }} select * from {{ ref('a') }}",
    )
    project.write({"models/a.yml": UNIQUE_ID})
    assert project.run(con, vars={"n": 3}, command="run").ok
    columns = "resource_type, status, n_rows, command, vars_json, full_refresh, message"
    assert con.execute(f"select {columns} from run_results order by rowid").fetchall() == [
        ("model", "success", 3, "run", '{"n": 3}', False, "new"),
        ("test", "pass", 0, "run", '{"n": 3}', False, ""),
        ("model", "success", None, "run", '{"n": 3}', False, "new"),
    ]
    parents = con.execute(
        "select map_keys(child.parents), child.parents['model.small.a'] = parent.fingerprint "
        "from run_results as child, run_results as parent "
        "where child.node = 'model.small.b' and parent.node = 'model.small.a'"
    ).fetchall()
    assert parents == [(["model.small.a"], True)]


def test_a_second_run_changes_nothing_and_writes_nothing(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select id from {{ source('raw', 't') }}", b="select * from {{ ref('a') }}")
    project.write({"models/a.yml": UNIQUE_ID})
    assert project.run(con).ok
    before = rows(con, "select rowid, node, status from run_results")
    outcome = project.run(con)
    assert set(statuses(outcome).values()) == {"unchanged"}
    assert rows(con, "select rowid, node, status from run_results") == before


@pytest.mark.parametrize(
    ("edit", "rebuilt"),
    [
        ({"models/a.sql": "-- said\nselect id, grp /* x */ from {{ source('raw','t') }}"}, set()),
        ({"models/a.sql": "SELECT id,\n    grp FROM {{ source('raw', 't') }}"}, set()),
        ({"models/a.sql": "select id, grp, 1 as x from {{ source('raw', 't') }}"}, {"a", "v", "c"}),
        ({"models/b.sql": "select 2 as x"}, {"b"}),
        ({"models/b.sql": "{{ config(tags=['new']) }} select {{ var('n', 1) }} as x"}, set()),
        ({"models/b.sql": "{{ config(materialized='view') }} select {{ var('n', 1) }} as x"},
         {"b"}),
        ({"sql/macros/m.sql": "{% macro unused() %}{% endmacro %}"}, set()),
        ({"data/seeds/s.csv": "x\n2\n"}, {"s"}),
    ],
)  # fmt: skip
def test_only_what_an_edit_touches_is_built_again(
    con: duckdb.DuckDBPyConnection,
    folder: Callable[..., ProjectFolder],
    edit: dict[str, str],
    rebuilt: set[str],
) -> None:
    project = folder(
        a="select id, grp from {{ source('raw', 't') }}",
        b="select {{ var('n', 1) }} as x",
        v="{{ config(materialized='view') }} select * from {{ ref('a') }}",
        c="select count(*) as n from {{ ref('v') }}",
    )
    project.write({"data/seeds/s.csv": "x\n1\n"})
    assert project.run(con).ok
    project.write(edit)
    planned = {
        item.node.name for item in plan_project(project.load(), con) if item.action == "build"
    }
    outcome = project.run(con)
    assert outcome.ok
    assert {name for name, status in statuses(outcome).items() if status == "success"} == rebuilt
    assert planned == rebuilt


def test_new_data_rebuilds_through_views_even_when_built_one_by_one(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(
        a="select id from {{ source('raw', 't') }}",
        v="{{ config(materialized='view') }} select * from {{ ref('a') }}",
        c="select count(*) as n from {{ ref('v') }}",
        d="select 1 as x",
    )
    assert project.run(con).ok
    con.execute("insert into raw.t values (100, 1)")
    reasons = {item.node.name: item.reason for item in plan_project(project.load(), con)}
    assert reasons == {
        "a": "data changed: raw.t", "v": "parent changed: a", "c": "parent changed: v",
        "d": "unchanged",
    }  # fmt: skip
    assert statuses(project.run(con, select=["a"])) == {"a": "success"}
    # The view shows the new rows already, so c is out of date although v was not built again.
    assert statuses(project.run(con, select=["c"])) == {"c": "success"}
    assert rows(con, "from c") == [(11,)]


def test_a_var_rebuilds_only_the_models_that_it_changes(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(
        a="select id from {{ source('raw', 't') }} where id < {{ var('n', 5) }}",
        b="select count(*) as n from {{ ref('a') }}",
        c="select id from {{ source('raw', 't') }}",
    )
    assert project.run(con).ok
    outcome = project.run(con, vars={"n": 2})
    assert statuses(outcome) == {"a": "success", "b": "success", "c": "unchanged"}
    assert rows(con, "from b") == [(2,)]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", [(9, 0), (9, 7), (10, 1)]),
        (", unique_key='id'", [(9, 7), (10, 1)]),
        (", unique_key=['id'], incremental_strategy='delete+insert'", [(9, 7), (10, 1)]),
        (", unique_key='id', incremental_strategy='merge'", [(9, 7), (10, 1)]),
        (", incremental_strategy='append'", [(9, 0), (9, 7), (10, 1)]),
    ],
)
def test_incremental_models_add_and_replace(
    con: duckdb.DuckDBPyConnection,
    folder: Callable[..., ProjectFolder],
    more: str,
    expected: list[tuple[object, ...]],
) -> None:
    project = folder(a=INCREMENTAL.format(more=more))
    assert project.run(con).ok
    con.execute("delete from raw.t where id < 5")
    con.execute("update raw.t set grp = 7 where id = 9")
    con.execute("insert into raw.t values (10, 1)")
    assert statuses(project.run(con)) == {"a": "success"}
    assert rows(con, "select id, grp from a where id >= 9") == expected
    # What the source no longer has is still there: only new rows were read.
    assert rows(con, "select count(*) from a where id < 5") == [(5,)]
    assert statuses(project.run(con)) == {"a": "unchanged"}
    assert project.run(con, full_refresh=True).ok
    assert rows(con, "from a") == rows(con, "from raw.t")


def test_what_reads_an_incremental_table_follows_each_of_its_builds(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    # The table also holds what earlier builds left in it: its fingerprint alone is not enough.
    project = folder(a=INCREMENTAL.format(more=""), b="select id from {{ ref('a') }}")
    assert project.run(con).ok
    con.execute("delete from raw.t where id < 5")
    assert project.run(con).ok
    assert rows(con, "select count(*) from b where id < 5") == [(5,)]
    assert project.run(con, select=["a"], full_refresh=True).ok
    assert statuses(project.run(con)) == {"a": "unchanged", "b": "success"}
    assert rows(con, "select count(*) from b where id < 5") == [(0,)]
    assert set(statuses(project.run(con)).values()) == {"unchanged"}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("table", ["id", "grp"]), ("incremental", ["id", "grp"]), ("view", ["grp", "id"])],
)
def test_a_contract_orders_the_columns_of_a_table(
    con: duckdb.DuckDBPyConnection,
    folder: Callable[..., ProjectFolder],
    kind: str,
    expected: list[str],
) -> None:
    # as dbt-duckdb 1.11 does
    project = folder(
        a=f"{{{{ config(materialized='{kind}', on_schema_change='fail') }}}}\n"
        "select grp, id from {{ source('raw', 't') }}  -- the end"
    )
    project.write({"models/a.yml": (
        "models:\n  - name: a\n    config: {contract: {enforced: true}}\n    columns:\n"
        "      - {name: id, data_type: bigint}\n      - {name: grp, data_type: bigint}\n"
    )})  # fmt: skip
    assert project.run(con).ok
    assert [row[0] for row in con.execute("describe a").fetchall()] == expected


def test_a_table_may_become_a_view_and_back(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select 1 as id", b="select * from {{ ref('a') }}")
    for kind, found in (("table", "BASE TABLE"), ("view", "VIEW"), ("table", "BASE TABLE")):
        project.write({"models/a.sql": f"{{{{ config(materialized='{kind}') }}}} select 1 as id"})
        assert project.run(con).ok
        assert kinds(con)["a"] == found


def test_a_table_that_was_dropped_is_built_again(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select 1 as id")
    assert project.run(con).ok
    con.execute("drop table a")
    assert statuses(project.run(con)) == {"a": "success"}


def test_commands_take_their_kinds_of_nodes(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select * from {{ ref('s') }}")
    project.write({"data/seeds/s.csv": "id\n1\n", "models/a.yml": UNIQUE_ID})
    assert statuses(project.run(con, "seed")) == {"s": "success"}
    assert statuses(project.run(con, "run")) == {
        "s": "unchanged",
        "a": "success",
        "unique_a_id": "pass",
    }
    assert statuses(project.run(con, "test")) == {"unique_a_id": "pass"}
    with pytest.raises(UsageError, match="nothing there that this command runs"):
        project.run(con, "seed", select=["a"])
    with pytest.raises(UsageError, match="wanted one of"):
        project.run(con, "deploy")  # type: ignore[arg-type]


def test_state_selects_what_was_edited(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select 1 as id", b="select * from {{ ref('a') }}", c="select 1 as x")
    assert project.run(con).ok
    project.write({"models/a.sql": "select 2 as id", "models/d.sql": "select 4 as x"})
    assert set(statuses(project.run(con, select=["state:new"]))) == {"d"}
    project.write({"models/e.sql": "select 5 as x"})
    assert set(statuses(project.run(con, select=["state:modified+"]))) == {"a", "b", "e"}
    with pytest.raises(UsageError, match="nothing matches"):
        project.run(con, select=["state:modified"])


def test_threads_do_not_change_the_tables(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    models = {f"m{i}": f"select id * {i} as x from {{{{ source('raw', 't') }}}}" for i in range(8)}
    models["total"] = " union all ".join(f"select x from {{{{ ref('m{i}') }}}}" for i in range(8))
    project = folder(**models)
    assert project.run(con, threads=1).ok
    serial = {name: rows(con, f"from {name}") for name in models}
    assert project.run(con, threads=4, full_refresh=True).ok
    assert {name: rows(con, f"from {name}") for name in models} == serial


def test_the_reporter_hears_of_every_node_and_models_call_registered_functions(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    class Listener:
        def __init__(self) -> None:
            self.heard: list[str] = []

        def finished(self, result: NodeResult) -> None:
            self.heard.append(f"{result.status} {result.unique_id}")

    def twice(x: int) -> int:
        return 2 * x

    con.create_function("twice", twice, ["BIGINT"], "BIGINT")
    listener = Listener()
    project = folder(a="select twice(id) as id from {{ source('raw', 't') }} where id = 4")
    assert project.run(con, reporter=listener).ok
    assert rows(con, "from a") == [(8,)]
    assert listener.heard == ["success model.small.a"]
