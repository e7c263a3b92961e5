"""Reference of the command line, from click's own help texts."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator
from pathlib import Path

import click

from varhouse.cli import cli, common_options

PAGE = "reference/commands.md"


def pages(repo: Path) -> dict[str, str]:
    """Return the one reference page: path below ``docs`` to Markdown."""
    common = click.command("any")(common_options(lambda settings: None))
    shared = {each.name for each in common.params}
    lines = [
        "# Commands",
        "",
        "Made from the help texts; `varhouse COMMAND --help` prints the same.",
        "",
        "## Options of every command",
        "",
        *_options(common, frozenset()),
    ]
    for path, command in _walk(cli, ()):
        lines += [f"## {' '.join(path)}", "", f"`varhouse {_usage(path, command)}`", ""]
        lines += [_help(command), ""]
        if command.epilog:
            _, _, example = command.epilog.rpartition("\n")
            lines += ["```text", example.strip(), "```", ""]
        if not isinstance(command, click.Group):
            lines += _options(command, shared)
    return {PAGE: "\n".join(lines)}


def _walk(
    group: click.Group, above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from _walk(command, (*above, name))


def _usage(path: tuple[str, ...], command: click.Command) -> str:
    return " ".join([*path, *command.collect_usage_pieces(click.Context(command))])


def _help(command: click.Command) -> str:
    """Return the help text; a paragraph that click keeps as it is stays so here."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    shown = []
    for paragraph in paragraphs:
        kept = paragraph.removeprefix("\b\n")
        if kept != paragraph:
            shown.append(f"```text\n{kept}\n```")
        else:
            shown.append(" ".join(paragraph.split()).replace("<", "&lt;"))
    return "\n\n".join(shown)


def _options(command: click.Command, without: Collection[str | None]) -> list[str]:
    context = click.Context(command)
    rows = []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        # arguments stand in the usage; they have a record only to be told from each other
        if record is not None and record[1] and parameter.name not in without:
            spelling, text = (_cell(part) for part in record)
            rows.append(f"| `{spelling}` | {text} |")
    return ["| option | meaning |", "|---|---|", *rows, ""] if rows else []


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
