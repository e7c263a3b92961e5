"""docs/rvat.md, dbt_project.yml and the models name the same vars, tables and statuses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPO = Path(__file__).resolve().parents[3]
MODELS = sorted((REPO / "models").glob("*/rvat/*.sql"))


@pytest.fixture(scope="module")
def page() -> str:
    return (REPO / "docs" / "rvat.md").read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_var_that_the_models_read_is_documented_with_its_default(page: str) -> None:
    project: dict[str, Any] = yaml.safe_load((REPO / "dbt_project.yml").read_text("utf-8"))["vars"]
    texts = [path.read_text(encoding="utf-8") for path in MODELS]
    texts += [
        (REPO / "sql" / "macros" / name).read_text(encoding="utf-8")
        for name in ("rvat.sql", "rvat_options.sql")
    ]
    read = re.findall(r"\bvar(?:_\w+)?\(['\"](\w+)['\"]", "\n".join(texts))
    documented = {
        row["name"]: yaml.safe_load(row["default"])
        for row in re.finditer(r"^\| `(?P<name>\w+)` \| `(?P<default>[^`]+)` \|",
                               section(page, "Vars"), re.M)
    }  # fmt: skip
    assert documented == {name: project[name] for name in set(read)}


def test_every_model_is_documented(page: str) -> None:
    rows = [line for line in section(page, "Models").splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w*rvat_\w+)`", row.split("|")[1])}
    assert named == {path.stem for path in MODELS}


def test_every_status_of_a_test_is_documented(page: str) -> None:
    described = yaml.safe_load(
        (REPO / "models" / "results" / "rvat" / "_rvat_results.yml").read_text("utf-8")
    )
    columns = {
        column["name"]: column["description"]
        for model in described["models"] if model["name"] == "rvat_burden"
        for column in model["columns"]
    }  # fmt: skip
    documented = re.findall(r"^\| `(\w+)` \|", section(page, "Status"), re.M)
    named = set(re.findall(r"\b(ok|collinear|[a-z]+_[a-z_]+)\b", columns["status"]))
    assert set(documented) == named


def test_every_reason_to_leave_a_variant_out_is_documented(page: str) -> None:
    query = (REPO / "py/varhouse/ask/rare_variant_query.py").read_text(encoding="utf-8")
    given = set(re.findall(r"then '(\w+)'", query))
    assert given == set(
        re.findall(r"^\| `(\w+)` \|", section(page, "Which variants, and why"), re.M)
    )
