"""The Python door to the warehouse: ``varhouse.connect`` and ``varhouse.register``."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from varhouse.errors import UsageError
from varhouse.output import with_texts
from varhouse.rows import fetched, is_beyond_python, python_rows
from varhouse.settings import DEFAULT_DATABASE, DEFAULT_MEMORY, Settings
from varhouse.warehouse import create_functions, open_warehouse

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Parameters = Sequence[Any] | Mapping[str, Any]


class Result:
    """The rows of one query, already in memory, so that the warehouse is free again.

    In a notebook the last expression of a cell shows itself as a table.
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def arrow(self) -> pa.Table:
        """Return the rows as a pyarrow table."""
        return self._table

    def pl(self) -> pl.DataFrame:
        """Return the rows as a polars frame, without a copy where the types allow it.

        Columns with what polars has no word for are text: intervals, unions, and dates and times
        that Python cannot hold, such as ``infinity``.
        """
        import polars

        return polars.DataFrame(with_texts(self._table, _is_unknown_to_polars))

    def df(self) -> pd.DataFrame:
        """Return the rows as a pandas frame.

        Columns with unions, or with dates and times that Python cannot hold, are text.

        Raises
        ------
        UsageError
            pandas is not installed.
        """
        try:
            import pandas  # noqa: F401
        except ImportError as error:
            raise UsageError(
                "pandas is not installed: pip install pandas, or use .pl() or .arrow()."
            ) from error
        frame: pd.DataFrame = with_texts(self._table, _is_unknown_to_pandas).to_pandas()
        return frame

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows as a list of dictionaries.

        A date or time that Python cannot hold is text: ``infinity``, ``5000-01-01 (BC)``.
        """
        return python_rows(self._table)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self._table.column_names)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __repr__(self) -> str:
        return repr(self.pl())

    def _repr_html_(self) -> str:
        return self.pl()._repr_html_()


@dataclass
class _OpenFile:
    """A database file open in this process, shared by every Warehouse of it."""

    path: Path
    key: tuple[bool, str, int]
    con: duckdb.DuckDBPyConnection
    stack: contextlib.ExitStack
    n_users: int = 0


# DuckDB refuses to open a file twice with different settings, which re-running a notebook cell
# does; so a file that is open here already is shared.
_open_files: dict[Path, _OpenFile] = {}
# a Warehouse that nobody holds any longer is released by whichever thread collects it, which may
# be one that has the lock
_lock = threading.RLock()


class Warehouse:
    """An open warehouse; made by :func:`connect`, closed by ``close()`` or a ``with`` block."""

    def __init__(self, path: Path, opened: _OpenFile) -> None:
        self.path = path
        self.read_only = opened.key[0]
        # a connection answers one thread at a time, and refuses the others
        self._busy = threading.Lock()
        self._con = opened.con.cursor()
        create_functions(self._con)
        opened.n_users += 1
        self._finalizer = weakref.finalize(self, _release, opened, self._con)

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection itself, for what ``sql`` does not do.

        Raises
        ------
        UsageError
            The warehouse was closed.
        """
        if not self._finalizer.alive:
            raise UsageError(f"{self.path}: this warehouse was closed; connect again.")
        return self._con

    def sql(self, query: str, params: Parameters | None = None) -> Result:
        """Run SQL and fetch all rows; threads that share a warehouse take turns.

        Parameters
        ----------
        query
            One statement; ``?`` and ``$name`` stand for the values of ``params``.
        params
            A list for ``?``, a dictionary for ``$name``. Values never become SQL text.

        Returns
        -------
        Result
            ``.pl()``, ``.arrow()``, ``.df()`` or ``.rows()``; no columns for a statement that
            returns none.

        Raises
        ------
        UsageError
            The warehouse was closed, or the text is not one statement; nothing of it has run.
        duckdb.Error
            What DuckDB says about the query.

        Examples
        --------
        >>> import varhouse
        >>> with varhouse.connect("varhouse.duckdb") as house:  # doctest: +SKIP
        ...     house.sql("select * from genes_for_variant(?)", ["rs1421085"]).pl()
        """
        n_statements = len(duckdb.extract_statements(query))
        if n_statements != 1:
            raise UsageError(
                f"sql: found {n_statements} statements; wanted one. Call sql() for each, or run "
                "them with .con.execute()."
            )
        with self._busy:
            relation = self.con.sql(query, params=params)
            # DuckDB's stubs promise a relation; a statement without a result gives None.
            if relation is None:
                return Result(pa.table({}))
            return Result(fetched(relation))

    def close(self) -> None:
        """Close; closing twice does nothing."""
        self._finalizer()

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if not self._finalizer.alive else "open"
        mode = "read-only" if self.read_only else "writable"
        return f"<varhouse.Warehouse {self.path} ({mode}, {state})>"


