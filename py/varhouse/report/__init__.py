"""One page about a warehouse: what was loaded and run, how good it is, what came out."""

from __future__ import annotations

from varhouse.report.page import write_report

__all__ = ["write_report"]
