"""Time V2G scoring from loaded evidence to ranked genes: varhouse, polars, pandas, PySpark.

    python benchmarks/v2g.py --rows 5000000 20000000 --repeat 3

Every contender reads the same generated rows from its own columnar store (a DuckDB file or
parquet), does the same work, and writes one row a variant and gene: score, rank, number of sources
and the sources' scores. Results are compared row by row before anything is printed. Contenders
take turns, each run in a process of its own; what is printed are medians. Distance is off for all.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import duckdb
import evidence
import overlap
from measure import ContenderError, Cost, is_importable, run_contender

PEER_NAMES = ("polars", "pandas", "pyspark")
# Goals of issue 2: printed beside what was measured, never asserted.
MAX_CPU_OF_POLARS = 0.6
MAX_RSS_OF_POLARS = 0.5
MIN_CPU_OF_PYSPARK = 10.0
RSS_ABOVE_LIMIT_MIB = 300
MAX_GROWTH_EXPONENT = 1.1
MAX_CPU_OF_BIOFRAME = 2.0
SCORE_TOLERANCE = 1e-12
_BYTES = {"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
_BYTES |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


class DisagreementError(RuntimeError):
    """A peer computed something else, so that its time says nothing."""


def main() -> None:
    """Run the contenders asked for and print the table."""
    arguments = _parse()
    peers = _present(arguments.peers)
    with tempfile.TemporaryDirectory(prefix="varhouse_bench_", dir=arguments.temp_dir) as name:
        folder = Path(name)
        sizes = {
            n_rows: _time_scoring(folder, peers, n_rows=n_rows, arguments=arguments)
            for n_rows in sorted(arguments.rows)
        }
        joins = _time_overlap(folder, arguments=arguments) if arguments.overlap else {}
    findings = _findings(sizes, joins, memory=arguments.memory)
    _print_tables(sizes, joins)
    print("\nGoals")
    for finding in findings:
        verdict = "met" if finding["met"] else "NOT met"
        print(f"  {finding['goal']}: {finding['measured']} -> {verdict}")
    if arguments.json is not None:
        _write_json(arguments.json, sizes, joins, findings, arguments)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000_000], metavar="N")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each contender (default 3)")
    parser.add_argument(
        "--peers", default=",".join(PEER_NAMES), help="comma-separated; an empty text for none"
    )
    parser.add_argument("--threads", type=int, default=2, help="for every contender that has any")
    parser.add_argument("--memory", default="1GB", help="DuckDB's memory_limit for ours")
    parser.add_argument("--spark-memory", default="6g", help="heap of the PySpark driver")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--temp-dir", type=Path, help="parent of the working folder")
    parser.add_argument(
        "--sources",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write each pair's list of sources too, not only score, rank and n_sources",
    )
    parser.add_argument("--overlap", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--overlap-variants", type=int, default=1_000_000)
    parser.add_argument("--overlap-intervals", type=int, default=500_000)
    parser.add_argument("--json", type=Path, help="also write every run here")
    arguments = parser.parse_args()
    arguments.peers = [name for name in arguments.peers.split(",") if name]
    unknown = sorted(set(arguments.peers) - set(PEER_NAMES))
    if unknown:
        parser.error(f"--peers {','.join(unknown)}: unknown; known are {', '.join(PEER_NAMES)}")
    if arguments.repeat < 1 or min(arguments.rows) < 1_000:
        parser.error("--repeat must be at least 1 and --rows at least 1000")
    if not re.fullmatch(r"(?i)[0-9.]+\s*([KMGT]i?)?B", arguments.memory):
        parser.error(f"--memory {arguments.memory}: a size such as 4GB is wanted")
    return arguments


def _present(names: Sequence[str]) -> list[str]:
    found = []
    for name in names:
        if not is_importable(name):
            print(f"{name}: not installed, skipped", file=sys.stderr)
        elif name == "pyspark" and shutil.which("java") is None and "JAVA_HOME" not in os.environ:
            print("pyspark: no Java found, skipped", file=sys.stderr)
        else:
            found.append(name)
    return found


def _time_scoring(
    folder: Path, peers: Sequence[str], *, n_rows: int, arguments: argparse.Namespace
) -> dict[str, list[Cost]]:
    """Generate one size and run every contender ``repeat`` times, in turns."""
    data = folder / f"rows_{n_rows}"
    data.mkdir()
    _say(f"{n_rows:,} rows: generating")
    evidence.make_evidence(data, n_rows=n_rows, seed=arguments.seed)
    filled = data / "filled.duckdb"
    costs: dict[str, list[Cost]] = {"fill": [_run_ours("fill", data, filled, arguments=arguments)]}
    for turn in range(arguments.repeat):
        for name in ("varhouse", *peers):
            out = data / f"{name}.parquet"
            if name == "varhouse":
                # a fresh copy: models that are up to date would be skipped
                database = data / "scored.duckdb"
                shutil.copyfile(filled, database)
                cost = _run_ours("score", data, database, arguments=arguments)
                database.unlink()
            else:
                cost = _run_peer(name, data, out, arguments=arguments)
            _say(f"{n_rows:,} rows, turn {turn + 1}: {name} {cost.cpu_s:.2f} s CPU")
            costs.setdefault(name, []).append(cost)
            if turn == 0 and name != "varhouse":
                _compare(data / "varhouse.parquet", out, name)
    shutil.rmtree(data)
    return costs


def _run_ours(step: str, data: Path, database: Path, *, arguments: argparse.Namespace) -> Cost:
    report = data / f"{step}.json"
    command = [step, str(data), str(database), str(report)]
    command += ["--threads", str(arguments.threads), "--memory", arguments.memory]
    command += ["--sources" if arguments.sources else "--no-sources"]
    return run_contender("ours_varhouse.py", command, report=report)


def _run_peer(name: str, data: Path, out: Path, *, arguments: argparse.Namespace) -> Cost:
    report = data / f"{name}.json"
    command = [str(data), str(out), str(report)]
    command += ["--sources" if arguments.sources else "--no-sources"]
    if name == "pyspark":
        command += ["--threads", str(arguments.threads), "--driver-memory", arguments.spark_memory]
    env = {"POLARS_MAX_THREADS": str(arguments.threads)}
    return run_contender(f"peers_{name}.py", command, report=report, env=env)


def _time_overlap(folder: Path, *, arguments: argparse.Namespace) -> dict[str, list[Cost]]:
    """Run the interval overlap both ways, in turns, and compare the number of pairs."""
    data = folder / "overlap"
    data.mkdir()
    overlap.make_intervals(
        data,
        n_variants=arguments.overlap_variants,
        n_intervals=arguments.overlap_intervals,
        seed=arguments.seed,
    )
    ways = ["varhouse"]
    if is_importable("bioframe"):
        ways.append("bioframe")
    else:
        print("bioframe: not installed, skipped", file=sys.stderr)
    costs: dict[str, list[Cost]] = {}
    n_pairs: dict[str, str] = {}
    for turn in range(arguments.repeat):
        for way in ways:
            report = data / f"{way}.json"
            command = [way, str(data), str(report), "--threads", str(arguments.threads)]
            cost = run_contender("overlap.py", command, report=report)
            _say(f"overlap, turn {turn + 1}: {way} {cost.cpu_s:.2f} s CPU")
            costs.setdefault(way, []).append(cost)
            n_pairs[way] = report.with_suffix(".pairs").read_text(encoding="utf-8")
    if len(set(n_pairs.values())) > 1:
        raise DisagreementError(f"overlap: numbers of pairs differ: {n_pairs}")
    return costs


def _compare(ours: Path, theirs: Path, name: str) -> None:
    """Compare every pair's score, rank and number of sources; raise where they differ."""
    source = str(theirs / "*.parquet") if theirs.is_dir() else str(theirs)
    with duckdb.connect() as con:
        differing = con.execute(
            """
            select count(*), min(coalesce(ours.variant_id, theirs.variant_id))
            from read_parquet(?) as ours
            full join read_parquet(?) as theirs
                on ours.variant_id = theirs.variant_id
                and ours.gene_id = theirs.gene_id
            where (abs(ours.overall_score - theirs.overall_score) <= ?) is not true
                or ours.rank is distinct from theirs.rank
                or ours.n_sources is distinct from theirs.n_sources
            """,
            [str(ours), source, SCORE_TOLERANCE],
        ).fetchone()
    if differing is None or differing[0]:
        raise DisagreementError(
            f"{name}: {differing} pairs differ from ours in score (> {SCORE_TOLERANCE}), rank or "
            "number of sources; (how many, one variant)"
        )


