"""The Ensembl ids of the columns of an expression matrix."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from varhouse.errors import DataError
from varhouse.ingest.cells.tables import Table
from varhouse.ingest.format import Issue
from varhouse.ingest.genes.lookup import VERSIONED_GENE
from varhouse.ingest.pseudobulk.symbols import SYMBOL_GENES

_FEATURE_TYPES = "feature_types"
# As Cell Ranger calls them; genes are "Gene Expression".
_OTHER_FEATURES = (
    "Antibody Capture", "Antigen Capture", "CRISPR Guide Capture", "Custom",
    "Multiplexing Capture", "Peaks",
)  # fmt: skip


@dataclass(frozen=True)
class GeneIds:
    """The genes of a matrix.

    Attributes
    ----------
    ids
        Shape (n_columns,): sorted order is not implied; unversioned Ensembl ids, else symbols.
    kept
        Shape (n_columns,): False for a gene that stands in an earlier column already.
    issues
        Genes known by symbol only, and repeated ones.
    """

    ids: npt.NDArray[np.object_]
    kept: npt.NDArray[np.bool_]
    issues: tuple[Issue, ...]


def gene_ids(con: duckdb.DuckDBPyConnection, var: Table) -> GeneIds:
    """Return the id of every gene: from the index or the column that holds Ensembl ids.

    Genes that have a symbol only are looked up in ``raw.genes``; one that is not there, or there
    more than once, keeps its symbol for an id.

    Raises
    ------
    DataError
        The matrix has no genes, one without name, or other features than genes.
    """
    names = var.index()
    if names.size == 0:
        raise DataError(f"{var.path}: {var.name} lists no genes.")
    _refuse_other_features(var)
    ids = _ensembl_column(var, names)
    issues = []
    unnamed = np.flatnonzero(ids == "")
    if unnamed.size:
        raise DataError(f"{var.path}: gene {int(unnamed[0]) + 1} of {var.name} has no name.")
    by_symbol = np.array(
        [VERSIONED_GENE.fullmatch(name) is None for name in ids.tolist()], dtype=bool
    )
    if by_symbol.any():
        ids, unknown = _looked_up(con, ids, by_symbol)
        if unknown.size:
            issues.append(_issue("gene_symbol_kept", unknown, ids))
    first = np.zeros(ids.size, dtype=bool)
    first[np.unique(ids, return_index=True)[1]] = True
    if not first.all():
        issues.append(_issue("duplicate_gene", np.flatnonzero(~first), ids))
    return GeneIds(ids, first, tuple(issues))


def _refuse_other_features(var: Table) -> None:
    """Antibodies go by names of genes, and their counts would be part of every cell's total."""
    if _FEATURE_TYPES not in var.columns:
        return
    types = Counter(var.texts(_FEATURE_TYPES).tolist())
    others = [f"{n} of {name}" for name, n in sorted(types.items()) if name in _OTHER_FEATURES]
    if others:
        raise DataError(
            f"{var.path}: {var.name} has other features than genes ({', '.join(others)}); their "
            "counts would be part of the cells' totals. Write the file again with "
            f"adata[:, adata.var[{_FEATURE_TYPES!r}] == 'Gene Expression']."
        )


def columns_by_id(genes: GeneIds) -> npt.NDArray[np.int64]:
    """Return the columns of the kept genes, ordered by gene id."""
    order = np.argsort(genes.ids.astype(str), kind="stable")
    return order[genes.kept[order]]


def _ensembl_column(var: Table, index: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return the column with the most Ensembl ids; where it has none, the name in the index."""
    best, best_hits = index, np.zeros(index.size, dtype=bool)
    named = (
        var.texts(column)
        for column in var.columns
        if re.search("(?i)gene|ensembl|feature|id$", column) and var.numbers(column) is None
    )
    for values in (index, *named):
        matches = [VERSIONED_GENE.fullmatch(value) for value in values.tolist()]
        hits = np.array([match is not None for match in matches], dtype=bool)
        if hits.sum() > best_hits.sum():
            best = np.array(
                [match[1] + (match[2] or "") if match else "" for match in matches], dtype=object
            )
            best_hits = hits
    found: npt.NDArray[np.object_] = np.where(best_hits, best, index)
    return found


def _looked_up(
    con: duckdb.DuckDBPyConnection, ids: npt.NDArray[np.object_], by_symbol: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    known = dict(con.execute(f"select symbol, gene_id from {SYMBOL_GENES}").fetchall())
    columns = np.flatnonzero(by_symbol)
    is_unknown = np.array([name not in known for name in ids[columns]])
    found = ids.copy()
    found[columns] = [known.get(name, name) for name in ids[columns]]
    return found, columns[is_unknown]


def _issue(code: str, columns: npt.NDArray[np.int64], ids: npt.NDArray[np.object_]) -> Issue:
    return Issue(
        code=code,
        n=int(columns.size),
        example=f"gene_id={ids[columns[0]]}, gene {int(columns[0]) + 1} of the file",
        is_reject=False,
    )
