"""Which genome build a file is on: said by its contigs, or shown by its positions."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from load_inputs import load
from tests.loading import write_text

from varhouse.errors import DataError

HEADER = "chrom\tpos\tref\talt"


def test_contigs_by_accession(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    # NC_000021.9, CM000685.2 and NC_012920.1 in the assembly report of GRCh38 (GCF_000001405.26)
    rows = ("NC_000021.9\t5\tA\tC", "CM000685.2\t6\tA\tC", "NC_012920.1\t7\tA\tC")
    path = write_text(tmp_path, "variants.tsv", HEADER, *rows)
    (report,) = load(con, "variants", path, build=None)
    assert (report.genome_build, report.n_loaded) == ("GRCh38", 3)
    ids = con.execute("select variant_id from variants order by variant_idx").fetchall()
    assert ids == [("21_5_A_C",), ("X_6_A_C",), ("MT_7_A_C",)]


def test_contigs_of_the_other_build(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_text(tmp_path, "variants.tsv", HEADER, "NC_000021.8\t5\tA\tC")
    with pytest.raises(DataError, match=r"--build GRCh38, but the file itself says GRCh37"):
        load(con, "variants", path, build="GRCh38")


def test_contigs_of_two_builds_say_nothing(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows = ("NC_000021.8\t5\tA\tC", "NC_000021.9\t5\tA\tC")
    path = write_text(tmp_path, "variants.tsv", HEADER, *rows)
    with pytest.raises(DataError, match="build is not known"):
        load(con, "variants", path, build=None)


# chr1 ends at 249,250,621 in GRCh37 and at 248,956,422 in GRCh38
BETWEEN = 249_000_000


def test_positions_of_the_other_build(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows = [f"1\t{BETWEEN + number}\tA\tC" for number in range(10)]
    path = write_text(tmp_path, "variants.tsv", HEADER, *rows, "2\t5\tA\tC")
    with pytest.raises(DataError, match=r"10 positions .* GRCh38 but within those of GRCh37.*2:"):
        load(con, "variants", path, build="GRCh38")
    (report,) = load(con, "variants", path, build="GRCh37")
    assert report.n_loaded == 11


def test_a_few_stray_positions_are_rejected_rows(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_text(
        tmp_path, "variants.tsv", HEADER, f"1\t{BETWEEN}\tA\tC", "1\t300000000\tA\tC", "2\t5\tA\tC"
    )
    (report,) = load(con, "variants", path, build="GRCh38")
    assert report.rejected == {"position_of_other_build": 1, "beyond_chromosome_end": 1}
