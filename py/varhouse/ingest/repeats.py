"""A file that comes again: the same request is nothing new, another one must not pass for it."""

from __future__ import annotations

from pathlib import Path

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.format import LoadOptions
from varhouse.ingest.reading import sha256_of
from varhouse.ingest.request import flag_of

# Those that choose rows or change their values; left out, they ask for all rows, as they are.
_FILTERS = ("regions", "samples", "min_maf", "max_maf", "normalise_twice")
# Those that tell how rows are read; left out, they ask for nothing.
_READINGS = (
    "feature", "allele_order", "half_call", "csq_fields", "layer", "donor_column",
    "cell_type_column", "id_map",
)  # fmt: skip


def record_options(con: duckdb.DuckDBPyConnection, options: LoadOptions, load_id: int) -> None:
    """Write what was asked for into ``load_options``."""
    for name, value in _stated(options).items():
        con.execute("insert into load_options values (?, ?, ?)", [load_id, name, value])


def refuse_other_options(
    con: duckdb.DuckDBPyConnection, path: str, options: LoadOptions, load_id: int
) -> None:
    """Refuse a loaded file that is asked for otherwise now: its other rows would not come in.

    Raises
    ------
    DataError
        Names the options of both requests.
    """
    then: dict[str, str] = dict(
        con.execute(
            "select option, value from load_options where load_id = ?", [load_id]
        ).fetchall()
    )
    now = _stated(options)
    differing = [name for name in _FILTERS if then.get(name) != now.get(name)]
    differing += [name for name in _READINGS if name in now and now[name] != then.get(name)]
    if differing:
        raise DataError(
            f"{path}: loaded already (load {load_id}), with {_described(then, differing)}, now "
            f"asked for with {_described(now, differing)}. A file is loaded once: give all that is "
            "wanted of it in one load, into another --db."
        )


def _stated(options: LoadOptions) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in (*_FILTERS, *_READINGS):
        value = getattr(options, name)
        if value in ([], getattr(LoadOptions, name)):
            continue
        if isinstance(value, Path):
            found[name] = sha256_of([value])
        elif isinstance(value, list | tuple):
            found[name] = " ".join(sorted(value))
        else:
            # a switch has no value but its name
            found[name] = "" if value is True else str(value)
    return found


def _described(stated: dict[str, str], names: list[str]) -> str:
    return ", ".join(
        f"{flag_of(name)} {_short(stated[name])}".rstrip()
        if name in stated
        else f"no {flag_of(name)}"
        for name in names
    )


def _short(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:12]}..."
