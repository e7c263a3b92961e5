"""The options that the last build of the scores used."""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from varhouse.ask.names import has_table, query_rows


class Profile(NamedTuple):
    """What distances were measured from and how far; ``None``: distance was off."""

    max_distance_bp: int | None
    tss: str


def read_profile(con: duckdb.DuckDBPyConnection) -> Profile | None:
    """Return the profile of the last build, or None before the first one."""
    if not (has_table(con, "v2g_profile") and has_table(con, "v2g_scores")):
        return None
    options = dict(query_rows(con, "select option, value from v2g_profile"))
    is_on = str(options.get("distance", "true")).lower() == "true"
    return Profile(int(options["max_distance"]) if is_on else None, str(options.get("tss", "gene")))


def tss_column(profile: Profile | None) -> str:
    """Return the expression over ``genes`` that distances of this profile are measured from."""
    if profile is not None and profile.tss == "canonical_transcript":
        return "coalesce(genes.canonical_tss_pos, genes.tss_pos)"
    return "genes.tss_pos"
