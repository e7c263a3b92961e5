"""What a run tells: one result a node, the outcome of all, and who listens while it runs."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from varhouse.errors import VarhouseError

BAD = frozenset({"error", "fail", "skipped"})
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class NodeResult:
    """What became of one node.

    Parameters
    ----------
    status
        ``success`` or ``unchanged`` (models, seeds), ``pass``, ``warn`` or ``fail`` (tests),
        ``error`` (could not run), ``skipped`` (something it needs failed).
    rows
        Rows of the table; for a test the number of failing rows.
    message
        Why it ran, or what went wrong and where.
    """

    unique_id: str
    resource_type: str
    name: str
    status: str
    rows: int | None = None
    seconds: float = 0.0
    message: str = ""
    fingerprint: str | None = None
    started_at: datetime | None = None

    @property
    def bad(self) -> bool:
        """Whether this result fails the run."""
        return self.status in BAD


class Finding(NamedTuple):
    """How a test ended; ``rows`` fail it, None where it could not be told."""

    status: str
    rows: int | None
    message: str = ""


@dataclass
class RunOutcome:
    """The results of a run, in the order in which nodes finished."""

    run_id: str
    command: str
    results: list[NodeResult] = field(default_factory=list)
    seconds: float = 0.0
    compiled: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing failed and nothing was skipped."""
        return not any(result.bad for result in self.results)

    def count(self, status: str) -> int:
        """Return how many nodes ended with this status."""
        return sum(result.status == status for result in self.results)


def shown_row(names: Sequence[str], row: Sequence[Any]) -> str:
    """Return a row as ``column=value, ...`` for a message, long values cut."""
    return ", ".join(f"{name}={_shown(value)}" for name, value in zip(names, row, strict=True))


def _shown(value: Any) -> str:
    text = "NULL" if value is None else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


class Reporter(Protocol):
    """Hears of every node; the runner itself prints nothing."""

    def finished(self, result: NodeResult) -> None:
        """Hear what became of a node."""


class RunInterruptedError(VarhouseError):
    """SIGTERM ended the run; the node that was being built is as it was before."""

    exit_code = 128 + signal.SIGTERM

    def __init__(self) -> None:
        super().__init__("interrupted; the warehouse is as it was before the current step")
