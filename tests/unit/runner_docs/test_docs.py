"""The documentation page, read back with an HTML parser."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from varhouse.runner.docs import write_docs

HOSTILE = "</script><script>alert(1)</script> & <img src=x onerror=alert(2)> \" '"


class Page(HTMLParser):
    """Collects the elements with their attributes and the text of each table row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: dict[str, list[str]] = {}
        self.text: list[str] = []
        self._row: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag == "tr":
            self._row = attributes.get("id")
            self.rows.setdefault(self._row or "", [])
        elif tag == "td" and self._row:
            self.rows[self._row].append("")

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._row and self.rows[self._row]:
            self.rows[self._row][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr":
            self._row = None

    def ids(self) -> set[str]:
        return {str(attributes["id"]) for _, attributes in self.elements if "id" in attributes}


def entry(resource_type: str, name: str, *reads: str, **more: Any) -> dict[str, Any]:
    """Return an entry of a manifest."""
    return {
        "resource_type": resource_type,
        "name": name,
        "schema": "main",
        "identifier": name,
        "original_file_path": "",
        "description": "",
        "columns": {},
        "config": {"materialized": resource_type},
        "tags": [],
        "raw_code": "",
        "compiled_code": None,
        "depends_on": {"nodes": list(reads)},
        **more,
    }


def manifest() -> dict[str, Any]:
    compiled = 'select o.id, o.x * 2 as "y<" from "w"."raw"."obs" as o -- <twice>'
    doubled, column = "model.house.doubled", {"column_name": "id"}
    return {
        "nodes": {
            doubled: entry(
                "model",
                "doubled",
                "source.house.raw.obs",
                original_file_path="models/staging/obs/doubled.sql",
                description=f"Twice `x`. {HOSTILE}",
                columns={"id": {"name": "id", "description": HOSTILE, "data_type": None}},
                config={"materialized": "view"},
                tags=["portable"],
                raw_code=f"select '{{{{ var('a') }}}}' as a /* {HOSTILE} */",
                compiled_code=compiled,
            ),
            "model.house.last": entry(
                "model",
                "last",
                doubled,
                original_file_path="models/results/last.sql",
                config={"materialized": "table"},
                compiled_code="select nope, unnest(s, recursive := true) from main.doubled",
                raw_code="select 1",
            ),
            "test.house.not_null_doubled_id.1": entry(
                "test",
                "not_null_doubled_id",
                doubled,
                attached_node=doubled,
                test_metadata={"name": "not_null", "kwargs": column},
                **column,
            ),
            "test.house.values_doubled_id.2": entry(
                "test",
                "values_doubled_id",
                doubled,
                attached_node=doubled,
                test_metadata={
                    "name": "accepted_values",
                    "kwargs": {"values": ["a", "b"], **column},
                },
                **column,
            ),
            "test.house.no_strays": entry("test", "no_strays", "model.house.last"),
        },
        "sources": {
            "source.house.raw.obs": entry("source", "obs", schema="raw", source_name="raw")
        },
        "unit_tests": {
            "unit_test.house.doubled.works": entry(
                "unit_test", "works", doubled, model="doubled", description="Two is four."
            )
        },
    }


TYPES = {
    "raw.obs": {"id": "INTEGER", "x": "DOUBLE"},
    "main.doubled": {"id": "INTEGER", "y<": "DOUBLE"},
    "main.last": {"nope": "INTEGER", "field": "VARCHAR"},
}


@pytest.fixture
def written(tmp_path: Path) -> str:
    target = write_docs("house", manifest(), tmp_path / "new" / "docs", column_types=TYPES)
    assert target == tmp_path / "new" / "docs" / "index.html"
    return target.read_text(encoding="utf-8")


def test_every_node_has_its_place_and_every_link_an_end(written: str) -> None:
    page = Page(written)
    assert {"model.house.doubled", "model.house.last", "source.house.raw.obs"} <= page.ids()
    targets = {
        str(attributes["href"]).removeprefix("#")
        for tag, attributes in page.elements
        if tag == "a" and attributes.get("href")
    }
    assert targets - {""} <= page.ids()


def test_columns_show_type_description_tests_and_origin(written: str) -> None:
    rows = Page(written).rows
    identifier = [" ".join(cell.split()) for cell in rows["model.house.doubled/id"]]
    assert identifier == [
        "id", "INTEGER", HOSTILE, "not_nullaccepted_values: a, b", "raw.obs.id"
    ]  # fmt: skip
    doubled = [" ".join(cell.split()) for cell in rows["model.house.doubled/y<"]]
    assert doubled == ["y<", "DOUBLE", "", "", "raw.obs.x"]


def test_a_column_that_cannot_be_followed_shows_why(written: str) -> None:
    rows = Page(written).rows
    assert "main.doubled has no column nope" in rows["model.house.last/nope"][-1]
    assert "not resolved" in rows["model.house.last/nope"][-1]


def test_whole_table_tests_are_listed(written: str) -> None:
    text = " ".join(" ".join(Page(written).text).split())
    assert "works (unit test) Two is four." in text
    assert "no_strays (data test)" in text


def test_text_cannot_become_markup(written: str) -> None:
    page = Page(written)
    assert "img" not in {tag for tag, _ in page.elements}
    assert sum(tag == "script" for tag, _ in page.elements) == 2
    assert HOSTILE in " ".join(page.text)


def test_the_page_loads_nothing(written: str) -> None:
    page = Page(written)
    loading = [a for _, a in page.elements if "src" in a] + [
        a for tag, a in page.elements if tag == "link"
    ]
    assert loading == []
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttpRequest", written)


def test_the_graph_is_the_manifest_without_its_tests(written: str) -> None:
    found = re.search(r'<script id="nodes" type="application/json">(.*?)</script>', written, re.S)
    assert found
    graph = json.loads(found[1])
    assert {key: node["parents"] for key, node in graph.items()} == {
        "model.house.doubled": ["source.house.raw.obs"],
        "model.house.last": ["model.house.doubled"],
        "source.house.raw.obs": [],
    }


def test_sql_is_whole_and_marked(written: str) -> None:
    assert '<i class="keyword">select</i> \'<i class="jinja">{{ var(&#39;a&#39;) }}</i>' in (
        written.replace("&#39;<i", "'<i")
    )
    assert '<i class="comment">-- &lt;twice&gt;</i>' in written


def test_equal_input_writes_equal_bytes(written: str, tmp_path: Path) -> None:
    again = write_docs("house", manifest(), tmp_path, column_types=TYPES)
    assert again.read_text(encoding="utf-8") == written
