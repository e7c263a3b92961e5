"""What one step of a run does: build a node with its tests, test a table, run a unit test."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import duckdb

from varhouse.errors import ModelError
from varhouse.runner.checks import compile_check, run_check
from varhouse.runner.fingerprint import ABSENT
from varhouse.runner.materialise import build_model, load_seed
from varhouse.runner.nodes import Node
from varhouse.runner.outcome import NodeResult
from varhouse.runner.plan import UNCHANGED, Decision, Prepared, decide
from varhouse.runner.schedule import Task
from varhouse.runner.scrub import scrubbed
from varhouse.runner.seeds import seed_query
from varhouse.runner.sourcemap import MappedSql
from varhouse.runner.state import Fingerprint, RunContext, read_back, write_rows
from varhouse.runner.unit_tests import CompiledUnitTest, compile_unit_test, run_unit_test
from varhouse.transaction import transaction

Work = Callable[[duckdb.DuckDBPyConnection], list[NodeResult]]


class Stopped(Exception):
    """The run is ending; raised between the queries of a step."""


class _TestsFailed(Exception):
    """Carries the results of the tests that keep a table from being committed."""

    def __init__(self, results: list[NodeResult]) -> None:
        super().__init__()
        self.results = results


class Steps:
    """Compiles the tasks of a run and does their work."""

    def __init__(self, prepared: Prepared, run: RunContext, *, full_refresh: bool) -> None:
        self._prepared = prepared
        self._run = run
        self._full_refresh = full_refresh
        self._nodes = prepared.project.nodes
        self._sql: dict[str, MappedSql] = {}
        self._units: dict[str, CompiledUnitTest] = {}
        self._test_prints: dict[str, Fingerprint] = {}
        self._absent: dict[str, Node] = {}
        self._stopped = False

    def compile(self, tasks: dict[str, Task]) -> dict[str, str]:
        """Compile everything before anything runs; return the SQL by unique id."""
        for task in tasks.values():
            for key in (task.key, *task.gates):
                self._compile(self._nodes[key])
        return {key: sql.text for key, sql in self._sql.items()}

    def _compile(self, node: Node) -> None:
        project, compiler = self._prepared.project, self._prepared.compiler
        if node.unit is not None:
            self._units[node.unique_id] = compile_unit_test(project, node, node.unit)
        elif node.resource_type == "test":
            self._sql[node.unique_id] = compile_check(project, compiler, node)
        elif node.resource_type == "seed":
            seed_query(project, node)
        else:
            sql = compiler.compile(node, incremental=self._adds(node))
            self._sql[node.unique_id] = sql

    def _adds(self, node: Node) -> bool:
        """Return whether an incremental model will add to its table."""
        refresh = node.config.get("full_refresh")
        refresh = self._full_refresh if refresh is None else refresh
        return (
            node.materialized == "incremental"
            and not refresh
            and self._prepared.existing.get(node.name) == "table"
            and node.unique_id in self._prepared.stored
        )

    def stop(self) -> None:
        """End running steps between two of their queries."""
        self._stopped = True

    def work_for(self, task: Task) -> Work | None:
        """Return the work of a task, or None where nothing has to be done."""
        node = self._nodes[task.key]
        if node.resource_type in ("test", "unit_test"):
            self._note_prints([task.key])
            if self._run.command != "test" and self._ended_before(task.key, "pass"):
                return None
            return lambda con: [self._test(con, task.key)]
        self._note_absent(task.key)
        decision = decide(self._prepared, task.key, full_refresh=self._full_refresh)
        if decision.action != UNCHANGED:
            self._prepared.fingerprints.mark_built(
                task.key, decision.fingerprint.value, self._run.run_id
            )
            self._note_prints(task.gates)
            return lambda con: self._build(con, task, decision)
        self._note_prints(task.gates)
        due = [key for key in task.gates if not self._ended_before(key, "pass")]
        if not due:
            return None
        return lambda con: [
            *self.unchanged(task, without=set(due)), *(self._test(con, key) for key in due)
        ]  # fmt: skip

    def _note_prints(self, keys: list[str]) -> None:
        for key in keys:
            self._test_prints[key] = self._prepared.fingerprints.of(key)
            if key not in self._units:
                self._note_absent(key)

    def _note_absent(self, key: str, below: str | None = None) -> None:
        """Note a table that a node, or an ephemeral model in it, reads and that is not there."""
        for parent in self._prepared.graph.parents[below or key]:
            if self._nodes[parent].materialized == "ephemeral":
                self._note_absent(key, parent)
            elif self._prepared.fingerprints.held(parent) == ABSENT:
                self._absent[key] = self._nodes[parent]

    def _ended_before(self, key: str, status: str) -> bool:
        """Return whether a test ended like this on the very same data."""
        stored = self._prepared.stored.get(key)
        return (
            stored is not None
            and stored.status == status
            and stored.fingerprint.value == self._test_prints[key].value
        )

    def unchanged(self, task: Task, without: set[str] | None = None) -> list[NodeResult]:
        """Return the results of a task of which nothing changed."""
        return [
            self._result(key, UNCHANGED)
            for key in (task.key, *task.gates)
            if key not in (without or ())
        ]

    def _result(self, key: str, status: str, message: str = "") -> NodeResult:
        """Return the result of a node that did not run."""
        node = self._nodes[key]
        return NodeResult(key, node.resource_type, node.name, status, message=message)

    def record(self, con: duckdb.DuckDBPyConnection, results: list[NodeResult]) -> None:
        """Write results that no transaction of a build holds."""
        with transaction(con):
            # Without a fingerprint: what was tried is not what the table holds.
            write_rows(con, self._run, [(each, None) for each in results])

    def skip(self, task: Task, culprits: list[str]) -> list[NodeResult]:
        """Return the results of a task that cannot run because others failed."""
        names = ", ".join(self._nodes[key].name for key in culprits)
        return [
            self._result(key, "skipped", f"skipped: {names} failed")
            for key in (task.key, *task.gates)
        ]

    def _test(self, con: duckdb.DuckDBPyConnection, key: str) -> NodeResult:
        result = self._ended(con, key)
        if self._run.command == "test" or not self._ended_before(key, result.status):
            with transaction(con):
                write_rows(con, self._run, [(result, self._test_prints.get(key))])
        return result

    def _ended(self, con: duckdb.DuckDBPyConnection, key: str) -> NodeResult:
        """Run a test."""
        self._check_stop()
        node = self._nodes[key]
        if key in self._absent:
            message = f"{node.location}: test {node.name} cannot run: {self._missing(node)}"
            return self._result(key, "error", message)
        began, started_at = time.perf_counter(), datetime.now(UTC)
        if key in self._units:
            found = run_unit_test(con, self._units[key])
        else:
            cli_vars = self._prepared.project.cli_vars
            found = run_check(con, node, self._sql[key], cli_vars)
        return NodeResult(
            key, node.resource_type, node.name, found.status, found.rows,
            time.perf_counter() - began, found.message, started_at=started_at,
        )  # fmt: skip

    def _check_stop(self) -> None:
        if self._stopped:
            raise Stopped

    def _build(
        self, con: duckdb.DuckDBPyConnection, task: Task, decision: Decision
    ) -> list[NodeResult]:
        node = decision.node
        began, started_at = time.perf_counter(), datetime.now(UTC)

        def result(status: str, message: str, rows: int | None = None) -> NodeResult:
            return NodeResult(
                node.unique_id, node.resource_type, node.name, status, rows,
                time.perf_counter() - began, message, decision.fingerprint.value, started_at,
            )  # fmt: skip

        try:
            with transaction(con):
                self._check_stop()
                rows = self._make(con, decision)
                tests = self._gate(con, task)
                built = result("success", decision.reason, rows)
                held = [(test, self._test_prints[test.unique_id]) for test in tests]
                write_rows(con, self._run, [(built, decision.fingerprint), *held])
            read_back(con, self._run, built)
            return [built, *tests]
        except (duckdb.InterruptException, Stopped):
            raise
        except _TestsFailed as failed:
            bad = [test for test in failed.results if test.bad]
            what = f"{len(bad)} of its tests failed" if len(bad) > 1 else "a test of it failed"
            results = [result("error", f"{what}; {_left(node, self._prepared)}"), *failed.results]
        except (ModelError, duckdb.Error) as error:
            message = (
                str(error) if isinstance(error, ModelError)
                else f"{node.location.path}: {scrubbed(str(error), error)}"
            )  # fmt: skip
            results = [
                result("error", message),
                *self.skip(Task(task.key, task.gates), [task.key])[1:],
            ]
        self.record(con, results)
        return results

    def _make(self, con: duckdb.DuckDBPyConnection, decision: Decision) -> int | None:
        node = decision.node
        if node.unique_id in self._absent:
            raise ModelError(f"{node.location.path}: {self._missing(node)}")
        existing = self._prepared.existing.get(node.name)
        if existing is not None and node.unique_id not in self._prepared.stored:
            raise ModelError(
                f"{node.location.path}: a {existing} called {node.name} is there already and was "
                "not made by this model. Rename the model, or drop that first."
            )
        if node.resource_type == "seed":
            return load_seed(con, self._prepared.project, node, existing)
        sql = self._sql[node.unique_id]
        return build_model(con, node, sql, incremental=self._adds(node), existing=existing)

    def _missing(self, node: Node) -> str:
        found = self._absent[node.unique_id]
        if found.resource_type == "source":
            return f"the source table {found.relation} is not in the warehouse; load it first."
        if self._run.command == "test":
            return f"{found.name} is not built yet; build it first."
        return f"{found.name} is not built yet; select it too (+{node.name})."

    def _gate(self, con: duckdb.DuckDBPyConnection, task: Task) -> list[NodeResult]:
        results = [self._ended(con, key) for key in task.gates]
        if any(test.bad for test in results):
            raise _TestsFailed(results)
        return results


def _left(node: Node, prepared: Prepared) -> str:
    if node.name in prepared.existing:
        return f"the {prepared.existing[node.name]} is as it was before"
    return "nothing was created"
