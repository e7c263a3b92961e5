"""Burdens of many variant sets: what their tests need of each, and all tests in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from varhouse.numerics.burden import BurdenTest, burden_test
from varhouse.numerics.genotype_matrix import GenotypeMatrix
from varhouse.numerics.null_model import LinearNull
from varhouse.numerics.variant_set import VariantSet

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

_CARRIES = 0.5
# of the weights of sets that are summed at once
_CELLS = 1 << 21


class SetBurdens(NamedTuple):
    """Sufficient statistics of the burdens b of s sets, by weight and aggregation.

    Attributes
    ----------
    n_variants, n_carriers
        Shape (s, a): of the variants that have the weight.
    size, variance
        Shape (s, a, g): b'b and b'Pb.
    score
        Shape (a, g, t) for each set: b'r by phenotype.
    """

    n_variants: Int
    n_carriers: Int
    size: Float
    variance: Float
    score: list[Float]


class BurdenRows(NamedTuple):
    """Results of `test_burdens`, one array a column; ``place`` numbers the sets."""

    place: Int
    weight: Int
    aggregation: npt.NDArray[np.str_]
    phenotype: Int
    n_variants: Int
    n_carriers: Int
    tests: BurdenTest


def burden_sizes(
    genotypes: GenotypeMatrix,
    null: LinearNull,
    sets: Sequence[VariantSet],
    aggregations: Sequence[str],
) -> SetBurdens:
    """Return the sufficient statistics of the burdens of sets of variants that vary."""
    n, m = genotypes.matrix.shape
    a, g = sets[0].weights.shape[1], len(aggregations)
    dosages = genotypes.matrix.tocsr()
    carries = sparse.csr_array(
        ((dosages.data >= _CARRIES).astype(np.float64), dosages.indices, dosages.indptr),
        shape=dosages.shape,
    )
    missing = [np.isnan(each.weights) for each in sets]
    n_variants = np.array([len(each) - each.sum(axis=0) for each in missing], dtype=np.int64)
    n_carriers = np.empty((len(sets), a), dtype=np.int64)
    size, variance = np.empty((2, len(sets), a, g))
    score = [np.empty((a, g, each.phenotypes.size)) for each in sets]
    at_once = max(1, _CELLS // (max(n, m) * a))
    for start in range(0, len(sets), at_once):
        some = sets[start : start + at_once]
        here = slice(start, start + len(some))
        # a column for each set and weight
        weights = np.zeros((m, len(some), a))
        for place, (each, gaps) in enumerate(zip(some, missing[here], strict=True)):
            weights[each.variants, place] = np.where(gaps, 0.0, each.weights)
        n_carriers[here] = _carriers(carries, some, missing[here])
        sums = np.asarray(dosages @ weights.reshape(m, -1))
        for at, aggregation in enumerate(aggregations):
            if aggregation == "max":
                burdens = np.column_stack([_largest(genotypes, each) for each in some])
            elif aggregation == "mean":
                burdens = sums / np.maximum(n_variants[here], 1).reshape(-1)
            else:
                burdens = sums
            squares = np.einsum("ij,ij->j", burdens, burdens)
            projected = null.basis.T @ burdens
            size[here, :, at] = squares.reshape(-1, a)
            variance[here, :, at] = (squares - np.einsum("ij,ij->j", projected, projected)).reshape(
                -1, a
            )
            for place, each in enumerate(some):
                own = burdens[:, place * a : (place + 1) * a]
                score[start + place][:, at] = own.T @ null.residuals[:, each.phenotypes]
    return SetBurdens(n_variants, n_carriers, size, variance, score)


def _carriers(
    carries: sparse.csr_array, sets: Sequence[VariantSet], missing: Sequence[npt.NDArray[np.bool_]]
) -> Int:
    """Count the donors that carry a variant of each set that has the weight, shape (s, a)."""
    m, a = carries.shape[1], sets[0].weights.shape[1]
    has_all = not any(gaps.any() for gaps in missing)
    used = np.zeros((m, len(sets), 1 if has_all else a))
    for place, (each, gaps) in enumerate(zip(sets, missing, strict=True)):
        used[each.variants, place] = 1.0 if has_all else ~gaps
    carried = np.asarray(carries @ used.reshape(m, -1))
    counts = np.count_nonzero(carried, axis=0).reshape(len(sets), -1)
    return np.broadcast_to(counts, (len(sets), a))


def _largest(genotypes: GenotypeMatrix, each: VariantSet) -> Float:
    """Return each donor's largest weighted dosage over the used variants, zeros included."""
    chosen = genotypes.matrix[:, each.variants].tocsr()
    n_carried = np.diff(chosen.indptr)
    carriers = np.flatnonzero(n_carried)
    starts = chosen.indptr[carriers]
    found = np.zeros((n_carried.size, each.weights.shape[1]))
    for a, weight in enumerate(each.weights.T):
        gaps = np.isnan(weight)
        values = chosen.data * weight[chosen.indices]
        n_used = n_carried
        if gaps.any():
            values[gaps[chosen.indices]] = -np.inf
            n_used = np.bincount(
                np.repeat(np.arange(n_carried.size), n_carried)[~gaps[chosen.indices]],
                minlength=n_carried.size,
            )
        largest = np.maximum.reduceat(values, starts) if starts.size else values
        # who does not carry all of them has a zero
        has_zero = n_used[carriers] < max(np.count_nonzero(~gaps), 1)
        found[carriers, a] = np.where(has_zero, np.maximum(largest, 0.0), largest)
    return found


def test_burdens(
    sets: Sequence[VariantSet], burdens: SetBurdens, aggregations: Sequence[str], null: LinearNull
) -> BurdenRows:
    """Test every burden of every set.

    Returns
    -------
    BurdenRows
        Sets in the order given, each by weight, aggregation and phenotype.
    """
    n, n_weights, n_aggregations = burdens.size.shape
    # of every set and weight; of every set, weight and aggregation
    n_phenotypes = np.array([each.phenotypes.size for each in sets])
    by_weight = np.repeat(n_phenotypes * n_aggregations, n_weights)
    by_burden = np.repeat(n_phenotypes, n_weights * n_aggregations)
    phenotype = np.concatenate(
        [np.tile(each.phenotypes, n_weights * n_aggregations) for each in sets]
    )
    # fractions below half a copy alone make no carrier, and so no burden
    size = np.where(burdens.n_carriers[:, :, None] > 0, burdens.size, 0.0)
    tests = burden_test(
        np.concatenate([score.reshape(-1) for score in burdens.score]),
        np.repeat(burdens.variance.reshape(-1), by_burden),
        np.repeat(size.reshape(-1), by_burden),
        null.rss[phenotype],
        null.df,
    )
    return BurdenRows(
        np.repeat(np.arange(n), n_phenotypes * n_weights * n_aggregations),
        np.repeat(np.tile(np.arange(n_weights), n), by_weight),
        np.repeat(np.tile(np.array(aggregations, dtype=np.str_), n * n_weights), by_burden),
        phenotype,
        np.repeat(burdens.n_variants.reshape(-1), by_weight),
        np.repeat(burdens.n_carriers.reshape(-1), by_weight),
        tests,
    )


test_burdens.__test__ = False  # type: ignore[attr-defined]
