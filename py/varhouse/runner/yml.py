"""Read YAML keeping the line of every key, so that each complaint can name its line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from varhouse.errors import ProjectError
from varhouse.runner.nodes import Location, suggest


class LineDict(dict[str, Any]):
    """A mapping that knows the line of itself and of each of its keys."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        """Return the line of ``key``, or of the mapping when the key is absent."""
        return self.lines.get(key, self.line)


class LineList(list[Any]):
    """A list that knows the line of each of its items."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


class _Duplicate(Exception):
    def __init__(self, key: str, line: int) -> None:
        super().__init__(key)
        self.key = key
        self.line = line


def line_loader(base: type[Any]) -> type[Any]:
    """Return a loader whose mappings and lists keep their lines and whose keys may not repeat.

    Parameters
    ----------
    base
        ``yaml.SafeLoader`` or ``yaml.CSafeLoader``: no object is ever constructed from a tag.
    """

    # mypy wants a base that is known before the program runs
    class LineLoader(base):  # type: ignore[misc]
        pass

    LineLoader.add_constructor("tag:yaml.org,2002:map", _line_mapping)
    LineLoader.add_constructor("tag:yaml.org,2002:seq", _line_sequence)
    return LineLoader


def _line_mapping(loader: Any, node: yaml.MappingNode) -> LineDict:
    loader.flatten_mapping(node)
    made = LineDict(node.start_mark.line + 1)
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        key = key if isinstance(key, str) else str(key)
        line = key_node.start_mark.line + 1
        if key in made.lines:
            raise _Duplicate(key, line)
        made.lines[key] = line
        made[key] = loader.construct_object(value_node, deep=True)
    return made


def _line_sequence(loader: Any, node: yaml.SequenceNode) -> LineList:
    made = LineList(node.start_mark.line + 1)
    for item in node.value:
        made.lines.append(item.start_mark.line + 1)
        made.append(loader.construct_object(item, deep=True))
    return made


# libyaml's parser, where PyYAML has it, is about ten times as fast.
_LineLoader = line_loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)


def read_yaml(path: Path, shown: str) -> LineDict:
    """Return the mapping in ``path``; an empty file is an empty mapping.

    Raises
    ------
    ProjectError
        Not YAML, not a mapping, or a key given twice; the text names ``shown`` and the line.
    """
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=_LineLoader)
    except _Duplicate as error:
        raise ProjectError(
            f"{shown}:{error.line}: the key '{error.key}' is given twice."
        ) from error
    except UnicodeDecodeError as error:
        raise ProjectError(f"{shown}: not UTF-8 text: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ProjectError(f"{shown}:{line}: not YAML: {error.problem}") from error
    if found is None:
        return LineDict(1)
    if not isinstance(found, LineDict):
        raise ProjectError(f"{shown}:1: found a {type(found).__name__}, wanted a mapping.")
    return found


def plain(value: Any) -> Any:
    """Return the value with ordinary dicts and lists in place of those that know their lines."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


class Entry:
    """One mapping of a yml file with the checks that every mapping needs."""

    def __init__(self, value: Any, where: Location, what: str) -> None:
        if not isinstance(value, LineDict):
            raise ProjectError(
                f"{where}: {what} is a {type(value).__name__}, wanted a mapping of keys to values."
            )
        self.value = value
        self.path = where.path
        self.what = what
        self.location = Location(where.path, value.line)

    def at(self, key: str) -> Location:
        """Return where ``key`` stands."""
        return Location(self.path, self.value.line_of(key))

    def allow(self, *keys: str, refused: Mapping[str, str] | None = None) -> None:
        """Refuse any key that is not one of ``keys``, saying why where a reason is known."""
        for key in self.value:
            if key in keys:
                continue
            reason = (refused or {}).get(key)
            hint = f" {reason}" if reason else suggest(key, keys)
            raise ProjectError(
                f"{self.at(key)}: {self.what}: the key '{key}' is not supported.{hint}"
            )

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text value; without ``default`` the key must be there."""
        if key not in self.value or (self.value[key] is None and default is not None):
            if default is None:
                raise ProjectError(f"{self.location}: {self.what}: the key '{key}' is missing.")
            return default
        value = self.value[key]
        if not isinstance(value, str):
            raise ProjectError(
                f"{self.at(key)}: {self.what}: '{key}' is {value!r}, wanted text (quote it)."
            )
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Return a boolean value."""
        value = self.value.get(key, default)
        if not isinstance(value, bool):
            raise ProjectError(f"{self.at(key)}: '{key}' is {value!r}, wanted true or false.")
        return value

    def items(self, key: str) -> list[tuple[Any, Location]]:
        """Return the items of a list value, each with its place; absent is empty."""
        value = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, LineList):
            raise ProjectError(
                f"{self.at(key)}: {self.what}: '{key}' is a {type(value).__name__}, wanted a list."
            )
        places = [Location(self.path, line) for line in value.lines]
        return list(zip(value, places, strict=True))

    def entries(self, key: str, what: str) -> list[Entry]:
        """Return the mappings in a list value."""
        return [Entry(item, place, what) for item, place in self.items(key)]

    def mapping(self, key: str, what: str) -> Entry:
        """Return a mapping value; absent is empty."""
        value = self.value.get(key)
        if value is None:
            return Entry(LineDict(self.value.line_of(key)), self.at(key), what)
        return Entry(value, self.at(key), what)

    def strings(self, key: str) -> list[str]:
        """Return a value that is one text or a list of texts."""
        value = self.value.get(key)
        if value is None:
            return []
        values = [value] if isinstance(value, str) else plain(value)
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise ProjectError(
                f"{self.at(key)}: '{key}' is {value!r}, wanted text or a list of it."
            )
        return values


def one_of(value: Any, allowed: Collection[str], where: Location, what: str) -> str:
    """Return ``value`` if it is one of the allowed words, else refuse it."""
    if not isinstance(value, str) or value not in allowed:
        raise ProjectError(
            f"{where}: {what} is {value!r}, wanted one of {', '.join(allowed)}."
            f"{suggest(str(value), allowed)}"
        )
    return value
