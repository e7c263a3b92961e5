"""Which associations of variants a figure shows: one study, and one trait of it."""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from varhouse.ask.names import query_column, query_rows
from varhouse.errors import DataError, UsageError


class Associations(NamedTuple):
    """Chosen rows of ``sumstats``.

    Attributes
    ----------
    query
        SQL with the columns of ``sumstats``; rows without position or p-value are left out, and
        those of other tests than ``ADD`` where the study has that.
    params
        What its ``$names`` stand for.
    label
        Study and trait in words.
    n_traits
        How many traits the rows are of.
    """

    query: str
    params: dict[str, str]
    label: str
    n_traits: int


def select_associations(
    con: duckdb.DuckDBPyConnection, study: str | None, trait: str | None = None
) -> Associations:
    """Find the associations of a study; without a name, of the only one.

    Parameters
    ----------
    con
        An open warehouse.
    study
        A ``study_id``.
    trait
        A ``trait_id`` of it, or a ``gene_id``; all of them when None.

    Raises
    ------
    UsageError
        Several studies are loaded and none is named.
    DataError
        No such study or trait, or none is loaded.
    """
    studies = query_column(con, "select distinct study_id from sumstats order by study_id")
    if not studies:
        raise DataError(
            "sumstats: no summary statistics are loaded. Try `varhouse load sumstats FILE`."
        )
    if study is None and len(studies) > 1:
        raise UsageError(f"study: several are loaded; name one: {', '.join(studies)}.")
    study = studies[0] if study is None else study
    if study not in studies:
        raise DataError(f"study {study!r}: is not loaded; there is {', '.join(studies)}.")
    query = (
        "select * from sumstats where study_id = $study and log10p is not null "
        "and chrom is not null and pos is not null"
    )
    params = {"study": study}
    if query_rows(con, f"select 1 from ({query} and test = 'ADD') limit 1", params):
        # other tests of a variant, such as those for dominance, are no further variants
        query += " and test = 'ADD'"
    if trait is not None:
        query += " and (trait_id = $trait or gene_id = $trait)"
        params["trait"] = trait
    ((n_traits,),) = query_rows(
        con, f"select count(distinct coalesce(trait_id, gene_id, '')) from ({query})", params
    )
    if n_traits == 0:
        raise DataError(
            f"study {study!r}: no row with a p-value and a position"
            + (f" for the trait {trait!r}." if trait is not None else ".")
        )
    label = study if trait is None else f"{study}, {trait}"
    return Associations(query, params, label, n_traits)
