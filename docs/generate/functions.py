"""Reference of the SQL functions: those in Python, and the macros of ``sql/functions``."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

from varhouse.udf import FUNCTIONS, SqlFunction

PAGE = "reference/sql-functions.md"
_MACRO = re.compile(
    r"(?P<comment>(?:^--[^\n]*\n)*)"
    r"^create or replace temp macro (?P<name>\w+)\s*\((?P<arguments>[^)]*)\)\s+as"
    r"(?P<table>\s+table)?",
    re.MULTILINE,
)
_OVERLOAD = re.compile(r"^ *\((?P<arguments>[^)]*)\) as ", re.MULTILINE)
_SECTION = re.compile(r"^(?P<title>[A-Z][A-Za-z ]+)\n-{3,}\n", re.MULTILINE)
_FIELD = re.compile(r"^(?P<name>\S[^\n]*)\n(?P<text>(?:(?: {4,}[^\n]*)?\n?)*)", re.MULTILINE)


def pages(repo: Path) -> dict[str, str]:
    """Return the one reference page: path below ``docs`` to Markdown."""
    lines = [
        "# SQL functions",
        "",
        "Made from their docstrings. They are there in `varhouse sql`, in models, and on every "
        "connection of `varhouse.connect` or `varhouse.register`. Functions in Python take and "
        "return the types shown; a NULL argument makes the result NULL.",
        "",
        "## Macros",
        "",
    ]
    for path in sorted((repo / "sql" / "functions").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        for macro in _MACRO.finditer(text):
            rest = text[macro.end() :].partition(";")[0]
            lines += _macro(macro, _OVERLOAD.findall(rest), path.relative_to(repo).as_posix())
    lines += ["## Functions in Python", ""]
    for function in FUNCTIONS:
        lines += _function(function)
    return {PAGE: "\n".join(lines)}


def _macro(macro: re.Match[str], overloads: list[str], path: str) -> list[str]:
    signatures = [
        f"`{macro['name']}({' '.join(arguments.split())})`"
        for arguments in (macro["arguments"], *overloads)
    ]
    kind = "table macro" if macro["table"] else "macro"
    comment = re.sub(r"^-- ?", "", macro["comment"], flags=re.MULTILINE).strip()
    return [
        f"### {macro['name']}",
        "",
        ", ".join(signatures),
        "",
        *([_plain(comment), ""] if comment else []),
        f"*{kind}*, `{path}`",
        "",
    ]


def _function(function: SqlFunction) -> list[str]:
    module, _, name = function.python.partition(":")
    implementation = getattr(importlib.import_module(module), name)
    return [
        f"### {function.name}",
        "",
        "```sql",
        f"{function.name}({', '.join(function.parameters)}) -> {function.returns}",
        "```",
        "",
        *_docstring(inspect.getdoc(implementation) or ""),
        f"*function in Python*, `{function.python}`",
        "",
    ]


def _docstring(text: str) -> list[str]:
    """Return a numpydoc docstring as Markdown."""
    parts = _SECTION.split(text)
    lines = [_plain(parts[0].strip()), ""]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        lines += [f"**{title}**", ""]
        if title in ("Parameters", "Returns", "Raises", "Attributes"):
            for field in _FIELD.finditer(body):
                meaning = _plain(" ".join(field["text"].split()))
                lines.append(f"- `{field['name'].strip()}`: {meaning}")
        elif title == "Examples":
            lines += ["```pycon", body.strip(), "```"]
        else:
            lines.append(_plain(body.strip()))
        lines.append("")
    return lines


def _plain(text: str) -> str:
    """Return text of a docstring with its code in Markdown's quotes, and no HTML."""
    text = re.sub(r"<(?=[^`\n]*(?:`[^`\n]*`[^`\n]*)*$)", "&lt;", text, flags=re.MULTILINE)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    text = re.sub(r"^\.\. (\[\d+\])", r"\1", text, flags=re.MULTILINE)
    return re.sub(r"(\[\d+\])_", r"\1", text)
