"""The wheel and the sdist hold everything, and the wheel runs where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest

REPO = Path(__file__).resolve().parents[2]
SHIPPED_FOLDERS = ("models", "sql", "data/seeds", "data/reference")


def run(command: Sequence[str | Path], cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_below(folder: str) -> list[str]:
    return [
        path.relative_to(REPO).as_posix()
        for path in sorted((REPO / folder).rglob("*"))
        if path.is_file() and path.suffix in (".sql", ".yml", ".csv", ".md")
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and the sdist of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "hatchling", "build", "-d", folder], REPO)
    return folder


def test_the_wheel_holds_the_project_the_types_and_the_page(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        "varhouse/py.typed",
        "varhouse/runner/docs_page.html",
        "varhouse/project/dbt_project.yml",
        *(f"varhouse/project/{name}" for folder in SHIPPED_FOLDERS for name in files_below(folder)),
    }
    assert wanted - names == set()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"varhouse"}
    assert not [name for name in names if "__pycache__" in name]


def test_the_wheel_needs_few_libraries_and_offers_the_rest_as_extras(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    lines = archive.read(metadata).decode().splitlines()
    extras = {line.removeprefix("Provides-Extra: ") for line in lines if "Provides-Extra" in line}
    assert {"demo", "docs", "genotypes", "notebook", "sc", "viz"} <= extras
    core = [line for line in lines if line.startswith("Requires-Dist: ") and "extra ==" not in line]
    assert len(core) <= 12


def test_the_sdist_holds_what_the_wheel_is_built_from(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {"/".join(PurePosixPath(name).parts[1:]) for name in archive.getnames()}
    wanted = {
        "pyproject.toml",
        "LICENSE",
        "dbt_project.yml",
        "Makefile",
        "mkdocs.yml",
        "docs/generate/hook.py",
        "notebooks/sql_cookbook.py",
        "py/varhouse/py.typed",
        "py/varhouse/runner/docs_page.html",
        *(name for folder in SHIPPED_FOLDERS for name in files_below(folder)),
    }
    assert wanted - names == set()


def test_the_wheel_runs_outside_the_checkout(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    environment = tmp_path / "venv"
    run([sys.executable, "-m", "venv", "--without-pip", environment], tmp_path)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-qq"]
    run([*pip, "--no-deps", "--no-index", "--disable-pip-version-check", wheel], tmp_path)
    # the libraries of the environment that runs the tests; a line of a .pth file runs no other
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    home = run([python, "-c", "import varhouse; print(varhouse.__file__)"], tmp_path)
    assert Path(home.strip()).is_relative_to(environment)
    command = environment / "bin" / "varhouse"
    assert "  build " in run([command, "--help"], tmp_path)
    listed = run([command, "ls"], tmp_path)
    assert "v2g_scores" in listed
    assert "int_v2g__variants" in listed
    assert "Planted and found" in run([command, "demo", "--quiet"], tmp_path)
    assert (tmp_path / "demo" / "demo.duckdb").is_file()
