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
from varhouse.numerics.region import Block, TestPlan, TestRows, test_blocks
from varhouse.numerics.variant_set import VariantSet
from varhouse.udf import buffers

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_] | npt.NDArray[np.object_]

_RANKED_AT_ONCE = 64
_GENES_AT_ONCE = 16
_VALUES_AT_ONCE = 1 << 17


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
    lengths = [sum(rows.status.size for rows in region) for region in found]
    rows = [each for region in found for each in region]
    return buffers.column_of_lists(_structs(rows), np.cumsum([0, *lengths]))


def _test(
    con: duckdb.DuckDBPyConnection, region: int, design: int, names: dict[str, str],
    options: dict[str, Any],
) -> list[_Rows]:  # fmt: skip
    ready = _design(con, design, names)
    phenotypes = _phenotypes(con, region, design, names, ready, options)
    pairs = _read(
        con,
        f"select gene_idx, variant_idx, weights, in_sets from {names['pairs']} "
        "where region_idx = ? and design_idx = ? order by gene_idx, variant_idx",
        [region, design],
    )
    untested, testable = _judge(phenotypes, ready)
    if pairs.num_rows == 0 or not testable:
        return [untested]
    genes = buffers.numbers(pairs["gene_idx"])
    variants = buffers.numbers(pairs["variant_idx"])
    weights = _matrix(pairs["weights"])
    in_sets = _matrix(pairs["in_sets"])
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
    blocks = list(_blocks(genes, in_sets, testable))
    found = test_blocks(
        (_sets(block, place, weights, in_sets, matrix, ready) for block in blocks), plan
    )
    return [
        untested,
        *(_rows(block, rows, ready) for block, rows in zip(blocks, found, strict=True)),
    ]


def _design(con: duckdb.DuckDBPyConnection, design: int, names: dict[str, str]) -> _Design:
    donors = buffers.numbers(
        _read(
            con,
            f"select donor_idx from {names['donors']} where design_idx = ? order by donor_idx",
            [design],
        )["donor_idx"]
    )
    place = buffers.places(donors)
    table = _read(
        con,
        f"select donor_idx, covariate_idx, value from {names['covariates']} "
        f"where donor_idx in (select donor_idx from {names['donors']} where design_idx = ?)",
        [design],
    )
    columns = buffers.numbers(table["covariate_idx"])
    covariates = np.ones((donors.size, 1 + (int(columns.max()) + 1 if columns.size else 0)))
    covariates[place[buffers.numbers(table["donor_idx"])], 1 + columns] = buffers.numbers(
        table["value"]
    )
    basis, dropped = covariate_basis(covariates)
    return _Design(donors.size, place, basis, dropped)


