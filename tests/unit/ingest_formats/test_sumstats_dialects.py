"""One small file of each dialect of summary statistics; every expected value is written by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from varhouse.errors import DataError
from varhouse.ingest.kinds import KINDS
from varhouse.ingest.load import LoadReport

Load = Callable[..., LoadReport]

# Dialect -> build to give, header and one row, and what the row is in the table.
DIALECTS: dict[str, tuple[str | None, str, dict[str, Any]]] = {
    "eqtl-catalogue": (
        None,
        "molecular_trait_id\tchromosome\tposition\tref\talt\tvariant\tma_samples\tmaf\tpvalue\tbeta"
        "\tse\ttype\tac\tan\tr2\tmolecular_trait_object_id\tgene_id\tmedian_tpm\trsid\n"
        "ENSG00000000001.7\t1\t100\tTC\tT\tchr1_100_TC_T\t3\t0.25\t1e-400\t0.5\t0.25\tINDEL\t15\t20"
        "\tNA\tENSG00000000001\tENSG00000000001.7\t1\trs5",
        {"variant_id": "1_100_TC_T", "rsid": "rs5", "gene_id": "ENSG00000000001", "beta": 0.5,
         "trait_id": "ENSG00000000001.7", "z": 2, "p_value": 0, "log10p": 400, "af": 0.75},
    ),
    "gtex": (
        None,
        "variant_id\tgene_id\ttss_distance\tma_samples\tma_count\tmaf\tpval_nominal\tslope"
        "\tslope_se\nchr1_64764_C_T_b38\tENSG00000227232.5\t35211\t70\t71\t0.06\t1e-8\t0.5\t0.1",
        {"variant_id": "1_64764_C_T", "gene_id": "ENSG00000227232", "log10p": 8, "z": 5},
    ),
    "gwas-catalog-harmonised-old": (
        None,
        "hm_variant_id\thm_rsid\thm_chrom\thm_pos\thm_other_allele\thm_effect_allele\thm_beta"
        "\thm_odds_ratio\thm_ci_lower\thm_ci_upper\thm_effect_allele_frequency\thm_code\tchromosome"
        "\tbase_pair_location\teffect_allele\tother_allele\tp_value\tstandard_error\tbeta\n"
        "1_100_A_G\trs1\t1\t100\tA\tG\tNA\t2\t1\t4\t0.3\t10\t1\t90\tC\tT\t0.01\tNA\tNA",
        {"variant_id": "1_100_A_G", "beta": math.log(2), "af": 0.3, "log10p": 2,
         "se": math.log(4) / 2 / 1.959963984540054, "alleles_from": "file"},
    ),
    "gwas-catalog-harmonised": (
        None,
        "chromosome\tbase_pair_location\teffect_allele\tother_allele\tbeta\tstandard_error"
        "\teffect_allele_frequency\tp_value\trsid\trs_id\tn\thm_code\tvariant_id\n"
        "1\t100\tG\tA\t0.5\t0.1\t0.3\t0.01\trs1\trs1\t16378\t10\t1_100_A_G",
        {"variant_id": "1_100_A_G", "beta": 0.5, "af": 0.3, "n": 16378, "alleles_from": "file"},
    ),
    "gwas-ssf": (
        "GRCh37",
        "chromosome\tbase_pair_location\teffect_allele\tother_allele\todds_ratio\tstandard_error"
        "\teffect_allele_frequency\tneg_log_10_p_value\tvariant_id\trsid\tref_allele\tn\n"
        "23\t100\tA\tG\t2\t0.25\t0.75\t350\t#NA\t#NA\tEA\t1000",
        {"variant_id": "X_100_A_G", "beta": -math.log(2), "se": 0.25, "af": 0.25, "log10p": 350,
         "p_value": 0, "n": 1000, "rsid": None, "alleles_from": "file"},
    ),
    "finngen": (
        None,
        "#chrom\tpos\tref\talt\trsids\tnearest_genes\tpval\tmlogp\tbeta\tsebeta\taf_alt\n"
        "23\t100\tG\tA\trs1,rs2\tOR4F5\t0.01\t2.0\t-0.5\t0.25\t0.125",
        {"variant_id": "X_100_G_A", "rsid": "rs1,rs2", "beta": -0.5, "af": 0.125, "log10p": 2},
    ),
    "finngen-susie": (
        None,
        "trait\tregion\tv\trsid\tchromosome\tposition\tallele1\tallele2\tmaf\tbeta\tse\tp\tprob\n"
        "AB1\tchr6:1-2\t6:100:G:T\tchr6_100_G_T\tchr6\t100\tG\tT\t0.4\t0.5\t0.25\t0.01\t0.9",
        {"study_id": "AB1", "variant_id": "6_100_G_T", "rsid": None, "z": 2, "af": None},
    ),
    "regenie": (
        "GRCh38",
        "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ INFO N TEST BETA SE CHISQ LOG10P EXTRA\n"
        "1 100 rs1 G A 0.25 0.9 494 ADD-INT_SNP 0.5 0.25 4 2 NA",
        {"variant_id": "1_100_G_A", "af": 0.25, "info": 0.9, "n": 494, "test": "ADD-INT_SNP",
         "p_value": 0.01, "log10p": 2},
    ),
    "saige": (
        "GRCh38",
        "CHR\tPOS\tMarkerID\tAllele1\tAllele2\tAC_Allele2\tAF_Allele2\tMissingRate\tBETA\tSE\tTstat"
        "\tvar\tp.value\tN_case\tN_ctrl\n"
        "1\t100\t1:100:A:C\tA\tC\t5\t0.25\t0\t0.5\t0.25\t1\t1\t0.01\t100\t900",
        {"variant_id": "1_100_A_C", "af": 0.25, "n": 1000, "n_cases": 100, "test": "ADD"},
    ),
    "plink2-glm": (
        "GRCh38",
        "#CHROM\tPOS\tID\tREF\tALT\tA1\tA1_FREQ\tTEST\tOBS_CT\tOR\tLOG(OR)_SE\tZ_STAT\tP\tERRCODE\n"
        "1\t100\trs1\tA\tC\tA\t0.25\tADD\t494\t2\t0.25\t2.5\t0.01\t.",
        {"variant_id": "1_100_A_C", "beta": -math.log(2), "se": 0.25, "z": -2.5, "af": 0.75,
         "n": 494, "alleles_from": "file"},
    ),
    "ldsc": (
        "GRCh38",
        "SNP\tA1\tA2\tN\tZ\nrs1\tA\tC\t1000.0\t-2.5",
        {"variant_id": None, "rsid": "rs1", "ref": "C", "alt": "A", "z": -2.5, "beta": None,
         "p_value": None, "n": 1000, "alleles_from": "assumed"},
    ),
    "sumstats": (
        "GRCh38",
        "variant_id,beta,se,p,gene_id,study_id,af\n22-100-a-g,0.5,0.25,2e-310,ENSG00000000001.2,s,1",
        {"variant_id": "22_100_A_G", "gene_id": "ENSG00000000001", "study_id": "s", "af": 1,
         "log10p": 310 - math.log10(2)},
    ),
}  # fmt: skip


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
    assert names == set(DIALECTS) | {"opentargets-sumstats"}


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
