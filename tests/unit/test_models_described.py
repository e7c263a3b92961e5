"""Every table of the shipped project says what it is, and every column of it what it holds."""

from __future__ import annotations

import pytest
from tests.v2g import empty_warehouse

from varhouse.runner import Project, load_project, run_project
from varhouse.settings import shipped_project_dir


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(shipped_project_dir())


def test_every_description_is_there(project: Project) -> None:
    lacking = []
    for node in project.of_type("model", "seed", "source"):
        if not node.description:
            lacking.append(node.unique_id)
        described = [column.name for column in node.columns.values() if column.description]
        lacking += [f"{node.unique_id}.{name}" for name in node.columns if name not in described]
    assert lacking == []


def test_no_column_of_a_table_is_left_out(project: Project) -> None:
    with empty_warehouse() as con:
        assert run_project(project, con, command="run").ok
        for node in project.of_type("model", "seed", "source"):
            # an ephemeral model has no table to compare with
            if node.materialized == "ephemeral":
                continue
            there = {row[0] for row in con.execute(f"describe {node.relation}").fetchall()}
            assert there - set(node.columns) == set(), node.unique_id
