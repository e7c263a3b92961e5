"""``varhouse.connect`` and how results are written."""

from __future__ import annotations

import csv
import datetime
import gc
import gzip
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import varhouse
from varhouse import output
from varhouse.errors import DataError, UsageError
from varhouse.file_formats import choose_format, file_format


def test_results_come_in_three_kinds(built_file):
    with varhouse.connect(built_file, threads=1) as house:
        found = house.sql("select gene_id, rank from genes_for_variant(?)", ["1_100_A_T"])
        named = house.sql("select $x::int as x", {"x": 3})
    assert found.pl().shape == (2, 2)
    assert found.arrow().column("rank").to_pylist() == [1, 2]
    assert found.df()["rank"].tolist() == [1, 2]
    assert found.columns == ["gene_id", "rank"]
    assert len(found) == 2
    assert named.rows() == [{"x": 3}]
    assert "shape: (2, 2)" in repr(found)
    assert "<table" in found._repr_html_()


def test_without_pandas_df_says_what_to_do(built_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with (
        varhouse.connect(built_file, threads=1) as house,
        pytest.raises(UsageError, match="pip install pandas"),
    ):
        house.sql("select 1").df()


def test_a_warehouse_is_read_only_unless_asked(built_file):
    with (
        varhouse.connect(built_file, threads=1) as house,
        pytest.raises(Exception, match="read-only"),
    ):
        house.sql("create table t (a int)")
    with varhouse.connect(built_file, read_only=False, threads=1) as house:
        house.sql("create table t (a int)")
        house.sql("insert into t values (1)")
        assert house.sql("from t").rows() == [{"a": 1}]


def test_a_notebook_cell_can_be_run_twice(built_file):
    house = varhouse.connect(built_file, threads=1)
    again = varhouse.connect(built_file, threads=1)
    house.close()
    assert again.sql("select count(*) as n from genes").rows() == [{"n": 5}]
    with pytest.raises(UsageError, match="other settings"):
        varhouse.connect(built_file, read_only=False, threads=1)
    again.close()
    again.close()
    with pytest.raises(UsageError, match="was closed"):
        again.sql("select 1")
    varhouse.connect(built_file, read_only=False, threads=1).close()


def test_a_relative_path_is_closed_from_another_folder(built_file, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(built_file.parent)
    house = varhouse.connect(built_file.name, threads=1)
    monkeypatch.chdir(elsewhere)
    house.close()
    assert not list(built_file.parent.glob(f".{built_file.name}.spill-*"))
    with varhouse.connect(built_file, read_only=False, threads=1) as again:
        assert again.sql("select count(*) as n from genes").rows() == [{"n": 5}]


def test_a_forgotten_warehouse_leaves_nothing_behind(built_file):
    spill = f".{built_file.name}.spill-*"
    house = varhouse.connect(built_file, threads=1)
    assert list(built_file.parent.glob(spill))
    del house
    gc.collect()
    assert not list(built_file.parent.glob(spill))


def test_connect_to_nothing(tmp_path):
    with pytest.raises(UsageError, match="no such warehouse"):
        varhouse.connect(tmp_path / "none.duckdb")


@pytest.fixture
def table() -> pa.Table:
    return pa.table(
        {
            "name": ["a,b", None],
            "x": [0.123456789012345, 12345.678],
            "n": [1, 20000],
            "parts": [[{"k": "v", "w": 0.5}], None],
            "when": [datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC), None],
            "wrong": [float("nan"), float("inf")],
        }
    )


def test_csv_keeps_all_digits_and_quotes(table):
    first, second = csv.DictReader(output.as_text(table, "csv").splitlines())
    assert float(first["x"]) == 0.123456789012345
    assert first["name"] == "a,b"
    assert json.loads(first["parts"]) == [{"k": "v", "w": 0.5}]
    assert second["name"] == ""


def test_json_is_records_with_null_for_what_json_cannot_say(table):
    first, second = json.loads(output.as_text(table, "json"))
    assert first["x"] == 0.123456789012345
    assert first["parts"] == [{"k": "v", "w": 0.5}]
    assert first["when"] == "2024-01-02T00:00:00+00:00"
    assert (first["wrong"], second["wrong"], second["name"]) == (None, None, None)
    assert json.loads(output.as_text(table.slice(0, 0), "json")) == []


def test_tables_are_aligned_and_have_four_digits(table):
    header, first, second = output.as_text(table.select(["name", "x", "n"]), "table").splitlines()
    assert header == "name          x      n"
    assert first == "a,b      0.1235      1"
    assert second == "      1.235e+04  20000"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.136, "0.1360"),
        (1.0, "1.000"),
        (1234.5, "1234"),
        (0.0, "0"),
        (1.5e-9, "1.5e-09"),
        (float("nan"), "NaN"),
        (-0.25, "-0.2500"),
        (True, "true"),
        (None, ""),
        ([1, 0.5], "[1, 0.5000]"),
        ({"a": 1.0}, "{a: 1.000}"),
        ("two\nlines", "two lines"),
    ],
)
def test_cells_read_well(value, shown):
    assert output.format_cell(value) == shown


