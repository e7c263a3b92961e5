"""The commands: what goes to stdout, what to stderr, and the exit codes."""

from __future__ import annotations

import csv
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_house import AAA
from tests.command import run_main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(built_file: Path, capsys) -> Run:
    """Return a function that runs a command on the built warehouse: (exit code, out, err)."""

    def run_command(*arguments: str, db: Path = built_file) -> tuple[int, str, str]:
        code = run_main(*arguments, "--db", str(db), "--threads", "1")
        return code, *capsys.readouterr()

    return run_command


def test_genes_for_variant_as_table_and_json(run):
    code, out, err = run("genes-for-variant", "1_100_A_G")
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split()[:5] == ["1_100_A_G", "1", AAA, "AAA", "0.3350"]
    code, out, err = run("genes-for-variant", "rs1", "--format", "json", "--limit", "1")
    assert json.loads(out)[0]["overall_score"] == 0.335
    assert len(json.loads(out)) == 1


def test_explain(run):
    code, out, err = run("explain", "1_100_A_G", "aaa", "--format", "csv")
    assert code == 0
    contributions = [float(row["contribution"]) for row in csv.DictReader(out.splitlines())]
    assert sum(contributions) == pytest.approx(0.335, abs=1e-15)
    assert "overall score 0.3350" in err
    for words in (("rs1", "AAA", "BBB"), ("rs1", "AAA", "--cell-type", "T")):
        code, _, err = run("explain", *words)
        assert code == 2
        assert "wanted a variant and a gene" in err


def test_variants_for_gene_to_a_file(run, tmp_path):
    out = tmp_path / "x.parquet"
    code, text, _ = run("variants-for-gene", "BBB", "--out", str(out))
    assert (code, text) == (0, "")
    assert pq.read_table(out).column("variant_id").to_pylist() == [
        "1_100_A_T",
        "1_100_A_G",
        "1_5000_C_T",
    ]


ASKED = [
    ("variants-for-gene", "BBB"),
    ("explain", "1_100_A_G", "aaa"),
    ("sql", "select * from genes"),
]


@pytest.mark.parametrize("words", ASKED, ids=lambda words: words[0])
def test_a_file_that_is_there_is_replaced_or_left_as_it_is(run, tmp_path, monkeypatch, words):
    out, link = tmp_path / "x.csv", tmp_path / "link.csv"
    out.write_text("before")
    link.symlink_to(out)

    def is_forbidden(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr("tempfile.mkstemp", is_forbidden)
        code, text, err = run(*words, "--out", str(out))
        assert (code, text) == (1, "")
        assert f"--out {out}: cannot be written: Permission denied." in err
    # a folder that is none, and one that is not there
    for folder in (out, tmp_path / "no"):
        code, text, err = run(*words, "--out", str(folder / "y.csv"))
        assert (code, text) == (2, "")
        assert f"the folder {folder} does not exist" in err
    assert run(*words, "--out", str(tmp_path / "x.unknown"))[0] == 2
    assert run(*words[:-1], "no such thing", "--out", str(out))[0] in (1, 2)
    assert out.read_text() == "before"
    code, text, _ = run(*words, "--out", str(link), "--format", "csv")
    assert (code, text) == (0, "")
    assert out.read_text() == run(*words, "--format", "csv")[1]
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.glob("*x*")) == ["x.csv"]


@pytest.mark.parametrize("words", ASKED, ids=lambda words: words[0])
def test_no_result_takes_the_place_of_a_database_or_a_device(run, built_file, tmp_path, words):
    before = built_file.read_bytes()
    code, text, err = run(*words, "--out", str(built_file), "--format", "csv")
    assert (code, text) == (2, "")
    assert "a DuckDB database; wanted the name of another file" in err
    assert built_file.read_bytes() == before
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    code, text, err = run(*words, "--out", str(pipe))
    assert (code, text) == (2, "")
    assert "a device or a pipe" in err
    assert pipe.is_fifo()


def test_why_missing(run):
    code, out, _ = run("why-missing", "rs2")
    assert code == 0
    assert out.splitlines()[-1].startswith("1_5000_C_T")
    assert "scored through its distance" in out
    assert run("why-missing", "rs2", "PSEU")[0] == 0


def test_evaluate(run, tmp_path):
    gold = tmp_path / "gold.csv"
    gold.write_text("variant_id,gene_name\n1_100_A_T,BBB\n")
    code, out, _ = run("evaluate", str(gold))
    assert code == 0
    assert "ranked" in out
    assert "mrr" in out
    code, out, err = run("evaluate", str(gold), "--format", "json")
    assert json.loads(out)[0]["rank"] == 1
    assert "mrr" in err
    code, out, err = run("evaluate", str(gold), "--format", "json", "--summary")
    assert json.loads(out)[1] == {"measure": "top_1", "n": 1, "v2g": 1.0, "nearest_gene": 0.0}


def test_freeze(run, tmp_path):
    out = tmp_path / "r.parquet"
    code, text, err = run("freeze", "r1", "--out", str(out))
    assert (code, text) == (0, "")
    assert "2 cut points" in err
    assert run("freeze", "r1")[0] == 2
    assert run("freeze", "r2", "--from", str(out))[0] == 0
    assert run("freeze", "r3", "--from", str(out), "--out", str(out))[0] == 2


def test_sql(run):
    code, out, _ = run("sql", "select 1 as a, 0.5::double as b", "--format", "csv")
    assert (code, out) == (0, "a,b\n1,0.5\n")
    assert run("sql", "from genes_for_variant('rs1')")[0] == 0


@pytest.mark.parametrize(
    ("query", "code", "told"),
    [
        ("select 1; select 2", 2, "found 2 statements"),
        ("", 2, "found 0 statements"),
        ("drop table load_manifest", 2, "not a query"),
        ("copy genes to 'x.csv'", 2, "not a query"),
        ("selec 1", 2, "syntax error"),
        ("select * from nowhere", 1, "nowhere"),
        ("with gone as (delete from raw.genes returning *) from gone", 1, "read-only"),
    ],
)
def test_sql_that_is_not_one_reading_statement(run, query, code, told):
    found, out, err = run("sql", query)
    assert (found, out) == (code, "")
    assert told in err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("genes-for-variant", "rs99"), 1),
        (("variants-for-gene", "DUP"), 1),
        (("explain", "rs1", "NOPE"), 1),
        (("genes-for-variant", "rs1", "--format", "parquet"), 2),
        (("genes-for-variant", "rs1", "--format", "xml"), 2),
        (("evaluate", "/nowhere.tsv"), 2),
    ],
)
def test_exit_codes(run, arguments, code):
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert err


def test_before_the_build(run, loaded_file):
    code, _, err = run("genes-for-variant", "rs1", db=loaded_file)
    assert code == 1
    assert "varhouse build" in err


def test_a_table_that_is_not_there_may_be_a_model(run):
    code, out, err = run("sql", "select * from variant_qc")
    assert (code, out) == (1, "")
    assert "Table with name variant_qc does not exist" in err
    assert err.endswith("If it is a model, build it: varhouse build --select +variant_qc\n")


def test_a_query_that_needs_more_memory_says_how_to_give_it(run):
    # lists are not spilled
    query = "select len(list(range)) from range(10_000_000)"
    code, out, err = run("sql", query, "--memory", "20MB")
    assert (code, out) == (1, "")
    assert "Give more with --memory." in err
