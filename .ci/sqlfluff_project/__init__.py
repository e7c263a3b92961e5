"""What the models' Jinja may call, for sqlfluff: dbt's functions and the macros of this project.

sqlfluff's own stand-ins know neither ``return`` nor the vars of dbt_project.yml, and the macros
use both. Everything at the top level of this module becomes a name in the templates.
"""

from __future__ import annotations

import os as _os
import re as _re
from collections.abc import Callable as _Callable
from pathlib import Path as _Path
from typing import Any as _Any

import jinja2 as _jinja2
import yaml as _yaml

_ROOT = _Path(__file__).resolve().parents[2]
# Macros are defined under another name, so that calls between them go through ours: only there
# does return() end the macro that called it.
_DEFINITION = _re.compile(r"({%-?\s*macro\s+)(\w+)")
_DEFINED = "defined_as_"
_PROJECT = _yaml.safe_load((_ROOT / "dbt_project.yml").read_text(encoding="utf-8"))


class _Returned(Exception):
    """Carries the value of ``return()`` out of a macro, as in dbt."""

    def __init__(self, value: _Any) -> None:
        self.value = value


class _Exceptions:
    def raise_compiler_error(self, message: str) -> str:
        raise ValueError(message)


def _return(value: _Any) -> str:
    raise _Returned(value)


def ref(*names: str) -> str:
    return names[-1]


def source(schema: str, table: str) -> str:
    return f"{schema}.{table}"


def var(name: str, default: _Any = None) -> _Any:
    return _PROJECT.get("vars", {}).get(name, default)


def config(**_options: _Any) -> str:
    return ""


def is_incremental() -> bool:
    return True


def env_var(name: str, default: str = "") -> str:
    return _os.environ.get(name, default)


this = "this_model"
target = {"name": "warehouse", "schema": "main", "type": "duckdb"}
exceptions = _Exceptions()


def _macros() -> dict[str, _Callable[..., _Any]]:
    environment = _jinja2.Environment(
        extensions=["jinja2.ext.do"], undefined=_jinja2.StrictUndefined
    )
    environment.globals.update(
        {name: value for name, value in globals().items() if not name.startswith("_")},
        **{"return": _return},
    )
    paths = sorted((_ROOT / "sql" / "macros").rglob("*.sql"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    defined: dict[str, _Callable[..., str]] = {}

    def callable_by(name: str) -> _Callable[..., _Any]:
        def call(*args: _Any, **kwargs: _Any) -> _Any:
            try:
                return defined[name](*args, **kwargs)
            except _Returned as returned:
                return returned.value

        return call

    names = [name for text in texts for _, name in _DEFINITION.findall(text)]
    found = {name: callable_by(name) for name in names}
    environment.globals.update(found)
    for text in texts:
        renamed = environment.from_string(_DEFINITION.sub(rf"\1{_DEFINED}\2", text))
        module = renamed.make_module()
        defined.update(
            {
                name: getattr(module, _DEFINED + name)
                for name in names
                if hasattr(module, _DEFINED + name)
            }
        )
    return found


globals().update(_macros())
