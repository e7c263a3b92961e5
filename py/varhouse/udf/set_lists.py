"""Variant sets as SQL has them, in lists that a GROUP BY makes, and as tests want them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from varhouse.numerics.genotype_matrix import genotype_matrix

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

_NO_KEY = np.iinfo(np.int64).min
_CARRIES = 0.5


class SetLists(NamedTuple):
    """The lists of one row: genotypes of a set, and the donors to test it in."""

    variants: Int
    donors: Int
    dosages: Float
    weights: Float
    tested_donors: Int
    phenotype: Float
    covariates: Float | None


class TestedSet(NamedTuple):
    """A set and its donors, who are complete and in the order of their keys.

    Attributes
    ----------
    variants
        Shape (m,): keys of the variants that vary among the donors and have a weight.
    genotypes
        Shape (n, m): dosages of the minor allele, missing ones imputed.
    weights
        Shape (m,): above 0.
    covariates
        Shape (n, k), the intercept first.
    phenotype
        Shape (n,).
    """

    variants: Int
    genotypes: Float
    weights: Float
    covariates: Float
    phenotype: Float

    @property
    def counts(self) -> tuple[int, int, int]:
        """Variants, carriers and donors."""
        n, m = self.genotypes.shape
        return m, int(np.sum((self.genotypes >= _CARRIES).any(axis=1))), n


class Refused(NamedTuple):
    """Why a row cannot be tested, and the donors it has."""

    status: str
    n_donors: int


TestedSet.__test__ = False  # type: ignore[attr-defined]


def rows_of_lists(columns: tuple[pa.Array, ...]) -> list[SetLists]:
    """Return the lists of each row; a NULL key is one that no donor or variant has."""
    *flat, covariates = columns
    return [
        SetLists(*each)
        for each in zip(*(_flat(column) for column in flat), _flat_lists(covariates), strict=True)
    ]


def _flat(column: pa.Array) -> list[npt.NDArray[Any]]:
    values = column.flatten()
    if pa.types.is_integer(values.type):
        numbers = values.fill_null(_NO_KEY).to_numpy(zero_copy_only=False)
    else:
        numbers = values.to_numpy(zero_copy_only=False).astype(np.float64)
    # list lengths, not offsets: a slice's offsets do not start at 0
    return np.split(numbers, np.cumsum(column.value_lengths().to_numpy())[:-1])


def _flat_lists(column: pa.Array) -> list[Float | None]:
    """Return each row's lists as a matrix, NULL ones as NaN; None where their lengths differ."""
    inner = column.flatten()
    cuts = np.cumsum(column.value_lengths().to_numpy())[:-1]
    known = np.split(inner.is_valid().to_numpy(zero_copy_only=False), cuts)
    lengths = np.split(inner.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), cuts)
    values = inner.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    parts = np.split(values, np.cumsum([each.sum() for each in lengths])[:-1])
    found: list[Float | None] = []
    for part, size, there in zip(parts, lengths, known, strict=True):
        widths = set(size[there].tolist())
        if len(widths) > 1:
            found.append(None)
            continue
        # of donors whose covariates are unknown, one column says so
        width = max(widths, default=0)
        matrix = np.full((size.size, width if there.all() else max(width, 1)), np.nan)
        matrix[there] = part.reshape(-1, width) if width else 0.0
        found.append(matrix)
    return found


def ready_set(lists: SetLists) -> TestedSet | Refused:
    """Match genotypes with donors, count minor alleles and impute missing calls."""
    known, phenotype, covariates = lists.tested_donors, lists.phenotype, lists.covariates
    lengths = {each.size for each in lists[:4]}
    if len(lengths) > 1 or covariates is None or {known.size} != {phenotype.size, len(covariates)}:
        return Refused("unequal_lists", 0)
    complete = np.isfinite(phenotype) & np.all(np.isfinite(covariates), axis=1)
    complete &= known != _NO_KEY
    ids, place = np.unique(known[complete], return_inverse=True)
    if ids.size < place.size:
        return Refused("duplicate_donor", 0)
    n = ids.size
    order = np.argsort(place)
    design = np.column_stack([np.ones(n), covariates[complete]])[order]
    if n <= design.shape[1] + 1:
        return Refused("too_few_donors", n)
    named = (lists.variants != _NO_KEY) & (lists.donors != _NO_KEY)
    variants, donors, dosages, weights = (each[named] for each in lists[:4])
    names, first, column = np.unique(variants, return_index=True, return_inverse=True)
    used = weights[first]
    status = _judge(column, donors, dosages, weights, used)
    if status != "ok":
        return Refused(status, n)
    where = np.searchsorted(ids, donors)
    inside = (where < n) & (ids[np.minimum(where, n - 1)] == donors)
    matrix = genotype_matrix(
        column, np.where(inside, where, -1), dosages, n_variants=names.size, n_donors=n
    )
    kept = np.flatnonzero(matrix.varies & (used > 0))
    return TestedSet(
        names[kept],
        matrix.matrix[:, kept].toarray(),
        used[kept],
        design,
        phenotype[complete][order],
    )


def _judge(column: Int, donors: Int, dosages: Float, weights: Float, used: Float) -> str:
    same = (weights == used[column]) | (np.isnan(weights) & np.isnan(used[column]))
    if not same.all() or np.any((used < 0) | np.isinf(used)):
        return "invalid_weight"
    if np.any((dosages < 0) | (dosages > 2)):
        return "invalid_dosage"
    _, carrier = np.unique(donors, return_inverse=True)
    keys = column * (1 + int(carrier.max(initial=0))) + carrier
    return "duplicate_genotype" if np.unique(keys).size < keys.size else "ok"
