"""SQL text that remembers which line of which file each part came from."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from varhouse.runner.nodes import Location


@dataclass(frozen=True)
class Segment:
    """A stretch of text: copied from the file line by line, or the output of one expression."""

    start: int
    path: str
    line: int
    copied: bool


@dataclass(frozen=True)
class MappedSql:
    """Rendered SQL with the places its parts came from.

    Parameters
    ----------
    text
        The SQL.
    segments
        Ordered by ``start``; each reaches to the next one.
    """

    text: str
    segments: tuple[Segment, ...]

    @classmethod
    def copied_from(cls, text: str, path: str, line: int = 1) -> MappedSql:
        """Return text that stands in the file as it is."""
        return cls(text, (Segment(0, path, line, True),))

    @classmethod
    def made_for(cls, text: str, where: Location) -> MappedSql:
        """Return text that stands in no file, made for what stands at this place."""
        return cls(text, (Segment(0, where.path, where.line, False),))

    def locate(self, offset: int) -> tuple[Location, bool]:
        """Return the place of a character, and whether it stands on that very line."""
        index = self._index(offset)
        part = self.segments[index]
        if part.copied:
            line = part.line + self.text.count("\n", part.start, offset)
            return Location(part.path, line), True
        # What one expression put on one line stands where the expression stands.
        end = self.segments[index + 1].start if index + 1 < len(self.segments) else None
        exact = "\n" not in self.text[part.start : end]
        return Location(part.path, part.line), exact

    def _index(self, offset: int) -> int:
        """Return which segment a character is in; what stands before all is in the first."""
        return max(0, bisect_right([part.start for part in self.segments], offset) - 1)

    def locate_line(self, line: int, column: int = 1) -> tuple[Location, bool]:
        """Return the place of a 1-based line and column of the rendered text."""
        offset = 0
        for _ in range(line - 1):
            newline = self.text.find("\n", offset)
            if newline < 0:
                break
            offset = newline + 1
        end = self.text.find("\n", offset)
        last = len(self.text) if end < 0 else end
        return self.locate(min(offset + column - 1, last))

    def slice(self, start: int, stop: int | None = None) -> MappedSql:
        """Return a part of the text that still knows where it came from."""
        text = self.text[start:stop]
        place, _ = self.locate(start)
        index = self._index(start)
        first = Segment(0, place.path, place.line, self.segments[index].copied)
        rest = tuple(
            Segment(part.start - start, part.path, part.line, part.copied)
            for part in self.segments[index + 1 :]
            if part.start - start < len(text)
        )
        return MappedSql(text, (first, *rest))

    def strip(self) -> MappedSql:
        """Return the text without white space at its ends."""
        text = self.text
        start = len(text) - len(text.lstrip())
        return self.slice(start, len(text.rstrip()) or None)


def join(parts: list[MappedSql | str]) -> MappedSql:
    """Concatenate; plain text between mapped parts belongs to the part before it."""
    text: list[str] = []
    segments: list[Segment] = []
    length = 0
    for part in parts:
        if isinstance(part, str):
            if segments:
                last = segments[-1]
                line = last.line
                if last.copied:
                    line += "".join(text).count("\n", last.start)
                segments.append(Segment(length, last.path, line, False))
            text.append(part)
            length += len(part)
            continue
        segments.extend(
            Segment(length + each.start, each.path, each.line, each.copied)
            for each in part.segments
        )
        text.append(part.text)
        length += len(part.text)
    if segments and segments[0].start > 0:
        first = segments[0]
        segments.insert(0, Segment(0, first.path, first.line, False))
    return MappedSql("".join(text), tuple(segments))
