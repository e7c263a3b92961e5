"""Real h5ad files, counted with h5py, numpy and scipy alone; damaged ones, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import h5py
import numpy as np
import pytest
import scipy.sparse as sp
from tests.loading import load_one

from varhouse.errors import DataError, VarhouseError
from varhouse.warehouse import create_schema

E2E = "formats/e2e_chr21/cells559_rawcounts.h5ad"


@pytest.fixture
def house() -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect()
    create_schema(con)
    yield con
    con.close()


@pytest.fixture(scope="module")
def e2e_house(shared_data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a warehouse with the cells of the e2e file; its cells are not to be changed."""
    con = duckdb.connect()
    create_schema(con)
    load_one(con, "cells", shared_data / E2E)
    yield con
    con.close()


@pytest.mark.shared
def test_counts_of_the_e2e_file(e2e_house: duckdb.DuckDBPyConnection) -> None:
    assert e2e_house.execute(
        "select n_read, n_loaded from load_manifest where kind = 'cells'"
    ).fetchall() == [(559, 559)]
    assert e2e_house.execute(
        "select count(distinct donor_id), sum(sum) from pseudobulk where sum > 0"
    ).fetchall() == [(120, 3619954)]
    assert e2e_house.execute("select count(*) from raw.pseudobulk_genes").fetchall() == [(32786,)]
    of_type = dict(
        e2e_house.execute(
            "select cell_type, sum(n_cells) from raw.pseudobulk_donors group by cell_type"
        ).fetchall()
    )
    assert of_type == {"T cell": 107, "B cell": 26, "NK cell": 66, "Monocyte": 359, "Other": 1}


@pytest.mark.shared
def test_groups_of_the_e2e_file_equal_a_product_in_memory(
    shared_data: Path, e2e_house: duckdb.DuckDBPyConnection
) -> None:
    with h5py.File(shared_data / E2E) as file:
        x = file["X"]
        counts = sp.csr_matrix((x["data"][:], x["indices"][:], x["indptr"][:]), x.attrs["shape"])
        genes = file["var/_index"].asstr()[:].astype(object)
        names = {
            column: file[f"obs/{column}/categories"].asstr()[:][file[f"obs/{column}/codes"][:]]
            for column in ("donor_id", "cell_type")
        }
    keys = names["cell_type"] + "/" + names["donor_id"]
    groups, group = np.unique(keys, return_inverse=True)
    indicator = sp.csr_matrix((np.ones(559), (group, np.arange(559))))
    totals = np.asarray(counts.sum(axis=1)).ravel().astype(np.float64)
    logs = counts.astype(np.float64)
    logs.data = np.log1p(logs.data * np.repeat(np.median(totals) / totals, np.diff(logs.indptr)))
    sums = (indicator @ counts).toarray()
    means = (indicator @ logs).toarray() / np.bincount(group)[:, np.newaxis]

    rows = e2e_house.execute(
        "select cell_type || '/' || donor_id as key, gene_id, sum, mean from pseudobulk "
        "where sum <> 0 or mean <> 0"
    ).fetchnumpy()
    gene_order = np.argsort(genes)
    gene_no = gene_order[np.searchsorted(genes, rows["gene_id"], sorter=gene_order)]
    places = np.searchsorted(groups, rows["key"]), gene_no
    assert np.all(groups[places[0]] == rows["key"])
    assert np.all(genes[gene_no] == rows["gene_id"])
    found_sums, found_means = np.zeros_like(sums), np.zeros_like(means)
    found_sums[places], found_means[places] = rows["sum"], rows["mean"]
    np.testing.assert_array_equal(found_sums, sums)
    np.testing.assert_allclose(found_means, means, rtol=1e-12, atol=1e-14)
    n_zeros = "count(*) filter (where sum = 0 and mean = 0)"
    n_rows = e2e_house.execute(f"select count(*), {n_zeros} from pseudobulk").fetchall()
    assert n_rows == [(sums.size, sums.size - len(rows["sum"]))]


@pytest.mark.shared
def test_donors_of_the_e2e_file_have_sex_age_and_components(
    shared_data: Path, e2e_house: duckdb.DuckDBPyConnection
) -> None:
    counts = dict(
        e2e_house.execute(
            "select covariate, count(*) from covariates group by covariate"
        ).fetchall()
    )
    wanted = {"sex", "age", *(f"expression_pc{number}" for number in range(1, 16))}
    assert counts == dict.fromkeys(wanted, 120)
    # the same people as in the table of covariates beside it
    load_one(e2e_house, "covariates", shared_data / "formats/e2e_chr21/covariates.tsv")
    n_ages = e2e_house.execute("select count(*) from covariates where covariate = 'age'").fetchall()
    assert n_ages == [(120,)]


