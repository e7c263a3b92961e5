"""Figures inside a page: PNG as text."""

from __future__ import annotations

import base64
import importlib.util
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI = 110


class Figure(NamedTuple):
    """A drawn figure: what it shows, and its PNG in base64."""

    title: str
    png: str


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(title: str, make: Callable[[], Axes]) -> Figure | None:
    """Return what ``make`` draws; None without matplotlib."""
    if not can_draw():
        return None
    from varhouse.plot.canvas import close, save

    axes = make()
    stream = io.BytesIO()
    save(axes, stream, dpi=_DPI)
    close(axes)
    return Figure(title, base64.b64encode(stream.getvalue()).decode("ascii"))
