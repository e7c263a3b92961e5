"""Formats of the rows that are written, and which of them the name of a file tells."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal, NamedTuple

from varhouse.errors import UsageError

Format = Literal["table", "csv", "tsv", "json", "parquet"]
FORMATS: tuple[Format, ...] = ("table", "csv", "tsv", "json", "parquet")
_PACKED = ".gz"
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv", ".tsv": "tsv", ".json": "json", ".parquet": "parquet", ".txt": "table",
}  # fmt: skip


class FileFormat(NamedTuple):
    """How a file is written; ``is_packed``: through gzip."""

    form: Format
    is_packed: bool


def choose_format(wanted: Format | None, out: Path | None) -> Format:
    """Return the format asked for, else the one that the file's name tells, else ``table``.

    Raises
    ------
    UsageError
        Parquet without a file, or a file whose name tells nothing.
    """
    if wanted == "parquet" and out is None:
        raise UsageError("--format parquet: binary output needs a file; add --out FILE.parquet.")
    if wanted is not None:
        return wanted
    if out is None:
        return "table"
    found = _told_by_name(out)
    if found is None:
        raise UsageError(
            f"--out {out}: the name does not tell the format; wanted one of "
            f"{', '.join(_endings(FORMATS))}, or add --format {'|'.join(FORMATS)}."
        )
    return found.form


def file_format(out: Path, *, known: Collection[Format] = FORMATS) -> FileFormat:
    """Return the one of these formats that a file's name tells.

    Raises
    ------
    UsageError
        It tells none of them.
    """
    found = _told_by_name(out)
    if found is None or found.form not in known:
        raise UsageError(
            f"--out {out}: the name does not tell the format; wanted one of "
            f"{', '.join(_endings(known))}."
        )
    return found


def is_packed(out: Path) -> bool:
    """Whether a text in this file goes through gzip."""
    return out.suffix.lower() == _PACKED


def _told_by_name(out: Path) -> FileFormat | None:
    name = Path(out.stem) if is_packed(out) else out
    form = _SUFFIXES.get(name.suffix.lower())
    # parquet packs its own columns
    if form is None or (form == "parquet" and is_packed(out)):
        return None
    return FileFormat(form, is_packed(out))


def _endings(known: Collection[Format]) -> list[str]:
    return [
        suffix + packed
        for suffix, form in _SUFFIXES.items()
        if form in known
        for packed in (("",) if form == "parquet" else ("", _PACKED))
    ]
