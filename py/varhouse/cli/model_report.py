"""What a run says on stderr while it goes: a line a node, then one line in sum."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from varhouse.runner.outcome import BAD, NodeResult, RunOutcome
from varhouse.settings import Settings

_COLOURS = {"success": "green", "pass": "green", "warn": "yellow", "unchanged": "dim"}
_TESTS = ("test", "unit_test")


class _Handler(logging.Handler):
    def __init__(self, reporter: StderrReporter) -> None:
        super().__init__()
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        self._reporter.message(record.levelname.lower(), record.getMessage())


class StderrReporter:
    """Prints each finished node; tests that pass and what is unchanged only when verbose.

    Parameters
    ----------
    settings
        Quiet, verbose, JSON lines or text.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)

    def finished(self, result: NodeResult) -> None:
        """Print one node's line."""
        if self._settings.log_json:
            self._print_json(result)
            return
        if not self._wanted(result):
            return
        colour = _COLOURS.get(result.status, "red")
        rows = "" if result.rows is None else f"{result.rows:,} rows"
        if result.resource_type in _TESTS:
            rows = "" if not result.rows else f"{result.rows:,} failing"
        self._console.print(
            f"[{colour}]{result.status:<9}[/] {escape(result.name):<44} {rows:>16} "
            f"{result.seconds:8.2f} s",
        )
        if result.status in BAD or result.status == "warn":
            self._console.print(_indented(escape(result.message)))
        elif self._settings.verbosity > 0 and result.message:
            self._console.print(_indented(f"[dim]{escape(result.message)}[/]"))

    def _wanted(self, result: NodeResult) -> bool:
        if self._settings.verbosity < 0:
            return result.status in ("error", "fail")
        if self._settings.verbosity > 0 or result.status == "warn":
            return True
        if result.status == "skipped":
            return False  # named together at the end
        if result.status in BAD:
            return True
        return result.status == "success" or (
            result.resource_type == "unit_test" and result.status == "pass"
        )

    def _print_json(self, result: NodeResult) -> None:
        line = {
            "level": "error" if result.status in BAD else "info", "node": result.unique_id,
            "status": result.status, "rows": result.rows, "seconds": round(result.seconds, 4),
            "message": result.message,
        }  # fmt: skip
        self._console.print(json.dumps(line), markup=False)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Print what ``log(..., info=True)`` and ``exceptions.warn`` in templates say."""
        logger, handler = logging.getLogger("varhouse.runner"), _Handler(self)
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if self._settings.verbosity > 0 else logging.INFO)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)

    def message(self, level: str, text: str) -> None:
        """Print a message of a template, or what was noticed before the run."""
        if self._settings.log_json:
            self._console.print(json.dumps({"level": level, "message": text}), markup=False)
        elif self._settings.verbosity >= 0:
            colour = "yellow" if level == "warning" else "dim"
            self._console.print(f"[{colour}]{level:<9}[/] {escape(text)}")

    def summary(self, outcome: RunOutcome) -> None:
        """Print what was skipped, how many nodes ended how, and in what time."""
        if self._settings.verbosity < 0 or self._settings.log_json:
            return
        statuses = ("success", "unchanged", "pass", "warn", "fail", "error", "skipped")
        words = {"pass": "passed", "fail": "failed", "warn": "warned", "error": "in error"}
        counts = [
            f"{outcome.count(status):,} {words.get(status, status)}"
            for status in statuses
            if outcome.count(status)
        ]
        skipped = [
            each.name
            for each in outcome.results
            if each.status == "skipped" and each.resource_type not in _TESTS
        ]
        if skipped and self._settings.verbosity == 0:
            noun = "model needs" if len(skipped) == 1 else "models need"
            self._console.print(
                f"[red]skipped[/]   {len(skipped):,} {noun} what failed: {', '.join(skipped)}"
            )
        word = "[green]done[/]     " if outcome.ok else "[red]failed[/]   "
        self._console.print(
            f"{word} {', '.join(counts) or 'nothing to do'} in {outcome.seconds:.2f} s"
        )


def _indented(text: str) -> str:
    return "\n".join(f"          {line}" for line in text.splitlines())
