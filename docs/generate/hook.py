"""What mkdocs calls while it builds the site: pages made from the project are added here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import commands
import functions
import models
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

REPO = Path(__file__).resolve().parents[2]
# Pages whose home is elsewhere in the project.
ADOPTED = {"benchmarks.md": "benchmarks/README.md", "changelog.md": "CHANGELOG.md"}
_LINK_UP = re.compile(r"\]\((?:\.\./)+docs/")

_generated: dict[str, str] = {}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the generated pages and put the models into the navigation."""
    _generated.clear()
    _generated.update(functions.pages(REPO))
    _generated.update(commands.pages(REPO))
    for target, source in ADOPTED.items():
        text = (REPO / source).read_text(encoding="utf-8")
        _generated[target] = _LINK_UP.sub("](", text)
    of_models = models.pages(REPO)
    _generated.update(of_models)
    reference = [{"Models": [{models.title_of(path): path} for path in of_models]}]
    decisions = sorted(path.name for path in (REPO / "docs" / "decisions").glob("0*.md"))
    records = [{"Decisions": ["decisions/README.md", *(f"decisions/{name}" for name in decisions)]}]
    nav = config.nav or []
    for section, entries in (("Reference", reference), ("Project", records)):
        next(each[section] for each in nav if section in each).extend(entries)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those of the folder ``docs``."""
    for path, text in _generated.items():
        files.append(File.generated(config, path, content=text))
    return files
