"""Burdens of many variant sets: what their tests need of each, and all tests in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from varhouse.numerics.burden import BurdenTest, burden_test
from varhouse.numerics.null_model import LinearNull
from varhouse.numerics.set_columns import SetColumns

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


class SetBurdens(NamedTuple):
    """Sufficient statistics of a set's burdens b, by weight, aggregation and phenotype.

    Attributes
    ----------
    phenotypes
        Shape (t,).
    n_variants, n_carriers
        Shape (a,): of the variants that have the weight.
    size, variance
        Shape (a, g): b'b and b'Pb.
    score
        Shape (a, g, t): b'r.
    """

    phenotypes: Int
    n_variants: Int
    n_carriers: Int
    size: Float
    variance: Float
    score: Float


class BurdenRows(NamedTuple):
    """Results of `test_burdens`, one array a column; ``place`` numbers the sets."""

    place: Int
    weight: Int
    aggregation: npt.NDArray[np.str_]
    phenotype: Int
    n_variants: Int
    n_carriers: Int
    tests: BurdenTest


def burden_sizes(part: SetColumns, phenotypes: Int, aggregations: Sequence[str]) -> SetBurdens:
    """Return the sufficient statistics of a set's burdens."""
    used = ~np.isnan(part.weights)
    weights = np.where(used, part.weights, 0.0)
    n_variants = used.sum(axis=0)
    if used.all():
        n_carriers = np.full(n_variants.size, part.n_carriers(np.ones(len(used), dtype=bool)))
    else:
        n_carriers = np.array([part.n_carriers(column) for column in used.T], dtype=np.int64)
    size, variance = (np.empty((n_variants.size, len(aggregations))) for _ in range(2))
    score = np.empty((*size.shape, phenotypes.size))
    for g, aggregation in enumerate(aggregations):
        if aggregation == "max":
            burdens = np.column_stack(
                [part.largest(weight, mask) for weight, mask in zip(weights.T, used.T, strict=True)]
            )
            projected = part.null.basis.T @ burdens
            score[:, g] = burdens.T @ part.null.residuals[:, phenotypes]
        else:
            scaled = weights / np.maximum(n_variants, 1) if aggregation == "mean" else weights
            burdens = part.sums(scaled)
            projected = part.projections.T @ scaled
            score[:, g] = scaled.T @ part.scores[:, phenotypes]
        size[:, g] = np.einsum("ij,ij->j", burdens, burdens)
        variance[:, g] = size[:, g] - np.einsum("ij,ij->j", projected, projected)
    return SetBurdens(phenotypes, n_variants, n_carriers, size, variance, score)


def test_burdens(
    burdens: Sequence[SetBurdens], aggregations: Sequence[str], null: LinearNull
) -> BurdenRows:
    """Test every burden of every set.

    Returns
    -------
    BurdenRows
        Sets in the order given, each by weight, aggregation and phenotype.
    """
    if not burdens:
        nothing, texts = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.str_)
        empty = np.zeros(0)
        tests = burden_test(empty, empty, empty, empty, null.df)
        return BurdenRows(nothing, nothing, texts, nothing, nothing, nothing, tests)
    n_weights, n_aggregations = burdens[0].size.shape
    # of every set and weight; of every set, weight and aggregation
    n_phenotypes = np.array([each.phenotypes.size for each in burdens])
    by_weight = np.repeat(n_phenotypes * n_aggregations, n_weights)
    by_burden = np.repeat(n_phenotypes, n_weights * n_aggregations)
    n = len(burdens)
    phenotype = np.concatenate(
        [np.tile(each.phenotypes, n_weights * n_aggregations) for each in burdens]
    )
    tests = burden_test(
        np.concatenate([each.score.reshape(-1) for each in burdens]),
        np.repeat(np.concatenate([each.variance.reshape(-1) for each in burdens]), by_burden),
        np.repeat(np.concatenate([each.size.reshape(-1) for each in burdens]), by_burden),
        null.rss[phenotype],
        null.df,
    )
    return BurdenRows(
        np.repeat(np.arange(n), n_phenotypes * n_weights * n_aggregations),
        np.repeat(np.tile(np.arange(n_weights), n), by_weight),
        np.repeat(np.tile(np.array(aggregations, dtype=np.str_), n * n_weights), by_burden),
        phenotype,
        np.repeat(np.concatenate([each.n_variants for each in burdens]), by_weight),
        np.repeat(np.concatenate([each.n_carriers for each in burdens]), by_weight),
        tests,
    )


test_burdens.__test__ = False  # type: ignore[attr-defined]
