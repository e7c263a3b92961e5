"""Cases of the rare-variant models that the plain loop knows: odd cohorts, parity switches."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import integrate, stats
from tests.rvat import GENES, N_DONORS, Cohort, slow_loop
from tests.v2g import build as build_models
from tests.v2g import empty_warehouse


def build(con: duckdb.DuckDBPyConnection, **variables: Any) -> None:
    """Build the rare-variant tests with windows that the small cohort has variants in."""
    variables = {"cis_window_bp": 20_000, **variables}
    build_models(con, select=["+rvat_omnibus +rvat_acat"], **variables)


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
            assert row["p_value"] == pytest.approx(twin["t_p_value"], rel=1e-9, abs=0)


def imhof(q: float, eigenvalues: np.ndarray) -> float:
    """Return P(sum of eigenvalue x chi-square > q) by Imhof's integral (1961, equation 3.2)."""

    def integrand(u: float) -> float:
        theta = 0.5 * np.sum(np.arctan(eigenvalues * u)) - 0.5 * q * u
        rho = np.prod((1.0 + (eigenvalues * u) ** 2) ** 0.25)
        return float(np.sin(theta) / (u * rho))

    scale = 1.0 / eigenvalues.max()
    parts = [
        integrate.quad(integrand, low * scale, (low + 5.0) * scale, epsabs=1e-12, limit=200)[0]
        for low in range(0, 400, 5)
    ]
    return 0.5 + sum(parts) / np.pi


def restated_loop(
    cohort: Cohort,
    cell_type: str,
    gene: str,
    power: float,
    *,
    file_maf: np.ndarray | None = None,
    cadd: np.ndarray | None = None,
) -> dict[str, Any]:
    """Test a gene as cellink's functions do: its formulas, one dense matrix after the other."""
    start, end, _ = GENES[gene]
    donors = cohort.donors[cell_type]
    n = donors.size
    f = np.column_stack([np.ones(n), cohort.covariates[donors]])
    k = f.shape[1]
    ranks = np.around(stats.rankdata(cohort.expression[cell_type, gene][donors])) - 1
    y = stats.norm.ppf((ranks + 0.5) / n)
    inside = (cohort.positions > max(0, start - 20_000)) & (cohort.positions < end + 20_000)
    g = cohort.dosages[np.ix_(donors, np.flatnonzero(inside))]
    maf = np.minimum(g.mean(axis=0), 2 - g.mean(axis=0)) / 2
    if file_maf is not None:
        maf = file_maf[inside]
    kept = (maf < 0.05) & (g.std(axis=0) > 0)
    g, maf, pos = g[:, kept], maf[kept], cohort.positions[inside][kept]
    cadd = (cohort.cadd[list(GENES).index(gene)] if cadd is None else cadd)[inside][kept]
    w = {
        "CADD_RAW": cadd,
        "maf_beta": stats.beta.pdf(maf, 1, 25),
        "tss_distance": np.abs(start - pos).astype(float),
        "tss_distance_exp": np.exp(-1e-5 * np.abs(start - pos)),
    }
    m = np.eye(n) - f @ np.linalg.inv(f.T @ f) @ f.T
    found: dict[str, Any] = {}
    for aggregation in ("sum", "mean", "max"):
        p_values = []
        for name, weight in w.items():
            weighted = g * weight
            b = getattr(weighted, aggregation)(axis=1)
            my, mb = m @ y, m @ b
            beta = (mb @ my) / (mb @ mb)
            s2_0, s2_1 = my @ my / (n - k), np.sum((my - beta * mb) ** 2) / (n - k)
            lrt = -(n - k) * np.log(s2_1 / s2_0)
            p = stats.chi2.sf(lrt, 1)
            found[name, aggregation] = {
                "beta": beta, "lrt": lrt, "p_value": p, "se": abs(beta) / np.sqrt(lrt),
                "n_variants": g.shape[1],
            }  # fmt: skip
            p_values.append(p)
        found["acat", aggregation] = stats.cauchy.sf(
            np.mean(np.tan((0.5 - np.array(p_values)) * np.pi))
        )
    x = g * w["maf_beta"] ** power
    q = np.sum((x.T @ m @ y) ** 2) / (y @ m @ y / (n - k))
    eigenvalues = np.linalg.eigvalsh(x.T @ m @ x)
    found["skat"] = {"q": q, "p_value": imhof(q, eigenvalues[eigenvalues > 1e-9])}
    return found


PARITY = {
    "fold_minor_allele": False,
    "window": "gene_body_open",
    "distance_from": "gene_start",
    "p_value": "lrt",
    "rank_ties": "half_even",
    "weights": ["CADD_RAW", "maf_beta", "tss_distance", "tss_distance_exp"],
    "aggregations": ["sum", "mean", "max"],
}


