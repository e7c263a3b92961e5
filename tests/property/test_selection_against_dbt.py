"""Random selections: ``ls`` of dbt and ours name the same nodes, or ours says why it does not."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.test_runner_against_dbt import without_hash
from tests.property.random_projects import random_project
from tests.property.random_selections import Selection, random_selection
from tests.property.real_dbt import Dbt, running_dbt, write_profile
from tests.runner_projects import ProjectFolder

from varhouse.errors import UsageError
from varhouse.runner.graph import project_graph
from varhouse.runner.project import Project
from varhouse.runner.selection import select_nodes

OUTSIDE = re.compile(
    r"'@' is not supported|the method '\w+:' is not one of|'\w+' is not a config that is supported"
    r"|(?:resource_type|test_type) is one of"
)
NOTHING = re.compile(r"--select (\S+): nothing matches")


@pytest.fixture(scope="module")
def dbt() -> Iterator[Dbt]:
    with running_dbt() as process:
        yield process


class Both:
    """One project as both sides see it."""

    def __init__(self, dbt: Dbt, folder: ProjectFolder) -> None:
        self._dbt, self._path = dbt, folder.path
        write_profile(folder.path, folder.path / "dbt.duckdb")
        dbt.parse(folder.path)
        self.project = folder.load()
        self._graph = project_graph(self.project)
        self._left_out = _beside_sources(self.project)

    def ours(self, selection: Selection) -> set[str] | str:
        """Return what we choose, or what we refuse it with."""
        try:
            found = select_nodes(self.project, self._graph, **selection._asdict())
        except UsageError as error:
            return str(error)
        return {without_hash(key) for key in found} - self._left_out

    def theirs(self, selection: Selection) -> set[str] | None:
        """Return what dbt chooses; None where it refuses."""
        words = [
            word
            for option, texts in selection._asdict().items()
            for word in ([f"--{option}", *texts] if texts else [])
        ]
        found = self._dbt.ls(self._path, *words)
        return None if found is None else {without_hash(key) for key in found} - self._left_out

    def compare(self, selection: Selection) -> str:
        """Return how they agree."""
        ours, theirs = self.ours(selection), self.theirs(selection)
        if isinstance(ours, set):
            if not ours and not theirs:
                return "same"
            assert ours == theirs, selection
            return "same"
        if theirs is None or OUTSIDE.search(ours):
            return "refused"
        # a part that names nothing is an error here, in dbt a warning
        nothing = NOTHING.search(ours)
        if nothing:
            assert not self.theirs(Selection([nothing[1]], [])), (selection, ours)
        else:
            assert ours.endswith("is empty."), (selection, ours)
            assert not theirs, (selection, ours)
        return "nothing"


def _beside_sources(project: Project) -> set[str]:
    """Return the tests that read a source and a model: there only the model chooses them."""
    kinds = {
        key: {project.nodes[ref].resource_type == "source" for ref in node.refs}
        for key, node in project.nodes.items()
    }
    return {without_hash(key) for key, found in kinds.items() if len(found) == 2}


@pytest.mark.parametrize(
    ("seed", "n_selections"),
    [
        *((seed, 80) for seed in range(2)),
        *(pytest.param(seed, 300, marks=pytest.mark.slow) for seed in range(2, 20)),
    ],
)
def test_random_selections_are_the_same_in_dbt(
    dbt: Dbt, tmp_path: Path, seed: int, n_selections: int
) -> None:
    folder = ProjectFolder(tmp_path)
    folder.write(random_project(seed)[0].files)
    both = Both(dbt, folder)
    rng = random.Random(seed)
    ends = Counter(both.compare(random_selection(both.project, rng)) for _ in range(n_selections))
    assert ends["same"] > n_selections / 5, ends


def test_the_words_of_dbts_documentation(dbt: Dbt, tmp_path: Path) -> None:
    folder = ProjectFolder(tmp_path)
    folder.write(random_project(1)[0].files)
    both = Both(dbt, folder)
    for word in (
        "fct_02", "fct_02+", "+fct_02", "1+fct_02+1", "marts.core", "small.marts", "marts.*",
        "fct_*", "path:models/staging", "models/marts", "path:models/marts/*", "tag:nightly",
        "tag:core,tag:nightly", "source:*+", "source:src_0+", "config.materialized:incremental",
        "config.severity:warn", "config.meta.owner:us", "test_type:singular", "test_name:unique",
        "fct_02,test_type:generic", "tag:core,test_type:data", "resource_type:seed",
        "file:fct_02.sql", "file:fct_02", "fct_02.sql", "test_type:unit", "+fct_02,marts.extra+",
    ):  # fmt: skip
        assert both.compare(Selection([word], [])) in ("same", "nothing"), word
