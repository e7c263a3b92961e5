"""Files as they are on disk: what is sniffed, what is refused, where the fault is said to be."""

from __future__ import annotations

import bz2
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from varhouse.errors import DataError, UsageError
from varhouse.ingest.reading import check_compression, sha256_of, sniff
from varhouse.ingest.staging import path_sql, stage_table


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"threads": 2, "preserve_insertion_order": False})
    yield connection
    connection.close()


def rows(con: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[object, ...]]:
    source = sniff(path)
    return con.execute(
        f"select * from {stage_table(con, source, source.columns)} order by line"
    ).fetchall()


@pytest.mark.parametrize(
    ("name", "text", "suffix", "delimiter", "columns"),
    [
        ("a.tsv", "x\ty\n1\t2\n", ".tsv", "\t", ("x", "y")),
        ("a.csv", '"x",y\n1,2\n', ".csv", ",", ("x", "y")),
        ("a.TXT", "x  y\n1 2\n", ".txt", " ", ("x", "y")),
        ("a", "\n\nx\n1\n", "", "\t", ("x",)),
        ("a.b.tsv", "\ufeffx\ty\n", ".tsv", "\t", ("x", "y")),
    ],
)
def test_the_header_tells_columns_and_delimiter(
    tmp_path: Path, name: str, text: str, suffix: str, delimiter: str, columns: tuple[str, ...]
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    source = sniff(path)
    assert (source.suffix, source.delimiter, source.columns) == (suffix, delimiter, columns)


def test_compressed_text_is_sniffed_through(tmp_path: Path) -> None:
    gz, zst = tmp_path / "a.tsv.gz", tmp_path / "a.tsv.zst"
    gz.write_bytes(gzip.compress(b"x\ty\n1\t2\n"))
    zst.write_bytes(pa.Codec("zstd").compress(b"x\ty\n1\t2\n", asbytes=True))
    assert sniff(gz).columns == sniff(zst).columns == ("x", "y")
    assert sniff(gz).suffix == sniff(zst).suffix == ".tsv"


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz", "a.tsv.zst"])
def test_lines_are_numbered_as_an_editor_does(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    text = b"x\ty\r\n1\t2\r\n\r\n3\t\r\n\t4"
    packed = {
        ".gz": gzip.compress,
        ".zst": lambda raw: pa.Codec("zstd").compress(raw, asbytes=True),
    }
    path = tmp_path / name
    path.write_bytes(packed.get(path.suffix, bytes)(text))
    assert rows(con, path) == [(2, "1", "2"), (4, "3", ""), (5, "", "4")]


def test_line_numbers_hold_in_a_large_file(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "large.tsv"
    path.write_text("n\n" + "".join(f"{number}\n" for number in range(2, 600_000)))
    source = sniff(path)
    table = stage_table(con, source, source.columns)
    wrong = con.execute(f"select count(*) from {table} where line <> cast(n as bigint)").fetchone()
    assert wrong == (0,)


def test_quoted_commas(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('x,y\n"a,b",c\n"say ""hi""",\n,""\nplain,d\n')
    assert rows(con, path) == [
        (2, "a,b", "c"),
        (3, 'say "hi"', ""),
        (4, "", ""),
        (5, "plain", "d"),
    ]


def test_tabs_and_quotes_as_r_writes_them(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    # R's write.table quotes texts and the header unless told otherwise
    path = tmp_path / "r.tsv"
    path.write_text('"id"\t"n"\t"said"\n"a"\t1\t"tab\there, ""so"""\n"b"\tNA\t""\n')
    assert rows(con, path) == [(2, "a", "1", 'tab\there, "so"'), (3, "b", "NA", "")]
    path.write_text('"id" "n"\n"a" 1\n')
    assert rows(con, path) == [(2, "a", "1")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.tsv", gzip.compress(b"x\ty\n1\t2\n"), r"compressed with gzip; add \.gz to its name"),
        ("a.csv", bz2.compress(b"x,y\n1,2\n"), "compressed with bzip2; unpack it first"),
        ("a.xlsx", b"PK\x03\x04 and so on", "a zip archive or an Excel workbook; unpack it"),
    ],
    # the bytes would be names that differ from process to process: gzip writes the time
    ids=["gzip", "bzip2", "zip"],
)
def test_a_name_that_does_not_say_how_the_file_is_packed(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}: {said}"):
        sniff(path)


@pytest.mark.parametrize("line", ['"a,b', '"a"b,c', 'a"b,c"'])
def test_a_stray_quote_is_refused_with_its_line(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, line: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"x,y\n1,2\n{line}\n")
    with pytest.raises(DataError, match=r"a\.csv, line 3: a quote"):
        rows(con, path)


@pytest.mark.parametrize(("line", "found"), [("1", 1), ("1\t2\t3", 3)])
def test_a_ragged_line_is_refused_with_its_line_and_both_counts(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, line: str, found: int
) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(f"x\ty\n\n1\t2\n{line}\n1\t2\n")
    with pytest.raises(DataError, match=rf"a\.tsv, line 4: {found} columns found, 2 expected"):
        rows(con, path)


def test_a_column_named_twice_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("x\tx\n1\t2\n")
    with pytest.raises(DataError, match="column x occurs twice"):
        rows(con, path)


@pytest.mark.parametrize("name", ["a.tsv", "a.parquet"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        sniff(path)


def test_blank_lines_are_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("\n \n\n")
    with pytest.raises(DataError, match="empty"):
        sniff(path)


def test_text_in_another_encoding_is_refused_with_its_line(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes("x\ty\n1\tß\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.tsv, line 2: not text in UTF-8"):
        sniff(path)
    path.write_bytes(b"x\n" + b"1\n" * 600_000 + b"\xff\n")
    with pytest.raises(DataError, match=r"a\.tsv.*not text in UTF-8"):
        rows(con, path)


def test_a_control_character_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(b"x\ty\n1\t2\x013\n")
    with pytest.raises(DataError, match=r"a\.tsv, line 2: .*control character"):
        rows(con, path)


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b"%d\t%d\n" % (n, n * n) for n in range(200_000)))
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    assert sniff(path).columns == ("0", "0")
    with pytest.raises(DataError, match=r"a\.tsv\.gz: .*cut short"):
        check_compression(path)


def test_a_wrong_checksum_in_a_gzip_is_refused(tmp_path: Path) -> None:
    damaged = bytearray(gzip.compress(b"x\ty\n1\t2\n"))
    damaged[-8] ^= 0xFF
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(bytes(damaged))
    with pytest.raises(DataError, match=r"a\.tsv\.gz: cannot be decompressed \(CRC"):
        check_compression(path)


def test_text_called_gz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.gz"
    path.write_text("x\ty\n")
    with pytest.raises(DataError, match=r"a\.tsv\.gz: not compressed, although its name"):
        sniff(path)


def test_a_bgzf_without_its_end_marker_is_noticed(tmp_path: Path) -> None:
    # one empty BGZF block, as the SAM specification prints it
    end = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
    whole, cut = tmp_path / "whole.gz", tmp_path / "cut.gz"
    plain = tmp_path / "plain.gz"
    body = gzip.compress(b"x\n")
    whole.write_bytes(end + body + end)
    cut.write_bytes(end + body)
    plain.write_bytes(body)
    assert check_compression(whole) == []
    assert [issue.code for issue in check_compression(cut)] == ["no_bgzf_end_marker"]
    assert check_compression(plain) == []


@pytest.mark.parametrize("n_kept", [0.1, 0.5, 0.999])
def test_a_truncated_parquet_is_refused(tmp_path: Path, n_kept: float) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": list(range(10_000))}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * n_kept)])
    with pytest.raises(DataError, match=r"a\.parquet: not a whole parquet file"):
        sniff(path)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        sniff(tmp_path / "absent.tsv")
    with pytest.raises(UsageError, match="not a file"):
        sniff(tmp_path)


def test_wildcards_in_a_path_are_plain_characters(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = tmp_path / "type=qtl"
    folder.mkdir()
    path = folder / "a[1]*?'.tsv"
    path.write_text("x\n1\n")
    (folder / "a1b'.tsv").write_text("x\n2\n")
    assert rows(con, path) == [(2, "1")]
    assert path_sql(Path("a[1].tsv")) == "'a[[]1].tsv'"


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert sha256_of([path]) == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sex age\nd1 1 30\nd2 2 40\n", "row.names = FALSE"),
        ("# made on Monday\ndonor_id\tage\n001\t61\n", "looks like a comment"),
        ("donor_id;age;PC1\n001;61;0.5\n", "separated by ;"),
        ("#donor\tage\n001\t61\n", None),
    ],
)
def test_a_first_line_that_is_no_header_is_told(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, text: str, told: str | None
) -> None:
    path = tmp_path / "donors.tsv"
    path.write_text(text)
    with pytest.raises(DataError, match="column donor_id missing") as refused:
        stage_table(con, sniff(path), ["donor_id"])
    if told is None:
        assert str(refused.value).endswith("columns found: #donor, age.")
    else:
        assert told in str(refused.value)


def test_quotes_of_single_fields_are_taken_off(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "excel.tsv"
    path.write_text('tissue\tnote\n"muscle, skeletal"\t"a ""b"""\nskin\t5" wide\n')
    assert rows(con, path) == [
        (2, "muscle, skeletal", 'a "b"'),
        (3, "skin", '5" wide'),
    ]
