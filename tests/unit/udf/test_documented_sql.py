"""Every SQL example of docs/sql-functions.md is run, and gives the table below it."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

import varhouse
from varhouse.udf import FUNCTIONS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "sql-functions.md"
EXAMPLE = re.compile(r"```sql\n(.*?)```\n\n((?:\|[^\n]*\n)+)", re.DOTALL)


def shown(value: object) -> str:
    """Write a value as the page does."""
    if isinstance(value, list):
        return f"[{', '.join(shown(each) for each in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "NULL" if value is None else str(value)


def examples() -> list[tuple[str, list[list[str]]]]:
    found = []
    for sql, table in EXAMPLE.findall(PAGE.read_text(encoding="utf-8")):
        rows = [line.strip("|").split("|") for line in table.strip().splitlines()]
        cells = [[cell.strip() for cell in row] for row in rows]
        found.append((sql, [cells[0], *cells[2:]]))
    return found


def test_every_example_has_a_table() -> None:
    assert len(examples()) == PAGE.read_text(encoding="utf-8").count("```sql") == 6


@pytest.mark.parametrize(("sql", "table"), examples())
def test_example(sql: str, table: list[list[str]]) -> None:
    con = varhouse.register(duckdb.connect(config={"threads": 2}))
    try:
        result = con.sql(sql)
        columns, rows = result.columns, result.fetchall()
    finally:
        con.close()
    assert [columns, *([shown(value) for value in row] for row in rows)] == table


def signatures() -> dict[str, tuple[str, str]]:
    """Return what the first table of the page says of functions: name, arguments and result."""
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+\([^|]*`) \| ([^\n]*) \|$", text, re.MULTILINE)
    return {
        name: (arguments, meaning)
        for names, meaning in rows
        for name, arguments in re.findall(r"`(\w+)\(([^`]*)\)`", names)
    }


def test_signatures_are_as_documented() -> None:
    documented = signatures()
    real = {function.name: function for function in FUNCTIONS if not function.reads_tables}
    # what the macros are made of
    assert set(documented) == set(real) - {"acat_weighted", "hwe_test"} | {"acat"}
    for name, (arguments, meaning) in documented.items():
        function = real["acat_weighted" if name == "acat" else name]
        if arguments != "...":
            names = arguments.replace("[", "").replace("]", "").split(",")
            assert len(names) == len(function.parameters), name
        fields = re.findall(r"(\w+) \w+(?:,|\))", function.returns)
        shown = re.search(r"\{(.*)\}", meaning)
        if shown and "..." in shown[1]:
            start, end = (part.strip(", ").split(", ") for part in shown[1].split("..."))
            assert fields[: len(start)] == start, name
            assert fields[-len(end) :] == end, name
        elif shown:
            assert fields == shown[1].split(", "), name
        else:
            assert function.returns in ("double", "double[]") or meaning.startswith("as `"), name
