"""What a project may hold, what it adds up to, and how everything else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runner_projects import PROJECT, ProjectFolder

from varhouse.errors import ProjectError, UsageError
from varhouse.runner import load_project

MODEL = "select 1 as id\n"


def test_configs_add_up_from_the_project_to_the_model(tmp_path: Path) -> None:
    project = ProjectFolder(
        tmp_path,
        {
            "dbt_project.yml": PROJECT + "    +tags: everywhere\n    staging:\n"
            "      +materialized: view\n      +tags: [stg]\n",
            "models/staging/a.sql": "{{ config(tags=['own']) }}\nselect 1 as id\n",
            "models/staging/b.sql": "{{ config(materialized='ephemeral') }}\nselect 1 as id\n",
            "models/c.sql": MODEL,
            "models/models.yml": "models:\n  - name: a\n    config: {tags: [yml]}\n",
        },
    ).load()
    assert project.model("a").materialized == "view"
    assert project.model("a").tags == ("everywhere", "stg", "yml", "own")
    assert project.model("b").materialized == "ephemeral"
    assert project.model("c").materialized == "table"


def test_a_model_without_any_config_is_a_view_as_in_dbt(tmp_path: Path) -> None:
    files = {"dbt_project.yml": "name: small\nprofile: small\n", "models/a.sql": MODEL}
    assert ProjectFolder(tmp_path, files).load().model("a").materialized == "view"


def test_vars_of_the_command_line_win_over_those_of_the_project(tmp_path: Path) -> None:
    folder = ProjectFolder(
        tmp_path,
        {
            "dbt_project.yml": PROJECT
            + "vars:\n  a: 1\n  b: {x: [1, 2]}\n  c: null\n  small:\n    d: own\n",
            "models/m.sql": MODEL,
        },
    )
    assert folder.load(a=2).vars == {"a": 2, "b": {"x": [1, 2]}, "c": None, "d": "own"}


def test_docs_blocks_fill_descriptions(tmp_path: Path) -> None:
    project = ProjectFolder(
        tmp_path,
        {
            "models/a.sql": MODEL,
            "models/docs.md": "text\n{% docs id %}\nThe key.\n{% enddocs %}\n",
            "models/a.yml": "models:\n  - name: a\n    description: plain\n    columns:\n"
            "      - {name: id, description: '{{ doc(\"id\") }}', data_type: integer}\n",
        },
    ).load()
    assert project.model("a").description == "plain"
    assert project.model("a").columns["id"].description == "The key."
    assert project.model("a").columns["id"].data_type == "integer"


def test_tests_carry_the_names_that_dbt_gives_them(tmp_path: Path) -> None:
    project = ProjectFolder(
        tmp_path,
        {
            "models/a.sql": MODEL,
            "models/b.sql": MODEL,
            "models/a.yml": """
sources:
  - name: raw
    tables:
      - name: t
        columns: [{name: x, data_tests: [not_null]}]
models:
  - name: a
    data_tests:
      - unique: {column_name: "id || '-' || id"}
    columns:
      - name: id
        data_tests:
          - unique
          - accepted_values: {values: [1, 2], quote: false}
          - relationships: {arguments: {to: ref('b'), field: id}}
          - not_null: {name: id_is_there, config: {severity: warn}}
