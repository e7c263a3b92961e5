"""The options that the last build of the scores used."""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from varhouse.ask.names import has_table, query_rows


class Profile(NamedTuple):
    """What decides which rows link a variant and a gene.

    Attributes
    ----------
    max_distance_bp
        How far a TSS may be; ``None``: distance was off.
    tss
        Which TSS distances were measured from.
    keeps_zeros
        Whether an interval score of 0 is a score.
    spans_reference
        Whether a variant lies in an interval by any base of its reference allele.
    is_aliased
        Whether all QTL studies of a type are one source.
    is_referenced
        Whether scores were ranked by a frozen reference.
    """

    max_distance_bp: int | None
    tss: str
    keeps_zeros: bool
    spans_reference: bool
    is_aliased: bool
    is_referenced: bool


def read_profile(con: duckdb.DuckDBPyConnection) -> Profile | None:
    """Return the profile of the last build, or None before the first one."""
    if not (has_table(con, "v2g_profile") and has_table(con, "v2g_scores")):
        return None
    options = dict(query_rows(con, "select option, value from v2g_profile"))
    is_on = str(options.get("distance", "true")).lower() == "true"
    return Profile(
        int(options["max_distance"]) if is_on else None,
        str(options.get("tss", "gene")),
        options.get("interval_zero") != "drop",
        options.get("interval_join") == "ref_span",
        str(options.get("source_alias")).lower() == "true",
        bool(
            query_rows(
                con, "select 1 from (from v2g_scores limit 1) where reference_id <> 'dataset'"
            )
        ),
    )


def tss_column(profile: Profile | None) -> str:
    """Return the expression over ``genes`` that distances of this profile are measured from."""
    if profile is not None and profile.tss == "canonical_transcript":
        return "coalesce(genes.canonical_tss_pos, genes.tss_pos)"
    return "genes.tss_pos"
