"""Small warehouses for tests of the models."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from varhouse.cli.model_options import cache_dir
from varhouse.runner import load_project, run_project
from varhouse.settings import shipped_project_dir
from varhouse.warehouse import create_functions, create_schema


@contextlib.contextmanager
def empty_warehouse(path: Path | str = ":memory:") -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a warehouse with the raw schema and the SQL functions, and nothing loaded."""
    con = duckdb.connect(str(path))
    try:
        create_schema(con)
        create_functions(con)
        yield con
    finally:
        con.close()


def build(
    con: duckdb.DuckDBPyConnection,
    *,
    threads: int = 1,
    select: Sequence[str] = (),
    **variables: Any,
) -> Mapping[str, str]:
    """Build the shipped project, or part of it; return the status of every node by its name."""
    project = load_project(shipped_project_dir(), vars=variables, cache_dir=cache_dir())
    outcome = run_project(project, con, command="build", threads=threads, select=select)
    failed = [
        f"{result.unique_id}: {result.message}"
        for result in outcome.results
        if result.status in ("error", "fail")
    ]
    assert outcome.ok, "\n".join(failed)
    return {result.unique_id.split(".")[-1]: result.status for result in outcome.results}


def add_locus(con: duckdb.DuckDBPyConnection, positions: Sequence[int]) -> None:
    """Insert a gene G that is scored, a pseudogene, and a variant A to T at each position."""
    con.executemany(
        "insert into raw.genes (gene_id, chrom, start_pos, end_pos, strand, tss_pos, biotype, "
        "load_id) values (?, '1', 1000, 2000, 1, 1000, ?, 1)",
        [("G", "protein_coding"), ("PSEUDO", "pseudogene")],
    )
    con.executemany(
        "insert into raw.variants (variant_idx, variant_id, chrom, pos, ref, alt, load_id) "
        "values (?, '1_' || ? || '_A_T', '1', ?, 'A', 'T', 1)",
        [(idx, pos, pos) for idx, pos in enumerate(positions)],
    )
