"""A bar on a terminal, drawn from the lines in which a load says what it is doing."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from rich.console import Console

# "FILE: 12,000 variants, 45 % (3,000 a second)": what is counted; the share and the rate if told.
_COUNT = re.compile(r": ([\d,]+) ([a-z]+)")
_SHARE = re.compile(r", (\d+) ?%")
_RATE = re.compile(r" \(([\d,]+) a second\)")


@dataclass
class Step:
    """What is to be shown of the step that was told last.

    Attributes
    ----------
    text
        The line, without share and rate.
    percent
        How much is done; None where nothing says it.
    rate
        ``3,000 variants/s``; empty where nothing is counted.
    """

    text: str = ""
    percent: int | None = None
    rate: str = ""
    _first: tuple[float, int] | None = field(default=None, repr=False)

    def heed(self, line: str, now: float) -> None:
        """Take in a line; a rate that it does not tell is that since the first count."""
        share, rate, count = _SHARE.search(line), _RATE.search(line), _COUNT.search(line)
        self.percent = min(int(share[1]), 100) if share else None
        self.text = _RATE.sub("", _SHARE.sub("", line))
        self.rate = ""
        if count is None:
            self._first = None
            return
        done = int(count[1].replace(",", ""))
        if self._first is None or done < self._first[1]:
            self._first = (now, done)
        seconds, since = now - self._first[0], done - self._first[1]
        if rate:
            self.rate = f"{rate[1]} {count[2]}/s"
        elif seconds > 0 and since > 0:
            self.rate = f"{since / seconds:,.0f} {count[2]}/s"


@contextlib.contextmanager
def load_progress(console: Console) -> Iterator[Callable[[str], None]]:
    """Draw a bar while a load tells the function that is yielded what it is doing."""
    columns = (
        SpinnerColumn(),
        # a file may be called anything: its name is no markup
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeElapsedColumn(),
    )
    step = Step()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("loading", total=None, rate="")

        def show(line: str) -> None:
            step.heed(line, time.monotonic())
            progress.update(
                task,
                description=step.text,
                total=None if step.percent is None else 100,
                completed=step.percent or 0,
                rate=step.rate,
            )

        yield show
