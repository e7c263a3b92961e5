"""``genotype_pcs`` and ``genotype_kinship``: population structure, from blocks of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from varhouse.numerics.structure import components, prune, relationship, standardise
from varhouse.udf import buffers

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

_BLOCK = 1_000


class _Relationship(NamedTuple):
    donors: Int
    matrix: Float


def genotype_pcs(
    inputs: pa.Array, options: pa.Array, *, cursor: Callable[[], duckdb.DuckDBPyConnection]
) -> pa.Array:
    """Return the leading components of every genotyped donor.

    Parameters
    ----------
    inputs
        Structs naming relations: ``calls`` (variant_idx, donor_idx, dosage), ``variants``
        (variant_idx, chrom, pos: those to use) and ``donors`` (donor_idx).
    options
        Structs of ``n_components``, ``max_r2`` and ``window_bp``.

    Returns
    -------
    pyarrow.Array
        Lists of structs of donor_idx, component (from 1) and value.
    """

    def rows(found: _Relationship, options: dict[str, Any]) -> pa.StructArray:
        vectors, _ = components(found.matrix, options["n_components"])
        n, k = vectors.shape
        return pa.StructArray.from_arrays(
            [
                pa.array(np.repeat(found.donors, k), pa.uint32()),
                pa.array(np.tile(np.arange(1, k + 1), n), pa.int32()),
                pa.array(vectors.reshape(-1)),
            ],
            names=["donor_idx", "component", "value"],
        )

    return _each(inputs, options, cursor, rows)


def genotype_kinship(
    inputs: pa.Array, options: pa.Array, *, cursor: Callable[[], duckdb.DuckDBPyConnection]
) -> pa.Array:
    """Return the relationship of every two donors, and of every donor with itself; see above.

    Returns
    -------
    pyarrow.Array
        Lists of structs of donor_idx, other_idx (not below donor_idx) and value.
    """

    def rows(found: _Relationship, options: dict[str, Any]) -> pa.StructArray:
        first, second = np.triu_indices(found.donors.size)
        return pa.StructArray.from_arrays(
            [
                pa.array(found.donors[first], pa.uint32()),
                pa.array(found.donors[second], pa.uint32()),
                pa.array(found.matrix[first, second]),
            ],
            names=["donor_idx", "other_idx", "value"],
        )

    return _each(inputs, options, cursor, rows)


def _each(
    inputs: pa.Array,
    options: pa.Array,
    cursor: Callable[[], duckdb.DuckDBPyConnection],
    rows: Callable[[_Relationship, dict[str, Any]], pa.StructArray],
) -> pa.Array:
    with cursor() as con:
        parts = [
            rows(_relationship(con, names, chosen), chosen)
            for names, chosen in zip(inputs.to_pylist(), options.to_pylist(), strict=True)
        ]
    offsets = np.cumsum([0, *(len(part) for part in parts)])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.concat_arrays(parts))


def _relationship(
    con: duckdb.DuckDBPyConnection, names: dict[str, str], options: dict[str, Any]
) -> _Relationship:
    donors = buffers.numbers(
        con.sql(f"select donor_idx from {names['donors']} order by donor_idx").to_arrow_table()[0]
    )
    total = np.zeros((donors.size, donors.size))
    n_variants = 0
    for z in _pruned_blocks(con, names, donors, options):
        total += z @ z.T
        n_variants += z.shape[1]
    return _Relationship(donors, relationship(total, n_variants))


def _pruned_blocks(
    con: duckdb.DuckDBPyConnection, names: dict[str, str], donors: Int, options: dict[str, Any]
) -> Iterator[Float]:
    """Yield z-scores of pruned variants; blocks are pruned on their own, as is every chromosome."""
    variants = con.sql(
        f"select variant_idx, chrom, pos from {names['variants']} order by variant_idx"
    ).to_arrow_table()
    indices, positions = buffers.numbers(variants["variant_idx"]), buffers.numbers(variants["pos"])
    chroms = np.array(variants["chrom"].to_pylist())
    place = buffers.places(donors)
    for chrom in dict.fromkeys(chroms.tolist()):
        here = np.flatnonzero(chroms == chrom)
        for start in range(0, here.size, _BLOCK):
            chosen = here[start : start + _BLOCK]
            dosages = _dosages(con, names["calls"], indices[chosen], place, donors.size)
            with np.errstate(invalid="ignore"):
                varies = np.nanstd(dosages, axis=0) > 0
            z = standardise(dosages[:, varies])
            kept = prune(
                z, positions[chosen][varies], max_r2=options["max_r2"],
                window_bp=options["window_bp"],
            )  # fmt: skip
            yield z[:, kept]


def _dosages(
    con: duckdb.DuckDBPyConnection, calls: str, variants: Int, place: Int, n_donors: int
) -> Float:
    table = con.sql(
        f"select variant_idx, donor_idx, dosage from {calls} where variant_idx between ? and ?",
        params=[int(variants[0]), int(variants[-1])],
    ).to_arrow_table()
    variant, donor, dosage = (buffers.numbers(column) for column in table.columns)
    at = buffers.places(variants - variants[0])[variant - variants[0]]
    row = np.where(donor < place.size, place[np.minimum(donor, place.size - 1)], -1)
    inside = (at >= 0) & (row >= 0)
    dosages = np.zeros((n_donors, variants.size))
    dosages[row[inside], at[inside]] = dosage[inside]
    return dosages
