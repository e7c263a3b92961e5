"""``varhouse demo`` from the command line: what it prints, leaves behind and refuses."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy import stats
from tests.command import run_program

PLANTED = {
    ("DEMO17", "monocyte"), ("DEMO22", "monocyte"), ("DEMO29", "CD8 T"), ("DEMO32", "B"),
    ("DEMO36", "B"), ("DEMO36", "CD8 T"),
}  # fmt: skip


@pytest.fixture(scope="module")
def cohort(demo: tuple[Path, str]) -> tuple[Path, str]:
    """Return the demo's folder and what it printed, if it could simulate a cohort."""
    pytest.importorskip("msprime")
    pytest.importorskip("h5py")
    return demo


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


@pytest.mark.parametrize("name", ["heatmap", "manhattan", "locus"])
def test_the_figures_are_png_files(name: str, cohort: tuple[Path, str]) -> None:
    picture = (cohort[0] / f"demo_{name}.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert len(picture) > 10_000


def test_every_file_was_loaded_and_recorded(demo: tuple[Path, str]) -> None:
    kinds = query(demo[0], "select kind, n_read = n_loaded + n_rejected from load_manifest")
    assert {kind for kind, _ in kinds} >= {
        "genes", "variants", "evidence", "qtl", "intervals", "vep",
    }  # fmt: skip
    assert all(adds_up for _, adds_up in kinds)


def test_a_second_demo_replaces_the_first(demo: tuple[Path, str], tmp_path: Path) -> None:
    scores = "select md5(string_agg(v::varchar, '' order by v)) from v2g_scores v"

    def files(folder: Path) -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (folder / "files").iterdir()
        }

    again = shutil.copytree(demo[0], tmp_path / "demo")
    for path in (again / "files").iterdir():
        path.write_bytes(b"")
    done = run_program("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == demo[1]
    assert query(again, scores) == query(demo[0], scores)
    assert files(again) == files(demo[0])


def test_planted_rare_variant_effects_are_found(cohort: tuple[Path, str]) -> None:
    found = query(
        cohort[0],
        "select gene_name, cell_type from rvat_omnibus where q_value < 0.05 order by all",
    )
    missed = PLANTED - {(str(gene), str(cell_type)) for gene, cell_type in found}
    wrong = {(str(gene), str(cell_type)) for gene, cell_type in found} - PLANTED
    # seeds 1, 3, 5, 7, 8, 9 and 2024 find all six, nothing else; another msprime may draw otherwise
    assert len(missed) <= 1
    assert len(wrong) <= 2
    assert f"{len(PLANTED) - len(missed)} of 6 planted pairs" in cohort[1]


def test_the_weight_of_v2g_is_what_finds_effects_of_one_direction(
    cohort: tuple[Path, str],
) -> None:
    rows = query(
        cohort[0],
        "select gene_name, cell_type, max(log10p) filter (where weight = 'maf_beta*v2g') "
        "- max(log10p) filter (where weight = 'maf_beta') from rvat_burden group by all",
    )
    gains = {
        (gene, cell_type): gain
        for gene, cell_type, gain in rows
        if (gene, cell_type) in PLANTED and gene != "DEMO22"
    }
    assert len(gains) == 5
    assert all(isinstance(gain, float) and gain > 2 for gain in gains.values())


def test_a_weighted_burden_is_that_of_numpy(cohort: tuple[Path, str]) -> None:
    """DEMO32 in B cells from the VCF's text, the stored scores and ordinary least squares."""
    with gzip.open(cohort[0] / "files" / "demo.vcf.gz", "rt") as lines:
        calls = {}
        for line in lines:
            if line.startswith("#CHROM"):
                donors = line.rstrip("\n").split("\t")[9:]
            elif not line.startswith("#"):
                cells = line.rstrip("\n").split("\t")
                calls["_".join([*cells[:2], *cells[3:5]])] = cells[9:]
    (span,) = query(
        cohort[0], "select start_pos, end_pos, gene_id from genes where gene_name = 'DEMO32'"
    )
    start, end, gene = span
    scores = dict(
        query(
            cohort[0],
            f"select variant_id, overall_score from v2g_scores where gene_id = '{gene}'",
        )
    )
    copies = {"0|0": 0.0, "0|1": 1.0, "1|0": 1.0, "1|1": 2.0, "./.": np.nan}
    burden = np.zeros(len(donors))
    for variant_id, row in calls.items():
        if not start - 100_000 <= int(variant_id.split("_")[1]) <= end + 100_000:
            continue
        dosage = np.array([copies[call] for call in row])
        mean = np.nanmean(dosage)
        dosage = np.where(np.isnan(dosage), mean, dosage)
        if mean > 1:
            mean, dosage = 2 - mean, 2 - dosage
        if 0 < mean / 2 < 0.01:
            burden += dosage * stats.beta.pdf(mean / 2, 1, 25) * scores[variant_id]
    expression = dict(
        query(
            cohort[0],
            f"select donor_id, mean from pseudobulk where gene_id = '{gene}' and cell_type = 'B'",
        )
    )
    y = np.array([expression[donor] for donor in donors])
    y = stats.norm.ppf((stats.rankdata(y) - 0.5) / y.size)
    header, *lines = (cohort[0] / "files" / "demo.covariates.tsv").read_text().splitlines()
    assert header.split("\t") == ["donor_id", "sex", "age", "pool2", "pool3", "pool4"]
    assert [line.split("\t")[0] for line in lines] == donors
    traits = np.array([line.split("\t")[1:] for line in lines], dtype=float)
    x = np.column_stack([np.ones(y.size), traits, burden])
    beta, rss, _, _ = np.linalg.lstsq(x, y, rcond=None)
    df = y.size - x.shape[1]
    se = np.sqrt(rss[0] / df * np.linalg.inv(x.T @ x)[-1, -1])
    (row,) = query(
        cohort[0],
        "select beta, se, p_value from rvat_burden where gene_name = 'DEMO32' "
        "and cell_type = 'B' and weight = 'maf_beta*v2g'",
    )
    wanted = (beta[-1], se, 2 * stats.t.sf(abs(beta[-1] / se), df))
    assert row == pytest.approx(wanted, rel=1e-6)


def test_eqtls_are_found_as_numpy_finds_them(cohort: tuple[Path, str]) -> None:
    """The correlations that the demo prints are made in SQL, of lists; here by numpy, of calls."""
    from varhouse.demo.cohort import CommonEffect
    from varhouse.demo.cohort.found import common_findings

    lines = (cohort[0] / "files" / "demo.planted.tsv").read_text().splitlines()[1:]
    eqtls = [line.split("\t") for line in lines if line.split("\t")[4] == "eqtl"]
    effects = [
        CommonEffect(gene_id, name, (cell_type,), variant, float(change))
        for gene_id, name, cell_type, variant, _, change in eqtls
    ]
    with duckdb.connect(str(cohort[0] / "demo.duckdb"), read_only=True) as con:
        found = common_findings(con, effects)
        for effect, row in found.planted:
            pairs = con.execute(
                "select case when calls.is_there then calls.dosage else 0 end, mean "
                "from pseudobulk join donors using (donor_id) left join (select donor_idx, "
                "dosage, true as is_there from genotypes join variants using (variant_idx) "
                "where variant_id = ?) as calls using (donor_idx) "
                "where gene_id = ? and cell_type = ?",
                [row["variant_id"], effect.gene_id, effect.cell_types[0]],
            ).fetchall()
            values = np.array([pair for pair in pairs if None not in pair], dtype=float)
            # missing calls, one in 500, are taken as the mean there and left out here
            assert row["r"] == pytest.approx(np.corrcoef(values.T)[0, 1], abs=0.01)
            assert row["is_significant"]
            assert row["r2_with_planted"] > 0.8
    assert len(found.planted) == 5
    assert len(found.false_positives) <= 1


def test_the_shown_join_correlates_all_donors_carriers_or_not(cohort: tuple[Path, str]) -> None:
    from varhouse.demo.cohort.found import WEIGHTED_BURDEN_SQL

    with duckdb.connect(str(cohort[0] / "demo.duckdb"), read_only=True) as con:
        shown = con.execute(WEIGHTED_BURDEN_SQL).fetchall()
        assert len(shown) == 6
        gene, cell_type, *correlations = shown[0]
        ((gene_id, first, last),) = con.execute(
            "select gene_id, start_pos - 100000, end_pos + 100000 from genes where gene_name = ?",
            [gene],
        ).fetchall()
        scores = dict(
            con.execute(
                "select variants.variant_idx, overall_score from v2g_scores "
                "join variants using (variant_id) join variant_qc using (variant_id) "
                "where gene_id = ? and af < 0.01 and variants.pos between ? and ?",
                [gene_id, first, last],
            ).fetchall()
        )
        expression = dict(
            con.execute(
                "select donor_idx, mean from pseudobulk join donors using (donor_id) "
                "where gene_id = ? and cell_type = ?",
                [gene_id, cell_type],
            ).fetchall()
        )
        calls = con.execute("select variant_idx, donor_idx, dosage from genotypes").fetchall()
    assert len(expression) == 300
    burdens = {donor: [0.0, 0.0] for donor in expression}
    for variant, donor, dosage in calls:
        if variant in scores and dosage is not None:
            burdens[donor][0] += dosage
            burdens[donor][1] += dosage * scores[variant]
    assert [0.0, 0.0] in burdens.values()
    table = np.array([[expression[donor], *burdens[donor]] for donor in expression])
    assert correlations == pytest.approx(np.corrcoef(table.T)[0, 1:], abs=0.0051)


def test_the_gwas_loci_point_to_the_planted_genes(cohort: tuple[Path, str]) -> None:
    """The posterior-weighted V2G score that the demo prints, again by numpy from both tables."""
    from varhouse.demo.cohort.trait_genes import locus_genes

    lines = (cohort[0] / "files" / "demo.planted.tsv").read_text().splitlines()[1:]
    planted = {line.split("\t")[3]: line.split("\t")[1] for line in lines if "\ttrait\t" in line}
    with duckdb.connect(str(cohort[0] / "demo.duckdb"), read_only=True) as con:
        loci = locus_genes(con, [])
        rows = con.execute("select variant_id, pos, beta, se from sumstats").fetchall()
        for locus in loci:
            lead_pos = int(locus.lead_id.split("_")[1])
            near = [row for row in rows if row[0].startswith("22_")]
            near = [row for row in near if abs(row[1] - lead_pos) <= 100_000]
            beta, se = (np.array([row[k] for row in near]) for k in (2, 3))
            # Wakefield (2009): density of beta with and without an effect of sd 0.15
            bf = stats.norm.pdf(beta, 0, np.hypot(0.15, se)) / stats.norm.pdf(beta, 0, se)
            posterior = dict(zip([row[0] for row in near], bf / bf.sum(), strict=True))
            (total,) = con.execute(
                "select list((variant_id, overall_score)) from v2g_scores where gene_name = ?",
                [locus.best_gene],
            ).fetchall()[0]
            mean = sum(posterior.get(name, 0.0) * score for name, score in total)
            assert locus.best_v2g == pytest.approx(mean, rel=1e-3)
    found = {locus.best_gene for locus in loci}
    assert len(found & set(planted.values())) >= 2
    assert len(loci) <= 4
    assert "GWAS of an invented trait" in cohort[1]


def test_without_the_simulator_the_locus_is_shown_and_the_extra_named(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    without = (
        "import importlib.util as u; find = u.find_spec; "
        "u.find_spec = lambda name, *a: None if name == 'msprime' else find(name, *a)"
    )
    done = run_program("demo", cwd=tmp_path, before=without)
    assert done.returncode == 0, done.stderr
    hints = [line for line in done.stderr.splitlines() if "varhouse[demo]" in line]
    assert hints == ["No cohort, only its locus: msprime missing (pip install 'varhouse[demo]')."]
    assert "Planted and found" in done.stdout
    assert "Rare variants" not in done.stdout


def test_plot_writes_the_heatmap_of_any_variant(demo: tuple[Path, str], tmp_path: Path) -> None:
    done = run_program(
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
    done = run_program(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.shared
def test_real_slices_give_the_published_ranking(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    slices = shared_data / "v2g"
    done = run_program(
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
