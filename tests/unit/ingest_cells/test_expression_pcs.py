"""Expression components of donors, from cells in one file and in several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest
from h5ad_files import write_h5ad
from sklearn.decomposition import PCA
from tests.loading import load_each

from varhouse.ingest.cells import expression_pcs
from varhouse.ingest.cells import load as cells_load
from varhouse.ingest.load import LoadReport

Load = Callable[..., LoadReport]
N_CELLS, N_GENES, N_DONORS = 240, 60, 12


def make_cells() -> tuple[np.ndarray, list[str], list[str], list[str]]:
    """Return counts, donors, types and genes; all cells have as many counts."""
    rng = np.random.default_rng(5)
    donor = rng.permutation(np.arange(N_CELLS) % N_DONORS)
    liking = rng.dirichlet(np.full(N_GENES, 0.3), N_DONORS)
    counts = np.array([rng.multinomial(400, liking[who]) for who in donor])
    donors = [f"D{who:02d}" for who in donor]
    types = [("T", "B", "NK")[which] for which in rng.integers(0, 3, N_CELLS)]
    genes = [f"ENSG{number:011d}" for number in rng.permutation(N_GENES)]
    return counts, donors, types, genes


def stored(con: duckdb.DuckDBPyConnection) -> np.ndarray:
    """Return donors by components."""
    rows = con.execute(
        "select covariate, donor_id, value from covariates "
        "where starts_with(covariate, 'expression_pc')"
    ).fetchall()
    donors = sorted({row[1] for row in rows})
    found = np.full((len(donors), len({row[0] for row in rows})), np.nan)
    for covariate, donor, value in rows:
        found[donors.index(donor), int(covariate.removeprefix("expression_pc")) - 1] = value
    assert len(rows) == found.size
    return found


def test_components_of_all_genes_equal_those_of_a_plain_loop(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    counts, donors, types, genes = make_cells()
    obs = {"donor_id": donors, "cell_type": types}
    load_cells(write_h5ad(tmp_path / "a.h5ad", counts, obs=obs, genes=genes))
    means = [
        np.mean([np.log1p(counts[i]) for i in range(N_CELLS) if donors[i] == donor], axis=0)
        for donor in sorted(set(donors))
    ]
    wanted = PCA(n_components=N_DONORS - 1, svd_solver="full").fit_transform(np.array(means))
    np.testing.assert_allclose(stored(house), wanted, atol=1e-9)


def test_only_the_genes_that_vary_most_take_part(
    tmp_path: Path,
    house: duckdb.DuckDBPyConnection,
    load_cells: Load,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts, donors, types, genes = make_cells()
    monkeypatch.setattr(expression_pcs, "N_GENES", 4)
    obs = {"donor_id": donors, "cell_type": types}
    load_cells(write_h5ad(tmp_path / "a.h5ad", counts, obs=obs, genes=genes))
    assert stored(house).shape == (N_DONORS, 4)


def test_several_files_give_what_one_file_of_all_cells_gives(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    counts, donors, types, genes = make_cells()
    obs = {"donor_id": donors, "cell_type": types}
    load_cells(write_h5ad(tmp_path / "all.h5ad", counts, obs=obs, genes=genes))
    wanted = stored(house)
    for table in ("covariates", "pseudobulk", "pseudobulk_donors", "pseudobulk_genes"):
        house.execute(f"delete from raw.{table}")
    paths = []
    for name in sorted(set(types)):
        of_type = [i for i in range(N_CELLS) if types[i] == name]
        part = {"donor_id": [donors[i] for i in of_type], "cell_type": [name] * len(of_type)}
        paths.append(write_h5ad(tmp_path / f"{name}.h5ad", counts[of_type], obs=part, genes=genes))
    load_each(house, "cells", *paths)
    np.testing.assert_allclose(stored(house), wanted, atol=1e-8)


def test_too_little_memory_for_totals_of_donors_changes_nothing(
    tmp_path: Path,
    house: duckdb.DuckDBPyConnection,
    load_cells: Load,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts, donors, types, genes = make_cells()
    obs = {"donor_id": donors, "cell_type": types}
    path = write_h5ad(tmp_path / "a.h5ad", counts, obs=obs, genes=genes)
    load_cells(path)
    wanted = stored(house)
    for table in ("covariates", "pseudobulk", "pseudobulk_donors", "pseudobulk_genes"):
        house.execute(f"delete from raw.{table}")
    house.execute("delete from load_manifest")
    monkeypatch.setattr(cells_load, "_TOTALS_SHARE", 10**15)
    load_cells(path)
    np.testing.assert_allclose(stored(house), wanted, atol=1e-8)


def test_one_donor_has_no_components(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    counts, _, types, genes = make_cells()
    obs = {"donor_id": ["D1"] * N_CELLS, "cell_type": types}
    load_cells(write_h5ad(tmp_path / "a.h5ad", counts, obs=obs, genes=genes))
    assert stored(house).size == 0
