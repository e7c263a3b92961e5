"""A warehouse in memory, set up as the command line does; the demo, made once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.command import run_program

from varhouse.warehouse import create_functions, create_schema


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse."""
    connection = duckdb.connect(config={"threads": 2, "preserve_insertion_order": False})
    create_schema(connection)
    create_functions(connection)
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the demo's folder, not to be changed, and what was printed when it was made.

    Whichever process of the run needs it first makes it for all of them.
    """
    pytest.importorskip("matplotlib")
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo_of_the_run"
    home.mkdir(exist_ok=True)
    printed = home / "printed.txt"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            done = run_program("demo", cwd=home)
            assert done.returncode == 0, done.stderr
            printed.write_text(done.stdout, encoding="utf-8")
    return home / "demo", printed.read_text(encoding="utf-8")
