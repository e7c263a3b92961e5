"""Small input files, and a short way to load them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from tests.loading import load_each, write_text

from varhouse.ingest.load import LoadReport

SLICE = (
    "chr_id", "position", "ref_allele", "alt_allele", "variant_id", "rs_id", "gene_chr", "gene_id",
    "gene_start", "gene_end", "gene_name", "feature", "type_id", "source_id", "csq_counts",
    "qtl_beta", "qtl_se", "qtl_pval", "interval_score",
)  # fmt: skip
TABLES = ("raw.evidence", "raw.variants", "raw.genes", "raw.annotations", "raw.tags",
          "raw.source_weights", "load_manifest", "load_issues")  # fmt: skip


GENE_HEADER = "chr\tgene_id\tgene_name\tstart\tend\tstrand\ttss\tbiotype"


def load(
    con: duckdb.DuckDBPyConnection,
    kind: str,
    *paths: Path,
    build: str | None = "GRCh37",
    **options: Any,
) -> list[LoadReport]:
    return load_each(con, kind, *paths, build=build, **options)


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    found = {}
    for table in TABLES:
        row = con.execute(f"select count(*) from {table}").fetchone()
        assert row is not None
        found[table] = row[0]
    return found


def evidence_row(**changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict(
        zip(
            SLICE,
            ("16", 53800954, "T", "C", None, "rs1421085", "16", "ENSG00000140718", 53737875,
             54155853, "FTO", "Adipose", "eqtl", "gtex_v7", 0, 0.2, 0.1, 0.04, 0.0),
            strict=True,
        )
    )  # fmt: skip
    row.update(changes)
    if "variant_id" not in changes:
        parts = (row["chr_id"], row["position"], row["ref_allele"], row["alt_allele"])
        row["variant_id"] = "_".join(str(part) for part in parts)
    return row


def write_evidence(folder: Path, *rows: dict[str, Any], name: str = "slice.parquet") -> Path:
    path = folder / name
    kinds = {
        "position": pa.int32(), "gene_start": pa.int32(), "gene_end": pa.int32(),
        "csq_counts": pa.int32(), "qtl_beta": pa.float64(), "qtl_se": pa.float64(),
        "qtl_pval": pa.float64(), "interval_score": pa.float64(),
    }  # fmt: skip
    if name.endswith(".parquet"):
        fields = [pa.field(column, kinds.get(column, pa.string())) for column in SLICE]
        pq.write_table(pa.Table.from_pylist(list(rows), schema=pa.schema(fields)), path)
    else:
        lines = (
            "\t".join("" if row[column] is None else str(row[column]) for column in SLICE)
            for row in rows
        )
        path.write_text("\n".join(lines) + "\n")
    return path


def gene_line(**changes: str) -> str:
    values = {
        "chr": "16", "gene_id": "ENSG00000140718", "gene_name": "FTO", "start": "53737875",
        "end": "54155853", "strand": "1", "tss": "53737875", "biotype": "protein_coding",
    } | changes  # fmt: skip
    return "\t".join(values.values())


def target_line(**changes: str) -> str:
    values = {
        "id": "ENSG00000140718", "symbol": "FTO", "biotype": "protein_coding", "chromosome": "16",
        "start": "53703963", "end": "54121941", "strand": "1", "transcript": "ENST00000471389",
        "canonical_start": "53704156", "canonical_end": "54121941", "canonical_strand": "+",
    } | changes  # fmt: skip
    return "\t".join(values.values())


def write_target(folder: Path, *lines: str) -> Path:
    header = (
        "id\tapprovedSymbol\tbiotype\tchromosome\tstart\tend\tstrand\tcanonical_transcript\t"
        "canonical_start\tcanonical_end\tcanonical_strand"
    )
    return write_text(folder, "target.tsv", header, *lines)
