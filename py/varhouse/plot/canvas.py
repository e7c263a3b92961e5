"""What all figures share: colours, fresh axes, the two lines above a figure, saving."""

from __future__ import annotations

import textwrap
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import duckdb

from varhouse.errors import UsageError
from varhouse.output import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from varhouse.connection import Warehouse

# Okabe & Ito (2008), "Color universal design": told apart by colour-blind eyes too.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9",
)  # fmt: skip
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, "#000000")
MARKERS = "osD^vPX"
GREY = "#7a7a7a"

SMALL = 8.5
_NAME_WIDTH, TITLE_WIDTH = 32, 72
_EDGE = 0.05
_DPI = 150
# Nothing in a file that changes from run to run: neither dates nor names of programs.
_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}


def connection(con: duckdb.DuckDBPyConnection | Warehouse) -> duckdb.DuckDBPyConnection:
    """Return the DuckDB connection of what a user hands over."""
    return con if isinstance(con, duckdb.DuckDBPyConnection) else con.con


def fresh_axes(width: float, height: float) -> Axes:
    """Return the axes of a new figure of this size in inches.

    Raises
    ------
    UsageError
        matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise UsageError(
            "matplotlib is not installed: pip install 'varhouse[viz]' draws figures."
        ) from error
    _, axes = pyplot.subplots(figsize=(width, height), layout="constrained")
    return axes


def look_of(place: int) -> tuple[str, str]:
    """Return colour and marker of a series; there are more series than colours."""
    return SERIES[place % len(SERIES)], MARKERS[place // len(SERIES) % len(MARKERS)]


def in_lines(name: str, width: int = _NAME_WIDTH) -> str:
    """Return a name as figures show it: in lines of some letters, a dollar as a dollar.

    Legends leave out what begins with ``_``, so a blank comes before that.
    """
    lines = textwrap.fill(name, width).replace("$", r"\$")
    return f" {lines}" if lines.startswith("_") else lines


def headline(axes: Any, title: str, note: str = "") -> None:
    """Write a title over the axes and, smaller and below it, what a reader has to know."""
    n_lines = note.count("\n") + 1 if note else 0
    lines = in_lines(title, TITLE_WIDTH)
    axes.set_title(lines, loc="left", fontsize=11, fontweight="bold", pad=6 + 12 * n_lines)
    if note:
        axes.annotate(
            note, xy=(0, 1), xycoords="axes fraction", xytext=(0, 5), textcoords="offset points",
            ha="left", va="bottom", fontsize=SMALL, color="#444444",
        )  # fmt: skip


def open_frame(axes: Any) -> None:
    """Leave only the left and the lower line of the frame."""
    axes.spines[["top", "right"]].set_visible(False)


def label_points(axes: Any, labels: list[tuple[float, float, str]]) -> None:
    """Write names at points, each a little above its point, unless they would overlap.

    Names come in the order of their importance; one that would cover an earlier one is left out.
    """
    figure = axes.figure
    figure.draw_without_rendering()
    taken: list[Any] = []
    left, right = axes.get_xlim()
    for x, y, text in labels:
        share = (x - left) / (right - left)
        # a name at an edge grows inwards
        side = "left" if share < _EDGE else "right" if share > 1 - _EDGE else "center"
        written = axes.annotate(
            in_lines(text), xy=(x, y), xytext=(0, 5), textcoords="offset points", ha=side,
            va="bottom", fontsize=8, fontstyle="italic",
        )  # fmt: skip
        box = written.get_window_extent().padded(1)
        if any(box.overlaps(other) for other in taken):
            written.remove()
        else:
            taken.append(box)


def save(axes: Axes, out: Path | BinaryIO, *, dpi: int = _DPI) -> None:
    """Write the figure of ``axes``, equal figures as equal bytes.

    Parameters
    ----------
    axes
        Whose figure.
    out
        A PNG, PDF or SVG file by its suffix, which appears when it is whole; or a stream for a PNG.
    dpi
        Pixels an inch.

    Raises
    ------
    UsageError
        The folder does not exist.
    DataError
        The file cannot be written.
    """
    if isinstance(out, Path):
        drawn = BytesIO()
        _draw(axes, drawn, out.suffix.lower(), dpi)
        with whole_file(out) as part:
            part.write_bytes(drawn.getvalue())
    else:
        _draw(axes, out, ".png", dpi)


def _draw(axes: Axes, out: BinaryIO, suffix: str, dpi: int) -> None:
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "varhouse"}):
        cast("Figure", axes.figure).savefig(
            out,
            format=suffix.removeprefix("."),
            dpi=dpi,
            bbox_inches="tight",
            metadata=cast("Any", _METADATA[suffix]),
        )


def close(axes: Axes) -> None:
    """Forget the figure of ``axes``, so that many can be drawn one after the other."""
    from matplotlib import pyplot

    pyplot.close(cast("Figure", axes.figure))
