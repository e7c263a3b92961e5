"""Every command and example of the documentation runs as it stands there, page by page.

On a page, a block without a language holds commands, ``text title="x"`` is a file x, ``sql`` and
``python`` run against ``varhouse.duckdb``. What the test cannot run has a comment in front that
says why: ``<!-- not run: needs VEP -->``.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.rvat import Cohort
from tests.v2g import empty_warehouse

import varhouse
from varhouse.cli import cli
from varhouse.cli.model_options import source_version
from varhouse.runner import load_project, run_project

REPO = Path(__file__).resolve().parents[2]
DOCS = REPO / "docs"
FENCED = re.compile(
    r"^(?P<kept><!-- not run: [^\n]+ -->\n)?```(?P<info>[^\n]*)\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
# page -> the warehouse that its reader has; the others start from none
WAREHOUSES = {
    "annotations.md": "demo",
    "cookbook.md": "demo",
    "getting-started.md": "none",
    "genotype-qc.md": "cohort",
    "loading.md": "demo",
    "plots.md": "cohort",
    "python.md": "demo",
    "v2g.md": "demo",
}
# page -> the test that runs it
RUN_ELSEWHERE = {
    "notebooks/rare_variants_in_cells.md": "tests/integration/test_documentation.py",
    "notebooks/v2g_of_a_lead.md": "tests/integration/test_documentation.py",
    "rvat.md": "tests/integration/test_rvat_e2e.py",
    "sql-functions.md": "tests/unit/udf/test_documented_sql.py",
}
PAGES = sorted(
    path.relative_to(DOCS).as_posix()
    for path in DOCS.rglob("*.md")
    if "```" in path.read_text(encoding="utf-8")
    and path.relative_to(DOCS).as_posix() not in RUN_ELSEWHERE
)


class Block(NamedTuple):
    info: str
    body: str


def blocks(page: str) -> list[Block]:
    found = FENCED.finditer((DOCS / page).read_text(encoding="utf-8"))
    return [Block(block["info"].strip(), block["body"]) for block in found if not block["kept"]]


@pytest.fixture(scope="module")
def larder(tmp_path_factory: pytest.TempPathFactory, demo: tuple[Path, str]) -> Path:
    """Return a folder with the demo, a small cohort's warehouse and a file of cells."""
    folder = tmp_path_factory.mktemp("larder")
    shutil.copytree(demo[0], folder / "demo")
    pytest.importorskip("h5py")
    from tests.unit.ingest_cells.h5ad_files import some_counts, write_h5ad

    write_h5ad(folder / "cells.h5ad", some_counts())
    with empty_warehouse(folder / "cohort.duckdb") as con:
        Cohort().load(con)
        run_project(load_project(REPO), con, command="run", source_version=source_version)
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(
    page: str, larder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = WAREHOUSES.get(page, "none")
    if warehouse != "none":
        source = {"demo": larder / "demo" / "demo.duckdb", "cohort": larder / "cohort.duckdb"}
        for name in ("varhouse.duckdb", "other.duckdb"):
            shutil.copyfile(source[warehouse], tmp_path / name)
    shutil.copyfile(larder / "cells.h5ad", tmp_path / "cells.h5ad")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VARHOUSE_DB", raising=False)
    python = []
    for block in blocks(page):
        title = re.fullmatch(r'text title="([\w.-]+)"', block.info)
        if title:
            Path(title[1]).write_text(block.body, encoding="utf-8")
        elif block.info == "":
            run_commands(block.body, larder / "demo")
        elif block.info == "sql":
            with varhouse.connect("varhouse.duckdb") as house:
                house.sql(block.body).rows()
        elif block.info == "python":
            python.append(block.body)
        else:
            assert block.info == "text", f"{page}: a block of {block.info}"
    if python:
        run_python("-c", "\n".join(python))


def run_python(*arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPO / "py"), "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def run_commands(body: str, demo: Path) -> None:
    for line in body.splitlines():
        words = shlex.split(line, comments=True)
        if words == ["varhouse", "demo"]:
            # this very command made it
            shutil.copytree(demo, "demo")
        elif words:
            assert words[0] == "varhouse", line
            outcome = cli.main(words[1:], standalone_mode=False)
            assert not outcome, f"{line}: {outcome}"


def test_pages_that_are_run_elsewhere_are() -> None:
    for page, test in RUN_ELSEWHERE.items():
        assert page in (REPO / test).read_text(encoding="utf-8")


NOTEBOOKS = ("rare_variants_in_cells", "sql_cookbook", "v2g_of_a_lead")


def test_every_notebook_is_run() -> None:
    assert {path.stem for path in (REPO / "notebooks").glob("*.py")} == set(NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_as_a_script(
    name: str, larder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("marimo")
    monkeypatch.chdir(larder)
    run_python(str(REPO / "notebooks" / f"{name}.py"))


@pytest.mark.parametrize("name", ["rare_variants_in_cells", "v2g_of_a_lead"])
def test_the_page_of_a_notebook_says_what_the_notebook_says(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(REPO / "docs" / "generate")
    notebooks = importlib.import_module("notebooks")
    assert name in notebooks.NAMES
    shown = (DOCS / "notebooks" / f"{name}.md").read_text(encoding="utf-8")
    for part in notebooks.page(name).split("\n\n"):
        assert part in shown
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", shown):
        assert (DOCS / "notebooks" / picture).read_bytes().startswith(b"\x89PNG")


def test_the_cookbook_page_asks_what_the_notebook_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(REPO / "docs" / "generate")
    written = importlib.import_module("cookbook").page(None)
    shown = (DOCS / "cookbook.md").read_text(encoding="utf-8")
    answers = re.compile(r"\n\n(?:\*No rows\.\*|\|[^\n]*(?:\n\|[^\n]*)*(?:\n\n\*and \d+ more\*)?)")
    assert answers.sub("", shown) == written
    assert len(re.findall(r"^## \d+\. .*\?$", written, re.MULTILINE)) == 20
