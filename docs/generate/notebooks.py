"""Write a notebook as a page for reading: its words, its code, and what each cell shows.

``python docs/generate/notebooks.py v2g_of_a_lead`` in a folder that holds ``demo`` writes
``docs/notebooks/v2g_of_a_lead.md`` and its figures.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cookbook import table

REPO = Path(__file__).resolve().parents[2]
FOLDER = REPO / "docs" / "notebooks"
# notebooks that are written so; the cookbook's page has a form of its own
NAMES = ("v2g_of_a_lead", "rare_variants_in_cells")


class Cell(NamedTuple):
    """What a cell says: Markdown where it is nothing but words, else Python."""

    is_text: bool
    source: str


def cells(name: str) -> Iterator[Cell]:
    """Yield the cells of a notebook in their order, without what marimo adds."""
    text = (REPO / "notebooks" / f"{name}.py").read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            body = [each for each in node.body if not isinstance(each, ast.Return)]
            words = _words(body)
            if words is not None:
                yield Cell(True, words)
            else:
                lines = text.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
                yield Cell(False, textwrap.dedent("\n".join(lines)))


def page(name: str, shown: Sequence[str] | None = None) -> str:
    """Return the page; ``shown`` is what each cell shows as Markdown, None leaves it out."""
    sections = []
    for place, cell in enumerate(cells(name)):
        if cell.is_text:
            # a line of the source is not a line of the page
            sections += [" ".join(text.split()) for text in cell.source.split("\n\n")]
        else:
            sections.append(f"```python\n{cell.source}\n```")
            if shown is not None and shown[place]:
                sections.append(shown[place])
    # the title comes before the imports
    title = next(place for place, text in enumerate(sections) if text.startswith("# "))
    sections.insert(0, sections.pop(title))
    return "\n\n".join(sections) + "\n"


def run(name: str) -> list[str]:
    """Run a notebook; return what each cell shows, figures as files beside the page."""
    path = REPO / "notebooks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    outputs, _ = module.app.run()
    return [_markdown(output, f"{name}_{place}.png") for place, output in enumerate(outputs)]


def _words(body: list[ast.stmt]) -> str | None:
    """Return the text of a cell that is one ``mo.md`` of a constant."""
    last = body[-1]
    if len(body) == 1 and isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        call = last.value
        if ast.unparse(call.func) == "mo.md" and isinstance(call.args[0], ast.Constant):
            return textwrap.dedent(str(call.args[0].value)).strip()
    return None


def _markdown(output: Any, picture: str) -> str:
    if output is None:
        return ""
    if hasattr(output, "rows"):
        return table(output.rows())
    if hasattr(output, "get_figure"):
        from varhouse.plot.canvas import save

        FOLDER.mkdir(exist_ok=True)
        save(output, FOLDER / picture, dpi=90)
        return f"![What the cell draws]({picture})"
    # mo.md of a text that was computed; a bare value reads as code
    words = getattr(output, "text", None)
    return f"`{output}`" if words is None else _plain(words)


def _plain(html: str) -> str:
    """Return the words of what ``mo.md`` made."""
    from html.parser import HTMLParser

    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append  # type: ignore[method-assign]
    parser.feed(html)
    return "".join(found).strip()


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{wanted}.md").write_text(page(wanted, run(wanted)), encoding="utf-8")
