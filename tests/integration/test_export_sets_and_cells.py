"""Exported pseudobulk, and the variant sets of the rare-variant tests for other tools."""

from __future__ import annotations

from pathlib import Path

import duckdb
import h5py
import numpy as np
import pytest
import scipy.sparse as sp
from tests.expression import add_expression
from tests.loading import load_one
from tests.rvat import Cohort
from tests.v2g import build, empty_warehouse

from varhouse.errors import UsageError
from varhouse.export.h5ad import write_anndata
from varhouse.export.sets import write_regenie_sets, write_saige_groups
from varhouse.export.tables import write_table
from varhouse.ingest.variants import renumber
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

MASKS = {"all": {}, "high cadd": {"min_score": {"CADD_RAW": 0.5}}, "never": {"impact": ["HIGH"]}}
WINDOW, MAX_MAF = 20_000, 0.05


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return Cohort()


@pytest.fixture(scope="module")
def house(cohort: Cohort):
    """A warehouse whose rare-variant tests are built with three masks."""
    with empty_warehouse() as con:
        cohort.load(con)
        build(
            con, select=["+as_saige_gene +as_regenie_gene"], cis_window_bp=WINDOW, masks=MASKS,
            max_maf=[0.01, MAX_MAF],
        )  # fmt: skip
        yield con


def expected_members(cohort: Cohort) -> dict[str, dict[str, str]]:
    """Gene -> variant -> annotation, by plain loops over the arrays of the cohort."""
    from tests.rvat import CELL_TYPES, GENES

    found: dict[str, dict[str, str]] = {}
    for g, (gene, (start, end, _)) in enumerate(GENES.items()):
        for v, pos in enumerate(cohort.positions):
            if not start - WINDOW <= pos <= end + WINDOW:
                continue
            for cell_type in CELL_TYPES:
                calls = cohort.dosages[cohort.donors[cell_type], v]
                af = np.nanmean(calls) / 2
                if 0 < min(af, 1 - af) < MAX_MAF:
                    high = cohort.cadd[g, v] >= 0.5
                    annotation = "all+high_cadd" if high else "all"
                    found.setdefault(gene, {})[f"1_{pos}_A_C"] = annotation
    return found


def test_regenie_files_hold_the_sets(
    house: duckdb.DuckDBPyConnection, cohort: Cohort, tmp_path: Path
) -> None:
    expected = expected_members(cohort)
    written = write_regenie_sets(house, tmp_path / "r")
    assert written.n_members == sum(map(len, expected.values())) > 20
    found: dict[str, dict[str, str]] = {}
    for line in (tmp_path / "r.annotations.txt").read_text().splitlines():
        variant, gene, annotation = line.split("\t")
        found.setdefault(gene, {})[variant] = annotation
    assert found == expected
    for line in (tmp_path / "r.sets.txt").read_text().splitlines():
        gene, chrom, first, members = line.split("\t")
        positions = [int(name.split("_")[1]) for name in members.split(",")]
        assert (chrom, int(first)) == ("1", positions[0])
        assert positions == sorted(positions)
        assert set(members.split(",")) == expected[gene].keys()
    masks = (tmp_path / "r.masks.txt").read_text().splitlines()
    assert masks == ["all\tall,all+high_cadd", "high_cadd\tall+high_cadd"]


def test_a_saige_group_is_two_lines_a_gene(
    house: duckdb.DuckDBPyConnection, cohort: Cohort, tmp_path: Path
) -> None:
    expected = expected_members(cohort)
    written = write_saige_groups(house, tmp_path / "g.txt")
    assert written.masks == {"all": ["all", "all+high_cadd"], "high_cadd": ["all+high_cadd"]}
    lines = [line.split(" ") for line in (tmp_path / "g.txt").read_text().splitlines()]
    assert [line[1] for line in lines] == ["var", "anno"] * len(expected)
    for variants, words in zip(lines[::2], lines[1::2], strict=True):
        assert variants[0] == words[0]
        names = [name.replace(":", "_") for name in variants[2:]]
        assert dict(zip(names, words[2:], strict=True)) == expected[variants[0]]


