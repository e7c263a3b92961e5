"""Genotype files against a slow reader written from the rules, one call at a time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from genotype_files import (
    Genotypes,
    check_numbering,
    load_genotypes,
    stored,
    write_bed,
    write_pgen,
    write_vcf,
)

from varhouse.errors import DataError

DONORS = [f"{number:03d}" for number in range(1, 12)]
CALLS = (
    "0/0",
    "0|0",
    "0/1",
    "1|0",
    "1/1",
    "./.",
    ".",
    "./1",
    "1",
    "0",
    "0/2",
    "2|1",
    "3/3",
    "10/1",
)


def twin_of_vcf(path: Path, *, half_call: str = "missing") -> Genotypes:
    """Read a VCF file by the rules of docs/formats/genotypes.md."""
    found: Genotypes = {}
    donors: list[str] = []
    for line in path.read_text().splitlines():
        cells = line.split("\t")
        if line.startswith("#CHROM"):
            donors = cells[9:]
        if line.startswith("#"):
            continue
        chrom, pos, _, ref, alts = cells[:5]
        for number, alt in enumerate(alts.split(","), start=1):
            if not set(alt) <= set("ACGT"):
                continue
            key = f"{chrom.removeprefix('chr')}_{pos}_{ref}_{alt}"
            for donor, cell in zip(donors, cells[9:], strict=True):
                alleles = cell.split(":")[0].replace("|", "/").split("/")
                n_missing = alleles.count(".")
                if n_missing == len(alleles) or (n_missing and half_call == "missing"):
                    found[key, donor] = None
                elif alleles.count(str(number)):
                    found[key, donor] = alleles.count(str(number))
    return found


def random_records(chance: random.Random, n_records: int) -> list[str]:
    records = []
    pos = 100
    for number in range(n_records):
        # several records at one position, as `bcftools norm -m-` leaves them
        pos += chance.choice((0, 1, 7)) if number else 0
        n_alts = chance.choice((1, 1, 1, 2, 3, 11))
        ref = "C" * (number % 5 + 1) + "G" * (number + 1)
        pool = ["A", "T", "CA", "*", "<DEL>", "<NON_REF>", "TT", "TG", "AA", "AC", "AT"]
        alts = chance.sample(pool, n_alts)
        rare = chance.random() < 0.4
        allowed = [
            call
            for call in CALLS
            if all(a == "." or int(a) <= n_alts for a in call.replace("|", "/").split("/"))
        ]
        calls = [chance.choice(["0/0", "0|0", "0/1"] if rare else allowed) for _ in DONORS]
        extra, tail = chance.choice((("", ""), (":DP:AD", ":7:3,4"), (":GQ", "")))
        records.append(
            f"chr7 {pos} . {ref} {','.join(alts)} GT{extra} "
            + " ".join(call + tail for call in calls)
        )
    return records


@pytest.mark.parametrize("half_call", ["missing", "haploid", "reference"])
@pytest.mark.parametrize("seed", range(3))
def test_vcf_text_is_read_as_by_the_twin(
    empty_warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, seed: int, half_call: str
) -> None:
    path = write_vcf(tmp_path / "a.vcf", DONORS, random_records(random.Random(seed), 60))
    (report,) = load_genotypes(empty_warehouse, path, half_call=half_call)
    twin = twin_of_vcf(path, half_call=half_call)
    assert None in twin.values()
    assert {2.0, 1.0} <= set(twin.values())
    assert stored(empty_warehouse) == twin
    assert report.n_read == 60
    assert report.n_read == report.n_loaded + report.n_rejected
    check_numbering(empty_warehouse)


HEADER = (
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
    '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depths">',
    '##FORMAT=<ID=DS,Number=A,Type=Float,Description="Dosage">',
    "##contig=<ID=chr7>",
)


def as_bcf(path: Path) -> Path:
    """Return the BCF that htslib makes of a VCF."""
    import cyvcf2

    source = cyvcf2.VCF(str(path))
    writer = cyvcf2.Writer(str(path.with_suffix(".bcf")), source, mode="wb")
    for record in source:
        writer.write_record(record)
    writer.close()
    source.close()
    return path.with_suffix(".bcf")


@pytest.mark.parametrize("seed", range(3))
def test_bcf_is_read_as_the_vcf_that_it_was(
    empty_warehouse: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr("varhouse.ingest.genotypes.block._BLOCK_VARIANTS", 16)
    records = random_records(random.Random(seed), 60)
    path = write_vcf(tmp_path / "a.vcf", DONORS, records, header=HEADER)
    (report,) = load_genotypes(empty_warehouse, as_bcf(path))
    assert report.format == "bcf"
    assert report.n_read == 60
    assert stored(empty_warehouse) == twin_of_vcf(path)
    check_numbering(empty_warehouse)


def test_bcf_of_haploid_calls_and_dosages(
    empty_warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    records = [
        "chr7 5 . A C GT " + " ".join(["1", "0", "."] * 3 + ["1", "1"]),
        "chr7 6 . A C,G DS " + " ".join(["0.5,1"] * 10 + ["."]),
        "chr7 7 . A C GT:DS " + " ".join(["0/1:0.3"] * 11),
    ]
    path = write_vcf(tmp_path / "a.vcf", DONORS, records, header=HEADER)
    load_genotypes(empty_warehouse, as_bcf(path))
    found = stored(empty_warehouse)
    assert [found.get(("7_5_A_C", donor), "ref") for donor in DONORS[:3]] == [1, "ref", None]
    assert [found["7_6_A_C", donor] for donor in (DONORS[0], DONORS[-1])] == [0.5, None]
    assert [found["7_6_A_G", donor] for donor in (DONORS[0], DONORS[-1])] == [1, None]
    assert {found["7_7_A_C", donor] for donor in DONORS} == {1}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("chr7 5 . A C GT" + " 0/0/1" * 11, r"ploidy 3 not supported \(record 1\)"),
        ("chr7 5 . A C GQ" + " 3" * 11, "record 1 has neither GT nor DS"),
        ("chr7 5 . A C DS" + " 2.7" * 11, r"DS=2.7 outside \[0,2\] at chr7:5 A>C \(record 1\)"),
        ("chr7 5 . A C GT" + " 0/2" * 11, "record 1 is of allele 2, but the record has 1 alternat"),
    ],
)
def test_a_damaged_bcf_record_is_refused(
    empty_warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, record: str, message: str
) -> None:
    path = as_bcf(write_vcf(tmp_path / "a.vcf", DONORS, [record], header=HEADER))
    with pytest.raises(DataError, match=message):
        load_genotypes(empty_warehouse, path)


def test_a_bcf_that_is_cut_short_is_refused(
    empty_warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    records = random_records(random.Random(1), 4000)
    path = as_bcf(write_vcf(tmp_path / "a.vcf", DONORS, records, header=HEADER))
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match=r"cannot be read after record \d+; the file is cut short"):
        load_genotypes(empty_warehouse, path)


@pytest.mark.parametrize("n_bytes", [1, 300, 1000])
def test_the_size_of_a_block_changes_nothing(
    empty_warehouse: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    n_bytes: int,
) -> None:
    monkeypatch.setattr("varhouse.ingest.genotypes.vcf._CHUNK_BYTES", n_bytes)
    path = write_vcf(tmp_path / "a.vcf", DONORS, random_records(random.Random(7), 40))
    load_genotypes(empty_warehouse, path)
    assert stored(empty_warehouse) == twin_of_vcf(path)
    check_numbering(empty_warehouse)


def biallelic_cohort(
    chance: random.Random, n_variants: int, *, is_sorted: bool
) -> tuple[list[tuple[str, int, str, str]], list[list[int | None]]]:
    variants = [("X" if number % 3 else "12", 10 + number // 2, "A", "CGT"[number % 3])
                for number in range(n_variants)]  # fmt: skip
    variants.sort(key=lambda variant: (variant[0] == "X", *variant[1:]))
    if not is_sorted:
        chance.shuffle(variants)
    copies: list[list[int | None]] = [
        [chance.choice((0, 0, 0, 1, 2, None) if number % 2 else (0,)) for _ in DONORS]
        for number in range(n_variants)
    ]
    return variants, copies


def write_cohort(
    path: Path,
    variants: Sequence[tuple[str, int, str, str]],
    copies: Sequence[Sequence[int | None]],
) -> Path:
    """Write the cohort in the format that the suffix says."""
    if path.suffix != ".vcf":
        write = {".bed": write_bed, ".pgen": write_pgen}[path.suffix]
        return write(path, DONORS, variants, copies)
    text = {0: "0/0", 1: "1|0", 2: "1/1", None: "./."}
    records = [
        f"{chrom} {pos} . {ref} {alt} GT " + " ".join(text[call] for call in row)
        for (chrom, pos, ref, alt), row in zip(variants, copies, strict=True)
    ]
    return write_vcf(path, DONORS, records)


def expected(
    variants: Sequence[tuple[str, int, str, str]], copies: Sequence[Sequence[int | None]]
) -> Genotypes:
    return {
        ("_".join(map(str, variant)), donor): None if call is None else float(call)
        for variant, row in zip(variants, copies, strict=True)
        for donor, call in zip(DONORS, row, strict=True)
        if call != 0
    }


@pytest.mark.parametrize("is_sorted", [True, False])
@pytest.mark.parametrize("layout", ["bed", "pgen", "vcf"])
def test_every_format_gives_the_same_table(
    empty_warehouse: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    is_sorted: bool,
) -> None:
    # several blocks
    monkeypatch.setattr("varhouse.ingest.genotypes.block._BLOCK_VARIANTS", 8)
    monkeypatch.setattr("varhouse.ingest.genotypes.vcf._CHUNK_BYTES", 500)
    variants, copies = biallelic_cohort(random.Random(3), 61, is_sorted=is_sorted)
    path = write_cohort(tmp_path / f"cohort.{layout}", variants, copies)
    (report,) = load_genotypes(empty_warehouse, path)
    assert (report.n_read, report.n_loaded, report.notes) == (61, 61, {})
    assert stored(empty_warehouse) == expected(variants, copies)
    check_numbering(empty_warehouse)


@pytest.mark.parametrize("layout", ["bed", "pgen", "vcf"])
def test_a_part_of_the_samples_is_the_part_of_the_table(
    empty_warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, layout: str
) -> None:
    variants, copies = biallelic_cohort(random.Random(5), 30, is_sorted=True)
    keep = tmp_path / "keep.txt"
    keep.write_text("#IID\n007\n002\n\n999\n011\n")
    path = write_cohort(tmp_path / f"cohort.{layout}", variants, copies)
    (report,) = load_genotypes(empty_warehouse, path, samples=keep)
    assert report.notes == {"sample_not_in_file": 1}
    assert stored(empty_warehouse) == {
        key: dosage
        for key, dosage in expected(variants, copies).items()
        if key[1] in ("002", "007", "011")
    }
