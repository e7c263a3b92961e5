"""What nobody foresaw, such as no memory or no disk, ends in a message and an exit code."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tests.command import run_main, run_program

import varhouse.cli
from varhouse.cli import main


def run_failing(error: BaseException, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    def fail(**ignored: object) -> None:
        raise error

    monkeypatch.setattr(os, "umask", lambda mask: mask)
    monkeypatch.setattr(varhouse.cli.cli, "main", fail)
    return run_main(*options)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.EACCES, "Permission denied", "x.csv"), "x.csv: Permission denied"),
        (duckdb.OutOfMemoryException("Out of Memory Error: 9 MB used\n\nHints"), "--memory"),
        (duckdb.BinderException('Binder Error: no column "new"'), "build them again"),
        (
            duckdb.CatalogException('Catalog Error: no table "x"!\nDid you mean "y"?'),
            '"x"! Is --db a warehouse? One of',
        ),
        (duckdb.TransactionException("TransactionContext Error: Failed to commit"), "commit"),
        (
            duckdb.TransactionException(
                'TransactionContext Error: Failed to commit: Could not write file "w.duckdb.wal": '
                "No space left on device"
            ),
            "make room",
        ),
    ],
)
def test_a_lack_is_one_message_and_exit_1(
    error: Exception,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_failing(error, monkeypatch) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert said in err
    assert "Hints" not in err


def test_what_the_database_quotes_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = duckdb.ConversionException("Conversion Error: strange words about 'donor_17'")
    assert run_failing(error, monkeypatch) == 1
    assert "donor_17" not in capsys.readouterr().err


def test_our_own_slips_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**ignored: object) -> None:
        raise KeyError("slip")

    monkeypatch.setattr(sys, "argv", ["varhouse"])
    monkeypatch.setattr(varhouse.cli.cli, "main", fail)
    with pytest.raises(KeyError):
        main()


def test_ctrl_c_in_a_query_of_the_main_thread(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_failing(RuntimeError("Query interrupted"), monkeypatch) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_memory_limit_that_not_even_the_tables_fit_in(tmp_path: Path) -> None:
    done = run_program("build", "--memory", "1KB", "--threads", "1", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "--memory" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_behind_stdout(tmp_path: Path) -> None:
    duckdb.connect(tmp_path / "varhouse.duckdb").close()
    with Path("/dev/full").open("w") as full:
        done = run_program("sql", "select 1 as a", cwd=tmp_path, stdout=full.fileno())
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")


def test_bytes_that_are_no_text_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("load", "genes", os.fsdecode(b"caf\xe9.tsv")) == 2
    assert capsys.readouterr().err.startswith("error: caf\\xe9.tsv: not text in UTF-8.")


def test_a_closed_stdout_stops_nothing(tmp_path: Path) -> None:
    genes = tmp_path / "genes.tsv"
    genes.write_text(
        "chr\tgene_id\tgene_name\tstart\tend\tstrand\tbiotype\n"
        "1\tENSG00000000001\tA\t100\t200\t+\tprotein_coding\n"
    )
    command = (sys.executable, "-m", "varhouse", "load", "genes", str(genes), "--build", "GRCh38")
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *command, "--db", str(tmp_path / "w.duckdb")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
