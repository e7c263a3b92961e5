"""The same folder under dbt-core and under our runner: same nodes, same SQL, same tables.

dbt lives in an environment of its own: ``.venv-dbt``, or where ``VARHOUSE_DBT`` names it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.runner_projects import ProjectFolder

from varhouse.runner import load_project, run_project
from varhouse.runner.gate import check_query
from varhouse.runner.graph import project_graph
from varhouse.runner.manifest import make_manifest
from varhouse.runner.sourcemap import MappedSql
from varhouse.udf import register_functions
from varhouse.warehouse import create_schema

REPO = Path(__file__).resolve().parents[2]

EVERYTHING = {
    "dbt_project.yml": """
name: small
version: "1.0"
config-version: 2
profile: small
model-paths: [models]
macro-paths: [sql/macros]
seed-paths: [data/seeds]
test-paths: [sql/checks]
models:
  small:
    +materialized: table
    +tags: all
    staging: {+materialized: view, +tags: [stg]}
seeds:
  small:
    codes: {+column_types: {code: varchar, weight: double}}
vars:
  cut: 3
  empty: null
  nested: {a: [1, 2], b: {c: "it's"}}
""",
    "data/seeds/codes.csv": 'code,weight,label\n001,0.5,a\n002,,"b, c"\n003,1e-3,\n',
    "sql/macros/one.sql": """
{% macro quoted(text) -%}
    '{{ text | replace("'", "''") }}'
{%- endmacro %}

{% macro limits() %}
    {% set found = [] %}
    {% for n in var('nested')['a'] %}
        {% if n > 1 %}{{ return(n * var('cut')) }}{% endif %}
    {% endfor %}
{% endmacro %}
""",
    "sql/macros/two.sql": """
{% macro columns(names) -%}
    {% for name in names -%}
    {{ name }} as {{ name }}_copy{{ "," if not loop.last }}
    {% endfor %}
{%- endmacro %}

{% macro both(x) %}({{ small.quoted(x) }} || {{ quoted(var('nested').b.c) }}){% endmacro %}

{% macro in_brackets() %}[{{ caller() }}]{% endmacro %}
""",
    "models/staging/stg_t.sql": """
-- a comment with {{ "jinja" }} in it
select
    id,
    grp,
    {{ both('x') }} as words
from {{ source('raw', 't') }}
where id < {{ limits() }}
""",
    "models/eph_one.sql": """
{{ config(materialized='ephemeral') }}
select id, {{ columns(['grp', 'words']) }} from {{ ref('stg_t') }}
""",
    "models/eph_two.sql": """
{{- config(materialized='ephemeral') -}}
with held as (select * from {{ ref('eph_one') }}) select *, id * 2 as twice from held
""",
    "models/marts/joined.sql": """
{%- set wanted = {'x': 1, 'y': 2.5} -%}
{{ config(tags=['joined'], meta={'owner': 'us'}) }}
with /* first */ pairs as (
    select e.id, c.label, e.twice
    from {{ ref('eph_two') }} as e
    inner join {{ ref('codes') }} as c on c.code = '00' || e.id
),

again as (select id from {{ ref('eph_one') }})

select
    pairs.*,
    {% for name, value in wanted.items() -%}
    {{ value }} as {{ name }},
    {% endfor -%}
    {{ var('nothing', 'null') }} as nothing,
    {{ 'null' if var('empty') is none else 1 }} as empty,
    '{{ target.name }} {{ target.schema }}' as target_name,
    {% call in_brackets() %}pairs.id{% endcall %} as listed
from pairs
inner join again on again.id = pairs.id
""",
    "models/marts/grown.sql": """
{{ config(materialized='incremental', unique_key='id') }}
select id, grp from {{ source('raw', 't') }}
{% if is_incremental() %}
where id >= (select max(id) from {{ this }})
{% endif %}
""",
    "models/marts/merged.sql": """
{{ config(materialized='incremental', unique_key=['id', 'half'], incremental_strategy='merge') }}
select id, id // 2 as half, grp from {{ source('raw', 't') }}
""",
    "models/marts/appended.sql": """
{{ config(materialized='incremental', incremental_strategy='append') }}
select id from {{ source('raw', 't') }}
""",
    "models/marts/off.sql": "{{ config(enabled=false) }} select 1 as x",
    "models/docs.md": "{% docs id_text %}\n\nThe *key*.\n\n{% enddocs %}\n",
    "models/schema.yml": """