@pytest.mark.shared
def test_files_of_the_field(shared_data: Path, house: duckdb.DuckDBPyConnection) -> None:
    folder = shared_data / "formats/h5ad"
    # raw counts are 0 to 6 and 1 to 7; X holds something else
    report = load_one(house, "cells", folder / "cellxgene_schema_example_valid.h5ad")
    assert report.n_loaded == 2
    assert house.execute("select sum(sum), count(*) from pseudobulk").fetchall() == [(49, 7)]
    with pytest.raises(DataError, match=r"X and raw are not integer counts; no layers\['counts'\]"):
        load_one(house, "cells", folder / "10x_pbmc68k_reduced.h5ad")
    legacy = load_one(
        house, "cells", folder / "anndata_v078_legacy.h5ad", donor_column="obs_cat", feature="any"
    )
    assert (legacy.n_read, legacy.n_loaded) == (30, 30)
    with h5py.File(folder / "anndata_v078_legacy.h5ad") as file:
        total = float(file["raw/X/data"][:].sum())
    assert house.execute("select sum(sum) from pseudobulk where cell_type = 'any'").fetchall() == [
        (total,)
    ]


@pytest.mark.shared
def test_the_first_layout_of_files_is_read(
    shared_data: Path, house: duckdb.DuckDBPyConnection
) -> None:
    path = shared_data / "formats/h5ad/10x_pbmc68k_reduced.h5ad"
    report = load_one(
        house, "cells", path, layer="raw", donor_column="phase", cell_type_column="bulk_labels"
    )  # fmt: skip
    assert report.n_loaded == 700
    with h5py.File(path) as file:
        values = file["raw.X/data"][:].astype(np.float64)
    total = house.execute("select sum(mean * n_cells), count(sum) from pseudobulk").fetchall()[0]
    assert values.size == 174400
    assert total == (pytest.approx(values.sum(), rel=1e-9), 0)


@pytest.mark.shared
def test_awkward_files(shared_data: Path, house: duckdb.DuckDBPyConnection) -> None:
    bad = shared_data / "formats/bad"
    with pytest.raises(
        DataError, match=r"X is not integer counts; no raw\.X or layers\['counts'\]"
    ):
        load_one(house, "cells", bad / "h01_no_raw_counts.h5ad")
    with pytest.raises(DataError) as caught:
        load_one(house, "cells", bad / "h05_negative_nan_fraction.h5ad")
    for told in (
        "1 negative", "1 NaN", "1 with a fraction", "cell 1, gene 1 (ENSG00000000000)"
    ):  # fmt: skip
        assert told in str(caught.value)
    means = load_one(house, "cells", bad / "h01_no_raw_counts.h5ad", layer="X")
    assert means.notes["not_counts"] == 12
    assert house.execute("select count(sum), count(mean) > 0 from pseudobulk").fetchall() == [
        (0, True)
    ]


@pytest.mark.shared
def test_donors_without_genotypes(shared_data: Path, house: duckdb.DuckDBPyConnection) -> None:
    house.execute(
        "insert into raw.donors select range, 'D' || (range + 1), true, null, 1 from range(3)"
    )
    path = shared_data / "formats/bad/h03_donor_ids_mismatch.h5ad"
    with pytest.raises(DataError, match="0 donors in both, 3 only in this file, 3 only with"):
        load_one(house, "cells", path)


def test_mutated_files_are_loaded_or_refused(
    tmp_path: Path, house: duckdb.DuckDBPyConnection
) -> None:
    path = tmp_path / "a.h5ad"
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        x = file.create_group("X")
        x.attrs["encoding-type"], x.attrs["shape"] = "csr_matrix", (4, 3)
        x["data"] = np.array([1, 2, 3, 4, 5], dtype=np.float32)
        x["indices"] = np.array([0, 2, 1, 0, 1], dtype=np.int32)
        x["indptr"] = np.array([0, 2, 3, 4, 5], dtype=np.int32)
        for table, names in (("obs", ["a", "b", "c", "d"]), ("var", ["ENSG1", "ENSG2", "ENSG3"])):
            group = file.create_group(table)
            group.attrs["_index"] = "_index"
            group.create_dataset("_index", data=names, dtype=text)
        file["obs"].create_dataset("donor_id", data=["p", "p", "q", "q"], dtype=text)
        file["obs"].create_dataset("cell_type", data=["T", "B", "T", "T"], dtype=text)
    whole = path.read_bytes()
    rng = np.random.default_rng(3)
    mutated = tmp_path / "mutated.h5ad"
    messages = []
    for _ in range(100):
        content = bytearray(whole)
        for place in rng.integers(8, len(content), rng.integers(1, 6)):
            content[place] = rng.integers(256)
        mutated.write_bytes(bytes(content))
        try:
            load_one(house, "cells", mutated, dry_run=True)
        except VarhouseError as error:
            messages.append(str(error))
    assert 0 < len(messages) < 100
    assert all(str(mutated) in message for message in messages)
