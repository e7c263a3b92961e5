"""Ours: fill the raw tables of a warehouse, or run the V2G models on a filled one.

As the peers do, scoring ends with the ranked genes in ``varhouse.parquet`` beside the evidence.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
from measure import measured
from ours import run_models

from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

# Every contender skips distance: the work is what evidence rows ask for.
VARS = {"v2g_distance": False}
COLUMNS = "variant_id, gene_id, overall_score, rank, n_sources"


def fill(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Put the generated rows into the raw tables."""
    for table, columns in (
        ("raw.variants", "variant_idx, variant_id, chrom, pos, ref, alt, rsid"),
        ("raw.genes", "gene_id, gene_name, chrom, start_pos, end_pos, strand, tss_pos, biotype"),
        (
            "raw.evidence",
            "chrom, pos, ref, alt, variant_id, rsid, gene_id, gene_name, feature, type_id, "
            "source_id, csq_counts, qtl_beta, qtl_se, qtl_pval, interval_score",
        ),
    ):
        file = folder / f"{table.removeprefix('raw.')}.parquet"
        con.execute(
            f"insert into {table} ({columns}, load_id) select {columns}, 1 from read_parquet(?)",
            [str(file)],
        )
    con.execute("checkpoint")


def main() -> None:
    """Fill or score, and report the cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["fill", "score"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("database", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--sources", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    settings = Settings(
        database=arguments.database, threads=arguments.threads, memory=arguments.memory
    )
    with open_warehouse(settings) as con:
        if arguments.step == "fill":
            with measured(arguments.report):
                fill(con, arguments.folder)
        else:
            with measured(arguments.report):
                run_models(con, "+v2g_scores", vars=VARS)
                # v2g_scores may be a view on integer keys: reading it belongs to the work
                columns = COLUMNS + (", sources" if arguments.sources else "")
                con.sql(f"select {columns} from v2g_scores").write_parquet(
                    str(arguments.folder / "varhouse.parquet")
                )


if __name__ == "__main__":
    main()
