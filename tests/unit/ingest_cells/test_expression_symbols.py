"""Expression of genes known by symbol, and genes that are loaded after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from h5ad_files import some_counts, write_h5ad
from tests.loading import load_one

from varhouse.cli.model_options import source_version
from varhouse.errors import DataError
from varhouse.ingest.load import LoadReport
from varhouse.warehouse import create_schema

Load = Callable[..., LoadReport]
SOURCES = ['"raw"."pseudobulk"', '"raw"."pseudobulk_genes"']
SYMBOLS = ["AAA", "BBB.2", "CCC", "DDD", "ENSG00000000015.4", "FFF"]
# one gene bears AAA, one BBB.2, two bear CCC, none DDD and FFF
GENES = """gene_id gene_name chr start end strand tss biotype
ENSG00000000011 AAA 1 10 20 + 10 protein_coding
ENSG00000000012.7 BBB.2 1 30 40 - 40 protein_coding
ENSG00000000013 CCC 1 50 60 + 50 protein_coding
ENSG00000000014 CCC 2 70 80 + 70 protein_coding
ENSG00000000015 EEE 2 90 99 + 90 protein_coding
"""


def load(con: duckdb.DuckDBPyConnection, kind: str, path: Path, **options: Any) -> LoadReport:
    build = "GRCh38" if kind == "genes" else None
    return load_one(con, kind, path, **{"build": build} | options)


@pytest.fixture
def genes(tmp_path: Path) -> Path:
    path = tmp_path / "genes.tsv"
    path.write_text(GENES.replace(" ", "\t"))
    return path


def expression_of(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute(
        "select cell_type, gene_id, donor_id, sum, mean, n_cells from pseudobulk order by all"
    ).fetchall()


def gene_ids_of(con: duckdb.DuckDBPyConnection) -> set[str]:
    return {row[0] for row in con.execute("select gene_id from raw.pseudobulk_genes").fetchall()}


def test_the_order_of_loading_genes_and_cells_does_not_matter(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, genes: Path
) -> None:
    cells = write_h5ad(tmp_path / "a.h5ad", some_counts(), genes=SYMBOLS)
    with duckdb.connect() as other:
        create_schema(other)
        load(other, "genes", genes)
        load(other, "cells", cells)
        genes_first = expression_of(other)
    assert load(house, "cells", cells).notes["gene_symbol_kept"] == 5
    before = [source_version(house, table) for table in SOURCES]
    report = load(house, "genes", genes)
    assert report.notes == {"gene_symbol_resolved": 2, "gene_symbol_kept": 3}
    assert expression_of(house) == genes_first
    assert {"ENSG00000000011", "ENSG00000000012", "CCC", "DDD", "ENSG00000000015", "FFF"} == (
        gene_ids_of(house)
    )
    after = [source_version(house, table) for table in SOURCES]
    assert all(new != old for new, old in zip(after, before, strict=True))


def test_what_became_of_symbols_is_recorded_and_told_again(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, genes: Path
) -> None:
    load(house, "cells", write_h5ad(tmp_path / "a.h5ad", some_counts(), genes=SYMBOLS))
    load(house, "genes", genes)
    again = load(house, "genes", genes)
    assert (again.status, again.notes) == ("already loaded", {"gene_symbol_kept": 3})
    recorded = house.execute(
        "select code, n, example from load_issues where file = ? order by code", [str(genes)]
    ).fetchall()
    assert recorded == [
        ("gene_symbol_kept", 3, "gene_name=CCC"),
        ("gene_symbol_resolved", 2, "gene_name=AAA"),
    ]


def test_a_dry_run_resolves_nothing(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, genes: Path
) -> None:
    load(house, "cells", write_h5ad(tmp_path / "a.h5ad", some_counts(), genes=SYMBOLS))
    before = expression_of(house)
    report = load(house, "genes", genes, dry_run=True)
    assert report.notes["gene_symbol_resolved"] == 2
    assert expression_of(house) == before


def test_a_symbol_stays_whose_gene_has_values_of_the_same_donors(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, genes: Path
) -> None:
    both = ["AAA", "ENSG00000000011", *SYMBOLS[2:]]
    load(house, "cells", write_h5ad(tmp_path / "a.h5ad", some_counts(), genes=both))
    before = expression_of(house)
    assert load(house, "genes", genes).notes == {"gene_symbol_kept": 4}
    assert expression_of(house) == before


def test_genes_without_expression_say_nothing_of_symbols(
    house: duckdb.DuckDBPyConnection, genes: Path
) -> None:
    assert load(house, "genes", genes).notes == {}


TABLE = "gene_id\tD1\tD2\nAAA\t1\t2\nCCC\t3\t4\nENSG00000000015.4\t5\t6\nENSG00000000099\t7\t8.5\n"


def test_the_order_of_loading_genes_and_a_table_does_not_matter(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, genes: Path
) -> None:
    table = tmp_path / "t.tsv"
    table.write_text(TABLE)
    with duckdb.connect() as other:
        create_schema(other)
        load(other, "genes", genes)
        report = load(other, "pseudobulk", table, feature="B")
        assert report.notes == {
            "unknown_gene": 2, "gene_symbol_resolved": 1, "gene_symbol_kept": 1,
        }  # fmt: skip
        genes_first = expression_of(other)
    assert load(house, "pseudobulk", table, feature="B").notes == {"gene_symbol_kept": 2}
    notes = load(house, "genes", genes).notes
    assert notes == {"gene_symbol_resolved": 1, "gene_symbol_kept": 1}
    assert expression_of(house) == genes_first
    assert {row[1] for row in genes_first} == {
        "ENSG00000000011", "CCC", "ENSG00000000015", "ENSG00000000099",
    }  # fmt: skip


def test_a_symbol_that_was_resolved_is_known_when_it_comes_again(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, genes: Path
) -> None:
    load(house, "genes", genes)
    first, again = tmp_path / "t.tsv", tmp_path / "u.tsv"
    first.write_text(TABLE)
    load(house, "pseudobulk", first, feature="B")
    again.write_text("gene_id\tD2\nAAA\t9\n")
    with pytest.raises(DataError, match="gene AAA in cell type B has values of the same donors"):
        load(house, "pseudobulk", again, feature="B")


def test_a_gene_whose_id_is_its_name_is_no_symbol(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, genes: Path
) -> None:
    genes.write_text(genes.read_text().replace("ENSG00000000011", "AAA"))
    table = tmp_path / "t.tsv"
    table.write_text("gene_id\tD1\nAAA\t1\n")
    load(house, "genes", genes)
    assert load(house, "pseudobulk", table, feature="B").notes == {}
