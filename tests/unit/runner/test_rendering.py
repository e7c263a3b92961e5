"""Templates mean what they mean in dbt, and every part of the output knows its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runner_projects import PROJECT, ProjectFolder

from varhouse.errors import ProjectError
from varhouse.runner.compile import Compiler

MACROS = """\
{% macro shout(text) %}{{ return(text | upper) }}{% endmacro %}

{% macro pick(flag) %}
    {% if flag %}{{ return(['a', 'b']) }}{% endif %}
    {{ return(none) }}
{% endmacro %}

{% macro plain(x) -%}
    ({{ x }})
{%- endmacro %}
"""
MORE_MACROS = """\
{% macro outer(x) -%}
    {{ plain(shout(x)) }} + {{ small.plain(1) }}
{%- endmacro %}

{% macro wrapped() -%}
    [{{ caller() }}]
{%- endmacro %}
"""


def rendered(tmp_path: Path, sql: str, **vars: object) -> str:
    project = ProjectFolder(
        tmp_path,
        {
            "dbt_project.yml": PROJECT + "vars:\n  n: 3\n  nested: {k: [x, y]}\n  nothing: null\n",
            "sql/macros/a.sql": MACROS,
            "sql/macros/b.sql": MORE_MACROS,
            "models/other.sql": "select 1 as id",
            "models/eph.sql": "{{ config(materialized='ephemeral') }}\nselect 2 as id",
            "models/m.sql": sql,
            "models/m.yml": (
                "sources: [{name: raw, tables: [{name: t}, {name: u, identifier: U 1}]}]"
            ),
        },
    ).load(**vars)
    return Compiler(project).compile(project.model("m")).text


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ ref('other') }}", '"main"."other"'),
        ("{{ ref('small', 'other') }}", '"main"."other"'),
        ("{{ ref('other').identifier }} {{ this.schema }}", "other main"),
        ("{{ source('raw', 't') }} {{ source('raw', 'u') }}", '"raw"."t" "raw"."U 1"'),
        ("{{ this }}", '"main"."m"'),
        ("{{ var('n') + 1 }} {{ var('nested')['k'][1] }} {{ var('zz', 5) }}", "4 y 5"),
        ("{{ var('nothing') is none }} {{ var('zz', none) is none }}", "True True"),
        ("{{ var.has_var('n') }} {{ var.has_var('zz') }}", "True False"),
        ("{{ shout('x') }} {{ pick(true)[0] }} {{ pick(false) is none }}", "X a True"),
        ("{{ outer('x') }}", "(X) + (1)"),
        ("{% call wrapped() %}in{{ var('n') }}{% endcall %}", "[in3]"),
        ("{{ config(tags=['x']) }}a{{ config.get('materialized') }}", "atable"),
        ("{{ env_var('SMALL_ENV') }} {{ env_var('ZZ_ZZ', 'd') }}", "from the environment d"),
        ("{{ target.name }} {{ target.schema }} {{ target.type }}", "warehouse main duckdb"),
        ("{% if is_incremental() %}a{% else %}b{% endif %}", "b"),
        ("{% set x %}{{ shout('y') }}{% endset %}{{ x ~ (x == 'Y') }}", "YTrue"),
        ("{% for i in range(3) %}{{ i }}{% if not loop.last %},{% endif %}{% endfor %}", "0,1,2"),
        ("{% set n = namespace(x=[]) %}{% for i in [1, 2] %}{% set n.x = n.x + [i] %}{% endfor %}"
         "{{ n.x | join('-') }}", "1-2"),
        ("{% set l = [] %}{% do l.append(1) %}{% do l.extend([2]) %}{{ l | join('-') }}", "1-2"),
        ("a{{ log('said') }}b{{ log('said', info=true) }}", "ab"),
    ],
)  # fmt: skip
def test_templates_render_as_in_dbt(tmp_path: Path, template: str, expected: str) -> None:
    assert rendered(tmp_path, f"select '{template}'") == f"select '{expected}'"


def test_what_a_template_appends_to_a_var_stays_in_it(tmp_path: Path) -> None:
    text = "{% set l = var('nested').k %}{% do l.append('z') %}{{ l }} {{ var('nested').k }}"
    assert rendered(tmp_path, text) == "['x', 'y', 'z'] ['x', 'y']"


@pytest.mark.parametrize(
    ("template", "place", "what"),
    [
        ("\n{{ exceptions.raise_compiler_error('told you') }}", "models/m.sql:2:", "told you"),
        ("\n\n{{ 1 / 0 }}", "models/m.sql:3:", "division by zero"),
        ("\n{{ var('nested')['zz'].y }}", "models/m.sql:2:", "has no attribute 'zz'"),
        ("{{ ''.__class__.__mro__ }}", "models/m.sql:1:", "unsafe"),
        ("\n{{ plain() }}", "sql/macros/a.sql:9:", "while rendering models/m.sql"),
        ("\n{{ ref('other', v=2) }}", "models/m.sql:2:", "versions are not supported"),
        ("\n{{ ref('pack', 'other') }}", "models/m.sql:2:", "packages are not available"),
        ("\n{{ return(1) }}", "models/m.sql:", "outside a macro"),
        ("\n{{ config('x') }}", "models/m.sql:2:", "keyword arguments"),
        ("\n\n{{ 1 | nope }}", "models/m.sql:3:", "No filter named 'nope'"),
    ],
)
def test_a_template_that_fails_names_its_line(
    tmp_path: Path, template: str, place: str, what: str
) -> None:
    with pytest.raises(ProjectError) as error:
        rendered(tmp_path, f"select 1{template}")
    assert str(error.value).startswith(place)
    assert what in str(error.value)


def test_a_macro_keeps_what_stands_beside_it_untouched(tmp_path: Path) -> None:
    text = "select {{ plain('id') }} as x, '{# no #}' as y\nfrom {{ ref('other') }}\n-- end"
    assert rendered(tmp_path, text) == ('select (id) as x, \'\' as y\nfrom "main"."other"\n-- end')


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("select * from {{ ref('eph') }}",
         'with "__dbt__cte__eph" as (\nselect 2 as id\n)\nselect * from __dbt__cte__eph'),
        ("-- why\nwith a as (select 1 as x) select * from a, {{ ref('eph') }}",
         '-- why\nwith "__dbt__cte__eph" as (\nselect 2 as id\n), a as (select 1 as x) '
         "select * from a, __dbt__cte__eph"),
        ("with recursive a as (select 1 as x) select * from a, {{ ref('eph') }}",
         'with recursive "__dbt__cte__eph" as (\nselect 2 as id\n), a as (select 1 as x) '
         "select * from a, __dbt__cte__eph"),
    ],
)  # fmt: skip
def test_ephemeral_models_become_ctes(tmp_path: Path, model: str, expected: str) -> None:
    assert rendered(tmp_path, model) == expected


def test_every_line_of_the_output_knows_where_it_came_from(tmp_path: Path) -> None:
    project = ProjectFolder(
        tmp_path,
        {
            "models/eph.sql": "{{ config(materialized='ephemeral') }}\n\nselect\n    2 as eph_id",
            "models/m.sql": "{#- a comment\nof two lines -#}\n{% set columns = ['a', 'b'] %}\n"
            "select\n{% for column in columns -%}\n    1 as {{ column }},\n{% endfor %}\n"
            "    9 as last_one\nfrom {{ ref('eph') }}\nwhere true\n",
        },
    ).load()
    sql = Compiler(project).compile(project.model("m"))

    def place(word: str) -> str:
        return str(sql.locate(sql.text.index(word))[0])

    assert place("2 as eph_id") == "models/eph.sql:4"
    assert place("1 as a") == "models/m.sql:6"
    assert place("1 as b") == "models/m.sql:6"
    assert place("9 as last_one") == "models/m.sql:8"
    assert place("where true") == "models/m.sql:10"
    # A word of the output stands on the line of the source that it is mapped to.
    lines = (tmp_path / "models/m.sql").read_text(encoding="utf-8").splitlines()
    for word in ("9 as last_one", "where true", "select\n1"):
        assert word.split("\n")[0] in lines[sql.locate(sql.text.index(word))[0].line - 1]
