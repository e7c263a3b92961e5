"""Sex and age of donors, read off their cells."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from varhouse.ingest.arrow_tables import seen_as
from varhouse.ingest.cells.groups import Groups
from varhouse.ingest.cells.tables import Table
from varhouse.ingest.donors.sex import SEX_COLUMNS, is_sex_told, is_sex_unreadable, sex_of
from varhouse.ingest.donors.store import spell_as_known, store_numbers, store_sexes
from varhouse.ingest.format import Issue

_AGE_COLUMNS = ("age", "age_years", "donor_age")


@dataclass(frozen=True)
class Trait:
    """A number about each donor: shape (n_donors,), NaN where unknown."""

    name: str
    values: npt.NDArray[np.float64]


def donor_traits(obs: Table, groups: Groups) -> tuple[list[Trait], list[Issue]]:
    """Read sex (1 male, 2 female) and age where all cells of every donor agree on them.

    Returns
    -------
    traits
        Those that are there.
    issues
        What was left out, with the number of donors whose cells disagree.
    """
    traits, issues = [], []
    for name, known, read in (("sex", SEX_COLUMNS, _sexes), ("age", _AGE_COLUMNS, _ages)):
        column = obs.first_of(known)
        if column is None:
            continue
        of_cell = read(obs, column)
        if of_cell is None:
            issues.append(_left_out(f"{name}_unclear", column, 1))
            continue
        if name == "sex" and (n_odd := _n_unreadable(obs, column, groups)):
            issues.append(_left_out("sex_unreadable", column, n_odd))
        values, n_varying = _of_donors(of_cell, groups)
        if n_varying:
            issues.append(_left_out("trait_varies", column, n_varying))
        elif not np.isnan(values).all():
            traits.append(Trait(name, values))
    return traits, issues


def store_traits(
    con: duckdb.DuckDBPyConnection, traits: list[Trait], groups: Groups, load_id: int
) -> list[Issue]:
    """Write what is known into ``raw.covariates`` and the sex into ``raw.donors``.

    What another file said of a donor before stays as it is.
    """
    names = groups.donor_of_cell.names
    rows = pa.table(
        {
            "donor_id": pa.array([name for _ in traits for name in names], pa.string()),
            "covariate": pa.array([trait.name for trait in traits for _ in names], pa.string()),
            "value": pa.array(
                np.concatenate([np.empty(0), *(trait.values for trait in traits)]),
                pa.float64(),
                from_pandas=True,
            ),
        }
    )
    with seen_as(con, "incoming_rows", rows):
        con.execute(
            "create or replace temp table donor_numbers as "
            "from incoming_rows where value is not null"
        )
    spell_as_known(con)
    ((n_differing,),) = con.execute("""
        delete from donor_numbers
        using raw.covariates as known
        where
            donor_numbers.donor_id = known.donor_id
            and donor_numbers.covariate = known.covariate
            and donor_numbers.value <> known.value
    """).fetchall()
    store_numbers(con, load_id)
    issues = store_sexes(con)
    con.execute("drop table temp.donor_numbers")
    if n_differing:
        issues.append(Issue(code="trait_differs", n=n_differing, is_reject=False))
    return issues


def _sexes(obs: Table, column: str) -> npt.NDArray[np.float64] | None:
    """Return 1, 2 or NaN for each cell; None for a coding that has a 0, or is not understood."""
    numbers = obs.numbers(column)
    if numbers is not None and (numbers % 1 > 0).any():
        return None
    labels = obs.labels(column)
    if "0" in labels.names or not is_sex_told(labels.names):
        return None
    meant = np.array([*(sex_of(name) or np.nan for name in labels.names), np.nan])
    found: npt.NDArray[np.float64] = meant[labels.codes]
    return found


def _n_unreadable(obs: Table, column: str, groups: Groups) -> int:
    """Return how many donors have cells of a sex that is not understood."""
    labels = obs.labels(column)
    odd = np.array([*map(is_sex_unreadable, labels.names), False])
    return np.unique(groups.donor_of_cell.codes[odd[labels.codes] & (groups.of_cell >= 0)]).size


def _ages(obs: Table, column: str) -> npt.NDArray[np.float64] | None:
    """Return a number for each cell, NaN where there is none; None for ages in words."""
    numbers = obs.numbers(column)
    if numbers is not None:
        return numbers
    labels = obs.labels(column)
    if any("_" in name for name in labels.names):
        # Python reads 1_0 as 10
        return None
    try:
        meant = np.array([*map(float, labels.names), np.nan])
    except ValueError:
        return None
    found: npt.NDArray[np.float64] = meant[labels.codes]
    return found


def _of_donors(
    of_cell: npt.NDArray[np.float64], groups: Groups
) -> tuple[npt.NDArray[np.float64], int]:
    donors = groups.donor_of_cell
    used = (donors.codes >= 0) & np.isfinite(of_cell)
    low = np.full(len(donors.names), np.inf)
    high = np.full(len(donors.names), -np.inf)
    np.minimum.at(low, donors.codes[used], of_cell[used])
    np.maximum.at(high, donors.codes[used], of_cell[used])
    return np.where(low == high, low, np.nan), int((low < high).sum())


def _left_out(code: str, column: str, n: int) -> Issue:
    return Issue(code=code, n=n, example=f"obs[{column!r}]", is_reject=False)
