"""YAML keeps the line of every key and item, whichever of PyYAML's parsers reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from varhouse.errors import ProjectError
from varhouse.runner import yml

TEXT = """\
# a comment before the first key
first: ä€😀
folded: >
  some words
  # not a comment

second:
    - item_a: 1
      item_b: {inner_c: [1,
        2], inner_d: x}

    - &anchor
      item_e: "two
        lines"
    - item_f
third:
  <<: {merged: 1}
  last: 001
"""


@pytest.fixture(params=["libyaml", "python"])
def loader(request: pytest.FixtureRequest) -> type[Any]:
    """Return the line loader on top of each parser."""
    if request.param == "libyaml" and not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    return yml.line_loader(yaml.CSafeLoader if request.param == "libyaml" else yaml.SafeLoader)


def lines_found(value: Any) -> dict[str, int]:
    """Return the line of each key and of each plain text item, at any depth."""
    if isinstance(value, yml.LineDict):
        found = dict(value.lines)
        for item in value.values():
            found |= lines_found(item)
        return found
    if isinstance(value, yml.LineList):
        found = {
            item: line
            for item, line in zip(value, value.lines, strict=True)
            if isinstance(item, str)
        }
        for item in value:
            found |= lines_found(item)
        return found
    return {}


def test_each_key_is_on_the_line_on_which_it_stands(loader: type[Any]) -> None:
    found = lines_found(yaml.load(TEXT, Loader=loader))
    names = ("first", "folded", "second", "item_a", "item_b", "inner_c", "inner_d", "item_e",
             "item_f", "third", "merged", "last")  # fmt: skip
    written = {
        name: number
        for number, line in enumerate(TEXT.splitlines(), 1)
        for name in names
        if f"{name}:" in line or f"- {name}" in line
    }
    assert found == written


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", "y.yml:3:", "'a' is given twice"),
        ("a: [1\nb: 2\n", "y.yml:2:", "not YAML"),
        ("a: 1\n\tb: 2\n", "y.yml:2:", "not YAML"),
        ("a: !!python/object:os.system x\n", "y.yml:1:", "not YAML"),
        ("- a\n", "y.yml:1:", "wanted a mapping"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str, where: str, what: str
) -> None:
    path = tmp_path / "y.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=f"^{where}.*{what}"):
        yml.read_yaml(path, "y.yml")
