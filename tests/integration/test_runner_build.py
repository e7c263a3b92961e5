"""Models become tables: materialisations, tests before the commit, and what a failure leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from tests.runner_projects import PROJECT, ProjectFolder, message_of, statuses

from varhouse.errors import ProjectError, UsageError
from varhouse.runner import plan_project, steps
from varhouse.runner.outcome import NodeResult

Rows = list[tuple[object, ...]]
UNIQUE_ID = "models:\n  - name: a\n    columns:\n      - name: id\n        data_tests: [unique]\n"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with one raw table."""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("create schema raw")
    connection.execute("create table raw.t as select i as id, i % 3 as grp from range(10) as r(i)")
    yield connection
    connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., ProjectFolder]:
    """Make a project with a source ``raw.t``."""

    def make(**models: str) -> ProjectFolder:
        files = {f"models/{name}.sql": text for name, text in models.items()}
        source = "sources: [{name: raw, tables: [{name: t}]}]\n"
        return ProjectFolder(tmp_path, {**files, "models/_sources.yml": source})

    return make


def rows(con: duckdb.DuckDBPyConnection, query: str) -> Rows:
    return sorted(con.execute(query).fetchall())


def kinds(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    found = con.execute(
        "select table_name, table_type from information_schema.tables where table_schema = 'main'"
    ).fetchall()
    return {name: kind for name, kind in found if name != "run_results"}


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


def test_a_failing_test_leaves_the_old_table_and_skips_what_reads_it(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(
        a="select id from {{ source('raw', 't') }} where id < 3",
        b="select count(*) as n from {{ ref('a') }}",
        c="select 1 as x",
    )
    project.write({"models/a.yml": UNIQUE_ID})
    assert project.run(con).ok
    project.write({"models/a.sql": "select id % 2 as id from {{ source('raw', 't') }}"})
    outcome = project.run(con)
    assert not outcome.ok
    assert statuses(outcome) == {
        "a": "error", "unique_a_id": "fail", "b": "skipped", "c": "unchanged",
    }  # fmt: skip
    assert rows(con, "from a") == [(0,), (1,), (2,)]
    assert rows(con, "from b") == [(3,)]
    assert kinds(con) == {"a": "BASE TABLE", "b": "BASE TABLE", "c": "BASE TABLE"}
    message = message_of(outcome, "unique_a_id")
    assert message.startswith("models/a.yml:5: test unique_a_id: 2 failing rows")
    assert "unique_field" not in message
    # Put right, it and what was skipped are built; the failure itself stays on record.
    project.write({"models/a.sql": "select id from {{ source('raw', 't') }} where id < 4"})
    assert project.run(con).ok
    assert rows(con, "from b") == [(4,)]
    assert rows(con, "select node from run_results where status = 'fail'")


def test_a_test_that_warns_is_told_and_passes(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select 1 as id union all select 1")
    project.write({"models/a.yml": UNIQUE_ID.replace(
        "[unique]", "[{unique: {config: {severity: warn}}}]")})  # fmt: skip
    for expected in ("success", "unchanged"):
        outcome = project.run(con)
        assert outcome.ok
        assert statuses(outcome) == {"a": expected, "unique_a_id": "warn"}
    assert con.execute("select count(*) from run_results where status = 'warn'").fetchall() == [
        (1,)
    ]


def test_a_test_added_to_an_unchanged_model_runs(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select 1 as id union all select 1", b="select * from {{ ref('a') }}")
    assert project.run(con).ok
    project.write({"models/a.yml": UNIQUE_ID})
    outcome = project.run(con)
    assert statuses(outcome) == {"a": "unchanged", "unique_a_id": "fail", "b": "skipped"}


def test_broken_sql_names_the_line_of_the_source_not_of_the_output(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(
        a="{{ config(tags=['x']) }}\n\n{% set cs = ['id',\n   'grp'] %}\nselect\n"
        "{% for c in cs %}\n    {{ c }},\n{% endfor %}\n    no_such_column as z\n"
        "from {{ source('raw', 't') }}\n",
        b="select 1 as x",
    )
    outcome = project.run(con)
    assert statuses(outcome) == {"a": "error", "b": "success"}
    message = message_of(outcome, "a")
    assert message.startswith("models/a.sql:9: ")
    assert "no_such_column" in message
    assert kinds(con) == {"b": "BASE TABLE"}


def test_what_is_not_there_yet_is_told_before_anything_is_tried(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select 1 as id", b="select * from {{ ref('a') }}")
    assert "select it too (+b)" in message_of(project.run(con, select=["b"]), "b")
    assert project.run(con, select=["+b"]).ok
    con.execute("drop table raw.t")
    project.write({"models/a.sql": "select * from {{ source('raw', 't') }}"})
    assert 'the source table "raw"."t" is not in the warehouse' in message_of(project.run(con), "a")


def test_an_error_in_an_ephemeral_model_names_that_model(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(
        e="{{ config(materialized='ephemeral') }}\nselect\n    nope\nfrom {{ source('raw', 't') }}",
        a="with x as (\n    select * from {{ ref('e') }}\n)\nselect * from x",
    )
    assert message_of(project.run(con), "a").startswith("models/e.sql:3: ")


INCREMENTAL = """\
{{{{ config(materialized='incremental'{more}) }}}}
select id, grp from {{{{ source('raw', 't') }}}}
{{% if is_incremental() %}}
where id >= (select max(id) from {{{{ this }}}})
{{% endif %}}
"""


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
    expected: Rows,
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


def test_a_failing_test_takes_the_added_rows_back(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a=INCREMENTAL.format(more=""))
    project.write({"models/a.yml": UNIQUE_ID})
    assert project.run(con).ok
    before = rows(con, "from a")
    con.execute("insert into raw.t values (10, 1)")
    assert statuses(project.run(con))["a"] == "error"
    assert rows(con, "from a") == before


def test_an_incremental_model_that_loses_a_column_says_so(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(
        a="{{ config(materialized='incremental') }} select id, grp from {{ source('raw', 't') }}"
    )
    assert project.run(con).ok
    project.write(
        {
            "models/a.sql": "{{ config(materialized='incremental') }}\n"
            "select id from {{ source('raw', 't') }}"
        }
    )
    assert "--full-refresh" in message_of(project.run(con), "a")


def test_a_build_whose_row_is_not_on_record_afterwards_is_an_error(
    con: duckdb.DuckDBPyConnection,
    folder: Callable[..., ProjectFolder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lose(*arguments: object) -> None:
        """Write nothing, as a disk that lies."""

    project = folder(a="select 1 as id", b="select * from {{ ref('a') }}")
    monkeypatch.setattr(steps, "write_row", lose)
    outcome = project.run(con)
    assert statuses(outcome) == {"a": "error", "b": "skipped"}
    assert "run_results holds no row for it" in message_of(outcome, "a")


def test_a_table_may_become_a_view_and_back(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select 1 as id", b="select * from {{ ref('a') }}")
    for kind, found in (("table", "BASE TABLE"), ("view", "VIEW"), ("table", "BASE TABLE")):
        project.write({"models/a.sql": f"{{{{ config(materialized='{kind}') }}}} select 1 as id"})
        assert project.run(con).ok
        assert kinds(con)["a"] == found


def test_a_table_that_no_model_made_is_not_overwritten(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    con.execute("create table a as select 'mine' as owner")
    outcome = folder(a="select 1 as id").run(con)
    assert "not made by this model" in message_of(outcome, "a")
    assert rows(con, "from a") == [("mine",)]


def test_a_table_that_was_dropped_is_built_again(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select 1 as id")
    assert project.run(con).ok
    con.execute("drop table a")
    assert statuses(project.run(con)) == {"a": "success"}


@pytest.mark.parametrize(
    ("types", "what"),
    [
        (("bigint", "int64"), None),
        (("bigint", "varchar"), "grp: BIGINT, promised VARCHAR"),
        (("bigint", None), "the column 'grp' has no data_type"),
        (("bigint", "nonsense"), "'nonsense' is not a data type"),
    ],
)
@pytest.mark.parametrize("kind", ["table", "view"])
def test_contracts(
    con: duckdb.DuckDBPyConnection,
    folder: Callable[..., ProjectFolder],
    kind: str,
    types: tuple[str, str | None],
    what: str | None,
) -> None:
    columns = "".join(
        f"      - name: {name}\n" + (f"        data_type: {held}\n" if held else "")
        for name, held in zip(("id", "grp"), types, strict=True)
    )
    project = folder(
        a=f"{{{{ config(materialized='{kind}') }}}}\n"
        "select grp, id from {{ source('raw', 't') }}"
    )
    head = "models:\n  - name: a\n    config: {contract: {enforced: true}}\n    columns:\n"
    project.write({"models/a.yml": head + columns})
    outcome = project.run(con)
    if what is None:
        assert outcome.ok
        return
    assert not outcome.ok
    message = message_of(outcome, "a")
    assert message.startswith("models/a.yml:2: ")
    assert what in message
    assert kinds(con) == {}


def test_a_test_of_two_models_waits_for_both(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select 1 as id", b="select 2 as id", c="select * from {{ ref('a') }}")
    project.write({
        "sql/checks/apart.sql": "select * from {{ ref('a') }} join {{ ref('b') }} using (id)",
        "sql/checks/in_line.sql": "from {{ ref('a') }} anti join {{ ref('c') }} using(id)",
    })  # fmt: skip
    outcome = project.run(con, threads=2)
    order = [result.name for result in outcome.results]
    assert outcome.ok
    assert order.index("apart") > max(order.index("a"), order.index("b"))
    # a comes before c on a path, so the check runs on c before it is committed.
    project.write({"models/c.sql": "select 5 as id from {{ ref('a') }}"})
    outcome = project.run(con)
    assert statuses(outcome)["in_line"] == "fail"
    assert statuses(outcome)["c"] == "error"
    assert rows(con, "from c") == [(1,)]


def test_a_failing_source_test_keeps_its_models_from_being_built(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(a="select id from {{ source('raw', 't') }}", b="select 1 as x")
    project.write({"models/_sources.yml": (
        "sources:\n  - name: raw\n    tables:\n      - name: t\n        columns:\n"
        "          - {name: grp, data_tests: [unique]}\n"
    )})  # fmt: skip
    assert statuses(project.run(con)) == {
        "source_unique_raw_t_grp": "fail", "a": "skipped", "b": "success",
    }  # fmt: skip
    assert statuses(project.run(con, "run")) == {"a": "success", "b": "unchanged"}


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


def test_the_reporter_hears_of_every_node_and_prepare_registers_functions(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    class Listener:
        def __init__(self) -> None:
            self.heard: list[str] = []

        def started(self, unique_id: str) -> None:
            self.heard.append(f"started {unique_id}")

        def finished(self, result: NodeResult) -> None:
            self.heard.append(f"{result.status} {result.unique_id}")

    def prepare(connection: duckdb.DuckDBPyConnection) -> None:
        def twice(x: int) -> int:
            return 2 * x

        connection.create_function("twice", twice, ["BIGINT"], "BIGINT")

    listener = Listener()
    project = folder(a="select twice(id) as id from {{ source('raw', 't') }} where id = 4")
    assert project.run(con, prepare=prepare, reporter=listener).ok
    assert rows(con, "from a") == [(8,)]
    assert listener.heard == ["started model.small.a", "success model.small.a"]


def test_a_model_that_writes_is_refused_before_anything_runs(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    project = folder(
        a="select 1 as id", b="with x as (\ndelete from raw.t returning *\n) select * from x"
    )
    with pytest.raises(ProjectError, match=r"^models/b.sql:2: "):
        project.run(con)
    assert kinds(con) == {}
    assert rows(con, "select count(*) from raw.t") == [(10,)]


@pytest.mark.parametrize(
    ("text", "types", "what"),
    [
        ("id,name\n1\n", "", "s.csv"),
        ("id,id\n1,2\n", "", "is there twice"),
        ("", "", "names of its columns"),
        ("id\nx\n", "{id: integer}", "s.csv"),
        ("id\n1\n", "{idd: integer}", "Did you mean id"),
    ],
)
def test_bad_seeds_are_refused(
    con: duckdb.DuckDBPyConnection,
    folder: Callable[..., ProjectFolder],
    text: str,
    types: str,
    what: str,
) -> None:
    project = folder(a="select 1 as x")
    config = f"seeds:\n  small:\n    +column_types: {types}\n" if types else ""
    project.write({"data/seeds/s.csv": text, "dbt_project.yml": PROJECT + config})
    try:
        told = message_of(project.run(con), "s")
    except ProjectError as error:
        told = str(error)
    assert told.startswith("data/seeds/s.csv")
    assert what in told
    assert "s" not in kinds(con)
