"""How severe a consequence is: Ensembl's order, from the seed that the models read too."""

from __future__ import annotations

import csv
from typing import NamedTuple

from varhouse.settings import shipped_project_dir
from varhouse.sql_text import text_literal


class Term(NamedTuple):
    """A consequence term with its place in Ensembl's order, 1 being the most severe."""

    consequence_term: str
    severity: int
    impact: str


def severity_order() -> list[Term]:
    """Return the terms of the seed ``consequence_severity``, the most severe first."""
    path = shipped_project_dir() / "data" / "seeds" / "consequence_severity.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        terms = [
            Term(row["consequence_term"], int(row["severity"]), row["impact"])
            for row in csv.DictReader(stream)
        ]
    return sorted(terms, key=lambda term: term.severity)


def severity_sql(terms: str, impact: str) -> str:
    """Return the severity of the worst of a list of terms; the lower, the more severe.

    A term that Ensembl does not use counts as the mildest of the row's impact.
    """
    order = severity_order()
    mildest = {term.impact: term.severity for term in order}
    cases = " ".join(f"when {text_literal(name)} then {place}" for name, place in mildest.items())
    known = ", ".join(text_literal(term.consequence_term) for term in order)
    return (
        f"list_min(list_transform({terms}, lambda term: coalesce(list_position([{known}], term), "
        f"case {impact} {cases} else {len(order)} end)))"
    )
