"""``rvat_region``: every rare-variant test of one region and design, read from the models' tables.

A region's genotypes are read as one Arrow scan and shared by its genes and cell types; as arguments
of a function they would have to be gathered into lists first, which DuckDB does for all regions at
once and in memory (docs/decisions/0008).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from varhouse.numerics.genotype_matrix import GenotypeMatrix, genotype_matrix
from varhouse.numerics.null_model import covariate_basis, fit_residuals
from varhouse.numerics.ranks import Ties, inverse_normal
from varhouse.numerics.region import TestPlan, TestRow, VariantSet, test_region

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


class _Design(NamedTuple):
    """Donors and covariates of a design, ready for any phenotype."""

    n_donors: int
    place: Int
    basis: Float
    dropped: tuple[int, ...]


class _Phenotype(NamedTuple):
    gene: int
    cell_type: int
    values: Float | None


def rvat_region(
    regions: pa.Array,
    designs: pa.Array,
    inputs: pa.Array,
    options: pa.Array,
    *,
    cursor: Callable[[], duckdb.DuckDBPyConnection],
) -> pa.Array:
    """Test the variant sets of regions under designs.

    Parameters
    ----------
    regions, designs
        ``region_idx`` and ``design_idx``, one pair a row.
    inputs
        Structs naming the relations, of `varhouse.udf.rvat_types.INPUTS`.
    options
        Structs of `varhouse.udf.rvat_types.OPTIONS`.
    cursor
        Opens a connection to the database that holds the relations.

    Returns
    -------
    pyarrow.Array
        For each row a list of `varhouse.udf.rvat_types.ROWS`, p-values as natural logarithms;
        what a test does not have is NULL.
    """
    with cursor() as con:
        found = [
            _test(con, region, design, names, chosen)
            for region, design, names, chosen in zip(
                regions.to_pylist(), designs.to_pylist(), inputs.to_pylist(), options.to_pylist(),
                strict=True,
            )
        ]  # fmt: skip
    lengths = np.cumsum([0, *(table.num_rows for table in found)])
    joined = pa.concat_tables(found).combine_chunks()
    rows = joined.to_struct_array()
    flat = rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
    return pa.ListArray.from_arrays(pa.array(lengths, pa.int32()), flat)


def _test(
    con: duckdb.DuckDBPyConnection, region: int, design: int, names: dict[str, str],
    options: dict[str, Any],
) -> pa.Table:  # fmt: skip
    ready = _design(con, design, names)
    phenotypes = _phenotypes(con, region, design, names, ready, options)
    pairs = _read(
        con,
        f"select gene_idx, variant_idx, weights, in_sets from {names['pairs']} "
        "where region_idx = ? and design_idx = ? order by gene_idx, variant_idx",
        [region, design],
    )
    rows, testable = _judge(phenotypes, ready)
    if pairs.num_rows == 0 or not testable:
        return _table(rows)
    genes = _numpy(pairs["gene_idx"])
    variants = _numpy(pairs["variant_idx"])
    weights = _matrix(pairs["weights"], np.float64)
    in_sets = _matrix(pairs["in_sets"], np.bool_)
    known, place = np.unique(variants, return_inverse=True)
    matrix = _genotypes(con, design, names, known, ready, options)
    shape = options["kernel_maf_beta"]
    plan = TestPlan(
        aggregations=options["aggregations"],
        kernel_weights=options["kernel_weights"],
        kernel_power=options["kernel_power"],
        kernel_maf_beta=None if shape is None else (shape[0], shape[1]),
        skat="skat" in options["tests"],
        skat_o="skat_o" in options["tests"],
        acat_v="acat_v" in options["tests"],
        finite_sample=options["finite_sample"],
    )
    for block in _blocks(genes, testable, options["sets_per_block"]):
        rows += _test_block(block, place, weights, in_sets, matrix, ready, plan)
    return _table(rows)


def _design(con: duckdb.DuckDBPyConnection, design: int, names: dict[str, str]) -> _Design:
    donors = _numpy(
        _read(
            con,
            f"select donor_idx from {names['donors']} where design_idx = ? order by donor_idx",
            [design],
        )["donor_idx"]
    )
    place = np.full(int(donors.max()) + 1, -1)
    place[donors] = np.arange(donors.size)
    table = _read(
        con,
        f"select donor_idx, covariate_idx, value from {names['covariates']} "
        f"where donor_idx in (select donor_idx from {names['donors']} where design_idx = ?)",
        [design],
    )
    columns = _numpy(table["covariate_idx"])
    covariates = np.ones((donors.size, 1 + (int(columns.max()) + 1 if columns.size else 0)))
    covariates[place[_numpy(table["donor_idx"])], 1 + columns] = _numpy(table["value"])
    basis, dropped = covariate_basis(covariates)
    return _Design(donors.size, place, basis, dropped)


def _phenotypes(
    con: duckdb.DuckDBPyConnection, region: int, design: int, names: dict[str, str],
    ready: _Design, options: dict[str, Any],
) -> dict[int, list[_Phenotype]]:  # fmt: skip
    """Return the transformed expression by gene and cell type; None where a donor's is missing."""
    table = _read(
        con,
        "select gene_idx, cell_type_idx, seed_name, donors, expression, has_zeros "
        f"from {names['phenotypes']} where region_idx = ? and design_idx = ? "
        "order by gene_idx, cell_type_idx",
        [region, design],
    )
    genes, cell_types = _numpy(table["gene_idx"]), _numpy(table["cell_type_idx"])
    has_zeros = table["has_zeros"].to_pylist()
    seed_names = table["seed_name"].to_pylist()
    donors, starts = _flat(table["donors"])
    values, _ = _flat(table["expression"])
    found: dict[int, list[_Phenotype]] = {}
    for row, (gene, cell_type) in enumerate(zip(genes.tolist(), cell_types.tolist(), strict=True)):
        part = slice(starts[row], starts[row + 1])
        expression = np.full(ready.n_donors, 0.0 if has_zeros[row] else np.nan)
        tested = donors[part] < ready.place.size
        place = ready.place[donors[part][tested]]
        expression[place[place >= 0]] = values[part][tested][place >= 0]
        if options["jitter_seed"] is not None:
            name = zlib.crc32(seed_names[row].encode())
            rng = np.random.default_rng([options["jitter_seed"], name])
            expression = expression + 1e-5 * rng.standard_normal(ready.n_donors)
        ties: Ties = options["ties"]
        known = np.all(np.isfinite(expression))
        found.setdefault(gene, []).append(
            _Phenotype(gene, cell_type, inverse_normal(expression, ties=ties) if known else None)
        )
    return found


