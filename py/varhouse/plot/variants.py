"""The one variant that a figure is about."""

from __future__ import annotations

import duckdb

from varhouse.ask.names import find_variants, query_rows
from varhouse.errors import UsageError


def one_variant(con: duckdb.DuckDBPyConnection, text: str) -> str:
    """Return the id of the variant that ``text`` names.

    Raises
    ------
    UsageError
        An rsID of several alleles.
    DataError
        No such variant.
    """
    found = find_variants(con, text)
    if len(found) > 1:
        raise UsageError(f"{text}: has {len(found)} alleles; name one: {', '.join(found)}.")
    return found[0]


def rsid_of(con: duckdb.DuckDBPyConnection, variant_id: str) -> str | None:
    """Return the rsID of a variant, the first of several."""
    rows = query_rows(con, "select min(rsid) from variant_names where variant_id = ?", [variant_id])
    rsid: str | None = rows[0][0]
    return rsid


def variant_label(con: duckdb.DuckDBPyConnection, variant_id: str) -> str:
    """Return how a title names a variant: by rsID and id, or by id alone."""
    rsid = rsid_of(con, variant_id)
    return variant_id if rsid is None else f"{rsid} ({variant_id})"
