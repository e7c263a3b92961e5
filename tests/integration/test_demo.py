"""``varhouse demo`` from the command line: what it prints, leaves behind and refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

REPO = Path(__file__).resolve().parents[2]


def varhouse(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPO / "py"), "COLUMNS": "120"}
    environment.pop("VARHOUSE_DB", None)
    return subprocess.run(
        [sys.executable, "-c", "from varhouse.cli import main; main()", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the demo once; return its folder and what it printed."""
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("demo")
    done = varhouse("demo", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "demo", done.stdout


def query(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / "demo.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_the_planted_gene_is_rank_one_and_not_the_nearest(demo: tuple[Path, str]) -> None:
    found = query(
        demo[0],
        "select gene_name, rank from v2g_scores join variants using (variant_id) "
        "where rsid = 'rs9900000001' and gene_name in ('DEMO13', 'DEMO17') order by rank",
    )
    assert found[0] == ("DEMO17", 1)
    assert found[1][0] == "DEMO13"
    assert found[1][1] != 1


def test_the_lead_scores_as_worked_out_by_hand(demo: tuple[Path, str]) -> None:
    # strongest row of eQTL, pQTL, promoter capture and open chromatin: quantile 1.0 each;
    # the andersson2014 score is an FDR of 0, which the default reads as the weakest: 0.0
    found = dict(
        query(
            demo[0],
            "select source_id, score from v2g_source_scores join variants using (variant_id) "
            "join genes using (gene_id) where rsid = 'rs9900000001' and gene_name = 'DEMO17'",
        )
    )
    distance = found.pop("canonical_tss")
    assert found == {
        "gtex_v7": 1.0,
        "sun2018": 1.0,
        "javierre2016": 1.0,
        "thurman2012": 1.0,
        "andersson2014": 0.0,
    }
    assert isinstance(distance, float)
    weighted = 0.66 + 0.66 + 0.33 + 0.33 + 0.33 * distance
    ((overall,),) = query(
        demo[0],
        "select overall_score from v2g_scores join variants using (variant_id) "
        "where rsid = 'rs9900000001' and gene_name = 'DEMO17'",
    )
    assert overall == pytest.approx(weighted / 3.64, abs=1e-12)


def test_the_other_lead_scores_through_distance_alone(demo: tuple[Path, str]) -> None:
    found = query(
        demo[0],
        "select distinct source_id from v2g_source_scores join variants using (variant_id) "
        "where rsid = 'rs9900000002'",
    )
    assert found == [("canonical_tss",)]
    best = query(
        demo[0],
        "select gene_name, round(overall_score, 12) from v2g_scores join variants "
        "using (variant_id) where rsid = 'rs9900000002' and rank = 1",
    )
    # the highest quantile that distance can have, 1.0, times its weight over all weights
    assert best == [("DEMO8", round(0.33 / 3.64, 12))]


def test_excluded_biotypes_have_no_score(demo: tuple[Path, str]) -> None:
    assert query(
        demo[0],
        "select count(*) from v2g_scores join genes using (gene_id) where biotype ~ 'pseudogene'",
    ) == [(0,)]
    assert query(demo[0], "select count(*) from v2g_excluded_genes") == [(2,)]


def test_it_prints_the_answer_its_explanation_and_what_to_try(demo: tuple[Path, str]) -> None:
    printed = demo[1]
    for words in (
        "Genes of rs9900000001",
        "Why DEMO17",
        "Planted and found",
        "varhouse genes-for-variant",
        "varhouse explain",
        "varhouse why-missing",
        "varhouse sql",
        "varhouse docs",
    ):
        assert words in printed


def test_the_heatmap_is_a_png(demo: tuple[Path, str]) -> None:
    picture = (demo[0] / "demo_heatmap.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert len(picture) > 10_000


def test_every_file_was_loaded_and_recorded(demo: tuple[Path, str]) -> None:
    kinds = query(demo[0], "select kind, n_read = n_loaded + n_rejected from load_manifest")
    assert {kind for kind, _ in kinds} == {
        "genes", "variants", "evidence", "qtl", "intervals", "vep",
    }  # fmt: skip
    assert all(adds_up for _, adds_up in kinds)


def test_a_second_demo_replaces_the_first(demo: tuple[Path, str]) -> None:
    before = query(demo[0], "select md5(string_agg(v::varchar, '' order by v)) from v2g_scores v")
    done = varhouse("demo", cwd=demo[0].parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout == demo[1]
    after = query(demo[0], "select md5(string_agg(v::varchar, '' order by v)) from v2g_scores v")
    assert after == before


def test_plot_writes_the_heatmap_of_any_variant(demo: tuple[Path, str], tmp_path: Path) -> None:
    done = varhouse(
        "plot", "heatmap", "rs9900000002", "--out", str(tmp_path / "lonely.png"), "--top", "5",
        "--db", str(demo[0] / "demo.duckdb"), cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert (tmp_path / "lonely.png").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["demo", "--lead", "rs1"], "--lead without --evidence"),
        (["demo", "--evidence", "here"], "also give --variants, --genes, --build, --lead"),
        (["demo", "--db", "here"], "here: exists"),
        (["plot", "heatmap", "rs1", "--out", "figure.doc"], "wanted .png, .pdf, .svg"),
        (["plot", "heatmap", "rs1", "--out", "nowhere/figure.png"], "nowhere does not exist"),
        (["plot", "heatmap", "rs1", "--out", "figure.png"], "no such warehouse"),
    ],
)
def test_a_wrong_command_line_is_refused(arguments: list[str], wanted: str, tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    done = varhouse(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.shared
def test_real_slices_give_the_published_ranking(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    slices = shared_data / "v2g"
    done = varhouse(
        "demo",
        "--evidence", str(slices / "fto_rs1421085.evidence.parquet"),
        "--variants", str(slices / "fto_rs1421085.variants.parquet"),
        "--genes", str(slices / "fto_rs1421085.genes_grch37.tsv"),
        "--build", "GRCh37", "--lead", "rs1421085", "--out", "fto",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ranked = query(
        tmp_path / "fto",
        "select gene_name, round(overall_score, 4) from v2g_scores "
        "where variant_id = '16_53800954_T_C' order by rank, gene_id limit 3",
    )
    assert ranked == [("FTO", 0.1360), ("RPGRIP1L", 0.0816), ("RP11-357N13.3", 0.0635)]
    printed = [line.split()[:3] for line in done.stdout.splitlines()]
    assert ["1", "FTO", "0.1360"] in printed
    assert ["2", "RPGRIP1L", "0.0816"] in printed
