"""What a test or a model that fails leaves, and what it says."""

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
    message_of,
    rows,
    statuses,
)

from varhouse.errors import ProjectError
from varhouse.runner import steps


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
    monkeypatch.setattr(steps, "write_rows", lose)
    outcome = project.run(con)
    assert statuses(outcome) == {"a": "error", "b": "skipped"}
    assert "run_results holds no row for it" in message_of(outcome, "a")


def test_a_table_that_no_model_made_is_not_overwritten(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    con.execute("create table a as select 'mine' as owner")
    outcome = folder(a="select 1 as id").run(con)
    assert "not made by this model" in message_of(outcome, "a")
    assert rows(con, "from a") == [("mine",)]


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


def test_a_table_read_past_the_model_that_is_referred_to_is_refused(
    con: duckdb.DuckDBPyConnection, folder: Callable[..., ProjectFolder]
) -> None:
    # c would not be built again when a alone changed
    project = folder(
        a="select 1 as x", b="select x from {{ ref('a') }}",
        c="select b.x from {{ ref('b') }} as b inner join main.a on a.x = b.x",
    )  # fmt: skip
    with pytest.raises(
        ProjectError, match=r"models/c\.sql:1: .*the table main\.a, which the model"
    ):
        project.run(con)
    assert kinds(con) == {}


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