def complete_cohort() -> Cohort:
    """Return a cohort without missing values, with variants on the very ends of a window."""
    cohort = Cohort(seed=8)
    cohort.dosages[np.isnan(cohort.dosages)] = 0.0
    cohort.cadd[np.isnan(cohort.cadd)] = 1.5
    # G2's window: an open one leaves both out
    for i, pos in ((int(np.searchsorted(cohort.positions, 10_000)), 10_000),
                   (int(np.searchsorted(cohort.positions, 54_000)), 54_000)):  # fmt: skip
        cohort.positions[i] = pos
        cohort.dosages[:, i] = 0.0
        cohort.dosages[[2, 30], i] = 1.0
    return cohort


@pytest.mark.parametrize("power", [0, 0.5, 1])
def test_parity_switches_make_the_numbers_of_the_restated_loop(power: float) -> None:
    cohort = complete_cohort()
    n_tests = 0
    with empty_warehouse() as con:
        cohort.load(con)
        build(con, skat_weight_power=power, **PARITY)
        for row in rows(con, "select * from rvat_burden where gene_id <> 'G3'"):
            twin = restated_loop(cohort, row["cell_type"], row["gene_id"], power)
            for name, value in twin[row["weight"], row["aggregation"]].items():
                assert row[name] == pytest.approx(value, rel=1e-9), (row["weight"], name)
            n_tests += 1
        for row in rows(con, "select * from rvat_acat where gene_id <> 'G3'"):
            twin = restated_loop(cohort, row["cell_type"], row["gene_id"], power)
            assert row["p_value"] == pytest.approx(
                twin["acat", row["aggregation"]], rel=1e-9, abs=0
            )
        for row in rows(con, "select * from rvat_skat where gene_id <> 'G3'"):
            twin = restated_loop(cohort, row["cell_type"], row["gene_id"], power)["skat"]
            assert row["q"] == pytest.approx(twin["q"], rel=1e-9)
            assert row["p_value"] == pytest.approx(twin["p_value"], rel=1e-6, abs=0)
            n_tests += 1
    assert n_tests == 2 * 2 * (4 * 3 + 1)


def test_numbers_of_a_file_read_as_cellink_reads_it() -> None:
    """Its frequencies, its missing calls as 0, and whichever gene's annotation comes first."""
    cohort = Cohort(seed=8)
    cohort.cadd[np.isnan(cohort.cadd)] = 1.5
    genotyped = cohort.dosages[: N_DONORS - 1]
    copies = np.nanmean(genotyped, axis=0)
    file_maf = np.minimum(copies, 2 - copies) / 2
    compared = 0
    with empty_warehouse() as con:
        cohort.load(con)
        # each variant's rows: of G3, then G2, then G1
        con.execute("update raw.annotations set file_rank = 9 - cast(gene_id[2:] as integer)")
        build(
            con, maf_donors="genotyped", missing_calls="zero", rvat_annotations="first_of_variant",
            **PARITY,
        )  # fmt: skip
        assert np.isnan(genotyped).any()
        cohort.dosages[np.isnan(cohort.dosages)] = 0.0
        for row in rows(con, "select * from rvat_burden where gene_id <> 'G3'"):
            twin = restated_loop(
                cohort, row["cell_type"], row["gene_id"], 0, file_maf=file_maf, cadd=cohort.cadd[2]
            )
            for name, value in twin[row["weight"], row["aggregation"]].items():
                assert row[name] == pytest.approx(value, rel=1e-9), (row["weight"], name)
            compared += 1
    assert compared == 2 * 2 * 4 * 3


def test_masks_of_whichever_gene_comes_first() -> None:
    cohort = Cohort(seed=8)
    with empty_warehouse() as con:
        cohort.load(con)
        con.execute(
            "update raw.annotations set file_rank = cast(gene_id[2:] as integer), "
            "impact = if(gene_id = 'G1', 'HIGH', 'LOW')"
        )
        masks = {"masks": {"high": {"impact": "HIGH"}}, "weights": ["maf_beta"]}
        count = "select sum(n_variants) from rvat_burden where gene_id = 'G2'"
        build(con, **masks)
        assert con.execute(count).fetchall() == [(0,)]
        build(con, rvat_annotations="first_of_variant", **masks)
        ((n_of_g1,),) = con.execute(count).fetchall()
        assert n_of_g1 > 0