def test_gene_based_tests_are_there_as_regenie_and_saige_name_them(
    house: duckdb.DuckDBPyConnection,
) -> None:
    n_burden, n_skat = house.execute(
        "select (select count(*) from rvat_burden), (select count(*) from rvat_skat)"
    ).fetchall()[0]
    found = dict(
        house.execute('select "TEST", count(*) from as_regenie_gene group by all').fetchall()
    )
    assert found == {"ADD": n_burden, "ADD-SKAT": n_skat}
    pairs = house.execute("""
        select "Pvalue_SKAT", skat.p_value, "Pvalue_Burden", burden.p_value
        from as_saige_gene
        inner join rvat_skat as skat
            on skat.gene_id = "Region" and skat.cell_type = as_saige_gene.cell_type
            and skat.mask = "Group" and skat.max_maf = as_saige_gene."max_MAF"
        inner join rvat_burden as burden
            on burden.gene_id = "Region" and burden.cell_type = as_saige_gene.cell_type
            and burden.mask = "Group" and burden.max_maf = as_saige_gene."max_MAF"
            and burden.weight = 'maf_beta'
    """).fetchall()
    assert len(pairs) == n_skat
    assert all(row[0] == row[1] and row[2] == row[3] for row in pairs)


@pytest.mark.parametrize("view", ["as_regenie_gene", "as_saige_gene"])
def test_a_value_that_is_missing_leaves_no_cell_empty(
    house: duckdb.DuckDBPyConnection, tmp_path: Path, view: str
) -> None:
    write_table(house, view, tmp_path / "tests.tsv")
    lines = (tmp_path / "tests.tsv").read_text().splitlines()
    assert "" not in {cell for line in lines for cell in line.split("\t")}


