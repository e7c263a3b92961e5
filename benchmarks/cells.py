"""Time single cells to pseudobulk: ``varhouse load cells`` against anndata and scipy in memory.

    python benchmarks/cells.py --cells 50000 200000 --repeat 3

Both start from the same generated h5ad file (CSR, not compressed, as anndata writes it). Ours
streams it into a DuckDB file: sums and means of normalised values by cell type, gene and donor, and
expression components. The peer reads it whole, normalises as scanpy does and multiplies with a
matrix of groups by cells; it stores nothing. Its sums and means are compared with ours, all of
them. Contenders take turns, each run in a process of its own; what is printed are medians.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import duckdb
import h5py
import numpy as np
from measure import BENCHMARKS, Cost, is_importable, measured, run_contender

# Goals of issue 3: printed beside what was measured, never asserted.
MAX_CPU_OF_PEER = 1.5
RSS_ABOVE_LIMIT_MIB = 300
MAX_GROWTH_EXPONENT = 1.1
MEAN_TOLERANCE = 1e-5  # the peer's values are float32, as scanpy's are
N_GENES = 36_469
GENES_A_CELL = 1_200
N_TYPES = 14
_CELLS_AT_ONCE = 5_000
_DISTINCT_CELLS = 200_000  # a multiple of those at once


class DisagreementError(RuntimeError):
    """The peer computed something else, so that its time says nothing."""


def make_cells(path: Path, *, n_cells: int, n_donors: int, seed: int) -> None:
    """Write an h5ad file of counts: few genes are in most cells, most genes in few.

    Cells beyond the first `_DISTINCT_CELLS` have the counts of those again, in groups of their own.
    """
    rng = np.random.default_rng(seed)
    share = rng.lognormal(0, 2.2, N_GENES)
    edges = np.cumsum(share / share.sum())
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        x = file.create_group("X")
        x.attrs["encoding-type"], x.attrs["encoding-version"] = "csr_matrix", "0.1.0"
        x.attrs["shape"] = (n_cells, N_GENES)
        stored = {"shape": (0,), "maxshape": (None,), "chunks": (1 << 16,)}
        data = x.create_dataset("data", dtype=np.float32, **stored)
        indices = x.create_dataset("indices", dtype=np.int32, **stored)
        bounds = [np.zeros(1, dtype=np.int64)]
        for start in range(0, n_cells, _CELLS_AT_ONCE):
            size = min(_CELLS_AT_ONCE, n_cells - start)
            at = data.shape[0]
            if start >= _DISTINCT_CELLS:
                ends = bounds[1 + (start % _DISTINCT_CELLS) // _CELLS_AT_ONCE][:size]
                first = int(bounds[(start % _DISTINCT_CELLS) // _CELLS_AT_ONCE][-1])
                for dataset in (data, indices):
                    dataset.resize((at + int(ends[-1]) - first,))
                    dataset[at:] = dataset[first : int(ends[-1])]
                bounds.append(at + ends - first)
                continue
            depth = rng.lognormal(0, 0.4, size)
            drawn = rng.poisson(2 * GENES_A_CELL * depth)
            cell = np.repeat(np.arange(size), drawn)
            gene = np.minimum(np.searchsorted(edges, rng.random(cell.size)), N_GENES - 1)
            keys, counts = np.unique(cell * N_GENES + gene, return_counts=True)
            end = at + keys.size
            for dataset, values in ((data, counts), (indices, keys % N_GENES)):
                dataset.resize((end,))
                dataset[at:end] = values
            bounds.append(at + np.cumsum(np.bincount(keys // N_GENES, minlength=size)))
        x.create_dataset("indptr", data=np.concatenate(bounds))
        for table, names in (
            ("obs", [f"cell{number}" for number in range(n_cells)]),
            ("var", [f"ENSG{number:011d}" for number in range(N_GENES)]),
        ):
            group = file.create_group(table)
            group.attrs["encoding-type"], group.attrs["encoding-version"] = "dataframe", "0.2.0"
            group.attrs["_index"] = "_index"
            group.attrs["column-order"] = ["donor_id", "cell_type"] if table == "obs" else []
            group.create_dataset("_index", data=names, dtype=text)
        for column, prefix, n in (("donor_id", "donor", n_donors), ("cell_type", "type", N_TYPES)):
            group = file["obs"].create_group(column)
            group.attrs["encoding-type"] = "categorical"
            group.attrs["encoding-version"], group.attrs["ordered"] = "0.2.0", False
            names = [f"{prefix}{number:04d}" for number in range(n)]
            group.create_dataset("categories", data=names, dtype=text)
            group.create_dataset("codes", data=rng.integers(0, n, n_cells).astype(np.int16))


def run_ours(path: Path, out: Path, report: Path, *, memory: str, threads: int) -> None:
    """Load the file into a new warehouse."""
    from varhouse.ingest.load import load_files
    from varhouse.settings import Settings
    from varhouse.warehouse import open_warehouse

    settings = Settings(database=out, memory=memory, threads=threads)
    with open_warehouse(settings) as con, measured(report):
        load_files(con, "cells", [path], build=None, source_id=None, format=None)


def run_sums(path: Path, report: Path, *, memory: str) -> None:
    """Add the cells up as a load does, and store nothing."""
    from varhouse.ingest.cells.counts import find_expressions, first_of_counts
    from varhouse.ingest.cells.groups import group_cells
    from varhouse.ingest.cells.h5 import open_h5
    from varhouse.ingest.cells.sums import sum_groups
    from varhouse.ingest.cells.tables import Table
    from varhouse.ingest.format import LoadOptions

    n_values = 1 << 19
    with measured(report), open_h5(path) as root:
        obs = Table(path, root, "obs")
        expressions = find_expressions(path, root, obs.n_rows, None, n_values)
        expression, found = first_of_counts(expressions, n_values, progress=lambda _: None)
        groups = group_cells(path, obs, LoadOptions(build=None, source_id=None), {})
        for _ in sum_groups(
            expression.matrix, groups, [found.totals],
            n_values=n_values,
            max_bytes=int(_mebibytes(memory) * 2**20) // 3,
            progress=lambda _: None,
        ):  # fmt: skip
            pass


def run_peer(path: Path, out: Path, report: Path) -> None:
    """Read, normalise and add up in memory; write the groups after the clock has stopped."""
    import anndata
    import scipy.sparse as sp

    with measured(report):
        cells = anndata.read_h5ad(path)
        groups, codes = np.unique(
            cells.obs["cell_type"].cat.codes.to_numpy().astype(np.int64) * 100_000
            + cells.obs["donor_id"].cat.codes.to_numpy(),
            return_inverse=True,
        )
        n_cells = np.bincount(codes)
        indicator = sp.csr_matrix(
            (np.ones(codes.size, dtype=np.float32), (codes, np.arange(codes.size))),
            shape=(groups.size, codes.size),
        )
        sums = indicator @ cells.X
        totals = np.asarray(cells.X.sum(axis=1)).ravel()
        factor = np.median(totals[totals > 0]) / np.where(totals > 0, totals, 1)
        normalised = cells.X.copy()
        normalised.data *= np.repeat(factor, np.diff(normalised.indptr)).astype(np.float32)
        np.log1p(normalised.data, out=normalised.data)
        means = sp.diags(1 / n_cells).tocsr() @ (indicator @ normalised)
    names = np.array([f"type{key // 100_000:04d}/donor{key % 100_000:04d}" for key in groups])
    sums, means = sums.tocoo(), means.tocsr()
    np.savez(
        out,
        names=names, group=sums.row, gene=sums.col, sum=sums.data,
        mean=np.asarray(means[sums.row, sums.col]).ravel(),
    )  # fmt: skip


def compare(database: Path, theirs: Path) -> int:
    """Compare every sum and mean; return how many there are."""
    with np.load(theirs) as held, duckdb.connect(str(database), read_only=True) as con:
        import pyarrow as pa

        con.register(
            "peer",
            pa.table({name: held[name] for name in ("group", "gene", "sum", "mean")}),
        )
        con.register(
            "peer_names", pa.table({"name": held["names"], "no": np.arange(held["names"].size)})
        )
        n, n_wrong = con.execute(f"""
            select
                count(*),
                count(*) filter (
                    peer.sum is distinct from ours.sum
                    or peer.mean is null
                    or abs(peer.mean - ours.mean) > {MEAN_TOLERANCE} * (1 + ours.mean)
                )
            from peer
            inner join peer_names on peer."group" = peer_names.no
            full join (select * from pseudobulk where mean > 0) as ours
                on peer_names.name = ours.cell_type || '/' || ours.donor_id
                and printf('ENSG%011d', peer.gene) = ours.gene_id
        """).fetchall()[0]
    if n_wrong:
        raise DisagreementError(f"{n_wrong:,} of {n:,} groups and genes differ")
    return int(n)


def _time(folder: Path, n_cells: int, arguments: argparse.Namespace) -> dict[str, list[Cost]]:
    path = folder / f"cells_{n_cells}.h5ad"
    _say(f"{n_cells:,} cells: generating")
    make_cells(path, n_cells=n_cells, n_donors=arguments.donors, seed=arguments.seed)
    costs: dict[str, list[Cost]] = {}
    for turn in range(arguments.repeat):
        for name in ("varhouse", "sums", *(["anndata"] if arguments.peer else [])):
            out = folder / {"varhouse": "ours.duckdb", "anndata": "theirs.npz"}.get(name, "none")
            out.unlink(missing_ok=True)
            report = folder / f"{name}.json"
            command = [name, str(path), str(out), str(report)]
            command += ["--memory", arguments.memory, "--threads", str(arguments.threads)]
            cost = run_contender("cells.py", command, report=report)
            costs.setdefault(name, []).append(cost)
            _say(
                f"{n_cells:,} cells, turn {turn + 1}: {name} {cost.cpu_s:.2f} s CPU, "
                f"{cost.peak_rss_mib:,.0f} MiB"
            )
        if turn == 0 and arguments.peer:
            n = compare(folder / "ours.duckdb", folder / "theirs.npz")
            _say(f"{n_cells:,} cells: {n:,} sums and means agree")
    path.unlink()
    return costs


def _findings(sizes: dict[int, dict[str, list[Cost]]], *, memory: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []

    def add(goal: str, measured_value: str, met: bool) -> None:
        found.append({"goal": goal, "measured": measured_value, "met": met})

    for n_cells, costs in sizes.items():
        if "anndata" in costs:
            peer = _median(costs["anndata"], "cpu_s")
            whole, sums = (_median(costs[name], "cpu_s") / peer for name in ("varhouse", "sums"))
            add(
                f"{n_cells:,} cells: CPU of the load <= {MAX_CPU_OF_PEER} x anndata and scipy",
                f"{whole:.2f} x (the sums alone: {sums:.2f} x)",
                whole <= MAX_CPU_OF_PEER,
            )  # fmt: skip
        peak = _median(costs["varhouse"], "peak_rss_mib")
        limit = _mebibytes(memory) + RSS_ABOVE_LIMIT_MIB
        add(
            f"{n_cells:,} cells: peak memory <= --memory + {RSS_ABOVE_LIMIT_MIB} MiB",
            f"{peak:,.0f} MiB of {limit:,.0f}", peak <= limit,
        )  # fmt: skip
    if len(sizes) > 1:
        low, high = min(sizes), max(sizes)
        ratio = _median(sizes[high]["varhouse"], "cpu_s") / _median(sizes[low]["varhouse"], "cpu_s")
        exponent = math.log(ratio) / math.log(high / low)
        add(
            f"{low:,} to {high:,} cells: CPU grows as n^{MAX_GROWTH_EXPONENT} at most",
            f"n^{exponent:.2f}", exponent <= MAX_GROWTH_EXPONENT,
        )  # fmt: skip
    return found


def _median(costs: list[Cost], name: str) -> float:
    return statistics.median(getattr(cost, name) for cost in costs)


def _mebibytes(size: str) -> float:
    number, unit = re.fullmatch(r"(?i)([0-9.]+)\s*([KMGT]I?)B", size).groups()
    base = 1024 if unit.upper().endswith("I") else 1000
    return float(number) * base ** (" KMGT".index(unit[0].upper())) / 2**20


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, nargs="+", default=[50_000, 200_000], metavar="N")
    parser.add_argument("--donors", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each contender (default 3)")
    parser.add_argument("--threads", type=int, default=2, help="DuckDB's, for ours")
    parser.add_argument("--memory", default="2GB", help="DuckDB's memory_limit for ours")
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--temp-dir", type=Path, help="parent of the working folder")
    parser.add_argument("--json", type=Path, help="also write every run here")
    arguments = parser.parse_args()
    if arguments.peer and not is_importable("anndata"):
        _say("anndata: not installed, skipped")
        arguments.peer = False
    return arguments


def main() -> None:
    """Run both and print the table."""
    arguments = _parse()
    with tempfile.TemporaryDirectory(prefix="varhouse_bench_", dir=arguments.temp_dir) as name:
        sizes = {n: _time(Path(name), n, arguments) for n in sorted(arguments.cells)}
    findings = _findings(sizes, memory=arguments.memory)
    print(f"{'cells':>10}  {'contender':<10} {'CPU s':>8} {'wall s':>8} {'peak MiB':>9}")
    for n_cells, costs in sizes.items():
        for contender, runs in costs.items():
            print(
                f"{n_cells:>10,}  {contender:<10} {_median(runs, 'cpu_s'):>8.2f} "
                f"{_median(runs, 'wall_s'):>8.2f} {_median(runs, 'peak_rss_mib'):>9,.0f}"
            )
    print("\nGoals")
    for finding in findings:
        verdict = "met" if finding["met"] else "NOT met"
        print(f"  {finding['goal']}: {finding['measured']} -> {verdict}")
    if arguments.json is not None:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=BENCHMARKS, capture_output=True, text=True
        ).stdout.strip()
        runs = {n: {k: [asdict(c) for c in v] for k, v in s.items()} for n, s in sizes.items()}
        arguments.json.write_text(
            json.dumps(
                {
                    "commit": commit, "machine": platform.platform(), "runs": runs,
                    "findings": findings, "donors": arguments.donors, "memory": arguments.memory,
                },
                indent=2,
            ),
            encoding="utf-8",
        )  # fmt: skip


def _contender() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=["varhouse", "sums", "anndata"])
    for name in ("path", "out", "report"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--memory")
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    if given.name == "anndata":
        run_peer(given.path, given.out, given.report)
    elif given.name == "sums":
        run_sums(given.path, given.report, memory=given.memory)
    else:
        run_ours(given.path, given.out, given.report, memory=given.memory, threads=given.threads)


if __name__ == "__main__":
    _contender() if sys.argv[1:2] in (["varhouse"], ["sums"], ["anndata"]) else main()
