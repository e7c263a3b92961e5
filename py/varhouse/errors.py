"""The error family: what a user sees when something is wrong, and the exit code it means."""

from __future__ import annotations

import re

# What the database says where a disk is full, or a limit on the size of files is reached.
NO_ROOM = re.compile(r"Could not (?:write|truncate)|No space left|File too large|Disk quota")


class VarhouseError(Exception):
    """Base of every error that varhouse raises on purpose.

    The text is for the user: where, what was found, what was wanted, what to try.
    """

    exit_code: int = 1


class UsageError(VarhouseError):
    """A wrong command line or a project file that cannot be read (exit code 2)."""

    exit_code = 2


class ProjectError(UsageError):
    """A model, macro, seed or yml file outside the supported subset, with its file and line."""


class DataError(VarhouseError):
    """Input data that cannot be taken as it is (exit code 1); nothing was committed."""


class ModelError(VarhouseError):
    """A model or one of its tests failed (exit code 1); the table is as it was before."""


class WarehouseHeldError(VarhouseError):
    """The database file is held by another process (exit code 3)."""

    exit_code = 3
