"""Seeds alone: what runs with them on a fresh warehouse, and what waits for the models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.runner_projects import ProjectFolder, message_of, statuses

FILES = {
    "data/seeds/s.csv": "id\n1\n2\n",
    "data/seeds/other.csv": "id\n1\n2\n3\n",
    "data/seeds/s.yml": """
seeds:
  - name: s
    columns:
      - name: id
        data_tests:
          - unique
          - {name: s_in_other, relationships: {arguments: {to: ref('other'), field: id}}}
          - {name: s_in_a, relationships: {arguments: {to: ref('a'), field: id}}}
""",
    "models/a.sql": "select id from {{ ref('s') }}",
    "models/e.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('a') }}",
    "models/v.sql": "{{ config(materialized='view') }} select id from {{ source('raw', 't') }}",
    "models/a.yml": """
sources: [{name: raw, tables: [{name: t, columns: [{name: id, data_tests: [not_null]}]}]}]
models:
  - name: a
    columns: [{name: id, data_tests: [unique, not_null]}]
  - name: e
    columns: [{name: id, data_tests: [not_null]}]
unit_tests:
  - name: u
    model: a
    given: [{input: ref('s'), rows: [{id: 1}]}]
    expect: {rows: [{id: 1}]}
""",
    "sql/checks/seed_and_model.sql": "select s.id from {{ ref('s') }} as s anti join "
    "{{ ref('a') }} as a using (id)",
    "sql/checks/seed_alone.sql": "select id from {{ ref('s') }} where id > 9",
    "sql/checks/of_nothing.sql": "select 1 as x where false",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    yield connection
    connection.close()


def test_seeds_run_with_the_tests_that_read_seeds_alone(
    tmp_path: Path, con: duckdb.DuckDBPyConnection
) -> None:
    folder = ProjectFolder(tmp_path, FILES)
    for ended in ("success", "unchanged"):
        passed = "pass" if ended == "success" else ended
        outcome = folder.run(con, "seed")
        assert statuses(outcome) == {
            "s": ended, "other": ended, "unique_s_id": passed, "s_in_other": passed,
            "seed_alone": passed,
        }  # fmt: skip
        assert outcome.ok


def test_a_test_that_reads_an_unbuilt_table_says_which(
    tmp_path: Path, con: duckdb.DuckDBPyConnection
) -> None:
    folder = ProjectFolder(tmp_path, FILES)
    outcome = folder.run(con, "seed", select=["s"])
    assert statuses(outcome)["s"] == "error"
    assert message_of(outcome, "s_in_other") == (
        "data/seeds/s.yml:8: test s_in_other cannot run: other is not built yet; "
        "select it too (+s_in_other)."
    )
    assert folder.run(con, "seed", select=["+s_in_other"]).ok
    outcome = folder.run(con, "test")
    assert statuses(outcome)["unique_s_id"] == "pass"
    assert "a is not built yet; build it first" in message_of(outcome, "unique_a_id")
    # e is ephemeral: what is missing is the table that it reads.
    assert "a is not built yet; build it first" in message_of(outcome, "not_null_e_id")
    assert "load it first" in message_of(outcome, "source_not_null_raw_t_id")
