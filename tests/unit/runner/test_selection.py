"""Order and selection against a slow twin that follows every path one by one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runner_projects import ProjectFolder

from varhouse.errors import ProjectError, UsageError
from varhouse.runner.graph import Graph, project_graph
from varhouse.runner.nodes import Location, Node
from varhouse.runner.project import Project
from varhouse.runner.render import Renderer
from varhouse.runner.schedule import last_of, nearest
from varhouse.runner.selection import select_nodes
from varhouse.runner.template_cache import TemplateCache

LETTERS = "abcdefg"
TAGS = ("x", "y")


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Acyclic graphs whose names say nothing about their order."""
    names = draw(st.permutations(LETTERS))
    return {
        name: draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        for index, name in enumerate(names)
    }


def paths_up(parents: Mapping[str, list[str]], start: str, steps: int) -> set[str]:
    """Twin: every node at the end of a walk of 1 to ``steps`` edges towards the parents."""
    found: set[str] = set()
    walks = [[start]]
    for _ in range(steps):
        walks = [[*walk, parent] for walk in walks for parent in parents[walk[-1]]]
        found |= {walk[-1] for walk in walks}
    return found


def turned(parents: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {name: [low for low in parents if name in parents[low]] for name in parents}


@given(graphs())
def test_parents_come_first_and_the_order_is_the_same_for_any_input_order(
    parents: dict[str, list[str]],
) -> None:
    order = Graph(parents).order
    assert sorted(order) == sorted(parents)
    assert all(order.index(high) < order.index(low) for low in parents for high in parents[low])
    assert Graph(dict(reversed(parents.items()))).order == order


@given(graphs(), st.integers(0, 3))
def test_ancestors_and_descendants_follow_every_path(
    parents: dict[str, list[str]], depth: int
) -> None:
    graph = Graph(parents)
    for name in parents:
        assert graph.ancestors(name, depth) == paths_up(parents, name, depth)
        assert graph.descendants(name, depth) == paths_up(turned(parents), name, depth)
        assert graph.ancestors(name) == paths_up(parents, name, len(parents))


@given(graphs(), st.sets(st.sampled_from(LETTERS)))
def test_the_nearest_ancestors_are_those_with_a_path_that_meets_no_other(
    parents: dict[str, list[str]], among: set[str]
) -> None:
    graph = Graph(parents)
    for name in parents:
        expected = set()
        walks = [[high] for high in parents[name]]
        while walks:
            expected |= {walk[-1] for walk in walks if walk[-1] in among}
            walks = [
                [*walk, high]
                for walk in walks
                if walk[-1] not in among
                for high in parents[walk[-1]]
            ]
        assert nearest(graph, name, among) == expected


@given(graphs(), st.sets(st.sampled_from(LETTERS), min_size=1))
def test_the_last_of_several_comes_after_all_the_others_on_a_path(
    parents: dict[str, list[str]], keys: set[str]
) -> None:
    candidates = [key for key in keys if keys - {key} <= paths_up(parents, key, len(parents))]
    assert last_of(Graph(parents), keys) == (candidates[0] if candidates else None)


def test_a_circle_is_told_with_its_files(tmp_path: Path) -> None:
    folder = ProjectFolder(
        tmp_path,
        {
            "models/a.sql": "select * from {{ ref('c') }}",
            "models/b.sql": "select * from {{ ref('a') }}",
            "models/c.sql": "select * from {{ ref('b') }}",
            "models/d.sql": "select * from {{ ref('c') }}",
        },
    )
    with pytest.raises(ProjectError, match="in a circle") as error:
        project_graph(folder.load())
    text = str(error.value)
    assert all(f"models/{name}.sql" in text for name in "abc")
    assert "models/d.sql" not in text


def make_project(parents: Mapping[str, list[str]], tags: Mapping[str, str]) -> Project:
    nodes = {
        f"model.p.{name}": Node(
            unique_id=f"model.p.{name}", resource_type="model", name=name,
            location=Location(f"models/{tags[name]}/{name}.sql", 1), fqn=("p", tags[name], name),
            tags=(tags[name],), refs=[f"model.p.{high}" for high in parents[name]],
        )
        for name in parents
    }  # fmt: skip
    return Project(
        name="p", directory=Path(), vars={}, cli_vars={}, seed_dirs=(), warnings=[],
        nodes=nodes, renderer=Renderer(
            "p", vars={}, target={}, env={}, cache=TemplateCache(None, Path())
        ),
    )  # fmt: skip


words = st.builds(
    lambda above, base, below: (above, base, below),
    st.sampled_from(["", "+", "1+", "2+"]),
    st.sampled_from([*LETTERS, "tag:x", "tag:y", "path:models/x", "p.y", "x"]),
    st.sampled_from(["", "+", "+1", "+2"]),
)
intersections = st.lists(words, min_size=1, max_size=2)
selections = st.lists(intersections, min_size=1, max_size=2)


def twin_word(
    parents: Mapping[str, list[str]], tags: Mapping[str, str], word: tuple[str, str, str]
) -> set[str]:
    above, base, below = word
    kind = {"tag:x": "x", "tag:y": "y", "path:models/x": "x", "p.y": "y", "x": "x"}.get(base)
    chosen = {name for name in parents if (tags[name] == kind if kind else name == base)}
    steps = len(parents)
    found = set(chosen)
    for name in chosen:
        if above:
            found |= paths_up(parents, name, int(above[:-1] or steps))
        if below:
            found |= paths_up(turned(parents), name, int(below[1:] or steps))
    return found


@settings(max_examples=200)
@given(
    graphs(),
    st.lists(st.sampled_from(TAGS), min_size=len(LETTERS), max_size=len(LETTERS)),
    selections,
    st.none() | intersections,
)
def test_selection_equals_the_slow_twin(
    parents: dict[str, list[str]],
    tag_list: list[str],
    selection: list[list[tuple[str, str, str]]],
    exclusion: list[tuple[str, str, str]] | None,
) -> None:
    tags = dict(zip(parents, tag_list, strict=True))
    project = make_project(parents, tags)
    parts = [
        set.intersection(*(twin_word(parents, tags, word) for word in group)) for group in selection
    ]
    removed = (
        set.intersection(*(twin_word(parents, tags, word) for word in exclusion))
        if exclusion
        else set()
    )
    expected = set().union(*parts) - removed
    select = [",".join("".join(word) for word in group) for group in selection]
    exclude = [",".join("".join(word) for word in exclusion)] if exclusion else []
    graph = project_graph(project)
    if not expected or not all(parts):
        with pytest.raises(UsageError):
            select_nodes(project, graph, select=select, exclude=exclude)
        return
    for texts in (select, [" ".join(select)]):
        found = select_nodes(project, graph, select=texts, exclude=exclude)
        assert found == {f"model.p.{name}" for name in expected}


FILES = {
    "models/staging/stg_a.sql": "select 1 as id from {{ source('raw', 't') }}",
    "models/b.sql": (
        "{{ config(materialized='view', tags=['nightly']) }} select * from {{ ref('stg_a') }}"
    ),
    "data/seeds/s.csv": "x\n1\n",
    "sql/checks/b_is_right.sql": "select * from {{ ref('b') }} where id < 0",
    "models/m.yml": """
sources: [{name: raw, tables: [{name: t}, {name: u}]}]
models:
  - name: stg_a
    columns: [{name: id, data_tests: [unique]}]
unit_tests:
  - name: u
    model: b
    given: [{input: ref('stg_a'), rows: []}]
    expect: {rows: []}
""",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stg_a", {"stg_a", "unique_stg_a_id"}),
        ("b", {"b", "b_is_right", "u"}),
        ("b_is_right", {"b_is_right"}),
        ("st*", {"stg_a", "unique_stg_a_id"}),
        ("staging", {"stg_a", "unique_stg_a_id"}),
        ("small.staging", {"stg_a", "unique_stg_a_id"}),
        ("models/staging", {"stg_a", "unique_stg_a_id"}),
        ("path:sql/checks", {"b_is_right"}),
        ("source:raw", {"t", "u"}),
        ("source:raw.t+", {"t", "stg_a", "b", "unique_stg_a_id", "b_is_right", "u"}),
        ("resource_type:seed", {"s"}),
        ("config.materialized:view", {"b", "b_is_right", "u"}),
        ("tag:nightly", {"b", "b_is_right", "u"}),
        ("test_type:generic", {"unique_stg_a_id"}),
        ("test_type:unit", {"u"}),
        ("test_name:u*", {"u", "unique_stg_a_id"}),
        ("b,test_type:data", {"b_is_right"}),
        ("stg_a,test_name:unique", {"unique_stg_a_id"}),
        ("staging,config.enabled:true", {"stg_a", "unique_stg_a_id"}),
        ("config.severity:error", {"b_is_right", "unique_stg_a_id"}),
        ("config.on_schema_change:ignore,b", {"b", "b_is_right", "u"}),
        ("path:models/m.yml,stg_a", {"stg_a", "unique_stg_a_id"}),
        ("path:**/staging", {"stg_a", "unique_stg_a_id"}),
        ("path:models/*/stg_?.sql", {"stg_a", "unique_stg_a_id"}),
        ("stg_a.sql", {"stg_a", "unique_stg_a_id"}),
        ("file:b", {"b", "b_is_right", "u"}),
        ("staging.s*", {"stg_a", "unique_stg_a_id"}),
        ("test_name:unique", {"unique_stg_a_id"}),
        ("+b,resource_type:model", {"b", "stg_a", "unique_stg_a_id", "b_is_right", "u"}),
    ],
)
def test_methods(tmp_path: Path, text: str, expected: set[str]) -> None:
    project = ProjectFolder(tmp_path, FILES).load()
    found = select_nodes(project, project_graph(project), select=[text])
    assert {project.nodes[key].name for key in found} - ({"u"} - expected) == expected


