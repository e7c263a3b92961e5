"""Opening the warehouse: limits, locks, spill folders and what an error says."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pytest

from varhouse.errors import DataError, UsageError, WarehouseHeldError
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse


def settings(folder: Path, **changes: object) -> Settings:
    return Settings(database=folder / "w.duckdb", threads=1, memory="200MB", **changes)  # type: ignore[arg-type]


def spills(folder: Path) -> list[Path]:
    return sorted(folder.glob(".w.duckdb.spill-*"))


def test_the_spill_folder_is_private_and_goes_with_the_connection(tmp_path: Path) -> None:
    with open_warehouse(settings(tmp_path)) as con:
        (spill,) = spills(tmp_path)
        assert spill.stat().st_mode & 0o777 == 0o700
        assert con.sql("select current_setting('temp_directory')").fetchall() == [(str(spill),)]
    assert spills(tmp_path) == []


def test_folders_of_dead_processes_are_swept_and_living_ones_kept(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".w.duckdb.spill-{dead.pid}-x"
    alive = tmp_path / f".w.duckdb.spill-{os.getpid()}-x"
    left.mkdir()
    alive.mkdir()
    with open_warehouse(settings(tmp_path)):
        pass
    assert not left.exists()
    assert alive.exists()


def test_reading_a_warehouse_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="no such warehouse"),
        open_warehouse(settings(tmp_path), read_only=True),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "w.duckdb").write_text("not a database")
    with (
        pytest.raises(DataError, match=r"cannot be opened as a DuckDB file: .* with --db"),
        open_warehouse(settings(tmp_path)),
    ):
        pass


def test_a_database_of_something_else_keeps_its_tables_and_gets_none_of_ours(
    tmp_path: Path,
) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("create table genes as select 1 as mine")
        con.execute("create view load_issues as select 2 as other")
    with (
        pytest.raises(DataError, match=r"has genes, load_issues; .* another file with --db"),
        open_warehouse(settings(tmp_path)),
    ):
        pass
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        assert con.sql("select schema_name, table_name from duckdb_tables()").fetchall() == [
            ("main", "genes")
        ]
        con.execute("drop table genes")
        con.execute("drop view load_issues")
        con.execute("create table shopping as select 1 as mine")
    with open_warehouse(settings(tmp_path)) as con:
        assert con.sql("select count(*) from genes, shopping").fetchall() == [(0,)]


def test_a_folder_that_cannot_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_warehouse(settings(tmp_path)):
        pass

    def denied(**_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", denied)
    with (
        pytest.raises(UsageError, match=r"w\.duckdb: its folder cannot be written to \(Perm"),
        open_warehouse(settings(tmp_path)),
    ):
        pass
    with (
        pytest.raises(UsageError, match=r"spill into \(Permission denied\)\. .* --temp-dir"),
        open_warehouse(settings(tmp_path, temp_dir=tmp_path)),
    ):
        pass


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("name", ["genes.tsv", "genes.csv", "genes.json", ":memory:"])
def test_data_are_not_taken_for_a_warehouse(
    name: str, read_only: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # DuckDB opens these as a database in memory with a view on the file
    monkeypatch.chdir(tmp_path)
    Path(name).write_text('{"a": 1}\n' if name.endswith("json") else "a,b\n1,2\n")
    wrong = Settings(database=Path(name), threads=1, memory="200MB")
    with (
        pytest.raises(DataError, match="cannot be opened as a DuckDB file"),
        open_warehouse(wrong, read_only=read_only),
    ):
        pass


def test_a_limit_that_is_no_size(tmp_path: Path) -> None:
    wrong = Settings(database=tmp_path / "w.duckdb", memory="a lot")
    with pytest.raises(UsageError, match="--memory a lot"), open_warehouse(wrong):
        pass


def test_a_warehouse_that_another_process_holds(tmp_path: Path) -> None:
    with open_warehouse(settings(tmp_path)):
        pass
    script = (
        "import sys, duckdb; con = duckdb.connect(sys.argv[1]); print('held', flush=True); "
        "sys.stdin.read(); con.close()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "w.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(WarehouseHeldError, match=f"PID {holder.pid}"),
            open_warehouse(settings(tmp_path)),
        ):
            pass
    finally:
        holder.communicate("")


@pytest.mark.parametrize("name", ["raw.duckdb", "Raw.v2.db"])
def test_a_file_called_like_the_raw_schema_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with (
        pytest.raises(UsageError, match=r"raw is the schema of loaded tables; name the file other"),
        open_warehouse(Settings(database=path)),
    ):
        pass
    assert not path.exists()


def test_other_names_of_schemas_are_free(tmp_path: Path) -> None:
    for name in ("main.duckdb", "raw2.duckdb"):
        with open_warehouse(Settings(database=tmp_path / name)) as con:
            assert con.execute("select count(*) from raw.genes").fetchall() == [(0,)]
