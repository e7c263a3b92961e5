"""Time ``varhouse load genotypes`` beside the bare library that reads the format.

    python benchmarks/ingest.py                        # 136,776 variants x 981 donors, all formats
    python benchmarks/ingest.py --variants 20000 --formats pgen,bed --json ingest.json

The reader decodes every call into memory and keeps nothing. With "+ arrays" it also takes out the
calls that are not homozygous for the reference (variant, donor, dosage), by numpy: the least that a
sparse table needs. Ours ends with the tables in a DuckDB file, committed and checkpointed. All read
the same generated file, each run in a process of its own, in turns; what is printed are medians.
What is loaded is compared with what was simulated.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from genotype_files import WRITERS, Cohort
from measure import BENCHMARKS, ContenderError, Cost, is_importable, measured, run_contender
from numpy.typing import NDArray

# Goals of issue 3: printed beside what was measured, never asserted.
MAX_CPU_OF_READER = 2.0
MAX_RSS_MIB = 1e9 / 2**20
MAX_CPU_S, TIMED_FORMATS, TIMED_VARIANTS = 10.0, ("pgen", "bed"), 136_776
# Text takes long to write: a quarter of the variants tells as much.
SHARES = {"vcf": 0.25, "bcf": 0.25}
LIBRARIES = {"pgen": "pgenlib", "bed": "pgenlib", "bgen": "bgen", "vcf": "cyvcf2", "bcf": "cyvcf2"}
CONTENDERS = ("reader", "arrays", "varhouse")
_BLOCK = 2_048


class DisagreementError(RuntimeError):
    """What was loaded is not what was simulated, so that its time says nothing."""


def decode_pgenlib(path: Path, n_donors: int) -> Iterator[NDArray[Any]]:
    """Decode a .pgen or .bed file; -9 is missing."""
    from pgenlib import PgenReader

    with PgenReader(str(path).encode(), raw_sample_ct=n_donors) as reader:
        n_variants = reader.get_variant_ct()
        calls = np.empty((_BLOCK, n_donors), dtype=np.int8)
        for start in range(0, n_variants, _BLOCK):
            stop = min(n_variants, start + _BLOCK)
            reader.read_range(start, stop, calls[: stop - start])
            yield calls[: stop - start]


def decode_bgen(path: Path, n_donors: int) -> Iterator[NDArray[Any]]:
    """Decode a .bgen file; NaN is missing."""
    from bgen import BgenReader

    with BgenReader(str(path), delay_parsing=True) as reader:
        yield from _stacked((variant.alt_dosage for variant in reader), n_donors, np.float32)


def decode_cyvcf2(path: Path, n_donors: int) -> Iterator[NDArray[Any]]:
    """Decode the calls of a VCF or BCF file; each is two allele numbers and a phase."""
    from cyvcf2 import VCF

    calls = (record.genotype.array()[:, :2] for record in VCF(str(path)))
    yield from _stacked(calls, 2 * n_donors, np.int16)


def _stacked(rows: Iterable[NDArray[Any]], width: int, dtype: type) -> Iterator[NDArray[Any]]:
    """Yield rows in blocks."""
    block, place = np.empty((_BLOCK, width), dtype=dtype), 0
    for row in rows:
        block[place] = row.reshape(-1)
        place += 1
        if place == _BLOCK:
            yield block
            place = 0
    yield block[:place]


DECODERS: dict[str, Callable[[Path, int], Iterator[NDArray[Any]]]] = {
    "pgenlib": decode_pgenlib,
    "bgen": decode_bgen,
    "cyvcf2": decode_cyvcf2,
}


def read(library: str, path: Path, n_donors: int, report: Path, *, takes_out: bool) -> None:
    """Read a file with its library, and take out what is not homozygous for the reference."""
    n_found = 0
    with measured(report):
        for block in DECODERS[library](path, n_donors):
            n_found += len(take_out(library, block)[0]) if takes_out else len(block)
    if n_found == 0:
        raise DisagreementError(f"{path}: nothing was read")


def take_out(
    library: str, block: NDArray[Any]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Return variant, donor and dosage of calls that are not homozygous for the reference."""
    if library == "cyvcf2":
        alleles = block.reshape(len(block), -1, 2)
        block = np.where((alleles < 0).any(axis=2), -9, alleles.sum(axis=2)).astype(np.int8)
    places = np.flatnonzero(block != 0)
    variant, donor = np.divmod(places, block.shape[1])
    dosage = block.reshape(-1)[places].astype(np.float32)
    dosage[dosage < 0] = np.nan
    return variant.astype(np.int32), donor.astype(np.int32), dosage


