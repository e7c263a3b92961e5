"""The loop: nodes in order, in parallel where they can be, each in one transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import duckdb

from varhouse.errors import UsageError
from varhouse.runner.fingerprint import SourceVersion
from varhouse.runner.nodes import Node
from varhouse.runner.outcome import NodeResult, Reporter, RunInterruptedError, RunOutcome
from varhouse.runner.plan import choose_nodes
from varhouse.runner.project import Project
from varhouse.runner.schedule import Task, schedule
from varhouse.runner.state import Command, RunContext, ensure_table
from varhouse.runner.steps import Steps

_TYPES: dict[Command, tuple[str, ...]] = {
    "run": ("model", "seed", "test"),
    "build": ("model", "seed", "test", "unit_test", "source"),
    "test": ("model", "seed", "test", "unit_test", "source"),
    "seed": ("seed", "test"),
}
_INTERRUPT_EVERY_S = 0.05


def run_project(
    project: Project,
    con: duckdb.DuckDBPyConnection,
    *,
    command: Command,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    full_refresh: bool = False,
    threads: int = 1,
    reporter: Reporter | None = None,
    source_version: SourceVersion | None = None,
    functions_version: str = "",
    stop: threading.Event | None = None,
) -> RunOutcome:
    """Build and test the chosen nodes of a project.

    A model is built aside, its data tests run on the result, then it is swapped in, all in one
    transaction with its row of ``run_results``: a failure leaves the table as it was and skips
    what reads it. What has not changed since it was last built is not built again.

    Parameters
    ----------
    project
        From ``load_project``.
    con
        A writable connection with the functions that models call; every node runs on a cursor of
        it, which sees what is registered in the database, but not temporary objects.
    command
        ``run``: seeds and models with their tests. ``build``: that, and unit tests and tests
        of sources. ``test``: only tests, on the tables as they are. ``seed``: only seeds.
    select, exclude
        dbt's selection syntax.
    full_refresh
        Build everything chosen again, incremental models from nothing.
    threads
        Nodes that may run at once.
    reporter
        Hears what became of every node, as soon as it is done.
    source_version
        Given a connection and a source table, returns a text that changes with its data; by
        default the rows are read and hashed.
    functions_version
        A text that changes with the source of the functions that are registered: models that
        call one of them are built again when it does.
    stop
        Set by another thread or a signal handler to end the run early.

    Returns
    -------
    RunOutcome
        What became of each node.

    Raises
    ------
    ProjectError, UsageError
        Before anything is built.
    RunInterruptedError, KeyboardInterrupt
        The run was stopped; what was being built is as it was before.
    """
    if command not in _TYPES:
        raise UsageError(f"command is {command!r}, wanted one of {', '.join(_TYPES)}.")
    ensure_table(con)
    kinds = _TYPES[command]

    def keep(node: Node) -> bool:
        if node.resource_type == "test" and command in ("run", "seed"):
            of = {project.nodes[parent].resource_type for parent in node.refs}
            return of == {"seed"} if command == "seed" else of != {"source"}
        return node.resource_type in kinds

    prepared = choose_nodes(
        project, con, select=select, exclude=exclude, source_version=source_version,
        functions_version=functions_version, keep=keep,
    )  # fmt: skip
    prepared.fingerprints.prepare(prepared.chosen)
    run = RunContext.of(project, command, full_refresh)
    outcome = RunOutcome(run.run_id, command)
    began = time.perf_counter()
    steps = Steps(prepared, run, full_refresh=full_refresh)
    tasks = schedule(prepared, build=command != "test")
    outcome.compiled = steps.compile(tasks)
    loop = _Loop(con, steps, tasks, outcome, reporter, max(threads, 1), stop or threading.Event())
    loop.run()
    outcome.seconds = time.perf_counter() - began
    return outcome


class _Loop:
    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        steps: Steps,
        tasks: dict[str, Task],
        outcome: RunOutcome,
        reporter: Reporter | None,
        threads: int,
        stop: threading.Event,
    ) -> None:
        self._con = con
        self._steps = steps
        self._waiting = dict(tasks)
        self._outcome = outcome
        self._reporter = reporter
        self._threads = threads
        self._stop = stop
        self._bad: set[str] = set()
        self._done: set[str] = set()
        self._running: dict[Future[list[NodeResult]], tuple[Task, duckdb.DuckDBPyConnection]] = {}

    def run(self) -> None:
        with ThreadPoolExecutor(max_workers=self._threads) as pool:
            try:
                while self._waiting or self._running:
                    self._start_ready(pool)
                    self._collect()
                    if self._stop.is_set():
                        raise RunInterruptedError
            except BaseException:
                self._interrupt()
                raise

    def _start_ready(self, pool: ThreadPoolExecutor) -> None:
        progressed = True
        while progressed:
            progressed = False
            for key, task in list(self._waiting.items()):
                if not task.after <= self._done or len(self._running) >= self._threads:
                    continue
                del self._waiting[key]
                progressed = True
                culprits = sorted(task.after & self._bad)
                if culprits:
                    skipped = self._steps.skip(task, culprits)
                    self._steps.record(self._con, skipped)
                    self._finish(task, skipped)
                else:
                    self._start(pool, task)

    def _start(self, pool: ThreadPoolExecutor, task: Task) -> None:
        # Decided here, on one thread, when everything that the node reads is settled.
        work = self._steps.work_for(task)
        if work is None:
            self._finish(task, self._steps.unchanged(task))
            return
        cursor = self._con.cursor()
        future = pool.submit(work, cursor)
        self._running[future] = (task, cursor)

    def _collect(self) -> None:
        if not self._running:
            return
        finished, _ = wait(
            self._running, timeout=_INTERRUPT_EVERY_S * 4, return_when=FIRST_COMPLETED
        )
        for future in finished:
            task, cursor = self._running.pop(future)
            try:
                results = future.result()
            finally:
                cursor.close()
            self._finish(task, results)

    def _finish(self, task: Task, results: list[NodeResult]) -> None:
        self._done.add(task.key)
        if any(result.bad for result in results):
            self._bad.add(task.key)
        for result in results:
            self._outcome.results.append(result)
            if self._reporter is not None:
                self._reporter.finished(result)

    def _interrupt(self) -> None:
        """Stop every running query; one interrupt may come before its query has begun."""
        self._steps.stop()
        while self._running:
            for _, cursor in self._running.values():
                cursor.interrupt()
            finished, _ = wait(self._running, timeout=_INTERRUPT_EVERY_S)
            for future in finished:
                _, cursor = self._running.pop(future)
                cursor.close()
