"""The real files: row counts as their README states them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from load_inputs import load

from varhouse.errors import DataError

pytestmark = pytest.mark.shared

FTO = "fto_rs1421085"
IGFBP5 = "igfbp5_rs4442975"


@pytest.mark.parametrize(
    ("slice_name", "n_rows", "n_variants", "n_genes"),
    [(FTO, 265_364, 51_836, 47), (IGFBP5, 126_805, 37_064, 58)],
)
def test_a_slice_loads_whole(
    con: duckdb.DuckDBPyConnection,
    shared_data: Path,
    slice_name: str,
    n_rows: int,
    n_variants: int,
    n_genes: int,
) -> None:
    files = {
        "genes": (f"{slice_name}.genes_grch37.tsv", n_genes),
        "variants": (f"{slice_name}.variants.parquet", n_variants),
        "evidence": (f"{slice_name}.evidence.parquet", n_rows),
    }
    for kind, (name, n_expected) in files.items():
        (report,) = load(con, kind, shared_data / "v2g" / name, strict=True)
        assert (report.n_read, report.n_loaded) == (n_expected, n_expected)
        assert (report.rejected, report.notes) == ({}, {})
    assert con.execute(
        "select count(*), min(variant_idx), max(variant_idx), count(distinct variant_idx) "
        "from raw.variants"
    ).fetchone() == (n_variants, 0, n_variants - 1, n_variants)


def test_sources_of_the_fto_slice(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    load(con, "evidence", shared_data / "v2g" / f"{FTO}.evidence.parquet")
    found = con.execute("select type_id, count(*) from raw.evidence group by 1").fetchall()
    assert dict(found) == {
        "pchic": 146_844, "vep": 116_174, "eqtl": 1_497, "dhscor": 751, "fantom5": 98,
    }  # fmt: skip


def test_the_published_tsv_is_the_slice(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    (tsv,) = (shared_data / "formats" / "v2g").glob("v2g.rs4442975*.tsv.gz")
    load(con, "evidence", tsv, shared_data / "v2g" / f"{IGFBP5}.evidence.parquet")
    differing = con.execute("""
        select count(*) from (
            (select * exclude load_id from raw.evidence where load_id = 1
             except all select * exclude load_id from raw.evidence where load_id = 2)
            union all
            (select * exclude load_id from raw.evidence where load_id = 2
             except all select * exclude load_id from raw.evidence where load_id = 1)
        )
    """).fetchone()
    assert differing == (0,)


def test_two_slices_share_one_index(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    paths = [shared_data / "v2g" / f"{name}.variants.parquet" for name in (FTO, IGFBP5)]
    load(con, "variants", *paths)
    ours = con.execute(
        "select variant_id from raw.variants where variant_idx in (0, 37063, 37064) "
        "order by variant_idx"
    ).fetchall()
    # the rows around the seam of the two chromosomes
    expected = con.execute(
        "select variant_id from (select *, row_number() over (order by chr_id = '16', position, "
        "ref_allele, alt_allele) as n from read_parquet(?)) "
        "where n in (1, 37064, 37065) order by n",
        [[str(path) for path in paths]],
    ).fetchall()
    assert ours == expected


def test_the_target_index(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    path = shared_data / "v2g" / "raw" / "ot_target_index_sample.tsv"
    (report,) = load(con, "genes", path, build=None)
    assert (report.n_read, report.rejected) == (317, {"unknown_contig": 1})
    # "differs from the canonical-transcript TSS for 78 of 313"
    assert con.execute(
        "select count(*) filter (tss_pos <> canonical_tss_pos), count(canonical_tss_pos) "
        "from raw.genes"
    ).fetchone() == (78, 313)


def test_vep_json_of_one_variant_a_line(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    path = shared_data / "v2g" / "raw" / "ensembl_vep_sample.jsonl"
    (report,) = load(con, "vep", path, build=None, strict=True)
    assert (report.genome_build, report.n_loaded) == ("GRCh38", 41 + 16 + 23 + 23)
    assert con.execute("select distinct variant_id from raw.annotations order by 1").fetchall() == [
        ("17_29510931_T_C",),
        ("20_10645397_C_T",),
        ("20_10649087_G_A",),
        ("9_82445881_C_T",),
    ]


def test_the_wrong_build_shows(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    load(con, "evidence", shared_data / "v2g" / f"{FTO}.evidence.parquet")
    target = shared_data / "v2g" / "raw" / "ot_target_index_sample.tsv"
    with pytest.raises(DataError, match=r"target_index_sample.*on GRCh38.*is on GRCh37.*fto_"):
        load(con, "genes", target, build=None)