""",
        },
    ).load()
    # The names that dbt-core 1.11 gives to the same file.
    assert sorted(node.name for node in project.of_type("test")) == [
        "accepted_values_a_id__False__1__2",
        "id_is_there",
        "relationships_a_id__id__ref_b_",
        "source_not_null_raw_t_x",
        "unique_a_id",
        "unique_a_id_id",
    ]
    by_name = {node.name: node for node in project.of_type("test")}
    assert by_name["id_is_there"].severity == "warn"
    assert by_name["relationships_a_id__id__ref_b_"].refs == ["model.small.a", "model.small.b"]


@pytest.mark.parametrize(
    ("files", "where", "what"),
    [
        ({"models/a.sql": "select *\nfrom {{ ref('stg_gene') }}\n", "models/stg_genes.sql": MODEL},
         "models/a.sql:2:", "Did you mean stg_genes"),
        ({"models/a.sql": "select *\nfrom {{ source('raw', 't') }}\n"},
         "models/a.sql:2:", "no yml file declares it"),
        ({"models/a.sql": "\n{{ run_query('select 1') }}\n"},
         "models/a.sql:2:", "'run_query' is not available"),
        ({"models/a.sql": "select {{ dbt_utils.star('x') }}\n"},
         "models/a.sql:1:", "packages are not available"),
        ({"models/a.sql": "select\n{{ adapter.dispatch('x') }}\n"},
         "models/a.sql:2:", "'adapter' is not available"),
        ({"models/a.sql": "select\n\n{{ var('nope') }} as x\n"},
         "models/a.sql:3:", "var('nope') is not set"),
        ({"models/a.sql": "select\n{{ env_var('NOPE_NOPE') }} as x\n"},
         "models/a.sql:2:", "environment variable is not set"),
        ({"models/a.sql": "select {{ 'a' \n"}, "models/a.sql:", "not a Jinja template"),
        ({"models/a.sql": "{{ config(materialized='snapshot') }} select 1\n"},
         "models/a.sql:1:", "wanted one of table, view, ephemeral, incremental"),
        ({"models/a.sql": "\n{{ config(pre_hook='select 1') }} select 1\n"},
         "models/a.sql:2:", "Hooks are not supported"),
        ({"models/a.sql": "{{ config(schema='x') }} select 1\n"},
         "models/a.sql:1:", "goes to the schema main"),
        ({"models/a.sql": "{% macro m() %}{% endmacro %}select 1\n"},
         "models/a.sql:1:", "a macro is defined in a model"),
        ({"models/a.sql": "select {{ ref('a') }}\n"}, "models/a.sql:1:", "refers to itself"),
        ({"models/a.sql": MODEL, "models/x/a.sql": MODEL}, "models/x/a.sql", "defined already"),
        ({"models/a.sql": MODEL, "data/seeds/a.csv": "x\n1\n"},
         "data/seeds/a.csv", "defined already"),
        ({"models/a b.sql": MODEL}, "models/a b.sql", "not a plain word"),
        ({"sql/macros/m.sql": "\n{% macro m() %}{{ nope() }}{% endmacro %}"},
         "sql/macros/m.sql:2:", "'nope' is not available"),
        ({"sql/macros/m.sql": "{% macro m() %}{% endmacro %}",
          "sql/macros/n.sql": "\n{% macro m() %}{% endmacro %}"},
         "sql/macros/n.sql:2:", "defined already, in sql/macros/m.sql:1"),
        ({"sql/macros/m.sql": "\n{% set x = 1 %}"}, "sql/macros/m.sql:2:", "only macros"),
        ({"models/y.yml": "models:\n  - name: nope\n"}, "models/y.yml:2:", "no model file"),
        ({"models/y.yml": "snapshots: []\n"}, "models/y.yml:1:", "Snapshots are not supported"),
        ({"models/y.yml": "modles: []\n"}, "models/y.yml:1:", "Did you mean models"),
        ({"models/y.yml": "models: [\n"}, "models/y.yml:", "not YAML"),
        ({"models/y.yml": "models:\n  - name: a\n    name: b\n"}, "models/y.yml:3:", "given twice"),
        ({"models/a.sql": MODEL,
          "models/y.yml": "models:\n  - name: a\n    columns:\n      - name: id\n"
                          "        data_tests:\n          - uniqe\n"},
         "models/y.yml:6:", "Did you mean unique"),
        ({"models/a.sql": MODEL,
          "models/y.yml": "models:\n  - name: a\n    columns:\n      - name: id\n"
                          "        data_tests:\n          - accepted_values: {quote: true}\n"},
         "models/y.yml:6:", "the argument 'values' is missing"),
        ({"models/a.sql": MODEL,
          "models/y.yml": "models:\n  - name: a\n    columns:\n      - name: id\n"
                          "        data_tests:\n          - relationships:\n"
                          "              arguments: {to: ref('b'), field: id}\n"},
         "models/y.yml:6:", "no such model or seed"),
        ({"models/a.sql": MODEL,
          "models/y.yml": "models:\n  - name: a\n    description: '{{ doc(\"nope\") }}'\n"},
         "models/y.yml:3:", "no such docs block"),
        ({"models/a.sql": MODEL,
          "models/y.yml": "unit_tests:\n  - name: u\n    model: b\n    expect: {rows: []}\n"},
         "models/y.yml:3:", "no model is called 'b'"),
        ({"models/a.sql": MODEL, "models/y.yml": "models:\n  - name: a\n    tags: [x]\n"},
         "models/y.yml:3:", "only under config"),
        ({"models/y.yml": "sources:\n  - name: s\n    tags: x\n"},
         "models/y.yml:3:", "'tags' is a text, wanted a list"),
        ({"models/a.sql": MODEL,
          "models/y.yml": "models:\n  - name: a\n    columns:\n      - name: id\n"
                          "        data_tests: [unique]\n        tests: [not_null]\n"},
         "models/y.yml:6:", "tests and data_tests, which are the same"),
        ({"models/a.sql": MODEL,
          "models/y.yml": "models:\n  - name: a\n    columns:\n      - name: id\n"
                          "        data_tests:\n          - unique\n"
                          "          - unique: {config: {severity: warn}}\n"},
         "models/y.yml:7:", "the same test stands already at models/y.yml:6"),
        ({"models/a.sql": MODEL,
          "models/y.yml": "models:\n  - name: a\n    columns:\n      - name: id\n"
                          "        quote: true\n"},
         "models/y.yml:5:", "write the quotes into its name"),
        ({"models/a.sql": MODEL,
          "models/y.yml": "unit_tests:\n  - name: u\n    model: a\n    tags: [x]\n"},
         "models/y.yml:4:", "only under config"),
        ({"dbt_project.yml": "profile: small\n"}, "dbt_project.yml:1:", "'name' is missing"),
        ({"dbt_project.yml": PROJECT + "on-run-start: x\n"}, "dbt_project.yml:8:", "Hooks"),
        ({"dbt_project.yml": PROJECT + "    +materialised: view\n"},
         "dbt_project.yml:8:", "materialized"),
        ({"dbt_project.yml": PROJECT + "    stagin: view\n"},
         "dbt_project.yml:8:", "neither a folder"),
        ({"dbt_project.yml": PROJECT + "model-paths: ['../elsewhere']\n"},
         "dbt_project.yml:8:", "outside the project folder"),
    ],
)  # fmt: skip
def test_what_is_outside_the_subset_is_refused_with_its_place(
    tmp_path: Path, files: dict[str, str], where: str, what: str
) -> None:
    folder = ProjectFolder(tmp_path, files)
    with pytest.raises(ProjectError) as error:
        folder.load()
    assert str(error.value).startswith(where)
    assert what in str(error.value)


def test_tests_carry_the_tags_of_their_column_and_source_and_of_no_model(tmp_path: Path) -> None:
    project = ProjectFolder(
        tmp_path,
        {
            "models/a.sql": "{{ config(tags='of_a') }} select 1 as id",
            "models/x/a.yml": """
