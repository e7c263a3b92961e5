"""Take the data out of what the database says: its errors quote cells, and cells are personal.

Words that quote only SQL, names and sizes stay. Of the rest, the sentences known here stay with an
ellipsis in place of each value; whatever else may quote a value is left out.
"""

from __future__ import annotations

import re

import duckdb

LEFT_OUT = "(the database's words are left out, they may quote data)"
_QUOTE_ONLY_SQL: tuple[type[duckdb.Error], ...] = (
    duckdb.ParserException, duckdb.SyntaxException, duckdb.BinderException,
    duckdb.CatalogException, duckdb.NotImplementedException, duckdb.OutOfMemoryException,
    duckdb.TransactionException, duckdb.PermissionException, duckdb.IOException,
    duckdb.DependencyException,
)  # fmt: skip
_HEAD = re.compile(r"(?P<kind>[A-Z][A-Za-z ]*Error): (?P<body>.*)", re.DOTALL)
_TYPE = r"(?P<type>[A-Z][A-Z0-9_]*(?:\([^()']*\))?(?:\[\d*\])*|ENUM|STRUCT|MAP|UNION)"
# The column's name is the last thing said: a value cannot be taken for it.
_TAIL = r"(?P<tail>(?: when casting from source column \w+)?)"
_SENTENCES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), kept)
    for pattern, kept in (
        (rf"Could not convert string '.*' to {_TYPE}.*?{_TAIL}",
         "Could not convert string … to {type}{tail}"),
        (rf"Could not cast value .* to {_TYPE}{_TAIL}", "Could not cast value … to {type}{tail}"),
        (rf"invalid (?P<type>date|time|timestamp) field format: .*?{_TAIL}",
         "invalid {type} field format …{tail}"),
        (rf"(?P<type>date|time|timestamp)(?:/time)? field value out of range: .*?{_TAIL}",
         "{type} field value out of range …{tail}"),
        (rf"Type (?P<of>[A-Z][A-Z0-9_]*)[^']* with value .* can't be cast because the value is "
         rf"out of range for the destination type {_TYPE}{_TAIL}",
         "a value of type {of} is out of range for the destination type {type}{tail}"),
        (rf"Type (?P<of>[A-Z][A-Z0-9_]*)[^']* with value .* can't be cast to the destination "
         rf"type {_TYPE}.*?{_TAIL}",
         "a value of type {of} can't be cast to the destination type {type}{tail}"),
        (r"Overflow in (?P<of>[a-z]+) of (?P<type>[A-Z0-9_]+) \(.*",
         "Overflow in {of} of {type}"),
        (rf"Malformed JSON at byte \d+ of input: .*?{_TAIL}", "Malformed JSON{tail}"),
        (r"Could not parse string \".*", "Could not parse string … by the given format"),
        (r"Duplicate key \"(?P<of>\w+): .*violates (?P<type>primary key|unique) constraint.*",
         "Duplicate key {of}: … violates {type} constraint"),
        (r"(?P<of>NOT NULL constraint failed: [\w.]+)", "{of}"),
        (r"(?P<of>CHECK constraint failed on table \"\w+\" with expression CHECK\([^']*\))",
         "{of}"),
        (r"CSV Error on Line: (?P<of>\d+)\n.*?Error when converting column \"(?P<type>\w+)\"\..*",
         'CSV line {of}: the value in column "{type}" does not have the column\'s type'),
        (r"CSV Error on Line: (?P<of>\d+)\n.*Expected Number of Columns: (?P<want>\d+) "
         r"Found: (?P<type>\d+).*", "CSV line {of}: {type} columns, wanted {want}"),
        (r"CSV Error on Line: (?P<of>\d+)\n.*", "CSV line {of} cannot be read"),
        (r"Error when sniffing file .*", "the layout of the CSV file cannot be told"),
        (rf"(?P<of>Cannot cast (?:list|array) (?:of size|with length) \d+ to array "
         rf"(?:of size|with length) \d+){_TAIL}", "{of}{tail}"),
        (r"Python exception occurred while executing the UDF: (?P<type>[\w.]+).*",
         "a Python function raised {type} " + LEFT_OUT),
        (r"(?P<of>Returned pyarrow table should have \d+ tuples, found \d+)", "{of}"),
        (r"(?P<of>Map keys (?:must be unique|can not be NULL)\.)", "{of}"),
        (r"(?P<of>More than one row returned by a subquery used as an expression)[ -].*", "{of}"),
        (r"(?P<of>MERGE INTO command cannot affect the same target row more than once)\..*",
         "{of}"),
    )
)  # fmt: skip


def scrubbed(message: str, error: duckdb.Error, sql: str = "") -> str:
    """Return what may be said of a database error outside the database.

    Parameters
    ----------
    message
        The error's text, without the excerpt of the statement.
    error
        The error itself: its class tells whether its words can quote data.
    sql
        The statement. Words that it holds, such as those of ``error('...')``, are no data.
    """
    if isinstance(error, _QUOTE_ONLY_SQL):
        return message
    head = _HEAD.fullmatch(message.strip())
    kind, body = (head["kind"], head["body"]) if head else (type(error).__name__, message)
    if "'" + body.replace("'", "''") + "'" in sql:
        return f"{kind}: {body}"
    for pattern, kept in _SENTENCES:
        found = pattern.fullmatch(body)
        if found is not None:
            return f"{kind}: {kept.format(**found.groupdict())}"
    return f"{kind} {LEFT_OUT}"