def _phenotypes(
    con: duckdb.DuckDBPyConnection, region: int, design: int, names: dict[str, str],
    ready: _Design, options: dict[str, Any],
) -> dict[int, list[_Phenotype]]:  # fmt: skip
    """Return the transformed expression by gene and cell type; None where a donor's is missing."""
    table = _read(
        con,
        f"select gene_idx, cell_type_idx, seed_name, has_zeros from {names['phenotypes']} "
        "where region_idx = ? and design_idx = ? order by gene_idx, cell_type_idx",
        [region, design],
    )
    if not table.num_rows:
        return {}
    genes, cell_types = (buffers.numbers(table[name]) for name in ("gene_idx", "cell_type_idx"))
    expression = np.where(buffers.numbers(table["has_zeros"]), 0.0, np.nan)
    expression = expression[:, None].repeat(ready.n_donors, axis=1)
    # one gene, cell type and donor more, for those that are not tested
    rows = np.full((int(genes[-1] - genes[0]) + 2, int(cell_types.max()) + 2), -1)
    rows[genes - genes[0], cell_types] = np.arange(genes.size)
    places = np.append(ready.place, -1)
    values = con.sql(
        "select gene_idx, cell_type_idx, donor_idx, expression "
        f"from {names['expression']} where region_idx = ? and design_idx = ?",
        params=[region, design],
    )
    for batch in values.to_arrow_reader(_VALUES_AT_ONCE):
        gene, cell_type, donor, value = (buffers.numbers(column) for column in batch.columns)
        gene = np.where(gene < genes[0], -1, np.minimum(gene - genes[0], rows.shape[0] - 1))
        row = rows[gene, np.minimum(cell_type, rows.shape[1] - 1)]
        place = places[np.minimum(donor, ready.place.size)]
        inside = (row >= 0) & (place >= 0)
        expression[row[inside], place[inside]] = value[inside]
    if options["jitter_seed"] is not None:
        for each, name in zip(expression, table["seed_name"].to_pylist(), strict=True):
            rng = np.random.default_rng([options["jitter_seed"], zlib.crc32(name.encode())])
            each += 1e-5 * rng.standard_normal(ready.n_donors)
    is_known = np.all(np.isfinite(expression), axis=1)
    known = np.flatnonzero(is_known)
    ties: Ties = options["ties"]
    for start in range(0, known.size, _RANKED_AT_ONCE):
        some = known[start : start + _RANKED_AT_ONCE]
        expression[some] = inverse_normal(expression[some], ties=ties)
    found: dict[int, list[_Phenotype]] = {}
    for gene_idx, cell_type_idx, each, there in zip(
        genes.tolist(), cell_types.tolist(), expression, is_known, strict=True
    ):
        found.setdefault(gene_idx, []).append(
            _Phenotype(gene_idx, cell_type_idx, each if there else None)
        )
    return found


def _judge(
    phenotypes: dict[int, list[_Phenotype]], ready: _Design
) -> tuple[_Rows, dict[int, list[_Phenotype]]]:
    """Return rows for what no variants could make testable, and the phenotypes that are left."""
    is_small = ready.n_donors - ready.basis.shape[1] < 2
    untested: list[tuple[_Phenotype, str]] = []
    testable: dict[int, list[_Phenotype]] = {}
    for gene, each_cell_type in phenotypes.items():
        for each in each_cell_type:
            if is_small:
                untested.append((each, "too_few_donors"))
            elif each.values is None:
                untested.append((each, "missing_expression"))
            else:
                testable.setdefault(gene, []).append(each)
    return _untested(untested), testable


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
    column = buffers.places(known - known[0])[variant - known[0]]
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
    return tuple(buffers.numbers(calls[name]) for name in ("variant_idx", "donor_idx", "dosage"))


class _Block(NamedTuple):
    """Genes that are worked on together: their sets, with the rows of pairs, and phenotypes."""

    sets: list[tuple[int, slice, int]]
    phenotypes: list[_Phenotype]


def _blocks(
    genes: Int, in_sets: npt.NDArray[np.bool_], phenotypes: dict[int, list[_Phenotype]]
) -> Iterator[_Block]:
    """Cut the pairs, sorted by gene, into blocks of genes that have phenotypes."""
    names, starts = np.unique(genes, return_index=True)
    n_chosen = np.add.reduceat(in_sets.astype(np.int64), starts, axis=0)
    spans = [
        (int(gene), slice(int(low), int(high)), chosen)
        for gene, low, high, chosen in zip(
            names, starts, np.append(starts[1:], genes.size), n_chosen, strict=True
        )
        if int(gene) in phenotypes
    ]
    for start in range(0, len(spans), _GENES_AT_ONCE):
        some = spans[start : start + _GENES_AT_ONCE]
        sets = [(gene, span, int(i)) for gene, span, n in some for i in np.flatnonzero(n)]
        yield _Block(sets, [each for gene, _, _ in some for each in phenotypes[gene]])