def _findings(
    sizes: dict[int, dict[str, list[Cost]]], joins: dict[str, list[Cost]], *, memory: str
) -> list[dict[str, object]]:
    """Set the goals beside what was measured; those without their peer are left out."""
    found: list[dict[str, object]] = []

    def add(goal: str, value: float, unit: str, *, met: bool) -> None:
        found.append({"goal": goal, "value": value, "measured": f"{value:.2f}{unit}", "met": met})

    for n_rows, costs in sizes.items():
        at = f"at {n_rows:,} rows"
        cpu = {name: _median(runs, "cpu_s") for name, runs in costs.items()}
        rss = {name: _median(runs, "peak_rss_mib") for name, runs in costs.items()}
        if "polars" in costs:
            ratio = cpu["varhouse"] / cpu["polars"]
            goal = f"CPU at most {MAX_CPU_OF_POLARS} x polars {at}"
            add(goal, ratio, " x", met=ratio <= MAX_CPU_OF_POLARS)
            ratio = rss["varhouse"] / rss["polars"]
            goal = f"peak memory at most {MAX_RSS_OF_POLARS} x polars {at}"
            add(goal, ratio, " x", met=ratio <= MAX_RSS_OF_POLARS)
        if "pyspark" in costs:
            ratio = cpu["pyspark"] / cpu["varhouse"]
            goal = f"at least {MIN_CPU_OF_PYSPARK:.0f} x less CPU than PySpark {at}"
            add(goal, ratio, " x", met=ratio >= MIN_CPU_OF_PYSPARK)
        limit = _mebibytes(memory) + RSS_ABOVE_LIMIT_MIB
        peak = max(run.peak_rss_mib for run in costs["varhouse"])
        add(f"peak memory at most memory_limit + {RSS_ABOVE_LIMIT_MIB} MiB ({limit:.0f} MiB) {at}",
            peak, " MiB", met=peak <= limit)  # fmt: skip
    if len(sizes) > 1:
        exponent = _growth_exponent(sizes, "varhouse")
        small, large = min(sizes), max(sizes)
        goal = f"CPU grows linearly from {small:,} to {large:,} rows"
        goal += f" (exponent at most {MAX_GROWTH_EXPONENT})"
        add(goal, exponent, "", met=exponent <= MAX_GROWTH_EXPONENT)
    if "bioframe" in joins:
        ratio = _median(joins["varhouse"], "cpu_s") / _median(joins["bioframe"], "cpu_s")
        goal = f"interval overlap within {MAX_CPU_OF_BIOFRAME:.0f} x the CPU of bioframe"
        add(goal, ratio, " x", met=ratio <= MAX_CPU_OF_BIOFRAME)
    return found


