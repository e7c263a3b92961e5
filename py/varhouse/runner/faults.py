"""Say where in the source a database error lies, and what may be told of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from varhouse.errors import ModelError
from varhouse.runner.nodes import Node
from varhouse.runner.scrub import scrubbed
from varhouse.runner.sourcemap import MappedSql

_LINE = re.compile(r"\nLINE (\d+): ([^\n]*)\n( *)\^")

_SHOWN = 100


@contextmanager
def located_faults(sql: MappedSql, node: Node, prefix: str = "") -> Iterator[None]:
    """Tell errors of a statement with the file and line of the model that caused them.

    Parameters
    ----------
    sql
        The compiled query, which begins on the second line of the statement.
    node
        The model, whose file is named where the database tells no line.
    prefix
        What to say first.

    Raises
    ------
    ModelError
        In place of every error of the database but an interruption.
    """
    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        raise ModelError(f"{prefix}{_sql_fault(error, sql, node)}") from error


def _sql_fault(error: duckdb.Error, sql: MappedSql, node: Node) -> str:
    text = str(error).strip()
    found = _LINE.search(text)
    if found is None:
        return f"{node.location.path}: {scrubbed(text, error, sql.text)}"
    message = scrubbed(text[: found.start()].strip(), error, sql.text)
    line = int(found[1]) - 1
    if line < 1:
        return f"{node.location.path}: {message}"
    # The caret stands under the character, after the text "LINE n: ".
    shown = found[2]
    column = len(found[3]) - len(f"LINE {found[1]}: ") + 1
    offset_text = _line_of(sql.text, line)
    if shown.startswith("..."):
        # The database cut the line; find the cut-out part again.
        part = shown.removeprefix("...").removesuffix("...")
        column += max(offset_text.find(part), 0) - 3
    place, exact = sql.locate_line(line, max(column, 1))
    about = "" if exact else " (approximately: this line is the output of an expression or macro)"
    return f"{place}{about}: {message}\n    {_excerpt(offset_text, column - 1)}"


def _excerpt(line: str, position: int) -> str:
    """Return the part of a long line that the error is about."""
    if len(line) <= _SHOWN:
        return line.strip()
    start = max(0, min(position - _SHOWN // 2, len(line) - _SHOWN))
    end = start + _SHOWN
    return ("..." if start else "") + line[start:end] + ("..." if end < len(line) else "")


def _line_of(text: str, line: int) -> str:
    lines = text.split("\n")
    return lines[line - 1] if line <= len(lines) else ""
