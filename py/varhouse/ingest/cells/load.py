"""Load an h5ad file: cells streamed into sums and means by cell type, gene and donor."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from varhouse.errors import DataError
from varhouse.ingest.cells.counts import Expression, Tally, find_expressions, first_of_counts
from varhouse.ingest.cells.donor_traits import Trait, donor_traits, store_traits
from varhouse.ingest.cells.expression_pcs import DonorTotals, store_pcs_of_file
from varhouse.ingest.cells.gene_ids import gene_ids
from varhouse.ingest.cells.groups import Groups, group_cells
from varhouse.ingest.cells.h5 import open_h5
from varhouse.ingest.cells.matrices import Matrix
from varhouse.ingest.cells.store import store_genes, store_groups, store_sums
from varhouse.ingest.cells.sums import normalised_totals, sum_groups
from varhouse.ingest.cells.tables import Table
from varhouse.ingest.donors.register import add_donors, donor_overlap, read_id_map
from varhouse.ingest.format import Issue, Loaded, LoadOptions, Say, SourceFile

# Of the connection's memory limit: the sums may take a third, the totals of donors an eighth. A
# block is read with its cells, genes and products, some 60 bytes a value; it need not be large.
_SUMS_SHARE = 3
_TOTALS_SHARE = 8
_BYTES_A_VALUE = 64
_BLOCK_SHARE = 32
_VALUES_AT_ONCE = (1 << 15, 1 << 20)

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
"""In which DuckDB tells a size; PiB where there is no limit."""


def load_cells(
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    options: LoadOptions,
    load_id: int,
    say: Say,
) -> Loaded:
    """Fill ``raw.pseudobulk`` and its groups and genes from an h5ad file.

    Raises
    ------
    DataError
        No matrix of the file holds counts, nothing says whose the cells are, a group was loaded
        before, or the file is damaged.
    """
    path = source.path

    def tell(text: str) -> None:
        say(f"{path}: {text}")

    limit = _memory_limit(con)
    low, high = _VALUES_AT_ONCE
    n_values = max(low, min(high, limit // _BLOCK_SHARE // _BYTES_A_VALUE))
    with open_h5(path) as root:
        obs = Table(path, root, "obs")
        if obs.n_rows == 0:
            return Loaded(n_read=0, n_loaded=0)
        expressions = find_expressions(path, root, obs.n_rows, options.layer, n_values)
        groups = group_cells(path, obs, options, read_id_map(options.id_map))
        _refuse_known_groups(con, path, groups)
        tell(f"counting {obs.n_rows:,} cells")
        expression, found = first_of_counts(expressions, n_values, progress=tell)
        matrix = expression.matrix
        genes = gene_ids(con, expression.genes)
        _check_values(path, expression, found, options)
        traits, trait_issues = donor_traits(obs, groups)
        first_group = store_groups(con, groups, load_id)
        issues = [
            *groups.issues,
            *genes.issues,
            *trait_issues,
            *_store_donors(con, path, groups, traits, load_id, options.id_map),
        ]
        first_gene = store_genes(con, genes, found.is_counts, load_id)
        totals = None
        if (
            _is_first(con, load_id)
            and DonorTotals.n_bytes(groups, matrix.n_genes) <= limit // _TOTALS_SHARE
        ):
            totals = DonorTotals(groups, matrix.n_genes)
        for sums in sum_groups(
            matrix,
            groups,
            _normalising_totals(matrix, found, options, n_values, tell),
            n_values=n_values,
            max_bytes=limit // _SUMS_SHARE,
            progress=tell,
        ):
            tell("storing")
            store_sums(con, sums, groups, genes, first_group=first_group, first_gene=first_gene)
            if totals is not None:
                totals.add(sums)
            # neither the next part nor the components should find these in memory
            del sums
    if totals is not None:
        store_pcs_of_file(con, totals, genes, load_id)
    if not found.is_counts:
        issues.append(
            Issue(
                code="not_counts",
                n=int(groups.n_cells.sum()),
                example=matrix.name,
                is_reject=False,
            )
        )
    return Loaded(n_read=obs.n_rows, n_loaded=int(groups.n_cells.sum()), issues=issues)


def _normalising_totals(
    matrix: Matrix, found: Tally, options: LoadOptions, n_values: int, tell: Say
) -> list[npt.NDArray[np.float64]]:
    """Return what each normalisation of the values divides by; nothing where they are no counts."""
    if not found.is_counts:
        return []
    if not options.normalise_twice:
        return [found.totals]
    return [found.totals, normalised_totals(matrix, found.totals, n_values, progress=tell)]


def _check_values(path: Path, expression: Expression, found: Tally, options: LoadOptions) -> None:
    name = expression.matrix.name
    if not found.is_counts and (options.layer is None or not found.is_expression):
        raise DataError(
            f"{path}: {name} is not integer counts: values "
            f"{found.told(expression.genes.index())}. Name the matrix of counts with --layer."
        )
    if options.normalise_twice and not found.is_counts:
        raise DataError(
            f"{path}: --normalise-twice: {name} holds no counts, and other values are taken as "
            "they are; leave the option out, or name the matrix of counts with --layer."
        )
    if not found.totals.any():
        raise DataError(f"{path}: {name} is zero in every cell; counts were wanted.")


def _store_donors(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    groups: Groups,
    traits: list[Trait],
    load_id: int,
    id_map: Path | None,
) -> list[Issue]:
    ids = f"select donor_id from raw.pseudobulk_donors where load_id = {load_id}"
    overlap = donor_overlap(con, ids, f"{path}: cells", id_map=id_map)
    add_donors(con, ids, load_id)
    return [*overlap, *store_traits(con, traits, groups, load_id)]


def _refuse_known_groups(con: duckdb.DuckDBPyConnection, path: Path, groups: Groups) -> None:
    known = {
        (cell_type, donor): file
        for cell_type, donor, file in con.execute(
            "select cell_type, donor_id, file "
            "from raw.pseudobulk_donors left join load_manifest using (load_id)"
        ).fetchall()
    }
    repeated = [
        pair for pair in zip(groups.cell_types, groups.donors, strict=True) if pair in known
    ]
    if repeated:
        cell_type, donor = repeated[0]
        raise DataError(
            f"{path}: {len(repeated):,} of its {len(groups.donors):,} groups of cells were loaded "
            f"before: donor {donor}, cell type {cell_type!r} from {known[repeated[0]]}. Means of "
            "two files cannot be joined; put all cells of a donor and type into one file."
        )


def _is_first(con: duckdb.DuckDBPyConnection, load_id: int) -> bool:
    return not con.execute(
        f"select 1 from raw.pseudobulk_genes where zeros_left_out and load_id <> {load_id} limit 1"
    ).fetchall()


def _memory_limit(con: duckdb.DuckDBPyConnection) -> int:
    """Return the connection's memory limit in bytes."""
    ((limit,),) = con.execute("select current_setting('memory_limit')").fetchall()
    number, unit = limit.split()
    return int(float(number) * 1024 ** _UNITS.index(unit))
