"""Interval-to-variant overlap: the binned join in DuckDB, or ``bioframe.overlap``.

Every run writes the number of pairs found beside its cost; the parent compares them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
import numpy as np
from evidence import AUTOSOME_MB, arrow_table
from jinja2 import Template
from measure import measured

from varhouse.settings import shipped_project_dir

# int_v2g__interval_overlaps for plain positions: bins by the project's macros, equal bins joined,
# exact limits kept.
BINNED_JOIN = """
    create table pairs as
    with interval_bins as (
        select
            *,
            {{ bins('start_pos', 'end_pos') }} as interval_bin
        from intervals
    ),

    variant_bins as (
        select
            *,
            {{ bin('pos') }} as variant_bin
        from variants
    )

    select
        variant_bins.variant_idx,
        interval_bins.interval_no
    from variant_bins
    inner join interval_bins
        on variant_bins.chrom = interval_bins.chrom
        and variant_bins.variant_bin = interval_bins.interval_bin
        and variant_bins.pos between interval_bins.start_pos and interval_bins.end_pos
"""


def binned_join(bin_bp: int) -> str:
    """Render the join with ``sql/macros/joins.sql``, its bin width set to ``bin_bp``."""
    macros = (shipped_project_dir() / "sql" / "macros" / "joins.sql").read_text(encoding="utf-8")
    variables = {"bin_width_bp": bin_bp}
    return str(
        Template(macros + BINNED_JOIN).render(var_whole=lambda name, least, most: variables[name])
    )


def make_intervals(folder: Path, *, n_variants: int, n_intervals: int, seed: int) -> None:
    """Write ``points.parquet`` and ``intervals.parquet``: 1 to 20 kb long, over all autosomes."""
    rng = np.random.default_rng(seed)
    megabases = np.array(AUTOSOME_MB, dtype=np.int64)
    share = megabases / megabases.sum()
    drawn = {}
    for name, size in (("points", n_variants), ("intervals", n_intervals)):
        chrom = rng.choice(megabases.size, size, p=share)
        pos = (rng.random(size) * (megabases[chrom] * 1_000_000 - 30_000)).astype(np.int64) + 1
        drawn[name] = {"chrom": chrom + 1, "pos": pos}
    drawn["intervals"]["length"] = rng.integers(1_000, 20_000, n_intervals)
    with duckdb.connect() as con:
        for name, columns in drawn.items():
            con.register(name, arrow_table(**columns))
        con.sql("""
            select
                (row_number() over () - 1)::integer as variant_idx,
                chrom::varchar as chrom,
                pos::integer as pos
            from points
        """).write_parquet(str(folder / "points.parquet"))
        con.sql("""
            select
                (row_number() over () - 1)::integer as interval_no,
                chrom::varchar as chrom,
                pos::integer as start_pos,
                (pos + length)::integer as end_pos
            from intervals
        """).write_parquet(str(folder / "intervals.parquet"))


def by_bins(folder: Path, report: Path, *, threads: int, bin_bp: int) -> int:
    """Join loaded tables in DuckDB and return the number of pairs."""
    with duckdb.connect(config={"threads": threads, "preserve_insertion_order": False}) as con:
        con.execute(f"create table variants as from '{folder / 'points.parquet'}'")
        con.execute(f"create table intervals as from '{folder / 'intervals.parquet'}'")
        with measured(report):
            con.execute(binned_join(bin_bp))
        counted = con.execute("select count(*) from pairs").fetchone()
    return int(counted[0]) if counted else 0


def by_bioframe(folder: Path, report: Path) -> int:
    """Overlap loaded data frames with bioframe and return the number of pairs."""
    import bioframe
    import pandas as pd

    variants = pd.read_parquet(folder / "points.parquet").rename(columns={"pos": "end"})
    variants.insert(1, "start", variants["end"] - 1)
    intervals = pd.read_parquet(folder / "intervals.parquet").rename(columns={"end_pos": "end"})
    # bioframe is 0-based and half open
    intervals["start"] = intervals.pop("start_pos") - 1
    with measured(report):
        pairs = bioframe.overlap(
            variants, intervals, how="inner", return_index=True, return_input=False
        )
    return len(pairs)


def main() -> None:
    """Find the pairs one way and report cost and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=["varhouse", "bioframe"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bin-bp", type=int, default=10_000)
    arguments = parser.parse_args()
    if arguments.way == "varhouse":
        n_pairs = by_bins(
            arguments.folder, arguments.report, threads=arguments.threads, bin_bp=arguments.bin_bp
        )
    else:
        n_pairs = by_bioframe(arguments.folder, arguments.report)
    arguments.report.with_suffix(".pairs").write_text(str(n_pairs), encoding="utf-8")


if __name__ == "__main__":
    main()
