"""The rare-variant models against a plain loop over genes, and what they do with odd input."""

import numpy as np
import pytest
from scipy import stats
from tests.rvat import CELL_TYPES, GENES, Cohort, slow_loop
from tests.v2g import build as build_models
from tests.v2g import empty_warehouse

WEIGHTS = ["uniform", "maf_beta", "tss_distance_exp", "CADD_RAW", "maf_beta*CADD_RAW"]
SELECT = ["+rvat_summary +rvat_acat"]


def build(con, **variables):
    variables = {"cis_window_bp": 20_000, "weights": WEIGHTS, **variables}
    build_models(con, select=SELECT, **variables)


def rows(con, sql):
    return con.sql(sql).to_arrow_table().to_pylist()


@pytest.fixture(scope="module")
def cohort():
    return Cohort()


@pytest.fixture(scope="module")
def house(cohort):
    with empty_warehouse() as con:
        cohort.load(con)
        build(con)
        yield con


def test_every_burden_is_the_loops(house, cohort):
    expected = slow_loop(cohort)
    found = {
        (row["cell_type"], row["gene_id"], row["weight"]): row
        for row in rows(house, "select * from rvat_burden")
    }
    assert len(found) == len(CELL_TYPES) * len(GENES) * len(WEIGHTS)
    tested = 0
    for cell_type in CELL_TYPES:
        for gene in ("G1", "G2"):
            for weight in WEIGHTS:
                row, twin = found[cell_type, gene, weight], expected[cell_type, gene, weight]
                assert row["status"] == "ok"
                for name, value in twin.items():
                    assert row[name] == pytest.approx(value, rel=1e-9), (cell_type, gene, weight)
                assert row["n_donors"] == cohort.donors[cell_type].size
                assert row["p_value"] == row["t_p_value"]
                assert 10 ** -row["log10p"] == pytest.approx(row["p_value"], rel=1e-12, abs=0)
                tested += 1
    assert tested == 20


def test_every_skat_is_the_loops(house, cohort):
    expected = slow_loop(cohort)
    found = rows(house, "select * from rvat_skat where status = 'ok'")
    assert len(found) == len(CELL_TYPES) * 2
    for row in found:
        twin = expected[row["cell_type"], row["gene_id"], "skat"]
        assert row["q"] == pytest.approx(twin["q"], rel=1e-9)
        assert row["p_value"] == pytest.approx(twin["p_value"], rel=1e-8, abs=0)
        assert row["method"] == "large_sample"


def test_a_gene_without_variants_has_rows_that_say_so(house):
    found = rows(house, "select * from rvat_burden where gene_id = 'G3'")
    assert {row["status"] for row in found} == {"empty_window"}
    assert {row["n_variants"] for row in found} == {0}
    assert {row["p_value"] for row in found} == {None}


def test_donors_without_genotypes_are_counted(house):
    found = rows(house, "select cell_type, status, count(*) as n from rvat_donors group by all")
    assert {(row["cell_type"], row["status"]): row["n"] for row in found} == {
        ("B", "ok"): 89, ("B", "no_genotypes"): 1, ("T", "ok"): 80,
    }  # fmt: skip


TABLES = (
    "select * from rvat_burden order by cell_type, gene_id, weight",
    "select * exclude (error) from rvat_skat order by cell_type, gene_id",
)


def test_two_threads_and_another_run_make_the_same_tables(cohort, house):
    with empty_warehouse() as con:
        cohort.load(con)
        con.execute("set threads = 2")
        build(con)
        for query in TABLES:
            assert rows(con, query) == rows(house, query)


def test_regions_of_any_size_agree_to_rounding(cohort, house):
    with empty_warehouse() as con:
        cohort.load(con)
        build(con, rvat_region_genes=1)
        for query in TABLES:
            for row, other in zip(rows(con, query), rows(house, query), strict=True):
                for name, value in row.items():
                    assert value == (
                        pytest.approx(other[name], rel=1e-12)
                        if isinstance(value, float)
                        else other[name]
                    )


