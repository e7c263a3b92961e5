"""docs/v2g.md and dbt_project.yml name the same options, defaults and profiles."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPO = Path(__file__).resolve().parents[3]
GENERATED = re.compile(r"(^|/)(reference/.+|benchmarks|changelog)\.md$")
ROW = re.compile(r"^\| `v2g_(?P<name>\w+)` \| `(?P<default>[^`]+)` \| (?P<values>[^|]+) \|", re.M)


@pytest.fixture(scope="module")
def project_vars() -> dict[str, Any]:
    text = (REPO / "dbt_project.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["vars"]
    return found


@pytest.fixture(scope="module")
def page() -> str:
    return (REPO / "docs" / "v2g.md").read_text(encoding="utf-8")


def test_every_option_and_default_is_documented(project_vars: dict[str, Any], page: str) -> None:
    documented = {row["name"]: yaml.safe_load(row["default"]) for row in ROW.finditer(page)}
    assert documented == project_vars["v2g_defaults"]


def test_every_value_that_a_profile_sets_is_documented(
    project_vars: dict[str, Any], page: str
) -> None:
    values = {row["name"]: row["values"] for row in ROW.finditer(page)}
    for profile in project_vars["v2g_profiles"].values():
        for option, value in profile.items():
            word = str(value).lower() if isinstance(value, bool) else str(value)
            assert f"`{word}`" in values[option]


def test_every_profile_is_named(project_vars: dict[str, Any], page: str) -> None:
    for profile in project_vars["v2g_profiles"]:
        assert f"`{profile}`" in page


def test_vars_outside_the_profile_are_named(project_vars: dict[str, Any], page: str) -> None:
    for name in project_vars:
        if name.startswith("v2g_") and name not in ("v2g_defaults", "v2g_profiles"):
            assert f"`{name}`" in page


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*(REPO / "docs").rglob("*.md"), REPO / "README.md"]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            # pages that only the site has are checked when it is built
            if not GENERATED.search(target):
                assert (page.parent / target).exists(), f"{page}: {target}"