def _growth_exponent(sizes: dict[int, dict[str, list[Cost]]], name: str) -> float:
    """Return b of cost ~ rows^b between the smallest and the largest size."""
    small, large = min(sizes), max(sizes)
    times = _median(sizes[large][name], "cpu_s") / _median(sizes[small][name], "cpu_s")
    return math.log(times) / math.log(large / small)


def _print_tables(sizes: dict[int, dict[str, list[Cost]]], joins: dict[str, list[Cost]]) -> None:
    head = f"{'':<10} {'CPU s':>8} {'(min - max)':>17} {'wall s':>8} {'RSS MiB':>8}"
    for n_rows, costs in sizes.items():
        print(f"\nV2G, {n_rows:,} evidence rows; medians of {len(costs['varhouse'])}")
        _print_rows(head + f" {'x polars':>9} {'x pyspark':>9}", costs, ("polars", "pyspark"))
    if len(sizes) > 1:
        names = [name for name in next(iter(sizes.values())) if name != "fill"]
        growth = ", ".join(f"{name} {_growth_exponent(sizes, name):.2f}" for name in names)
        print(f"\nGrowth of CPU with rows, exponent: {growth}")
    if joins:
        print(f"\nInterval overlap; medians of {len(joins['varhouse'])}")
        _print_rows(head + f" {'x bioframe':>10}", joins, ("bioframe",))


def _print_rows(head: str, costs: dict[str, list[Cost]], rivals: Sequence[str]) -> None:
    print(head)
    for name, runs in costs.items():
        cpu = _median(runs, "cpu_s")
        low, high = min(run.cpu_s for run in runs), max(run.cpu_s for run in runs)
        line = f"{name:<10} {cpu:>8.2f} {f'({low:.2f} - {high:.2f})':>17}"
        line += f" {_median(runs, 'wall_s'):>8.2f} {_median(runs, 'peak_rss_mib'):>8.0f}"
        for rival in rivals:
            shown = name != "fill" and rival in costs
            ratio = f"{cpu / _median(costs[rival], 'cpu_s'):.3f}" if shown else "-"
            line += f" {ratio:>9}"
        print(line)


def _median(runs: Sequence[Cost], field: str) -> float:
    return statistics.median(float(getattr(run, field)) for run in runs)


def _mebibytes(size: str) -> float:
    number = size.rstrip("KkMmGgTtIiBb ")
    return float(number) * _BYTES[size[len(number) :].strip().upper()] / 2**20


def _write_json(
    path: Path,
    sizes: dict[int, dict[str, list[Cost]]],
    joins: dict[str, list[Cost]],
    findings: list[dict[str, object]],
    arguments: argparse.Namespace,
) -> None:
    def runs(costs: dict[str, list[Cost]]) -> dict[str, list[dict[str, float]]]:
        return {name: [asdict(cost) for cost in each] for name, each in costs.items()}

    path.write_text(
        json.dumps(
            {
                "commit": _commit(),
                "machine": f"{platform.platform()}, {os.cpu_count()} cores",
                "python": platform.python_version(),
                "threads": arguments.threads,
                "memory_limit": arguments.memory,
                "seed": arguments.seed,
                "sources": arguments.sources,
                "v2g": {str(n_rows): runs(costs) for n_rows, costs in sizes.items()},
                "overlap": runs(joins),
                "goals": findings,
            },
            indent=2,
        ),
        encoding="utf-8",
    )


def _commit() -> str:
    """Return the checkout's commit, or say that there is none."""
    found = subprocess.run(
        ["git", "-C", str(Path(__file__).resolve().parent), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() if found.returncode == 0 else "not a checkout"


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except (ContenderError, DisagreementError) as error:
        sys.exit(f"benchmark stopped: {error}")
