"""Write the SQL cookbook as a page: each question of the notebook, its query and the answer.

``python docs/generate/cookbook.py demo/demo.duckdb > docs/cookbook.md``
"""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import varhouse
from varhouse.connection import Warehouse

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "sql_cookbook.py"
_MAX_ROWS = 8


class Part(NamedTuple):
    """What one cell says: Markdown, or a query."""

    is_query: bool
    text: str


def parts(notebook: Path = NOTEBOOK) -> Iterator[Part]:
    """Yield the cells that show something, in order."""
    module = ast.parse(notebook.read_text(encoding="utf-8"))
    for call in ast.walk(module):
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
            name = ast.unparse(call.func)
            if name in ("mo.md", "house.sql"):
                yield Part(name == "house.sql", textwrap.dedent(str(call.args[0].value)).strip())


def page(house: Warehouse | None) -> str:
    """Return the page; without a warehouse, without the answers."""
    sections = []
    for part in parts():
        if part.is_query:
            sections.append(f"```sql\n{part.text}\n```")
            if house is not None:
                sections.append(table(house.sql(part.text).rows()))
        else:
            # a line of the source is not a line of the page
            sections += [" ".join(text.split()) for text in part.text.split("\n\n")]
    return "\n\n".join(sections) + "\n"


def table(rows: list[dict[str, Any]]) -> str:
    """Return the first rows of an answer as Markdown."""
    if not rows:
        return "*No rows.*"
    lines = [f"| {' | '.join(rows[0])} |", "|" + "---|" * len(rows[0])]
    for row in rows[:_MAX_ROWS]:
        lines.append(f"| {' | '.join(_cell(value) for value in row.values())} |")
    if len(rows) > _MAX_ROWS:
        lines.append(f"\n*and {len(rows) - _MAX_ROWS} more*")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")


if __name__ == "__main__":
    with varhouse.connect(sys.argv[1]) as opened:
        sys.stdout.write(page(opened))
