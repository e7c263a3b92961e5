"""A table of numbers as coloured cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_COLOURS = "cividis"  # even in lightness, and the same to colour-blind eyes
# Above this share of its range cividis is light enough for dark letters.
_DARK_LETTERS_FROM = 0.55


def draw_heat(
    axes: Any,
    values: NDArray[np.float64],
    letters: NDArray[np.object_],
    *,
    highest: float,
    label: str,
    fontsize: float,
) -> None:
    """Draw values from 0 to ``highest`` as cells with letters in them, and a bar of the colours.

    Parameters
    ----------
    axes
        To draw into.
    values
        Shape (n_rows, n_columns); a cell of NaN stays empty.
    letters
        The same shape.
    highest
        What has the lightest colour.
    label, fontsize
        Of the bar; of the letters.
    """
    axes.set_facecolor("#f2f2f2")
    image = axes.imshow(
        np.ma.masked_invalid(values), cmap=_COLOURS, vmin=0, vmax=highest, aspect="auto"
    )
    axes.tick_params(which="both", length=0)
    # white lines between the cells
    n_rows, n_columns = values.shape
    axes.set_xticks(np.arange(n_columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(n_rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            axes.text(
                column, row, letters[row, column], ha="center", va="center", fontsize=fontsize,
                color="black" if value >= _DARK_LETTERS_FROM * highest else "white",
            )  # fmt: skip
    axes.figure.colorbar(image, ax=axes, label=label, pad=0.02, fraction=0.04, aspect=25)
