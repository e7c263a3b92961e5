"""`varhouse load variants`: one numbered index, whatever the columns are called."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from load_inputs import load
from tests.loading import write_text

from varhouse.errors import DataError


def test_variants_are_numbered_densely_in_genome_order(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    first = write_text(
        tmp_path, "a.tsv", "variant_id\trsid", "X_5_A_T\trs1", "10_5_A_T\t", "2_5_G_T\trs2",
        "2_5_A_T\trs3", "2_5_A_C\t.", "MT_1_A_G\tNA", "Y_7_C_G\trs9",
    )  # fmt: skip
    second = write_text(
        tmp_path, "b.csv", "chrom,pos,ref,alt", "chr2,4,c,t", "1,1000000,CT,C", "23,5,A,T"
    )
    reports = load(con, "variants", first, second)
    assert reports[1].rejected == {"known_variant": 1}
    found = con.execute(
        "select variant_idx, variant_id, rsid, load_id from raw.variants order by variant_idx"
    ).fetchall()
    assert found == [
        (0, "1_1000000_CT_C", None, 2),
        (1, "2_4_C_T", None, 2),
        (2, "2_5_A_C", None, 1),
        (3, "2_5_A_T", "rs3", 1),
        (4, "2_5_G_T", "rs2", 1),
        (5, "10_5_A_T", None, 1),
        (6, "X_5_A_T", "rs1", 1),
        (7, "Y_7_C_G", "rs9", 1),
        (8, "MT_1_A_G", None, 1),
    ]


@pytest.mark.parametrize(
    "header",
    [
        "chr_id\tposition\tref_allele\talt_allele\trs_id",
        "chromosome\tposition\treferenceAllele\talternateAllele\trsId",
        "#CHROM\tPOS\tREF\tALT\tID",
        "chrom\tpos\tref\talt\trsid",
        "CHR\tBase_Pair_Location\tRef\tAlt\tRsID",
    ],
)
def test_variant_columns_go_by_several_names(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, header: str
) -> None:
    load(con, "variants", write_text(tmp_path, "v.tsv", header, "chr1\t1e3\ta\tc\trs5"))
    assert con.execute("select variant_id, rsid from raw.variants").fetchall() == [
        ("1_1000_A_C", "rs5")
    ]


@pytest.mark.parametrize("name", ["RSID", "rsids", "SNP", "rs_id_dbSNP151_GRCh38p7"])
def test_the_first_of_several_rsids_is_kept(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    header = f"variant_id\t{name}"
    given = ("RS5,rs6", "ss1;rs7", ".", "nan", "1:9:A:T", "rs10:A:T")
    rows = [f"1_{pos}_A_T\t{rsid}" for pos, rsid in enumerate(given, start=5)]
    load(con, "variants", write_text(tmp_path, "v.tsv", header, *rows))
    found = con.execute("select rsid from raw.variants order by variant_idx").fetchall()
    assert [rsid for (rsid,) in found] == ["rs5", "rs7", None, None, None, "rs10"]


def test_an_id_beside_place_and_alleles_may_be_an_rsid(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = ("1\t5\tA\tT\trs5", "1\t6\tA\tT\t1:6:A:T", "1\t7\tA\tT\tmine")
    load(con, "variants", write_text(tmp_path, "v.tsv", "chrom\tpos\tref\talt\tvariant_id", *rows))
    assert con.execute("select rsid from raw.variants order by variant_idx").fetchall() == [
        ("rs5",),
        (None,),
        (None,),
    ]


def test_the_variant_index_of_the_platform(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "part-00000.snappy.parquet"
    duckdb.sql(
        # ids of long alleles are a hash
        "select * from (values ('1_5_A_T', '1', 5, 'A', 'T', ['rs5', 'rs6']), "
        "('OTVAR_1_6_0f', '1', 6, 'AC', 'A', []), ('1_7_A_T', '1', 7, 'A', 'T', null)) "
        "t(variantId, chromosome, position, referenceAllele, alternateAllele, rsIds)"
    ).write_parquet(str(path))
    load(con, "variants", path)
    assert con.execute("select variant_id, rsid from raw.variants order by all").fetchall() == [
        ("1_5_A_T", "rs5"),
        ("1_6_AC_A", None),
        ("1_7_A_T", None),
    ]


def test_the_build_that_ids_end_in_counts(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    # the lookup table of GTEx
    header = "variant_id\tchr\tpos\tref\talt\tvariant_id_b37"
    rows = [
        "chr1_5_A_T_b38\tchr1\t5\tA\tT\t1_4_A_T_b37",
        "chr1_7_A_T_b37\tchr1\t7\tA\tT\t1_7_A_T_b37",
    ]
    path = write_text(tmp_path, "lookup.txt", header, *rows)
    with pytest.raises(DataError, match="--build GRCh37, but the file itself says GRCh38"):
        load(con, "variants", path, build="GRCh37")
    (report,) = load(con, "variants", path, build=None)
    assert (report.genome_build, report.rejected) == ("GRCh38", {"variant_of_other_build": 1})


def test_the_effect_allele_may_be_the_reference(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    header = "chromosome\tbase_pair_location\teffect_allele\tother_allele"
    (report,) = load(con, "variants", write_text(tmp_path, "s.tsv", header, "1\t5\tA\tT"))
    assert report.notes == {"reference_assumed": 1}
    assert con.execute("select variant_id from raw.variants").fetchall() == [("1_5_T_A",)]


def test_an_id_of_another_place_is_of_another_build(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = ("1_5_A_T\tchr1\t5", "1_6_A_T\tchr1\t1006", "1_7_A_T\tNA\tNA")
    (report,) = load(con, "variants", write_text(tmp_path, "v.tsv", "variant\tchr\tpos", *rows))
    assert (report.n_loaded, report.rejected) == (2, {"variant_id_mismatch": 1})


def test_several_alternatives_in_a_row_are_told(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = ("1\t5\trs5\tA\tT", "1\t6\trs6\tA\tC,T")
    path = write_text(tmp_path, "sites.txt", "#CHROM\tPOS\tID\tREF\tALT", *rows)
    (report,) = load(con, "variants", path)
    assert report.rejected == {"several_alleles": 1}


def test_a_variant_twice_is_kept_once_and_counted(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_text(
        tmp_path, "v.tsv", "variant_id\trsid", "1_5_A_T\trs1", "chr1:5:A:T\trs1", "1_6_A_T\t",
        "rs77\trs77", "1_5_A_T\trs1", "GL1_5_A_T\trs3",
    )  # fmt: skip
    (report,) = load(con, "variants", path)
    assert report.n_loaded == 2
    assert report.rejected == {"duplicate_variant": 2, "variant_id_missing": 2}
    assert con.execute(
        "select line from load_issues where code = 'duplicate_variant'"
    ).fetchone() == (3,)


def test_a_later_file_gives_the_rsid_that_was_missing(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load(con, "variants", write_text(tmp_path, "a.tsv", "variant_id", "1_5_A_T"))
    load(con, "variants", write_text(tmp_path, "b.tsv", "variant_id\trsid", "1_5_A_T\trs1"))
    load(con, "variants", write_text(tmp_path, "c.tsv", "variant_id\trsid", "1_5_A_T\trs2"))
    assert con.execute("select rsid, load_id from raw.variants").fetchall() == [("rs1", 1)]


def test_variants_lacking_a_column(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_text(tmp_path, "v.tsv", "chrom\tpos\tref", "1\t5\tA")
    with pytest.raises(DataError, match=r"v\.tsv: no column for alt .*: chrom, pos, ref"):
        load(con, "variants", path)
