"""A warehouse in memory with a few genes, and short ways to load and to stage a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_warehouse import new_warehouse, written
from tests.loading import load_one

from varhouse.ingest.format import LoadOptions
from varhouse.ingest.kinds import KINDS
from varhouse.ingest.load import LoadReport
from varhouse.ingest.reading import sniff


@pytest.fixture
def empty_warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    con = new_warehouse(with_genes=False)
    yield con
    con.close()


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    con = new_warehouse(with_genes=True)
    yield con
    con.close()


@pytest.fixture(scope="session")
def stage() -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Stage a text as a file of a layout; return each row as dict, in the order of its line."""
    con = new_warehouse(with_genes=True)

    def stage_text(
        folder: Path, kind: str, layout: str, text: str, *, name: str = "in.tsv"
    ) -> list[dict[str, Any]]:
        path = written(folder, text, name)
        con.execute(
            "create or replace temp table incoming_issues"
            "(line bigint, code varchar, message varchar, n bigint, example varchar)"
        )
        chosen = next(each for each in KINDS[kind].formats() if each.name == layout)
        chosen.stage(con, sniff(path), LoadOptions(build="GRCh37", source_id="mine"))
        result = con.execute("select * from incoming order by line, gene_id")
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    yield stage_text
    con.close()


@pytest.fixture(scope="session")
def load() -> Callable[..., LoadReport]:
    return load_one


@pytest.fixture
def loaded(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Callable[..., LoadReport], tmp_path: Path
) -> Callable[..., LoadReport]:
    """Load lines of summary statistics, whose cells a space parts."""

    def load_lines(*lines: str) -> LoadReport:
        path = tmp_path / "study.tsv"
        path.write_text("\n".join("\t".join(line.split(" ")) for line in lines) + "\n")
        return load(empty_warehouse, "sumstats", path, build="GRCh38")

    return load_lines


@pytest.fixture
def load_text(
    request: pytest.FixtureRequest,
    empty_warehouse: duckdb.DuckDBPyConnection,
    load: Callable[..., LoadReport],
    tmp_path: Path,
) -> Callable[..., LoadReport]:
    """Load a text into an empty warehouse, of the module's ``KIND`` and ``BUILD`` unless told."""
    kind, build = request.module.KIND, request.module.BUILD

    def load_one_text(text: str, *, name: str = "in.tsv", **options: Any) -> LoadReport:
        return load(
            empty_warehouse, kind, written(tmp_path, text, name), **{"build": build} | options
        )

    return load_one_text
