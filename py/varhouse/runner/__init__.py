"""A small dbt for one DuckDB file: projects of SQL models, built, tested and fingerprinted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = [
    "Project",
    "RunOutcome",
    "load_project",
    "plan_project",
    "run_project",
]

if TYPE_CHECKING:
    from varhouse.runner.loading import load_project
    from varhouse.runner.outcome import RunOutcome
    from varhouse.runner.plan import plan_project
    from varhouse.runner.project import Project
    from varhouse.runner.run import run_project

_HOMES = {
    "Project": "project",
    "RunOutcome": "outcome",
    "plan_project": "plan",
    "load_project": "loading",
    "run_project": "run",
}


def __getattr__(name: str) -> Any:
    """Import a part only when asked for: jinja2 and sqlglot are slow to import."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"varhouse.runner.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'varhouse.runner' has no attribute {name!r}")