sources:
  - name: s
    schema: "{{ var('where', 'raw') }}"
    config: {tags: of_s, meta: {n: 1}}
    tables:
      - name: t
        config: {tags: [of_t], meta: {m: 2}}
        columns: [{name: id, config: {tags: [of_id]}, data_tests: [unique]}]
  - name: gone
    config: {enabled: false}
    tables: [{name: t}]
models:
  - name: a
    columns:
      - name: id
        tags: [of_id]
        data_tests: [{unique: {description: Once., config: {tags: own}}}]
unit_tests:
  - {name: u, model: a, config: {tags: of_u}, given: [], expect: {rows: []}}
""",
        },
    ).load(where="elsewhere")
    # As dbt-core 1.11 has them in its manifest.
    by_name = {node.name: node for node in project.nodes.values()}
    assert {name: node.tags for name, node in by_name.items()} == {
        "a": ("of_a",),
        "t": ("of_s", "of_t"),
        "source_unique_s_t_id": ("of_s", "of_t", "of_id"),
        "unique_a_id": ("of_id", "own"),
        "u": ("of_u",),
    }
    assert by_name["t"].config["meta"] == {"n": 1, "m": 2}
    assert str(by_name["t"].relation) == '"elsewhere"."t"'
    assert by_name["unique_a_id"].fqn == ("small", "x", "unique_a_id")
    assert by_name["unique_a_id"].description == "Once."


def test_a_folder_without_a_project_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="varhouse init"):
        load_project(tmp_path)


def test_a_disabled_model_takes_its_tests_along_and_cannot_be_read(tmp_path: Path) -> None:
    files = {
        "models/a.sql": "{{ config(enabled=false) }}\nselect 1 as id\n",
        "models/a.yml": "models:\n  - name: a\n    columns:\n      - {name: id, tests: [unique]}\n",
        "models/b.sql": MODEL,
    }
    assert list(ProjectFolder(tmp_path / "ok", files).load().nodes) == ["model.small.b"]
    with pytest.raises(ProjectError, match=r"models/c.sql:2: .*disabled"):
        ProjectFolder(
            tmp_path / "bad", {**files, "models/c.sql": "select *\nfrom {{ ref('a') }}"}
        ).load()


def test_a_configured_folder_without_models_is_told(tmp_path: Path) -> None:
    files = {
        "dbt_project.yml": PROJECT + "    stagign:\n      +materialized: view\n",
        "models/staging/a.sql": MODEL,
    }
    assert ProjectFolder(tmp_path, files).load().warnings == [
        "dbt_project.yml:8: no model is in stagign; its configuration is not used."
    ]


def test_a_var_that_nothing_asks_for_is_refused(tmp_path: Path) -> None:
    folder = ProjectFolder(
        tmp_path,
        {
            "dbt_project.yml": PROJECT + "vars:\n  least_score: 1\n",
            "sql/macros/m.sql": "{% macro least(name) %}{{ var('v_' ~ name, 1) }}{% endmacro %}",
            "models/m.sql": "select {{ least('a') }} as a, '{{ var(\"label\", \"x\") }}' as b"
            "{% if false %}, {{ var('hidden') }} as c{% endif %}",
        },
    )
    for name in ("least_score", "v_a", "label", "hidden"):
        assert folder.load(**{name: 2}).cli_vars == {name: 2}
    with pytest.raises(UsageError, match=r"--vars least_scor: .* Did you mean least_score\?"):
        folder.load(least_scor=2)
