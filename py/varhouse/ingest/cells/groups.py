"""Whose a cell is and of which type: the groups that cells are added up in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from varhouse.errors import DataError
from varhouse.ingest.cells.tables import Labels, Table
from varhouse.ingest.donors.register import DONOR_COLUMNS
from varhouse.ingest.format import Issue, LoadOptions
from varhouse.ingest.reading import shown_names

# Spelled as anndata files of the field spell them; the first that is there is taken.
CELL_TYPE_COLUMNS = (
    "cell_type", "cell_label", "celltype", "cell_types", "cell_type_label", "majority_voting",
    "predicted.celltype.l2", "predicted_celltype_l2", "predicted.celltype.l1", "annotation",
    "cell_type_ontology_term_id",
)  # fmt: skip

# What demultiplexers, and CELLxGENE for pools, write in place of a donor.
_NOBODY = (
    "ambiguous", "doublet", "multiplet", "negative", "pooled", "unassigned", "unknown",
)  # fmt: skip
# How decoupler and scanpy call the number of cells in a row, where rows are sums over cells.
_CELLS_ADDED_UP = ("psbulk_n_cells", "psbulk_cells", "n_obs_aggregated")

_PRIMARY = "is_primary_data"


@dataclass(frozen=True)
class Groups:
    """Cells by cell type and donor.

    Attributes
    ----------
    cell_types, donors
        Shape (n_groups,): of each group; groups are sorted by both.
    n_cells
        Shape (n_groups,): how many cells each has.
    of_cell
        Shape (n_cells of the file,): the cell's group, -1 for a cell that has none.
    donor_of_cell
        The donor of every cell that has a group.
    issues
        Cells without donor or type, and where these were read.
    """

    cell_types: tuple[str, ...]
    donors: tuple[str, ...]
    n_cells: npt.NDArray[np.int64]
    of_cell: npt.NDArray[np.int64]
    donor_of_cell: Labels
    issues: tuple[Issue, ...]


def group_cells(path: Path, obs: Table, options: LoadOptions, renamed: dict[str, str]) -> Groups:
    """Sort the cells of a file into groups.

    Parameters
    ----------
    renamed
        Donor ids as the file spells them, and as they should be.

    Raises
    ------
    DataError
        Nothing says whose the cells are or of which type, no cell has both, or the rows are no
        cells but sums of them.
    """
    _refuse_sums(path, obs)
    donor_column = _column(path, obs, options.donor_column, DONOR_COLUMNS, "donor")
    donors = _without_nobody(_renamed(obs.labels(donor_column), renamed))
    if options.feature is not None and options.cell_type_column is None:
        type_column = None
        types = Labels(np.zeros(obs.n_rows, dtype=np.int64), (options.feature,))
    else:
        type_column = _column(
            path, obs, options.cell_type_column, CELL_TYPE_COLUMNS, "cell type",
            "; --feature NAME says that all cells are of one type",
        )  # fmt: skip
        types = obs.labels(type_column)
    kept = (donors.codes >= 0) & (types.codes >= 0)
    if not kept.any():
        raise DataError(
            f"{path}: none of its {obs.n_rows} cells has both a donor (obs[{donor_column!r}]) and "
            f"a cell type ({'--feature' if type_column is None else f'obs[{type_column!r}]'})."
        )
    keys = types.codes[kept] * len(donors.names) + donors.codes[kept]
    distinct, found, n_cells = np.unique(keys, return_inverse=True, return_counts=True)
    of_cell = np.full(obs.n_rows, -1, dtype=np.int64)
    of_cell[kept] = found
    issues = [
        *_missing("donor_missing", donors.codes < 0),
        *_missing("cell_type_missing", (donors.codes >= 0) & (types.codes < 0)),
        *_repeated_elsewhere(obs, kept),
        *_maybe_sums(obs, n_cells),
    ]
    guessed = [
        f"{what} from obs[{column!r}]"
        for what, column, given in (
            ("donor", donor_column, options.donor_column),
            ("cell type", type_column, options.cell_type_column),
        )
        if column is not None and given is None
    ]
    if guessed:
        issues.append(
            Issue(code="columns_taken", message=", ".join(guessed), n=len(guessed), is_reject=False)
        )
    return Groups(
        cell_types=tuple(types.names[i] for i in (distinct // len(donors.names)).tolist()),
        donors=tuple(donors.names[i] for i in (distinct % len(donors.names)).tolist()),
        n_cells=n_cells.astype(np.int64),
        of_cell=of_cell,
        donor_of_cell=Labels(np.where(kept, donors.codes, -1), donors.names),
        issues=tuple(issues),
    )


def _column(
    path: Path,
    obs: Table,
    given: str | None,
    known: Sequence[str],
    what: str,
    instead: str = "",
) -> str:
    if given is not None:
        return given
    found = obs.first_of(known)
    if found is not None:
        return found
    raise DataError(
        f"{path}: no column of obs is known to hold the {what}; columns found: "
        f"{shown_names(obs.columns)}. "
        f"Name it with --{what.replace(' ', '-')}-column{instead}."
    )


def _renamed(donors: Labels, renamed: dict[str, str]) -> Labels:
    if not renamed:
        return donors
    names = [renamed.get(name, name) for name in donors.names]
    distinct, merged = np.unique(np.array(names, dtype=object), return_inverse=True)
    return Labels(np.append(merged, -1)[donors.codes], tuple(distinct.tolist()))


def _refuse_sums(path: Path, obs: Table) -> None:
    found = next((name for name in _CELLS_ADDED_UP if name in obs.columns), None)
    if found is not None:
        raise DataError(
            f"{path}: its rows are sums over cells, not cells: obs[{found!r}] says of how many. "
            "Load the file of the single cells, or the sums as a table with varhouse load "
            "pseudobulk."
        )


def _maybe_sums(obs: Table, n_rows: npt.NDArray[np.int64]) -> list[Issue]:
    """Tell of a file whose rows look like sums over cells, as our own exports are."""
    if "n_cells" not in obs.columns or n_rows.max() > 1:
        return []
    return [Issue(code="cells_maybe_sums", n=int(n_rows.sum()), is_reject=False)]


def _without_nobody(donors: Labels) -> Labels:
    """Take the donor off cells that a demultiplexer gives to nobody."""
    nobody = [name.lower() in _NOBODY for name in donors.names]
    return Labels(np.where(np.array([*nobody, True])[donors.codes], -1, donors.codes), donors.names)


def _repeated_elsewhere(obs: Table, kept: npt.NDArray[np.bool_]) -> list[Issue]:
    """Tell of cells that CELLxGENE has in another data set too, where others of the file are not.

    Where all are, the file has one data set, and no cell twice.
    """
    if _PRIMARY not in obs.columns:
        return []
    labels = obs.labels(_PRIMARY)
    is_true = [name.lower() in ("true", "1") for name in labels.names]
    primary = np.array([*is_true, False])[labels.codes]
    n = int((kept & ~primary).sum())
    if n == 0 or not (kept & primary).any():
        return []
    return [Issue(code="cells_not_primary", n=n, is_reject=False)]


def _missing(code: str, where: npt.NDArray[np.bool_]) -> list[Issue]:
    n = int(where.sum())
    if n == 0:
        return []
    first = int(np.argmax(where)) + 1
    return [Issue(line=first, code=code, n=n, is_reject=True)]