def load(path: Path, database: Path, report: Path, *, memory: str, threads: int) -> None:
    """Load a file into a new warehouse; ids and counts go beside the report."""
    from varhouse.ingest.load import load_files
    from varhouse.settings import Settings
    from varhouse.warehouse import open_warehouse

    settings = Settings(database=database, threads=threads, memory=memory)
    special = {"allele_order": "ref-first"} if path.suffix == ".bgen" else {}
    with open_warehouse(settings) as con:
        with measured(report):
            load_files(
                con, "genotypes", [path], build="GRCh38", source_id=None, format=None, **special
            )
            con.execute("checkpoint")
        found = con.execute(
            "select count(dosage), sum(dosage), count(*) - count(dosage) from genotypes"
        ).fetchone()
        report.with_suffix(".counts").write_text(json.dumps(found), encoding="utf-8")


def main() -> None:
    """Run the formats asked for and print the table."""
    arguments = _parse()
    costs: dict[str, dict[str, list[Cost]]] = {}
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="varhouse_bench_", dir=arguments.temp_dir) as name:
        for format in arguments.formats:
            if not is_importable(LIBRARIES[format]):
                print(f"{format}: {LIBRARIES[format]} is not installed, skipped", file=sys.stderr)
                continue
            n_variants = max(1, round(arguments.variants * SHARES.get(format, 1.0)))
            cohort = Cohort(n_variants, arguments.donors, arguments.seed)
            sizes[format] = n_variants
            costs[format] = _time(format, cohort, Path(name) / format, arguments)
    findings = _findings(costs, sizes)
    _print_table(costs, sizes, arguments)
    print("\nGoals")
    for finding in findings:
        verdict = "met" if finding["met"] else "NOT met"
        print(f"  {finding['goal']}: {finding['measured']} -> {verdict}")
    if arguments.json is not None:
        _write_json(arguments.json, costs, sizes, findings, arguments)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variants", type=int, default=TIMED_VARIANTS, metavar="N")
    parser.add_argument("--donors", type=int, default=981, metavar="N")
    parser.add_argument("--formats", default=",".join(WRITERS), help="comma-separated")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each contender (default 3)")
    parser.add_argument("--threads", type=int, default=2, help="of DuckDB")
    parser.add_argument("--memory", default="512MB", help="DuckDB's memory_limit")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--temp-dir", type=Path, help="parent of the working folder")
    parser.add_argument("--json", type=Path, help="also write every run here")
    arguments = parser.parse_args()
    arguments.formats = [name for name in arguments.formats.split(",") if name]
    unknown = sorted(set(arguments.formats) - set(WRITERS))
    if unknown:
        parser.error(f"--formats {','.join(unknown)}: unknown; known are {', '.join(WRITERS)}")
    if min(arguments.repeat, arguments.variants, arguments.donors) < 1:
        parser.error("--repeat, --variants and --donors must be at least 1")
    return arguments


def _time(
    format: str, cohort: Cohort, folder: Path, arguments: argparse.Namespace
) -> dict[str, list[Cost]]:
    """Write one format, run every contender ``repeat`` times, and remove the file."""
    folder.mkdir()
    _say(f"{format}: writing {cohort.n_variants:,} variants x {cohort.n_donors} donors")
    path = WRITERS[format](cohort, folder / "cohort")
    expected = list(cohort.summary())
    costs: dict[str, list[Cost]] = {name: [] for name in CONTENDERS}
    report = folder / "report.json"
    database = folder / "warehouse.duckdb"
    options = [str(report), arguments.memory, str(arguments.threads)]
    commands = {
        name: [name, LIBRARIES[format], str(path), str(cohort.n_donors), str(report)]
        for name in CONTENDERS[:2]
    } | {"varhouse": ["load", str(path), str(database), *options]}
    for turn in range(arguments.repeat):
        for name, command in commands.items():
            costs[name].append(run_contender("ingest.py", command, report=report))
        found = json.loads(report.with_suffix(".counts").read_text(encoding="utf-8"))
        if found != expected:
            raise DisagreementError(f"{format}: loaded {found}, simulated {expected}")
        database.unlink()
        shown = ", ".join(f"{name} {runs[-1].cpu_s:.2f}" for name, runs in costs.items())
        _say(f"{format}, turn {turn + 1}, s of CPU: {shown}")
    for each in folder.iterdir():
        each.unlink()
    return costs


