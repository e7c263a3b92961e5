"""Column-level lineage: from which columns of which tables does each column of a model derive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer import Scope, build_scope, qualify, traverse_scope

from varhouse.runner.gate import DIALECT
from varhouse.runner.nodes import SCHEMA

# What sqlglot raises on a query that it cannot follow; each becomes a stated reason.
_CANNOT_FOLLOW = (SqlglotError, ValueError, KeyError, IndexError, AttributeError, RecursionError)
_MAX_REASON = 200


class ColumnRef(NamedTuple):
    """A column of a table: ``relation`` as the caller names it, else as the SQL writes it."""

    relation: str
    column: str


@dataclass(frozen=True)
class ColumnLineage:
    """Where one column of a model comes from.

    Parameters
    ----------
    sources
        The columns its expression reads, through every CTE and subquery down to tables. Empty
        and resolved for a constant or ``count(*)``.
    unresolved
        Why (a part of) the expression could not be followed, or None.
    """

    sources: frozenset[ColumnRef]
    unresolved: str | None = None


def column_lineage(
    compiled: Mapping[str, str],
    columns: Mapping[str, Mapping[str, str]],
) -> dict[str, dict[str, ColumnLineage]]:
    """Trace every column of every model to the columns of its parents.

    A column derives from the columns that its expression reads, window and ``filter`` clauses
    and scalar subqueries included. Conditions of joins and ``where`` choose rows, not values,
    and do not count.

    Parameters
    ----------
    compiled
        Model to its compiled SQL. A model is named as a relation: ``name``, ``schema.name`` or
        ``catalog.schema.name``.
    columns
        Relation (models, seeds and sources alike) to its columns and DuckDB types in order, as
        ``describe`` gives them. Where a model is absent its columns are those of its SQL. Where
        the SQL writes a bare name that fits relations of several schemas, that of the models.

    Returns
    -------
    dict
        Model, then column, in the order of the model's columns. A column that cannot be
        followed is present with its reason; a model that cannot be parsed and has no known
        columns has the one column ``*``.

    Examples
    --------
    >>> found = column_lineage(
    ...     {"main.b": "select a.x + 1 as y from main.a as a"}, {"main.a": {"x": "INTEGER"}}
    ... )
    >>> sorted(found["main.b"]["y"].sources)
    [ColumnRef(relation='main.a', column='x')]
    """
    catalogue = _Catalogue(compiled, columns)
    return {model: catalogue.trace(model) for model in compiled}


class _Catalogue:
    """The relations that are known by name, their columns, and the models traced so far."""

    def __init__(
        self,
        compiled: Mapping[str, str],
        columns: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._compiled = compiled
        self._columns = columns
        self._traced: dict[str, dict[str, ColumnLineage]] = {}
        self._open: set[str] = set()
        self._by_name: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for key in dict.fromkeys([*columns, *compiled]):
            parts = tuple(part.strip('"').lower() for part in key.split("."))
            self._by_name.setdefault(parts[-1], []).append((parts, key))

    def find(self, table: exp.Table) -> str | None:
        """Return the key of a table written in SQL, None when no or several relations fit."""
        written = tuple(part.name.lower() for part in table.parts)
        fits = [
            (parts, key)
            for parts, key in self._by_name.get(written[-1], [])
            if all(a == b for a, b in zip(reversed(parts), reversed(written), strict=False))
        ]
        if len(fits) > 1:
            fits = [fit for fit in fits if fit[0][-2:-1] in ((), (SCHEMA,))]
        return fits[0][1] if len(fits) == 1 else None

    def columns_of(self, key: str) -> Mapping[str, str]:
        """Return column to type of a relation; of a model not described, those of its SQL."""
        if key in self._columns:
            return self._columns[key]
        if key in self._compiled and key not in self._open:
            return dict.fromkeys(self.trace(key), "UNKNOWN")
        return {}

    def trace(self, model: str) -> dict[str, ColumnLineage]:
        """Trace one model, its undescribed parents first."""
        if model not in self._traced:
            self._open.add(model)
            self._traced[model] = _trace_model(
                self._compiled[model], tuple(self._columns.get(model, ())), self
            )
            self._open.discard(model)
        return self._traced[model]


def _trace_model(
    sql: str, known: tuple[str, ...], catalogue: _Catalogue
) -> dict[str, ColumnLineage]:
    try:
        query = _Query(sql, catalogue)
    except _CANNOT_FOLLOW as error:
        reason = _shorten(error)
        return {column: ColumnLineage(frozenset(), reason) for column in known or ("*",)}
    return query.trace(known)


def _shorten(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return f"sqlglot cannot follow the query: {text[:_MAX_REASON]}"


class _Query:
    """One model's query, its tables renamed to unique flat names so that any depth resolves."""

    def __init__(self, sql: str, catalogue: _Catalogue) -> None:
        self._catalogue = catalogue
        self._relations: dict[str, str] = {}
        self._names: dict[str, dict[str, str]] = {}
        expression = parse_one(sql, dialect=DIALECT)
        schema = self._flatten_tables(expression)
        _inline_named_windows(expression)
        expression = qualify.qualify(
            expression,
            dialect=DIALECT,
            schema=schema,
            validate_qualify_columns=False,
            identify=False,
        )
        _order_unions_by_name(expression)
        scope = build_scope(expression)
        if scope is None or not isinstance(scope.expression, exp.Query):
            raise SqlglotError("not a query")
        self._scope = scope
        self._query: exp.Query = scope.expression
        self._schema = schema

    def _flatten_tables(self, expression: exp.Expr) -> dict[str, object]:
        schema: dict[str, object] = {}
        flat_names: dict[str, str] = {}
        for table in _physical_tables(expression):
            key = self._catalogue.find(table)
            relation = key or ".".join(part.name for part in table.parts)
            if relation not in flat_names:
                flat = flat_names[relation] = f"_relation_{len(flat_names)}"
                self._relations[flat] = relation
                types = self._catalogue.columns_of(key) if key else {}
                self._names[flat] = {name.lower(): name for name in types}
                if types:
                    schema[flat] = {name: _known_type(text) for name, text in types.items()}
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
            table.set("this", exp.to_identifier(flat_names[relation]))
            table.set("db", None)
            table.set("catalog", None)
        return schema

    def trace(self, known: tuple[str, ...]) -> dict[str, ColumnLineage]:
        selects = self._query.selects
        names = [select.alias_or_name for select in selects]
        starred = any(select.is_star or select.find(exp.Columns) for select in selects)
        if known and len(known) == len(names) and not starred:
            return {
                column: self._trace_column(name) for column, name in zip(known, names, strict=True)
            }
        written = {name.lower(): name for name in names}
        found = {}
        for column in known or names:
            name = written.get(column.lower())
            if name is None:
                reason = "made by a `*`, columns() or unnest() that cannot be expanded"
                found[column] = ColumnLineage(frozenset(), reason)
            else:
                found[column] = self._trace_column(name)
        return found

    def _trace_column(self, name: str) -> ColumnLineage:
        sources: set[ColumnRef] = set()
        reasons: set[str] = set()
        followed: set[str] = set()

        def follow(column: str, scope: Scope) -> None:
            node = lineage(
                column,
                self._query,
                self._schema,
                dialect=DIALECT,
                scope=scope,
                trim_selects=False,
                copy=False,
            )
            for leaf in node.walk():
                if not leaf.downstream:
                    take(leaf)

        def take(leaf: Node) -> None:
            if leaf.name == "*" and isinstance(leaf.expression, exp.Table):
                relation = self._relations.get(leaf.expression.name, leaf.expression.name)
                reasons.add(f"comes through a `*` of {relation}, whose columns are not known")
            elif isinstance(leaf.expression, exp.Table):
                take_table_column(leaf.expression, _column(leaf.name))
            elif isinstance(leaf.expression, exp.Placeholder):
                take_outer_column(_column(leaf.name))
            elif leaf.expression.find(exp.Columns, exp.Star) and not _is_count(leaf.expression):
                reasons.add(f"`{leaf.expression.sql(dialect=DIALECT)}` is not expanded")

        def take_table_column(table: exp.Table, column: exp.Column) -> None:
            if not isinstance(table.this, exp.Identifier):
                # a table function: what it returns derives from the columns in its arguments
                for argument in table.this.find_all(exp.Column):
                    take_outer_column(argument)
                return
            relation, names = self._relations[table.name], self._names[table.name]
            if names and column.name.lower() not in names:
                reasons.add(f"{relation} has no column {column.name}")
            else:
                sources.add(ColumnRef(relation, names.get(column.name.lower(), column.name)))

        def take_outer_column(column: exp.Column) -> None:
            # a correlated subquery or lateral: the column belongs to an enclosing query
            written = column.sql(dialect=DIALECT)
            if written in followed:
                return
            followed.add(written)
            origins = {
                id(source): source
                for scope in self._scope.traverse()
                for alias, source in scope.sources.items()
                if alias == column.table
            }
            if len(origins) != 1:
                problem = "is ambiguous" if origins else "belongs to no table of the query"
                reasons.add(f"column {written} {problem}")
                return
            (origin,) = origins.values()
            if isinstance(origin, exp.Table):
                take_table_column(origin, column)
            else:
                follow(column.name, origin)

        try:
            follow(name, self._scope)
        except _CANNOT_FOLLOW as error:
            reasons.add(_shorten(error))
        # sorted: sqlglot walks sets, whose order is another one in each process
        return ColumnLineage(frozenset(sources), "; ".join(sorted(reasons)) or None)


