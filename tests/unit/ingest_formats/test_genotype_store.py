"""What all genotype formats have in common: numbering, donors, duplicates, filters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from genotype_files import check_numbering, load_genotypes, stored, write_bed, write_vcf
from tests.loading import load_one

from varhouse.errors import DataError, UsageError
from varhouse.ingest.donors.register import add_donors
from varhouse.ingest.load import LoadReport

DONORS = ("D1", "D2", "D3")
Load = Callable[..., LoadReport]


@pytest.fixture
def con(empty_warehouse: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return empty_warehouse


def vcf(folder: Path, name: str, *records: str, donors: tuple[str, ...] = DONORS) -> Path:
    return write_vcf(folder / name, donors, records)


def test_files_in_any_order_are_numbered_as_if_in_order(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    late = vcf(tmp_path, "chrX.vcf", "X 5 . A C GT 0/1 . 1/1", "X 6 . A C GT 0/0 0/0 0/1")
    early = vcf(tmp_path, "chr2.vcf", "2 9 . G T GT 0/0 0/1 0/0", "2 9 . G A GT 1/1 0/1 0/0")
    between = vcf(tmp_path, "chr10.vcf", "10 1 . T C GT 0/1 0/0 0/0")
    load_genotypes(con, late, early)
    load_genotypes(con, between)
    check_numbering(con)
    assert stored(con) == {
        ("X_5_A_C", "D1"): 1, ("X_5_A_C", "D2"): None, ("X_5_A_C", "D3"): 2, ("X_6_A_C", "D3"): 1,
        ("2_9_G_T", "D2"): 1, ("2_9_G_A", "D1"): 2, ("2_9_G_A", "D2"): 1, ("10_1_T_C", "D1"): 1,
    }  # fmt: skip


def test_alleles_known_the_other_way_round_are_told(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    index = tmp_path / "index.csv"
    index.write_text("variant_id\n2_9_G_T\n2_8_A_C\n2_8_C_A\n2_7_A_C\n")
    load_one(con, "variants", index, build="GRCh37")
    variants = [("2", 7, "A", "C"), ("2", 8, "C", "A"), ("2", 9, "T", "G"), ("2", 10, "A", "C")]
    path = write_bed(tmp_path / "a.bed", DONORS, variants, [[1, 0, 0]] * 4)
    (report,) = load_genotypes(con, path)
    assert (report.n_loaded, report.notes) == (4, {"alleles_swapped": 1})
    assert con.execute("select line from load_issues").fetchall() == [(3,)]
    assert ("2_9_T_G", "D1") in stored(con)


def test_genotypes_join_the_variants_that_are_known(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    index = tmp_path / "index.csv"
    index.write_text("variant_id,rsid\n2_9_G_T,rs9\n2_8_A_C,\n7_1_A_C,rs7\n")
    load_one(con, "variants", index, build="GRCh37")
    path = vcf(
        tmp_path, "a.vcf", "2 8 rs8;x A C GT 0/1 0/0 0/0", "2 8 . A T GT 0/0 0/0 0/0",
        "2 9 rs1 G T GT 0/0 0/1 0/0",
    )  # fmt: skip
    load_genotypes(con, path)
    check_numbering(con)
    assert stored(con) == {("2_8_A_C", "D1"): 1, ("2_9_G_T", "D2"): 1}
    assert con.execute(
        "select variant_id, rsid, load_id, genotype_load_id from raw.variants order by variant_idx"
    ).fetchall() == [
        ("2_8_A_C", "rs8", 1, 2), ("2_8_A_T", None, 2, 2), ("2_9_G_T", "rs9", 1, 2),
        ("7_1_A_C", "rs7", 1, None),
    ]  # fmt: skip


def test_variants_that_come_later_move_the_genotypes(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load_genotypes(con, vcf(tmp_path, "a.vcf", "2 9 . G T GT 0/0 0/1 .", "3 9 . G T GT 1 0/0 0"))
    before = stored(con)
    index = tmp_path / "index.csv"
    index.write_text("variant_id,rsid\n2_9_G_T,rs9\n2_8_A_C,\n2_9_G_A,\n")
    load_one(con, "variants", index, build="GRCh37")
    check_numbering(con)
    assert stored(con) == before
    assert con.execute(
        "select variant_id, rsid from raw.variants where genotype_load_id = 1 order by all"
    ).fetchall() == [("2_9_G_T", "rs9"), ("3_9_G_T", None)]


def test_rare_variants_lie_apart_by_their_frequency_among_the_called(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    donors = tuple(f"D{number}" for number in range(20))
    copies: list[list[int | None]] = [
        [1] + [0] * 19,  # 1/40
        [2] + [0] * 19,  # 2/40 is not below 0.05
        [1] + [None] * 10 + [0] * 9,  # 1/20
        [2] * 19 + [1],  # the reference is the rare one
        [None] * 20,
        [0] * 20,
    ]
    variants = [("1", pos, "A", "C") for pos in range(1, 7)]
    load_genotypes(con, write_bed(tmp_path / "a.bed", donors, variants, copies))
    places = {
        table: con.execute(
            f"select distinct pos from raw.genotypes_{table} "
            "inner join variants using (variant_idx) order by pos"
        ).fetchall()
        for table in ("rare", "common")
    }
    assert places == {"rare": [(1,), (4,), (5,)], "common": [(2,), (3,)]}


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"min_maf": 0.025}, [1, 2, 3, 4]),
        ({"min_maf": 0.05}, [2, 3]),
        ({"max_maf": 0.05}, [1, 4, 6]),
        ({"min_maf": 0.01, "max_maf": 0.03}, [1, 4]),
    ],
)
def test_variants_are_kept_by_frequency(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, options: dict[str, Any], kept: list[int]
) -> None:
    donors = tuple(f"D{number}" for number in range(20))
    copies: list[list[int | None]] = [
        [1] + [0] * 19, [2] + [0] * 19, [1] + [None] * 10 + [0] * 9, [2] * 19 + [1], [None] * 20,
        [0] * 20,
    ]  # fmt: skip
    variants = [("1", pos, "A", "C") for pos in range(1, 7)]
    path = write_bed(tmp_path / "a.bed", donors, variants, copies)
    (report,) = load_genotypes(con, path, strict=True, **options)
    assert con.execute("select list(pos order by pos) from variants").fetchone() == (kept,)
    assert report.rejected == {"outside_maf": 6 - len(kept)}


@pytest.mark.parametrize(
    ("regions", "kept"),
    [
        (["1"], ["1_5_A_C", "1_9_A_C"]),
        (["chr1:5-8", "X"], ["1_5_A_C", "X_5_A_C"]),
        (["23:1-1,000"], ["X_5_A_C"]),
    ],
)
def test_variants_are_kept_by_region(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, regions: list[str], kept: list[str]
) -> None:
    path = vcf(
        tmp_path, "a.vcf", "1 5 . A C GT 0/1 0/0 0/0", "1 9 . A C GT 0/1 0/0 0/0",
        "X 5 . A C GT 0/1 0/0 0/0",
    )  # fmt: skip
    (report,) = load_genotypes(con, path, regions=regions)
    assert sorted(variant for variant, _ in stored(con)) == kept
    assert report.rejected == {"outside_regions": 3 - len(kept)}


@pytest.mark.parametrize("dry_run", [True, False])
def test_filters_that_keep_no_variant_are_refused_with_counts(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, dry_run: bool
) -> None:
    near = vcf(tmp_path, "a.vcf", "1 5 . A C GT 0/1 0/0 0/0", "1 9 . A C GT 0/1 0/1 0/1")
    far = vcf(tmp_path, "b.vcf", "2 5 . A C GT 0/1 0/0 0/0")
    with pytest.raises(DataError) as error:
        load_genotypes(con, near, far, regions=["1:1-7"], min_maf=0.2, dry_run=dry_run)
    told = str(error.value)
    assert f"{near} and 1 other file: none of 3 rows of genotypes is kept" in told
    assert "outside_regions: the variant lies outside the --region that are wanted (2 rows)" in told
    assert "outside_maf: the minor allele frequency" in told
    assert "--max-maf (1 rows)" in told
    for table in ("raw.donors", "raw.variants", "load_manifest", "load_issues"):
        assert con.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_a_file_without_wanted_variants_may_stand_beside_one_with_some(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    here = vcf(tmp_path, "a.vcf", "1 5 . A C GT 0/1 0/0 0/0")
    far = vcf(tmp_path, "b.vcf", "2 5 . A C GT 0/1 0/0 0/0")
    reports = load_genotypes(con, here, far, regions=["1"])
    assert [report.n_loaded for report in reports] == [1, 0]
    assert stored(con) == {("1_5_A_C", "D1"): 1}
    with pytest.raises(DataError, match="none of 1 rows"):
        load_genotypes(con, here, vcf(tmp_path, "c.vcf", "3 5 . A C GT 0/1 0/0 0/0"), regions=["1"])


@pytest.mark.parametrize("region", ["1:5", "1:9-5", "1:0-5", "chrUn", "1:a-b", ""])
def test_a_region_that_is_none_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, region: str
) -> None:
    path = vcf(tmp_path, "a.vcf", "1 5 . A C GT 0/1 0/0 0/0")
    with pytest.raises(UsageError, match="--region"):
        load_genotypes(con, path, regions=[region])


def test_a_file_of_other_donors_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    load_genotypes(con, vcf(tmp_path, "a.vcf", "1 5 . A C GT 0/1 0/0 0/0"))
    other = vcf(tmp_path, "b.vcf", "2 5 . A C GT 0/1 0/0", donors=("D2", "D9"))
    with pytest.raises(DataError, match=r"1 in both, 1 only in this file, 2 only in the warehouse"):
        load_genotypes(con, other)
    assert len(stored(con)) == 1


def test_donors_may_stand_in_any_order(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first = vcf(tmp_path, "a.vcf", "1 5 . A C GT 0/1 0/0 0/0")
    load_genotypes(
        con, first, vcf(tmp_path, "b.vcf", "2 5 . A C GT 0/1 1/1 .", donors=DONORS[::-1])
    )
    assert stored(con) == {
        ("1_5_A_C", "D1"): 1, ("2_5_A_C", "D3"): 1, ("2_5_A_C", "D2"): 2, ("2_5_A_C", "D1"): None,
    }  # fmt: skip
    assert con.execute("select list(donor_idx order by donor_idx) from donors").fetchone() == (
        [0, 1, 2],
    )


def test_donors_that_other_files_named_keep_their_place(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    con.execute("insert into raw.donors values (0, 'X7', false, 1, 0), (1, 'D2', false, null, 0)")
    path = write_bed(tmp_path / "a.bed", DONORS, [("1", 5, "A", "C")], [[0, 1, 2]])
    load_genotypes(con, path)
    assert con.execute("from donors order by donor_idx").fetchall() == [
        (0, "X7", False, 1), (1, "D2", True, 1), (2, "D1", True, 1), (3, "D3", True, 1),
    ]  # fmt: skip
    assert stored(con) == {("1_5_A_C", "D2"): 1, ("1_5_A_C", "D3"): 2}


TWICE = (
    "1 5 . A C GT 0/1 . 0/0",
    "1 5 . A C GT 0/1 1/1 .",
    "1 6 . A C GT 0/1 0/0 0/0",
)
MERGED = {("1_5_A_C", "D1"): 1, ("1_5_A_C", "D2"): 2, ("1_6_A_C", "D1"): 1}


def test_a_variant_twice_is_refused_with_its_records(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    differing = "1 5 . A C GT 0/0 . 0/0"
    with pytest.raises(DataError, match=r"1_5_A_C occurs 2 times \(records 1-2\), genotypes agree"):
        load_genotypes(con, vcf(tmp_path, "a.vcf", *TWICE))
    with pytest.raises(
        DataError, match=r"1_5_A_C occurs 3 times \(records 1, 2, 4\), genotypes differ"
    ):
        load_genotypes(con, vcf(tmp_path, "a.vcf", *TWICE, differing))
    assert stored(con) == {}


def test_the_first_of_equal_variants_is_kept(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    records = (TWICE[2], TWICE[0], "2 5 . A C GT 0/0 0/0 0/0", TWICE[1])
    (report,) = load_genotypes(con, vcf(tmp_path, "a.vcf", *records), on_duplicate="first")
    assert report.rejected == {"duplicate_left_out": 1}
    assert (report.n_read, report.n_loaded) == (4, 3)
    assert stored(con) == {**MERGED, ("1_5_A_C", "D2"): None}
    check_numbering(con)


def test_equal_variants_are_merged(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (report,) = load_genotypes(con, vcf(tmp_path, "a.vcf", *TWICE), on_duplicate="merge")
    assert report.rejected == {"duplicate_merged": 1}
    assert stored(con) == MERGED
    check_numbering(con)


def test_conflicting_calls_are_not_merged(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = vcf(tmp_path, "a.vcf", *TWICE, "1 5 . A C GT 0/0 0/0 0/0")
    with pytest.raises(DataError, match="1_5_A_C occurs more than once and the calls of 2 donors"):
        load_genotypes(con, path, on_duplicate="merge")


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("on_duplicate", ["error", "first", "merge"])
def test_a_variant_in_two_files(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, on_duplicate: str, at_once: bool
) -> None:
    first = vcf(tmp_path, "a.vcf", TWICE[0])
    second = vcf(tmp_path, "b.vcf", *TWICE[1:])
    commands = [[first, second]] if at_once else [[first], [second]]
    if on_duplicate == "error":
        for files in commands[:-1]:
            load_genotypes(con, *files)
        with pytest.raises(DataError, match="1_5_A_C stands in record 1 and is in the warehouse"):
            load_genotypes(con, *commands[-1])
        return
    for files in commands:
        load_genotypes(con, *files, on_duplicate=on_duplicate)
    wanted = dict(MERGED)
    if on_duplicate == "first":
        wanted["1_5_A_C", "D2"] = None  # type: ignore[assignment]
    assert stored(con) == wanted
    check_numbering(con)


def test_merging_may_make_a_rare_variant_common(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    donors = tuple(f"D{number}" for number in range(20))
    rare = "1 5 . A C GT 0/1 " + " ".join(["0/0"] * 18) + " ."
    path = vcf(
        tmp_path, "a.vcf", rare, "1 5 . A C GT " + " ".join(["."] * 19) + " 1/1", donors=donors
    )
    load_genotypes(con, path, on_duplicate="merge")
    assert con.execute("from raw.genotypes_rare").fetchall() == []
    assert con.execute("from raw.genotypes_common").fetchall() == [(0, 0, 1.0), (0, 19, 2.0)]


def test_the_same_file_twice_is_loaded_once(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_bed(tmp_path / "a.bed", DONORS, [("1", 5, "A", "C")], [[0, 1, 2]])
    load_genotypes(con, path)
    (again,) = load_genotypes(con, path)
    assert again.status == "already loaded"
    # the calls are the same, the donors are not
    path.with_suffix(".fam").write_text("F D1 0 0 1 0\nF D2 0 0 1 0\nF D4 0 0 1 0\n")
    with pytest.raises(DataError, match="2 in both, 1 only in this file"):
        load_genotypes(con, path)


def test_samples_are_compared_with_the_donors_of_other_files(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = vcf(tmp_path, "a.vcf", "1 5 . A C GT 0/1 . 1/1")
    add_donors(con, "select unnest(['001', '002']) as donor_id", 1)
    like = r"CAPITALS\+digits, 2 characters; ids in the warehouse: digits, 3 characters"
    with pytest.raises(DataError, match=rf"0 donors in both.*{like}") as error:
        load_genotypes(con, path)
    assert not any(donor in str(error.value) for donor in (*DONORS, "001", "002"))
    assert con.execute("select count(*) from donors").fetchone() == (2,)
    add_donors(con, "select 'D2' as donor_id", 1)
    (report,) = load_genotypes(con, path)
    assert report.notes == {"donors_without_genotypes": 2, "genotypes_without_donors": 2}
    # the cohort is known now: its other chromosomes are not compared again
    (report,) = load_genotypes(con, vcf(tmp_path, "b.vcf", "2 5 . A C GT 0/1 . 1/1"))
    assert report.notes == {}


def test_a_dry_run_changes_nothing(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (report,) = load_genotypes(con, vcf(tmp_path, "a.vcf", TWICE[0]), dry_run=True)
    assert (report.status, report.n_loaded) == ("dry run", 1)
    assert stored(con) == {}
    assert con.execute("select count(*) from donors").fetchone() == (0,)
