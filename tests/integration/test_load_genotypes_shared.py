"""Real genotype files: the counts that their README states, made with bcftools and plink."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pytest
from load_inputs import load

from varhouse.errors import DataError
from varhouse.ingest.genotypes.plink1 import decode_calls

pytestmark = pytest.mark.shared


class Counts(NamedTuple):
    """Of a file: records read, and entries of the table."""

    n_records: int
    n_samples: int
    n_nonref: int
    alt_sum: float
    n_missing: int | None = None


def counted(con: duckdb.DuckDBPyConnection, n_records: int) -> Counts:
    # missing calls stand once for each alternative allele of a record; they are counted once
    row = con.execute("""
        with calls as (
            select variants.chrom, variants.pos, variants.ref, genotypes.donor_idx, dosage
            from genotypes
            inner join variants using (variant_idx)
        )

        select
            count(*) filter (where dosage > 0),
            coalesce(sum(dosage), 0),
            count(distinct (chrom, pos, ref, donor_idx)) filter (where dosage is null)
        from calls
    """).fetchone()
    donors = con.execute("select count(*) from donors where is_genotyped").fetchone()
    assert row is not None
    assert donors is not None
    return Counts(n_records, donors[0], *row)


def star_entries(path: Path) -> tuple[int, int, int]:
    """Return alleles ``*`` of a VCF file, calls that have one, and copies, counted as text."""
    n_alleles = n_calls = n_copies = 0
    with gzip.open(path, "rt") as stream:
        for line in stream:
            cells = line.rstrip("\n").split("\t")
            if line.startswith("#") or "*" not in cells[4].split(","):
                continue
            n_alleles += 1
            number = str(cells[4].split(",").index("*") + 1)
            for cell in cells[9:]:
                alleles = cell.split(":")[0].replace("|", "/").split("/")
                n_calls += number in alleles
                n_copies += alleles.count(number)
    return n_alleles, n_calls, n_copies


FILES = {
    "vcf/1kg_chr22_hail_sample2.vcf.gz": Counts(735, 100, 15798, 20790, 10228),
    "vcf/1kg_phase3_chr21_start.plain_gzip.vcf.gz": Counts(600, 2504, 60006, 76447, 0),
    "vcf/1kg_phase3_chr21_start.bcf": Counts(600, 2504, 60006, 76447, 0),
    "vcf/ceutrio_na12878_b37.vcf.gz": Counts(1075, 1, 1086, 1267),
    "vcf/haploid_chrX.vcf.gz": Counts(777, 3, 1439, 1439, 618),
    "vcf/1kg_2020_chrM.vcf.gz": Counts(23, 3, 0, 0, 0),
    "vcf/1kg_2020_chrM.bcf": Counts(23, 3, 0, 0, 0),
    # and one more missing call, of a record without alternative allele
    "vcf/vcf43_spec_sample.vcf.gz": Counts(9, 3, 14, 16, 2 - 1),
    "vcf/vcf43_spec_sample.bcf": Counts(9, 3, 14, 16, 2 - 1),
    "vcf/dosage_ds_only.vcf.gz": Counts(100, 100, 5590, 9742, 1600),
    "vcf/dosage_ds_only_asgt.vcf.gz": Counts(100, 100, 5590, 9742, 1600),
    "plink1/regenie_example.bed": Counts(1000, 500, 124950 + 12381, 149712, 0),
    "plink1/bedreader_some_missing.bed": Counts(100, 100, 392 + 7392, 392 + 2 * 7392, 2182),
    "plink2/regenie_example.pgen": Counts(1000, 500, 137331, 149712, 0),
    "plink2/1kg_chr21_phase3_start.pgen": Counts(485, 2504, 52240, 64049),
    "e2e_chr21/donors120_chr21.vcf.gz": Counts(927, 120, 16201, 21989, 354),
    "e2e_chr21/donors120_chr21.bed": Counts(927, 120, 16201, 21989, 354),
    "e2e_chr21/donors120_chr21.pgen": Counts(927, 120, 16201, 21989, 354),
}
ON_GRCH38 = ("e2e_chr21/", "vcf/1kg_2020_chrM")


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_the_counts_of_its_readme(
    con: duckdb.DuckDBPyConnection, shared_data: Path, name: str
) -> None:
    path = shared_data / "formats" / name
    build = "GRCh38" if name.startswith(ON_GRCH38) else "GRCh37"
    (report,) = load(con, "genotypes", path, build=build)
    found = counted(con, report.n_read)
    wanted = FILES[name]
    if name.endswith(".vcf.gz") and "spanning_deletion" in report.notes:
        # the README counts alleles * too, which are left out
        n_alleles, n_calls, n_copies = star_entries(path)
        assert report.notes["spanning_deletion"] == n_alleles
        found = found._replace(n_nonref=found.n_nonref + n_calls, alt_sum=found.alt_sum + n_copies)
    if wanted.n_missing is None:
        found = found._replace(n_missing=None)
    assert found == wanted


def test_plink_sim_counts_its_minor_alleles(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    # plink 1.9, which counted, makes the minor allele A1 on reading
    load(con, "genotypes", shared_data / "formats/plink1/plink_sim_10pmiss.bed")
    assert con.execute("""
        with variant_counts as (
            select
                count(*) filter (where dosage = 1) as n_het,
                count(*) filter (where dosage = 2) as n_hom,
                count(*) filter (where dosage is null) as n_missing
            from genotypes
            group by variant_idx
        )

        select sum(least(n_hom, 10 - n_missing - n_het - n_hom)), sum(n_het), sum(n_missing)
        from variant_counts
    """).fetchone() == (60, 297, 111)
    assert con.execute("select list(donor_id order by donor_idx) from donors").fetchone() == (
        list("0123456789"),
    )


def test_cellink_sim_is_decoded_but_has_no_chromosome(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = shared_data / "formats/plink1/cellink_sim.bed"
    packed = np.frombuffer(path.read_bytes()[3:], dtype=np.uint8).reshape(1000, 25)
    calls = decode_calls(packed, 100)
    assert [(calls == value).sum() for value in (1, 2, -9)] == [50054, 24917, 0]
    with pytest.raises(DataError, match=r"none of its 1000 .*\n  unknown_contig: .*chrom=0"):
        load(con, "genotypes", path)


def test_vcf_bed_and_pgen_of_a_cohort_give_the_same_table(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    tables = []
    for suffix in ("vcf.gz", "bed", "pgen"):
        other = con.cursor()
        load(
            other, "genotypes", shared_data / f"formats/e2e_chr21/donors120_chr21.{suffix}",
            build="GRCh38",
        )  # fmt: skip
        tables.append(
            other.execute(
                "select variant_id, donor_id, dosage from genotypes inner join variants "
                "using (variant_idx) inner join donors using (donor_idx) order by all"
            ).fetchall()
        )
        n_rare = other.execute(
            "select count(distinct variant_idx) from raw.genotypes_common"
        ).fetchone()
        # 698 of the 927 have a MAF below 0.05
        assert n_rare == (927 - 698,)
        for table in ("raw.variants", "raw.donors", "raw.genotypes_rare", "raw.genotypes_common",
                      "load_manifest", "load_issues"):  # fmt: skip
            other.execute(f"delete from {table}")
        other.close()
    assert tables[0] == tables[1] == tables[2]


REFUSED = {
    "v01_truncated_bgzf.vcf.gz": r"ends in the middle of a block after record 530;",
    "v09_duplicate_variants.vcf": r"22_100_A_C occurs 3 times \(records 1-3\), genotypes differ",
    "v10_duplicate_donors.vcf": "sample D2 occurs in columns 11 and 12",
    "v18_ragged_row.vcf": "line 9: 11 columns found, 13 expected",
    "v24_triploid.vcf": r"ploidy 3 not supported \(record 1\)",
    "v25_ds_out_of_range.vcf": r"DS=2.7 outside \[0,2\] at 22:100",
    "p01_bim_one_short.bed": r"bed has 6 bytes, expected 3\+2\*1=5 for 2 variants x 4 samples",
    "p05_truncated_bed.bed": r"bed has 5 bytes, expected 3\+3\*1=6 for 3 variants x 4 samples",
    "p07_duplicate_iid.bed": "sample D2 occurs in rows 2 and 3",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused(
    con: duckdb.DuckDBPyConnection, shared_data: Path, name: str
) -> None:
    with pytest.raises(DataError, match=REFUSED[name]):
        load(con, "genotypes", shared_data / "formats/bad" / name)
    assert con.execute("select count(*) from genotypes").fetchone() == (0,)
    assert con.execute("select count(*) from raw.variants").fetchone() == (0,)


def dosages(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, float | None]]:
    rows = con.execute("""
        select variants.variant_id, donors.donor_id, dosage
        from genotypes
        inner join variants using (variant_idx)
        inner join donors using (donor_idx)
    """).fetchall()
    found: dict[str, dict[str, Any]] = {}
    for variant, donor, dosage in rows:
        found.setdefault(variant, {})[donor] = dosage
    return found


def test_a_file_without_end_marker_is_kept_with_a_note(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    (report,) = load(con, "genotypes", shared_data / "formats/bad/v02_no_eof_block.vcf.gz")
    assert (report.n_read, report.n_loaded) == (735, 735)
    assert report.notes["no_bgzf_end_marker"] == 1


def test_multiallelic_records_are_split(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    (report,) = load(
        con, "genotypes", shared_data / "formats/bad/v06_multiallelic.vcf", strict=True
    )
    assert report.notes == {"half_call_missing": 1, "spanning_deletion": 1, "unspecified_allele": 1}
    assert dosages(con) == {
        "22_100_A_C": {"D1": 1, "D2": 1},
        "22_100_A_G": {"D2": 1, "D3": 2, "D4": 1},
        "22_200_AT_A": {"D2": 1, "D4": None},
        "22_200_AT_ATT": {"D4": None},
        "22_300_G_A": {"D1": 1},
    }


@pytest.mark.parametrize("half_call", ["missing", "reference", "haploid"])
def test_calls_that_are_partly_missing(
    con: duckdb.DuckDBPyConnection, shared_data: Path, half_call: str
) -> None:
    load(con, "genotypes", shared_data / "formats/bad/v07_missing_gt.vcf", half_call=half_call)
    missing = dict.fromkeys(("D1", "D2", "D3", "D4"))
    half = missing if half_call == "missing" else {"D1": 1, "D3": 1}
    assert dosages(con) == {
        "22_100_A_C": {"D1": None, "D2": None, "D3": None, "D4": 1},
        "22_200_A_G": half,
        "22_400_A_T": missing,
    }


def test_the_first_of_the_duplicates_is_kept(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = shared_data / "formats/bad/v09_duplicate_variants.vcf"
    (report,) = load(con, "genotypes", path, on_duplicate="first")
    assert report.rejected == {"duplicate_left_out": 2}
    assert dosages(con) == {
        "22_100_A_C": {"D1": 1}, "22_100_A_G": {"D3": 1}, "22_500_T_G": {"D3": 1},
    }  # fmt: skip


def test_duplicates_that_differ_are_not_merged(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = shared_data / "formats/bad/v09_duplicate_variants.vcf"
    with pytest.raises(DataError, match="the calls of 2 donors differ"):
        load(con, "genotypes", path, on_duplicate="merge")