version: 2
sources:
  - name: raw
    tables:
      - name: t
        description: '{{ doc("id_text") }}'
        columns: [{name: id, data_tests: [not_null]}]
models:
  - name: joined
    description: "{{ doc('id_text') }}"
    data_tests:
      - unique: {arguments: {column_name: "id || '/' || label"}}
    columns:
      - name: id
        description: '{{ doc("id_text") }}'
        data_tests:
          - unique
          - not_null: {config: {severity: warn, where: "id > {{ var('cut') }}"}}
          - accepted_values: {arguments: {values: [1, 2, 3], quote: false}}
          - relationships: {arguments: {to: ref('stg_t'), field: id}}
      - name: label
        data_tests:
          - accepted_values: {arguments: {values: [a, "b, c", "a much longer value than others"]}}
  - name: eph_one
    columns: [{name: id, data_tests: [unique]}]
  - name: grown
    config: {contract: {enforced: true}, on_schema_change: fail}
    columns:
      - {name: id, data_type: bigint}
      - {name: grp, data_type: bigint}
unit_tests:
  - name: twice_is_double
    model: stg_t
    overrides: {vars: {cut: 1}}
    given: [{input: "source('raw', 't')", rows: [{id: 1, grp: 5}, {id: 2}]}]
    expect: {rows: [{id: 1, grp: 5, words: "xit's"}]}
""",
    "sql/checks/nothing_negative.sql": "select * from {{ ref('joined') }}\nwhere id < 0\n",
    "sql/checks/warned.sql": "{{ config(severity='warn') }}\nselect * from {{ ref('stg_t') }}\n",
}


# How dbt-duckdb gets the functions that our own connections have.
PLUGIN = """
from dbt.adapters.duckdb.plugins import BasePlugin
from varhouse.udf import register_functions


class Plugin(BasePlugin):
    def configure_connection(self, conn):
        register_functions(conn)
"""


@pytest.fixture(scope="module")
def dbt() -> str:
    """The dbt executable, or a reason why there is none."""
    own = REPO / ".venv-dbt" / "bin" / "dbt"
    found = os.environ.get("VARHOUSE_DBT") or (str(own) if own.is_file() else shutil.which("dbt"))
    if not found:
        pytest.skip("dbt is not installed: neither VARHOUSE_DBT nor .venv-dbt has it")
    return found


def run_dbt(dbt: str, folder: Path, database: Path, *words: str) -> None:
    settings = (folder / "dbt_project.yml").read_text(encoding="utf-8")
    profile = settings.split("profile: ")[1].split()[0]
    (folder / "profiles.yml").write_text(
        f"{profile}:\n  target: warehouse\n  outputs:\n    warehouse:\n      type: duckdb\n"
        f"      path: {database}\n      schema: main\n      threads: 1\n"
        "      plugins: [{module: varhouse_plugin}]\n",
        encoding="utf-8",
    )
    (folder / "varhouse_plugin.py").write_text(PLUGIN, encoding="utf-8")
    environment = {
        **os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_PROFILES_DIR": str(folder),
        "PYTHONPATH": os.pathsep.join((str(folder), str(REPO / "py"))),
    }  # fmt: skip
    done = subprocess.run(
        [dbt, "--no-use-colors", *words, "--project-dir", str(folder)],
        capture_output=True, text=True, env=environment, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def tables(database: Path) -> dict[str, tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
    """Return columns and sorted rows of every table and view in main but our own records."""
    con = duckdb.connect(str(database))
    try:
        names = con.execute(
            "select table_name from information_schema.tables where table_schema = 'main'"
        ).fetchall()
        return {
            name: (
                [row[:2] for row in con.execute(f'describe "{name}"').fetchall()],
                con.execute(f'from "{name}" order by all').fetchall(),
            )
            for (name,) in names
            if name not in ("run_results", "load_manifest", "load_issues")
        }
    finally:
        con.close()


def same_sql(ours: str, theirs: str, catalog: str) -> bool:
    """Compare compiled SQL as syntax; dbt puts the database's name before every table."""
    theirs = theirs.replace(f'"{catalog}".', "")
    trees = [check_query(MappedSql.copied_from(text, "m.sql")).tree for text in (ours, theirs)]
    first, second = (tree.sql(dialect="duckdb", comments=False, normalize=True) for tree in trees)
    return first.replace('"', "") == second.replace('"', "")


