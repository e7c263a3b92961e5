"""Gives dbt's connection the SQL functions that the models call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.adapters.duckdb.plugins import BasePlugin

import varhouse

if TYPE_CHECKING:
    import duckdb


class Plugin(BasePlugin):
    """What dbt-duckdb looks for in a plugin's module."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Register the functions before anything runs."""
        varhouse.register(conn)
