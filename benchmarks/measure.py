"""Measure one contender: CPU, wall time and peak memory of the work, and of its whole process.

A contender is a script run in a process of its own. It imports what it needs, opens its data and
puts the work inside ``with measured(report):``; the parent starts it with `run_contender` and reads
back what the phase cost. CPU is user plus system time of the process and of every descendant,
living (a JVM) or ended; peak memory is the sum of their high-water marks.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 2**20
# as varhouse itself sets them
ONE_BLAS_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a measured phase took.

    Parameters
    ----------
    cpu_s, wall_s
        Seconds of the phase alone.
    peak_rss_mib
        High-water mark of the process and its descendants when the phase ended, imports included.
    process_cpu_s
        CPU seconds of the whole process: interpreter, imports and set-up too.
    """

    cpu_s: float
    wall_s: float
    peak_rss_mib: float
    process_cpu_s: float = 0.0


class ContenderError(RuntimeError):
    """A contender ended without a report; the message carries the end of its stderr."""


def is_importable(module: str) -> bool:
    """Tell whether ``module`` could be imported, without importing it."""
    return importlib.util.find_spec(module) is not None


@contextlib.contextmanager
def measured(report: Path) -> Iterator[None]:
    """Write the cost of the enclosed work to ``report`` as JSON; nothing is written if it fails."""
    cpu_before, wall_before = _cpu_seconds(), time.perf_counter()
    yield
    cost = Cost(
        cpu_s=_cpu_seconds() - cpu_before,
        wall_s=time.perf_counter() - wall_before,
        peak_rss_mib=_peak_rss_mib(),
    )
    report.write_text(json.dumps(asdict(cost)), encoding="utf-8")


def run_contender(
    script: str,
    arguments: Sequence[str],
    *,
    report: Path,
    env: Mapping[str, str | None] | None = None,
) -> Cost:
    """Run a script of this folder in a fresh interpreter and return what it reported.

    Parameters
    ----------
    script
        File name beside this module.
    arguments
        Its command line; the script is expected to write ``report``.
    report
        Where the contender writes its cost.
    env
        Environment variables on top of the present ones and of one BLAS thread; None takes a
        variable away.

    Raises
    ------
    ContenderError
        The script failed or wrote no report.
    """
    report.unlink(missing_ok=True)
    log = report.with_suffix(".log")
    variables: dict[str, str | None] = {**os.environ, **ONE_BLAS_THREAD, **(env or {})}
    with log.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            [sys.executable, str(BENCHMARKS / script), *arguments],
            stdout=stderr,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in variables.items() if value is not None},
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or not report.is_file():
        tail = log.read_text(encoding="utf-8", errors="replace")[-2_000:]
        raise ContenderError(
            f"{script}: ended with exit code {process.returncode} and no report.\n{tail}"
        )
    cost = Cost(**json.loads(report.read_text(encoding="utf-8")))
    whole = usage.ru_utime + usage.ru_stime
    # a descendant that outlives the contender is not in its rusage, but is in the phase
    return Cost(**{**asdict(cost), "process_cpu_s": max(whole, cost.cpu_s)})


def _cpu_seconds() -> float:
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total + sum(_process_cpu_seconds(pid) for pid in _descendants())


def _process_cpu_seconds(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # ended since it was listed: its time is in RUSAGE_CHILDREN of its parent
    # after the name in brackets: state is field 0; utime, stime, cutime, cstime are 11 to 14
    fields = stat.rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS


def _descendants() -> list[int]:
    """Return living descendants; none where there is no ``/proc`` (only PySpark has any)."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            parents.setdefault(int(fields.rpartition(")")[2].split()[1]), []).append(
                int(folder.name)
            )
    found, waiting = [], [os.getpid()]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _peak_rss_mib() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    own_mib = own / _MIB if sys.platform == "darwin" else own / 1024
    if Path("/proc/self/status").is_file():
        # ru_maxrss survives exec and so may hold the parent's peak; VmHWM does not
        own_mib = _high_water_mib(os.getpid())
    return own_mib + sum(_high_water_mib(pid) for pid in _descendants())


def _high_water_mib(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
