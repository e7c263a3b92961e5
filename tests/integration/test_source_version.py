"""What tells a run that raw tables changed, without reading the genotypes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from varhouse.cli.model_options import source_version
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

GENOTYPES = '"raw"."genotypes_rare"'


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(Settings(database=tmp_path / "w.duckdb")) as opened:
        yield opened


def _loaded(con: duckdb.DuckDBPyConnection, load_id: int, kind: str) -> None:
    con.execute(
        "insert into load_manifest values "
        "(?, ?, 'f', 'sha', 1, 'x', null, null, 1, 1, 0, map(), '0', now())",
        [load_id, kind],
    )


def _variant(con: duckdb.DuckDBPyConnection, load_id: int, pos: int) -> None:
    con.execute(
        "insert into raw.variants values (0, ?, '1', ?, 'A', 'C', null, ?, null)",
        [f"1_{pos}_A_C", pos, load_id],
    )


def test_genotypes_change_with_loads_of_genotypes_and_of_variants(
    con: duckdb.DuckDBPyConnection,
) -> None:
    _loaded(con, 1, "genotypes")
    _variant(con, 1, 100)
    con.execute("insert into raw.genotypes_rare values (0, 0, 1)")
    seen = [source_version(con, GENOTYPES)]
    _loaded(con, 2, "genes")
    assert source_version(con, GENOTYPES) == seen[0]
    _loaded(con, 3, "genotypes")
    seen.append(source_version(con, GENOTYPES))
    con.execute("delete from raw.genotypes_rare")
    seen.append(source_version(con, GENOTYPES))
    _loaded(con, 4, "variants")
    _variant(con, 4, 50)
    seen.append(source_version(con, GENOTYPES))
    assert len(set(seen)) == len(seen)


def test_genotypes_that_no_load_brought_are_read(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into raw.genotypes_rare values (0, 0, 1)")
    before = source_version(con, GENOTYPES)
    con.execute("update raw.genotypes_rare set dosage = 2")
    assert source_version(con, GENOTYPES) != before
