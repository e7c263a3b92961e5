"""Exported genotypes, decoded without our readers and loaded again."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from click.testing import Result
from load_inputs import load
from tests.command import invoke

from varhouse.errors import DataError, UsageError
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

DONORS = ["001", "B", "C", "D", "E"]
# chrom pos ref alt, then the calls of the donors; 001, C and E are male
RECORDS = [
    "1 100 A G 0/0 0/1 1/1 ./. 0/1",
    "1 200 C CT 0/0 0/0 0/0 0/0 0/0",
    "2 50 G T 1/1 1/1 1/1 1/1 0/1",
    "X 1000000 A C 0/1 0/1 0/0 0/0 1/1",
    "X 5000000 A C 1 0/1 0 1/1 .",
    "MT 30 T C 1 0 0 . 1",
]
IDS = ["1_100_A_G", "1_200_C_CT", "2_50_G_T", "X_1000000_A_C", "X_5000000_A_C", "MT_30_T_C"]
# Copies of ALT that a PLINK file has: haploid ones twice, None for missing.
COPIES = [
    [0, 1, 2, None, 1],
    [0, 0, 0, 0, 0],
    [2, 2, 2, 2, 1],
    [1, 1, 0, 0, 2],
    [2, 1, 0, 2, None],
    [2, 0, 0, None, 2],
]


def vcf_text(records: list[str], what: str = "GT") -> str:
    fixed = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    lines = ["##fileformat=VCFv4.2", "\t".join([*fixed, *DONORS])]
    for record in records:
        chrom, pos, ref, alt, *calls = record.split()
        lines.append("\t".join([chrom, pos, ".", ref, alt, ".", ".", ".", what, *calls]))
    return "\n".join([*lines, ""])


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A warehouse of five donors and six variants, with the donors' sexes."""
    path = tmp_path / "house.duckdb"
    vcf, donors = tmp_path / "in.vcf", tmp_path / "donors.tsv"
    vcf.write_text(vcf_text(RECORDS))
    sexes = ["M", "F", "M", "F", "M"]
    rows = [f"{donor}\t{sex}" for donor, sex in zip(DONORS, sexes, strict=True)]
    donors.write_text("\n".join(["donor_id\tsex", *rows, ""]))
    with open_warehouse(Settings(database=path, threads=1)) as con:
        load(con, "genotypes", vcf)
        load(con, "donors", donors, build=None)
    return path


def export(database: Path, *arguments: str) -> Result:
    return invoke("export", *arguments, "--db", str(database))


def stored(path: Path) -> list[tuple[object, ...]]:
    with open_warehouse(Settings(database=path, threads=1), read_only=True) as con:
        return con.execute("""
            select variants.variant_id, donors.donor_id, genotypes.dosage
            from genotypes
            inner join variants using (variant_idx)
            inner join donors using (donor_idx)
            order by all
        """).fetchall()


def reloaded(file: Path) -> list[tuple[object, ...]]:
    path = file.with_name("again.duckdb")
    path.unlink(missing_ok=True)
    with open_warehouse(Settings(database=path, threads=1)) as con:
        load(con, "genotypes", file)
    return stored(path)


def decoded_bed(prefix: Path, n_donors: int, n_variants: int) -> list[list[int | None]]:
    """Decode a .bed bit by bit, from PLINK's description of it."""
    content = prefix.with_suffix(".bed").read_bytes()
    assert content[:3] == bytes([0x6C, 0x1B, 0x01])
    width = (n_donors + 3) // 4
    assert len(content) == 3 + width * n_variants
    meaning = {"00": 2, "01": None, "10": 1, "11": 0}
    decoded = []
    for row in range(n_variants):
        calls = []
        for donor in range(n_donors):
            bits = f"{content[3 + row * width + donor // 4]:08b}"
            end = 8 - 2 * (donor % 4)
            calls.append(meaning[bits[end - 2 : end]])
        decoded.append(calls)
    return decoded