def _findings(
    costs: dict[str, dict[str, list[Cost]]], sizes: dict[str, int]
) -> list[dict[str, object]]:
    """Set the goals beside what was measured."""
    found: list[dict[str, object]] = []

    def add(goal: str, value: float, unit: str, *, met: bool) -> None:
        found.append({"goal": goal, "value": value, "measured": f"{value:.2f}{unit}", "met": met})

    for format, runs in costs.items():
        ours = _median(runs["varhouse"], "cpu_s")
        for name, said in (("reader", "the reader's"), ("arrays", "the reader's with arrays")):
            ratio = ours / _median(runs[name], "cpu_s")
            goal = f"{format}: CPU at most {MAX_CPU_OF_READER:.0f} x {said}"
            add(goal, ratio, " x", met=ratio <= MAX_CPU_OF_READER)
        peak = max(run.peak_rss_mib for run in runs["varhouse"])
        goal = f"{format}: peak memory below 1 GB ({MAX_RSS_MIB:.0f} MiB)"
        add(goal, peak, " MiB", met=peak < MAX_RSS_MIB)
        if format in TIMED_FORMATS and sizes[format] == TIMED_VARIANTS:
            add(f"{format}: below {MAX_CPU_S:.0f} s CPU", ours, " s", met=ours < MAX_CPU_S)
    return found


def _print_table(
    costs: dict[str, dict[str, list[Cost]]], sizes: dict[str, int], arguments: argparse.Namespace
) -> None:
    print(f"\nGenotypes of {arguments.donors} donors; medians of {arguments.repeat}")
    print(
        f"{'':<5} {'variants':>9} {'reader':>8} {'CPU s':>7} {'+ arrays':>9} {'RSS MiB':>8} "
        f"{'varhouse s':>11} {'wall s':>7} {'RSS MiB':>8} {'x reader':>9} {'x arrays':>9}"
    )
    for format, runs in costs.items():
        cpu = {name: _median(each, "cpu_s") for name, each in runs.items()}
        rss = {name: _median(each, "peak_rss_mib") for name, each in runs.items()}
        print(
            f"{format:<5} {sizes[format]:>9,} {LIBRARIES[format]:>8} {cpu['reader']:>7.2f} "
            f"{cpu['arrays']:>9.2f} {rss['arrays']:>8.0f} {cpu['varhouse']:>11.2f} "
            f"{_median(runs['varhouse'], 'wall_s'):>7.2f} {rss['varhouse']:>8.0f} "
            f"{cpu['varhouse'] / cpu['reader']:>9.2f} {cpu['varhouse'] / cpu['arrays']:>9.2f}"
        )


def _median(runs: Sequence[Cost], field: str) -> float:
    return statistics.median(float(getattr(run, field)) for run in runs)


def _write_json(
    path: Path,
    costs: dict[str, dict[str, list[Cost]]],
    sizes: dict[str, int],
    findings: list[dict[str, object]],
    arguments: argparse.Namespace,
) -> None:
    commit = subprocess.run(
        ["git", "-C", str(BENCHMARKS), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    runs = {
        format: {name: [asdict(cost) for cost in each] for name, each in contenders.items()}
        for format, contenders in costs.items()
    }
    found = {
        "commit": commit.stdout.strip() if commit.returncode == 0 else "not a checkout",
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "threads": arguments.threads,
        "memory_limit": arguments.memory,
        "seed": arguments.seed,
        "donors": arguments.donors,
        "variants": sizes,
        "genotypes": runs,
        "goals": findings,
    }
    path.write_text(json.dumps(found, indent=2), encoding="utf-8")


def _contender() -> None:
    """Run as a contender where the arguments say so, else the benchmark."""
    match sys.argv[1:]:
        case ["reader" | "arrays" as name, library, path, n_donors, report]:
            takes_out = name == "arrays"
            read(library, Path(path), int(n_donors), Path(report), takes_out=takes_out)
        case ["load", path, database, report, memory, threads]:
            load(Path(path), Path(database), Path(report), memory=memory, threads=int(threads))
        case _:
            main()


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        _contender()
    except (ContenderError, DisagreementError) as error:
        sys.exit(f"benchmark stopped: {error}")