def _sets(
    block: _Block, place: Int, weights: Float, in_sets: npt.NDArray[np.bool_],
    matrix: GenotypeMatrix, ready: _Design,
) -> Block:  # fmt: skip
    known = block.phenotypes
    values = [each.values for each in known if each.values is not None]
    null = fit_residuals(ready.basis, ready.dropped, np.column_stack(values))
    is_used = np.zeros(matrix.frequency.size, dtype=bool)
    for _, span, _ in block.sets:
        is_used[place[span]] = True
    within = np.cumsum(is_used) - 1
    gene_of = np.array([each.gene for each in known])
    sets = []
    for gene, span, set_idx in block.sets:
        chosen = in_sets[span, set_idx]
        phenotypes = np.flatnonzero(gene_of == gene)
        every = VariantSet(within[place[span]], weights[span], phenotypes)
        sets.append(every.only(chosen))
    return Block(matrix.select(np.flatnonzero(is_used)), null, sets)


def _rows(block: _Block, rows: TestRows, ready: _Design) -> _Rows:
    cell_type_of = np.array([each.cell_type for each in block.phenotypes])
    gene_of = np.array([each.gene for each in block.phenotypes])
    set_of = np.array([set_idx for _, _, set_idx in block.sets], dtype=np.int64)
    return _Rows(
        cell_type_of[rows.phenotype], gene_of[rows.phenotype], set_of[rows.place], rows.test,
        rows.weight, rows.aggregation, rows.n_variants, rows.n_carriers,
        np.full(rows.place.size, ready.n_donors), rows.statistic, rows.beta, rows.se, rows.log_p,
        rows.lrt, rows.lrt_log_p, rows.error, rows.detail, rows.status,
    )  # fmt: skip


class _Rows(NamedTuple):
    """Columns of `varhouse.udf.rvat_types.ROWS`; NaN and None are NULL."""

    cell_type_idx: Numbers
    gene_idx: Numbers
    set_idx: Numbers
    test: Texts
    weight_idx: Numbers
    aggregation: Texts
    n_variants: Numbers
    n_carriers: Numbers
    n_donors: Numbers
    statistic: Numbers
    beta: Numbers
    se: Numbers
    log_p: Numbers
    lrt: Numbers
    lrt_log_p: Numbers
    error: Numbers
    detail: Numbers
    status: Texts


_TEXTS = ("test", "aggregation", "status")
_WHOLE = (
    "cell_type_idx", "gene_idx", "set_idx", "weight_idx", "n_variants", "n_carriers", "n_donors",
)  # fmt: skip


def _untested(found: Sequence[tuple[_Phenotype, str]]) -> _Rows:
    columns: dict[str, Any] = {
        name: np.full(len(found), None if name in _TEXTS else np.nan) for name in _Rows._fields
    }
    columns["cell_type_idx"] = np.array([each.cell_type for each, _ in found], dtype=np.int64)
    columns["gene_idx"] = np.array([each.gene for each, _ in found], dtype=np.int64)
    columns["status"] = np.array([status for _, status in found], dtype=np.str_)
    return _Rows(**columns)


def _structs(rows: Sequence[_Rows]) -> pa.Array:
    """Return rows end to end as Arrow structs."""
    columns = []
    for name, parts in zip(_Rows._fields, zip(*rows, strict=True), strict=True):
        values = np.concatenate(parts)
        if name in _TEXTS:
            columns.append(buffers.texts(values))
        else:
            columns.append(buffers.column(values, pa.int32() if name in _WHOLE else pa.float64()))
    return pa.StructArray.from_arrays(columns, names=list(_Rows._fields))


def _read(con: duckdb.DuckDBPyConnection, sql: str, parameters: list[int]) -> pa.Table:
    return con.sql(sql, params=parameters).to_arrow_table()


def _matrix(column: pa.ChunkedArray) -> Any:
    """Return a column of lists of one length as a matrix; NULL as NaN."""
    values, starts = buffers.lists(column)
    return values.reshape(starts.size - 1, -1)
