"""What a run says holds no data: errors of the database keep their sense, not their values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.runner_projects import ProjectFolder, message_of

from varhouse.errors import ModelError
from varhouse.runner.manifest import make_run_results
from varhouse.runner.show import preview

# Values as a careless message would quote them: an id, one with a quote in it, a rare number.
SECRETS = ("D-7731", "it's D-7731", "773177317731")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("create schema raw; create table raw.t (donor varchar, n bigint)")
    for donor in SECRETS:
        connection.execute("insert into raw.t values (?, 773177317731)", [donor])
    yield connection
    connection.close()


def folder(tmp_path: Path, select: str, **files: str) -> ProjectFolder:
    """Return a project with one model: ``select ... from raw.t``."""
    return ProjectFolder(
        tmp_path,
        {
            "models/a.sql": f"\nselect {select}\nfrom {{{{ source('raw', 't') }}}}\n",
            "models/s.yml": "sources: [{name: raw, tables: [{name: t}]}]",
            **files,
        },
    )


@pytest.mark.parametrize(
    ("select", "place", "kept"),
    [
        ("donor::int as x", "2", ("Conversion Error", "INT32", "column donor")),
        ("cast(donor as date) as x", "2", ("Conversion Error", "date", "column donor")),
        ("donor::timestamp as x", "2", ("timestamp", "column donor")),
        ("donor::int[] as x", "2", ("INTEGER[]", "column donor")),
        ("donor::json as x", "2", ("Malformed JSON", "column donor")),
        ("donor::enum('a', 'b') as x", "2", ("ENUM", "column donor")),
        ("n::tinyint as x", "2", ("out of range", "INT8", "column n")),
        ("n::decimal(4, 2) as x", "2", ("DECIMAL(4,2)", "column n")),
        ("n * 1000000000000 as x", "", ("Out of Range Error", "multiplication of INT64")),
        ("strptime(donor, '%Y') as x", "", ("Could not parse string",)),
        ("date_part(donor, date '2020-01-01') as x", "", ("Conversion Error", "left out")),
        ("regexp_matches('a', donor || '(') as x", "", ("Invalid Input Error", "left out")),
        ("error('no covariates for ' || donor) as x", "", ("Invalid Input Error", "left out")),
        ("error('a text of the model') as x", "", ("Invalid Input Error: a text of the model",)),
        ("map([n, n], [1, 2]) as x", "", ("Map keys must be unique",)),
        ("donr as x", "2", ("Binder Error", '"donr"', '"donor"')),
        ("nope(donor) as x", "2", ("Catalog Error", "nope")),
        ("fails(donor) as x", "", ("a Python function raised ValueError",)),
    ],
)
def test_errors_of_models_keep_class_place_and_columns_but_no_values(
    tmp_path: Path,
    con: duckdb.DuckDBPyConnection,
    select: str,
    place: str,
    kept: tuple[str, ...],
) -> None:
    def fails(donors: object) -> object:
        raise ValueError(f"donor {donors}")

    con.create_function("fails", fails, ["VARCHAR"], "DOUBLE", type="arrow")  # type: ignore[arg-type]
    project = folder(tmp_path, select)
    outcome = project.run(con)
    message = message_of(outcome, "a")
    assert message.startswith(f"models/a.sql:{place}")
    for part in kept:
        assert part in message
    loaded = project.load()
    with pytest.raises(ModelError) as error:
        preview(loaded, con, loaded.model("a"), limit=20)
    stored = con.execute("select message from run_results").fetchall()
    told = [message, str(error.value), str(stored)]
    told.append(json.dumps(make_run_results(project.load(), outcome, {}), default=str))
    for text in told:
        # Run ids and times have digits too: four of them may be there by chance.
        assert "D-7731" not in text
        assert "77317731" not in text


def test_a_constraint_that_breaks_names_the_column_not_the_value(
    tmp_path: Path, con: duckdb.DuckDBPyConnection
) -> None:
    project = folder(tmp_path, "donor", **{
        "models/a.sql": "{{ config(materialized='incremental') }}\n"
        "select donor from {{ source('raw', 't') }}"})  # fmt: skip
    assert project.run(con).ok
    # An index that somebody added: the rows that a second build appends break it.
    con.execute("create unique index by_donor on a (donor)")
    con.execute("insert into raw.t values ('D-7731', 1)")
    message = message_of(project.run(con), "a")
    assert message.startswith("models/a.sql: Constraint Error: Duplicate key donor: …")
    assert "7731" not in message


def test_a_test_that_cannot_run_and_one_that_fails_quote_no_values(
    tmp_path: Path, con: duckdb.DuckDBPyConnection
) -> None:
    model = "select donor, n from {{ source('raw', 't') }}"
    project = folder(tmp_path, "donor, n", **{
        "models/b.sql": model,
        "models/c.sql": model,
        "models/c.yml": "models: [{name: c, columns: [{name: n, data_tests: [unique]}]}]",
        "sql/checks/cast.sql": "select donor::int as x from {{ ref('a') }}\nwhere x > 1",
        "sql/checks/rows.sql": "select * from {{ ref('b') }}",
    })  # fmt: skip
    outcome = project.run(con)
    assert "1:" in message_of(outcome, "cast")
    assert "column donor" in message_of(outcome, "cast")
    assert "3 failing rows" in message_of(outcome, "rows")
    assert "1 failing row" in message_of(outcome, "unique_c_n")
    assert "7731" not in " ".join(result.message for result in outcome.results)


@pytest.mark.parametrize(
    ("text", "config", "kept"),
    [
        ("1,a\nD-7731,b\n", "{id: integer, x: varchar}", 'CSV line 3: the value in column "id"'),
        ("1,a\n2,b,D-7731\n", "{id: integer, x: varchar}", "CSV line 3: 3 columns, wanted 2"),
    ],
)
def test_a_seed_that_cannot_be_read_names_the_line_not_the_value(
    tmp_path: Path, con: duckdb.DuckDBPyConnection, text: str, config: str, kept: str
) -> None:
    project = folder(tmp_path, "1 as x", **{
        "data/seeds/s.csv": f"id,x\n{text}",
        "data/seeds/s.yml": f"seeds: [{{name: s, config: {{column_types: {config}}}}}]",
    })  # fmt: skip
    message = message_of(project.run(con), "s")
    assert message.startswith("data/seeds/s.csv: the seed cannot be read: ")
    assert kept in message
    assert "7731" not in message
