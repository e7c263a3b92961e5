"""The strongest variant of a gene in SQL, with a p-value from permutations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from varhouse.numerics.null_model import covariate_basis
from varhouse.numerics.permutation import MIN_PERMUTATIONS, gene_rng, permutation_test
from varhouse.udf.buffers import structs
from varhouse.udf.set_lists import Refused, ready_set, rows_of_lists

_FIELDS = [
    ("variant", pa.int64()),
    ("nominal_p", pa.float64()),
    ("empirical_p", pa.float64()),
    ("p_value", pa.float64()),
    ("log10p", pa.float64()),
    ("n_independent", pa.float64()),
    ("n_variants", pa.int32()),
    ("n_donors", pa.int32()),
    ("status", pa.string()),
]


def best_variant_test(*columns: pa.Array) -> pa.Array:
    """Compare the smallest p-value of many variants with those of permuted phenotypes.

    Parameters
    ----------
    columns
        Lists as for `varhouse.udf.set_tests.burden_test` without weights, then the number of
        permutations and a text that seeds them.

    Returns
    -------
    pyarrow.Array
        Structs of variant, nominal_p, empirical_p, p_value (of the Beta law fitted to the
        permutations), log10p (-log10), n_independent (its second shape), n_variants, n_donors,
        status.
    """
    variants, donors, dosages, tested, phenotype, covariates, sizes, seeds = columns
    ones = pa.ListArray.from_arrays(
        pa.array(np.concatenate([[0], np.cumsum(variants.value_lengths().to_numpy())]), pa.int32()),
        pa.array(np.ones(len(variants.flatten()))),
    )
    rows: list[tuple[Any, ...]] = []
    lists = rows_of_lists((variants, donors, dosages, ones, tested, phenotype, covariates))
    for each, n_permutations, seed in zip(lists, sizes.to_pylist(), seeds.to_pylist(), strict=True):
        found = ready_set(each)
        nothing = (None,) * (len(_FIELDS) - 3)
        if isinstance(found, Refused):
            rows.append((*nothing, 0, found.n_donors, found.status))
            continue
        n_donors, n_variants = found.genotypes.shape
        if n_permutations < MIN_PERMUTATIONS:
            rows.append((*nothing, n_variants, n_donors, "too_few_permutations"))
            continue
        basis, _ = covariate_basis(found.covariates)
        test = permutation_test(
            found.genotypes,
            found.phenotype,
            basis,
            rng=gene_rng(0, seed),
            n_permutations=n_permutations,
        )
        rows.append(
            (
                int(found.variants[test.best]) if test.best >= 0 else None,
                test.nominal_p,
                test.empirical_p,
                test.beta_p,
                max(0.0, -float(np.log10(test.beta_p))) if test.beta_p > 0 else None,
                test.shape2,
                n_variants,
                n_donors,
                test.status,
            )
        )
    return structs(rows, _FIELDS)
