"""Random projects under dbt and under our runner: same tables, same outcomes of tests.

Each project runs four times: from nothing, with new data and vars, with changed models, and
refreshed in full. ``random_projects.py`` says what the projects hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.integration.test_runner_against_dbt import (
    both_manifests,
    compare_manifests,
    tables,
    without_hash,
)
from tests.property.random_projects import random_project
from tests.property.random_tables import Step
from tests.property.real_dbt import NO_TESTS, Dbt, running_dbt, write_profile
from tests.runner_projects import ProjectFolder

MODELS_ONLY = ["resource_type:test", "resource_type:unit_test"]


@pytest.fixture(scope="module")
def dbt() -> Iterator[Dbt]:
    with running_dbt() as process:
        yield process


class Twins:
    """One project with a database of each side."""

    def __init__(self, dbt: Dbt, path: Path) -> None:
        self.dbt = dbt
        self.folder = ProjectFolder(path / "project")
        self.ours, self.theirs = path / "ours.duckdb", path / "dbt.duckdb"
        write_profile(self.folder.path, self.theirs)

    def start(self, step: Step) -> None:
        """Write what the run starts from, for both."""
        self.folder.write(step.files)
        for database in (self.ours, self.theirs):
            with duckdb.connect(str(database)) as con:
                for statement in step.statements:
                    con.execute(statement)
        self.words = ["--vars", json.dumps(step.vars)] if step.vars else []
        self.dbt.parse(self.folder.path, *self.words)

    def build(self, step: Step) -> None:
        """Build without tests: what fails in a test keeps its old table here, not in dbt."""
        refresh = ["--full-refresh"] if step.full_refresh else []
        found = self.dbt.run(self.folder.path, "build", *NO_TESTS, *self.words, *refresh)
        assert {each.status for each in found.values()} == {"success"}, found
        with duckdb.connect(str(self.ours)) as con:
            outcome = self.folder.run(
                con, vars=step.vars, exclude=MODELS_ONLY, full_refresh=step.full_refresh
            )
        assert outcome.ok, [each for each in outcome.results if each.bad]

    def tested(self, step: Step) -> tuple[dict[str, object], dict[str, object]]:
        """Run all tests; return how each ended and how many rows failed, on our side and theirs."""
        with duckdb.connect(str(self.ours)) as con:
            outcome = self.folder.run(con, command="test", vars=step.vars)
        ours = {
            without_hash(each.unique_id): (each.status, each.rows or 0) for each in outcome.results
        }
        theirs = {
            without_hash(key): (each.status, each.failures or 0)
            for key, each in self.dbt.run(self.folder.path, "test", *self.words).items()
        }
        # dbt counts one failure of a unit test, we count rows
        return _units_by_status(ours), _units_by_status(theirs)


def _units_by_status(found: dict[str, tuple[str, int]]) -> dict[str, object]:
    return {key: end[0] if key.startswith("unit_test.") else end for key, end in found.items()}


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 40))]
)
def test_a_random_project_is_the_same_in_dbt(dbt: Dbt, tmp_path: Path, seed: int) -> None:
    twins = Twins(dbt, tmp_path)
    for number, step in enumerate(random_project(seed)):
        twins.start(step)
        twins.build(step)
        assert tables(twins.ours) == tables(twins.theirs), f"run {number}"
        ours, theirs = twins.tested(step)
        assert ours == theirs, f"run {number}"
        assert ours
        if number == 0:
            compare_manifests(*both_manifests(twins.folder.path), catalog="dbt")
