"""varhouse rvat and varhouse explain GENE on a small cohort."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from tests.command import run_main
from tests.rvat import CELL_TYPES, Cohort, slow_loop
from tests.v2g import empty_warehouse

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return Cohort()


@pytest.fixture(scope="module")
def loaded(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("loaded") / "cohort.duckdb"
    with empty_warehouse(path) as con:
        cohort.load(con)
    return path


@pytest.fixture
def house(loaded: Path, tmp_path: Path) -> Path:
    return shutil.copyfile(loaded, tmp_path / "cohort.duckdb")


@pytest.fixture
def run(house: Path, capsys) -> Run:
    """Return a function that runs a command on the cohort: (exit code, out, err)."""

    def run_command(*arguments: str) -> tuple[int, str, str]:
        code = run_main(*arguments, "--db", str(house), "--threads", "1")
        return code, *capsys.readouterr()

    return run_command


def test_top_genes_have_the_smallest_p_of_the_loop(run: Run, cohort: Cohort) -> None:
    code, out, err = run("rvat", "--window", "20000", "--weights", "uniform,maf_beta",
                         "--format", "json")  # fmt: skip
    assert code == 0, err
    expected = slow_loop(cohort)
    found = {(row["cell_type"], row["gene_id"]): row for row in json.loads(out)}
    assert set(found) == {(cell_type, gene) for cell_type in CELL_TYPES for gene in ("G1", "G2")}
    for (cell_type, gene), row in found.items():
        tests = {
            "burden sum uniform all 0.05": expected[cell_type, gene, "uniform"]["t_p_value"],
            "burden sum maf_beta all 0.05": expected[cell_type, gene, "maf_beta"]["t_p_value"],
            "skat maf_beta all 0.05": expected[cell_type, gene, "skat"]["p_value"],
        }
        best = min(tests, key=lambda name: tests[name])
        assert row["best_test"] == best
        assert row["best_p_value"] == pytest.approx(tests[best], rel=1e-8, abs=0)
        assert row["n_tests"] == 3
        assert row["n_variants"] == expected[cell_type, gene, "uniform"]["n_variants"]
        assert row["n_donors"] == cohort.donors[cell_type].size
    assert "B: 89 of 90 donors (1 without genotypes); 3 genes: ok 2, empty_window 1." in err
    assert "T: 80 of 80 donors; 3 genes: ok 2, empty_window 1." in err


def test_options_become_vars(run: Run, house: Path) -> None:
    code, out, err = run(
        "rvat", "--cell-type", "T", "--genes", "g1", "--genes", "G3", "--weights", "uniform",
        "--tests", "skat_o,acat_v", "--max-maf", "0.02,0.05", "--window", "15000",
        "--anchor", "tss", "--mask", "high", "--top", "1", "--format", "csv",
        "--vars", "{masks: {high: {min_score: {CADD_RAW: 0.5}}, all: {}}}",
    )  # fmt: skip
    assert code == 0, err
    assert [row["gene_id"] for row in csv.DictReader(out.splitlines())] == ["G1"]
    with duckdb.connect(str(house), read_only=True) as con:
        asked = con.execute(
            "select distinct cell_type, gene_id, mask, max_maf, test, weight from rvat_skat "
            "order by all"
        ).fetchall()
        assert asked == [
            ("T", gene, "high", cut, test, "uniform")
            for gene in ("G1", "G3") for cut in (0.02, 0.05) for test in ("acat_v", "skat_o")
        ]  # fmt: skip
        windows = con.execute("select gene_id, window_start, window_end from int_rvat__genes")
        assert windows.fetchall() == [("G1", 1, 25_000), ("G3", 885_000, 915_000)]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--cell-type", "NK"), 1, "NK: no expression of this cell type is loaded; there is B, T."),
        (("--genes", "G9"), 1, "G9: not in the gene index"),
        (("--genes", ""), 2, "--genes: found ''; wanted a word"),
        (("--weights", ","), 2, "--weights: found ','; wanted a word"),
        (("--tests", "skat,famskat"), 2, "found famskat; wanted some of skat, skat_o, acat_v"),
        (("--max-maf", "5"), 2, "found '5'; wanted a frequency"),
        (("--max-maf", "rare"), 2, "found 'rare'; wanted a frequency"),
        (("--mask", "high"), 2, "found high; the var masks has all"),
        (("--window", "-1"), 2, "--window"),
        (("--vars", "{cis_window_bp: 1e5}"), 2, "cis_window_bp is '1e5', wanted a number"),
        (("--vars", "{min_donor_fraction: 5}"), 2, "wanted a number from 0 to 1"),
        (("--vars", "{min_donors: 5}"), 2, "--vars min_donors: nothing in the project asks"),
        (("--weights", "maf_beta,maf_bta"), 1, "missing_score=maf_bta"),
        (("--vars", "{skat_weight: no}", "--weights", "uniform"), 2, "wanted one of the var"),
    ],
)
def test_what_is_refused(run: Run, arguments: tuple[str, ...], code: int, told: str) -> None:
    found, out, err = run("rvat", *arguments)
    assert (found, out) == (code, "")
    assert told in err
