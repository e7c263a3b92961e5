"""Load a project folder: find files, read configs, resolve every reference."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from varhouse.errors import ProjectError, UsageError
from varhouse.runner.config import REFUSED, ConfigTree
from varhouse.runner.nodes import SCHEMA, Location, Node, Relation, suggest
from varhouse.runner.project import Project
from varhouse.runner.properties import PropertyReader
from varhouse.runner.references import resolve_references
from varhouse.runner.render import Renderer
from varhouse.runner.template_cache import TemplateCache
from varhouse.runner.yml import Entry, plain, read_yaml

PROJECT_FILE = "dbt_project.yml"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Where files are, if the project file does not say.
_PATHS = {
    "macro-paths": "sql/macros", "model-paths": "models", "seed-paths": "data/seeds",
    "test-paths": "sql/checks",
}  # fmt: skip
_KEYS = (
    "name", "version", "config-version", "profile", "model-paths", "seed-paths", "macro-paths",
    "test-paths", "vars", "models", "seeds", "target-path", "clean-targets",
    "require-dbt-version", "flags",
)  # fmt: skip


def load_project(
    project_dir: Path,
    *,
    vars: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    cache_dir: Path | None = None,
) -> Project:
    """Load a dbt project of the supported subset.

    Parameters
    ----------
    project_dir
        The folder with ``dbt_project.yml``.
    vars
        Override the vars of the project file, as ``--vars`` does.
    env
        What ``env_var`` reads; the process environment when None.
    cache_dir
        A folder of this user alone, to keep compiled templates for the next process.

    Returns
    -------
    Project
        With every template rendered once, so that references and configs are known.

    Raises
    ------
    ProjectError
        Anything outside the subset or wrong, with file and line.
    UsageError
        ``vars`` names one that nothing in the project asks for.
    """
    directory = project_dir.resolve()
    path = directory / PROJECT_FILE
    if not path.is_file():
        raise ProjectError(
            f"{path}: no such project file. Name a project with --project-dir, "
            "or make one with `varhouse init DIR`."
        )
    cache = TemplateCache(cache_dir, directory)
    env = os.environ if env is None else env
    project = _Loader(directory, dict(vars or {}), env, cache).load()
    cache.save()
    return project


class _Loader:
    def __init__(
        self,
        directory: Path,
        cli_vars: dict[str, Any],
        env: Mapping[str, str],
        cache: TemplateCache,
    ) -> None:
        self.directory = directory
        self.cli_vars = cli_vars
        top = read_yaml(directory / PROJECT_FILE, PROJECT_FILE)
        self.entry = Entry(top, Location(PROJECT_FILE, 1), "the project file")
        self.entry.allow(*_KEYS, refused=REFUSED)
        self.name = self.entry.text("name")
        if not _NAME.fullmatch(self.name):
            raise ProjectError(
                f"{self.entry.at('name')}: the name {self.name!r} is not a plain word."
            )
        if self.entry.value.get("config-version", 2) != 2:
            raise ProjectError(f"{self.entry.at('config-version')}: config-version must be 2.")
        target = {
            "name": "warehouse", "schema": SCHEMA, "type": "duckdb", "threads": 1,
            "profile_name": self.entry.text("profile", "varhouse"),
        }  # fmt: skip
        # dbt renders the project file with the command line's vars only.
        self.bootstrap = Renderer(self.name, vars=cli_vars, target=target, env=env, cache=cache)
        self.own_vars = plain(self.entry.mapping("vars", "vars").value)
        if isinstance(self.own_vars.get(self.name), dict):
            self.own_vars |= self.own_vars.pop(self.name)
        self.vars = {**self.own_vars, **cli_vars}
        self.renderer = Renderer(self.name, vars=self.vars, target=target, env=env, cache=cache)
        self.nodes: dict[str, Node] = {}
        self.warnings: list[str] = []

    def load(self) -> Project:
        self.renderer.add_macro_files(
            {self._shown(path): _read(path) for _, path in self._files("macro-paths", ".sql")}
        )
        for _, path in self._files("model-paths", ".md"):
            self.renderer.add_docs(self._shown(path), _read(path))
        trees = {
            section: ConfigTree(self.entry.mapping(section, section), section)
            for section in ("models", "seeds")
        }
        for root, path in self._files("model-paths", ".sql"):
            self._add(root, path, "model", trees["models"])
        for root, path in self._files("seed-paths", ".csv"):
            self._add(root, path, "seed", trees["seeds"])
        for root, path in self._files("test-paths", ".sql"):
            self._add(root, path, "test", None)
        reader = PropertyReader(self.name, self.renderer, self.nodes)
        for key in ("model-paths", "seed-paths", "test-paths"):
            for suffix in (".yml", ".yaml"):
                for root, path in self._files(key, suffix):
                    reader.read(path, self._shown(path), path.relative_to(root))
        for tree in trees.values():
            self.warnings += tree.unused()
        resolve_references(self.name, self.renderer, self.nodes)
        self._check_cli_vars()
        return Project(
            name=self.name,
            directory=self.directory,
            vars=self.vars,
            cli_vars=self.cli_vars,
            nodes={key: self.nodes[key] for key in sorted(self.nodes)},
            renderer=self.renderer,
            seed_dirs=tuple(self._folders("seed-paths")),
            warnings=self.warnings,
        )

    def _check_cli_vars(self) -> None:
        """Refuse a var that nothing asks for: misspelt, it would change nothing and say nothing."""
        known = {*self.own_vars, *self.renderer.asked_vars, *self.bootstrap.asked_vars}
        for name in self.cli_vars:
            if name not in known and not self._is_spelt_out(name):
                raise UsageError(
                    f"--vars {name}: nothing in the project asks for this var."
                    f"{suggest(name, known)}"
                )

    def _is_spelt_out(self, name: str) -> bool:
        """Tell whether a template, perhaps in a branch that was not taken, has var('name')."""
        call = re.compile(rf"""var\(\s*['"]{re.escape(name)}['"]""")
        texts = [node.raw_code for node in self.nodes.values()]
        texts += [
            _read(path)
            for key, suffix in (("macro-paths", ".sql"), ("model-paths", ".yml"))
            for _, path in self._files(key, suffix)
        ]
        return any(call.search(text) for text in texts)

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.directory).as_posix()

    def _folders(self, key: str) -> list[Path]:
        folders = []
        for name in self.entry.strings(key) or [_PATHS[key]]:
            folder = (self.directory / name).resolve()
            if not folder.is_relative_to(self.directory):
                raise ProjectError(
                    f"{self.entry.at(key)}: {key}: {name} is outside the project folder."
                )
            folders.append(folder)
        return folders

    def _files(self, key: str, suffix: str) -> list[tuple[Path, Path]]:
        return [
            (folder, path)
            for folder in self._folders(key)
            for path in sorted(folder.rglob(f"*{suffix}"))
            if path.is_file()
        ]

    def _add(self, root: Path, path: Path, kind: str, tree: ConfigTree | None) -> None:
        shown = self._shown(path)
        name = path.stem
        if not _NAME.fullmatch(name):
            raise ProjectError(
                f"{shown}: the name {name!r} is not a plain word (letters, digits, _)."
            )
        for other in ("model", "seed") if kind != "test" else ("test",):
            twin = self.nodes.get(f"{other}.{self.name}.{name}")
            if twin is not None:
                raise ProjectError(
                    f"{shown}: '{name}' is defined already, in {twin.location.path}."
                )
        folders = path.relative_to(root).parent.parts
        node = Node(
            unique_id=f"{kind}.{self.name}.{name}",
            resource_type=kind,
            name=name,
            location=Location(shown, 1),
            fqn=(self.name, *folders, name),
            raw_code="" if kind == "seed" else _read(path),
            relation=None if kind == "test" else Relation(SCHEMA, name),
        )
        if tree is not None:
            where = Location(PROJECT_FILE, 1)
            node.config = self.bootstrap.yml_value(tree.config_for(node.fqn), where)
        if kind == "model":
            node.config.setdefault("materialized", "view")
        self.nodes[node.unique_id] = node


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: not UTF-8 text: {error}") from error
