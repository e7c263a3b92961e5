"""Compiled templates that outlive the process, in a folder that nobody else can write to.

Compiling the templates of a project takes longer than rendering all of them. What is kept depends
on the text and path of a template alone, never on vars; a damaged or foreign file is as none.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import marshal
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import NamedTuple

import jinja2

_LOG = logging.getLogger("varhouse.runner")
_SUFFIX = ".templates"
_DIGEST_BYTES = hashlib.sha256().digest_size
# Projects whose templates are kept; of the shipped one they take about half a megabyte.
_KEPT_PROJECTS = 16


class Compiled(NamedTuple):
    """A template's Python code, the names it takes from outside, its macros and their lines."""

    code: CodeType
    names: frozenset[str]
    macros: tuple[tuple[str, int], ...]


class TemplateCache:
    """The compiled templates of one project.

    Parameters
    ----------
    folder
        Where they are kept from one process to the next; nowhere when None, or when the folder
        is not this user's alone.
    project
        The folder of the project.
    """

    def __init__(self, folder: Path | None, project: Path) -> None:
        self._path = None if folder is None else folder / f"{_digest(_stamp(), project)}{_SUFFIX}"
        self._kept = self._read()
        self._used: dict[str, Compiled] = {}
        self._grown = False

    def compiled(self, kind: str, text: str, path: str, make: Callable[[], Compiled]) -> Compiled:
        """Return what ``make`` returns for this template, or what it once returned.

        Parameters
        ----------
        kind
            How it is compiled, such as ``model``.
        text, path
            The template.
        make
            Compiles it; what it raises is passed on and not kept.
        """
        key = _digest(kind, path, text)
        found = self._kept.get(key)
        if found is None:
            found = make()
            self._grown = True
        self._used[key] = found
        return found

    def save(self) -> None:
        """Keep what was used since the start; nothing is written where nothing was compiled."""
        if self._path is None or not self._grown:
            return
        payload = marshal.dumps({key: tuple(each) for key, each in self._used.items()})
        aside = self._path.with_suffix(f".{os.getpid()}{_SUFFIX}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _is_private(self._path.parent):
                aside.write_bytes(hashlib.sha256(payload).digest() + payload)
                aside.replace(self._path)
                _remove_oldest(self._path.parent)
        except OSError as error:
            # a full disk or a home that is read-only costs time, nothing else
            _LOG.debug("compiled templates are not kept: %s", error)

    def _read(self) -> dict[str, Compiled]:
        if self._path is None:
            return {}
        try:
            content = self._path.read_bytes() if _is_private(self._path.parent) else b""
        except OSError:
            return {}
        digest, payload = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        # marshal may crash on what it did not write itself
        if hashlib.sha256(payload).digest() != digest:
            return {}
        return {key: Compiled(*each) for key, each in marshal.loads(payload).items()}


def _is_private(folder: Path) -> bool:
    """Return whether nobody else can put a file here: what is read from it will be run."""
    found = folder.lstat()
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    )


def _remove_oldest(folder: Path) -> None:
    kept = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
    for path in kept[:-_KEPT_PROJECTS]:
        path.unlink(missing_ok=True)


def _digest(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def _stamp() -> str:
    """Return a text that changes with whatever decides how a template is compiled."""
    jinja = Path(jinja2.__file__).parent
    ours = Path(__file__).parent
    parts: list[object] = [sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER.hex(), jinja]
    for path in (*sorted(jinja.glob("*.py*")), *sorted(ours.glob("template*.py*"))):
        found = path.stat()
        parts += [path.name, found.st_size, found.st_mtime_ns]
    return _digest(*parts)
