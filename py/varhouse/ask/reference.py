"""Freeze, export and import quantile references: new variants scored as the old ones were."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from varhouse.ask.names import query_column, query_rows, query_table, require_results
from varhouse.errors import DataError, UsageError
from varhouse.output import write_file
from varhouse.transaction import transaction

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_COLUMNS = ("quantile_method", "source_id", "feature", "score_upper", "quantile", "n_rows")


def freeze_reference(con: duckdb.DuckDBPyConnection, name: str, *, out: Path | None = None) -> int:
    """Store the cut points of the current build under a name.

    Afterwards ``varhouse build --vars '{v2g_reference: NAME}'`` scores against them, whatever
    variants are in the warehouse then.

    Parameters
    ----------
    con
        A writable warehouse.
    name
        Letters, digits, ``_``, ``.`` and ``-``; not used before.
    out
        Write the reference to this parquet file, too; if that fails nothing is stored.

    Returns
    -------
    int
        Number of cut points stored.

    Raises
    ------
    UsageError
        The name is not a name or is taken.
    DataError
        The models have not been built or made no cut points, or ``out`` cannot be written.
    """
    _refuse_name(con, name)
    require_results(con, "v2g_cut_points")
    columns = ", ".join(_COLUMNS)
    with transaction(con):
        con.execute(
            f"insert into raw.quantile_reference (reference_id, {columns}) "
            f"select ?, {columns} from v2g_cut_points order by source_id, feature, score_upper",
            [name],
        )
        (n_rows,) = query_column(
            con, "select count(*) from raw.quantile_reference where reference_id = ?", [name]
        )
        if not n_rows:
            raise DataError(
                f"freeze {name}: v2g_cut_points is empty; load evidence and run `varhouse build`."
            )
        if out is not None:
            export_reference(con, name, out)
    return int(n_rows)


def export_reference(con: duckdb.DuckDBPyConnection, name: str, out: Path) -> None:
    """Write a stored reference to a parquet file that :func:`import_reference` reads.

    Raises
    ------
    UsageError
        The folder does not exist.
    DataError
        No reference has this name, or the file cannot be written.
    """
    table = query_table(
        con,
        f"select {', '.join(_COLUMNS)} from raw.quantile_reference where reference_id = ? "
        "order by source_id, feature, score_upper, quantile",
        [name],
    )
    if not table.num_rows:
        stored = query_column(
            con, "select distinct reference_id from raw.quantile_reference order by all"
        )
        raise DataError(f"{name}: no such reference; stored: {', '.join(stored) or 'none'}.")
    write_file(table, out, "parquet")


def import_reference(con: duckdb.DuckDBPyConnection, name: str, file: Path) -> int:
    """Store the reference of a parquet file under a name.

    Parameters
    ----------
    con
        A writable warehouse.
    name
        As in :func:`freeze_reference`.
    file
        Written by :func:`export_reference`.

    Returns
    -------
    int
        Number of cut points stored.

    Raises
    ------
    UsageError
        The name is taken.
    DataError
        The file is not a reference: says which column or value is wrong. Nothing is stored.
    """
    _refuse_name(con, name)
    try:
        found = pq.read_schema(file).names
    except OSError as error:
        raise DataError(f"{file}: cannot be read as parquet: {error}") from error
    except ValueError as error:
        raise DataError(f"{file}: not a parquet file: {error}") from error
    missing = [column for column in _COLUMNS if column not in found]
    if missing:
        raise DataError(
            f"{file}: column {', '.join(missing)} is missing; found {', '.join(found)}. "
            "Wanted a file that `varhouse freeze NAME --out FILE` wrote."
        )
    columns = ", ".join(_COLUMNS)
    try:
        with transaction(con):
            con.execute(
                f"insert into raw.quantile_reference (reference_id, {columns}) "
                f"select ?, {columns} from read_parquet(?) "
                "order by source_id, feature, score_upper",
                [name, str(file)],
            )
            return _checked(con, name, file)
    except duckdb.Error as error:
        raise DataError(f"{file}: not a quantile reference: {error}") from error


def _refuse_name(con: duckdb.DuckDBPyConnection, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r}: not a name for a reference; wanted letters, digits, '_', '.' or '-'."
        )
    if query_rows(
        con, "select 1 from raw.quantile_reference where reference_id = ? limit 1", [name]
    ):
        raise UsageError(
            f"{name}: a quantile reference of this name is stored already and scores may have "
            "been made with it; choose another name."
        )


def _checked(con: duckdb.DuckDBPyConnection, name: str, file: Path) -> int:
    (row,) = query_rows(
        con,
        """
        select
            count(*),
            count(distinct quantile_method),
            count(*) filter (isnan(score_upper)),
            count(*) filter (not quantile between 0 and 1),
            count(*) - count(distinct (source_id, feature, score_upper, quantile))
        from raw.quantile_reference
        where reference_id = ?
        """,
        [name],
    )
    n_rows, n_methods, n_nan, n_outside, n_repeated = row
    faults = [
        (n_rows == 0, "it has no rows"),
        (n_methods > 1, f"it mixes {n_methods} quantile methods, wanted one"),
        (n_nan > 0, f"score_upper is NaN in {n_nan} rows"),
        (n_outside > 0, f"quantile is outside 0 to 1 in {n_outside} rows"),
        (n_repeated > 0, f"{n_repeated} rows are repeated"),
    ]
    for is_fault, text in faults:
        if is_fault:
            raise DataError(f"{file}: not a quantile reference: {text}.")
    return int(n_rows)