def connect(
    path: str | os.PathLike[str] = DEFAULT_DATABASE,
    read_only: bool = True,
    *,
    memory: str = DEFAULT_MEMORY,
    threads: int | None = None,
) -> Warehouse:
    """Open a warehouse with all SQL functions registered.

    Parameters
    ----------
    path
        The DuckDB file.
    read_only
        Other processes can read the file at the same time; nothing can be changed.
    memory
        DuckDB's memory limit, such as ``4GB``.
    threads
        DuckDB's threads; all cores when None.

    Returns
    -------
    Warehouse
        To be closed, or used in a ``with`` block. Opening a file that this process has open
        with the same settings shares it.

    Raises
    ------
    UsageError
        No such file, a limit that DuckDB does not understand, or the file is open in this
        process with other settings.
    WarehouseHeldError
        Another process is writing to the file.
    DataError
        The file is not a DuckDB database.

    Examples
    --------
    >>> import varhouse
    >>> house = varhouse.connect("varhouse.duckdb")  # doctest: +SKIP
    >>> house.sql("from genes_for_variant('rs1421085')").pl()  # doctest: +SKIP
    """
    settings = Settings(database=Path(path), memory=memory, threads=threads or os.cpu_count() or 1)
    resolved = settings.database.resolve()
    key = (read_only, settings.memory, settings.threads)
    with _lock:
        opened = _open_files.get(resolved)
        if opened is None:
            stack = contextlib.ExitStack()
            con = stack.enter_context(open_warehouse(settings, read_only=read_only))
            opened = _open_files[resolved] = _OpenFile(resolved, key, con, stack)
        elif opened.key != key:
            raise UsageError(
                f"{settings.database}: open in this process with other settings "
                f"({_describe(opened.key)}; wanted {_describe(key)}). close() the other one first."
            )
        return Warehouse(settings.database, opened)


def register(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Add varhouse's SQL functions to any DuckDB connection and return it.

    They leave nothing in the file and work on a read-only database. Macros live as long as this
    connection; functions in Python serve its cursors too.

    Parameters
    ----------
    con
        A connection, for example ``duckdb.connect("varhouse.duckdb", read_only=True)``.

    Examples
    --------
    >>> import duckdb, varhouse
    >>> con = varhouse.register(duckdb.connect())
    >>> con.sql("select variant_key('chr16:53800954:t:c')").fetchone()
    ('16_53800954_T_C',)
    >>> con.close()
    """
    create_functions(con)
    return con


def _is_unknown_to_pandas(column: pa.ChunkedArray) -> bool:
    return pa.types.is_union(column.type) or is_beyond_python(column)


def _is_unknown_to_polars(column: pa.ChunkedArray) -> bool:
    return pa.types.is_interval(column.type) or _is_unknown_to_pandas(column)


def _release(opened: _OpenFile, cursor: duckdb.DuckDBPyConnection) -> None:
    with _lock:
        cursor.close()
        opened.n_users -= 1
        if opened.n_users == 0:
            del _open_files[opened.path]
            opened.stack.close()


def _describe(key: tuple[bool, str, int]) -> str:
    read_only, memory, threads = key
    return f"{'read-only' if read_only else 'writable'}, memory {memory}, threads {threads}"