def test_parity_switches(cohort):
    with empty_warehouse() as con:
        cohort.load(con)
        build(con, fold_minor_allele=False, p_value="lrt", window="gene_body_open", cell_types="T")
        found = rows(con, "select * from rvat_burden where gene_id = 'G1' and weight = 'uniform'")
        assert [row["cell_type"] for row in found] == ["T"]
        row = found[0]
        assert row["p_value"] != row["t_p_value"]
        assert row["se"] == pytest.approx(abs(row["beta"]) / row["lrt"] ** 0.5)


def test_masks_and_cut_offs(cohort):
    masks = {
        "all": {}, "high": {"min_score": {"CADD_RAW": 0.5}},
        "missense": {"consequence": ["missense_variant"]},
    }  # fmt: skip
    with empty_warehouse() as con:
        cohort.load(con)
        build(con, masks=masks, max_maf=[0.02, 0.05], weights=["uniform", "maf_beta"])
        counts = {
            (row["mask"], row["max_maf"]): row["n_variants"]
            for row in rows(con, "select * from rvat_burden where gene_id = 'G1' and "
                                 "cell_type = 'B' and weight = 'uniform'")
        }  # fmt: skip
    inside = (cohort.positions >= 1) & (cohort.positions <= 32_000)
    assert len(counts) == 6
    assert counts["all", 0.05] > counts["all", 0.02]
    for cut in (0.02, 0.05):
        assert counts["high", cut] <= counts["missense", cut] <= counts["all", cut]
    assert counts["all", 0.05] <= inside.sum()


def test_a_warehouse_without_genotypes_builds():
    with empty_warehouse() as con:
        build(con)
        assert rows(con, "select count(*) as n from rvat_burden") == [{"n": 0}]


def test_acat_and_omnibus_combine_what_was_tested(house):
    burdens = rows(house, "select * from rvat_burden where p_value is not null")
    variance = rows(house, "select * from rvat_skat where p_value is not null")
    combined = {
        (row["cell_type"], row["gene_id"]): row for row in rows(house, "select * from rvat_acat")
    }
    omnibus = rows(house, "select * from rvat_omnibus")
    assert len(omnibus) == len(CELL_TYPES) * len(GENES)
    for row in omnibus:
        key = (row["cell_type"], row["gene_id"])
        if row["gene_id"] == "G3":
            assert (row["p_value"], row["q_value"], row["status"]) == (None, None, "empty_window")
            assert (row["best_test"], row["n_tests"]) == (None, 0)
            untested = combined[key]
            assert (untested["p_value"], untested["status"]) == (None, "empty_window")
            continue
        p = [b["p_value"] for b in burdens if (b["cell_type"], b["gene_id"]) == key]
        assert combined[key]["p_value"] == pytest.approx(acat_of(p), rel=1e-10, abs=0)
        both = p + [s["p_value"] for s in variance if (s["cell_type"], s["gene_id"]) == key]
        assert row["p_value"] == pytest.approx(acat_of(both), rel=1e-10, abs=0)
        assert row["n_tests"] == len(both)
        # two p-values a cell type: too few for an estimate, so Benjamini and Hochberg
        assert row["q_value"] >= row["p_value"]
    best = next(r for r in omnibus if (r["cell_type"], r["gene_id"]) == ("B", "G1"))["best_test"]
    least = min(
        (b for b in burdens + variance if (b["cell_type"], b["gene_id"]) == ("B", "G1")),
        key=lambda b: b["p_value"],
    )
    assert least["weight"] in best


def acat_of(p):
    return stats.cauchy.sf(np.mean(np.tan((0.5 - np.array(p)) * np.pi)))


def test_summary_has_a_row_for_every_test(house):
    found = rows(house, "select * from rvat_summary")
    assert len(found) == len(CELL_TYPES) * (len(WEIGHTS) + 2)
    assert all(row["n_genes"] == 3 and row["n_tested"] == 2 for row in found)
    skat = {
        (row["cell_type"], row["gene_id"]): row["p_value"]
        for row in rows(house, "select * from rvat_skat where p_value is not null")
    }
    for row in found:
        assert row["lambda_gc"] > 0
        if row["test"] == "skat":
            p = [skat[row["cell_type"], gene] for gene in ("G1", "G2")]
            assert row["min_p_value"] == min(p)
            # the median chi-square over that of the null
            middle = stats.chi2.isf(np.median(p), 1) / stats.chi2.median(1)
            assert row["lambda_gc"] == pytest.approx(middle, rel=1e-9)
