"""The command line, run in this process."""

from __future__ import annotations

import sys

import pytest

from varhouse.cli import main


def run_main(*words: str) -> int:
    """Run ``varhouse`` with these words; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["varhouse", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)
