"""Text and parquet files as temp tables, a line or a record each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from varhouse.errors import DataError
from varhouse.ingest.format import SourceFile
from varhouse.ingest.reading import compression_of, head_lines, header_hint, shown_names
from varhouse.sql_text import quoted_name, text_literal

_MAX_LINE_BYTES = 64 << 20
_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")


def path_sql(path: Path) -> str:
    """Return a path as an SQL literal in which no character is a wildcard."""
    return text_literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def parquet_sql(source: SourceFile) -> str:
    """Return a FROM item with a parquet file's columns and ``file_row_number`` (0-based)."""
    return f"read_parquet({path_sql(source.path)}, file_row_number=true, hive_partitioning=false)"


def parquet_numbers(source: SourceFile) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of a parquet file's integer and of its floating-point columns.

    Their values need not be parsed from text.
    """
    schema = pq.read_schema(source.path)
    integers = (field.name for field in schema if pa.types.is_signed_integer(field.type))
    floats = (
        field.name
        for field in schema
        if pa.types.is_float32(field.type) or pa.types.is_float64(field.type)
    )
    return frozenset(integers), frozenset(floats)


def name_sql(number: str) -> str:
    """Return a floating-point number that is a name as text: whole ones without the point."""
    whole = f"{number} = trunc({number}) and abs({number}) < 9007199254740992"
    return (
        f"case when {whole} then cast(cast({number} as bigint) as varchar) "
        f"else cast({number} as varchar) end"
    )


def require_columns(source: SourceFile, wanted: Sequence[str]) -> None:
    """Refuse a file that lacks a column.

    Raises
    ------
    DataError
        Names the file, the missing columns and the columns found.
    """
    missing = [name for name in wanted if name not in source.columns]
    if missing:
        raise missing_columns(source, missing)


def missing_columns(source: SourceFile, missing: Sequence[str]) -> DataError:
    """Return the error for a file without columns that its format needs."""
    plural = "s" if len(missing) > 1 else ""
    return DataError(
        f"{source.path}: column{plural} {', '.join(missing)} missing; "
        f"columns found: {shown_names(source.columns)}.{header_hint(source)}"
    )


def stage_lines(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    """Create the temp table ``file_lines(line, content)``: every line that is not blank.

    Raises
    ------
    DataError
        A line is not UTF-8, or longer than any sane line.
    """
    # The delimiter is a control character that no text holds: DuckDB only splits lines here.
    # row_number() over () numbers them in file order: the operator runs on one thread.
    try:
        con.execute(f"""
            create or replace temp table file_lines as
            select line, content
            from (
                select
                    row_number() over () as line,
                    rtrim(content, chr(13)) as content
                from read_csv(
                    {path_sql(source.path)}, columns={{'content': 'VARCHAR'}}, auto_detect=false,
                    header=false, delim='\x01', quote='', escape='', comment='', nullstr='',
                    compression='{compression_of(source.path)}',
                    max_line_size={_MAX_LINE_BYTES}, hive_partitioning=false
                )
            )
            where trim(content, ' ' || chr(9)) <> ''
        """)
    except duckdb.InvalidInputException as error:
        line = _CSV_LINE.search(str(error))
        where = f", line {line[1]}" if line else ""
        if "unicode" in str(error):
            found = "not text in UTF-8 (convert with iconv, or is it a binary file?)"
        elif "Maximum line size" in str(error):
            found = f"a line longer than {_MAX_LINE_BYTES >> 20} MiB"
        else:
            found = "a control character or line end that does not belong in a text table"
        raise DataError(f"{source.path}{where}: {found}.") from None


def stage_fields(
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    columns: Sequence[str],
    wanted: Sequence[str],
    *,
    header_line: int,
    comment: str = "",
) -> str:
    """Create ``file_fields(line, fields)`` and return a SELECT list naming the wanted fields.

    Parameters
    ----------
    columns
        Names of the fields in the order of the file.
    wanted
        Those that are read; the others may be called anything.
    header_line
        Lines up to this one are not data; 0 for a file without header.
    comment
        Lines that begin with it are not data.

    Returns
    -------
    str
        ``fields[1] as "a", fields[2] as "b"``; every field is VARCHAR.

    Raises
    ------
    DataError
        A line has more or fewer fields than there are columns: its number and both counts. A
        wanted column stands in the header twice.
    """
    twice = [name for name in wanted if columns.count(name) > 1]
    if twice:
        raise DataError(f"{source.path}: column {twice[0]} occurs twice in the header.")
    stage_lines(con, source)
    where = f"line > {header_line}"
    if comment:
        where += f" and not starts_with(content, {text_literal(comment)})"
    con.execute(f"""
        create or replace temp table file_fields as
        select line, {split_sql(source, "content")} as fields from file_lines where {where}
    """)
    con.execute("drop table file_lines")
    ragged = con.execute(
        "select line, len(fields) from file_fields where len(fields) is distinct from ? "
        "order by line limit 1",
        [len(columns)],
    ).fetchone()
    if ragged and ragged[1] is None:
        raise DataError(
            f"{source.path}, line {ragged[0]}: a quote opens or closes in the middle of a value."
        )
    if ragged:
        raise DataError(
            f"{source.path}, line {ragged[0]}: {ragged[1]} columns found, {len(columns)} expected. "
            f"Is the line cut short, or does a value hold the delimiter?{header_hint(source)}"
        )
    return ", ".join(f"fields[{columns.index(name) + 1}] as {quoted_name(name)}" for name in wanted)


def split_sql(source: SourceFile, line: str) -> str:
    """Return SQL that splits a line of a file into its fields, quotes around a field taken off.

    It is NULL where commas separate, or the header is quoted, and a quote opens or closes in the
    middle of a field.
    """
    if source.delimiter == " ":
        fields = f"string_split_regex(trim({line}), ' +')"
        trimmed = f"list_transform({fields}, lambda field: trim(field, '\"'))"
        return trimmed if source.is_quoted else fields
    fields = f"string_split({line}, {text_literal(source.delimiter)})"
    if source.delimiter == "," or source.is_quoted:
        quoted = _quoted_split(source.delimiter, line)
    else:
        # spreadsheets quote single fields of a table; elsewhere a quote may stand for inches
        quoted = _without_quotes(fields)
    return f"case when contains({line}, '\"') then {quoted} else {fields} end"


def _without_quotes(fields: str) -> str:
    """Return SQL that takes the quotes off the fields that begin and end in one.

    ``""`` stays: so Spark writes a text that is empty, and nothing where there is none.
    """
    return f"""list_transform({fields}, lambda field: case
        when length(field) > 2 and starts_with(field, '"') and ends_with(field, '"')
            then replace(field[2:-2], '""', '"')
        else field
    end)"""


def _quoted_split(delimiter: str, line: str) -> str:
    """Return SQL that splits a line, takes quotes off and halves doubled ones.

    It is NULL when something is left over, such as text after a closing quote or a quote that is
    never closed.
    """
    mark = text_literal(delimiter)
    # each field with the delimiter before it
    pattern = text_literal(f'{delimiter}(?:"(?:[^"]|"")*"|[^{delimiter}"]*)')
    fields = f"regexp_extract_all({mark} || {line}, {pattern})"
    return f"""
        case when length(array_to_string({fields}, '')) = length({line}) + 1 then
            list_transform(
                {fields},
                lambda field: case
                    when starts_with(field, {mark} || '"') then replace(field[3:-2], '""', '"')
                    else field[2:]
                end
            )
        end
    """


def stage_table(
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    wanted: Sequence[str],
    *,
    comment: str = "",
) -> str:
    """Return a subquery with ``line`` and the wanted columns as text, whatever the file type.

    Parquet columns are cast to VARCHAR, ``line`` is the record number; text files must begin with
    a header line naming `SourceFile.columns`.

    Raises
    ------
    DataError
        A wanted column is missing or named twice, a ragged line, text that is not UTF-8.
    """
    require_columns(source, wanted)
    if not source.delimiter:
        named = ", ".join(
            f"cast({quoted_name(name)} as varchar) as {quoted_name(name)}" for name in wanted
        )
        return f"(select file_row_number + 1 as line, {named} from {parquet_sql(source)})"
    named = stage_fields(
        con,
        source,
        source.columns,
        wanted,
        header_line=header_line_number(source),
        comment=comment,
    )
    return f"(select line, {named} from file_fields)"


def header_line_number(source: SourceFile) -> int:
    """Return the 1-based number of the line that `sniff` took for the header."""
    for number, line in enumerate(head_lines(source.path), start=1):
        if line.strip():
            return number
    raise DataError(f"{source.path}: the file is empty (blank lines only).")