def without_hash(unique_id: str) -> str:
    parts = unique_id.split(".")
    return ".".join(parts[:3]) if parts[0] == "test" else unique_id


def compare_manifests(ours: Mapping[str, Any], theirs: Mapping[str, Any], catalog: str) -> None:
    for part in ("nodes", "sources", "unit_tests"):
        mine = {without_hash(key): node for key, node in ours[part].items()}
        other = {without_hash(key): node for key, node in theirs[part].items()}
        assert sorted(mine) == sorted(other)
        for key, node in mine.items():
            twin = other[key]
            assert node["description"] == twin["description"], key
            if part != "unit_tests":
                assert sorted(node["tags"]) == sorted(twin["tags"]), key
            assert sorted(node["depends_on"]["nodes"]) == sorted(
                without_hash(each) for each in twin.get("depends_on", {}).get("nodes", [])
            ), key
            if part == "nodes":
                assert node["fqn"] == twin["fqn"] or node["resource_type"] == "test", key
                assert node["config"]["materialized"] == twin["config"]["materialized"], key
                assert {name: held["description"] for name, held in node["columns"].items()} == {
                    name: held["description"] for name, held in twin["columns"].items()
                }, key
            if node.get("resource_type") == "model" and twin.get("compiled_code"):
                assert same_sql(node["compiled_code"], twin["compiled_code"], catalog), key


def both_manifests(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    project = load_project(folder)
    ours = make_manifest(project, project_graph(project))
    theirs = json.loads((folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    return ours, theirs


def test_a_project_that_uses_the_whole_subset(dbt: str, tmp_path: Path) -> None:
    folder = ProjectFolder(tmp_path / "project", EVERYTHING)
    databases = {"ours": tmp_path / "ours.duckdb", "dbt": tmp_path / "dbt.duckdb"}
    steps = [
        [
            "create schema raw",
            "create table raw.t as select i as id, i % 3 as grp from range(9) t(i)",
        ],
        ["update raw.t set grp = 7 where id = 8", "insert into raw.t values (9, 1), (10, 2)"],
    ]
    for number, step in enumerate(steps):
        for name, database in databases.items():
            con = duckdb.connect(str(database))
            for statement in step:
                con.execute(statement)
            if name == "ours":
                assert run_project(folder.load(), con, command="build").ok
            con.close()
        run_dbt(dbt, folder.path, databases["dbt"], "build")
        assert tables(databases["ours"]) == tables(databases["dbt"])
        if number == 0:
            compare_manifests(*both_manifests(folder.path), catalog="dbt")


def test_the_shipped_project(dbt: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    for name in ("models", "sql/macros", "sql/checks", "data/seeds"):
        shutil.copytree(REPO / name, folder / name)
    shutil.copyfile(REPO / "dbt_project.yml", folder / "dbt_project.yml")
    databases = {"ours": tmp_path / "ours.duckdb", "dbt": tmp_path / "dbt.duckdb"}
    for name, database in databases.items():
        con = duckdb.connect(str(database))
        create_schema(con)
        register_functions(con)
        if name == "ours":
            assert run_project(load_project(folder), con, command="build").ok
        con.close()
    run_dbt(dbt, folder, databases["dbt"], "build")
    assert tables(databases["ours"]) == tables(databases["dbt"])
    compare_manifests(*both_manifests(folder), catalog="dbt")
