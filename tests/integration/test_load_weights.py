"""`varhouse load weights`: the latest file counts, and counts as a whole."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from load_inputs import load
from tests.loading import write_text

from varhouse.errors import DataError


def test_weights_replace_the_ones_before(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    a = write_text(tmp_path, "a.tsv", "source_id\tweight", "vep\t1", "gtex_v7\t0.66")
    b = write_text(tmp_path, "b.csv", "source_id,weight", "vep,0.5")
    for path in (a, b):
        load(con, "weights", path, build=None)
    query = "select source_id, weight from raw.source_weights order by 1"
    assert con.execute(query).fetchall() == [("vep", 0.5)]
    assert load(con, "weights", b, build=None)[0].status == "already loaded"
    assert load(con, "weights", a, build=None)[0].status == "loaded"
    assert con.execute(query).fetchall() == [("gtex_v7", 0.66), ("vep", 1.0)]


@pytest.mark.parametrize("weight", ["-1.7", "NaN", "inf", "", "heavy"])
def test_a_bad_weight_refuses_the_file(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, weight: str
) -> None:
    path = write_text(tmp_path, "w.tsv", "source_id\tweight", "vep\t1", f"gtex_v7\t{weight}")
    with pytest.raises(DataError, match=r"w\.tsv, line 3: weight of gtex_v7 is"):
        load(con, "weights", path, build=None)


def test_a_source_with_two_weights_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_text(tmp_path, "w.tsv", "source_id\tweight", "vep\t1", "vep\t2")
    with pytest.raises(DataError, match=r"w\.tsv: source vep has a weight in lines 2 and 3"):
        load(con, "weights", path, build=None)
