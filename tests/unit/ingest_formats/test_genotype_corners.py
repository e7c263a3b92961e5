"""The smallest cases of what random genotype files found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from genotype_files import load_genotypes, stored, write_bed, write_pgen, write_vcf
from test_genotype_twin import HEADER, as_bcf

from varhouse.errors import DataError

DONORS = ("D1", "D2", "D3")
CONTIG = "##contig=<ID=1>"


@pytest.fixture
def con(empty_warehouse: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return empty_warehouse


def write(path: Path, *records: str, donors: tuple[str, ...] = DONORS) -> Path:
    """Write VCF, or BCF where the suffix says so."""
    text = write_vcf(path.with_suffix(".vcf"), donors, records, header=(*HEADER, CONTIG))
    return as_bcf(text) if path.suffix == ".bcf" else text


@pytest.mark.parametrize(
    ("options", "kept"), [({"min_maf": 0.1}, [1, 2]), ({"max_maf": 0.1}, [3]), ({}, [1, 2, 3])]
)
def test_a_frequency_of_the_reference_is_compared_exactly(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, options: dict[str, Any], kept: list[int]
) -> None:
    donors = [f"D{number}" for number in range(10)]
    # 2 copies of 20 and 18: both are 0.1, though 1 - 0.9 is a little less
    copies: list[list[int | None]] = [[2] + [0] * 9, [2] * 9 + [0], [0] * 10]
    path = write_bed(tmp_path / "a.bed", donors, [("1", n, "A", "C") for n in (1, 2, 3)], copies)
    load_genotypes(con, path, **options)
    assert con.execute("select list(pos order by pos) from variants").fetchone() == (kept,)


AWKWARD = ("a b", "#5", "D,E", "^x", "-", "Zoë")


@pytest.mark.parametrize("suffix", [".vcf", ".bcf"])
def test_samples_of_any_name_can_be_chosen(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str
) -> None:
    path = write(tmp_path / f"a{suffix}", "1 5 . A C GT" + " 0/1" * 7, donors=(*AWKWARD, "D1"))
    keep = tmp_path / "keep.txt"
    keep.write_text("\n".join(["#IID", "# a comment", *AWKWARD[::-1], "nobody", ""]))
    (report,) = load_genotypes(con, path, samples=keep)
    assert stored(con) == {("1_5_A_C", name): 1 for name in AWKWARD}
    assert report.notes == {"sample_not_in_file": 1}


def test_a_list_of_families_and_samples_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.vcf", "1 5 . A C GT 0/1 0/0 0/0")
    keep = tmp_path / "keep.txt"
    keep.write_text("D1\nF D2\n")
    with pytest.raises(DataError, match=r"keep.txt: a line of 2 fields .*one id a line"):
        load_genotypes(con, path, samples=keep)
    keep.write_text("F D1\nF D2\n")
    with pytest.raises(DataError, match=r"none of its 3 samples .* an id a line"):
        load_genotypes(con, path, samples=keep)


def test_an_allele_left_out_as_a_repeat_is_counted(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "a.vcf", "1 5 . A C GT 0/1 0/0 0/0", "1 5 . A C,G GT 0/1 1/2 0/0",
        "1 5 . A C,<DEL> GT 0/1 0/0 0/0",
    )  # fmt: skip
    (report,) = load_genotypes(con, path, on_duplicate="first")
    assert (report.n_read, report.n_loaded) == (3, 2)
    assert report.rejected == {"duplicate_left_out": 1}
    assert report.notes == {"duplicate_left_out": 1, "symbolic_allele": 1}
    assert con.execute(
        "select line from load_issues where code = 'duplicate_left_out' order by all"
    ).fetchall() == [(2,), (3,)]


def test_an_allele_twice_in_one_record_is_named_once(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"1_5_A_C occurs 2 times \(record 1\)"):
        load_genotypes(con, write(tmp_path / "a.vcf", "1 5 . A C,c GT 0/1 0/0 0/0"))


@pytest.mark.parametrize("suffix", [".vcf", ".bcf"])
def test_dosages_of_several_alleles_may_all_be_missing(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str
) -> None:
    load_genotypes(con, write(tmp_path / f"a{suffix}", "1 5 . A C,G GT:DS 1/2:. 0/0:. ./.:."))
    assert stored(con) == {
        ("1_5_A_C", "D1"): 1, ("1_5_A_G", "D1"): 1, ("1_5_A_C", "D3"): None,
        ("1_5_A_G", "D3"): None,
    }  # fmt: skip


@pytest.mark.parametrize("suffix", [".vcf", ".bcf"])
@pytest.mark.parametrize("bad", ["GT 0/0/1 0/0 0/0", "GT 0/2 0/0 0/0", "DP 1 1 1", "DS 3 0 0"])
def test_records_left_out_are_not_looked_at(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str, bad: str
) -> None:
    path = write(
        tmp_path / f"a{suffix}", f"1 3 . A <DEL> {bad}", "1 5 . A C GT 0/1 0/0 0/0",
        f"1 9 . A C {bad}",
    )  # fmt: skip
    (report,) = load_genotypes(con, path, regions=["1:1-5"])
    assert report.rejected == {"symbolic_allele": 1, "outside_regions": 1}
    assert stored(con) == {("1_5_A_C", "D1"): 1}


def test_a_file_outside_the_region_may_have_strange_contigs(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    here = write(tmp_path / "a.vcf", "1 5 . A C GT 0/1 0/0 0/0")
    there = write(tmp_path / "b.vcf", "7 5 . A C GT 0/1 0/0 0/0", "chrUn 5 . A C GT 0/0 0/0 0/0")
    reports = load_genotypes(con, here, there, regions=["1"])
    assert [report.n_loaded for report in reports] == [1, 0]
    assert reports[1].rejected == {"outside_regions": 1, "unknown_contig": 1}


def test_the_pseudoautosomal_regions_of_plink_lie_on_x(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    names = ("25", "XY", "chrXY", "PAR1", "PAR2")
    variants = [(name, pos, "A", "C") for pos, name in enumerate(names, start=1)]
    load_genotypes(con, write_bed(tmp_path / "a.bed", DONORS, variants, [[1, 0, 0]] * 5))
    assert con.execute("select distinct chrom, count(*) over () from variants").fetchall() == [
        ("X", 5)
    ]


@pytest.mark.parametrize("suffix", [".vcf", ".bcf"])
def test_dosages_beside_calls_that_are_missing_are_counted(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str
) -> None:
    """PLINK 2 exports a dosage far from a whole number beside a missing call."""
    path = write(
        tmp_path / f"g{suffix}",
        "1 100 . A G GT:DS 0/1:1 ./.:0.55 ./.:.",
        "1 200 . A G,T GT:DS 0/1:1,0 ./.:0.55,0 ./.:.,.",
        "1 300 . A <DEL> GT:DS 0/1:1 ./.:0.55 ./.:.",
    )
    (report,) = load_genotypes(con, path)
    assert report.notes == {"dosage_passed_over": 3}
    assert stored(con)[("1_100_A_G", "D2")] is None


@pytest.mark.parametrize("suffix", [".vcf", ".bcf"])
@pytest.mark.parametrize(
    ("half_call", "notes"), [("missing", {"half_call_missing": 2}), ("reference", {})]
)
def test_half_calls_are_counted_where_they_are_missing(
    con: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    suffix: str,
    half_call: str,
    notes: dict[str, int],
) -> None:
    """The two lines that vt decompose makes of 0/1 1/2 ./. at A>C,G."""
    path = write(tmp_path / f"g{suffix}", "1 5 . A C GT 0/1 1/. .", "1 5 . A G GT 0/0 ./1 ./.")
    (report,) = load_genotypes(con, path, half_call=half_call, strict=True)
    assert report.notes == notes


@pytest.mark.parametrize(("nonref", "notes"), [(True, {"reference_provisional": 2}), (False, {})])
def test_references_that_plink_calls_provisional_are_told(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, nonref: bool, notes: dict[str, int]
) -> None:
    variants = [("1", 100, "A", "G"), ("1", 200, "A", "G")]
    path = write_pgen(tmp_path / "a.pgen", DONORS, variants, [[0, 1, 2]] * 2, nonref=nonref)
    (report,) = load_genotypes(con, path)
    assert report.notes == notes