def test_files_are_written_whole(table, tmp_path):
    out = tmp_path / "x.parquet"
    output.write_file(table, out, "parquet")
    assert pq.read_table(out).select(["name", "x"]).equals(table.select(["name", "x"]))
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]
    with pytest.raises(UsageError, match="does not exist"):
        output.write_file(table, tmp_path / "no" / "x.csv", "csv")
    with pytest.raises(DataError, match="cannot be written"):
        output.write_file(table, tmp_path, "csv")


def test_the_format_is_asked_for_or_told_by_the_name(tmp_path):
    assert choose_format(None, None) == "table"
    assert choose_format(None, tmp_path / "x.csv") == "csv"
    assert choose_format(None, tmp_path / "x.y.TSV.GZ") == "tsv"
    assert choose_format("json", tmp_path / "x.csv") == "json"
    with pytest.raises(UsageError, match="needs a file"):
        choose_format("parquet", None)
    for name in ("x.foo", "x", "x.gz", "x.parquet.gz"):
        with pytest.raises(
            UsageError, match=r"does not tell the format; wanted one of \.csv, \.csv\.gz, \.tsv,"
        ):
            choose_format(None, tmp_path / name)


def test_a_name_may_tell_a_format_that_is_not_written_there(tmp_path):
    assert file_format(tmp_path / "x.csv.gz", known=("csv", "parquet")) == ("csv", True)
    with pytest.raises(UsageError, match=r"wanted one of \.csv, \.csv\.gz, \.parquet\.$"):
        file_format(tmp_path / "x.json", known=("csv", "parquet"))


def test_tsv_is_csv_with_tabs(table):
    text = output.as_text(table, "tsv")
    by_tabs = list(csv.reader(text.splitlines(), delimiter="\t"))
    assert by_tabs == list(csv.reader(output.as_text(table, "csv").splitlines()))
    assert text.startswith("name\tx\tn\tparts\twhen\twrong\na,b\t0.123456789012345\t1\t")


@pytest.mark.parametrize("form", ["csv", "tsv", "json", "table"])
def test_a_text_that_is_named_gz_is_packed(table, tmp_path, form):
    output.write_file(table, tmp_path / "x.gz", form)
    output.write_file(table, tmp_path / "y.gz", form)
    packed = (tmp_path / "x.gz").read_bytes()
    assert gzip.decompress(packed).decode() == output.as_text(table, form)
    assert (tmp_path / "y.gz").read_bytes() == packed


def test_threads_open_one_warehouse_and_ask_it(built_file):
    def ask(house):
        with varhouse.connect(built_file) as own:
            return own.sql("select 1 as one").rows() + house.sql("select acat([0.5]).n as n").rows()

    with varhouse.connect(built_file) as house, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [house] * 24))
    assert answers == [[{"one": 1}, {"n": 1}]] * 24


def test_threads_that_open_the_same_file_first(built_file):
    def count(_):
        with varhouse.connect(built_file) as own:
            return len(own.sql("select 1"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(count, range(24))) == [1] * 24


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_columns_of_one_name_keep_their_values(tmp_path, form):
    with duckdb.connect() as con:
        table = con.sql("select 1 as a, 2 as b, 3 as a, 4 as a").to_arrow_table()
        output.write_file(table, tmp_path / f"x.{form}", form)
        found = con.sql(f"from '{tmp_path}/x.{form}'")
        assert (found.columns, found.fetchall()) == (["a", "b", "a_1", "a_2"], [(1, 2, 3, 4)])
    drawn = output.as_rich(table)
    assert [next(iter(column.cells)).plain for column in drawn.columns] == ["1", "2", "3", "4"]


def test_bytes_and_intervals_are_text_where_there_is_no_word_for_them(tmp_path):
    with duckdb.connect() as con:
        table = con.sql(
            "select 'a\\x00'::blob as bytes, interval '1 month 2 days 1.5 seconds' as apart"
        ).to_arrow_table()
    lines = list(csv.reader(output.as_text(table, "csv").splitlines()))
    assert lines == [["bytes", "apart"], ["6100", "P1M2DT1.500000000S"]]
    assert json.loads(output.as_text(table, "json")) == [
        {"bytes": "6100", "apart": "P1M2DT1.500000000S"}
    ]
    assert output.as_text(table, "table").split()[-2:] == ["6100", "P1M2DT1.500000000S"]
    with pytest.raises(DataError, match=r"x\.parquet: parquet cannot hold .* Cast it"):
        output.write_file(table, tmp_path / "x.parquet", "parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("widths", "terminal", "fits"),
    [
        # borders and blanks: 3 a column and 1
        ([5, 5], 17, True),
        ([5, 5], 16, False),
        # long cells fold, into 12
        ([5, 300], 24, True),
        ([5, 300], 23, False),
        ([12] * 12, 120, False),
        ([], 40, True),
    ],
)
def test_a_table_is_drawn_where_its_columns_stay_readable(widths, terminal, fits):
    table = pa.table({f"c{place}": ["x" * width] for place, width in enumerate(widths)})
    assert output.fits(table, terminal) is fits
