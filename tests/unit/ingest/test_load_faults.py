"""What a database error in the middle of a load is said to be."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from varhouse.errors import DataError
from varhouse.ingest.format import Format, SourceFile
from varhouse.ingest.load import _faults_of

SOURCE = SourceFile(Path("a.tsv"), "x\ty", ("x", "y"), ".tsv", "\t")
LAYOUT = Format("table", "raw.t", lambda source: True, "")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (duckdb.IOException('IO Error: Could not write file "w.duckdb": No space left'), "no room"),
        (duckdb.IOException('IO Error: Could not read from file "a.tsv"'), "the file is damaged"),
        (duckdb.OutOfMemoryException("Out of Memory Error: 1 GB used"), "--memory"),
    ],
)
def test_a_full_disk_is_not_a_damaged_file(error: duckdb.Error, told: str) -> None:
    with pytest.raises(DataError, match=rf"a\.tsv: .*{told}"), _faults_of(SOURCE, LAYOUT):
        raise error
