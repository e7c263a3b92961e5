"""Input on which per-gene loops fail in silence: each has rows with a number or a status."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import stats
from tests.rvat import N_DONORS, Cohort, slow_loop
from tests.v2g import build as build_models
from tests.v2g import empty_warehouse

WINDOW = 20_000


def build(con: duckdb.DuckDBPyConnection, **variables: Any) -> None:
    variables = {"cis_window_bp": WINDOW, "weights": ["uniform", "maf_beta"], **variables}
    build_models(con, select=["+rvat_omnibus"], **variables)


def add_covariate(con: duckdb.DuckDBPyConnection, name: str, values: np.ndarray) -> None:
    con.executemany(
        "insert into raw.covariates values (?, ?, ?, 1)",
        [[f"D{i:03d}", name, float(value)] for i, value in enumerate(values)],
    )


def statuses(con: duckdb.DuckDBPyConnection, gene: str, cell_type: str) -> set[tuple[str, bool]]:
    """Return the statuses of all tests of a gene, and whether they have a p-value."""
    found = con.execute(
        "select status, p_value is not null from rvat_burden "
        "where gene_id = $gene and cell_type = $cell_type "
        "union select status, p_value is not null from rvat_skat "
        "where gene_id = $gene and cell_type = $cell_type",
        {"gene": gene, "cell_type": cell_type},
    ).fetchall()
    assert found
    return set(found)


def assert_the_loops(con: duckdb.DuckDBPyConnection, cohort: Cohort) -> None:
    expected = slow_loop(cohort, window=WINDOW)
    rows = con.sql("select * from rvat_burden where gene_id <> 'G3'").to_arrow_table().to_pylist()
    assert len(rows) == 2 * 2 * 2
    for row in rows:
        twin = expected[row["cell_type"], row["gene_id"], row["weight"]]
        assert row["status"] == "ok"
        assert row["n_variants"] == twin["n_variants"]
        assert row["p_value"] == pytest.approx(twin["t_p_value"], rel=1e-9, abs=0)


def test_constant_and_dependent_covariates_change_nothing() -> None:
    cohort = Cohort(seed=2)
    with empty_warehouse() as con:
        cohort.load(con)
        add_covariate(con, "batch", np.full(N_DONORS, 3.0))
        add_covariate(con, "months", 12.0 * cohort.covariates[:, 1] + cohort.covariates[:, 0])
        build(con)
        assert_the_loops(con, cohort)


def test_a_donor_without_a_covariate_is_left_out_and_counted() -> None:
    cohort = Cohort(seed=2)
    with empty_warehouse() as con:
        cohort.load(con)
        con.execute("delete from raw.covariates where donor_id = 'D007' and covariate = 'age'")
        build(con)
        for cell_type in ("B", "T"):
            cohort.donors[cell_type] = np.setdiff1d(cohort.donors[cell_type], [7])
        assert_the_loops(con, cohort)
        found = con.execute(
            "select cell_type, donor_id from rvat_donors where status = 'no_covariates' order by 1"
        ).fetchall()
        assert found == [("B", "D007"), ("T", "D007")]


def test_a_sex_that_the_genotypes_alone_tell_is_known() -> None:
    cohort = Cohort(seed=2)
    with empty_warehouse() as con:
        cohort.load(con)
        con.execute("""
            update raw.donors
            set sex = covariates.value
            from raw.covariates
            where donors.donor_id = covariates.donor_id and covariate = 'sex'
        """)
        con.execute("delete from raw.covariates where covariate = 'sex' and donor_id < 'D007'")
        con.execute(
            "update raw.covariates set value = null where covariate = 'sex' and donor_id = 'D007'"
        )
        build(con)
        assert_the_loops(con, cohort)


def test_computed_components_take_the_place_of_loaded_ones() -> None:
    cohort = Cohort(seed=2)
    with empty_warehouse() as con:
        cohort.load(con)
        for name in ("genotype_pc1", "genotype_pc9"):
            add_covariate(con, name, np.arange(N_DONORS))
        build_models(con, select=["+int_rvat__covariates"], genotype_pcs=1)
        found = con.execute("""
            select
                count(*),
                count(distinct donor_idx),
                max(abs(covariates.value - components.value))
            from int_rvat__covariates as covariates
            inner join raw.donors using (donor_idx)
            left join genotype_components as components using (donor_id)
            where starts_with(covariate, 'genotype_pc')
        """).fetchall()
    assert found == [(N_DONORS - 1, N_DONORS - 1, 0)]


def test_a_variant_that_nobody_carries_but_one_was_not_called_for_poisons_nothing() -> None:
    cohort = Cohort(seed=2)
    first = int(np.searchsorted(cohort.positions, 31_000))
    cohort.dosages[:, first] = 0.0
    cohort.dosages[3, first] = np.nan
    with empty_warehouse() as con:
        cohort.load(con)
        build(con)
        assert_the_loops(con, cohort)


def test_the_frequency_cut_off_is_exclusive() -> None:
    cohort = Cohort(seed=2)
    cohort.dosages[:] = 0.0
    at, below = np.searchsorted(cohort.positions, [31_000, 33_000])
    # of 80 donors with T cells: 8 copies of 160 are 0.05
    cohort.dosages[:8, at] = 1.0
    cohort.dosages[10:17, below] = 1.0
    with empty_warehouse() as con:
        cohort.load(con)
        build(con, cell_types="T", rvat_genes="G2")
        found = con.execute("select distinct variant_idx from int_rvat__pairs").fetchall()
    assert found == [(below,)]


def test_a_gene_is_tested_if_a_tenth_of_the_donors_express_it() -> None:
    cohort = Cohort(seed=2)
    # 89 donors with B cells and genotypes, 80 with T cells
    for cell_type, gene, n in (("B", "G1", 9), ("B", "G2", 8), ("T", "G1", 7), ("T", "G2", 8)):
        cohort.expression[cell_type, gene][:] = 0.0
        cohort.expression[cell_type, gene][:n] = np.arange(1.0, n + 1.0)
    with empty_warehouse() as con:
        cohort.load(con)
        build(con)
        found = con.execute(
            "select distinct cell_type, gene_id from rvat_burden where gene_id <> 'G3' order by all"
        ).fetchall()
    assert found == [("B", "G1"), ("T", "G2")]


def test_a_burden_that_covariates_explain_is_collinear() -> None:
    cohort = Cohort(seed=2)
    inside = (cohort.positions >= 10_000) & (cohort.positions <= 54_000)
    cohort.dosages[:, inside] = 0.0
    only = int(np.searchsorted(cohort.positions, 31_000))
    cohort.dosages[[2, 11, 30], only] = 1.0
    with empty_warehouse() as con:
        cohort.load(con)
        add_covariate(con, "relatives", cohort.dosages[:, only])
        build(con, rvat_tests=["skat", "skat_o", "acat_v"])
        assert statuses(con, "G2", "B") == {("collinear", False)}
        omnibus = con.execute("select p_value, status from rvat_omnibus where gene_id = 'G2'")
        assert set(omnibus.fetchall()) == {(None, "collinear")}


def test_expression_without_variance_or_explained_by_covariates() -> None:
    cohort = Cohort(seed=2)
    cohort.expression["B", "G1"][:] = 2.0
    y = np.zeros(N_DONORS)
    donors = cohort.donors["B"]
    cohort.expression["B", "G2"] = cohort.rng.permutation(np.arange(1.0, N_DONORS + 1.0))
    ranks = stats.rankdata(cohort.expression["B", "G2"][donors])
    y[donors] = stats.norm.ppf((ranks - 0.5) / donors.size)
    with empty_warehouse() as con:
        cohort.load(con)
        add_covariate(con, "measured_twice", y)
        build(con, rvat_tests=["skat", "skat_o", "acat_v"], cell_types="B")
        assert statuses(con, "G1", "B") == {("constant_phenotype", False)}
        assert statuses(con, "G2", "B") == {("constant_phenotype", False)}


def test_a_weight_that_no_variant_has() -> None:
    cohort = Cohort(seed=2)
    cohort.cadd[0] = np.nan
    with empty_warehouse() as con:
        cohort.load(con)
        build(con, weights=["CADD_RAW"], skat_weight="CADD_RAW", cell_types="T")
        assert statuses(con, "G1", "T") == {("no_carriers", False)}