def _judge(
    phenotypes: dict[int, list[_Phenotype]], ready: _Design
) -> tuple[list[tuple[Any, ...]], dict[int, list[_Phenotype]]]:
    """Return rows for what no variants could make testable, and the phenotypes that are left."""
    is_small = ready.n_donors - ready.basis.shape[1] < 2
    rows: list[tuple[Any, ...]] = []
    testable: dict[int, list[_Phenotype]] = {}
    for gene, each_cell_type in phenotypes.items():
        for each in each_cell_type:
            if is_small:
                rows.append(_untested(each, "too_few_donors"))
            elif each.values is None:
                rows.append(_untested(each, "missing_expression"))
            else:
                testable.setdefault(gene, []).append(each)
    return rows, testable


def _genotypes(
    con: duckdb.DuckDBPyConnection, design: int, names: dict[str, str], known: Int,
    ready: _Design, options: dict[str, Any],
) -> GenotypeMatrix:  # fmt: skip
    """Read the entries of the region's variants, which are sorted, and of the design's donors."""
    table = _read(
        con,
        f"select variant_idx, donor_idx, dosage from {names['rare']} "
        "where variant_idx between ? and ?",
        [int(known[0]), int(known[-1])],
    )
    parts = [_columns(table)]
    common = _read(
        con,
        f"select variant_idx from {names['variants']} where design_idx = ? and is_common "
        "and variant_idx between ? and ?",
        [design, int(known[0]), int(known[-1])],
    )
    if common.num_rows:
        con.register("rvat_common", common)
        table = _read(
            con,
            f"select calls.variant_idx, calls.donor_idx, calls.dosage from {names['common']} "
            "as calls semi join rvat_common on calls.variant_idx = rvat_common.variant_idx "
            "where calls.variant_idx between ? and ?",
            [int(known[0]), int(known[-1])],
        )
        con.unregister("rvat_common")
        parts.append(_columns(table))
    variant, donor, dosage = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    where = np.full(int(known[-1]) - int(known[0]) + 1, -1)
    where[known - known[0]] = np.arange(known.size)
    column = where[variant - known[0]]
    inside = (column >= 0) & (donor < ready.place.size)
    return genotype_matrix(
        column[inside],
        ready.place[donor[inside]],
        dosage[inside],
        n_variants=known.size,
        n_donors=ready.n_donors,
        fold=options["fold"],
        missing_calls=options["missing_calls"],
    )


def _columns(calls: pa.Table) -> tuple[Any, Any, Any]:
    return tuple(_numpy(calls[name]) for name in ("variant_idx", "donor_idx", "dosage"))


class _Block(NamedTuple):
    """Genes that are worked on together: rows of their pairs, and their phenotypes."""

    rows: list[tuple[int, slice]]
    phenotypes: list[_Phenotype]


