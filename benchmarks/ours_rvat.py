"""Ours: fill a warehouse with a cohort, or run the rare-variant models on a filled one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cohort
import duckdb
from measure import measured

from varhouse.cli.model_options import source_version
from varhouse.runner import load_project, run_project
from varhouse.settings import Settings, shipped_project_dir
from varhouse.warehouse import open_warehouse

WEIGHTS = ["CADD_RAW", "maf_beta", "tss_distance", "tss_distance_exp"]


def test(con: duckdb.DuckDBPyConnection, arguments: argparse.Namespace) -> None:
    """Run every model from the raw tables to the result tables; stop if one fails."""
    project = load_project(
        shipped_project_dir(),
        vars={
            "weights": WEIGHTS,
            "rvat_tests": arguments.tests.split(",") if arguments.tests else [],
            "cis_window_bp": arguments.window,
        },
    )
    outcome = run_project(
        project,
        con,
        command="run",
        select=["+rvat_burden +rvat_skat +rvat_acat"],
        source_version=source_version,
    )
    for result in outcome.results:
        print(result.unique_id, result.status, f"{result.seconds:.2f} s", result.message or "")
    if not outcome.ok:
        sys.exit("varhouse run failed: see the nodes above")


def main() -> None:
    """Fill or test, and report the cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["fill", "test"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("database", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--window", type=int, default=100_000)
    parser.add_argument("--tests", default="skat")
    arguments = parser.parse_args()
    settings = Settings(
        database=arguments.database, threads=arguments.threads, memory=arguments.memory
    )
    with open_warehouse(settings) as con, measured(arguments.report):
        if arguments.step == "fill":
            cohort.fill(con, arguments.folder)
        else:
            test(con, arguments)


if __name__ == "__main__":
    main()
