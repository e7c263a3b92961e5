"""Tables with a column for each donor, of text or parquet, cell by cell inside DuckDB."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from varhouse.ingest.format import SourceFile
from varhouse.ingest.staging import (
    header_line_number,
    name_sql,
    parquet_numbers,
    parquet_sql,
    stage_fields,
)


def stage_matrix(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    """Create the view ``matrix_rows(line, fields)``, every field as text.

    Raises
    ------
    DataError
        A line has more or fewer fields than the header, or is not UTF-8.
    """
    if source.delimiter:
        stage_fields(con, source, source.columns, [], header_line=header_line_number(source))
        rows = "select line, fields from file_fields"
    else:
        # by place: DuckDB takes hg1 for HG1, and has no name for a column without one
        places = [f"field{number}" for number in range(len(source.columns))]
        _, floats = parquet_numbers(source)
        fields = ", ".join(
            name_sql(place) if name in floats else f"cast({place} as varchar)"
            for place, name in zip(places, source.columns, strict=True)
        )
        rows = (
            f"select line0 + 1 as line, [{fields}] as fields "
            f"from {parquet_sql(source)} as cells({', '.join(places)}, line0)"
        )
    con.execute(f"create or replace temp view matrix_rows as {rows}")


def drop_matrix(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what `stage_matrix` made."""
    con.execute("drop view if exists temp.matrix_rows")
    con.execute("drop table if exists temp.file_fields")


def create_column_names(con: duckdb.DuckDBPyConnection, names: Sequence[str | None]) -> None:
    """Create the temp table ``matrix_columns(number, name)`` of the columns that have a name."""
    con.execute("create or replace temp table matrix_columns(number bigint, name varchar)")
    con.execute(
        "insert into matrix_columns select number, name from (select "
        "unnest(range(1, len($names) + 1)) as number, unnest($names) as name) "
        "where name is not null",
        {"names": [name if name is None else name.strip() for name in names]},
    )


MATRIX_CELLS = (
    "(select line, unnest(range(1, len(fields) + 1)) as number, unnest(fields) as value "
    "from matrix_rows)"
)
"""FROM item: every cell with its line and the number of its column, from 1."""


def matrix_column(number: int) -> str:
    """Return a FROM item with ``line`` and the ``value`` of one column, numbered from 1."""
    return f"(select line, trim(fields[{number}]) as value from matrix_rows)"
