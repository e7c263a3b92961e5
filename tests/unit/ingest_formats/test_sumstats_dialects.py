"""Summary statistics: each dialect, alleles and their reference, repeated rows, metadata."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.sumstats_dialects import DIALECTS

from varhouse.errors import DataError
from varhouse.ingest.kinds import KINDS
from varhouse.ingest.load import LoadReport

Load = Callable[..., LoadReport]


def row_of(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    result = con.execute("select * from sumstats")
    names = [column[0] for column in result.description]
    (row,) = result.fetchall()
    return dict(zip(names, row, strict=True))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path, dialect: str
) -> None:
    build, text, expected = DIALECTS[dialect]
    path = tmp_path / "GCST1.txt"
    path.write_text(text + "\n")
    report = load(empty_warehouse, "sumstats", path, build=build)
    assert (report.format, report.n_loaded) == (dialect, 1)
    row = row_of(empty_warehouse)
    for name, value in expected.items():
        assert row[name] == (
            pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
        ), name


def test_every_layout_has_a_sample() -> None:
    names = {layout.name for layout in KINDS["sumstats"].formats()}
    assert names == set(DIALECTS)


def test_parquet_of_open_targets(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    row = {
        "studyId": "GCST5", "variantId": "18_100_G_A", "chromosome": "18", "position": 100,
        "beta": 0.5, "sampleSize": 10, "pValueMantissa": 2.0, "pValueExponent": -350,
        "effectAlleleFrequencyFromSource": None, "standardError": 0.25,
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "part.parquet")
    load(empty_warehouse, "sumstats", tmp_path / "part.parquet")
    found = row_of(empty_warehouse)
    assert (found["study_id"], found["variant_id"], found["p_value"]) == ("GCST5", "18_100_G_A", 0)
    assert found["log10p"] == pytest.approx(350 - math.log10(2), rel=1e-12)


def test_parquet_of_tensorqtl(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    row = {
        "phenotype_id": "chr1:15:20:clu_1_+:ENSG00000000007.3", "variant_id": "chr1_100_G_A",
        "start_distance": 5, "af": 0.25, "ma_samples": 1, "ma_count": 1, "pval_nominal": 0.001,
        "slope": 0.5, "slope_se": math.nan,
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "brain.cis_qtl_pairs.1.parquet")
    report = load(
        empty_warehouse, "sumstats", tmp_path / "brain.cis_qtl_pairs.1.parquet", build="GRCh38"
    )
    found = row_of(empty_warehouse)
    assert (found["study_id"], found["gene_id"], found["se"], found["z"]) == (
        "brain", "ENSG00000000007", None, None,
    )  # fmt: skip
    assert report.notes == {"effect_not_finite": 1}


SSF = "chromosome\tbase_pair_location\teffect_allele\tother_allele\tbeta\tstandard_error\tp_value"


def test_the_variant_index_orients(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    index = tmp_path / "index.csv"
    index.write_text("variant_id,rsid\n1_5_A_T,rs1\n1_6_C_G,rs2\n1_7_G_GA,rs3\n1_7_GA_G,rs4\n")
    load(empty_warehouse, "variants", index, build="GRCh37")
    path = tmp_path / "study.tsv"
    rows = ("1\t5\tA\tT", "1\t6\tG\tC", "1\t7\tG\tGA", "1\t8\tC\tA")
    path.write_text("\n".join([SSF, *(f"{row}\t0.5\t0.25\t0.01" for row in rows)]) + "\n")
    report = load(empty_warehouse, "sumstats", path, build="GRCh37", source_id="mine")
    assert report.notes == {"reference_assumed": 2}
    assert empty_warehouse.execute(
        "select study_id, variant_id, beta, alleles_from from sumstats order by pos"
    ).fetchall() == [
        ("mine", "1_5_A_T", -0.5, "variant index"),
        ("mine", "1_6_C_G", 0.5, "variant index"),
        ("mine", "1_7_GA_G", 0.5, "assumed"),
        ("mine", "1_8_A_C", 0.5, "assumed"),
    ]


def test_rsids_are_looked_up_with_their_alleles(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    index = tmp_path / "index.csv"
    index.write_text("variant_id,rsid\n1_5_A_T,rs1\n1_6_C_G,rs2\n1_6_C_T,rs2\n")
    load(empty_warehouse, "variants", index, build="GRCh37")
    path = tmp_path / "study.sumstats"
    path.write_text(
        "SNP\tA1\tA2\tN\tZ\nrs1\tA\tT\t10\t1\nrs2\tT\tC\t10\t1\nrs2\tA\tC\t10\t1\nrs9\tA\tC\t10\t\n"
    )
    report = load(empty_warehouse, "sumstats", path, build="GRCh37")
    assert report.notes == {"p_value_absent": 1, "position_unknown": 1}
    assert empty_warehouse.execute(
        "select rsid, variant_id, z, alleles_from from sumstats order by all"
    ).fetchall() == [
        ("rs1", "1_5_A_T", -1.0, "variant index"),
        ("rs2", "1_6_C_T", 1.0, "variant index"),
        ("rs2", None, 1.0, "assumed"),
        ("rs9", None, None, "assumed"),
    ]


@pytest.mark.parametrize(
    ("header", "rest"),
    [
        ("MarkerName Allele1 Allele2 Effect StdErr P-value Direction", "0.5 0.25 0.01 ++"),
        ("SNP A1 A2 freq b se p N", "0.5 0.5 0.25 0.01 10"),
        ("SNP A1 A2 Z N", "2 10"),
        ("MarkerName effect_allele other_allele beta se p", "0.5 0.25 0.01"),
    ],
    ids=["metal", "gcta", "ldsc", "sumstats"],
)
def test_a_marker_that_is_a_place(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path, header: str, rest: str
) -> None:
    """The marker has the place, columns the alleles, the index their order."""
    index = tmp_path / "index.csv"
    index.write_text("variant_id\n1_5_A_T\n1_6_C_G\n1_8_G_GA\n")
    load(empty_warehouse, "variants", index, build="GRCh38")
    path = tmp_path / "meta.tbl"
    rows = ("1:5 a t", "chr1:6 g c", "01_8:INDEL ga g", "1-9_b38 c a", "1:10:A:C a c", "1:11 d i",
            "30:5 a t", "1:0 a t")  # fmt: skip
    path.write_text("\n".join([header, *(f"{row} {rest}" for row in rows)]) + "\n")
    report = load(empty_warehouse, "sumstats", path, build="GRCh38")
    assert report.rejected == {"alleles_missing": 1, "variant_id_missing": 2}
    assert report.notes == {"reference_assumed": 1}
    assert empty_warehouse.execute(
        "select variant_id, z, alleles_from from sumstats order by pos"
    ).fetchall() == [
        ("1_5_A_T", -2, "variant index"),
        ("1_6_C_G", 2, "variant index"),
        ("1_8_G_GA", 2, "variant index"),
        ("1_9_A_C", 2, "assumed"),
        ("1_10_A_C", -2, "file"),
    ]


def test_a_marker_of_the_other_build(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    path = tmp_path / "meta.tbl"
    header = "MarkerName Allele1 Allele2 Zscore P-value Direction"
    path.write_text(f"{header}\n1:6 a t 2 0.01 ++\n1:5_b37 a t 2 0.01 ++\n")
    report = load(empty_warehouse, "sumstats", path, build="GRCh38")
    assert report.rejected == {"variant_of_other_build": 1}


ONE_ALLELE = "chromosome\tbase_pair_location\teffect_allele\tbeta\tstandard_error\tp_value"


def test_the_other_allele_is_that_of_the_one_variant_there(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    path = tmp_path / "study.tsv"
    # ref; alt; of two variants, then of one of them; of none; of another strand
    rows = ("1\t5\tA", "1\t6\tG", "1\t7\tC", "1\t7\tT", "1\t9\tA", "1\t6\tA")
    path.write_text("\n".join([ONE_ALLELE, *(f"{row}\t0.5\t0.25\t0.01" for row in rows)]) + "\n")
    with pytest.raises(DataError, match="names the effect allele of its variants only"):
        load(empty_warehouse, "sumstats", path, build="GRCh37")
    index = tmp_path / "index.csv"
    index.write_text("variant_id\n1_5_A_T\n1_6_C_G\n1_7_C_G\n1_7_C_T\n")
    load(empty_warehouse, "variants", index, build="GRCh37")

    report = load(empty_warehouse, "sumstats", path, build="GRCh37")

    assert (report.format, report.rejected) == ("gwas-ssf", {"other_allele_unknown": 3})
    assert empty_warehouse.execute(
        "select variant_id, beta, alleles_from from sumstats order by pos"
    ).fetchall() == [
        ("1_5_A_T", -0.5, "variant index"),
        ("1_6_C_G", 0.5, "variant index"),
        ("1_7_C_T", 0.5, "variant index"),
    ]


def test_a_row_without_its_other_allele_among_others(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    index = tmp_path / "index.csv"
    index.write_text("variant_id\n1_5_A_T\n1_6_C_G\n")
    load(empty_warehouse, "variants", index, build="GRCh37")
    path = tmp_path / "study.tsv"
    rows = ("1\t5\tA\tNA", "1\t6\tG\tC", "1\t8\tA\t", "1\t9\t\tA")
    path.write_text("\n".join([SSF, *(f"{row}\t0.5\t0.25\t0.01" for row in rows)]) + "\n")
    report = load(empty_warehouse, "sumstats", path, build="GRCh37")
    assert report.rejected == {"other_allele_unknown": 1, "alleles_missing": 1}
    assert empty_warehouse.execute(
        "select variant_id, beta, alleles_from from sumstats order by pos"
    ).fetchall() == [("1_5_A_T", -0.5, "variant index"), ("1_6_C_G", 0.5, "variant index")]


SEVERAL = (
    "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ INFO N TEST BETA.Y1 SE.Y1 CHISQ.Y1 LOG10P.Y1 "
    "BETA.Y2 SE.Y2 CHISQ.Y2 LOG10P.Y2 EXTRA\n"
)
ROW_OF_TWO = "1 5 rs1 A T 0.25 1 9 ADD 1 0.5 4 1.5 -2 0.5 16 4 NA\n"


@pytest.mark.parametrize(
    ("dictionary", "source_id", "studies"),
    [
        ("Y1 BMI\nY2 LDL\n", None, ("run_BMI", "run_LDL")),
        ("Y2\tLDL\nY1\tBMI\nY3\tHDL\n", "ukb", ("ukb_BMI", "ukb_LDL")),
        (None, None, ("run_Y1", "run_Y2")),
    ],
)
def test_each_phenotype_of_a_file_is_a_study(
    empty_warehouse: duckdb.DuckDBPyConnection,
    load: Load,
    tmp_path: Path,
    dictionary: str | None,
    source_id: str | None,
    studies: tuple[str, str],
) -> None:
    path = tmp_path / "run.regenie.gz"
    lines = (ROW_OF_TWO, "1 6 rs2 C G NA 1 9 ADD NA NA NA NA 1 0.5 4 1 NA\n", ROW_OF_TWO,
             "1 5 rs1 A T 0.25 1 9 ADD 1 0.5 4 1.5 -2 0.5 16 5 NA\n")  # fmt: skip
    with gzip.open(path, "wt") as file:
        file.write(SEVERAL + "".join(lines))
    if dictionary is not None:
        (tmp_path / "run.regenie.Ydict").write_text(dictionary)
    report = load(empty_warehouse, "sumstats", path, build="GRCh37", source_id=source_id)
    assert report.format == "regenie"
    # the third line repeats the first; the fourth differs in LOG10P.Y2 alone
    assert report.rejected == {"duplicate_row": 3, "phenotype_not_tested": 1}
    unnamed = {} if dictionary else {"phenotypes_unnamed": 2}
    assert report.notes == {"association_repeated": 1} | unnamed
    one, two = studies
    assert empty_warehouse.execute(
        "select study_id, variant_id, beta, se, z, log10p, af, n, info, test, rsid from sumstats "
        "order by all"
    ).fetchall() == [
        (one, "1_5_A_T", 1, 0.5, 2, 1.5, 0.25, 9, 1, "ADD", "rs1"),
        (two, "1_5_A_T", -2, 0.5, -4, 4, 0.25, 9, 1, "ADD", "rs1"),
        (two, "1_5_A_T", -2, 0.5, -4, 5, 0.25, 9, 1, "ADD", "rs1"),
        (two, "1_6_C_G", 1, 0.5, 2, 1, None, 9, 1, "ADD", "rs2"),
    ]


@pytest.mark.parametrize(
    ("header", "dictionary", "message"),
    [
        (SEVERAL, "Y1 BMI\n", r"run\.regenie\.Ydict: no line for Y2, of which .*run\.regenie has"),
        (SEVERAL, "Y1 BMI\n\nY2\n", r"Ydict, line 3: one word; wanted is a phenotype and its name"),
        (SEVERAL, "Y1 BMI\nY1 LDL\n", r"Ydict, line 2: a phenotype that an earlier line names"),
        (SEVERAL, "Y1 BMI\nY2 BMI\n", r"Ydict: BMI is the name of several phenotypes"),
        (SEVERAL.replace("BETA.Y2", "B.Y2"), None, r"no column BETA\.Y2; of each phenotype LOG10P"),
        (SEVERAL.replace("EXTRA", "BETA"), None, r"the column beta and beta\.Y1 of a phenotype"),
        (SEVERAL.replace(" EXTRA", ""), None, r"line 2: not the 17 columns .*\(1 such lines\)"),
    ],
)  # fmt: skip
def test_a_file_of_several_phenotypes_that_leaves_them_open(
    empty_warehouse: duckdb.DuckDBPyConnection,
    load: Load,
    tmp_path: Path,
    header: str,
    dictionary: str | None,
    message: str,
) -> None:
    path = tmp_path / "run.regenie"
    path.write_text(header + ROW_OF_TWO)
    if dictionary is not None:
        (tmp_path / "run.regenie.Ydict").write_text(dictionary)
    with pytest.raises(DataError, match=message):
        load(empty_warehouse, "sumstats", path, build="GRCh37")


def test_repeated_rows(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    path = tmp_path / "study.tsv"
    row = "1\t5\tA\tT\t0.5\t0.25\t0.01"
    path.write_text("\n".join([SSF, row, row, "1\t5\tA\tT\t0.5\t0.25\t0.02"]) + "\n")
    report = load(empty_warehouse, "sumstats", path, build="GRCh37")
    assert report.rejected == {"duplicate_row": 1}
    assert report.notes == {"association_repeated": 1, "reference_assumed": 1}


def test_metadata_beside_the_file(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    path = tmp_path / "study.tsv"
    path.write_text(f"{SSF}\n1\t5\tA\tT\t0.5\t0.25\t0.01\n")
    meta = tmp_path / "study.tsv-meta.yaml"
    meta.write_text("gwas_id: GCST7\ngenome_assembly: GRCh38\ncoordinate_system: 0-based\n")
    with pytest.raises(DataError, match=r"meta\.yaml: coordinate_system is 0-based"):
        load(empty_warehouse, "sumstats", path)
    meta.write_text("gwas_id: [GCST7\n")
    with pytest.raises(DataError, match=r"meta\.yaml, line 2: not YAML"):
        load(empty_warehouse, "sumstats", path)
    meta.write_text("gwas_id: GCST7\ngenome_assembly: GRCh38\ncoordinate_system: 1-based\n")
    report = load(empty_warehouse, "sumstats", path)
    assert report.genome_build == "GRCh38"
    assert row_of(empty_warehouse)["study_id"] == "GCST7"


def test_metadata_of_before_the_standard(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    path = tmp_path / "study.tsv"
    path.write_text(f"{SSF}\n1\t5\tA\tT\t0.5\t0.25\t0.01\n")
    meta = tmp_path / "study.tsv-meta.yaml"
    meta.write_text("GWASID: GCST7\ngenomeAssembly: GRCh37\ncoordinateSystem: 0-based\n")
    with pytest.raises(DataError, match="0-based"):
        load(empty_warehouse, "sumstats", path)
    meta.write_text("GWASID: GCST7\ngenomeAssembly: GRCh37\ncoordinateSystem: 1-based\n")
    assert load(empty_warehouse, "sumstats", path).genome_build == "GRCh37"
    assert row_of(empty_warehouse)["study_id"] == "GCST7"


def test_what_is_missing_is_named(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    path = tmp_path / "study.tsv"
    path.write_text("CHROM GENPOS ALLELE0 ALLELE1 BETA SE\n1 5 A T 0.5 0.25\n")
    with pytest.raises(DataError, match=r"study\.tsv: no column for log10p.*found: CHROM"):
        load(empty_warehouse, "sumstats", path, build="GRCh37", format="regenie")
    path.write_text("snp\tp\tbeta\nrs1\t0.5\t1\n")
    with pytest.raises(DataError, match=r"none of its 1 rows"):
        load(empty_warehouse, "sumstats", path, build="GRCh37")
