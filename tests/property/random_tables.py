"""Random tables of a project: seeds, sources and models, from the parts of the dialect."""

from __future__ import annotations

import json
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

KINDS = {"id": "bigint", "grp": "bigint", "txt": "varchar", "dec": "decimal(18,3)",
         "flag": "boolean", "day": "date"}  # fmt: skip
WORDS = ("alpha", "Beta", "it's", "a, b", 'say ""', "null-ish", "ü", "x;y", "{{ no }}", " pad")
TAGS = ("nightly", "core", "heavy", "x_1")
FOLDERS = ("", "staging/", "marts/core/", "marts/extra/")

MACROS = """
{% macro plus(column, by=1, times=none) -%}
    ({{ column }} + {{ by }}{% if times %} * {{ times }}{% endif %})
{%- endmacro %}

{% macro quoted(text) %}'{{ text | replace("'", "''") }}'{% endmacro %}

{% macro kept(columns, of='t', except=[]) -%}
    {%- set found = [] -%}
    {%- for name in columns if name not in except -%}
        {%- do found.append(of ~ '.' ~ name) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# a comment {{ with braces }} #}
{% macro bigger(left, right) %}{{ return([left, right] | max) }}{% endmacro %}

{% macro wrapped() %}({{ caller() }}){% endmacro %}

{% macro word_of(n) %}{{ quoted(var('words')[n]) }}{% endmacro %}

{%- macro day_of(offset=0) -%}
    date '2024-01-01' + cast({{ offset }} as integer)
{%- endmacro -%}
"""


@dataclass
class Step:
    """What one run of a project starts from: changed files, changed sources, vars, flags."""

    files: dict[str, str] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    vars: dict[str, Any] = field(default_factory=dict)
    full_refresh: bool = False


@dataclass
class Table:
    """Something that a model may read."""

    name: str
    kind: str
    call: str
    folder: str = ""
    materialized: str = ""
    body: str = ""
    config: dict[str, Any] = field(default_factory=dict)


