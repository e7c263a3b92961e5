"""What a project is made of: models, seeds, sources, tests, and where each stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from varhouse.sql_text import quoted_name

SCHEMA = "main"


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the closest known names, or an empty string."""
    close = get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f" Did you mean {', '.join(close)}?" if close else ""


@dataclass(frozen=True)
class Location:
    """A place in a project file: ``path`` is relative to the project folder."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class Relation:
    """A table or view as SQL sees it; in a template it prints as its quoted name."""

    schema: str
    identifier: str
    database: str | None = None
    literal: str | None = None

    @property
    def name(self) -> str:
        """The bare name, as dbt calls it."""
        return self.identifier

    def __str__(self) -> str:
        if self.literal is not None:
            return self.literal
        return f"{quoted_name(self.schema)}.{quoted_name(self.identifier)}"


@dataclass(frozen=True)
class Column:
    """A column that a yml file describes."""

    name: str
    description: str = ""
    data_type: str | None = None


@dataclass(frozen=True)
class GenericTest:
    """One use of unique, not_null, accepted_values or relationships."""

    kind: str
    column: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """Rows that stand in for one input of a unit test."""

    input: str
    rows: tuple[dict[str, Any], ...]
    line: int


@dataclass(frozen=True)
class UnitTest:
    """Given rows, expected rows, and what is overridden while they are computed."""

    model: str
    given: tuple[Given, ...]
    expect: tuple[dict[str, Any], ...]
    vars: Mapping[str, Any]
    is_incremental: bool


@dataclass(kw_only=True)
class Node:
    """One model, seed, source table, data test or unit test.

    Parameters
    ----------
    unique_id
        As dbt forms it, such as ``model.varhouse.v2g_scores``.
    resource_type
        ``model``, ``seed``, ``source``, ``test`` or ``unit_test``.
    location
        Where it is defined: the SQL or CSV file, for tests in yml their line there.
    patch
        Where a yml file describes it, if one does.
    fqn
        Project, folders and name, for selection and for the config tree.
    refs
        Unique ids of what it reads, in the order found.
    """

    unique_id: str
    resource_type: str
    name: str
    location: Location
    fqn: tuple[str, ...]
    raw_code: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    description: str = ""
    columns: dict[str, Column] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    refs: list[str] = field(default_factory=list)
    patch: Location | None = None
    relation: Relation | None = None
    source_name: str | None = None
    test: GenericTest | None = None
    unit: UnitTest | None = None
    attached: str | None = None

    @property
    def materialized(self) -> str:
        """``table``, ``view``, ``ephemeral``, ``incremental``, ``seed``, ``test`` or ``source``."""
        return str(self.config.get("materialized", self.resource_type))

    @property
    def severity(self) -> str:
        """``error`` or ``warn``."""
        return str(self.config.get("severity", "error")).lower()