def test_a_source_does_not_choose_the_tests_of_models_beside_it(tmp_path: Path) -> None:
    both = "select b.id from {{ ref('b') }} as b, {{ source('raw', 't') }} as t"
    files = FILES | {
        "sql/checks/b_and_t.sql": both,
        "sql/checks/t_alone.sql": "select * from {{ source('raw', 't') }}",
    }
    project = ProjectFolder(tmp_path, files).load()
    graph = project_graph(project)
    for text, expected in (
        ("+stg_a", {"t", "stg_a", "unique_stg_a_id", "t_alone"}),
        ("b", {"b", "b_and_t", "b_is_right"}),
    ):
        found = select_nodes(project, graph, select=[text])
        assert {project.nodes[key].name for key in found} - {"u"} == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("stg_aa", "Did you mean stg_a"),
        ("@b", "'@' is not supported"),
        ("t", r"t is a source: source:raw\.t\+ names what is made of it"),
        ("source:raw.v", "nothing matches"),
        ("nope:b", "the method 'nope:'"),
        ("state:modified", "no warehouse"),
        ("state:odd", "state is one of"),
        ("*mall", "nothing matches"),
        ("resource_type:modle", "Did you mean model"),
        ("test_type:odd", "test_type is one of"),
        ("config.odd:x", "'odd' is not a config"),
        ("b,stg_a", "nothing matches"),
        ("+", "not a selection"),
    ],
)
def test_a_selection_of_nothing_is_a_usage_error(tmp_path: Path, text: str, what: str) -> None:
    project = ProjectFolder(tmp_path, FILES).load()
    with pytest.raises(UsageError, match=what) as error:
        select_nodes(project, project_graph(project), select=[text])
    assert error.value.exit_code == 2


def test_excluding_everything_is_a_usage_error_and_excluding_nothing_is_not(tmp_path: Path) -> None:
    project = ProjectFolder(tmp_path, FILES).load()
    graph = project_graph(project)
    with pytest.raises(UsageError, match="is empty"):
        select_nodes(project, graph, select=["b"], exclude=["b"])
    everything = select_nodes(project, graph, exclude=["no_such_model"])
    assert everything == set(itertools.chain(project.nodes))
