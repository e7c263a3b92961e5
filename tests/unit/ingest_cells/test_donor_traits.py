"""Sex and age of donors, as their cells have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from h5ad_files import DONORS, TYPES, some_counts, write_h5ad

from varhouse.ingest.load import LoadReport

Load = Callable[..., LoadReport]


def by_cell(values: dict[str, Any]) -> list[Any]:
    return [values[donor] for donor in DONORS]


def obs(**columns: Sequence[Any] | np.ndarray) -> dict[str, Any]:
    return {"donor_id": DONORS, "cell_type": TYPES, **columns}


def covariates(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute(
        "select covariate, donor_id, value from covariates "
        "where not starts_with(covariate, 'expression_pc') order by all"
    ).fetchall()


@pytest.mark.parametrize(
    ("column", "male", "female"),
    [
        ("sex", "male", "female"),
        ("Sex", "M", "F"),
        ("gender", "1", "2"),
        ("sex_ontology_term_id", "PATO:0000384", "PATO:0000383"),
    ],
)
def test_sex_is_1_for_male_and_2_for_female(
    tmp_path: Path,
    house: duckdb.DuckDBPyConnection,
    load_cells: Load,
    column: str,
    male: str,
    female: str,
) -> None:
    values = by_cell({"D1": male, "D2": female, "D3": "unknown"})
    load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs(**{column: values})))
    assert covariates(house) == [("sex", "D1", 1.0), ("sex", "D2", 2.0)]
    donors = house.execute("select donor_id, is_genotyped, sex from donors order by 1").fetchall()
    assert donors == [("D1", False, 1), ("D2", False, 2), ("D3", False, None)]


def test_sex_coded_with_zeros_is_not_taken(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    values = np.array(by_cell({"D1": 0, "D2": 1, "D3": 1}))
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs(sex=values)))
    assert report.notes["sex_unclear"] == 1
    assert covariates(house) == []


@pytest.mark.parametrize("as_text", [False, True])
def test_age_is_a_number_known_for_some_cells_at_least(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load, as_text: bool
) -> None:
    ages: Any = by_cell({"D1": 40.5, "D2": 61.0, "D3": np.nan})
    ages[1] = np.nan
    ages = [None if np.isnan(age) else str(age) for age in ages] if as_text else np.array(ages)
    load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs(age=ages)))
    assert covariates(house) == [("age", "D1", 40.5), ("age", "D2", 61.0)]


def test_what_varies_within_a_donor_is_not_taken(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs(age=np.arange(8))))
    assert report.notes["trait_varies"] == 3
    assert covariates(house) == []


@pytest.mark.parametrize("age", ["adult", "40-49", "4_0"])
def test_ages_in_words_are_not_taken(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load, age: str
) -> None:
    values = by_cell({"D1": age, "D2": "50", "D3": age})
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs(age=values)))
    assert report.notes["age_unclear"] == 1
    assert covariates(house) == []


def test_what_another_file_said_first_stays(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    house.execute("insert into raw.covariates values ('D1', 'Age', 30, 1), ('D2', 'Age', null, 1)")
    ages = np.array(by_cell({"D1": 40, "D2": 61, "D3": 22}))
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs(age=ages)))
    assert report.notes["trait_differs"] == 1
    assert covariates(house) == [("Age", "D1", 30.0), ("Age", "D2", 61.0), ("Age", "D3", 22.0)]


def test_a_sex_other_than_that_of_the_genotypes_is_told(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    house.execute("insert into raw.donors values (0, 'D1', true, 1, 0), (1, 'D2', true, null, 0)")
    values = by_cell({"D1": "F", "D2": "F", "D3": "M"})
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), obs=obs(sex=values)))
    assert report.notes["sex_differs"] == 1
    donors = house.execute("select donor_id, sex from donors order by 1").fetchall()
    assert donors == [("D1", 1), ("D2", 2), ("D3", 1)]
