"""Ours: fill a warehouse with a cohort, or run the rare-variant models on a filled one."""

from __future__ import annotations

import argparse
from pathlib import Path

# before numpy, as by the command: it sets the number of BLAS threads where the user has not
import varhouse  # noqa: F401

# isort: split
import cohort
import duckdb
from measure import measured
from ours import run_models

from varhouse.settings import Settings

# imports are not measured, nor are the loop's: these happen when a function is first called
from varhouse.udf import many, rvat  # noqa: F401
from varhouse.warehouse import open_warehouse

WEIGHTS = ["CADD_RAW", "maf_beta", "tss_distance", "tss_distance_exp"]


def test(con: duckdb.DuckDBPyConnection, arguments: argparse.Namespace) -> None:
    """Run every model from the raw tables to the result tables; stop if one fails."""
    variables = {
        "weights": WEIGHTS,
        "aggregations": arguments.aggregations,
        "rvat_tests": arguments.tests.split(",") if arguments.tests else [],
        "cis_window_bp": arguments.window,
    }
    run_models(con, "+rvat_burden +rvat_skat +rvat_acat", vars=variables)


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
    parser.add_argument("--aggregations", nargs="+", default=["sum"])
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
