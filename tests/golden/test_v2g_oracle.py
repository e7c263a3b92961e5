"""The FTO locus against an independent pandas program (integer arithmetic), profile by profile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.loading import load_one
from tests.v2g import build, empty_warehouse

PROFILES = (
    "default", "no_distance", "decile_ceil", "midrank", "percent_rank_raw", "sklearn10",
    "vep_quantile", "vep_lut2019", "one_minus_p", "denominator_present",
    "denominator_available", "biotype_after", "protein_coding", "fantom_neglog10_fdr",
    "portal2019", "production2022", "prototype_v2",
)  # fmt: skip
DECILES = {"percent_rank", "decile_ceil", "midrank"}

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def fto(shared_data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    v2g = shared_data / "v2g"
    with empty_warehouse() as con:
        for kind, name in (
            ("genes", "fto_rs1421085.genes_grch37.tsv"),
            ("variants", "fto_rs1421085.variants.parquet"),
            ("evidence", "fto_rs1421085.evidence.parquet"),
        ):
            load_one(con, kind, v2g / name, build="GRCh37")
        yield con


@pytest.mark.parametrize("profile", PROFILES)
def test_profile_equals_the_oracle(
    fto: duckdb.DuckDBPyConnection, shared_data: Path, profile: str
) -> None:
    expected = shared_data / "v2g" / "expected"
    summary = json.loads((expected / "fto_rs1421085.summary.json").read_text())[profile]
    build(fto, v2g_profile=profile)

    counts = dict(
        fto.sql("select source_id, count(*) from v2g_source_scores group by all").fetchall()
    )
    sums = dict(
        fto.sql("select source_id, sum(score) from v2g_source_scores group by all").fetchall()
    )
    assert counts == summary["per_source_count"]
    assert sums == pytest.approx(summary["per_source_sum"], rel=1e-9)
    n_rows, total, highest = fto.sql(
        "select count(*), sum(overall_score), max(overall_score) from v2g_scores"
    ).fetchall()[0]
    assert n_rows == summary["overall_rows"]
    assert total == pytest.approx(summary["overall_sum"], rel=1e-9)
    assert highest == pytest.approx(summary["overall_max"], abs=1e-12)

    is_decile = summary["options"]["quantile"] in DECILES
    tolerance = 0.0 if is_decile else 1e-12
    compared, found, worst = fto.sql(
        """
        select count(*), count(ours.score), max(abs(oracle.source_score - ours.score))
        from read_parquet($file) as oracle
        left join v2g_source_scores as ours using (variant_id, gene_id, source_id)
        """,
        params={"file": str(expected / f"fto_rs1421085.{profile}.per_source.parquet")},
    ).fetchall()[0]
    assert compared == found > 1000
    assert worst <= tolerance
    compared, found, worst, wrong_rank, wrong_count = fto.sql(
        """
        select
            count(*),
            count(ours.overall_score),
            max(abs(oracle.overall_score - ours.overall_score)),
            count_if(oracle.rank <> ours.rank),
            count_if(oracle.n_sources <> ours.n_sources)
        from read_parquet($file) as oracle
        left join v2g_scores as ours using (variant_id, gene_id)
        """,
        params={"file": str(expected / f"fto_rs1421085.{profile}.overall.parquet")},
    ).fetchall()[0]
    assert compared == found > 1000
    assert worst <= 1e-12
    assert (wrong_rank, wrong_count) == (0, 0)


def test_the_published_scores_of_the_lead(fto: duckdb.DuckDBPyConnection) -> None:
    build(fto)
    top = fto.sql(
        "select gene_name, round(overall_score, 4) from genes_for_variant('rs1421085') limit 3"
    ).fetchall()
    assert top == [("FTO", 0.1360), ("RPGRIP1L", 0.0816), ("RP11-357N13.3", 0.0635)]


def test_a_lead_without_evidence_scores_through_distance(shared_data: Path) -> None:
    v2g = shared_data / "v2g"
    with empty_warehouse() as con:
        for kind, name in (
            ("genes", "igfbp5_rs4442975.genes_grch37.tsv"),
            ("variants", "igfbp5_rs4442975.variants.parquet"),
            ("evidence", "igfbp5_rs4442975.evidence.parquet"),
        ):
            load_one(con, kind, v2g / name, build="GRCh37")
        build(con)
        found = con.sql(
            "select distinct source_id from v2g_source_scores where variant_id = '2_217920769_G_T'"
        ).fetchall()
        assert found == [("canonical_tss",)]
