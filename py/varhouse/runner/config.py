"""Which configs exist, what they may be, and how project, yml and model settings add up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from varhouse.errors import ProjectError
from varhouse.runner.nodes import Location, suggest
from varhouse.runner.yml import Entry, LineDict, one_of, plain

MATERIALIZATIONS = ("table", "view", "ephemeral", "incremental")
_COMMON = ("tags", "enabled", "meta")
CONFIG_KEYS: dict[str, tuple[str, ...]] = {
    "models": (
        *_COMMON, "materialized", "unique_key", "incremental_strategy", "on_schema_change",
        "contract", "full_refresh",
    ),
    "seeds": (*_COMMON, "column_types", "delimiter", "quote_columns"),
    "data_tests": (*_COMMON, "severity", "where"),
    "unit_tests": _COMMON,
    "sources": _COMMON,
}  # fmt: skip
# What a selection by config sees where nothing is set, as in dbt; unit tests have no configs there.
CONFIG_SECTIONS = {
    "model": "models", "seed": "seeds", "test": "data_tests", "source": "sources",
}  # fmt: skip
CONFIG_DEFAULTS: dict[str, dict[str, Any]] = {
    "models": {
        "enabled": True, "materialized": "view", "on_schema_change": "ignore",
        "contract": {"enforced": False},
    },
    "seeds": {
        "enabled": True, "materialized": "seed", "delimiter": ",", "on_schema_change": "ignore",
        "contract": {"enforced": False},
    },
    "data_tests": {"enabled": True, "materialized": "test", "severity": "ERROR"},
    "sources": {"enabled": True},
}  # fmt: skip
REFUSED = {
    "pre_hook": "Hooks are not supported.",
    "post_hook": "Hooks are not supported.",
    "pre-hook": "Hooks are not supported.",
    "post-hook": "Hooks are not supported.",
    "on-run-start": "Hooks are not supported.",
    "on-run-end": "Hooks are not supported.",
    "snapshots": "Snapshots are not supported.",
    "snapshot-paths": "Snapshots are not supported.",
    "schema": "Every model goes to the schema main.",
    "database": "There is one database, the warehouse file.",
    "alias": "A model's table has the name of its file.",
    "versions": "Model versions are not supported.",
    "packages": "dbt packages are not available.",
    "exposures": "Exposures are not supported.",
    "metrics": "Metrics are not supported.",
    "semantic_models": "Semantic models are not supported.",
    "freshness": "Freshness checks are not supported.",
    "store_failures": "Failing rows are shown, not stored.",
    "limit": "Tests count every failing row.",
    "warn_if": "Use severity: warn.",
    "error_if": "Use severity: warn.",
    "fail_calc": "Tests count rows.",
    "constraints": "Use data tests, or contract: {enforced: true} for types.",
}


def check_config(config: Entry, section: str) -> None:
    """Refuse a config key or value outside the subset, with its line."""
    config.allow(*CONFIG_KEYS[section], refused=REFUSED)
    for key, value in config.value.items():
        check_value(key, value, config.at(key))


def check_value(key: str, value: Any, where: Location) -> None:
    """Refuse a config value outside the subset."""
    if isinstance(value, str) and "{{" in value:
        return
    if key == "materialized":
        one_of(value, MATERIALIZATIONS, where, "materialized")
    elif key == "incremental_strategy":
        one_of(value, ("append", "delete+insert", "merge"), where, "incremental_strategy")
    elif key == "on_schema_change":
        one_of(value, ("ignore", "fail"), where, "on_schema_change")
    elif key == "severity":
        one_of(str(value).lower(), ("error", "warn"), where, "severity")
    elif key in ("enabled", "full_refresh", "quote_columns") and not isinstance(value, bool):
        raise ProjectError(f"{where}: {key} is {value!r}, wanted true or false.")
    elif key in ("column_types", "meta", "contract") and not isinstance(value, Mapping):
        raise ProjectError(f"{where}: {key} is {value!r}, wanted a mapping.")
    elif key in ("tags", "unique_key"):
        values = value if isinstance(value, list | tuple) else [value]
        if not values or not all(isinstance(item, str) for item in values):
            raise ProjectError(f"{where}: {key} is {value!r}, wanted text or a list of it.")
    if key == "contract":
        unknown = set(value) - {"enforced"}
        if unknown:
            raise ProjectError(f"{where}: contract knows only 'enforced', found {min(unknown)!r}.")


def unsupported_config(key: str, known: tuple[str, ...], where: Location) -> ProjectError:
    """Return the error for a config that is none of the known ones, with a reason or a hint."""
    bare = key.removeprefix("+")
    reason = REFUSED.get(bare) or suggest(bare, known).strip()
    return ProjectError(f"{where}: the config '{key}' is not supported. {reason}".rstrip())


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return configs of which ``more`` is closer to the model: tags add up, the rest replaces."""
    result = dict(base)
    for key, value in more.items():
        if key == "tags":
            values = [value] if isinstance(value, str) else list(value)
            result["tags"] = [*result.get("tags", []), *values]
        elif key in ("meta", "column_types") and isinstance(result.get(key), Mapping):
            result[key] = {**result[key], **plain(value)}
        else:
            result[key] = plain(value)
    return result


class ConfigTree:
    """The ``models:`` or ``seeds:`` tree of ``dbt_project.yml``."""

    def __init__(self, tree: Entry, section: str) -> None:
        self._section = section
        self._used: set[tuple[str, ...]] = set()
        self._paths: dict[tuple[str, ...], Location] = {}
        self._settings: dict[tuple[str, ...], dict[str, Any]] = {}
        self._walk(tree.value, (), tree.path)

    def _walk(self, level: LineDict, path: tuple[str, ...], file: str) -> None:
        keys = CONFIG_KEYS[self._section]
        settings: dict[str, Any] = {}
        for key, value in level.items():
            where = Location(file, level.line_of(key))
            bare = key.removeprefix("+")
            if key.startswith("+") or (bare in keys and not isinstance(value, LineDict)):
                if bare not in keys:
                    raise unsupported_config(key, keys, where)
                check_value(bare, value, where)
                settings[bare] = plain(value)
            elif bare in REFUSED and not isinstance(value, LineDict):
                raise ProjectError(f"{where}: '{key}' is not supported. {REFUSED[bare]}")
            elif isinstance(value, LineDict):
                self._paths[(*path, key)] = where
                self._walk(value, (*path, key), file)
            else:
                raise ProjectError(
                    f"{where}: '{key}' is neither a folder (a mapping) nor a known config."
                    f"{suggest(key, keys)}"
                )
        if settings:
            self._settings[path] = settings

    def config_for(self, fqn: tuple[str, ...]) -> dict[str, Any]:
        """Return what the tree says about a node, outer folders first."""
        result: dict[str, Any] = {}
        for path in sorted(self._settings, key=len):
            if fqn[: len(path)] == path:
                self._used.add(path)
                result = merged(result, self._settings[path])
        return result

    def unused(self) -> list[str]:
        """Return a sentence for each configured folder that no node is in."""
        return [
            f"{self._paths[path]}: no {self._section[:-1]} is in {'/'.join(path[1:] or path)}; "
            "its configuration is not used."
            for path in self._settings
            if path and path not in self._used
        ]
