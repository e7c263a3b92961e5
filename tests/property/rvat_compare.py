"""What the tables of the rare-variant tests say otherwise than their twin."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
from tests.property.rvat_profile_twin import Combined, Expected
from tests.property.rvat_twin_tests import Row


def close(found: float | None, wanted: float | None, rel: float, absolute: float = 0.0) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return math.isclose(found, wanted, rel_tol=rel, abs_tol=absolute)


def row_differences(found: Mapping[str, Any], wanted: Row, rel: float) -> Iterator[str]:
    for name in ("status", "n_variants", "n_carriers", "n_donors"):
        if found[name] != getattr(wanted, name):
            yield f"{name} is {found[name]}, wanted {getattr(wanted, name)}"
    if found["status"] != wanted.status:
        return
    absolute = 1e-9 if rel > 1e-9 else 0.0
    if not close(found["p_value"], wanted.p, rel, absolute):
        yield f"p_value is {found['p_value']}, wanted {wanted.p}"
    log10p = None if wanted.p is None else -math.log10(wanted.p) if wanted.p else math.inf
    if wanted.p != 0 and not close(found["log10p"], log10p, max(rel, 1e-9), 10 * rel):
        yield f"log10p is {found['log10p']}, wanted {log10p}"
    if wanted.rhos and found["rho"] not in wanted.rhos:
        yield f"rho is {found['rho']}, wanted one of {wanted.rhos}"
    for name, value in wanted.values.items():
        # effects near 0 lose digits where their p is near 1
        if not close(found[name], value, 1e-9, 1e-12):
            yield f"{name} is {found[name]}, wanted {value}"


def combined_differences(found: Mapping[str, Any], wanted: Combined, rel: float) -> Iterator[str]:
    for name in ("status", "n_tests"):
        if found[name] != getattr(wanted, name):
            yield f"{name} is {found[name]}, wanted {getattr(wanted, name)}"
    if not close(found["p_value"], wanted.p, rel, 1e-9 if rel > 1e-9 else 0.0):
        yield f"p_value is {found['p_value']}, wanted {wanted.p}"
    if "q_value" in found and not close(found["q_value"], wanted.q, 1e-5, 1e-9):
        yield f"q_value is {found['q_value']}, wanted {wanted.q}"
    if "best_test" in found and wanted.best and found["best_test"] not in wanted.best:
        yield f"best_test is {found['best_test']}, wanted one of {sorted(wanted.best)}"


KEYS = {
    "burden": ("cell_type", "gene_id", "weight", "aggregation", "mask", "max_maf"),
    "skat": ("cell_type", "gene_id", "test", "mask", "max_maf"),
    "acat": ("cell_type", "gene_id", "aggregation", "mask", "max_maf"),
    "omnibus": ("cell_type", "gene_id"),
}


def table_of(con: duckdb.DuckDBPyConnection, name: str) -> dict[tuple[str, ...], dict[str, Any]]:
    cursor = con.execute(f"from rvat_{name}")
    columns = [column[0] for column in cursor.description]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    found = {
        tuple(str(float(row[k])) if k == "max_maf" else row[k] for k in KEYS[name]): row
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def differences(con: duckdb.DuckDBPyConnection, expected: Expected) -> list[str]:
    told = []
    donors = {
        (cell_type, donor): status
        for cell_type, donor, status in con.execute(
            "select cell_type, donor_id, status from rvat_donors"
        ).fetchall()
    }
    if donors != expected.donors:
        told.append(f"rvat_donors: {sorted(donors.items() ^ expected.donors.items())[:6]}")
    for name in KEYS:
        found, wanted = table_of(con, name), getattr(expected, name)
        missing, more = wanted.keys() - found.keys(), found.keys() - wanted.keys()
        if missing or more:
            told.append(f"{name}: misses {sorted(missing)[:5]}, has {sorted(more)[:5]}")
        for key in sorted(wanted.keys() & found.keys()):
            rel = 1e-9 if name in ("burden", "acat") else 1e-6
            compare = row_differences if name in ("burden", "skat") else combined_differences
            told += [f"{name} {key}: {text}" for text in compare(found[key], wanted[key], rel)]
    return told
