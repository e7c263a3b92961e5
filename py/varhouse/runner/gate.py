"""What a model may say: one query, no writing, no files. Checked on the syntax tree."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import ParseError, TokenError

from varhouse.errors import ProjectError
from varhouse.runner.sourcemap import MappedSql
from varhouse.sql_text import text_literal

DIALECT = "duckdb"
_DUCKDB = sqlglot.Dialect.get_or_raise(DIALECT)
_FORBIDDEN: tuple[type[exp.Expr], ...] = (
    exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.Copy,
    exp.Attach, exp.Detach, exp.Set, exp.Pragma, exp.Command, exp.Use, exp.Transaction, exp.Commit,
    exp.Rollback, exp.TruncateTable, exp.LoadData, exp.Describe, exp.Show, exp.Export, exp.Install,
    exp.Kill, exp.Comment, exp.Cache, exp.Uncache, exp.Refresh, exp.Analyze, exp.Grant, exp.Revoke,
    exp.Execute, exp.Into,
)  # fmt: skip
# Reading files, running text as SQL, or changing the process; models read refs and sources only.
_FORBIDDEN_CALLS = re.compile(
    r"read_\w+|\w+_scan|parquet_\w+|glob|sniff_csv|query|query_table|(force_)?checkpoint|getenv"
    r"|copy_\w+|write_\w+|(enable|disable)_\w+|truncate_\w+|add_parquet_key|set_\w+_secret"
    r"|duckdb_secrets|which_secret|json_execute_serialized_sql|from_substrait\w*|pragma_\w+"
    r"|currval|nextval|setseed|\w+_attach|load_\w+|install\w*|http\w*|shell\w*",
    re.IGNORECASE,
)
_WATCHED = (exp.Table, exp.CTE, exp.Anonymous, exp.ReadCSV, exp.ReadParquet)
_FILE_NAME = re.compile(
    r"[/\\:*]|\.(csv|tsv|txt|json|ndjson|jsonl|parquet|gz|zst|db|duckdb|xlsx)$", re.I
)
# Tokens in which case and blanks count; their text is without its quotes.
_WRITTEN_EXACTLY = {
    TokenType.IDENTIFIER, TokenType.VAR, TokenType.STRING, TokenType.BYTE_STRING,
    TokenType.UNICODE_STRING, TokenType.HEX_STRING, TokenType.BIT_STRING,
    TokenType.HEREDOC_STRING, TokenType.RAW_STRING, TokenType.NATIONAL_STRING,
}  # fmt: skip


@dataclass(frozen=True)
class CheckedQuery:
    """A query that passed the gate.

    Attributes
    ----------
    tree
        Its syntax tree; kept for the next who asks, so that nobody may change it.
    tables
        Tables and common table expressions that it reads.
    named
        Names of its common table expressions, in lower case.
    unknown_calls
        Names of functions that the parser does not know, in lower case.
    """

    tree: exp.Query
    tables: tuple[exp.Table, ...]
    named: frozenset[str]
    unknown_calls: frozenset[str]


@lru_cache(maxsize=1024)
def check_query(sql: MappedSql) -> CheckedQuery:
    """Parse a rendered model, or refuse it. A run asks for the same query several times.

    Parameters
    ----------
    sql
        One query, without a semicolon.

    Raises
    ------
    ProjectError
        It cannot be parsed, is not exactly one query, writes, or reads a file; with the file
        and line of the source.
    """
    try:
        tokens = _tokens(sql.text)
        for token in tokens:
            if token.token_type is TokenType.SEMICOLON:
                raise _refusal(sql, token.start, "a ';'. A model is one query without a semicolon")
        _check_statement(sql)
        trees = _DUCKDB.parser().parse(tokens, sql.text)
    except (ParseError, TokenError) as error:
        raise _parse_refusal(sql, error) from error
    found = [tree for tree in trees if tree is not None]
    if not found:
        raise _refusal(sql, 0, "no query at all")
    tree = found[0]
    tables, named, calls = [], set(), set()
    nodes = list(tree.walk())
    watched = {kind for kind in {type(node) for node in nodes} if _is_watched(kind)}
    for node in nodes:
        if type(node) not in watched:
            continue
        _check_node(sql, node)
        if isinstance(node, exp.Table):
            tables.append(node)
        elif isinstance(node, exp.CTE):
            named.add(node.alias.lower())
        elif isinstance(node, exp.Anonymous):
            calls.add(node.name.lower())
    if not isinstance(tree, exp.Query):
        raise _refusal(sql, 0, f"{type(tree).__name__.lower()}. A model is one query (select ...)")
    return CheckedQuery(tree, tuple(tables), frozenset(named), frozenset(calls))


def check_reads(sql: MappedSql, declared: Collection[tuple[str, str]], default: str) -> None:
    """Refuse a table that a query reads but does not refer to: nobody would know it changed.

    Parameters
    ----------
    sql
        A query that `check_query` takes.
    declared
        Schema and name, in lower case, of what it refers to.
    default
        The schema of a table that is named without one.

    Raises
    ------
    ProjectError
        With the file and line of the source.
    """
    query = check_query(sql)
    for table in query.tables:
        if not isinstance(table.this, exp.Identifier):
            continue  # a function that returns a table
        schema, name = table.db.lower(), table.name.lower()
        if (not schema and name in query.named) or (schema or default, name) in declared:
            continue
        shown = f"{schema}.{name}" if schema else name
        way = f"source('{schema}', '{name}')" if schema not in ("", default) else f"ref('{name}')"
        raise _refusal(
            sql, _offset(table),
            f"the table {shown}, which the model does not refer to. Say {{{{ {way} }}}} instead, "
            "so that runs know the order and see when it changes",
        )  # fmt: skip


def canonical_text(sql: MappedSql) -> str:
    """Return a query without what never matters: comments, layout, the case of keywords."""
    return " ".join(
        f"{token.token_type.name}:{token.text!r}"
        if token.token_type in _WRITTEN_EXACTLY
        else token.text.upper()
        for token in _tokens(sql.text)
    )


@lru_cache(maxsize=1024)
def _tokens(text: str) -> list[Token]:
    return _DUCKDB.tokenize(text)


def _check_statement(sql: MappedSql) -> None:
    try:
        statements = duckdb.extract_statements(sql.text)
    except duckdb.ParserException:
        # DuckDB tells the line better when it runs the model; nothing unparsable can run.
        return
    kinds = [statement.type for statement in statements]
    if kinds and kinds != [duckdb.StatementType.SELECT]:
        names = ", ".join(kind.name.lower() for kind in kinds)
        raise _refusal(sql, 0, f"{names}. A model is one query (select ...)")


def _is_watched(kind: type[exp.Expr]) -> bool:
    """Return whether nodes of this class are looked at; most are columns, names and operators."""
    if issubclass(kind, (*_FORBIDDEN, *_WATCHED)):
        return True
    return issubclass(kind, exp.Func) and bool(_FORBIDDEN_CALLS.fullmatch(kind.sql_name()))


def _check_node(sql: MappedSql, node: exp.Expr) -> None:
    if isinstance(node, _FORBIDDEN):
        raise _refusal(sql, _offset(node), f"{type(node).__name__.lower()}. A model only reads")
    if isinstance(node, exp.ReadCSV | exp.ReadParquet):
        raise _refusal(
            sql, _offset(node), "a function that reads files. Models read refs and sources"
        )
    if isinstance(node, exp.Func):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        if _FORBIDDEN_CALLS.fullmatch(name):
            raise _refusal(
                sql, _offset(node),
                f"{name.lower()}(). Models may not read files, run text as SQL or change settings",
            )  # fmt: skip
    if isinstance(node, exp.Table):
        held = node.this
        if isinstance(held, exp.Literal) or (
            isinstance(held, exp.Identifier) and _FILE_NAME.search(held.name)
        ):
            raise _refusal(
                sql, _offset(node), f"the file {held.name!r} as a table. Load it, and use source()"
            )
        schema = node.db.lower()
        if schema.startswith("pg_") or schema in ("information_schema", "system"):
            raise _refusal(
                sql, _offset(node), f"the catalog {schema!r}. Models read refs and sources"
            )


def _offset(node: exp.Expr) -> int:
    """Return where the first part of the tree that knows its place begins."""
    for each in node.walk():
        start = each.meta.get("start")
        if isinstance(start, int):
            return start
    return 0


def _refusal(sql: MappedSql, offset: int, what: str) -> ProjectError:
    place, exact = sql.locate(min(offset, max(len(sql.text) - 1, 0)))
    about = "" if exact else " (approximately)"
    return ProjectError(f"{place}{about}: the rendered SQL holds {what}.")


def _parse_refusal(sql: MappedSql, error: ParseError | TokenError) -> ProjectError:
    line, column, what = 1, 1, str(error).splitlines()[0]
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        line, column = first.get("line") or 1, first.get("col") or 1
        what = f"{first.get('description')} near {first.get('highlight')!r}"
    place, exact = sql.locate_line(line, column)
    about = "" if exact else " (approximately)"
    return ProjectError(f"{place}{about}: not a query that can be parsed: {what}.")


def lock_down(con: duckdb.DuckDBPyConnection, readable: Sequence[Path] = ()) -> None:
    """Close the connection's door to the outside: no files but these folders, no settings.

    The database, its spill folder and the ``readable`` folders stay open to it; nothing opens
    the door again while the database is open.
    """
    folders = ", ".join(text_literal(f"{folder}/") for folder in readable)
    con.execute(f"set allowed_directories = [{folders}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
