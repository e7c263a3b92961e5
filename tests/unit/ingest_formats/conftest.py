"""A warehouse in memory with a few genes, and short ways to load and to stage a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from varhouse.ingest.format import LoadOptions
from varhouse.ingest.load import KINDS, LoadReport, load_files
from varhouse.ingest.reading import sniff
from varhouse.warehouse import create_schema

# GRCh37 coordinates of Ensembl 75, read from its public gene pages; SAME* are made up.
GENES = [
    ("ENSG00000187634", "SAMD11", "1", 860260, 879955, 1, "protein_coding", []),
    ("ENSG00000188976", "NOC2L", "1", 879584, 894689, -1, "protein_coding", []),
    ("ENSG00000187583", "PLEKHN1", "1", 901877, 911245, 1, "protein_coding", []),
    ("ENSG00000197785", "ATAD3A", "1", 1447531, 1470067, 1, "protein_coding", []),
    ("ENSG00000160075", "SSU72", "1", 1477053, 1510249, -1, "protein_coding", []),
    ("ENSG00000008128", "CDK11A", "1", 1634169, 1655766, -1, "protein_coding", ["CDC2L2"]),
    ("ENSG00000118922", "KLF12", "13", 74260226, 74708394, -1, "protein_coding", ["AP2REP"]),
    ("ENSG00000000101", "SAME", "1", 2000000, 2001000, 1, "protein_coding", ["OLD"]),
    ("ENSG00000000102", "SAME", "1", 2500000, 2501000, -1, "lincRNA", ["OLD"]),
    ("ENSG00000000103", "PAIR", "X", 1000000, 1001000, 1, "protein_coding", ["SSU72"]),
    ("ENSG00000000104", "PAIR", "1", 1000000, 1001000, 1, "protein_coding", []),
]


def new_warehouse(*, with_genes: bool, threads: int = 2) -> duckdb.DuckDBPyConnection:
    """Return an empty warehouse in memory, set up as the command line does."""
    con = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
    create_schema(con)
    if with_genes:
        con.executemany(
            "insert into raw.genes values (?, null, ?, ?, ?, ?, ?, ?, null, ?, ?, 0)",
            [
                (gene, name, chrom, start, end, strand, start if strand == 1 else end, kind, other)
                for gene, name, chrom, start, end, strand, kind, other in GENES
            ],
        )
    return con


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
def stage() -> Iterator[Callable[..., dict[Any, tuple[Any, ...]]]]:
    """Stage a text as a file of a layout; return each row as dict, in the order of its line."""
    con = new_warehouse(with_genes=True)

    def stage_text(
        folder: Path, kind: str, layout: str, text: str, *, name: str = "in.tsv"
    ) -> list[dict[str, Any]]:
        path = folder / name
        path.write_text(text, encoding="utf-8", newline="")
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
    """Load one file; build, source, format and feature are free."""

    def load_one(
        con: duckdb.DuckDBPyConnection, kind: str, path: Path, **options: Any
    ) -> LoadReport:
        settings: dict[str, Any] = {"build": None, "source_id": None, "format": None} | options
        return load_files(con, kind, [path], **settings)[0]

    return load_one
