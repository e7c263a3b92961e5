"""Summary statistics as sites and tools write them: what once went astray without a word."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from varhouse.errors import DataError
from varhouse.ingest.load import LoadReport

Load = Callable[..., LoadReport]
PLINK2 = "#CHROM POS ID REF ALT A1 OMITTED A1_FREQ TEST OBS_CT BETA SE T_OR_F_STAT P"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (
            "Name Chr Pos Ref Alt Trait Cohort Model Effect LCI_Effect UCI_Effect Pval AAF "
            "Num_Cases Num_Controls Info",
            "--htp",
        ),
        ("CHR SNP BP NMISS BETA SE R2 T P", r"\.qassoc"),
        ("CHR BP SNP A1 A2 N P P(R) OR OR(R) Q I", r"\.meta"),
        ("SNP gene beta t-stat p-value FDR", "Matrix eQTL"),
        ("SNP CHR BP A1 A2 Z N FRQ mtag_beta mtag_se mtag_z mtag_pval", "MTAG"),
    ],
)
def test_files_that_leave_open_what_they_say_are_refused(
    loaded: Callable[..., LoadReport], header: str, told: str
) -> None:
    with pytest.raises(DataError, match=told):
        loaded(header, " ".join(["1"] * len(header.split())))


@pytest.mark.parametrize(
    "headings", ["reference_allele other_allele", "refA freq", "effect.allele nea"]
)
def test_an_allele_that_the_effect_may_be_of_is_not_passed_over(
    loaded: Callable[..., LoadReport], headings: str
) -> None:
    with pytest.raises(DataError, match="which allele the effects are of is not known"):
        loaded(f"SNP {headings} beta p", "1:100:A:G A G 0.5 0.1")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (f"{PLINK2}", "1 100 rs1 A G A G 0.25 {} 90 0.5 0.25 2 0.04"),
        ("CHR SNP BP A1 TEST NMISS BETA SE STAT P", "1 1:100:A:G 100 A {} 90 0.5 0.25 2 0.04"),
    ],
)
def test_rows_of_plink_that_are_of_covariates_are_left_out(
    empty_warehouse: duckdb.DuckDBPyConnection,
    loaded: Callable[..., LoadReport],
    header: str,
    row: str,
) -> None:
    tests = ("ADD", "DOM", "REC", "DOMDEV", "GENO_2DF", "ADDxAGE", "AGE", "COV1", "SEX", "PC1")
    report = loaded(header, *(row.format(test) for test in tests))
    assert report.rejected == {"row_of_covariate": 4}
    found = empty_warehouse.execute("select test, beta, z from sumstats order by test").fetchall()
    # of G, where the file's are of A: one A at least is not two G, a heterozygote stays one
    assert found == [
        ("ADD", -0.5, -2),
        ("ADDxAGE", -0.5, -2),
        ("DOM", -0.5, -2),
        ("DOMDEV", 0.5, 2),
        ("GENO_2DF", -0.5, -2),
        ("REC", -0.5, -2),
    ]


def test_dominant_in_one_allele_is_recessive_in_the_other(
    empty_warehouse: duckdb.DuckDBPyConnection, loaded: Callable[..., LoadReport]
) -> None:
    loaded(
        PLINK2,
        "1 100 rs1 A G A G 0.25 DOM 90 0.5 0.25 2 0.04",
        "1 200 rs2 A G G A 0.25 DOM 90 0.5 0.25 2 0.04",
        "1 300 rs3 A G G A 0.25 GENO_2DF 90 NA NA 7 0.04",
    )
    found = empty_warehouse.execute("select test, beta, z from sumstats order by pos").fetchall()
    assert found == [("REC", -0.5, -2), ("DOM", 0.5, 2), ("GENO_2DF", None, None)]


# Where the file is from -> header, one row, what the row is.
DOWNLOADS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a table of one's own": (
        "variant_id gene_id study_id pval b se n", "1_100_A_G ENSG00000000001 mine 0.01 0.5 0.25 9",
        {"gene_id": "ENSG00000000001", "study_id": "mine", "beta": 0.5, "se": 0.25, "n": 9},
    ),
    "eQTL Catalogue, permuted": (
        "molecular_trait_object_id molecular_trait_id n_traits n_variants variant chromosome "
        "position pvalue beta p_perm p_beta",
        "ENSG00000000001 ENSG00000000001.2 1 9 chr1_100_A_G 1 100 0.01 0.5 0.1 0.2",
        {"trait_id": "ENSG00000000001.2", "beta": 0.5},
    ),
    "deCODE": (
        "Chrom Pos Name rsids effectAllele otherAllele Beta Pval minus_log10_pval SE N ImpMAF",
        "chr1 100 chr1:100:A:G rs1 G A 0.5 0 400.5 0.25 90 0.125",
        {"variant_id": "1_100_A_G", "beta": 0.5, "se": 0.25, "log10p": 400.5, "n": 90, "af": None},
    ),
    "PGC": (
        "CHR SNP BP A1 A2 FRQ_A_40 FRQ_U_60 INFO OR SE P ngt Direction Nca Nco Neff_half",
        "1 rs1 100 G A 0.5 0.25 0.9 2 0.25 0.01 0 ++ 40 60 48",
        {"variant_id": "1_100_A_G", "beta": math.log(2), "n": 100, "n_cases": 40, "info": 0.9},
    ),
    "MVP": (
        "SNP_ID chrom pos ref alt ea af num_samples case_af num_cases control_af num_controls or "
        "ci pval r2 q_pval i2 direction",
        "rs1 1 100 A G A 0.25 100 0.31 40 0.29 60 2 1.0,4.0 0.01 0.9 0.1 0.1 ++",
        {"variant_id": "1_100_A_G", "beta": -math.log(2), "af": 0.75, "n": 100, "n_cases": 40},
    ),
    "MVP, quantitative": (
        "SNP_ID chrom pos ref alt ea af num_samples beta sebeta pval r2 q_pval i2 direction",
        "rs1 1 100 A G G 0.25 100 0.5 0.25 0.01 0.9 0.1 0.1 ++",
        {"beta": 0.5, "se": 0.25, "z": 2, "n": 100},
    ),
    "FinnGen before R4": (
        "#chrom pos ref alt rsids nearest_genes pval beta sebeta maf maf_cases maf_controls",
        "1 100 A G rs1 OR4F5 0.01 0.5 0.25 0.125 0.1 0.2",
        {"beta": 0.5, "se": 0.25, "af": None},
    ),
    "GIANT, 2018": (
        "CHR POS SNP Tested_Allele Other_Allele Freq_Tested_Allele BETA SE P N INFO",
        "1 100 rs1:A:G G A 0.25 0.5 0.25 0.01 90 0.9",
        {"variant_id": "1_100_A_G", "rsid": "rs1", "af": 0.25, "n": 90},
    ),
    "GIANT, 2022": (
        "SNPID RSID CHR POS EFFECT_ALLELE OTHER_ALLELE EFFECT_ALLELE_FREQ BETA SE P N",
        "1:100:G:A rs1 1 100 G A 0.25 0.5 0.25 0.01 90",
        {"variant_id": "1_100_A_G", "af": 0.25, "rsid": "rs1"},
    ),
    "GIANT, before": (
        "SNP A1 A2 Freq1.Hapmap b se p N", "rs1 G A 0.25 0.5 0.25 0.01 90",
        {"rsid": "rs1", "alt": "G", "beta": 0.5, "se": 0.25, "z": 2, "n": 90},
    ),
    "DIAGRAM, 2012": (
        "SNP CHROMOSOME POSITION RISK_ALLELE OTHER_ALLELE P_VALUE OR OR_95L OR_95U N_CASES "
        "N_CONTROLS",
        "rs1 1 100 G A 0.01 2 1 4 40 60",
        {"variant_id": "1_100_A_G", "beta": math.log(2), "n": 100,
         "se": math.log(4) / 2 / 1.959963984540054},
    ),
    "UK Biobank, Neale": (
        "variant minor_allele minor_AF low_confidence_variant n_complete_samples AC ytx beta se "
        "tstat pval",
        "1:100:A:G A 0.25 false 90 45 1e3 0.5 0.25 2 0.01",
        {"variant_id": "1_100_A_G", "beta": 0.5, "z": 2, "n": 90, "af": None},
    ),
    # once POS_b37 is called POS
    "GLGC, 2021": (
        "rsID CHROM POS REF ALT N N_studies POOLED_ALT_AF EFFECT_SIZE SE pvalue_neg_log10 "
        "pvalue pvalue_neg_log10_GC pvalue_GC",
        "rs1 1 100 A G 90 3 0.25 0.5 0.25 400.5 0 2 0.01",
        {"variant_id": "1_100_A_G", "beta": 0.5, "se": 0.25, "log10p": 400.5, "af": 0.25},
    ),
    "RAREMETAL": (
        "#CHROM POS REF ALT N POOLED_ALT_AF DIRECTION_BY_STUDY EFFECT_SIZE EFFECT_SIZE_SD H2 "
        "PVALUE",
        "1 100 A G 90 0.25 ++ 0.5 0.25 0.01 0.04", {"beta": 0.5, "se": 0.25, "n": 90},
    ),
    "SMR, a query": (
        "SNP Chr BP A1 A2 Freq Probe Probe_Chr Probe_bp Gene Orientation b SE p",
        "rs1 1 100 G A 0.25 P1 1 5 G1 + 0.5 0.25 0.01", {"trait_id": "P1", "beta": 0.5, "af": 0.25},
    ),
    "PGC, 2019": (
        "MarkerName A1 A2 Freq LogOR StdErrLogOR P", "rs1 g a 0.25 0.5 0.125 0.01",
        {"rsid": "rs1", "alt": "G", "beta": 0.5, "se": 0.125, "z": 4, "af": 0.25},
    ),
    "PLINK 2, phenotypes put together": (
        f"{PLINK2} PHENO", "1 100 rs1 A G G A 0.25 ADD 90 0.5 0.25 2 0.04 bmi",
        {"variant_id": "1_100_A_G", "trait_id": "bmi", "beta": 0.5},
    ),
    "by rsid alone": ("rsid A1 A2 b p", "rs1 G A 0.5 0.01", {"rsid": "rs1", "beta": 0.5}),
    "METAL, two schemes": (
        "MarkerName Allele1 Allele2 Effect StdErr P-value Direction TotalSampleSize",
        "1:100:A:G g a 0.5 0.25 0.01 ++ 90", {"beta": 0.5, "n": 90},
    ),
    "GWAS Catalog, harmonised before 2023": (
        "hm_variant_id hm_chrom hm_pos hm_other_allele hm_effect_allele hm_beta p_value "
        "standard_error n_cases n_controls",
        "1_100_A_G 1 100 A G 0.5 0.01 0.25 40 60", {"n": 100, "n_cases": 40},
    ),
}  # fmt: skip


@pytest.mark.parametrize("site", DOWNLOADS)
def test_a_download(
    empty_warehouse: duckdb.DuckDBPyConnection, loaded: Callable[..., LoadReport], site: str
) -> None:
    header, row, expected = DOWNLOADS[site]
    assert loaded(header, row).n_loaded == 1
    columns = ", ".join(expected)
    (found,) = empty_warehouse.execute(f"select {columns} from sumstats").fetchall()
    for (name, value), cell in zip(expected.items(), found, strict=True):
        assert cell == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), (
            name
        )


def test_lines_above_the_header_of_the_pgc_are_told_of(
    loaded: Callable[..., LoadReport],
) -> None:
    header = "#CHROM POS ID A1 A2 BETA SE PVAL FCAS FCON IMPINFO NEFF NCAS NCON"
    row = "1 100 rs1 G A 0.5 0.25 0.04 0.5 0.25 0.9 48 40 60"
    with pytest.raises(DataError, match="remove the lines that stand above the header"):
        loaded("##fileformat=PGCsumstatsVCFv1.0", "##genomeReference=GRCh37", header, row)
