"""A file that was loaded before: nothing new when asked for alike, refused when not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.loading import load_one

from varhouse.errors import DataError

VCF = """\
##fileformat=VCFv4.2
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tD1\tD2
1\t100\t.\tA\tG\t.\t.\t.\tGT\t0/1\t0/0
2\t100\t.\tA\tG\t.\t.\t.\tGT\t0/1\t1/1
"""


@pytest.fixture
def vcf(tmp_path: Path) -> Path:
    path = tmp_path / "a.vcf"
    path.write_text(VCF)
    return path


def load(con: duckdb.DuckDBPyConnection, path: Path, **options: Any) -> str:
    return load_one(con, "genotypes", path, build="GRCh38", **options).status


def test_the_same_request_is_nothing_new(warehouse: duckdb.DuckDBPyConnection, vcf: Path) -> None:
    assert load(warehouse, vcf, regions=["2", "3"], max_maf=0.5) == "loaded"
    assert load(warehouse, vcf, regions=["3", "2"], max_maf=0.5) == "already loaded"
    assert (
        load(warehouse, vcf, regions=["2", "3"], max_maf=0.5, on_duplicate="first")
        == "already loaded"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"regions": ["1"]}, "with --region 2, now asked for with --region 1"),
        ({}, "with --region 2, now asked for with no --region"),
        ({"regions": ["2"], "min_maf": 0.1}, "no --min-maf, now asked for with --min-maf 0.1"),
        ({"regions": ["2"], "half_call": "haploid"}, "now asked for with --half-call haploid"),
    ],
)
def test_another_request_does_not_pass_for_it(
    warehouse: duckdb.DuckDBPyConnection, vcf: Path, options: dict[str, Any], told: str
) -> None:
    load(warehouse, vcf, regions=["2"])
    with pytest.raises(DataError, match=rf"a\.vcf: loaded already \(load 1\), .*{told}"):
        load(warehouse, vcf, **options)
    assert warehouse.execute("select chrom from variants").fetchall() == [("2",)]


def test_a_list_of_samples_is_told_by_its_content(
    warehouse: duckdb.DuckDBPyConnection, vcf: Path, tmp_path: Path
) -> None:
    first, same, other = (tmp_path / name for name in ("first.txt", "same.txt", "other.txt"))
    first.write_text("D1\n")
    same.write_text("D1\n")
    other.write_text("D2\n")
    load(warehouse, vcf, samples=first)
    assert load(warehouse, vcf, samples=same) == "already loaded"
    with pytest.raises(DataError, match=r"with --samples .*, now asked for with --samples "):
        load(warehouse, vcf, samples=other)
