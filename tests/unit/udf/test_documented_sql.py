"""Every SQL example of docs/sql-functions.md is run, and gives the table below it."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

import varhouse

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
