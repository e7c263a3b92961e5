"""explain GENE against the dense genotypes: who entered, who did not, and each variant alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import stats
from tests.rvat import CELL_TYPES, GENES, N_DONORS, Cohort
from tests.v2g import build, empty_warehouse

from varhouse import ask
from varhouse.errors import DataError

WINDOW = 20_000
VARS = {
    "cis_window_bp": WINDOW,
    "weights": ["CADD_RAW", "maf_beta*CADD_RAW"],
    "skat_weight": "CADD_RAW",
    "max_maf": [0.02, 0.05],
    "masks": {"high": {"min_score": {"CADD_RAW": 0.3}}, "missense": {"consequence": "stop_gained"}},
}


def odd_cohort() -> Cohort:
    """Return a cohort with variants that are left out for every reason."""
    cohort = Cohort(seed=5)
    cohort.dosages[:, 20] = 0.0
    cohort.dosages[:, 21] = 2.0
    cohort.dosages[:80, 22], cohort.dosages[80:, 22] = 0.0, 1.0
    cohort.dosages[:80, 23], cohort.dosages[80:, 23] = np.nan, 0.0
    cohort.dosages[85, 23] = 1.0
    return cohort


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return odd_cohort()


@pytest.fixture(scope="module")
def con(cohort: Cohort) -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as opened:
        cohort.load(opened)
        # consequences: every third variant of G1 stops it
        opened.execute(
            "update raw.annotations set consequence_terms = ['stop_gained'] "
            "where pos % 3 = 0 and gene_id = 'G1'"
        )
        build(opened, select=["+rvat_omnibus +annotations_picked"], **VARS)
        yield opened


def expected_rows(cohort: Cohort, gene: str, cell_type: str) -> dict[str, dict[str, Any]]:
    """Judge and test each variant of the window on its own, from dense columns."""
    start, end, strand = GENES[gene]
    tss = start if strand > 0 else end
    donors = cohort.donors[cell_type]
    everyone = cohort.dosages[: N_DONORS - 1]
    x = np.column_stack([np.ones(donors.size), cohort.covariates[donors]])
    y = cohort.expression[cell_type, gene][donors]
    y = stats.norm.ppf((stats.rankdata(y) - 0.5) / y.size)
    found = {}
    for i, pos in enumerate(cohort.positions):
        if not start - WINDOW <= pos <= end + WINDOW:
            continue
        column = cohort.dosages[donors, i]
        called = column[~np.isnan(column)]
        row: dict[str, Any] = {
            "tss_distance_bp": pos - tss, "n_missing": int(np.isnan(column).sum()), "sets": [],
        }  # fmt: skip
        cadd = cohort.cadd[list(GENES).index(gene), i]
        if called.size == 0:
            row["status"] = "no_calls"
        elif np.ptp(called) == 0:
            varies = np.ptp(everyone[~np.isnan(everyone[:, i]), i]) > 0
            row["status"] = "only_in_untested_donors" if varies else "monomorphic"
        else:
            minor = 2 - called if called.mean() > 1 else called
            maf = minor.mean() / 2
            row |= {"maf": maf, "n_carriers": int((minor >= 0.5).sum())}
            masks = [name for name, is_in in (("high", cadd >= 0.3), (
                "missense", gene == "G1" and pos % 3 == 0 and not np.isnan(cadd)
            )) if is_in]  # fmt: skip
            row["sets"] = [f"{mask} < {cut:g}" for mask in masks for cut in (0.02, 0.05)
                           if maf < cut]  # fmt: skip
            if maf >= 0.05:
                row["status"], row["sets"] = "maf_too_high", []
            elif not masks:
                row["status"] = "not_in_mask"
            else:
                row["status"] = "tested"
                filled = np.where(np.isnan(column), called.mean(), column)
                filled = 2 - filled if called.mean() > 1 else filled
                full = np.column_stack([x, filled])
                fit, rss, _, _ = np.linalg.lstsq(full, y, rcond=None)
                df = y.size - full.shape[1]
                row["beta"] = fit[-1]
                row["se"] = np.sqrt(rss[0] / df * np.linalg.inv(full.T @ full)[-1, -1])
                row["p_value"] = 2 * stats.t.sf(abs(row["beta"] / row["se"]), df)
                row["weight_CADD_RAW"] = cadd
                row["weight_maf_beta*CADD_RAW"] = cadd * stats.beta.pdf(maf, 1, 25)
                is_stop = gene == "G1" and pos % 3 == 0
                row["consequence"] = "stop_gained" if is_stop else "missense_variant"
        found[f"1_{pos}_A_C"] = row
    return found


@pytest.mark.parametrize("gene", ["G1", "G2"])
def test_every_variant_of_the_window_is_told(con, cohort: Cohort, gene: str) -> None:
    answer = ask.explain_gene(con, gene.lower())
    rows = answer.table.to_pylist()
    for cell_type in CELL_TYPES:
        expected = expected_rows(cohort, gene, cell_type)
        found = {row["variant_id"]: row for row in rows if row["cell_type"] == cell_type}
        assert set(found) == set(expected)
        for variant, twin in expected.items():
            for name, value in twin.items():
                close = pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
                assert found[variant][name] == close, (variant, name)
            assert (found[variant]["p_value"] is None) == (twin["status"] != "tested")
    statuses = {row["status"] for row in rows}
    assert {"tested", "maf_too_high", "not_in_mask", "monomorphic"} <= statuses
    assert {"only_in_untested_donors", "no_calls"} <= statuses


def test_the_notes_count_what_is_left_out(con, cohort: Cohort) -> None:
    answer = ask.explain_gene(con, "G1", "T")
    expected = [row["status"] for row in expected_rows(cohort, "G1", "T").values()]
    assert set(answer.table["cell_type"].to_pylist()) == {"T"}
    note = answer.notes[0]
    assert f"{expected.count('tested')} tested" in note
    for status in set(expected) - {"tested"}:
        assert f"{expected.count(status)} {status}" in note
    assert f"of {len(expected)} genotyped variants in 1:1-32000" in note
    assert "v2g_scores is not built: its columns are empty." in answer.notes


def test_no_donor_is_named(con) -> None:
    answer = ask.explain_gene(con, "G1")
    assert "D0" not in str(answer.table.to_pylist()) + str(answer.notes)


def test_a_variant_without_any_weight(cohort: Cohort) -> None:
    with empty_warehouse() as con:
        cohort.load(con)
        build(
            con, select=["+rvat_omnibus"], cis_window_bp=WINDOW, weights="CADD_RAW",
            skat_weight="CADD_RAW",
        )  # fmt: skip
        rows = ask.explain_gene(con, "G2", "B").table.to_pylist()
    cadd = dict(zip(cohort.positions, cohort.cadd[1], strict=True))
    for row in rows:
        if row["status"] in ("tested", "no_weight"):
            has_weight = not np.isnan(cadd[int(row["variant_id"].split("_")[1])])
            assert row["status"] == ("tested" if has_weight else "no_weight")
    assert sum(row["status"] == "no_weight" for row in rows) > 2


def test_a_gene_that_is_not_tested_has_a_reason(con) -> None:
    con.execute(
        "insert into raw.genes (gene_id, gene_name, chrom, start_pos, end_pos, strand, tss_pos, "
        "biotype, load_id) values ('G4', 'g4', '1', 5000, 6000, 1, 5000, 'protein_coding', 1)"
    )
    told = r"g4 \(G4\): not tested in the last .* by 0 of 89 donors of B, 0 of 80 donors of T"
    with pytest.raises(DataError, match=told):
        ask.explain_gene(con, "G4")
    with pytest.raises(DataError, match=r"not tested in NK in the last build\. It was in B, T"):
        ask.explain_gene(con, "G1", "NK")
    assert ask.explain_gene(con, "G3").notes[0] == "g3: no genotyped variant in 1:880000-921000."
