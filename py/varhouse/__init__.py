"""varhouse: a genetics warehouse in one DuckDB file."""

from __future__ import annotations

from varhouse.blas import ask_for_one_thread

ask_for_one_thread()  # before numpy is imported

from typing import TYPE_CHECKING, Any  # noqa: E402

__version__ = "0.1.0"
__all__ = ["__version__", "connect", "register", "register_spark"]

if TYPE_CHECKING:
    from varhouse.connection import Warehouse, connect, register  # noqa: F401
    from varhouse.udf.spark import register_spark


def __getattr__(name: str) -> Any:
    """Import what is heavy only when asked for, so that importing stays fast."""
    if name in ("Warehouse", "connect", "register"):
        from varhouse import connection

        return getattr(connection, name)
    if name == "register_spark":
        from varhouse.udf.spark import register_spark

        return register_spark
    if name in ("numerics", "plot"):
        import importlib

        return importlib.import_module(f"varhouse.{name}")
    raise AttributeError(f"module 'varhouse' has no attribute {name!r}")