def _blocks(genes: Int, phenotypes: dict[int, list[_Phenotype]], size: int) -> Iterator[_Block]:
    """Cut the pairs, sorted by gene, into blocks of genes that have phenotypes."""
    names, starts = np.unique(genes, return_index=True)
    ends = np.append(starts[1:], genes.size)
    spans = [
        (int(gene), slice(int(low), int(high)))
        for gene, low, high in zip(names, starts, ends, strict=True)
        if int(gene) in phenotypes
    ]
    for start in range(0, len(spans), size):
        rows = spans[start : start + size]
        yield _Block(rows, [each for gene, _ in rows for each in phenotypes[gene]])


def _test_block(
    block: _Block, place: Int, weights: Float, in_sets: npt.NDArray[np.bool_],
    matrix: GenotypeMatrix, ready: _Design, plan: TestPlan,
) -> list[tuple[Any, ...]]:  # fmt: skip
    known = block.phenotypes
    values = [each.values for each in known if each.values is not None]
    null = fit_residuals(ready.basis, ready.dropped, np.column_stack(values))
    used = np.unique(np.concatenate([place[span] for _, span in block.rows]))
    part = matrix.select(used)
    sets, keys = [], []
    for gene, span in block.rows:
        places = np.searchsorted(used, place[span])
        here = np.flatnonzero([each.gene == gene for each in known])
        for set_idx in range(in_sets.shape[1]):
            chosen = in_sets[span, set_idx]
            if chosen.any():
                sets.append(
                    VariantSet(
                        variants=places[chosen], weights=weights[span][chosen], phenotypes=here
                    )
                )
                keys.append(set_idx)
    return [
        _named(row, known[row.phenotype], keys[row.place], ready.n_donors)
        for row in test_region(part, null, sets, plan)
    ]


def _named(row: TestRow, phenotype: _Phenotype, set_idx: int, n_donors: int) -> tuple[Any, ...]:
    return (
        phenotype.cell_type, phenotype.gene, set_idx, row.test, row.weight, row.aggregation,
        row.n_variants, row.n_carriers, n_donors, row.statistic, row.beta, row.se, row.log_p,
        row.lrt, row.lrt_log_p, row.error, row.detail, row.status,
    )  # fmt: skip


def _untested(phenotype: _Phenotype, status: str) -> tuple[Any, ...]:
    nothing = (None,) * (len(_FIELDS) - 3)
    return (phenotype.cell_type, phenotype.gene, *nothing, status)


_FIELDS = (
    ("cell_type_idx", pa.int32()), ("gene_idx", pa.int32()), ("set_idx", pa.int32()),
    ("test", pa.string()), ("weight_idx", pa.int32()), ("aggregation", pa.string()),
    ("n_variants", pa.int32()), ("n_carriers", pa.int32()), ("n_donors", pa.int32()),
    ("statistic", pa.float64()), ("beta", pa.float64()), ("se", pa.float64()),
    ("log_p", pa.float64()), ("lrt", pa.float64()), ("lrt_log_p", pa.float64()),
    ("error", pa.float64()), ("detail", pa.float64()), ("status", pa.string()),
)  # fmt: skip


def _table(rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(_FIELDS)
    return pa.table(
        {name: _column(column, kind) for (name, kind), column in zip(_FIELDS, columns, strict=True)}
    )


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return an Arrow column in which NaN is NULL."""
    if kind != pa.float64():
        return pa.array(values, kind)
    numbers = np.array(values, dtype=np.float64)
    return pa.array(numbers, mask=np.isnan(numbers))


def _read(con: duckdb.DuckDBPyConnection, sql: str, parameters: list[int]) -> pa.Table:
    return con.sql(sql, params=parameters).to_arrow_table()


def _numpy(column: pa.ChunkedArray) -> Any:
    """Return a column without a copy where its type allows; integers as int64, NULL as NaN."""
    values = column.combine_chunks().to_numpy(zero_copy_only=False)
    return values.astype(np.int64) if values.dtype.kind in "iu" else values


def _flat(column: pa.ChunkedArray) -> tuple[Any, Int]:
    """Return the values of a column of lists end to end, and where each list starts."""
    lists = column.combine_chunks()
    values = lists.flatten().to_numpy(zero_copy_only=False)
    lengths = np.diff(lists.offsets.to_numpy())
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return (values.astype(np.int64) if values.dtype.kind in "iu" else values), starts


def _matrix(column: pa.ChunkedArray, dtype: type[np.generic]) -> Any:
    """Return a column of lists of one length as a matrix; NULL as NaN."""
    values, starts = _flat(column)
    return values.astype(dtype).reshape(starts.size - 1, -1)
