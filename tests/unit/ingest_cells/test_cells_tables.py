"""The tables of an h5ad file, in every encoding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5ad_files import TEXT, some_counts, write_h5ad, write_matrix

from varhouse.errors import DataError
from varhouse.ingest.cells.tables import Table

VALUES = ["b", "a", None, "b"]


def categories(group: h5py.Group) -> None:
    node = group.create_group("who")
    node.attrs["encoding-type"] = "categorical"
    node.create_dataset("categories", data=["b", "a", "unused"], dtype=TEXT)
    node.create_dataset("codes", data=np.array([0, 1, -1, 0], dtype=np.int8))


def categories_of_0_7(group: h5py.Group) -> None:
    names = group.create_dataset("__categories/who", data=["b", "a"], dtype=TEXT)
    node = group.create_dataset("who", data=np.array([0, 1, -1, 0], dtype=np.int8))
    node.attrs["categories"] = names.ref


def categories_of_seurat_disk(group: h5py.Group) -> None:
    group.create_dataset("__categories/who", data=["b", "a"], dtype=TEXT)
    # R's NA less the 1 that codes of R begin at
    group.create_dataset("who", data=np.array([0, 1, -(2**31), 0], dtype=np.int32))


def strings(group: h5py.Group) -> None:
    group.create_dataset("who", data=["b", " a ", "NA", "b"], dtype=TEXT)


def bytes_of_fixed_length(group: h5py.Group) -> None:
    group.create_dataset("who", data=np.array([b"b", b"a", b"", b"b"], dtype="S3"))


def nullable_strings(group: h5py.Group) -> None:
    node = group.create_group("who")
    node.attrs["encoding-type"] = "nullable-string-array"
    node.create_dataset("values", data=["b", "a", "x", "b"], dtype=TEXT)
    node.create_dataset("mask", data=np.array([False, False, True, False]))


def categories_that_differ_in_blanks(group: h5py.Group) -> None:
    node = group.create_group("who")
    node.create_dataset("categories", data=["b ", "a", "b", "nan"], dtype=TEXT)
    node.create_dataset("codes", data=np.array([0, 1, 3, 2], dtype=np.int16))


@pytest.mark.parametrize(
    "write",
    [
        categories,
        categories_of_0_7,
        categories_of_seurat_disk,
        strings,
        bytes_of_fixed_length,
        nullable_strings,
        categories_that_differ_in_blanks,
    ],
)
def test_labels(tmp_path: Path, write: Callable[[h5py.Group], None]) -> None:
    with h5py.File(tmp_path / "a.h5ad", "w") as file:
        group = file.create_group("obs")
        group.attrs["_index"] = "cells"
        group.create_dataset("cells", data=["1", "2", "3", "4"], dtype=TEXT)
        write(group)
        table = Table(tmp_path / "a.h5ad", file, "obs")
        assert (table.columns, table.n_rows) == (("who",), 4)
        labels = table.labels("who")
        assert labels.names == ("a", "b")
        assert [None if code < 0 else labels.names[code] for code in labels.codes] == VALUES
        assert table.texts("who").tolist() == [value or "" for value in VALUES]
        assert table.index().tolist() == ["1", "2", "3", "4"]


def test_the_index_may_have_a_mask_and_x_may_be_null(
    tmp_path: Path, load_cells: Callable[..., Any]
) -> None:
    counts = some_counts()
    path = write_h5ad(tmp_path / "a.h5ad", counts, where="counts")
    with h5py.File(path, "r+") as file:
        for name in ("obs", "var"):
            names = file[name]["_index"][:]
            del file[name]["_index"]
            file[name].create_dataset("_index/values", data=names)
            file[name].create_dataset("_index/mask", data=np.zeros(names.size, dtype=bool))
        del file["X"]
        file.create_dataset("X", data=h5py.Empty("f4"))
    report = load_cells(path)
    assert (report.n_read, report.n_loaded) == (8, 8)


def test_tables_of_the_first_files_are_one_dataset(
    tmp_path: Path, load_cells: Callable[..., Any]
) -> None:
    path = tmp_path / "a.h5ad"
    counts = some_counts(4, 2)
    counts[0, 0] = 3
    with h5py.File(path, "w") as file:
        obs = np.array(
            [(b"c1", 0, 0), (b"c2", 1, 0), (b"c3", -1, 0), (b"c4", 0, 0)],
            dtype=[("index", "S2"), ("donor", "i1"), ("cell_type", "i1")],
        )
        file["obs"] = obs
        file["var"] = np.array([(b"ENSG1",), (b"ENSG2",)], dtype=[("index", "S5")])
        file["raw.var"] = file["var"][:]
        file["uns/donor_categories"] = np.array([b"b", b"a"])
        file["uns/cell_type_categories"] = np.array([b"T"])
        file["X"] = counts / 3
        write_matrix(file, "raw.X", counts, "old-csr")
        table = Table(path, file, "obs")
        assert table.labels("donor").names == ("a", "b")
        assert table.labels("donor").codes.tolist() == [1, 0, -1, 1]
    report = load_cells(path)
    assert (report.n_read, report.n_loaded, report.rejected) == (4, 3, {"donor_missing": 1})


def test_numbers(tmp_path: Path) -> None:
    columns = {"age": np.array([1.5, np.nan]), "n": np.array([3, 4]), "who": ["a", "b"]}
    path = write_h5ad(tmp_path / "a.h5ad", some_counts(2), obs=columns)
    with h5py.File(path) as file:
        table = Table(path, file, "obs")
        assert table.numbers("who") is None
        assert table.numbers("n").tolist() == [3.0, 4.0]
        assert table.numbers("age")[0] == 1.5
        assert table.labels("n").names == ("3", "4")
        with pytest.raises(DataError, match=r"obs\['age'\] holds numbers with fractions"):
            table.labels("age")


def test_missing_whole_numbers_are_doubles_and_still_names(tmp_path: Path) -> None:
    columns = {"donor": np.array([7.0, np.nan])}
    path = write_h5ad(tmp_path / "a.h5ad", some_counts(2), obs=columns)
    with h5py.File(path) as file:
        labels = Table(path, file, "obs").labels("donor")
    assert (labels.names, labels.codes.tolist()) == (("7",), [0, -1])


def test_a_column_in_another_file_is_not_read(tmp_path: Path) -> None:
    other = write_h5ad(tmp_path / "other.h5ad", some_counts())
    path = write_h5ad(tmp_path / "a.h5ad", some_counts(), obs={"cell_type": ["T"] * 8})
    with h5py.File(path, "r+") as file:
        file["obs/donor_id"] = h5py.ExternalLink(str(other), "/obs/donor_id")
    with (
        h5py.File(path) as file,
        pytest.raises(DataError, match=r"obs\['donor_id'\] lies in another file"),
    ):
        Table(path, file, "obs").labels("donor_id")


def test_codes_without_category_are_refused(tmp_path: Path) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts())
    with h5py.File(path, "r+") as file:
        file["obs/donor_id/codes"][0] = 9
        with pytest.raises(DataError, match="codes without category"):
            Table(path, file, "obs").labels("donor_id")
