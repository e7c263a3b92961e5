"""BGEN files written here bit by bit, and what comes of their probabilities."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from bgen_files import Record, bgen_bytes, ids, random_records

from varhouse.errors import DataError
from varhouse.ingest.genotypes.bgen_samples import read_sample_file
from varhouse.ingest.load import LoadReport

Load = Callable[..., LoadReport]


@pytest.fixture
def load_bgen(empty_warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, load: Load) -> Load:
    def load_bytes(text: bytes, **options: object) -> LoadReport:
        path = tmp_path / "in.bgen"
        path.write_bytes(text)
        settings = {"build": "GRCh38", "allele_order": "ref-first"} | options
        return load(empty_warehouse, "genotypes", path, **settings)

    return load_bytes


def genotypes(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], float | None]:
    rows = con.sql("""
        select variant_id, donor_id, dosage
        from genotypes inner join variants using (variant_idx) inner join donors using (donor_idx)
    """).fetchall()
    found = {(variant, donor): dosage for variant, donor, dosage in rows}
    assert len(found) == len(rows)
    return found


def expected(records: Sequence[Record], *, ref_first: bool = True) -> dict[tuple[str, str], object]:
    found: dict[tuple[str, str], object] = {}
    for record in records:
        ref, alt = record.alleles if ref_first else record.alleles[::-1]
        for donor, ploidy, dosage in zip(
            ids(len(record.samples)), record.ploidy_of_each(), record.dosages(), strict=True
        ):
            if dosage is not None and not ref_first:
                dosage = ploidy - dosage
            if dosage != 0:
                found[f"{record.chrom}_{record.pos}_{ref}_{alt}", donor] = dosage
    return found


@pytest.mark.parametrize(
    ("n_bits", "compression"), [(1, 0), (8, 0), (8, 2), (13, 1), (16, 1), (24, 2), (32, 0)]
)
@pytest.mark.parametrize(("is_phased", "ploidy"), [(False, 2), (True, 2), (False, 1), (True, 1)])
def test_dosages_equal_the_definition(
    empty_warehouse: duckdb.DuckDBPyConnection,
    load_bgen: Load,
    compression: int,
    n_bits: int,
    is_phased: bool,
    ploidy: int,
) -> None:
    chance = random.Random(f"{compression} {n_bits} {is_phased} {ploidy}")
    records = random_records(chance, n_bits=n_bits, is_phased=is_phased, ploidy=ploidy)
    load_bgen(bgen_bytes(records, compression=compression, samples=ids(7)))
    assert genotypes(empty_warehouse) == expected(records)


@pytest.mark.parametrize("n_bits", [3, 8, 16])
@pytest.mark.parametrize("is_phased", [False, True])
@pytest.mark.parametrize("order", ["ref-first", "ref-last"])
def test_a_haploid_sample_among_diploid_ones_has_one_copy_at_most(
    empty_warehouse: duckdb.DuckDBPyConnection,
    load_bgen: Load,
    n_bits: int,
    is_phased: bool,
    order: str,
) -> None:
    chance = random.Random(f"{n_bits} {is_phased} {order}")
    diploid = random_records(chance, n_bits=n_bits, is_phased=is_phased, ploidy=2)
    records = [diploid[0]]
    for record in diploid[1:]:
        ploidies = [chance.choice([1, 2]) for _ in record.samples]
        samples = [
            None if each is None else each[:ploidy]
            for each, ploidy in zip(record.samples, ploidies, strict=True)
        ]
        records.append(replace(record, samples=samples, ploidies=ploidies, chrom="X"))
    load_bgen(bgen_bytes(records, samples=ids(7)), allele_order=order)
    assert genotypes(empty_warehouse) == expected(records, ref_first=order == "ref-first")


def test_records_stored_in_different_ways_and_the_last_allele_as_reference(
    empty_warehouse: duckdb.DuckDBPyConnection, load_bgen: Load
) -> None:
    chance = random.Random(3)
    records = [
        replace(record, pos=100 * (n_bits + 40 * is_phased) + place)
        for n_bits in (8, 16)
        for is_phased in (False, True)
        for place, record in enumerate(
            random_records(chance, n_bits=n_bits, is_phased=is_phased, ploidy=2)
        )
    ]
    chance.shuffle(records)
    load_bgen(bgen_bytes(records, samples=ids(7)), allele_order="ref-last")
    assert genotypes(empty_warehouse) == expected(records, ref_first=False)


def test_some_samples_only(
    empty_warehouse: duckdb.DuckDBPyConnection, load_bgen: Load, tmp_path: Path
) -> None:
    records = random_records(random.Random(4), n_bits=8, is_phased=False, ploidy=2)
    (tmp_path / "keep.txt").write_text("D5\nD1\n")
    load_bgen(bgen_bytes(records, samples=ids(7)), samples=tmp_path / "keep.txt")
    kept = {key: value for key, value in expected(records).items() if key[1] in ("D1", "D5")}
    assert genotypes(empty_warehouse) == kept
    assert empty_warehouse.sql("select donor_id from donors").fetchall() == [("D1",), ("D5",)]


RECORDS = [Record([[255, 0], [0, 255], None], 100), Record([[0, 0], [255, 0], [0, 255]], 200)]
SAMPLE_FILE = "ID_1 ID_2 missing sex\n0 0 0 D\nf1 D0 0 1\nf2 D1 0 2\nf3 D2 0 NA\n"


def test_the_reference_allele_is_found_in_the_variant_index(
    empty_warehouse: duckdb.DuckDBPyConnection, load_bgen: Load, tmp_path: Path, load: Load
) -> None:
    index = tmp_path / "index.tsv"
    index.write_text("chrom\tpos\tref\talt\n22\t100\tC\tA\n22\t200\tC\tA\n22\t200\tA\tC\n")
    load(empty_warehouse, "variants", index, build="GRCh38")
    load_bgen(bgen_bytes(RECORDS, samples=ids(3)), allele_order=None)
    assert genotypes(empty_warehouse) == expected(RECORDS, ref_first=False)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("", "0 with the first allele as reference, 0 with the last, and 2 not at all"),
        ("22\t100\tA\tC\n", "1 with the first allele as reference, 0 with the last, and 1 not"),
        ("22\t100\tA\tC\n22\t200\tC\tA\n", "1 with the first allele as reference, 1 with the last"),
        (
            "22\t100\tA\tC\n22\t200\tC\tA\n22\t100\tC\tA\n22\t200\tA\tC\n",
            "2 with the first allele as reference, 2 with the last",
        ),
    ],
)
def test_an_index_that_does_not_settle_the_order(
    empty_warehouse: duckdb.DuckDBPyConnection,
    load_bgen: Load,
    tmp_path: Path,
    load: Load,
    rows: str,
    found: str,
) -> None:
    index = tmp_path / "index.tsv"
    index.write_text("chrom\tpos\tref\talt\n21\t5\tA\tC\n" + rows)
    load(empty_warehouse, "variants", index, build="GRCh38")
    with pytest.raises(DataError, match=f"of 2 variants it has {found}.*--ref-first or --ref-last"):
        load_bgen(bgen_bytes(RECORDS, samples=ids(3)), allele_order=None)


@pytest.mark.parametrize("is_named", [True, False])
def test_sample_ids_and_sexes_of_a_sample_file(
    empty_warehouse: duckdb.DuckDBPyConnection, load_bgen: Load, tmp_path: Path, is_named: bool
) -> None:
    path = tmp_path / ("people.sample" if is_named else "in.sample")
    path.write_text(SAMPLE_FILE)
    options = {"sample_file": path} if is_named else {}
    load_bgen(bgen_bytes(RECORDS), **options)
    assert genotypes(empty_warehouse) == expected(RECORDS)
    found = empty_warehouse.sql("select donor_id, sex from donors order by donor_idx").fetchall()
    assert found == [("D0", 1), ("D1", 2), ("D2", None)]


def test_own_ids_win_over_those_beside_the_file(
    empty_warehouse: duckdb.DuckDBPyConnection, load_bgen: Load, tmp_path: Path
) -> None:
    (tmp_path / "in.sample").write_text(SAMPLE_FILE)
    load_bgen(bgen_bytes(RECORDS, samples=["X", "Y", "Z"]))
    found = empty_warehouse.sql("select donor_id, sex from donors order by donor_idx").fetchall()
    assert found == [("X", None), ("Y", None), ("Z", None)]


def test_other_sample_ids_make_it_another_file(load_bgen: Load, tmp_path: Path) -> None:
    names = {}
    for number, donors in enumerate(("D0 D1 D2", "E0 E1 E2")):
        path = names[number] = tmp_path / f"{number}.sample"
        lines = "".join(f"f {donor} 0\n" for donor in donors.split())
        path.write_text(f"ID_1 ID_2 missing\n0 0 0\n{lines}")
    load_bgen(bgen_bytes(RECORDS), sample_file=names[0])
    again = load_bgen(bgen_bytes(RECORDS), sample_file=names[0])
    assert again.status == "already loaded"
    with pytest.raises(DataError, match="0 in both, 3 only in this file"):
        load_bgen(bgen_bytes(RECORDS), sample_file=names[1])


ONE_ID_FILE = "ID missing\n0 0\nD0 0\nD1 0\nD2 0\n"


def test_a_sample_file_with_one_id(
    empty_warehouse: duckdb.DuckDBPyConnection, load_bgen: Load, tmp_path: Path
) -> None:
    (tmp_path / "in.sample").write_text(ONE_ID_FILE)
    load_bgen(bgen_bytes(RECORDS))
    assert genotypes(empty_warehouse) == expected(RECORDS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ID_1 ID_2 missing\n0 0 0\n1 D0 0\n2 D1 0\n", "2 samples, but in.bgen has 3"),
        ("ID_1 ID_2 missing\n1 D0 0\n2 D1 0\n3 D2 0\n", "not a .sample file"),
        ("", "not a .sample file"),
        ("ID_1 ID_2 missing\n0 0 0\n1 D0\n2 D1 0\n3 D2 0\n", "line 3: 2 columns found, 3 expected"),
        ("ID_1 ID_2 missing\n0 0 0\n1 D0 0\n2 D1 0\n3 D1 0\n", "sample D1 occurs in rows 2 and 3"),
    ],
)
def test_sample_files_that_do_not_fit(
    load_bgen: Load, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "in.sample").write_text(text)
    with pytest.raises(DataError, match=said):
        load_bgen(bgen_bytes(RECORDS))


GOOD = bgen_bytes(RECORDS, samples=ids(3))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bgen_bytes(RECORDS), "has no sample ids of its own, and in.sample is not beside it"),
        (bgen_bytes(RECORDS, layout=1), "BGEN layout 1; layout 2"),
        (bgen_bytes([replace(RECORDS[0], alleles=("A", "C", "G"))], samples=ids(3)),
         r"record 1 \(22:100\) has 3 alleles"),
        (bgen_bytes([replace(RECORDS[0], least_ploidy=0)], samples=ids(3)),
         r"record 1 \(22:100\) has samples of ploidy 0 to 2"),
        (bgen_bytes([Record([[1, 2, 3]] * 3, 7, ploidy=3)], samples=ids(3)), "of ploidy 3 to 3"),
        (bgen_bytes([Record([[0, 255], [200, 56], None], 7)], samples=ids(3)),
         r"record 1 \(22:7\) has probabilities that add up to more than 1"),
        (bgen_bytes([Record([[0, 9], [65535, 1], None], 7, n_bits=16)], samples=ids(3)),
         "probabilities that add up to more than 1"),
        (bgen_bytes([replace(RECORDS[0], n_bits=40)], samples=ids(3)), "genotypes of record 1"),
        (bgen_bytes(RECORDS, samples=ids(3), n_variants=3), "says 3 variants, but only 2 can"),
        (GOOD[:-1], "its header says 2 variants, but only 1 can be read; the file is cut short"),
        (GOOD[:30], "cut short in its header"),
        (GOOD[:90], "its header says 2 variants, but only 0 can be read"),
        (bgen_bytes(RECORDS, samples=ids(2)), "2 sample ids, but 3 samples in the header"),
        (bgen_bytes(RECORDS, samples=["D0", "D0", "D1"]), "sample D0 occurs in rows 1 and 2"),
        (bgen_bytes(RECORDS, samples=ids(4), n_samples=4), "genotypes of record 1"),
        (b"\x14\0\0\0" + b"\x15\0\0\0" + GOOD[8:], "not a BGEN file"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(
    empty_warehouse: duckdb.DuckDBPyConnection, load_bgen: Load, text: bytes, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        load_bgen(text)
    for table in ("variants", "genotypes", "donors", "load_manifest"):
        assert empty_warehouse.sql(f"select count(*) from {table}").fetchall() == [(0,)]


@pytest.mark.parametrize("compression", [0, 1, 2])
def test_damaged_bytes_give_an_error_of_ours_or_load(load_bgen: Load, compression: int) -> None:
    chance = random.Random(compression)
    records = random_records(chance, n_bits=8, is_phased=False, ploidy=2)
    good = bgen_bytes(records, samples=ids(7), compression=compression)
    n_refused = 0
    for _ in range(25):
        text = bytearray(good)
        # from behind the magic number on: a file without it is not taken for BGEN
        for _ in range(chance.randint(1, 3)):
            text[chance.randrange(20, len(text))] = chance.randrange(256)
        try:
            load_bgen(bytes(text), dry_run=True)
        except DataError:
            n_refused += 1
    assert n_refused > 5


def test_mutated_sample_files_give_an_error_of_ours_or_ids(tmp_path: Path) -> None:
    chance = random.Random(11)
    path = tmp_path / "mutated.sample"
    n_refused = 0
    for _ in range(2000):
        text = bytearray(SAMPLE_FILE.encode())
        for _ in range(chance.randint(1, 4)):
            text[chance.randrange(len(text))] = chance.choice(b"0123DIx \t\n\r\0#\x85\xff\xef")
        path.write_bytes(text)
        try:
            ids_found, sexes = read_sample_file(path)
            assert len(ids_found) == len(sexes)
        except DataError:
            n_refused += 1
    assert 100 < n_refused < 2000
