"""Functions run on one BLAS thread even if numpy was there before varhouse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PY = Path(__file__).resolve().parents[3] / "py"
SHOW = """
import numpy, scipy.linalg
from threadpoolctl import threadpool_info, threadpool_limits
threadpool_limits(2)
import duckdb, varhouse
with duckdb.connect() as con:
    varhouse.register(con)
    con.sql("select beta_weight(0.1, 1, 25)").fetchall()
print(*{each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"})
"""


@pytest.mark.parametrize(("asked", "held"), [(None, "1"), ("2", "2")])
def test_one_thread_unless_the_user_asked_for_more(asked: str | None, held: str) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")
    }
    if asked is not None:
        environment |= {"OPENBLAS_NUM_THREADS": asked, "MKL_NUM_THREADS": asked}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], capture_output=True, text=True, timeout=120, check=True,
        env={**environment, "PYTHONPATH": str(PY)},
    )  # fmt: skip
    assert done.stdout.split() == [held]
