"""Genotype files as people have them, and as they should not: what is refused, and how."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from genotype_files import load_genotypes, stored, write_bed, write_pgen, write_vcf

from varhouse.errors import DataError
from varhouse.ingest.genotypes.plink1 import decode_calls

DONORS = ("D1", "D2", "D3")
VARIANTS = [("1", 5, "A", "C"), ("1", 6, "A", "C")]
COPIES: list[list[int | None]] = [[0, 1, 2], [None, 0, 1]]
STORED = {
    ("1_5_A_C", "D2"): 1, ("1_5_A_C", "D3"): 2, ("1_6_A_C", "D1"): None, ("1_6_A_C", "D3"): 1,
}  # fmt: skip


@pytest.fixture
def con(empty_warehouse: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return empty_warehouse


@pytest.mark.parametrize("n_samples", range(1, 10))
def test_calls_are_decoded_as_the_format_says(n_samples: int) -> None:
    chance = np.random.default_rng(n_samples)
    packed = chance.integers(0, 256, (5, (n_samples + 3) // 4), dtype=np.uint8)
    # https://www.cog-genomics.org/plink/1.9/formats#bed
    meaning = {"00": 2, "01": -9, "10": 1, "11": 0}
    slow = [
        [meaning[f"{row[place // 4]:08b}"[::-1][2 * (place % 4) :][:2][::-1]]
         for place in range(n_samples)]
        for row in packed.tolist()
    ]  # fmt: skip
    assert decode_calls(packed, n_samples).tolist() == slow


def bed(folder: Path) -> Path:
    return write_bed(folder / "a.bed", DONORS, VARIANTS, COPIES)


def pgen(folder: Path) -> Path:
    return write_pgen(folder / "a.pgen", DONORS, VARIANTS, COPIES)


@pytest.mark.parametrize(
    ("suffix", "change", "message"),
    [
        (".bed", lambda old: old[:-1], r"bed has 4 bytes, expected 3\+2\*1=5 for 2 variants x 3 s"),
        (".bed", lambda old: old + b"\0", r"bed has 6 bytes, expected 3\+2\*1=5"),
        (".bed", lambda old: b"\x6c\x1b\0" + old[3:], "sample-major order"),
        (".bim", lambda old: old + b"1\t.\t0\t7\tC\tA\n", r"expected 3\+3\*1=6 for 3 variants"),
        (".bim", lambda old: old[:-8], r"a\.bim, line 2: 2 columns found, at least 6 expected"),
        (".bim", lambda old: old.replace(b"A", b"\xff"), r"a\.bim, line 1: not text in UTF-8"),
        (".fam", lambda old: old.replace(b"D3", b"D1"), "sample D1 occurs in rows 1 and 3"),
        (".fam", lambda old: b"", "no samples in the file"),
        # as many bytes a variant as before
        (".fam", lambda old: b"FID IID PAT MAT SEX P\n" + old, "its first line names columns"),
        (".fam", lambda old: old[old.index(b"\n") + 1 :], "calls of more samples than the 2 of"),
    ],
)
def test_a_damaged_plink1_file_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str, change: Any, message: str
) -> None:
    path = bed(tmp_path)
    part = path.with_suffix(suffix)
    part.write_bytes(change(part.read_bytes()))
    with pytest.raises(DataError, match=message):
        load_genotypes(con, path)
    assert stored(con) == {}


@pytest.mark.parametrize(
    ("suffix", "change", "message"),
    [
        (".pgen", lambda old: old[:-1], "cannot be read; the file is cut short or damaged"),
        (".pgen", lambda old: old[:9], "not a .pgen file that can be read"),
        (".pgen", lambda old: old[:2] + b"\x77" + old[3:], r"storage mode 0x77"),
        (
            ".pvar",
            lambda old: old + b"1\t7\t.\tA\tC\n",
            "pgen has 2 variants x 3 samples, but",
        ),
        (".pvar", lambda old: old.replace(b"ALT", b"ALTS"), "column ALT missing"),
        (".pvar", lambda old: old.replace(b".\tA\tC", b"\tA\tC\t."), "line 2: nothing stands betw"),
        (".pvar", lambda old: old[:-4], r"a\.pvar, line 3: 3 columns found, at least 5 expected"),
        (".psam", lambda old: old + b"D4\t1\n", "3 samples, but there are 2 variants .* 4 samples"),
        (".psam", lambda old: old.replace(b"#IID\tSEX", b"#FID\tSEX"), "column IID missing"),
    ],
)
def test_a_damaged_plink2_file_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str, change: Any, message: str
) -> None:
    path = pgen(tmp_path)
    part = path.with_suffix(suffix)
    part.write_bytes(change(part.read_bytes()))
    with pytest.raises(DataError, match=message):
        load_genotypes(con, path)
    assert stored(con) == {}


@pytest.mark.parametrize("suffix", [".bim", ".fam", ".pvar", ".psam"])
def test_a_missing_companion_is_named(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str
) -> None:
    path = bed(tmp_path) if suffix in (".bim", ".fam") else pgen(tmp_path)
    path.with_suffix(suffix).unlink()
    with pytest.raises(DataError, match=rf"a\{suffix}.* is not beside it"):
        load_genotypes(con, path)


def test_plink_files_in_their_other_spellings(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = pgen(tmp_path)
    # without header lines these are read as .bim and .fam
    path.with_suffix(".pvar").write_text("1 v1 0 5 C A\n\n1 v2 0 6 C A\n")
    path.with_suffix(".psam").write_text("F D1 0 0 2 -9\nF D2 0 0 1 -9\nF D3 0 0 0 -9\n")
    load_genotypes(con, path)
    assert stored(con) == STORED
    assert con.execute("select list(sex order by donor_idx) from donors").fetchone() == (
        [2, 1, None],
    )


def test_dosages_of_a_pgen_file(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    import pgenlib

    path = pgen(tmp_path)
    writer = pgenlib.PgenWriter(
        str(path).encode(), 3, variant_ct=2, nonref_flags=False, dosage_present=True
    )
    writer.append_dosages(np.array([0.25, 2, -9], dtype=np.float32))
    writer.append_dosages(np.array([0, 1, 1.9998779296875], dtype=np.float32))
    writer.close()
    load_genotypes(con, path)
    assert stored(con) == {
        ("1_5_A_C", "D1"): 0.25, ("1_5_A_C", "D2"): 2, ("1_5_A_C", "D3"): None,
        ("1_6_A_C", "D2"): 1, ("1_6_A_C", "D3"): 1.9998779296875,
    }  # fmt: skip


def test_alleles_of_a_multiallelic_pgen_file(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    import pgenlib

    path = pgen(tmp_path)
    path.with_suffix(".pvar").write_text(
        "#CHROM\tPOS\tID\tREF\tALT\n1\t5\t.\tA\tG,C\n1\t6\t.\tA\tC,T,*\n"
    )
    writer = pgenlib.PgenWriter(
        str(path).encode(), 3, variant_ct=2, nonref_flags=False, allele_ct_limit=4
    )
    writer.append_alleles(np.array([0, 1, 1, 2, 2, 2], dtype=np.int32), allele_ct=3)
    writer.append_alleles(np.array([-9, -9, 2, 3, 0, 0], dtype=np.int32), allele_ct=4)
    writer.close()
    (report,) = load_genotypes(con, path)
    assert report.notes == {"spanning_deletion": 1}
    assert stored(con) == {
        ("1_5_A_G", "D1"): 1, ("1_5_A_G", "D2"): 1, ("1_5_A_C", "D2"): 1, ("1_5_A_C", "D3"): 2,
        ("1_6_A_C", "D1"): None, ("1_6_A_T", "D1"): None, ("1_6_A_T", "D2"): 1,
    }  # fmt: skip


@pytest.mark.parametrize("suffix", [".bim", ".fam", ".pvar", ".psam"])
def test_damaged_companions_never_end_in_a_traceback(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str
) -> None:
    chance = random.Random(suffix)
    path = bed(tmp_path) if suffix in (".bim", ".fam") else pgen(tmp_path)
    part = path.with_suffix(suffix)
    good = part.read_bytes()
    outcomes = set()
    for _ in range(40):
        at = chance.randrange(len(good))
        damage = chance.choice((b"", b"\n", b"\t", b"#", b"\xff", b"-1", b"1e9", b"9" * 400, b"\0"))
        part.write_bytes(good[:at] + damage + good[at + chance.randrange(4) :])
        try:
            load_genotypes(con, path, dry_run=True)
        except DataError:
            outcomes.add("refused")
        else:
            outcomes.add("taken")
        assert stored(con) == {}
    assert outcomes == {"refused", "taken"}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("1 5 . A C GT 0/0 0/1", r"line 4: 11 columns found, 12 expected \(3 samples\)"),
        ("#CHROM POS ID REF ALT FORMAT D3 D2 D1", "line 4: a header line among the records"),
        ("1 5 . A C GT 0/0 0/1 0/1 0/1", r"line 4: 13 columns found, 12 expected"),
        ("1 5 . A C GT 0/0/1 0/0/0 0/0/0", r"ploidy 3 not supported \(record 2\)"),
        ("1 5 . A C GT 0/0 A/B 0/0", "line 4: column 11 is no genotype"),
        ("1 5 . A C GT 0/0 0/1 99999999999/1", "a call of record 2 is of allele 126, but the rec"),
        ("1 5 . A C GT 0/0 0/2 0/0", r"record 2 is of allele 2, but the record has 1 alternative"),
        ("1 5 . A C GQ 1 2 3", "line 4: FORMAT neither begins with GT nor has DS"),
        ("1 5 . A C DS:GT 1:0/1 0:0/0 0:0/0", "line 4: GT stands after other keys in FORMAT"),
        ("1 5 . A C DS 0 2.7 1", r"DS=2.7 outside \[0,2\] at 1:5 A>C \(record 2\)"),
        ("1 5 . A C GT:DS 0/0 0/1:-0.1 ./.", r"DS=-0.1 outside \[0,2\] at 1:5"),
        ("1 5 . A C DS 0 inf 1", r"DS=inf outside \[0,2\]"),
        ("1 5 . A C,G DS 0,1 1 0,0", "line 4: DS in column 11 is not one number for each of 2"),
        ("1 5 . A C DS 0 x 0", "line 4: DS in column 11 is not one number"),
    ],
)
def test_a_damaged_record_is_refused_with_its_place(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, record: str, message: str
) -> None:
    path = write_vcf(tmp_path / "a.vcf", DONORS, ["1 4 . A C GT 0/0 0/1 0/0", record])
    with pytest.raises(DataError, match=message) as caught:
        load_genotypes(con, path)
    assert str(path) in str(caught.value)
    assert stored(con) == {}


def test_dosages_of_a_vcf_file(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_vcf(
        tmp_path / "a.vcf",
        DONORS,
        [
            "1 5 . A C,G DS:GP 0.5,1.5:x .:. 0,2.0009",
            "1 6 . A C GT:DS 0/1:0.3 ./.:1 0/0",
            "1 7 . A C GP:DS 1:nan 1 1:0.00001",
        ],
    )
    load_genotypes(con, path)
    assert stored(con) == {
        ("1_5_A_C", "D1"): 0.5, ("1_5_A_G", "D1"): 1.5, ("1_5_A_C", "D2"): None,
        ("1_5_A_G", "D2"): None, ("1_5_A_G", "D3"): 2, ("1_6_A_C", "D1"): 1,
        ("1_6_A_C", "D2"): None, ("1_7_A_C", "D1"): None, ("1_7_A_C", "D2"): None,
    }  # fmt: skip


def test_dosages_are_whole_multiples_so_that_sums_are_exact(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load_genotypes(con, write_vcf(tmp_path / "a.vcf", DONORS, ["1 5 . A C DS 0.1 0.3333 1.999"]))
    steps = con.execute("select list(dosage * 16384 order by dosage) from genotypes").fetchone()
    assert steps == ([round(16384 * dosage) for dosage in (0.1, 0.3333, 1.999)],)


def test_variants_that_cannot_be_stored_are_counted(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    calls = "GT 0/1 0/0 0/0"
    records = [
        f"chrUn_1 5 . A C {calls}",
        f"1 0 . A C {calls}",
        f"1 x . A C {calls}",
        f"1 99999999999 . A C {calls}",
        f"1 5 . A . {calls}",
        f"1 6 . A *,<NON_REF> {calls}",
        f"1 7 . A <DEL> {calls}",
        f"1 8 . A G]17:198982] {calls}",
        f"1 8 . A .G {calls}",
        f"1 8 . A G. {calls}",
        f"1 9 . A A {calls}",
        f"1 10 . - C {calls}",
        f"1 11 . A - {calls}",
        f"1 12 . a c,<DEL>,* {calls}",
        f"1 249250622 . A C {calls}",
        f"1 13 . R M {calls}",
        f"1 14 . 1 2 {calls}",
    ]
    (report,) = load_genotypes(con, write_vcf(tmp_path / "a.vcf", DONORS, records))
    assert report.rejected == {
        "unknown_contig": 1, "position_below_one": 1, "pos_missing": 2, "no_alternative_allele": 1,
        "spanning_deletion": 1, "symbolic_allele": 4, "alleles_equal": 1, "ref_missing": 1,
        "alt_missing": 1,
    }  # fmt: skip
    assert report.notes == {
        "symbolic_allele": 1, "spanning_deletion": 1, "beyond_chromosome_end": 1,
        "allele_not_bases": 1, "alleles_are_codes": 1,
    }  # fmt: skip
    assert (report.n_read, report.n_loaded) == (17, 4)
    assert {variant for variant, _ in stored(con)} == {
        "1_12_A_C", "1_249250622_A_C", "1_13_R_M", "1_14_1_2",
    }  # fmt: skip


@pytest.mark.parametrize("n_lost", [1, 10, 100])
def test_a_file_that_is_cut_short_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, n_lost: int
) -> None:
    # longer than the head that is looked at to tell the format
    records = [f"1 {pos} . A C GT 0/1 0/0 ." for pos in range(1, 40_000)]
    plain = write_vcf(tmp_path / "a.vcf", DONORS, records)
    path = tmp_path / "a.vcf.gz"
    path.write_bytes(gzip.compress(plain.read_bytes())[:-n_lost])
    with pytest.raises(DataError, match=r"a\.vcf\.gz: .* middle of a block; was the file cut"):
        load_genotypes(con, path)
    assert stored(con) == {}


@pytest.mark.parametrize(
    ("header", "build"),
    [
        ("##contig=<ID=chr22,length=50818468>", "GRCh38"),
        ("##contig=<ID=22,length=51304566,assembly=b37>", "GRCh37"),
        ("##contig=<ID=22,assembly=hg19>", "GRCh37"),
        # lifted over, the old name left behind
        ("##contig=<assembly=b37,length=50818468,ID=22>", "GRCh38"),
        ("##contig=<ID=22>", None),
    ],
)
def test_the_build_is_read_from_the_header(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, header: str, build: str | None
) -> None:
    path = write_vcf(tmp_path / "a.vcf", DONORS, ["22 4 . A C GT 0/0 0/1 0/0"], header=[header])
    if build is None:
        with pytest.raises(DataError, match="its genome build is not known"):
            load_genotypes(con, path, build=None)
        return
    (report,) = load_genotypes(con, path, build=None, dry_run=True)
    assert report.genome_build == build
    other = {"GRCh37": "GRCh38", "GRCh38": "GRCh37"}[build]
    with pytest.raises(DataError, match=f"the file itself says {build}"):
        load_genotypes(con, path, build=other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("##fileformat=VCFv4.2\n1\t5\t.\tA\tC\n", "no #CHROM line before the first record"),
        ("##fileformat=VCFv4.2\n#CHROM POS ID\n", "1 columns found in the #CHROM line"),
        (
            "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n",
            "no samples in the file",
        ),
        (
            "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tD1\n",
            "the file is empty",
        ),
        (
            "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\tA\n",
            "sample A occurs in columns 10 and 12",
        ),
    ],
)
def test_a_damaged_header_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "a.vcf"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        load_genotypes(con, path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("blank_lines", [0, 2])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_of_other_systems(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, end: str, blank_lines: int, mark: str
) -> None:
    path = write_vcf(
        tmp_path / "a.vcf", DONORS, ["1 5 . A C GT 0/0 1 1|1", "1 6 . A C GT:DS .:1 0:. 0/1:1"]
    )
    text = path.read_text().rstrip("\n") + "\n" * blank_lines
    path.write_bytes((mark + text.replace("\n", end)).encode())
    load_genotypes(con, path)
    assert stored(con) == STORED
