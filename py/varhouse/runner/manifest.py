"""``manifest.json``, ``run_results.json`` and compiled SQL in dbt's shape (a subset of it)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from varhouse import __version__
from varhouse.runner.checks import compile_check
from varhouse.runner.compile import Compiler
from varhouse.runner.graph import Graph
from varhouse.runner.nodes import Node
from varhouse.runner.outcome import NodeResult, RunOutcome
from varhouse.runner.project import Project

_MANIFEST_SCHEMA = "https://schemas.getdbt.com/dbt/manifest/v12.json"
_RESULTS_SCHEMA = "https://schemas.getdbt.com/dbt/run-results/v6.json"
# dbt calls a node that it did not have to build again a success.
_DBT_STATUS = {"unchanged": "success"}


def compile_project(project: Project) -> dict[str, str]:
    """Return the compiled SQL of every model and data test, as a first build would run it."""
    compiler = Compiler(project)
    compiled = {node.unique_id: compiler.compile(node).text for node in project.of_type("model")}
    compiled |= {
        node.unique_id: compile_check(project, compiler, node).text
        for node in project.of_type("test")
    }
    return compiled


def make_manifest(
    project: Project, graph: Graph, compiled: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the manifest: every node with its code, configuration and parents.

    Parameters
    ----------
    project, graph
        The project and its graph.
    compiled
        Compiled SQL by unique id; compiled here when None.
    """
    compiled = compile_project(project) if compiled is None else compiled
    parts: dict[str, dict[str, Any]] = {"nodes": {}, "sources": {}, "unit_tests": {}}
    for key, node in project.nodes.items():
        part = {"source": "sources", "unit_test": "unit_tests"}.get(node.resource_type, "nodes")
        parts[part][key] = _node_entry(project, node, compiled.get(key))
    return {
        "metadata": _metadata(_MANIFEST_SCHEMA, project.name),
        **parts,
        "docs": {},
        "macros": {
            f"macro.{project.name}.{macro.name}": {
                "unique_id": f"macro.{project.name}.{macro.name}",
                "name": macro.name,
                "original_file_path": macro.location.path,
            }
            for macro in project.renderer.macros.values()
        },
        "parent_map": {key: list(above) for key, above in graph.parents.items()},
        "child_map": {key: list(below) for key, below in graph.children.items()},
    }


def _metadata(schema: str, project_name: str) -> dict[str, Any]:
    return {
        "dbt_schema_version": schema,
        "generated_by": f"varhouse {__version__}",
        "generated_at": _utc(datetime.now(UTC)),
        "project_name": project_name,
        "adapter_type": "duckdb",
    }


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _node_entry(project: Project, node: Node, compiled: str | None) -> dict[str, Any]:
    path = node.location.path
    entry: dict[str, Any] = {
        "unique_id": node.unique_id,
        "resource_type": node.resource_type,
        "name": node.name,
        "package_name": project.name,
        "path": "/".join((*node.fqn[1:-1], path.rsplit("/", 1)[-1])),
        "original_file_path": path,
        "fqn": list(node.fqn),
        "config": {"enabled": True, **node.config, "materialized": node.materialized},
        "tags": list(node.tags),
        "description": node.description,
        "columns": {
            column.name: {
                "name": column.name,
                "description": column.description,
                "data_type": column.data_type,
            }
            for column in node.columns.values()
        },
        "depends_on": {"nodes": list(node.refs), "macros": []},
        "raw_code": node.raw_code,
        "compiled": compiled is not None,
        "compiled_code": compiled,
        "patch_path": None if node.patch is None else f"{project.name}://{node.patch.path}",
    }
    if node.relation is not None:
        entry |= {
            "schema": node.relation.schema,
            "alias": node.relation.identifier,
            "identifier": node.relation.identifier,
            "relation_name": str(node.relation),
        }
    if node.source_name is not None:
        entry["source_name"] = node.source_name
    if node.test is not None:
        entry["attached_node"] = node.attached
        entry["column_name"] = node.test.column
        entry["test_metadata"] = {
            "name": node.test.kind,
            "kwargs": {**node.test.arguments, "column_name": node.test.column},
            "namespace": None,
        }
    if node.unit is not None:
        entry["model"] = node.unit.model
    return entry


def make_run_results(
    project: Project, outcome: RunOutcome, args: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what ran, with status, time and rows of each node."""
    return {
        "metadata": {
            **_metadata(_RESULTS_SCHEMA, project.name), "invocation_id": outcome.run_id,
        },
        "args": {"which": outcome.command, **args},
        "elapsed_time": outcome.seconds,
        "results": [_result_entry(result, outcome) for result in outcome.results],
    }  # fmt: skip


def _result_entry(result: NodeResult, outcome: RunOutcome) -> dict[str, Any]:
    is_test = result.resource_type in ("test", "unit_test")
    status = _DBT_STATUS.get(result.status, result.status)
    if is_test and result.status == "unchanged":
        status = "pass"
    timing = []
    if result.started_at is not None:
        ended = result.started_at + timedelta(seconds=result.seconds)
        timing = [
            {
                "name": "execute",
                "started_at": _utc(result.started_at),
                "completed_at": _utc(ended),
            }
        ]
    return {
        "unique_id": result.unique_id,
        "status": status,
        "reused": result.status == "unchanged",
        "execution_time": result.seconds,
        "timing": timing,
        "thread_id": "",
        "message": result.message,
        "failures": result.rows if is_test else None,
        "adapter_response": {}
        if is_test or result.rows is None
        else {"rows_affected": result.rows},
        "compiled_code": outcome.compiled.get(result.unique_id),
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file so that a reader sees the old or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
    aside.replace(path)


def write_compiled(project: Project, compiled: Mapping[str, str], target: Path) -> int:
    """Write compiled SQL below ``target/compiled/<project>/``; return the number of files."""
    for unique_id, sql in compiled.items():
        node = project.nodes[unique_id]
        path = target / "compiled" / project.name / node.location.path
        if node.test is not None:
            # Several tests stand in one yml file; each gets a file of its own beside it.
            short = f"{node.name[:60]}.{unique_id.rsplit('.', 1)[-1]}.sql"
            path = path / short
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sql + "\n", encoding="utf-8")
    return len(compiled)
