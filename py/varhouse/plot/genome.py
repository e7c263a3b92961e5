"""Chromosomes side by side on one axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from varhouse.plot.canvas import BLUE, SKY

ORDER = (*(str(number) for number in range(1, 23)), "X", "Y", "MT")
COLOURS = (BLUE, SKY)
# Of the whole axis: between neighbours, and the least that a name needs.
_GAP = 0.006
_ROOM_FOR_NAME = 0.018
# A single chromosome is shown on no less, or positions differ below the decimals of Mb.
_LEAST_BP = 1_000


class GenomeAxis:
    """Where each chromosome begins when they are laid side by side.

    Parameters
    ----------
    ends
        Chromosome -> last position that is to be shown, and before it the first:
        ``{"1": (first, last)}``. A single chromosome starts at its first position, several at 0.
    """

    def __init__(self, ends: Mapping[str, tuple[int, int]]) -> None:
        rank = {name: place for place, name in enumerate(ORDER)}
        self.names = sorted(ends, key=lambda name: (rank.get(name, len(rank)), name))
        self.is_single = len(self.names) == 1
        total = sum(last for _, last in ends.values())
        self._ends = dict(ends)
        self.starts: dict[str, float] = {}
        start = 0.0
        for name in self.names:
            self.starts[name] = start
            start += ends[name][1] + _GAP * total
        self.width = start

    def colour_of(self, chrom: str) -> str:
        """Return one of two colours, which change from neighbour to neighbour."""
        return COLOURS[self.names.index(chrom) % 2]

    def x(self, chrom: str, pos: float) -> float:
        """Return the place of a position on the axis."""
        return self.starts[chrom] + pos

    def draw(self, axes: Any) -> None:
        """Write the names of the chromosomes, or the positions on a single one, below the axes."""
        if self.is_single:
            (name,) = self.names
            first, last = self._ends[name]
            label_megabases(axes, name)
            margin = max(0.02 * (last - first), (_LEAST_BP - (last - first)) / 2)
            axes.set_xlim(first - margin, last + margin)
            return
        shown, taken_to = [], -1.0
        for name in self.names:
            middle = self.starts[name] + self._ends[name][1] / 2
            if middle - taken_to >= _ROOM_FOR_NAME * self.width:
                shown.append((middle, name))
                taken_to = middle
        axes.set_xticks([x for x, _ in shown], [name for _, name in shown])
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(-0.01 * self.width, 1.01 * self.width)
        axes.set_xlabel("chromosome")


def label_megabases(axes: Any, chrom: str) -> None:
    """Write positions of one chromosome in Mb below the axes."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    def megabases(x: float, _: int | None) -> str:
        shown = [f"{tick / 1e6:.6f}".rstrip("0") for tick in axes.get_xticks()]
        decimals = max(len(text.partition(".")[2]) for text in shown)
        return f"{x / 1e6:.{decimals}f}"

    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(megabases))
    axes.set_xlabel(f"position on chromosome {chrom} (Mb)")