class TableMaker(ABC):
    """Makes seeds, sources and models; what describes and tests them comes from ``Maker``."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.tables: list[Table] = []
        self.steps = [Step() for _ in range(4)]
        self.first = self.steps[0].files
        self.cut = self.rng.randrange(1, 5)
        self.staging = ""

    # --- chance ---

    def often(self, share: float) -> bool:
        return self.rng.random() < share

    def pick(self, *items: Any) -> Any:
        return self.rng.choice(items)

    def tags(self, share: float = 0.3, *, text: bool = True) -> dict[str, Any]:
        """Return tags or nothing; where it is a config one tag may be a text alone."""
        if not self.often(share):
            return {}
        chosen = self.rng.sample(TAGS, self.rng.randrange(1, 3))
        return {"tags": chosen[0] if text and len(chosen) == 1 else chosen}

    # --- data ---

    def row(self, number: int) -> list[Any]:
        rng = self.rng
        return [
            number,
            None if self.often(0.2) else rng.randrange(4),
            None if self.often(0.15) else rng.choice(WORDS),
            None if self.often(0.2) else f"{rng.randrange(-5000, 5000) / 8:.3f}",
            None if self.often(0.2) else rng.choice(["true", "false"]),
            None if self.often(0.2) else f"2024-0{rng.randrange(1, 9)}-1{rng.randrange(9)}",
        ]

    def rows(self, step: int) -> list[list[Any]]:
        n_rows = self.rng.randrange(3, 9)
        return [self.row(number) for number in range(step, step + n_rows)]

    def seed(self, number: int) -> None:
        name = f"seed_{number}"
        delimiter = ";" if self.often(0.25) else ","
        for step in (0, 1):
            lines = [delimiter.join(KINDS)]
            for row in self.rows(step * 2):
                # NULL is an empty cell; texts are quoted
                cells = [
                    "" if cell is None else f'"{cell}"' if column == "txt" else str(cell)
                    for column, cell in zip(KINDS, row, strict=True)
                ]
                lines.append(delimiter.join(cells))
            self.steps[step].files[f"data/seeds/{name}.csv"] = "\n".join(lines) + "\n"
        types = {column: kind for column, kind in KINDS.items() if column != "txt" or number % 2}
        entry: dict[str, Any] = {
            "name": name, "description": self.description(), "config": {"column_types": types},
            "columns": self.columns(),
        }  # fmt: skip
        if delimiter != ",":
            entry["config"]["delimiter"] = delimiter
        entry["config"] |= self.tags()
        self.first[f"data/seeds/{name}.yml"] = json.dumps({"version": 2, "seeds": [entry]})
        self.tables.append(Table(name, "seed", f"ref('{name}')", materialized="seed"))

    def sources(self) -> None:
        listed = []
        for number in range(self.rng.randrange(1, 3)):
            schema = self.pick("raw", "raw_more")
            source, tables = f"src_{number}", []
            for index in range(self.rng.randrange(1, 3)):
                name = f"t{index}"
                identifier = f"{source}_{name}" if self.often(0.4) else name
                entry: dict[str, Any] = {"name": name, "columns": self.columns()}
                entry |= self.tags(text=False)
                if identifier != name:
                    entry["identifier"] = identifier
                tables.append(entry)
                self.source_rows(f"{schema}.{identifier}")
                call = f"source('{source}', '{name}')"
                self.tables.append(Table(name, "source", call, materialized="source"))
            entry = {"name": source, "tables": tables, **self.tags(0.2, text=False)}
            if schema != source:
                entry["schema"] = schema
            listed.append(entry)
        self.first["models/sources.yml"] = json.dumps({"version": 2, "sources": listed})

    def source_rows(self, relation: str) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind in KINDS.items())
        self.steps[0].statements += [
            f"create schema if not exists {relation.split('.')[0]}",
            f"create or replace table {relation} ({columns})",
        ]
        for step in (0, 1):
            if step:
                self.steps[1].statements.append(f"delete from {relation} where id % 3 = 0")
            for row in self.rows(9 * step):
                values = ", ".join(
                    "null" if cell is None else "'" + str(cell).replace("'", "''") + "'"
                    for cell in row
                )
                self.steps[step].statements.append(f"insert into {relation} values ({values})")

    @abstractmethod
    def columns(self) -> list[dict[str, Any]]:
        """Return descriptions and tests of some columns."""

    # --- words ---

    def description(self) -> str:
        return str(self.pick("", "Plain.", "{{ doc('long_text') }}", "n is {{ var('n') }}", "'q'"))

    # --- expressions ---

    def expression(self, column: str, t: str) -> str:
        """Return an expression of the column's kind; integers and texts only, so it is exact."""
        own = f"{t}.{column}"
        choices: dict[str, tuple[str, ...]] = {
            "grp": (
                own,
                f"{{{{ plus('{own}') }}}}",
                f"{{{{ plus('{own}', by=var('n'), times=2) }}}}",
                f"coalesce({own}, {{{{ var('missing', 7) }}}})",
                f"case when {t}.flag then {own} else {{{{ bigger(var('n'), 2) }}}} end",
                f"{{{{ plus(column='{own}', by=var('nested').deep[1]) }}}}",
                f"{{% call wrapped() %}}{own} * 2{{% endcall %}}",
            ),
            "txt": (
                own,
                f"upper({own})",
                f"{own} || {{{{ quoted(var('word')) }}}}",
                f"coalesce({own}, {{{{ word_of(0) }}}})",
                f"{own} || '{{{{ target.name }}}} {{{{ this.name }}}}'",
                f"case {own} {{% for w in var('words') %}}when {{{{ small.quoted(w) }}}} then "
                "'{{ loop.index }}'{{ ' ' }}{% endfor %}else 'none' end",
                f"{own} || '{{{{ env_var(\"SMALL_UNSET\", \"unset\") }}}}'",
                "{% raw %}'{{ raw }}'{% endraw %}",
            ),
            "dec": (own, f"{own} + {{{{ var('n') }}}}", f"cast({t}.grp as decimal(18,3))"),
            "flag": (own, f"not {own}", f"{t}.id > {self.cut}"),
            "day": (own, f"{own} + 1", "{{ day_of() }}", "{{ day_of(offset=var('n')) }}"),
        }  # fmt: skip
        return str(self.pick(*choices[column]))

    def typed(self, column: str, t: str) -> str:
        return f"cast({self.expression(column, t)} as {KINDS[column]}) as {column}"

    def select(self, t: str, id_text: str) -> str:
        listed = [f"    {id_text} as id"]
        listed += [f"    {self.typed(column, t)}" for column in KINDS if column != "id"]
        return ",\n".join(listed)

    # --- models ---

    def parent(self) -> Table:
        # the later ones more often, so that chains grow
        return self.tables[max(self.rng.randrange(len(self.tables)) for _ in range(2))]

    def plain(self) -> str:
        where = self.pick(
            "", f"where t.id < {20 + self.cut}", "where t.grp is not null or t.flag",
            "{% if var('n') > 2 %}\nwhere t.id > 1\n{% elif var('off') %}where false{% endif %}",
            "-- a comment with {{ var('n') }}\nwhere t.id <> {{ var('n') }}",
        )  # fmt: skip
        parent = self.parent().call
        return f"select\n{self.select('t', 't.id')}\nfrom {{{{ {parent} }}}} as t\n{where}\n"

    def join(self) -> str:
        left, right = self.parent().call, self.parent().call
        kind = self.pick("inner", "left")
        return (
            f"with a as (select * from {{{{ {left} }}}}),\n\n"
            "b as (\n    select {{ kept(var('columns'), of='r', except=['day']) | join(', ') }}\n"
            f"    from {{{{ {right} }}}} as r\n)\n\n"
            f"select\n{self.select('a', 'a.id')},\n    b.grp as other_grp\n"
            f"from a {kind} join b on a.id = b.id\n"
        )

    def group(self) -> str:
        parent = self.parent().call
        return (
            "{%- set measures = {'n_rows': 'count(*)', 'high': 'max(t.id)'} -%}\n"
            "with grouped as (\n    select\n        coalesce(t.grp, -1) as id,\n"
            "        {% for name, text in measures.items() %}\n"
            "        {{ text }} as {{ name }}{{ ',' if not loop.last }}\n        {% endfor %}\n"
            f"    from {{{{ {parent} }}}} as t\n    group by 1\n)\n\n"
            "select t.id, t.n_rows as grp, cast(t.high as varchar) as txt,\n"
            "    cast(t.high as decimal(18,3)) as dec, t.high > 3 as flag, {{ day_of(3) }} as day\n"
            "from grouped as t\n"
        )

    def union(self) -> str:
        parents = [self.parent() for _ in range(self.rng.randrange(2, 4))]
        calls = ", ".join(each.call for each in parents)
        columns = ", ".join(column for column in KINDS if column != "id")
        return (
            f"{{% for each in [{calls}] -%}}\n"
            f"select t.id * {len(parents)} + {{{{ loop.index0 }}}} as id, {columns}\n"
            "from {{ each }} as t\n{% if not loop.last %}union all{% endif %}\n{% endfor %}\n"
        )

    def block(self) -> str:
        return (
            "{% set inner_query %}\n    select t.* from {{ " + self.parent().call + " }} as t\n"
            "    {%- if var('off') -%} where false {%- endif %}\n{% endset %}\n"
            "{% set ns = namespace(total=0) %}\n"
            "{% for n in range(var('n')) %}{% set ns.total = ns.total + n %}{% endfor %}\n"
            "with recursive counted(n) as (\n    select 1 union all select n + 1 from counted "
            f"where n < 3\n)\n\nselect\n{self.select('t', 't.id')},\n"
            "    cast({{ ns.total }} as bigint) as total,\n"
            "    (select max(n) from counted) as top\nfrom ({{ inner_query }}) as t\n"
        )

    def window(self) -> str:
        return (
            f"select\n{self.select('t', 't.id')},\n"
            "    row_number() over (partition by t.grp order by t.id) as place\n"
            f"from {{{{ {self.parent().call} }}}} as t\n"
            "qualify row_number() over (partition by t.flag order by t.id desc) <= 5"
        )

    def model(self, number: int) -> None:
        folder = self.pick(*FOLDERS)
        prefix = {"staging/": "stg_", "": "m_"}.get(folder, self.pick("int_", "fct_"))
        name = f"{prefix}{number:02}"
        shapes: tuple[Callable[[], str], ...] = (
            self.plain, self.plain, self.join, self.group, self.union, self.block, self.window,
        )  # fmt: skip
        table = Table(name, "model", f"ref('{name}')", folder)
        if self.often(0.15):
            table.call = f"ref('small', '{name}')"
        table.materialized = self.pick(
            "table", "view", "ephemeral", "ephemeral", "incremental", "", ""
        )
        table.body = self.pick(*shapes)()
        if table.materialized == "incremental":
            self.incremental(table)
        elif table.materialized:
            table.config["materialized"] = table.materialized
        table.config |= self.tags()
        if self.often(0.2):
            table.config["meta"] = {"owner": self.pick("us", "them"), "level": number % 3}
        self.write(self.first, table)
        self.tables.append(table)

    def incremental(self, table: Table) -> None:
        table.body = self.plain()
        config: dict[str, Any] = {"materialized": "incremental"}
        strategy = self.pick("append", "delete+insert", "merge", "")
        if strategy:
            config["incremental_strategy"] = strategy
        newer = "{% if is_incremental() %}\nwhere {FILTER}\n{% endif %}\n"
        highest = "(select coalesce(max(h.id), -1) from {{ this }} as h)"
        parent = self.parent().call
        table.body = f"select\n{self.select('t', 't.id')}\nfrom {{{{ {parent} }}}} as t\n"
        if strategy == "append":
            table.body += newer.replace("{FILTER}", f"t.id > {highest}")
        else:
            if strategy or self.often(0.5):
                keys = ["id", ["id"], ["id", "bucket"]]
                keys += [] if strategy == "merge" else ["bucket"]
                config["unique_key"] = self.pick(*keys)
                table.body = table.body.replace("\nfrom", ",\n    t.id % 4 as bucket\nfrom", 1)
                # a bucket replaced by some of its rows differs from run to run, and what has not
                # changed is run again by dbt only
                if self.often(0.5) and config["unique_key"] != "bucket":
                    table.body += newer.replace("{FILTER}", f"t.id >= {highest} - 2")
            else:
                table.body += newer.replace("{FILTER}", f"t.id > {highest}")
        if self.often(0.2):
            config["full_refresh"] = self.pick(True, False)
        table.config = config

    def write(self, files: dict[str, str], table: Table) -> None:
        call = ""
        if table.config:
            words = ", ".join(f"{key}={value!r}" for key, value in table.config.items())
            call = self.pick(
                f"{{{{ config({words}) }}}}\n", f"{{{{- config({table.config!r}) -}}}}\n"
            )
        files[f"models/{table.folder}{table.name}.sql"] = call + table.body