def slow_acat_v(g: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """Combine as R's ACAT does: few copies in one test, weighed by Beta at their mean frequency."""
    n, k = x.shape
    m = np.eye(n) - x @ np.linalg.inv(x.T @ x) @ x.T
    maf = g.mean(axis=0) / 2

    def weight(frequency: Any) -> Any:
        return (stats.beta.pdf(frequency, 1, 25) / stats.beta.pdf(frequency, 0.5, 0.5)) ** 2

    few = g.sum(axis=0) <= 10
    p_values, weights = [], []
    for j in np.flatnonzero(~few):
        t = (g[:, j] @ m @ y) / np.sqrt(g[:, j] @ m @ g[:, j])
        rest = (y @ m @ y - t**2) / (n - k - 1)
        p_values.append(2 * stats.t.sf(abs(t) / np.sqrt(rest), n - k - 1))
        weights.append(weight(maf[j]))
    b = g[:, few] @ stats.beta.pdf(maf[few], 1, 25)
    p_values.append(stats.chi2.sf((b @ m @ y) ** 2 / (b @ m @ b) / (y @ m @ y / (n - k)), 1))
    weights.append(weight(maf[few].mean()))
    shares = np.array(weights) / np.sum(weights)
    return float(stats.cauchy.sf(shares @ np.tan((0.5 - np.array(p_values)) * np.pi)))


def test_acat_v_weighs_collapsed_variants_by_their_mean_frequency() -> None:
    cohort = complete_cohort()
    # one of many copies, yet rare enough to be tested
    frequent = int(np.searchsorted(cohort.positions, 31_000))
    cohort.dosages[:, frequent] = 0.0
    cohort.dosages[5:18, frequent] = 1.0
    donors = cohort.donors["B"]
    start, end, _ = GENES["G2"]
    inside = (cohort.positions >= start - 20_000) & (cohort.positions <= end + 20_000)
    g = cohort.dosages[np.ix_(donors, np.flatnonzero(inside))]
    g = np.where(g.mean(axis=0) > 1, 2 - g, g)
    g = g[:, (g.mean(axis=0) < 0.2) & (g.std(axis=0) > 0)]
    assert 0 < np.sum(g.sum(axis=0) > 10) < g.shape[1]
    y = cohort.expression["B", "G2"][donors]
    y = stats.norm.ppf((stats.rankdata(y) - 0.5) / y.size)
    x = np.column_stack([np.ones(donors.size), cohort.covariates[donors]])
    with empty_warehouse() as con:
        cohort.load(con)
        build(con, rvat_tests=["acat_v"], max_maf=0.1, cell_types="B", rvat_genes="G2")
        (row,) = rows(con, "select p_value, n_variants from rvat_skat where test = 'acat_v'")
    assert row["n_variants"] == g.shape[1]
    assert row["p_value"] == pytest.approx(slow_acat_v(g, x, y), rel=1e-8, abs=0)


def test_an_open_window_leaves_its_ends_out() -> None:
    cohort = complete_cohort()
    counts = {}
    with empty_warehouse() as con:
        cohort.load(con)
        for window in ("closed", "gene_body_open"):
            build(con, window=window, weights=["maf_beta"])
            ((counts[window],),) = con.execute(
                "select n_variants from rvat_burden where gene_id = 'G2' and cell_type = 'B'"
            ).fetchall()
    assert counts["closed"] == counts["gene_body_open"] + 2


def burdens(con: duckdb.DuckDBPyConnection, **variables: Any) -> dict[tuple[str, str], float]:
    build(con, weights=["maf_beta"], **variables)
    found = rows(con, "select cell_type, gene_id, p_value from rvat_burden where status = 'ok'")
    return {(row["cell_type"], row["gene_id"]): row["p_value"] for row in found}


def test_noise_breaks_ties_by_a_seed_of_its_own_for_each_gene() -> None:
    cohort = Cohort(seed=9)
    with empty_warehouse() as con:
        cohort.load(con)
        plain, one, two = burdens(con), burdens(con, jitter_seed=1), burdens(con, jitter_seed=2)
        assert all(one[key] != two[key] != plain[key] for key in plain)
        assert one == burdens(con, jitter_seed=1)
        # what else is tested does not matter
        alone = burdens(con, jitter_seed=1, rvat_genes="G2", cell_types="T")
        assert alone == {("T", "G2"): pytest.approx(one["T", "G2"], rel=1e-12)}


def test_noise_changes_nothing_where_all_donors_differ() -> None:
    cohort = Cohort(seed=9)
    for key in cohort.expression:
        cohort.expression[key] = cohort.rng.permutation(np.arange(1.0, N_DONORS + 1.0))
    with empty_warehouse() as con:
        cohort.load(con)
        assert burdens(con) == burdens(con, jitter_seed=3)


def test_too_few_donors_are_told_before_an_empty_window() -> None:
    cohort = Cohort()
    cohort.donors["T"] = np.arange(5)
    with empty_warehouse() as con:
        cohort.load(con)
        build(con)
        statuses = rows(con, "select distinct cell_type, gene_id, status from rvat_burden")
    assert {(row["cell_type"], row["gene_id"]): row["status"] for row in statuses} == {
        ("B", "G1"): "ok", ("B", "G2"): "ok", ("B", "G3"): "empty_window",
        ("T", "G1"): "too_few_donors", ("T", "G2"): "too_few_donors",
        ("T", "G3"): "too_few_donors",
    }  # fmt: skip


def test_a_donor_without_expression_is_told_before_an_empty_window() -> None:
    cohort = Cohort()
    with empty_warehouse() as con:
        cohort.load(con)
        # values that a file gives itself: who has none is unknown, not 0
        con.execute("update raw.pseudobulk_genes set zeros_left_out = gene_id = 'G1'")
        build(con, cell_types="B")
        statuses = rows(con, "select distinct gene_id, status from rvat_skat")
    assert {row["gene_id"]: row["status"] for row in statuses} == {
        "G1": "ok", "G2": "missing_expression", "G3": "missing_expression",
    }  # fmt: skip
