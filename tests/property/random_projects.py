"""Seeded random projects inside the supported dialect of dbt, with changes for later runs.

Every table has the columns of ``KINDS``; ``id`` is unique and not NULL, so that joins do not
grow and incremental models have a key. Nothing depends on the order of rows.
"""

from __future__ import annotations

import json
from typing import Any

from tests.property.random_tables import KINDS, MACROS, Step, Table, TableMaker


class Maker(TableMaker):
    """Makes one project from one seed."""

    def columns(self) -> list[dict[str, Any]]:
        found = []
        for column in self.rng.sample(list(KINDS), self.rng.randrange(1, 5)):
            entry: dict[str, Any] = {"name": column, "description": self.description()}
            tests = [self.test(column) for _ in range(self.rng.randrange(3))]
            if tests:
                # one of a kind: two of a name would need names of their own
                kinds = {
                    next(iter(test)) if isinstance(test, dict) else test: test for test in tests
                }
                entry[self.pick("data_tests", "tests")] = list(kinds.values())
            if self.often(0.1):
                entry |= self.tags(1.0, text=False)
            found.append(entry)
        return found

    def test(self, column: str) -> Any:
        kind = self.pick("unique", "not_null", "accepted_values", "relationships")
        arguments: dict[str, Any] = {}
        if kind == "accepted_values":
            values, quote = {
                "id": ([0, 1, 2, 3], False), "grp": ([0, 1, 2], False), "flag": ([True], False),
                "dec": ([0], False),
            }.get(column, (["alpha", "Beta", "2024-01-10"], True))  # fmt: skip
            arguments = {"values": values}
            if not quote or self.often(0.3):
                arguments["quote"] = quote
        elif kind == "relationships":
            models = [table for table in self.tables if table.kind != "source"]
            target = self.rng.choice(models or [Table("seed_0", "seed", "ref('seed_0')")])
            arguments = {"to": target.call, "field": "id" if column == "id" else column}
        config: dict[str, Any] = self.tags(0.15)
        if self.often(0.5):
            config["severity"] = self.pick("warn", "error", "WARN")
        if self.often(0.25):
            config["where"] = self.pick("id > 3", "grp is not null", "id <> {{ var('n') }}")
        if self.often(0.05):
            config["enabled"] = False
        if not arguments and not config:
            return kind
        inline = self.often(0.3)
        body: dict[str, Any] = dict(arguments) if inline else {}
        if arguments and not inline:
            body["arguments"] = arguments
        if config:
            body["config"] = config
        return {kind: body}

    def properties(self) -> None:
        by_folder: dict[str, list[dict[str, Any]]] = {}
        for table in self.tables:
            if table.kind != "model" or self.often(0.3):
                continue
            entry: dict[str, Any] = {"name": table.name, "description": self.description()}
            config = self.tags(0.2)
            if self.often(0.1):
                config["meta"] = {"level": 9, "reviewed": True}
            entry["columns"] = self.columns()
            if self.often(0.2) and table.config.get("materialized") != "ephemeral":
                self.contract(table, entry, config)
            if self.often(0.2):
                entry["data_tests"] = [
                    {"unique": {"arguments": {"column_name": "id || '/' || coalesce(grp, 0)"}}},
                    {"not_null": {"name": f"named_{table.name}", "column_name": "flag",
                                  "config": {"severity": "warn"}}},
                ]  # fmt: skip
            if config:
                entry["config"] = config
            by_folder.setdefault(table.folder, []).append(entry)
        for folder, entries in by_folder.items():
            tests = [test for test in map(self.unit_test, entries) if test]
            held = {"version": 2, "models": entries, **({"unit_tests": tests} if tests else {})}
            self.first[f"models/{folder}_models.yml"] = json.dumps(held, indent=1)

    def contract(self, table: Table, entry: dict[str, Any], config: dict[str, Any]) -> None:
        parent = next(each for each in self.tables if each is not table)
        columns = list(KINDS.items())
        self.rng.shuffle(columns)
        table.config.pop("unique_key", None)
        if table.config.get("incremental_strategy") != "append":
            table.config.pop("incremental_strategy", None)
        table.body = f"select\n{self.select('t', 't.id')}\nfrom {{{{ {parent.call} }}}} as t\n"
        if table.config.get("materialized") == "incremental":
            table.config["unique_key"] = "id"
            table.config.pop("incremental_strategy", None)
            config["on_schema_change"] = "fail"
        tests = {each["name"]: each for each in entry["columns"]}
        entry["columns"] = [
            {**tests.get(name, {}), "name": name, "data_type": kind} for name, kind in columns
        ]
        config["contract"] = {"enforced": True}
        self.write(self.first, table)

    def unit_test(self, entry: dict[str, Any]) -> dict[str, Any] | None:
        """Return a unit test of a model that reads one table; what it expects may be wrong."""
        table = next(each for each in self.tables if each.name == entry["name"])
        calls = [each.call for each in self.tables if f"{{{{ {each.call} }}}}" in table.body]
        if len(calls) != 1 or table.body.count("ref(") + table.body.count("source(") != 1:
            return None
        if not self.often(0.4):
            return None
        parent = next(each for each in self.tables if each.call == calls[0])
        in_staging = parent.folder.startswith("staging")
        if (parent.materialized or (in_staging and self.staging)) == "ephemeral":
            return None
        rows = [{"id": number, "grp": number % 2} for number in range(2, 4)]
        expected = [{"id": row["id"]} for row in rows[: self.pick(2, 2, 1)]]
        given: dict[str, Any] = {"input": calls[0].replace("'small', ", ""), "rows": rows}
        if self.often(0.3):
            given |= {"format": "csv", "rows": "id,grp\n2,0\n3,1\n"}
        test = {"name": f"unit_{table.name}", "model": table.name, "given": [given],
                "expect": {"rows": expected}}  # fmt: skip
        if self.often(0.4):
            test["overrides"] = {"vars": {"n": 1}}
        if table.config.get("materialized") == "incremental":
            test.setdefault("overrides", {})["macros"] = {"is_incremental": False}
        if self.often(0.3):
            test["config"] = self.tags(1.0)
        return test

    def singular(self, number: int) -> None:
        table = self.parent()
        config = {**self.tags(0.3), "severity": self.pick("warn", "error")}
        words = ", ".join(f"{key}={value!r}" for key, value in config.items())
        other = f"\nunion all\nselect id from {{{{ {self.parent().call} }}}} where id > 12"
        self.first[f"sql/checks/{self.pick('', 'deep/')}check_{number}.sql"] = (
            f"{{{{ config({words}) }}}}\nselect t.id from {{{{ {table.call} }}}} as t "
            f"where t.id > {{{{ var('n') }}}} + {self.rng.randrange(12)}"
            f"{other if self.often(0.4) else ''}\n"
        )

    # --- the whole ---

    def project(self) -> str:
        core = self.pick("table", "{{ 'view' if var('as_view', false) else 'table' }}")
        self.staging = self.pick("view", "table", "ephemeral")
        everywhere = {"+tags": "all"} if self.often(0.5) else {}
        settings = {
            "name": "small", "version": "1.0", "config-version": 2, "profile": "small",
            "model-paths": ["models"], "macro-paths": ["sql/macros"],
            "seed-paths": ["data/seeds"], "test-paths": ["sql/checks"],
            "models": {"small": {
                "+materialized": self.pick("table", "view"), **everywhere,
                "staging": {"+materialized": self.staging, "+tags": ["stg"]},
                "marts": {
                    "+meta": {"area": "marts"},
                    "core": {"materialized": core, "tags": ["core", "nightly"]},
                },
            }},
            "seeds": {"small": {"+tags": ["seeded"]}},
            "vars": {"n": 3, "word": "it's", "words": ["alpha", "it's"], "off": False,
                     "nested": {"deep": [1, 2]}, "columns": list(KINDS)},
        }  # fmt: skip
        return json.dumps(settings, indent=1)

    def changed(self) -> None:
        """Change some models for the third run: another materialisation, another query."""
        models = [table for table in self.tables if table.kind == "model"]
        for table in self.rng.sample(models, min(4, len(models))):
            config = dict(table.config)
            if config.get("materialized") in ("table", "view"):
                config["materialized"] = {"table": "view", "view": "table"}[config["materialized"]]
            changed = Table(table.name, "model", table.call, table.folder, "", table.body, config)
            changed.body = changed.body.replace("t.id as id", "t.id + 0 as id")
            self.write(self.steps[2].files, changed)

    def make(self) -> list[Step]:
        """Return the runs of the project: the first, new data, changed models, all refreshed."""
        self.first["dbt_project.yml"] = self.project()
        self.first["sql/macros/all.sql"] = MACROS
        self.first["models/docs.md"] = (
            "{% docs long_text %}\nMany *words*,\n\ntwo paragraphs.\n{% enddocs %}\n"
        )
        for number in range(self.rng.randrange(1, 4)):
            self.seed(number)
        self.sources()
        for number in range(self.rng.randrange(10, 26)):
            self.model(number)
        self.properties()
        for number in range(self.rng.randrange(1, 4)):
            self.singular(number)
        self.changed()
        if self.often(0.5):
            self.steps[1].vars = {"n": 1}
        self.steps[3].full_refresh = True
        return self.steps


def random_project(seed: int) -> list[Step]:
    """Return the files, sources and vars of a random project, for each of its runs."""
    return Maker(seed).make()
