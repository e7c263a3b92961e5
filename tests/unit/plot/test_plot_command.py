"""varhouse plot: every figure into a file, and what is refused."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.command import run_main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(house_file: Path, capsys) -> Run:
    """Return a function that runs ``varhouse plot`` on the house: (exit code, out, err)."""

    def run_command(*arguments: str) -> tuple[int, str, str]:
        code = run_main("plot", *arguments, "--db", str(house_file), "--threads", "1")
        return code, *capsys.readouterr()

    return run_command


@pytest.mark.parametrize(
    "arguments",
    [
        ("manhattan",),
        ("manhattan", "--study", "bmi"),
        ("qq", "--by", "test", "--cell-type", "B"),
        ("locus", "rs1", "--gene", "AAA", "--flank", "5000"),
        ("volcano", "--weight", "maf_beta", "--cell-type", "T", "--max-maf", "0.05"),
        ("expression", "rs0", "AAA", "--cell-type", "B"),
        ("burden-heatmap", "--test", "skat", "--gene", "AAA", "--gene", "BBB"),
        ("weights", "AAA"),
    ],
)
def test_every_figure_is_written(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments, "--out", str(tmp_path / "figure.png"))
    assert (code, out) == (0, ""), err
    assert err == f"wrote {tmp_path / 'figure.png'}\n"
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize(("suffix", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"),
                                                ("pdf", b"%PDF")])  # fmt: skip
def test_equal_figures_are_equal_files(
    run: Run, tmp_path: Path, suffix: str, begins: bytes
) -> None:
    files = [tmp_path / f"{name}.{suffix}" for name in ("one", "two")]
    for file in files:
        assert run("qq", "--out", str(file), "-q") == (0, "", "")
    one, two = (file.read_bytes() for file in files)
    assert one.startswith(begins)
    assert one == two


def test_what_was_done_is_a_json_line_on_request(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "figure.png"
    _, _, err = run("qq", "--out", str(out), "--log-json")
    assert json.loads(err) == {"level": "info", "message": f"wrote {out}"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("qq", "--out", "figure.doc"), 2, "wanted .png, .pdf, .svg"),
        (("volcano", "--weight", "maf_beta", "--out", "x.png"), 2, "name one: B, T"),
        (("manhattan", "--study", "height", "--out", "x.png"), 1, "is not loaded; there is bmi"),
        (("qq", "--test", "famskat", "--out", "x.png"), 2, "--test"),
        (("expression", "rs0", "AAA", "--out", "x.png"), 2, "--cell-type"),
    ],
)
def test_what_is_refused(
    run: Run, tmp_path: Path, monkeypatch, arguments: tuple[str, ...], code: int, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert told in err
    assert list(tmp_path.iterdir()) == []


def test_figures_hang_on_the_package() -> None:
    code = "import varhouse; print(varhouse.plot.manhattan.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "manhattan\n"


def test_a_figure_that_cannot_be_written_leaves_nothing(run: Run, tmp_path: Path, monkeypatch):
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = run("qq", "--out", str(tmp_path / "qq.pdf"))
    assert code == 1
    assert err.endswith("qq.pdf: cannot be written: No space left on device.\n")
    assert list(tmp_path.glob("*.pdf*")) == []
