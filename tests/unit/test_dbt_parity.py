"""The comparison with dbt can fail: one changed value, type, column or row is a difference."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "dbt_parity.py"
TABLE = """
    select 1 as a, [{'s': 0.5::double}] as b
    union all select 1, [{'s': 0.5::double}]
    union all select 2, null
"""


@pytest.fixture(scope="module")
def parity() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dbt_parity", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["dbt_parity"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def differences(parity: ModuleType, tmp_path: Path) -> Callable[[str], list[str]]:
    def against(other: str) -> list[str]:
        sides = []
        for side, query in (("one", TABLE), ("other", other)):
            folder = tmp_path / side
            folder.mkdir()
            with duckdb.connect(str(folder / parity.DATABASE)) as con:
                con.execute(f"create table t as {query}")
            sides.append(parity._relations(folder, {"t"})["t"])
        found: list[str] = parity._differences(*sides)[1]
        return found

    return against


def test_the_order_of_rows_does_not_count(differences: Callable[[str], list[str]]) -> None:
    assert differences(f"select * from ({TABLE}) order by a desc") == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (f"select distinct * from ({TABLE})", "1 rows only in dbt"),
        (f"{TABLE} union all select 3, null", "1 rows only in varhouse"),
        (TABLE.replace("0.5::double", "0.5::double + 1e-15", 1), "1 rows only in dbt"),
        (f"select a::bigint as a, b from ({TABLE})", "columns differ"),
        (f"select b, a from ({TABLE})", "columns differ"),
        (f"select *, 1 as c from ({TABLE})", "more columns"),
    ],
)
def test_every_other_change_is_a_difference(
    differences: Callable[[str], list[str]], other: str, said: str
) -> None:
    found = differences(other)
    assert said in "; ".join(found)


def test_a_missing_table_is_a_difference(parity: ModuleType, tmp_path: Path) -> None:
    there = parity.Relation([("a", "INTEGER")], tmp_path / "a.parquet")
    assert parity._differences(None, there) == (0, ["only in varhouse"])
    assert parity._differences(there, None) == (0, ["only in dbt"])
