"""Templates compiled in an earlier process: nothing changes but the time that a load takes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.runner_projects import ProjectFolder

from varhouse.errors import ProjectError
from varhouse.runner import Project, load_project, template_cache, templates
from varhouse.runner.manifest import compile_project

FILES = {
    "sql/macros/m.sql": (
        "{% macro twice(x) %}{{ x }} + {{ x }}{% endmacro %}\n\n"
        "{% macro picky(x) %}\n"
        "{% if x > 1 %}{{ exceptions.raise_compiler_error('too much') }}{% endif %}"
        "{{ return(twice(x)) }}{% endmacro %}\n"
    ),
    "models/a.sql": "{{ config(tags=['t']) }}\nselect {{ picky(var('n', 1)) }} as x",
    "models/b.sql": "select\n{% if var('n', 1) %}\n    x\n{% endif %}\nfrom {{ ref('a') }}",
    "sql/checks/c.sql": "select * from {{ ref('b') }} where x > {{ twice(2) }}",
}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "home" / "cache"


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    return ProjectFolder(tmp_path / "project", FILES)


@pytest.fixture
def no_compiling(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make a template that has to be compiled fail the test, from the call on."""

    def forbid() -> None:
        def compiling(*arguments: object) -> None:
            pytest.fail("a template was compiled again")

        monkeypatch.setattr(templates, "_compile_file", compiling)

    return forbid


def load(project: ProjectFolder, cache: Path | None, **vars: Any) -> Project:
    return load_project(project.path, vars=vars, env={}, cache_dir=cache)


def told(project: Project) -> object:
    """Return what a project came to: its SQL, configurations and references."""
    nodes = {key: (node.config, node.refs, node.tags) for key, node in project.nodes.items()}
    return compile_project(project), nodes, project.renderer.macros["twice"].location


def kept(cache: Path) -> list[Path]:
    return sorted(cache.iterdir()) if cache.is_dir() else []


def test_a_load_from_kept_templates_says_the_same(
    project: ProjectFolder, cache: Path, no_compiling: Callable[[], None]
) -> None:
    plain = told(load(project, None))
    assert told(load(project, cache)) == plain
    no_compiling()
    assert told(load(project, cache)) == plain


@pytest.mark.parametrize(
    ("edit", "vars"),
    [
        ({}, {"n": 2}),
        ({}, {"n": "text"}),
        ({"sql/macros/m.sql": "{% macro twice(x) %}{{ x }}{% endmacro %}"}, {}),
        ({"sql/macros/m.sql": "{% macro twice(x) %}{{ y }}{% endmacro %}"}, {}),
        ({"models/b.sql": "select * from {{ ref('a') }}\n{% if %}"}, {}),
        ({"models/b.sql": "select * from\n{{ ref('z') }}"}, {}),
    ],
)
def test_an_error_is_the_same_with_file_and_line(
    project: ProjectFolder, cache: Path, edit: dict[str, str], vars: dict[str, Any]
) -> None:
    load(project, cache)
    project.write(edit)
    with pytest.raises(ProjectError) as plain:
        load(project, None, **vars)
    with pytest.raises(ProjectError) as from_kept:
        load(project, cache, **vars)
    assert str(from_kept.value) == str(plain.value)


def test_an_edited_template_is_compiled_and_kept_in_place_of_the_old_one(
    project: ProjectFolder, cache: Path, no_compiling: Callable[[], None]
) -> None:
    load(project, cache)
    (before,) = kept(cache)
    size = before.stat().st_size
    project.write({"models/b.sql": "select 1 as x from {{ ref('a') }}"})
    assert told(load(project, cache)) == told(load(project, None))
    assert kept(cache) == [before]
    assert before.stat().st_size < size
    no_compiling()
    load(project, cache)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:20],
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:],
        lambda content: b"x" * len(content),
    ],
)
def test_a_damaged_file_is_as_none(
    project: ProjectFolder, cache: Path, damage: Callable[[bytes], bytes]
) -> None:
    load(project, cache)
    (path,) = kept(cache)
    content = path.read_bytes()
    path.write_bytes(damage(content))
    assert told(load(project, cache)) == told(load(project, None))
    assert load(project, cache)
    assert len(path.read_bytes()) == len(content)


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o707])
def test_a_folder_that_is_open_to_others_is_neither_read_nor_written(
    project: ProjectFolder, cache: Path, mode: int
) -> None:
    load(project, cache)
    (path,) = kept(cache)
    path.write_bytes(b"planted")
    cache.chmod(mode)
    assert told(load(project, cache)) == told(load(project, None))
    assert path.read_bytes() == b"planted"


def test_a_folder_of_somebody_else_is_neither_read_nor_written(
    project: ProjectFolder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.mkdir(mode=0o700, parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: cache.stat().st_uid + 1)
    assert told(load(project, cache)) == told(load(project, None))
    assert kept(cache) == []


def test_a_link_in_place_of_the_folder_is_not_followed(
    project: ProjectFolder, cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir(mode=0o700)
    cache.parent.mkdir()
    cache.symlink_to(tmp_path / "other")
    load(project, cache)
    assert kept(tmp_path / "other") == []


def test_the_folder_and_what_is_in_it_are_the_users_alone(
    project: ProjectFolder, cache: Path
) -> None:
    load(project, cache)
    assert cache.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(
    project: ProjectFolder, cache: Path
) -> None:
    cache.parent.write_text("a file in the way", encoding="utf-8")
    assert told(load(project, cache)) == told(load(project, None))


def test_other_sources_of_the_compiler_are_another_cache(
    project: ProjectFolder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(project, cache)
    monkeypatch.setattr(template_cache, "_stamp", lambda: "another version")
    load(project, cache)
    assert len(kept(cache)) == 2


def test_few_projects_are_kept(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_cache, "_KEPT_PROJECTS", 2)
    for name in "abc":
        load(ProjectFolder(tmp_path / name, FILES), cache)
    assert len(kept(cache)) == 2
