"""Imports go down: the layers of the package, read from its source files."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "py" / "varhouse"

# Layer -> the layers and libraries that its files may not import.
FORBIDDEN = {
    "errors.py": {"varhouse", "duckdb", "numpy", "polars", "pyarrow"},
    "settings.py": {"varhouse.", "duckdb", "numpy", "polars", "pyarrow"},
    "numerics": {
        "duckdb", "polars", "pyarrow", "varhouse.ask", "varhouse.demo", "varhouse.ingest",
        "varhouse.report", "varhouse.runner", "varhouse.udf", "varhouse.warehouse",
    },
    "udf": {"varhouse.ask", "varhouse.demo", "varhouse.ingest", "varhouse.report",
            "varhouse.runner"},
    "runner": {"varhouse.ask", "varhouse.demo", "varhouse.ingest", "varhouse.numerics",
               "varhouse.report", "varhouse.udf"},
    "ingest": {"varhouse.ask", "varhouse.demo", "varhouse.report", "varhouse.runner",
               "varhouse.udf"},
    "plot": {"varhouse.demo", "varhouse.ingest", "varhouse.report", "varhouse.runner"},
    "report": {"varhouse.demo", "varhouse.ingest", "varhouse.runner"},
    "export": {"varhouse.ask", "varhouse.demo", "varhouse.ingest", "varhouse.report",
               "varhouse.runner"},
    "ask": {"varhouse.demo", "varhouse.ingest", "varhouse.report", "varhouse.runner"},
}  # fmt: skip
HEAVY = ("duckdb", "numpy", "polars", "matplotlib", "pyarrow", "scipy", "pandas", "sqlglot")


def imported_modules(path: Path) -> set[str]:
    """Return every module a file imports, inside functions too, type-checking imports aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import, line {node.lineno}"
            assert node.module is not None
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return modules


def files_of(layer: str) -> list[Path]:
    folder = PACKAGE / layer
    return [folder] if folder.is_file() else sorted(folder.rglob("*.py"))


def is_below(module: str, name: str) -> bool:
    if name.endswith("."):
        return module.startswith(name) and not module.startswith("varhouse.errors")
    return module == name or module.startswith(f"{name}.")


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_a_layer_imports_nothing_above_or_beside_it(layer: str) -> None:
    offences = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in files_of(layer)
        for module in sorted(imported_modules(path))
        for name in FORBIDDEN[layer]
        if is_below(module, name)
    ]
    assert offences == []


def test_only_the_command_line_imports_the_command_line() -> None:
    offences = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ("cli", "__main__.py")
        for module in sorted(imported_modules(path))
        if is_below(module, "varhouse.cli")
    ]
    assert offences == []


def test_only_the_command_line_prints() -> None:
    offences = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] != "cli"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert offences == []


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, timeout=60
    )


@pytest.mark.parametrize("module", ["varhouse", "varhouse.cli"])
def test_importing_stays_light(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(sys.modules))"
    loaded = {name.partition(".")[0] for name in run_python("-c", code).stdout.split()}
    assert loaded.isdisjoint(HEAVY), sorted(loaded.intersection(HEAVY))


def test_help_names_the_commands() -> None:
    shown = run_python("-m", "varhouse", "--help").stdout
    for command in ("load", "run", "build", "docs", "explain", "demo"):
        assert f"  {command} " in shown
