"""What makes a query another one, and what does not."""

from __future__ import annotations

import pytest

from varhouse.runner.gate import canonical_text
from varhouse.runner.sourcemap import MappedSql

BASE = "select a, 'b c' as d from t where x <> 1.50"


def _same(one: str, other: str) -> bool:
    return canonical_text(_sql(one)) == canonical_text(_sql(other))


def _sql(text: str) -> MappedSql:
    return MappedSql.copied_from(text, "m.sql")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a,\n  'b c' AS d\nFROM t WHERE x <> 1.50",
        "-- why\nselect a, /* this */ 'b c' as d from t where x <> 1.50 -- end",
    ],
)
def test_comments_layout_and_case_of_keywords_do_not_count(text: str) -> None:
    assert _same(BASE, text)


@pytest.mark.parametrize(
    "text",
    [
        "select a, 'b  c' as d from t where x <> 1.50",
        "select a, 'B c' as d from t where x <> 1.50",
        "select A, 'b c' as d from t where x <> 1.50",
        'select a, "b c" as d from t where x <> 1.50',
        "select 'a', 'b c' as d from t where x <> 1.50",
        "select \"a\", 'b c' as d from t where x <> 1.50",
        "select a, 'b c' as d from t where x <> 1.51",
        "select a, 'b c' as d from t where x = 1.50",
        "select a, 'b' 'c' as d from t where x <> 1.50",
    ],
)
def test_names_texts_numbers_and_operators_count(text: str) -> None:
    assert not _same(BASE, text)
