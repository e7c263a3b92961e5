"""Open the one DuckDB file: limits, private spill directory, lock, raw schema, SQL functions."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from varhouse.errors import DataError, UsageError, WarehouseHeldError
from varhouse.settings import Settings, shipped_project_dir
from varhouse.udf import register_functions
from varhouse.upgrade import create_or_upgrade

_HELD = re.compile(r"Conflicting lock is held in .+?\(PID (\d+)\)")


def _shipped_sql(folder: str) -> str:
    """Return the files of a folder of ``sql`` as one text, in the order of their names."""
    files = sorted((shipped_project_dir() / "sql" / folder).glob("*.sql"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def create_schema(con: duckdb.DuckDBPyConnection) -> None:
    """Create the raw tables, load tables and public views, or bring older ones up to date.

    Raises
    ------
    DataError
        What an older version stored does not fit; nothing was changed.
    """
    create_or_upgrade(con, _shipped_sql("schema"))


def create_functions(con: duckdb.DuckDBPyConnection) -> None:
    """Create every SQL function: those in Python, and ``sql/functions`` as temporary macros."""
    register_functions(con)
    con.execute(_shipped_sql("functions"))


@contextlib.contextmanager
def open_warehouse(
    settings: Settings, *, read_only: bool = False, must_exist: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for one command and close it afterwards, whatever happens.

    Parameters
    ----------
    settings
        Where and with which limits.
    read_only
        Open without write access; the file must exist. Other readers may share it.
    must_exist
        Refuse to create a new file.

    Raises
    ------
    UsageError
        The file does not exist although it has to or is called raw, or a limit is not understood.
    WarehouseHeldError
        Another process holds the file.
    DataError
        The file is not a DuckDB database, or an older version made it and its rows do not fit.
    """
    database = settings.database
    if (read_only or must_exist) and not database.is_file():
        raise UsageError(
            f"{database}: no such warehouse. Load something first (varhouse load ...) "
            "or name the file with --db."
        )
    if not database.parent.is_dir():
        raise UsageError(f"{database}: the folder {database.parent} does not exist.")
    if database.name.partition(".")[0].lower() == "raw":
        # DuckDB names a database after its file, and could not tell raw.genes of the two
        raise UsageError(
            f"{database}: raw is the schema of loaded tables; name the file otherwise."
        )
    spill = _make_spill_dir(settings, read_only=read_only)
    try:
        with _connect(settings, read_only=read_only, spill=spill) as con:
            if not read_only:
                create_schema(con)
            create_functions(con)
            yield con
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def build_hint(table: str) -> str:
    """Return what to try when a table is not there: it may be a model that was never built."""
    return f"If it is a model, build it: varhouse build --select +{table}"


def _make_spill_dir(settings: Settings, *, read_only: bool) -> Path:
    """Make a private folder (mode 0700) to spill into; remove those that dead processes left."""
    # absolute, so that it is found again when the working directory has changed
    parent = (settings.temp_dir or settings.database.parent).resolve()
    if read_only and not os.access(parent, os.W_OK):
        parent = Path(tempfile.gettempdir())
    prefix = f".{settings.database.name}.spill-"
    for left in parent.glob(f"{prefix}*"):
        pid = left.name.removeprefix(prefix).partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    try:
        return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=parent))
    except OSError as error:
        if settings.temp_dir is None:
            raise UsageError(
                f"{settings.database}: its folder cannot be written to ({error.strerror}), as "
                "changing a warehouse needs. Name another with --db, or ask its owner."
            ) from error
        raise UsageError(
            f"{parent}: cannot make a folder to spill into ({error.strerror}). "
            "Name a writable one with --temp-dir."
        ) from error


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is there, and another user's
    return True


def _connect(settings: Settings, *, read_only: bool, spill: Path) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory,
        "threads": settings.threads,
        "temp_directory": str(spill),
        "python_enable_replacements": False,
        "preserve_insertion_order": False,
    }
    try:
        con = duckdb.connect(str(settings.database), read_only=read_only, config=config)
        # DuckDB draws its own on stdout, where results go
        con.execute("set enable_progress_bar = false")
        _check_is_file(con, settings.database)
        return con
    except duckdb.CatalogException as error:
        raise _no_database(settings.database) from error
    except duckdb.IOException as error:
        held = _HELD.search(str(error))
        if held:
            raise WarehouseHeldError(
                f"{settings.database}: held by another process (PID {held[1]}). "
                "Wait for it to end, or open notebooks with read_only=True and close them."
            ) from error
        if "not a valid DuckDB database file" in str(error):
            raise _no_database(settings.database) from error
        raise DataError(
            f"{settings.database}: cannot be opened as a DuckDB file: {error}"
        ) from error
    except (duckdb.InvalidInputException, duckdb.ParserException) as error:
        raise UsageError(
            f"--memory {settings.memory} / --threads {settings.threads}: {error}"
        ) from error


def _check_is_file(con: duckdb.DuckDBPyConnection, database: Path) -> None:
    """Refuse a database in memory, of which nothing would be left.

    DuckDB makes one for ``:memory:``, and with a view on the file for CSV, JSON and parquet.
    The file itself is not looked into: closing it would drop the lock of this process.
    """
    ((path,),) = con.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchall()
    if path is None:
        con.close()
        raise _no_database(database)


def _no_database(database: Path) -> DataError:
    return DataError(
        f"{database}: cannot be opened as a DuckDB file: it is something else. "
        "Name the warehouse, or a file that is not there yet, with --db."
    )
