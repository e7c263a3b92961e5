"""Published summary statistics: rows as their README counts them, values as their lines say."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import duckdb
import pytest
from load_inputs import load

from varhouse.errors import DataError

pytestmark = pytest.mark.shared

# Rows by the README; `awk '$k == ...'` of the file for what is repeated or coded.
FILES = {
    "gwas/finngen_R9_AB1_ACTINOMYCOSIS.gz": ("finngen", None, 10, {}),
    "gwas/finngen_R9_AB1_EBV.SUSIE.snp.gz": ("finngen-susie", None, 89, {}),
    "gwas/gwas_ssf_example.tsv": ("gwas-ssf", None, 5, {}),
    "gwas/gwascat_GCST90293086.h.new_format.tsv.gz": ("gwas-catalog-harmonised", None, 999, {}),
    # 18:46017525 has two rows of the same alleles
    "gwas/opentargets_GCST005523_chr18.parquet": (
        "opentargets-sumstats", None, 1669, {"association_repeated": 1},
    ),
    # 18,467 lines of 17,653 (variant, gene) pairs: variants with two rsids
    "qtl/eqtlcat_BLUEPRINT_Tcell_ge_chr2.nominal.tsv.gz": (
        "eqtl-catalogue", None, 18467, {"association_repeated": 814},
    ),
    "qtl/eqtlcat_QTD000584.credible_sets.tsv": (
        "eqtl-catalogue", None, 200, {"association_repeated": 15},
    ),
    "qtl/gtex_v8_egenes_6rows.tsv": ("gtex", None, 6, {}),
    "qtl/gtex_v8_signif_pairs_10rows.tsv": ("gtex", None, 10, {}),
    "qtl/regenie_step2_firth_Y1.regenie": (
        "regenie", "GRCh37", 1000, {"alleles_are_codes": 1000},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_rows(con: duckdb.DuckDBPyConnection, shared_data: Path, name: str) -> None:
    layout, build, n_rows, notes = FILES[name]
    (report,) = load(con, "sumstats", shared_data / "formats" / name, build=build)
    assert (report.format, report.n_read, report.n_loaded) == (layout, n_rows, n_rows)
    assert (report.rejected, report.notes) == ({}, notes)


def test_the_effect_is_that_of_alt(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    path = shared_data / "formats" / "gwas" / "gwas_ssf_example.tsv"
    (report,) = load(con, "sumstats", path, build=None)
    assert report.genome_build == "GRCh37"
    # ref_allele is EA in the first four rows: their effect allele is the reference
    assert con.execute(
        "select study_id, variant_id, beta, round(af, 6), rsid from sumstats order by p_value desc"
    ).fetchall() == [
        ("GCST90000123", "1_869388_A_G", 0.016619, 0.002779, None),
        ("GCST90000123", "1_205813916_G_C", 0.0089589, 0.016411, "rs74143855"),
        ("GCST90000123", "X_24173186_C_A", 0.00387762, 0.627178, "rs5949233"),
        ("GCST90000123", "2_70478797_T_TG", -0.0187528, 0.065879, "rs142640435"),
        ("GCST90000123", "7_8458030_TC_T", 0.0184003, 0.21549, "rs774624811"),
    ]


def test_a_harmonised_file_keeps_its_effects(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = shared_data / "formats" / "gwas" / "gwascat_GCST90293086.h.new_format.tsv.gz"
    load(con, "sumstats", path, build=None, source_id="GCST90293086")
    assert con.execute(
        "select variant_id, beta, se, af, n, alleles_from from sumstats where rsid = 'rs3128126'"
    ).fetchall() == [("1_1026830_A_G", 0.0337379, 0.00989031, 0.457324308218342, 16378.0, "file")]


def test_frequencies_of_the_eqtl_catalogue(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = shared_data / "formats" / "qtl" / "eqtlcat_BLUEPRINT_Tcell_ge_chr2.nominal.tsv.gz"
    load(con, "sumstats", path, build=None)
    # the file has a column maf, which is not read
    with gzip.open(path, "rt") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    expected = {(row["variant"][3:], row["gene_id"]): row["maf"] for row in rows}
    found = con.execute("select variant_id, gene_id, least(af, 1 - af) from sumstats")
    for *key, maf in found.fetchall():
        assert maf == pytest.approx(float(expected[tuple(key)]), abs=1e-5)


def test_bayes_factors_are_no_summary_statistics(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = shared_data / "formats" / "qtl" / "eqtlcat_QTD000584.lbf_variable.tsv"
    with pytest.raises(DataError, match="not a known format of sumstats"):
        load(con, "sumstats", path, build=None)
