"""The smallest cases of what random files of cells showed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import h5py
import numpy as np
import pytest
from h5ad_files import (
    DONORS,
    GENES,
    TEXT,
    TYPES,
    some_counts,
    write_h5ad,
    write_matrix,
    write_table,
)

from varhouse.errors import DataError
from varhouse.ingest.cells import load as cells_load
from varhouse.ingest.load import LoadReport

Load = Callable[..., LoadReport]
OBS = {"donor_id": DONORS, "cell_type": TYPES}


def replace_entries(path: Path, layout: str, entries: list[tuple[int, int, float]]) -> None:
    """Write a sparse X of (cell, gene, value), in that order within a cell (a gene of CSC)."""
    major = 0 if layout == "csr" else 1
    ordered = sorted(entries, key=lambda entry: entry[major])
    n_major = (8, 6)[major]
    with h5py.File(path, "r+") as file:
        del file["X"]
        group = file.create_group("X")
        group.attrs["encoding-type"] = f"{layout}_matrix"
        group.attrs["shape"] = (8, 6)
        group["data"] = np.array([entry[2] for entry in ordered])
        group["indices"] = np.array([entry[1 - major] for entry in ordered])
        ends = [sum(entry[major] < row for entry in ordered) for row in range(n_major + 1)]
        group["indptr"] = np.array(ends)


@pytest.mark.parametrize("layout", ["csr", "csc"])
@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_two_values_of_a_cell_and_gene_are_refused(
    tmp_path: Path,
    load_cells: Load,
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    at_once: int,
) -> None:
    monkeypatch.setattr(cells_load, "_VALUES_AT_ONCE", (at_once, at_once))
    path = write_h5ad(tmp_path / "a.h5ad", some_counts())
    others = [(0, 1, 1.0), (7, 5, 2.0), (3, 0, 1.0)]
    # the two stand next to each other nowhere
    rows = [(4, 3, 1.0), (4, 5, 7.0), (4, 0, 3.0), (2, 3, 1.0), (5, 3, 2.0), (4, 3, 2.0)]
    replace_entries(path, layout, [*others, *rows])
    with pytest.raises(DataError, match="X has two values in cell 5, gene 4; one was wanted"):
        load_cells(path)


@pytest.mark.parametrize("layout", ["csr", "csc"])
@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_values_in_any_order_are_taken(
    tmp_path: Path,
    house: duckdb.DuckDBPyConnection,
    load_cells: Load,
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    at_once: int,
) -> None:
    monkeypatch.setattr(cells_load, "_VALUES_AT_ONCE", (at_once, at_once))
    counts = some_counts()
    entries = [(i, j, counts[i, j]) for i, j in np.ndindex(counts.shape) if counts[i, j]]
    path = write_h5ad(tmp_path / "a.h5ad", counts)
    replace_entries(path, layout, entries[::-1])
    load_cells(path)
    sums = house.execute("select sum(sum) from pseudobulk group by gene_id order by gene_id")
    assert [row[0] for row in sums.fetchall()] == counts.sum(axis=0).tolist()


def test_a_symbol_may_begin_like_an_ensembl_id(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    house.execute(
        "insert into raw.genes values ('ENSG00000143420', null, 'ENSA', '1', 1, 2, 1, 1, null, "
        "'protein_coding', [], 1)"
    )
    genes = ["ENSA", "ENSAP1", *GENES[2:]]
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), genes=genes))
    assert report.notes["gene_symbol_kept"] == 1
    found = house.execute("select gene_id from raw.pseudobulk_genes order by 1").fetchall()
    assert [row[0] for row in found] == ["ENSAP1", *GENES[2:], "ENSG00000143420"]


@pytest.mark.parametrize("dtype", ["f2", ">f4", "?", "u8"])
@pytest.mark.parametrize("layout", ["csr", "csc", "dense"])
def test_any_type_of_number_holds_counts(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load, dtype: str, layout: str
) -> None:
    counts = np.minimum(some_counts(), 1)
    path = write_h5ad(tmp_path / "a.h5ad", counts)
    with h5py.File(path, "r+") as file:
        if layout == "dense":
            del file["X"]
            file["X"] = counts.astype(dtype)
        else:
            data = file["X/data"][:].astype(dtype)
            del file["X/data"]
            file["X/data"] = data
    load_cells(path)
    assert house.execute("select sum(sum) from pseudobulk").fetchall() == [(counts.sum(),)]


@pytest.mark.parametrize("at_once", [5, 1000])
def test_a_fraction_anywhere_makes_the_next_matrix_that_of_counts(
    tmp_path: Path,
    house: duckdb.DuckDBPyConnection,
    load_cells: Load,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
) -> None:
    monkeypatch.setattr(cells_load, "_VALUES_AT_ONCE", (at_once, at_once))
    counts = some_counts()
    path = write_h5ad(tmp_path / "a.h5ad", counts)
    almost = counts.astype(np.float64)
    almost[7, 2] = 0.5
    with h5py.File(path, "r+") as file:
        raw = file.create_group("raw")
        write_matrix(raw, "X", almost)
        write_table(raw, "var", GENES, {})
    load_cells(path)
    assert house.execute("select sum(sum) from pseudobulk").fetchall() == [(counts.sum(),)]


def compound(index: list[str], **columns: list[Any]) -> np.ndarray:
    fields = [("index", TEXT)] + [
        (name, TEXT if isinstance(values[0], str) else np.int8) for name, values in columns.items()
    ]
    return np.array(list(zip(index, *columns.values(), strict=True)), dtype=fields)


def test_categories_of_the_first_files(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts())
    with h5py.File(path, "r+") as file:
        for name in ("obs", "var"):
            del file[name]
        file["obs"] = compound(
            [f"c{i}" for i in range(8)], donor_id=[0, 0, 1, 1, 1, 0, 1, 1], cell_type=[0] * 8
        )
        file["var"] = compound(GENES[:6], feature_id=[0] * 6)
        # raw.var lost its own; those under its name belong to var
        file["raw.var"] = compound(GENES[:6], feature_id=[3, 2, 1, 0, 4, 5])
        file.move("X", "raw.X")
        file["X"] = np.full((8, 6), 0.5)
        file["uns/donor_id_categories"] = ["D1", "D2"]
        # one category is no list
        file["uns/cell_type_categories"] = "T cell"
        file["uns/feature_id_categories"] = "exon"
    load_cells(path)
    groups = house.execute("select cell_type, donor_id, n_cells from raw.pseudobulk_donors")
    assert groups.fetchall() == [("T cell", "D1", 3), ("T cell", "D2", 5)]
    genes = house.execute("select gene_id from raw.pseudobulk_genes order by 1").fetchall()
    assert [row[0] for row in genes] == GENES[:6]


def test_numbers_are_spelled_alike_in_every_encoding(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts())
    with h5py.File(path, "r+") as file:
        del file["obs/donor_id/categories"]
        file["obs/donor_id/categories"] = np.array([7.0, 10.0, 12.0])
        node = file["obs"].create_group("sex")
        node["categories"] = np.array([1.0, 2.0])
        node["codes"] = np.array([0, 0, 1, 1, 1, 0, -1, -1], dtype=np.int8)
    load_cells(path)
    donors = house.execute("select donor_id, sex from donors order by all").fetchall()
    assert donors == [("10", 2), ("12", None), ("7", 1)]


@pytest.mark.parametrize(
    "sex",
    [np.full(8, 1.5), ["one", "two"] * 4, np.arange(8) > 3, ["T", "F"] * 4],
    ids=["half", "words", "truth", "short truth"],
)
def test_a_sex_that_is_not_understood_is_counted(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load, sex: Any
) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts(), obs={**OBS, "sex": sex})
    assert load_cells(path).notes["sex_unclear"] == 1
    assert house.execute("select sex from donors").fetchall() == [(None,)] * 3


def test_donors_of_a_sex_that_is_not_understood_are_counted(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    words = {"D1": "F", "D2": "intersex", "D3": "man"}
    obs = {**OBS, "sex": [words[donor] for donor in DONORS]}
    path = write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs)
    assert load_cells(path).notes["sex_unreadable"] == 2
    donors = house.execute("select sex from donors order by donor_id").fetchall()
    assert donors == [(2,), (None,), (None,)]


def test_an_unknown_sex_is_not_unclear(tmp_path: Path, load_cells: Load) -> None:
    sex = ["unknown", "U"] * 4
    path = write_h5ad(tmp_path / "a.h5ad", some_counts(), obs={**OBS, "sex": sex})
    assert {"sex_unclear", "sex_unreadable"}.isdisjoint(load_cells(path).notes)


def test_nobody_is_no_donor(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    donors = ["D1", "doublet", "unassigned", "D1", "<NA>", "Unknown", "pooled", "twins"]
    path = write_h5ad(
        tmp_path / "a.h5ad", some_counts(), obs={"donor_id": donors, "cell_type": TYPES}
    )
    (tmp_path / "ids.tsv").write_text("pooled\tD2\ntwins\tdoublet\n")
    report = load_cells(path, id_map=tmp_path / "ids.tsv")
    assert report.rejected == {"donor_missing": 5}
    assert house.execute("select donor_id from donors order by all").fetchall() == [
        ("D1",), ("D2",),
    ]  # fmt: skip
    assert house.execute("select distinct donor_id from covariates").fetchall() == [
        ("D1",), ("D2",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("n_primary", "kind", "told"),
    [(0, bool, None), (6, bool, 2), (6, float, 2), (8, bool, None)],
)
def test_cells_of_another_data_set_are_told(
    tmp_path: Path, load_cells: Load, n_primary: int, kind: type, told: int | None
) -> None:
    primary = (np.arange(8) < n_primary).astype(kind)
    obs = {"donor_id": DONORS, "cell_type": TYPES, "is_primary_data": primary}
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs))
    assert report.notes.get("cells_not_primary") == told


@pytest.mark.parametrize("column", ["psbulk_n_cells", "n_obs_aggregated"])
def test_sums_over_cells_are_no_cells(tmp_path: Path, load_cells: Load, column: str) -> None:
    counts = some_counts()[:3]
    obs = {"donor_id": ["D1", "D2", "D3"], "cell_type": ["T"] * 3, column: np.array([5, 6, 7])}
    with pytest.raises(DataError, match=rf"sums over cells, not cells: obs\['{column}'\]"):
        load_cells(write_h5ad(tmp_path / "a.h5ad", counts, obs=obs))


def test_an_id_map_to_donors_without_genotypes_is_told_of(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    names = tmp_path / "names.tsv"
    names.write_text("D1\tP1\n", encoding="utf-8")
    house.execute(
        "insert into raw.donors by name "
        "select 0 as donor_idx, 'Q.1' as donor_id, true as is_genotyped, 1 as load_id"
    )
    with pytest.raises(DataError, match=r"names\.tsv was used: .* 1 are ids here now and 0 have"):
        load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts()), id_map=names)