def _physical_tables(expression: exp.Expr) -> Iterator[exp.Table]:
    """Yield the tables that are neither CTEs nor table functions, each once."""
    tables = {
        id(source): source
        for scope in traverse_scope(expression)
        for source in scope.sources.values()
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier)
    }
    return iter(tables.values())


def _column(written: str) -> exp.Column:
    column = exp.to_column(written, dialect=DIALECT)
    if not isinstance(column, exp.Column):
        raise SqlglotError(f"{written} is not a column")
    return column


def _known_type(text: str) -> str:
    """Return a DuckDB type as sqlglot reads it; types serve only to tell fields from columns."""
    try:
        exp.DataType.build(text, dialect=DIALECT)
    except SqlglotError:
        return "UNKNOWN"
    return text


def _is_count(expression: exp.Expr) -> bool:
    return all(
        isinstance(star.parent, exp.Count) for star in expression.find_all(exp.Star, exp.Columns)
    )


def _inline_named_windows(expression: exp.Expr) -> None:
    """Write ``over w`` out, because sqlglot does not look into the ``window`` clause."""
    for select in expression.find_all(exp.Select):
        named = {window.name.lower(): window for window in select.args.get("windows") or ()}
        if not named:
            continue
        for window in select.find_all(exp.Window):
            definition = named.get(window.alias.lower())
            if definition is None or window in named.values():
                continue
            window.set("partition_by", [each.copy() for each in definition.args["partition_by"]])
            for part in ("order", "spec"):
                clause = definition.args.get(part)
                window.set(part, clause.copy() if clause else window.args.get(part))


def _order_unions_by_name(expression: exp.Expr) -> None:
    """Put the columns of ``union by name`` in the left side's order: sqlglot pairs by position."""
    for union in list(expression.find_all(exp.SetOperation)):
        if not union.args.get("by_name"):
            continue
        left, right = union.left, union.right
        if not isinstance(right, exp.Select) or {*left.named_selects} != {*right.named_selects}:
            raise SqlglotError("union by name over differing columns")
        by_name = {select.alias_or_name: select for select in right.selects}
        right.set("expressions", [by_name[name] for name in left.named_selects])
