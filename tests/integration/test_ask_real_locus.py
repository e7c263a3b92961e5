"""The questions asked of two real loci; the answers come from the references beside the project."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.command import run_main

import varhouse

pytestmark = pytest.mark.shared
LEAD = "16_53800954_T_C"
Run = Callable[..., str]


def _run(db: Path, *arguments: str) -> None:
    assert run_main(*arguments, "--db", str(db), "--threads", "2", "--no-progress", "-q") == 0


def _build(folder: Path, db: Path, locus: str) -> None:
    for kind, name in (
        ("evidence", "evidence.parquet"),
        ("variants", "variants.parquet"),
        ("genes", "genes_grch37.tsv"),
    ):
        _run(db, "load", kind, str(folder / f"{locus}.{name}"), "--build", "GRCh37")
    _run(db, "build")


@pytest.fixture(scope="module")
def fto(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built FTO locus."""
    db = tmp_path_factory.mktemp("fto") / "fto.duckdb"
    _build(shared_data / "v2g", db, "fto_rs1421085")
    return db


@pytest.fixture(scope="module")
def igfbp5(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built IGFBP5 locus."""
    db = tmp_path_factory.mktemp("igfbp5") / "igfbp5.duckdb"
    _build(shared_data / "v2g", db, "igfbp5_rs4442975")
    return db


def _out(capsys: pytest.CaptureFixture[str], db: Path, *arguments: str) -> str:
    capsys.readouterr()
    _run(db, *arguments)
    return capsys.readouterr().out


def test_ranked_genes_of_the_lead_variant(fto, shared_data, capsys):
    expected = pl.read_parquet(
        shared_data / "v2g" / "expected" / "fto_rs1421085.default.overall.parquet"
    ).filter(pl.col("variant_id") == LEAD)
    found = json.loads(_out(capsys, fto, "genes-for-variant", "rs1421085", "--format", "json"))
    assert {row["gene_id"]: (row["rank"], row["n_sources"]) for row in found} == {
        row["gene_id"]: (row["rank"], row["n_sources"]) for row in expected.to_dicts()
    }
    wanted = dict(expected.select("gene_id", "overall_score").iter_rows())
    for row in found:
        assert row["overall_score"] == pytest.approx(wanted[row["gene_id"]], abs=1e-12)
    assert [(row["gene_name"], round(row["overall_score"], 4)) for row in found[:3]] == [
        ("FTO", 0.1360),
        ("RPGRIP1L", 0.0816),
        ("RP11-357N13.3", 0.0635),
    ]


def test_explanations_add_up_over_the_references(fto, shared_data):
    expected = pl.read_parquet(
        shared_data / "v2g" / "expected" / "fto_rs1421085.default.per_source.parquet"
    ).filter(pl.col("variant_id") == LEAD)
    with varhouse.connect(fto) as house:
        rows = [
            row
            for gene_id in expected["gene_id"].unique()
            for row in house.sql("from explain_v2g(?, ?)", [LEAD, gene_id]).rows()
        ]
    assert {(row["gene_id"], row["source_id"]): row["score"] for row in rows} == {
        (row["gene_id"], row["source_id"]): row["source_score"] for row in expected.to_dicts()
    }
    totals: dict[str, float] = {}
    for row in rows:
        totals[row["gene_id"]] = totals.get(row["gene_id"], 0) + row["contribution"]
    for row in rows:
        assert totals[row["gene_id"]] == pytest.approx(row["overall_score"], abs=1e-14)


def test_the_explanation_gives_the_raw_row(fto, shared_data, capsys):
    """FTO's eQTL: the value in the slice itself, and the file it came from."""
    rows = list(
        csv.DictReader(
            io.StringIO(_out(capsys, fto, "explain", "rs1421085", "FTO", "--format", "csv"))
        )
    )
    (eqtl,) = [row for row in rows if row["source_id"] == "gtex_v7"]
    slice_row = (
        pl.scan_parquet(shared_data / "v2g" / "fto_rs1421085.evidence.parquet")
        .filter(
            pl.col("variant_id") == LEAD,
            pl.col("gene_name") == "FTO",
            pl.col("source_id") == "gtex_v7",
            pl.col("feature") == eqtl["feature"],
        )
        .collect()
        .to_dicts()
    )
    assert len(slice_row) == 1
    assert float(eqtl["p_value"]) == slice_row[0]["qtl_pval"]
    assert float(eqtl["beta"]) == slice_row[0]["qtl_beta"]
    assert eqtl["file"].endswith("fto_rs1421085.evidence.parquet")
    (tss,) = [row for row in rows if row["source_id"] == "canonical_tss"]
    assert tss["file"] == "variants x genes (computed)"


def test_gold_standards_of_the_locus(fto, shared_data, capsys):
    """IRX5 shares rank 4 and IRX3 has no score: SPEC's references say so; FTO is nearest."""
    gold = str(shared_data / "v2g" / "gold_standards.tsv")
    rows = json.loads(_out(capsys, fto, "evaluate", gold, "--format", "json"))
    here = {row["gene_name"]: row for row in rows if row["variant"] == "rs1421085"}
    assert (here["IRX5"]["rank"], here["IRX3"]["rank"]) == (4, None)
    assert here["IRX5"]["nearest_gene_name"] == "FTO"
    summary = json.loads(_out(capsys, fto, "evaluate", gold, "--summary", "--format", "json"))
    assert {row["measure"]: row["n"] for row in summary} == {
        "evaluated": 1,
        "top_1": 1,
        "top_3": 1,
        "mrr": 1,
        # 17 variants: 4 without a gene, 12 elsewhere in the genome
        "not evaluated: gene not given": 4,
        "not evaluated: variant not in the index": 12,
    }
    assert [row["v2g"] for row in summary[1:4]] == [0, 0, 0.25]


def test_a_variant_without_evidence_is_scored_by_distance(igfbp5, shared_data, capsys):
    evidence = pl.scan_parquet(shared_data / "v2g" / "igfbp5_rs4442975.evidence.parquet")
    assert evidence.filter(pl.col("rs_id") == "rs4442975").collect().is_empty()
    rows = json.loads(_out(capsys, igfbp5, "why-missing", "rs4442975", "--format", "json"))
    found = {row["check"]: row for row in rows}
    assert found["evidence slices"]["found"] == "no row"
    assert "through its distance to the TSS alone" in found["answer"]["found"]
    genes = json.loads(_out(capsys, igfbp5, "genes-for-variant", "rs4442975", "--format", "json"))
    assert {row["best_source_id"] for row in genes} == {"canonical_tss"}


def test_a_part_scored_against_the_frozen_reference_keeps_its_scores(fto, shared_data, tmp_path):
    """Quantiles of 10 kb alone would differ; with the reference of the whole slice they do not."""
    folder = shared_data / "v2g"
    reference, part, db = tmp_path / "whole.parquet", tmp_path / "part", tmp_path / "part.duckdb"
    part.mkdir()
    for name in ("evidence.parquet", "variants.parquet"):
        pl.scan_parquet(folder / f"fto_rs1421085.{name}").filter(
            pl.col("position").is_between(53_796_000, 53_806_000)
        ).collect().write_parquet(part / f"part.{name}")
    genes = "genes_grch37.tsv"
    (part / f"part.{genes}").write_bytes((folder / f"fto_rs1421085.{genes}").read_bytes())
    query = (
        "select variant_id, gene_id, overall_score from v2g_scores "
        "where split_part(variant_id, '_', 2)::int between 53796000 and 53806000 order by all"
    )
    _run(fto, "freeze", "whole", "--out", str(reference))
    with varhouse.connect(fto) as house:
        wanted = house.sql(query).pl()
    _build(part, db, "part")
    with varhouse.connect(db) as house:
        alone = house.sql(query).pl()
    _run(db, "freeze", "whole", "--from", str(reference))
    _run(db, "build", "--vars", "{v2g_reference: whole}")
    with varhouse.connect(db) as house:
        found = house.sql(query).pl()
    assert wanted.height > 10_000
    assert found.equals(wanted)
    assert not alone.equals(wanted)
