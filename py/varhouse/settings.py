"""Frozen settings of one command: where the warehouse is and how much of the machine it may use."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_DATABASE = Path("varhouse.duckdb")
DEFAULT_MEMORY = "4GB"


def shipped_project_dir() -> Path:
    """Return the folder with ``dbt_project.yml``: the checkout's, else the copy in the wheel."""
    here = Path(__file__).resolve()
    checkout = here.parents[2]
    if (checkout / "dbt_project.yml").is_file():
        return checkout
    return here.parent / "project"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every command needs to know before it opens the warehouse.

    Parameters
    ----------
    database
        The DuckDB file.
    project_dir
        Folder holding ``dbt_project.yml``, ``models/``, ``sql/`` and ``data/seeds/``.
    threads, memory
        DuckDB's limits; ``memory`` is a DuckDB size such as ``4GB``.
    temp_dir
        Parent of the private spill directory; next to the database when None.
    verbosity
        -1 quiet, 0 normal, 1 verbose.
    log_json
        Whether messages on stderr are JSON lines.
    progress
        Whether a load draws a bar on a terminal.
    """

    database: Path = DEFAULT_DATABASE
    project_dir: Path = field(default_factory=shipped_project_dir)
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    memory: str = DEFAULT_MEMORY
    temp_dir: Path | None = None
    verbosity: int = 0
    log_json: bool = False
    progress: bool = True
