"""Random tables of covariates and pseudobulk: what is stored is what was meant."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pytest
from tests.loading import load_one
from tests.property import donor_table_worlds as worlds
from tests.property.donor_table_worlds import Table

from varhouse.warehouse import create_schema

TEXT = (".tsv", ".tsv.gz", ".csv", ".parquet")


def new_house() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set threads = 1")
    create_schema(con)
    return con


def check_covariates(table: Table, path: Path, layout: str) -> None:
    with new_house() as con:
        report = load_one(con, "covariates", path)
        assert (report.format, report.n_read) == (layout, table.n_read)
        assert report.rejected == table.rejected
        rows = con.execute("select donor_id, covariate, value from covariates").fetchall()
        assert len(rows) == len(table.values)
        assert {row[:2]: row[2] for row in rows} == table.values
        sexes = dict(con.execute("select donor_id, sex from donors").fetchall())
        donors = {key[0] for key in table.values}
        assert sexes == {donor: table.values.get((donor, "sex")) for donor in donors}


def check_pseudobulk(table: Table, path: Path, layout: str, feature: str | None) -> None:
    with new_house() as con:
        report = load_one(con, "pseudobulk", path, feature=feature)
        assert (report.format, report.n_read) == (layout, table.n_read)
        assert report.rejected == table.rejected
        assert {c: n for c, n in report.notes.items() if c == "sum_negative"} == table.notes
        rows = con.execute(
            "select cell_type, gene_id, donor_id, sum, mean, n_cells from pseudobulk"
        ).fetchall()
        assert len(rows) == len(table.values)
        assert {row[:3]: row[3:] for row in rows} == table.values


def check(seed: int, folder: Path) -> None:
    rng = random.Random(-seed)
    by_donor = worlds.covariates_by_donor(seed)
    check_covariates(by_donor, by_donor.write(rng, folder, TEXT), "covariates")
    by_row = worlds.covariates_by_row(seed)
    check_covariates(by_row, by_row.write(rng, folder, TEXT), "covariates-by-row")
    wide, suffix = worlds.wide_pseudobulk(seed)
    if wide.values:
        layout = "pseudobulk-bed" if suffix == ".bed" else "pseudobulk-wide"
        suffixes = (suffix, f"{suffix}.gz", ".parquet") if suffix == ".bed" else TEXT
        check_pseudobulk(wide, wide.write(rng, folder, suffixes), layout, "T cell")
    long, has_type = worlds.long_pseudobulk(seed)
    path = long.write(rng, folder, TEXT)
    check_pseudobulk(long, path, "pseudobulk", None if has_type else "T cell")


@pytest.mark.parametrize("seed", range(25))
def test_tables(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(5))
def test_more_tables(hundred: int, tmp_path: Path) -> None:
    for seed in range(1000 + 100 * hundred, 1100 + 100 * hundred):
        check(seed, tmp_path)
