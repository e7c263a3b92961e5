"""Exports beside the reference files of the cohort that was loaded."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest
from load_inputs import load

from varhouse.export.h5ad import write_anndata
from varhouse.export.plink1 import write_plink1
from varhouse.export.vcf import write_vcf
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

pytestmark = pytest.mark.shared


def columns(path: Path, *wanted: int) -> list[list[str]]:
    rows = [line.split() for line in path.read_text().splitlines()]
    return [[row[place] for place in wanted] for row in rows]


def calls(path: Path) -> dict[tuple[str, str, str, str], list[str]]:
    found = {}
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        if not line.startswith("#"):
            chrom, pos, _, ref, alt, *_ = fields = line.split("\t")
            kinds = [field.split(":")[0].replace("|", "/") for field in fields[9:]]
            found[chrom.removeprefix("chr"), pos, ref, alt] = [
                "0/1" if kind == "1/0" else kind for kind in kinds
            ]
    return found


@pytest.fixture
def house(tmp_path: Path):
    with open_warehouse(Settings(database=tmp_path / "house.duckdb", threads=2)) as con:
        yield con


def test_plink_and_vcf_are_the_files_that_were_loaded(
    shared_data: Path, house: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    cohort = shared_data / "formats" / "e2e_chr21" / "donors120_chr21"
    load(house, "genotypes", cohort.with_suffix(".bed"), build="GRCh38")
    written = write_plink1(house, tmp_path / "out")
    assert written == (927, 120, 0)
    assert columns(tmp_path / "out.fam", 1, 4) == columns(cohort.with_suffix(".fam"), 1, 4)
    # place, A1 and A2; both are in the order of positions
    assert columns(tmp_path / "out.bim", 3, 4, 5) == columns(cohort.with_suffix(".bim"), 3, 4, 5)
    assert (tmp_path / "out.bed").read_bytes() == cohort.with_suffix(".bed").read_bytes()
    write_vcf(house, tmp_path / "out.vcf.gz", contig_lengths={})
    assert calls(tmp_path / "out.vcf.gz") == calls(cohort.with_suffix(".vcf.gz"))


def test_sums_of_exported_anndata_are_those_of_the_cells(
    shared_data: Path, house: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    import h5py

    cells = shared_data / "formats" / "e2e_chr21" / "cells559_rawcounts.h5ad"
    load(house, "cells", cells, build=None)
    written = write_anndata(house, tmp_path / "out.h5ad")
    with h5py.File(tmp_path / "out.h5ad") as file:
        assert file["X/data"][:].sum() == 3_619_954
        assert file["obs/n_cells"][:].sum() == 559
        assert file["X"].attrs["shape"].tolist() == [written.n_groups, written.n_genes]
