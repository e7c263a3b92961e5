"""Hardy-Weinberg proportions for SQL."""

from __future__ import annotations

import pyarrow as pa

from varhouse.numerics import hwe


def hwe_test(n_hom_ref: pa.Array, n_het: pa.Array, n_hom_alt: pa.Array) -> pa.StructArray:
    """Return p_value, mid_p_value and log10p of each row, NULL where nobody was called.

    Raises
    ------
    ValueError
        A negative count.
    """
    found = hwe.hwe_test(*(each.to_numpy() for each in (n_hom_ref, n_het, n_hom_alt)))
    return pa.StructArray.from_arrays(
        [pa.array(each, from_pandas=True) for each in found], names=list(found._fields)
    )