def test_a_load_after_the_tests_changes_no_set(
    house: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write_regenie_sets(house, tmp_path / "before")
    house.begin()
    # it comes first in the order of variants
    house.execute(
        "insert into raw.variants values (99999, '1_1_C_T', '1', 1, 'C', 'T', null, 1, 1)"
    )
    renumber(house)
    write_regenie_sets(house, tmp_path / "after")
    house.rollback()
    for what in ("sets", "annotations", "masks"):
        before, after = (tmp_path / f"{when}.{what}.txt" for when in ("before", "after"))
        assert after.read_text() == before.read_text() != ""


def test_masks_that_become_one_name_are_refused(tmp_path: Path) -> None:
    with empty_warehouse() as con:
        con.execute("create table int_rvat__asked as select unnest(['a b', 'a+b']) as mask, "
                    "unnest([0, 1]) as set_idx")  # fmt: skip
        con.execute("create table int_rvat__pairs as select 0 as gene_idx, 0 as variant_idx, "
                    "[true, true] as in_sets")  # fmt: skip
        con.execute("create table int_rvat__genes as select 0 as gene_idx, 'G' as gene_id, "
                    "'1' as chrom")  # fmt: skip
        con.execute("create table int_rvat__variants as select 0 as variant_idx, "
                    "'1_2_A_C' as variant_id")  # fmt: skip
        con.execute("insert into raw.variants values (0, '1_2_A_C', '1', 2, 'A', 'C', null, 1, 1)")
        with pytest.raises(UsageError, match=r"masks a b, a\+b: two are the same name"):
            write_saige_groups(con, tmp_path / "g.txt")


def test_sets_ask_for_the_tests_first(tmp_path: Path) -> None:
    with empty_warehouse() as con, pytest.raises(UsageError, match="varhouse rvat"):
        write_saige_groups(con, tmp_path / "g.txt")
    assert not (tmp_path / "g.txt").exists()


def dense(group: h5py.Group) -> np.ndarray:
    parts = (group["data"][:], group["indices"][:], group["indptr"][:])
    return sp.csr_matrix(parts, shape=tuple(group.attrs["shape"])).toarray()


@pytest.fixture
def pseudobulk(tmp_path: Path) -> Path:
    """A warehouse with sums and means, one of whose genes a load did not measure."""
    path = tmp_path / "p.duckdb"
    with open_warehouse(Settings(database=path, threads=1)) as con:
        first, second = (f"ENSG{gene:011d}" for gene in (1, 2))
        add_expression(
            con,
            groups=[("T", "D2", 3), ("T", "D1", 2)],
            genes=[first, second],
            values=[("T", first, "D1", 5, 0.5), ("T", second, "D2", 7, 0.75)],
        )
        add_expression(
            con,
            groups=[("B", "D1", 4)],
            genes=[first],
            values=[("B", first, "D1", 1, 0.125)],
            load_id=2,
        )
    return path


def test_anndata_has_a_row_for_each_group(pseudobulk: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.h5ad"
    with open_warehouse(Settings(database=pseudobulk, threads=1), read_only=True) as con:
        written = write_anndata(con, out)
    assert written == (3, 2, 4)
    nan = np.nan
    with h5py.File(out) as file:
        assert [name.decode() for name in file["obs/_index"]] == ["B|D1", "T|D1", "T|D2"]
        assert file["obs/n_cells"][:].tolist() == [4, 2, 3]
        np.testing.assert_array_equal(dense(file["X"]), [[1, nan], [5, 0], [0, 7]])
        np.testing.assert_array_equal(
            dense(file["layers/mean"]), [[0.125, nan], [0.5, 0], [0, 0.75]]
        )


def test_sums_of_exported_anndata_load_again(pseudobulk: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "p.h5ad", tmp_path / "again.duckdb"
    sql = "select cell_type, donor_id, gene_id, sum from pseudobulk order by all"
    with open_warehouse(Settings(database=pseudobulk, threads=1)) as con:
        con.execute(
            "delete from raw.pseudobulk where group_idx in "
            "(select group_idx from raw.pseudobulk_donors where load_id = 2)"
        )
        for table in ("pseudobulk_donors", "pseudobulk_genes"):
            con.execute(f"delete from raw.{table} where load_id = 2")
        expected = con.execute(sql).fetchall()
        write_anndata(con, out)
    with open_warehouse(Settings(database=again, threads=1)) as con:
        report = load_one(con, "cells", out)
        assert report.notes["cells_maybe_sums"] == len({row[:2] for row in expected})
        assert con.execute(sql).fetchall() == expected


def test_an_exported_table_of_pseudobulk_loads_as_the_same(
    pseudobulk: Path, tmp_path: Path
) -> None:
    out, again = tmp_path / "p.parquet", tmp_path / "again.duckdb"
    sql = "from pseudobulk where sum is not null or mean is not null order by all"
    with open_warehouse(Settings(database=pseudobulk, threads=1), read_only=True) as con:
        expected = con.execute(sql).fetchall()
        write_table(con, "pseudobulk", out, with_persons=True)
    with open_warehouse(Settings(database=again, threads=1)) as con:
        load_one(con, "pseudobulk", out)
        assert con.execute(sql).fetchall() == expected


def test_anndata_itself_reads_it(pseudobulk: Path, tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    out = tmp_path / "p.h5ad"
    with open_warehouse(Settings(database=pseudobulk, threads=1), read_only=True) as con:
        write_anndata(con, out)
    data = anndata.read_h5ad(out)
    assert data.obs["donor_id"].tolist() == ["D1", "D1", "D2"]
    assert data.var_names.tolist() == ["ENSG00000000001", "ENSG00000000002"]
    np.testing.assert_array_equal(data.X.toarray()[1:], [[5, 0], [0, 7]])
