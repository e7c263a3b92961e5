"""Where an extra is not installed, the command that needs it says in one line how to get it."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

PY = Path(__file__).resolve().parents[2] / "py"

# module that is not there -> (the command that needs it, the extra that has it)
NEEDS = {
    "pgenlib": (["load", "genotypes", "a.pgen", "--build", "GRCh38"], "genotypes"),
    "cyvcf2": (["load", "genotypes", "a.bcf", "--build", "GRCh38"], "genotypes"),
    "h5py": (["load", "cells", "a.h5ad"], "sc"),
}


@pytest.mark.parametrize("module", NEEDS)
def test_a_missing_extra_is_a_hint_of_one_line(module: str, tmp_path: Path) -> None:
    arguments, extra = NEEDS[module]
    # one variant of one donor, all in hard calls of a fixed width
    (tmp_path / "a.pgen").write_bytes(b"\x6c\x1b\x02\x01\0\0\0\x01\0\0\0\x40\x00")
    (tmp_path / "a.pvar").write_text("#CHROM\tPOS\tID\tREF\tALT\n1\t1\t.\tA\tC\n")
    (tmp_path / "a.psam").write_text("#IID\nD1\n")
    (tmp_path / "a.bcf").write_bytes(gzip.compress(b"BCF\x02\x02" + bytes(8)))
    (tmp_path / "a.h5ad").write_bytes(b"\x89HDF\r\n\x1a\n")
    start = f"import sys; sys.modules[{module!r}] = None; from varhouse.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, *arguments], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(PY)}, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode in (1, 2), done.stderr
    assert f"pip install 'varhouse[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
