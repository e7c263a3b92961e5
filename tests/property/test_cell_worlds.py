"""Cells of random awkward files against a twin that adds them up one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from tests.loading import load_one
from tests.property.cell_twin import N_COMPONENTS, Expected, components, expect
from tests.property.cell_worlds import World, make_world

from varhouse.errors import DataError
from varhouse.ingest.cells import expression_pcs
from varhouse.ingest.cells import load as cells_load
from varhouse.warehouse import create_schema

TOLD = ("duplicate_gene", "gene_symbol_kept", "not_counts", "trait_varies", "sex_unclear")


def new_house(known_genes: Sequence[tuple[str, str]] = ()) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set threads = 1")
    create_schema(con)
    for symbol, gene in known_genes:
        con.execute(
            "insert into raw.genes values "
            "(?, null, ?, '1', 1, 2, 1, 1, null, 'protein_coding', [], 1)",
            [gene, symbol],
        )
    return con


def assert_values(con: duckdb.DuckDBPyConnection, wanted: Expected) -> None:
    rows = con.execute(
        "select cell_type, gene_id, donor_id, sum, mean, n_cells from pseudobulk"
    ).fetchall()
    found = {row[:3]: row[3:] for row in rows}
    assert len(rows) == len(found)
    assert found.keys() == wanted.values.keys()
    for key, (total, mean) in wanted.values.items():
        assert found[key][0] == total, key
        assert found[key][1] == pytest.approx(mean, rel=1e-9, abs=1e-12), key
        assert found[key][2] == wanted.n_cells[key[0], key[2]], key
    (n_zero,) = con.execute(
        "select count(*) from raw.pseudobulk where sum = 0 or mean = 0"
    ).fetchall()[0]
    assert n_zero == 0


def assert_covariates(
    con: duckdb.DuckDBPyConnection, wanted: Expected, n_genes: int, *, traits: bool = True
) -> None:
    rows = con.execute("select donor_id, covariate, value from covariates").fetchall()
    others = {row[:2]: row[2] for row in rows if not row[1].startswith("expression_pc")}
    assert others == wanted.traits or not traits
    donors = sorted(wanted.means)
    listed = con.execute("select donor_id from donors order by 1").fetchall()
    assert sorted(row[0] for row in listed) == donors
    found = {row[:2]: row[2] for row in rows if row[1].startswith("expression_pc")}
    if len(donors) < 2 or not wanted.means[donors[0]]:
        assert not found
        return
    twin = components(list(wanted.means.values()), n_genes)
    if twin is None:
        return
    scores, singular = twin
    if not singular.size:
        assert not found
        return
    n_real = int((singular > 1e-9 * singular[0]).sum())
    n = min(N_COMPONENTS, n_real)
    names = {name for _, name in found}
    assert {f"expression_pc{i + 1}" for i in range(n)} <= names
    assert len(found) == len(names) * len(donors)
    for i in range(n):
        gaps = np.abs(np.delete(singular, i) - singular[i])
        if gaps.min(initial=np.inf) > 1e-4 * singular[0]:
            column = [found[donor, f"expression_pc{i + 1}"] for donor in donors]
            np.testing.assert_allclose(column, scores[:, i], atol=1e-6 * singular[0])
    # of components beyond those that the donors have there is nothing but zero
    beyond = [value for (_, name), value in found.items() if int(name[13:]) > n_real]
    assert np.abs(beyond).max(initial=0) < 1e-6 * singular[0]


def check(world: World, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(world.seed + 1)
    if rng.random() < 0.6:
        at_once = int(rng.integers(1, 500))
        monkeypatch.setattr(cells_load, "_VALUES_AT_ONCE", (at_once, at_once))
    if rng.random() < 0.5:
        # so little memory that the groups take several parts
        monkeypatch.setattr(cells_load, "_SUMS_SHARE", int(rng.choice([10**6, 10**7, 10**15])))
    if rng.random() < 0.3:
        monkeypatch.setattr(cells_load, "_TOTALS_SHARE", 10**15)
    n_genes = int(rng.integers(3, 20)) if rng.random() < 0.4 else expression_pcs.N_GENES
    monkeypatch.setattr(expression_pcs, "N_GENES", n_genes)
    wanted = expect(world)
    with new_house(world.known_genes) as con:
        report = load_one(con, "cells", world.write(path), **world.options)
        assert (report.n_read, report.n_loaded) == (len(world.donors), sum(wanted.n_cells.values()))
        assert report.rejected == wanted.rejected
        assert {code: n for code, n in report.notes.items() if code in TOLD} == wanted.notes
        assert_values(con, wanted)
        assert_covariates(con, wanted, n_genes)


@pytest.mark.parametrize("seed", range(60))
def test_worlds(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(make_world(seed), tmp_path / "a.h5ad", monkeypatch)


@pytest.mark.parametrize("seed", range(200, 212))
def test_components_of_two_files(seed: int, tmp_path: Path) -> None:
    """Means of a donor are over the cells of both files, genes are those that both have."""
    cells: dict[str, int] = {}
    totals: dict[str, dict[str, float]] = {}
    shared: set[str] = set()
    with new_house() as con:
        for number in (seed, seed + 5000):
            world = make_world(number)
            world.options["feature"] = str(number)
            world.options.pop("cell_type_column", None)
            world.types = [str(number)] * len(world.types)
            world.known_genes, world.genes = [], undo(world)
            load_one(con, "cells", world.write(tmp_path / f"{number}.h5ad"), **world.options)
            wanted = expect(world)
            for donor, means in wanted.means.items():
                n = wanted.n_cells[str(number), donor]
                cells[donor] = cells.get(donor, 0) + n
                of_donor = totals.setdefault(donor, {})
                for gene, mean in zip(wanted.genes, means, strict=True):
                    of_donor[gene] = of_donor.get(gene, 0.0) + n * mean
            shared = set(wanted.genes) & (shared or set(wanted.genes))
        means = {
            donor: [of_donor.get(gene, 0.0) / cells[donor] for gene in sorted(shared)]
            for donor, of_donor in sorted(totals.items())
        }
        assert_covariates(con, Expected(means=means), expression_pcs.N_GENES, traits=False)


def undo(world: World) -> list[str]:
    """Return the genes as they are while the warehouse knows no symbols."""
    symbols = {gene: symbol for symbol, gene in world.known_genes}
    return [symbols.get(gene, gene) for gene in world.genes]


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, 0.5, 1e300])
@pytest.mark.parametrize("seed", range(300, 304))
def test_one_value_that_is_no_count_refuses_a_file(seed: int, bad: float, tmp_path: Path) -> None:
    world = make_world(seed)
    matrix = world.matrices[0]
    values = np.round(matrix.values.astype(np.float64))
    values[np.random.default_rng(seed).integers(len(values)), 1] = bad
    how = replace(matrix.how, dtype="<f8")
    world.matrices = [replace(matrix, values=values, how=how)]
    if bad == 0.5:
        world.options.pop("layer", None)
        world.matrices[0] = replace(world.matrices[0], place="X", genes=(), var=None)
        world.var, world.var_names = matrix.var or world.var, [*(matrix.genes or world.var_names)]
    with new_house(world.known_genes) as con:
        with pytest.raises(DataError):
            load_one(con, "cells", world.write(tmp_path / "a.h5ad"), **world.options)
        assert con.execute("from raw.pseudobulk_genes").fetchall() == []
        assert con.execute("from covariates").fetchall() == []


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(6))
def test_more_worlds(hundred: int, tmp_path: Path) -> None:
    for seed in range(1000 + 100 * hundred, 1100 + 100 * hundred):
        with pytest.MonkeyPatch.context() as patch:
            check(make_world(seed, n_cells=(50, 400), n_genes=80), tmp_path / f"{seed}.h5ad", patch)
