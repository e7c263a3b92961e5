"""A warehouse in memory with a few genes, and files for it."""

from __future__ import annotations

from pathlib import Path

import duckdb
from tests.rows import add_rows

from varhouse.warehouse import create_schema

# Coordinates like those of GRCh37; the last four genes are made up.
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
        add_rows(
            con,
            "raw.genes",
            [
                (gene, None, name, chrom, start, end, strand, start if strand == 1 else end, None,
                 kind, other, 0)
                for gene, name, chrom, start, end, strand, kind, other in GENES
            ],
        )  # fmt: skip
    return con


def written(folder: Path, text: str, name: str = "in.tsv") -> Path:
    """Write a text to a file of the folder, as it is."""
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path
