"""The smallest cases of what the twin of tests/property found in summary statistics."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from varhouse.errors import DataError
from varhouse.ingest.load import LoadReport

Load = Callable[..., LoadReport]
SSF = "chromosome base_pair_location effect_allele other_allele"


def test_plink_writes_pseudoautosomal_regions_of_x_apart(
    empty_warehouse: duckdb.DuckDBPyConnection, loaded: Callable[..., LoadReport]
) -> None:
    names = ("PAR1", "25", "XY", "chrPAR2", "X")
    report = loaded(
        "#CHROM POS ID REF ALT A1 TEST OBS_CT BETA SE P",
        *(f"{name} {100 + place} . A G G ADD 90 0.5 0.1 0.1" for place, name in enumerate(names)),
    )
    assert report.format == "plink2-glm"
    assert report.rejected == {"unknown_contig": 1}, "chrPAR2 is no name of PLINK's"
    found = empty_warehouse.execute("select distinct chrom from sumstats").fetchall()
    assert found == [("X",)]


def test_25_is_the_mitochondrion_in_gwas_ssf_only(
    empty_warehouse: duckdb.DuckDBPyConnection, loaded: Callable[..., LoadReport]
) -> None:
    report = loaded(f"{SSF} beta p_value variant_id", "25 100 A G 0.5 0.1 25_100_A_G")
    assert (report.format, report.n_loaded) == ("gwas-ssf", 1)
    found = empty_warehouse.execute("select variant_id, beta, alleles_from from sumstats")
    assert found.fetchall() == [("MT_100_A_G", -0.5, "file")]
    report = loaded("chrom pos ref alt p_value", "25 100 A G 0.1", "1 100 A G 0.1")
    assert report.rejected == {"unknown_contig": 1}


def test_the_z_score_column_of_gwas_ssf(
    empty_warehouse: duckdb.DuckDBPyConnection, loaded: Callable[..., LoadReport]
) -> None:
    loaded(f"{SSF} z-score standard_error p_value", "1 100 A G -2.5 #NA 0.0124")
    assert empty_warehouse.execute("select z, beta, se from sumstats").fetchall() == [
        (-2.5, None, None)
    ]


@pytest.mark.parametrize(("column", "cell"), [("log10p", "2"), ("z", "-2.5")])
def test_a_table_of_ones_own_without_p_values(
    empty_warehouse: duckdb.DuckDBPyConnection,
    loaded: Callable[..., LoadReport],
    column: str,
    cell: str,
) -> None:
    assert loaded(f"variant_id {column}", f"1_100_A_G {cell}").format == "sumstats"
    assert empty_warehouse.execute(f"select {column} from sumstats").fetchall() == [(float(cell),)]


@pytest.mark.parametrize("heading", ["A1", "effect_allele", "Tested_Allele"])
def test_a_table_of_ones_own_says_which_allele_its_effect_is_of(
    empty_warehouse: duckdb.DuckDBPyConnection, loaded: Callable[..., LoadReport], heading: str
) -> None:
    report = loaded(f"SNP {heading} beta p", "1:100:A:G A 0.5 0.1", "1:200:A:G G 0.5 0.1")
    assert report.format == "sumstats"
    rows = empty_warehouse.execute("select variant_id, beta from sumstats order by pos").fetchall()
    assert rows == [("1_100_A_G", -0.5), ("1_200_A_G", 0.5)]


@pytest.mark.parametrize("headings", ["Allele1 Allele2", "alleleA alleleB", "A0 coded_allele"])
def test_alleles_that_nothing_is_known_of_are_not_passed_over(
    loaded: Callable[..., LoadReport], headings: str
) -> None:
    with pytest.raises(DataError, match=headings.lower().replace(" ", " and ")):
        loaded(f"SNP {headings} beta p-value", "1:100:A:G A G 0.5 0.1")


@pytest.mark.parametrize("dot", ["ref", "alt"])
def test_a_dot_is_no_allele(loaded: Callable[..., LoadReport], dot: str) -> None:
    cells = {"ref": "A", "alt": "G"} | {dot: "."}
    row = f"1 100 {cells['ref']} {cells['alt']} 0.1"
    assert loaded("chrom pos ref alt p_value", row, "1 200 A G 0.1").n_loaded == 1


@pytest.mark.parametrize(("columns", "one", "two"), [("info", "0.5", "0.6"), ("n_cases", "1", "2")])
def test_rows_that_differ_in_any_column_are_kept(
    loaded: Callable[..., LoadReport], columns: str, one: str, two: str
) -> None:
    report = loaded(f"variant_id p {columns}", f"1_5_A_G 0.1 {one}", f"1_5_A_G 0.1 {two}")
    assert (report.n_loaded, report.notes) == (2, {"association_repeated": 1})


def test_the_interval_stands_in_for_an_error_that_is_nan(
    empty_warehouse: duckdb.DuckDBPyConnection, loaded: Callable[..., LoadReport]
) -> None:
    header = f"{SSF} odds_ratio standard_error ci_lower ci_upper p_value"
    loaded(header, "1 100 A G 2 NaN 1 4 0.1")
    (found,) = empty_warehouse.execute("select se from sumstats").fetchall()
    assert found == (pytest.approx(math.log(4) / 2 / 1.959963984540054, rel=1e-12),)


def test_a_row_without_place_and_rsid_is_left_out(loaded: Callable[..., LoadReport]) -> None:
    report = loaded("SNP A1 A2 N Z", "rs1 A C 10 1", "affx-7 A C 10 1", "rs2    ")
    assert (report.n_loaded, report.rejected) == (
        1, {"variant_id_missing": 1, "alleles_missing": 1},
    )  # fmt: skip


def test_blanks_behind_commas_and_numbers_that_are_none(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    path = tmp_path / "study.csv"
    path.write_text('variant_id, rsid, p, n\n1_5_A_G, rs1, 1e-9999999999, \n'
                    '1_6_A_G, rs1, 0.1,"1,234"\n1_7_A_G, rs1, 0.1, NaN\n')  # fmt: skip
    report = load(empty_warehouse, "sumstats", path, build="GRCh38")
    assert report.rejected == {"p_value_unreadable": 1}
    assert report.notes == {"number_unreadable": 1}
    found = empty_warehouse.execute("select rsid, n from sumstats").fetchall()
    assert found == [("rs1", None), ("rs1", None)]


def test_a_study_that_comes_in_two_files(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path
) -> None:
    first, second = tmp_path / "bmi.1.tsv", tmp_path / "bmi.2.tsv"
    first.write_text("variant_id\tp\n1_5_A_G\t0.1\n1_6_A_G\t0.1\n")
    second.write_text("variant_id\tp\n1_6_A_G\t0.1\n1_7_A_G\t0.1\n1_7_A_G\t0.1\n")
    assert load(empty_warehouse, "sumstats", first, build="GRCh38").notes == {}
    report = load(empty_warehouse, "sumstats", second, build="GRCh38")
    assert (report.rejected, report.notes) == ({"duplicate_row": 1}, {"association_repeated": 1})
    with pytest.raises(DataError, match=r"no --source \(load 1\), now given as whr"):
        load(empty_warehouse, "sumstats", first, build="GRCh38", source_id="whr")


@pytest.mark.parametrize(
    ("name", "study"),
    [
        ("plink2.BMI.glm.linear", "plink2.BMI"),
        ("run.T2D.glm.logistic.hybrid.gz", "run.T2D"),
        ("plink.P1.assoc.txt", "plink.P1"),
        ("bmi.2024.tsv", "bmi"),
    ],
)
def test_the_name_of_a_file_is_its_study(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path, name: str, study: str
) -> None:
    opened = gzip.open if name.endswith(".gz") else open
    with opened(tmp_path / name, "wt") as file:
        file.write("variant_id\tp\n1_5_A_G\t0.1\n")
    load(empty_warehouse, "sumstats", tmp_path / name, build="GRCh38")
    assert empty_warehouse.execute("select study_id from sumstats").fetchall() == [(study,)]
