"""Cells into groups: against a loop over cells, in every layout of file."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import duckdb
import h5py
import numpy as np
import pytest
from h5ad_files import DONORS, GENES, TYPES, some_counts, write_h5ad
from tests.loading import load_one

from varhouse.errors import DataError, UsageError
from varhouse.ingest.cells import load as cells_load
from varhouse.ingest.load import LoadReport
from varhouse.warehouse import create_schema

Load = Callable[..., LoadReport]
Groups = dict[tuple[str, str, str], tuple[float | None, float]]


def by_hand(counts: np.ndarray, donors: list[str], types: list[str]) -> Groups:
    """Add up cell by cell: the sum of counts, the mean of log(1 + counts scaled to the median)."""
    totals = [sum(row) for row in counts.tolist()]
    target = float(np.median([total for total in totals if total > 0]))
    found: Groups = {}
    for gene_no, gene in enumerate(GENES):
        for group in sorted(set(zip(types, donors, strict=True))):
            cells = [i for i, pair in enumerate(zip(types, donors, strict=True)) if pair == group]
            logs = [
                math.log(1 + counts[i, gene_no] * target / totals[i]) if totals[i] else 0.0
                for i in cells
            ]
            total = sum(float(counts[i, gene_no]) for i in cells)
            found[(group[0], gene, group[1])] = (total, sum(logs) / len(cells))
    return found


def stored(con: duckdb.DuckDBPyConnection) -> Groups:
    rows = con.execute("select cell_type, gene_id, donor_id, sum, mean from pseudobulk").fetchall()
    assert len(rows) == len({row[:3] for row in rows})
    return {row[:3]: row[3:] for row in rows}


def assert_same(found: Groups, wanted: Groups) -> None:
    assert found.keys() == wanted.keys()
    for key, (total, mean) in wanted.items():
        assert found[key][0] == total, key
        assert found[key][1] == pytest.approx(mean, rel=1e-12, abs=1e-15), key


@pytest.mark.parametrize("layout", ["csr", "csc", "dense", "old-csr"])
@pytest.mark.parametrize("where", ["X", "raw", "counts"])
def test_groups_equal_a_loop_over_cells(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load, layout: str, where: str
) -> None:
    counts = some_counts()
    report = load_cells(
        write_h5ad(tmp_path / "a.h5ad", counts.astype(np.float32), layout=layout, where=where)
    )
    assert (report.n_read, report.n_loaded) == (8, 8)
    assert_same(stored(house), by_hand(counts, DONORS, TYPES))


@pytest.mark.parametrize("layout", ["csr", "csc", "dense"])
@pytest.mark.parametrize("n_cells_at_once", [1, 3])
def test_small_blocks_and_parts_change_nothing(
    tmp_path: Path,
    house: duckdb.DuckDBPyConnection,
    load_cells: Load,
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    n_cells_at_once: int,
) -> None:
    counts = some_counts()
    monkeypatch.setattr(cells_load, "_VALUES_AT_ONCE", (n_cells_at_once, n_cells_at_once))
    # so little memory that every group is a part of its own
    monkeypatch.setattr(cells_load, "_SUMS_SHARE", 10**15)
    load_cells(write_h5ad(tmp_path / "a.h5ad", counts, layout=layout))
    assert_same(stored(house), by_hand(counts, DONORS, TYPES))


def test_zeros_are_in_the_view_and_not_in_the_table(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts()))
    n_zero = house.execute("select count(*) from raw.pseudobulk where sum = 0").fetchall()[0][0]
    never = house.execute(
        "select count(*), max(sum), max(mean) from pseudobulk where gene_id = ?", [GENES[-1]]
    ).fetchall()[0]
    assert n_zero == 0
    assert never == (5, 0, 0)


def test_a_donor_without_cells_of_a_type_has_no_row(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts()))
    groups = house.execute(
        "select distinct cell_type, donor_id, n_cells from pseudobulk order by all"
    ).fetchall()
    assert groups == [
        ("B", "D1", 1),
        ("B", "D2", 1),
        ("B", "D3", 2),
        ("T", "D1", 2),
        ("T", "D2", 2),
    ]


def test_cells_without_donor_or_type_are_counted_and_left_out(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    obs = {
        "donor_id": [None, "D1", "D2", "", "D2", "D1", "D3", "D3"],
        "cell_type": ["T", "B", None, "T", "B", "T", "B", "NA"],
    }
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs))
    assert report.rejected == {"donor_missing": 2, "cell_type_missing": 2}
    assert (report.n_read, report.n_loaded) == (8, 4)
    lines = house.execute(
        "select code, line from load_issues where code like '%missing' order by code"
    ).fetchall()
    assert lines == [("cell_type_missing", 3), ("donor_missing", 1)]


def test_the_median_is_over_all_cells_of_the_file(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    counts = np.array([[2, 2], [10, 10], [30, 30]])
    obs = {"donor_id": ["D1", None, None], "cell_type": ["T", "T", "T"]}
    load_cells(write_h5ad(tmp_path / "a.h5ad", counts, obs=obs, genes=GENES[:2]))
    # totals 4, 20, 60: the first cell is scaled to 20
    assert house.execute("select distinct mean from raw.pseudobulk").fetchall() == [
        (pytest.approx(math.log(11), rel=1e-15),)
    ]


def test_columns_are_found_by_their_usual_names_and_said(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    obs = {"Individual": DONORS, "cell_label": TYPES, "other": DONORS}
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs))
    assert report.notes == {"columns_taken": 2}
    message = house.execute("select message from load_issues").fetchall()
    assert message == [("donor from obs['Individual'], cell type from obs['cell_label']",)]


def test_named_columns_come_first(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    obs = {"donor_id": ["pool"] * 8, "person": DONORS, "cell_type": ["x"] * 8, "mine": TYPES}
    path = write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs)
    report = load_cells(path, donor_column="person", cell_type_column="mine")
    assert report.notes == {}
    assert_same(stored(house), by_hand(some_counts(), DONORS, TYPES))


def test_feature_names_the_type_of_all_cells(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts(), obs={"donor_id": DONORS})
    load_cells(path, feature="T cell")
    assert_same(stored(house), by_hand(some_counts(), DONORS, ["T cell"] * 8))


def test_whole_numbers_are_donor_ids_and_leading_zeros_stay(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    obs = {"donor_id": np.array([1, 1, 2, 2, 2, 1, 3, 3]), "cell_type": TYPES}
    load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs))
    obs = {"donor_id": ["001"] * 8, "cell_type": TYPES}
    load_cells(write_h5ad(tmp_path / "b.h5ad", some_counts(), obs=obs))
    donors = house.execute("select donor_id from donors order by 1").fetchall()
    assert donors == [("001",), ("1",), ("2",), ("3",)]


def test_the_id_map_renames_donors_and_joins_their_cells(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    names = tmp_path / "names.tsv"
    names.write_text("D1\tP1\nD3\tP1\n", encoding="utf-8")
    load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts()), id_map=names)
    donors = ["P1" if name in ("D1", "D3") else name for name in DONORS]
    assert_same(stored(house), by_hand(some_counts(), donors, TYPES))


def test_a_named_matrix_without_counts_gives_means_of_its_values_and_no_sums(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    values = some_counts() / 4
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", values), layer="X")
    assert report.notes["not_counts"] == 8
    found = stored(house)
    assert {total for total, _ in found.values()} == {None}
    cells = [i for i in range(8) if (DONORS[i], TYPES[i]) == ("D1", "T")]
    for gene_no, gene in enumerate(GENES):
        assert found[("T", gene, "D1")][1] == values[cells, gene_no].mean()


BAD_VALUES = {
    "no counts": (0.5, None, "X is not integer counts; no raw.X or layers['counts']"),
    "negative": (-1.0, None, "1 negative"),
    "not a number": (np.nan, None, "1 NaN or infinite"),
    "infinite": (np.inf, "X", "1 NaN or infinite; the first in cell 3, gene 2"),
    "negative, named": (-0.5, "X", "1 negative; the first in cell 3, gene 2 (ENSG00000000002)"),
}


@pytest.mark.parametrize("layout", ["csr", "csc", "dense"])
@pytest.mark.parametrize("case", BAD_VALUES)
def test_values_that_are_no_counts_are_refused(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load, case: str, layout: str
) -> None:
    value, layer, told = BAD_VALUES[case]
    counts = some_counts().astype(np.float64)
    counts[2, 1] = value
    path = write_h5ad(tmp_path / "a.h5ad", counts, layout=layout)
    with pytest.raises(DataError) as caught:
        load_cells(path, layer=layer)
    assert told in str(caught.value)
    assert house.execute("select count(*) from raw.pseudobulk_donors").fetchall() == [(0,)]


def test_a_fraction_behind_the_first_block_is_found(
    tmp_path: Path, load_cells: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells_load, "_VALUES_AT_ONCE", (5, 5))
    counts = some_counts().astype(np.float64)
    counts[7, 2] = 1.5
    with pytest.raises(DataError, match=r"1 with a fraction; the first in cell 8, gene 3"):
        load_cells(write_h5ad(tmp_path / "a.h5ad", counts))


def test_a_matrix_of_zeros_is_refused(tmp_path: Path, load_cells: Load) -> None:
    with pytest.raises(DataError, match="zero in every cell"):
        load_cells(write_h5ad(tmp_path / "a.h5ad", np.zeros((8, 6))))


def test_a_file_without_cells_is_refused(tmp_path: Path, load_cells: Load) -> None:
    with pytest.raises(DataError, match="empty"):
        load_cells(write_h5ad(tmp_path / "a.h5ad", np.zeros((0, 6)), obs={}))


def test_unknown_layers_and_columns_are_named_with_what_there_is(
    tmp_path: Path, load_cells: Load
) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts(), where="counts")
    with pytest.raises(DataError, match=r"no layers\['spliced'\]; matrices found: X, layers"):
        load_cells(path, layer="spliced")
    with pytest.raises(DataError, match="no column person; columns found: cell_type, donor_id"):
        load_cells(path, donor_column="person")
    anonymous = write_h5ad(tmp_path / "b.h5ad", some_counts(), obs={"cell_type": TYPES})
    with pytest.raises(DataError, match="--donor-column"):
        load_cells(anonymous)
    untyped = write_h5ad(tmp_path / "c.h5ad", some_counts(), obs={"donor_id": DONORS})
    with pytest.raises(DataError, match=r"--cell-type-column; --feature NAME"):
        load_cells(untyped)


def test_a_group_is_loaded_once(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts())
    load_cells(path)
    assert load_cells(path).status == "already loaded"
    other = write_h5ad(tmp_path / "b.h5ad", some_counts(seed=8))
    with pytest.raises(DataError, match=r"5 of its 5 groups of cells were loaded before: donor D1"):
        load_cells(other)


def test_no_donor_with_genotypes_is_an_error_and_few_are_told(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    house.execute("insert into raw.donors values (0, 'X1', true, null, 1)")
    path = write_h5ad(tmp_path / "a.h5ad", some_counts())
    with pytest.raises(DataError, match="0 donors in both, 3 only in this file"):
        load_cells(path)
    house.execute("insert into raw.donors values (1, 'D1', true, null, 1)")
    assert load_cells(path).notes["donors_without_genotypes"] == 2


@pytest.mark.parametrize("part", ["indices", "indptr"])
def test_a_matrix_whose_parts_do_not_fit_is_refused(
    tmp_path: Path, load_cells: Load, part: str
) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts())
    with h5py.File(path, "r+") as file:
        file["X"][part][-1] = 99
    with pytest.raises(DataError, match="damaged"):
        load_cells(path)


def test_a_file_cut_short_is_refused(tmp_path: Path, load_cells: Load) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="cut short"):
        load_cells(path)


def test_what_is_not_hdf5_is_refused(tmp_path: Path, load_cells: Load) -> None:
    path = tmp_path / "a.h5ad"
    path.write_text("donor_id\tcell_type\n", encoding="utf-8")
    with pytest.raises(DataError, match="not a known format of cells"):
        load_cells(path)


def test_options_of_other_kinds_are_refused(tmp_path: Path, load_cells: Load) -> None:
    with pytest.raises(UsageError, match="--min-maf"):
        load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts()), min_maf=0.1)


def test_messages_hold_no_cell_names(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    obs = {"donor_id": [None, *DONORS[1:]], "cell_type": TYPES}
    load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs))
    told = house.execute("select * from load_issues").fetchall()
    assert not any("cell0" in str(row) for row in told)


def test_normalising_twice_equals_a_loop_over_cells(
    tmp_path: Path,
    house: duckdb.DuckDBPyConnection,
    load_cells: Load,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cells_load, "_VALUES_AT_ONCE", (3, 3))
    counts = some_counts()
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", counts), normalise_twice=True)
    assert (report.n_read, report.n_loaded) == (8, 8)
    totals = counts.sum(axis=1)
    once = np.zeros(counts.shape)
    for i in np.flatnonzero(totals):
        once[i] = np.log1p(counts[i] * np.median(totals[totals > 0]) / totals[i])
    again = by_hand(once, DONORS, TYPES)
    wanted = {key: (sums[0], again[key][1]) for key, sums in by_hand(counts, DONORS, TYPES).items()}
    assert_same(stored(house), wanted)


def test_components_are_those_of_the_values_normalised_twice(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    values = some_counts().astype(np.float64)
    load_cells(write_h5ad(tmp_path / "a.h5ad", values), normalise_twice=True)
    for _ in range(2):
        totals = values.sum(axis=1, keepdims=True)
        target = np.median(totals[totals > 0])
        values = np.log1p(values * target / np.where(totals > 0, totals, 1))
    sql = "from covariates where starts_with(covariate, 'expression_pc') order by all"
    with duckdb.connect() as other:
        create_schema(other)
        load_one(other, "cells", write_h5ad(tmp_path / "b.h5ad", values), layer="X")
        wanted = other.execute(sql).fetchall()
    found = house.execute(sql).fetchall()
    assert [row[:2] for row in found] == [row[:2] for row in wanted]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in wanted], abs=1e-9)
    assert len(found) >= len(set(DONORS))


def test_a_file_is_not_taken_again_with_other_values(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts())
    load_cells(path, normalise_twice=True)
    assert load_cells(path, normalise_twice=True).status == "already loaded"
    with pytest.raises(DataError, match="with --normalise-twice, now asked for with no --norm"):
        load_cells(path)


def test_values_that_are_no_counts_are_not_normalised_twice(
    tmp_path: Path, load_cells: Load
) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts() / 4)
    with pytest.raises(DataError, match="--normalise-twice: X holds no counts"):
        load_cells(path, layer="X", normalise_twice=True)


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [("1GiB", 2**30, 2**30), ("300MB", 299e6, 301e6), ("none", 2**50, math.inf)],
)
def test_the_memory_limit_is_read_as_duckdb_tells_it(
    house: duckdb.DuckDBPyConnection, said: str, least: float, most: float
) -> None:
    house.execute(f"set memory_limit = '{said}'")
    assert least <= cells_load._memory_limit(house) <= most
