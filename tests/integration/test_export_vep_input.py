"""`varhouse export vep-input`: what still lacks a consequence, as VCF."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import Result
from load_inputs import load
from tests.command import invoke
from tests.loading import write_text

from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

VARIANTS = ["10_5_A_G", "2_7_C_CT", "2_7_C_A", "X_3_G_T", "MT_9_A_C", "1_9_A_<DEL>", "1_8_A_G"]
VEP_COLUMNS = "#Uploaded_variation\tLocation\tAllele\tGene\tFeature\tFeature_type\tConsequence"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A warehouse with seven variants, one of which VEP has seen and one of which CADD has."""
    path = tmp_path / "house.duckdb"
    vep = "1_8_A_G\t1:8\tG\t-\t-\t-\tintergenic_variant"
    with open_warehouse(Settings(database=path, threads=1)) as con:
        load(con, "variants", write_text(tmp_path, "v.csv", "variant_id", *VARIANTS))
        load(con, "annotations", write_text(tmp_path, "vep.txt", VEP_COLUMNS, vep))
        cadd = write_text(tmp_path, "s.tsv", "variant_id\tCADD_PHRED", "X_3_G_T\t3")
        load(con, "annotations", cadd)
    return path


@pytest.fixture
def export(database: Path) -> Callable[..., Result]:
    return partial(invoke, "export", "vep-input", "--db", str(database))


def records(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


def test_sites_are_sorted_and_named_by_their_id(export: Callable[..., Result]) -> None:
    result = export()
    assert [record[2] for record in records(result.stdout)] == [
        "2_7_C_A", "2_7_C_CT", "10_5_A_G", "X_3_G_T", "MT_9_A_C",
    ]  # fmt: skip
    assert records(result.stdout)[1] == ["2", "7", "2_7_C_CT", "C", "CT", ".", ".", "."]
    lines = result.stdout.splitlines()
    assert lines[0] == "##fileformat=VCFv4.2"
    assert "##contig=<ID=X,length=155270560>" in lines
    assert "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO" in lines
    assert "5 of 7 variants lack a consequence; 5 sites written" in result.stderr
    assert "1 more have an allele that is not bases" in result.stderr


def test_a_gzip_file_reads_back(export: Callable[..., Result], tmp_path: Path) -> None:
    result = export("--out", str(tmp_path / "todo.vcf.gz"))
    assert result.stdout == ""
    first = (tmp_path / "todo.vcf.gz").read_bytes()
    assert len(records(gzip.decompress(first).decode())) == 5
    export("--out", str(tmp_path / "todo.vcf.gz"))
    assert (tmp_path / "todo.vcf.gz").read_bytes() == first


def test_only_variants_with_genotypes_where_there_are_any(
    export: Callable[..., Result], database: Path
) -> None:
    with open_warehouse(Settings(database=database, threads=1)) as con:
        con.execute("update raw.variants set genotype_load_id = 9 where chrom = '2'")
    assert [record[2] for record in records(export().stdout)] == ["2_7_C_A", "2_7_C_CT"]


def test_nothing_is_left_once_all_is_annotated(
    export: Callable[..., Result], database: Path, tmp_path: Path
) -> None:
    lines = [
        f"{each}\t{':'.join(each.split('_')[:2])}\tA\t-\t-\t-\tintergenic_variant"
        for each in VARIANTS
        if "<" not in each
    ]
    with open_warehouse(Settings(database=database, threads=1)) as con:
        load(con, "annotations", write_text(tmp_path, "more.txt", VEP_COLUMNS, *lines))
    result = export("--out", str(tmp_path / "todo.vcf"))
    assert result.exit_code == 0
    assert records((tmp_path / "todo.vcf").read_text()) == []
    assert "0 of 7 variants lack a consequence" in result.stderr
