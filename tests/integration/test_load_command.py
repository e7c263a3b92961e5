"""`varhouse load` as it is typed: output, exit codes, and what is left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from load_inputs import evidence_row, write_evidence
from tests.command import run_main
from tests.loading import write_text

from varhouse.ingest.kinds import KINDS


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """Return a function that runs ``varhouse load`` in the folder of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VARHOUSE_DB", raising=False)
    return lambda *arguments: Done(run_main("load", *arguments), *capfd.readouterr())


@pytest.mark.parametrize(
    ("kind", "option", "flag"),
    [
        ("evidence", ["--ref-first"], "--ref-first/--ref-last"),
        ("tags", ["--feature", "Liver"], "--feature"),
    ],
)
def test_an_option_of_another_kind_is_refused(
    tmp_path: Path, run: Callable[..., Done], kind: str, option: list[str], flag: str
) -> None:
    write_evidence(tmp_path, evidence_row())
    done = run(kind, "slice.parquet", "--build", "hg19", *option)
    assert done.returncode == 2
    assert f"{flag}: not an option of load {kind}" in done.stderr
    assert not (tmp_path / "varhouse.duckdb").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_formats_that_load_in_one_way(kind: str) -> None:
    formats = KINDS[kind].formats()
    assert formats
    for layout in formats:
        assert (layout.stage is None) != (layout.load is None)


def test_a_load_reports_on_stdout(tmp_path: Path, run: Callable[..., Done]) -> None:
    write_evidence(tmp_path, evidence_row(), evidence_row(qtl_pval=2.0), evidence_row(qtl_pval=0.0))
    done = run("evidence", "slice.parquet", "--build", "hg19")
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = (line for line in done.stdout.splitlines() if "opentargets-slice" in line)
    assert row.split() == [
        "slice.parquet", "opentargets-slice", "GRCh37", "loaded", "3", "2", "1", "1",
    ]  # fmt: skip
    assert "p_value_out_of_range" in done.stdout
    assert "p_value_zero" in done.stdout
    again = run("evidence", "slice.parquet", "--build", "hg19")
    assert again.returncode == 0
    assert "already loaded" in again.stdout
    with duckdb.connect(str(tmp_path / "varhouse.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from raw.evidence").fetchone() == (2,)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evidence", "absent.parquet", "--build", "hg19"], "absent.parquet: no such file"),
        (["evidence", "slice.parquet", "--build", "hg18"], "hg18"),
        (["evidence", "slice.parquet", "--format", "bed"], "--format bed"),
        (["horoscopes", "slice.parquet"], "horoscopes"),
        (["evidence"], "FILES"),
        (["evidence", "slice.parquet", "--colour", "red"], "--colour"),
        (["genotypes", "absent.vcf", "--region", "21:abc"], "--region 21:abc"),
    ],
)
def test_a_wrong_command_line_is_exit_2_and_makes_no_warehouse(
    tmp_path: Path, run: Callable[..., Done], arguments: list[str], words: str
) -> None:
    write_evidence(tmp_path, evidence_row())
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert not (tmp_path / "varhouse.duckdb").exists()


def test_bad_data_is_exit_1_and_keeps_nothing(tmp_path: Path, run: Callable[..., Done]) -> None:
    write_evidence(tmp_path, evidence_row())
    write_text(tmp_path, "bad.tsv", "\t".join(str(value) for value in evidence_row().values()), "x")
    done = run("evidence", "slice.parquet", "bad.tsv", "--build", "hg19", "--log-json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "bad.tsv, line 2: 1 columns found, 19 expected" in done.stderr
    with duckdb.connect(str(tmp_path / "varhouse.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from load_manifest").fetchone() == (0,)
        assert con.execute("select count(*) from raw.evidence").fetchone() == (0,)


def test_a_dry_run_says_so(tmp_path: Path, run: Callable[..., Done]) -> None:
    write_evidence(tmp_path, evidence_row())
    done = run("evidence", "slice.parquet", "--build", "hg19", "--dry-run")
    assert done.returncode == 0
    assert "dry run" in done.stdout
    with duckdb.connect(str(tmp_path / "varhouse.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from load_manifest").fetchone() == (0,)
