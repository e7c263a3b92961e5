"""Cases of the rare-variant models that the plain loop knows: odd cohorts, parity switches."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from tests.rvat import Cohort, slow_loop
from tests.v2g import empty_warehouse

from varhouse.runner import load_project, run_project
from varhouse.settings import shipped_project_dir


def build(con: duckdb.DuckDBPyConnection, **variables: Any) -> None:
    """Build the rare-variant tests with windows that the small cohort has variants in."""
    project = load_project(shipped_project_dir(), vars={"cis_window_bp": 20_000, **variables})
    outcome = run_project(project, con, command="build", select=["+rvat_burden +rvat_skat"])
    assert outcome.ok, [(r.unique_id, r.message) for r in outcome.results if r.status == "error"]


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = con.sql(sql).to_arrow_table().to_pylist()
    return found


def test_a_variant_that_only_the_donors_of_a_cell_type_make_rare_joins_the_rare_ones() -> None:
    cohort = Cohort(seed=3)
    # 12 copies in 89 donors are common; of the 80 donors with T cells three carry one each
    cohort.dosages[:, 30] = 0.0
    cohort.dosages[[4, 40, 60], 30] = 1.0
    cohort.dosages[80:89, 30] = 1.0
    expected = slow_loop(cohort)
    with empty_warehouse() as con:
        cohort.load(con)
        build(con)
        common = rows(con, "select * from int_rvat__variants where variant_idx = 30")
        assert [(row["is_common"], row["alt_copies"]) for row in common] == [(True, 3.0)]
        for row in rows(con, "select * from rvat_burden where status = 'ok'"):
            twin = expected[row["cell_type"], row["gene_id"], row["weight"]]
            assert row["n_variants"] == twin["n_variants"]
            assert row["p_value"] == pytest.approx(twin["t_p_value"], rel=1e-9)
