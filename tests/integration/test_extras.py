"""Where an extra is not installed, the command that needs it says in one line how to get it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from tests.command import run_program

from varhouse.ingest.load import load_files
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

# module that is not there -> (the command that needs it, the extra that has it)
NEEDS = {
    "pgenlib": (["load", "genotypes", "a.pgen", "--build", "GRCh38"], "genotypes"),
    "cyvcf2": (["load", "genotypes", "a.bcf", "--build", "GRCh38"], "genotypes"),
    "h5py": (["load", "cells", "a.h5ad"], "sc"),
    "matplotlib": (["plot", "manhattan", "--study", "height", "--out", "a.png"], "viz"),
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a folder whose varhouse.duckdb holds one association."""
    study = tmp_path / "height.tsv"
    study.write_text("variant_id\tbeta\tse\tp_value\n1_1_A_C\t0.1\t0.05\t0.04\n")
    with open_warehouse(Settings(database=tmp_path / "varhouse.duckdb")) as con:
        load_files(con, "sumstats", [study], build="GRCh38", source_id="height", format=None)
    return tmp_path


@pytest.mark.parametrize("module", NEEDS)
def test_a_missing_extra_is_a_hint_of_one_line(module: str, house: Path) -> None:
    arguments, extra = NEEDS[module]
    # one variant of one donor, all in hard calls of a fixed width
    (house / "a.pgen").write_bytes(b"\x6c\x1b\x02\x01\0\0\0\x01\0\0\0\x40\x00")
    (house / "a.pvar").write_text("#CHROM\tPOS\tID\tREF\tALT\n1\t1\t.\tA\tC\n")
    (house / "a.psam").write_text("#IID\nD1\n")
    (house / "a.bcf").write_bytes(gzip.compress(b"BCF\x02\x02" + bytes(8)))
    (house / "a.h5ad").write_bytes(b"\x89HDF\r\n\x1a\n")
    without = f"import sys; sys.modules[{module!r}] = None"
    done = run_program(*arguments, cwd=house, before=without)
    assert done.returncode in (1, 2), done.stderr
    assert f"pip install 'varhouse[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
