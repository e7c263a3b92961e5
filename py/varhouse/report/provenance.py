"""What was loaded and what was run, as tables of the report."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import duckdb

from varhouse.ask.names import query_rows
from varhouse.report.cells import ReportTable, hide_small, query_report

_LOADS = """
select
    kind,
    parse_filename(file) as file,
    sha256,
    format,
    source_id as source,
    genome_build as build,
    n_read as read,
    n_loaded as loaded,
    n_rejected as rejected,
    varhouse_version as version,
    loaded_at
from load_manifest
order by load_id
"""
_ISSUES = """
select parse_filename(file) as file, code, message, sum(n) as n
from load_issues
group by all
order by n desc, file, code
limit 50
"""
# The run that last made each model; tests write rows of their own.
_MODELS = """
select
    split_part(node, '.', -1) as model,
    status,
    n_rows as "rows",
    seconds,
    left(fingerprint, 16) as fingerprint,
    run_id,
    varhouse_version as version,
    started_at
from run_results
where resource_type in ('model', 'seed')
qualify row_number() over (partition by node order by started_at desc, run_id desc) = 1
order by model
"""
_RUNS = """
select
    run_id,
    any_value(command) as command,
    count(*) filter (where resource_type in ('model', 'seed')) as models,
    count(*) filter (where status in ('success', 'pass')) as passed,
    count(*) filter (where status in ('error', 'fail')) as failed,
    sum(seconds) as seconds,
    any_value(varhouse_version) as version,
    min(started_at) as started_at
from run_results
group by run_id
order by min(started_at) desc, run_id
limit 10
"""


class Provenance(NamedTuple):
    """Files, runs and models behind what the warehouse says."""

    loads: ReportTable
    issues: ReportTable
    runs: ReportTable
    models: ReportTable
    vars: list[tuple[str, str]]


def read_provenance(con: duckdb.DuckDBPyConnection) -> Provenance:
    """Return the manifest of loads and runs; the vars are those of the last run.

    Donors that ``qc_donors`` lists are counted, not named.
    """
    return Provenance(
        query_report(con, _LOADS),
        query_report(con, _ISSUES),
        query_report(con, _RUNS),
        query_report(con, _MODELS),
        _last_vars(con),
    )


def _last_vars(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    rows = query_rows(
        con, "select vars_json from run_results order by started_at desc, run_id desc limit 1"
    )
    if not rows:
        return []
    found: dict[str, Any] = json.loads(rows[0][0])
    if isinstance(found.get("qc_donors"), list):
        found["qc_donors"] = f"{hide_small(len(found['qc_donors']))} donors, listed"
    return [
        (name, value if isinstance(value, str) else json.dumps(value, sort_keys=True))
        for name, value in sorted(found.items())
    ]