def test_plink1_says_what_was_loaded(database: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "out"
    result = export(database, "plink1", "--out", str(prefix), "--with-persons")
    assert "6 variants of 5 donors" in result.stderr
    assert decoded_bed(prefix, 5, 6) == COPIES
    bim = [line.split("\t") for line in prefix.with_suffix(".bim").read_text().splitlines()]
    assert [fields[1] for fields in bim] == IDS
    assert bim[1] == ["1", "1_200_C_CT", "0", "200", "CT", "C"]
    fam = prefix.with_suffix(".fam").read_text().splitlines()
    assert fam[0] == "0\t001\t0\t0\t1\t-9"
    assert [line.split("\t")[4] for line in fam] == ["1", "2", "1", "2", "1"]
    autosomal = [row for row in stored(database) if str(row[0])[0] in "12"]
    again = reloaded(prefix.with_suffix(".bed"))
    assert [row for row in again if str(row[0])[0] in "12"] == autosomal


def test_pgenlib_reads_the_bed(database: Path, tmp_path: Path) -> None:
    pgenlib = pytest.importorskip("pgenlib")
    import numpy as np

    prefix = tmp_path / "out"
    export(database, "plink1", "--out", str(prefix), "--with-persons")
    reader = pgenlib.PgenReader(f"{prefix}.bed".encode(), raw_sample_ct=5, variant_ct=6)
    calls = np.empty((6, 5), dtype=np.int8)
    reader.read_range(0, 6, calls)
    reader.close()
    assert calls.tolist() == [[-9 if n is None else n for n in row] for row in COPIES]


@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz"])
def test_a_vcf_loads_as_the_same_genotypes(database: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    result = export(database, "vcf", "--out", str(out), "--with-persons")
    assert "6 variants of 5 donors" in result.stderr
    text = gzip.decompress(out.read_bytes()) if name.endswith(".gz") else out.read_bytes()
    lines = text.decode().splitlines()
    assert "##contig=<ID=X,length=155270560>" in lines
    records = [line.split("\t") for line in lines if not line.startswith("#")]
    assert [record[2] for record in records] == IDS
    assert [record[9:] for record in records] == [record.split()[4:] for record in RECORDS]
    assert reloaded(out) == stored(database)


def test_a_packed_vcf_is_bgzf_that_htslib_reads(database: Path, tmp_path: Path) -> None:
    cyvcf2 = pytest.importorskip("cyvcf2")
    out = tmp_path / "out.vcf.gz"
    export(database, "vcf", "--out", str(out), "--with-persons")
    assert out.read_bytes().endswith(
        bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
    )
    reader = cyvcf2.VCF(str(out))
    assert reader.samples == DONORS
    assert [(record.CHROM, record.POS, record.ALT[0]) for record in reader][1] == ("1", 200, "CT")
    reader.close()


def test_dosages_that_are_not_whole_stay(tmp_path: Path) -> None:
    database, vcf, out = tmp_path / "ds.duckdb", tmp_path / "in.vcf", tmp_path / "out.vcf"
    vcf.write_text(vcf_text(["1 100 A G 0.25 1.99994 . 2 0", "1 101 A G 1 2 . 0 0"], "DS"))
    with open_warehouse(Settings(database=database, threads=1)) as con:
        load(con, "genotypes", vcf)
    result = export(database, "vcf", "--out", str(out), "--with-persons")
    assert "1 of them with dosages" in result.stderr
    lines = [line.split("\t") for line in out.read_text().splitlines() if line[0] != "#"]
    assert lines[0][8:] == ["DS", "0.25", "1.99994", ".", "2", "0"]
    assert lines[1][8:] == ["GT", "0/1", "1/1", "./.", "0/0", "0/0"]
    assert reloaded(out) == stored(database)
    prefix = tmp_path / "bed"
    result = export(database, "plink1", "--out", str(prefix), "--with-persons")
    assert "1 dosages are not near" in result.stderr
    assert decoded_bed(prefix, 5, 2) == [[None, 2, None, 2, 0], [1, 2, None, 0, 0]]


@pytest.mark.parametrize("command", ["plink1", "vcf", "anndata"])
def test_persons_stay_unless_told(database: Path, tmp_path: Path, command: str) -> None:
    with pytest.raises(UsageError, match="--with-persons"):
        export(database, command, "--out", str(tmp_path / "out.vcf"))
    assert not list(tmp_path.glob("out*"))


def test_ids_with_blanks_do_not_go_into_a_fam(database: Path, tmp_path: Path) -> None:
    with open_warehouse(Settings(database=database, threads=1)) as con:
        con.execute("update raw.donors set donor_id = 'B 2' where donor_id = 'B'")
    with pytest.raises(DataError, match="1 donor ids have blanks"):
        export(database, "plink1", "--out", str(tmp_path / "out"), "--with-persons")
    assert not list(tmp_path.glob("out*"))


def test_an_empty_warehouse_says_what_to_load(tmp_path: Path) -> None:
    path = tmp_path / "empty.duckdb"
    with open_warehouse(Settings(database=path, threads=1)):
        pass
    for command in ("plink1", "vcf", "anndata"):
        with pytest.raises(DataError, match="varhouse load"):
            export(path, command, "--out", str(tmp_path / "out.x"), "--with-persons")
    assert not list(tmp_path.glob("out*"))
