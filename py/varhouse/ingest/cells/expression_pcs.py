"""Principal components of donors' expression over all cells, as covariates.

The cells of one file are added up by donor while they are in memory; of several files, by SQL.
"""

from __future__ import annotations

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from varhouse.ingest.arrow_tables import seen_as
from varhouse.ingest.cells.gene_ids import GeneIds, columns_by_id
from varhouse.ingest.cells.groups import Groups
from varhouse.ingest.cells.sums import GroupSums
from varhouse.ingest.donors.store import EXPRESSION_PC
from varhouse.numerics.expression import dispersion_score, highly_variable, principal_components

N_COMPONENTS = 15
N_GENES = 2000
"""Of the genes that vary most; more when several are equal to the last."""

# Loads of cells, unlike tables that give every value themselves.
_LOADS = "(select distinct load_id from raw.pseudobulk_genes where zeros_left_out)"

Floats = npt.NDArray[np.float64]


class DonorTotals:
    """Normalised values added up by donor, over all cell types.

    Parameters
    ----------
    groups
        Of all cells of the file.
    n_genes
        Columns of the matrix.
    """

    def __init__(self, groups: Groups, n_genes: int) -> None:
        self.donors = sorted(set(groups.donors))
        number = {donor: i for i, donor in enumerate(self.donors)}
        self._donor_of_group = np.array([number[donor] for donor in groups.donors])
        self._n_cells = np.bincount(self._donor_of_group, groups.n_cells)
        self._totals = np.zeros((len(self.donors), n_genes))

    @staticmethod
    def n_bytes(groups: Groups, n_genes: int) -> int:
        """Return the memory that the totals of these groups take."""
        return 8 * len(set(groups.donors)) * n_genes

    def add(self, sums: GroupSums) -> None:
        """Add the groups of a part."""
        for row, values in enumerate(sums.values, start=sums.first):
            self._totals[self._donor_of_group[row]] += values

    def means(self, genes: GeneIds) -> Floats:
        """Return donors by genes, in the order of their ids."""
        means: Floats = self._totals[:, columns_by_id(genes)] / self._n_cells[:, np.newaxis]
        return means


def store_pcs_of_file(
    con: duckdb.DuckDBPyConnection, totals: DonorTotals, genes: GeneIds, load_id: int
) -> None:
    """Write ``expression_pc1``, ... for the donors of the first file of cells."""
    if len(totals.donors) < 2:
        return
    means = totals.means(genes)
    linear = np.expm1(means)
    chosen = _choose_genes(linear.mean(axis=0), linear.var(axis=0, ddof=1))
    if chosen.size:
        _store(con, totals.donors, means[:, chosen], load_id)


def store_expression_pcs(con: duckdb.DuckDBPyConnection) -> None:
    """Replace the rows ``expression_pc1``, ... of ``raw.covariates`` by those of all cells loaded.

    A donor's expression is the mean over all cells of the donor that have a cell type. Genes that
    every file of cells measured take part. Nothing is written for fewer than two donors, or when
    no gene varies.
    """
    ((n_loads, load_id),) = con.execute(f"select count(*), max(load_id) from {_LOADS}").fetchall()
    (n_known,) = con.execute(
        f"select count(*) from raw.covariates where starts_with(covariate, '{EXPRESSION_PC}')"
    ).fetchall()[0]
    if n_loads == 1 and n_known:
        return
    con.execute(f"delete from raw.covariates where starts_with(covariate, '{EXPRESSION_PC}')")
    donors = [
        row[0]
        for row in con.execute(
            "select distinct donor_id from raw.pseudobulk_donors "
            f"semi join {_LOADS} using (load_id) order by donor_id"
        ).fetchall()
    ]
    if len(donors) < 2:
        return
    _stage_genes(con)
    _stage_donor_means(con)
    mean, variance = _gene_statistics(con, len(donors))
    chosen = _choose_genes(mean, variance)
    if chosen.size:
        _store(con, donors, _expression_of(con, chosen, len(donors)), load_id)
    con.execute("drop table temp.donor_means")
    con.execute("drop table temp.measured_genes")


def _choose_genes(mean: Floats, variance: Floats) -> npt.NDArray[np.int64]:
    return np.flatnonzero(highly_variable(dispersion_score(mean, variance), N_GENES))


def _stage_genes(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``measured_genes(gene_idx, gene_no)``: genes of all loads, from 0 by id."""
    con.execute(f"""
        create or replace temp table measured_genes as
        with shared as (
            select
                gene_id,
                row_number() over (order by gene_id) - 1 as gene_no
            from raw.pseudobulk_genes
            where zeros_left_out
            group by gene_id
            having count(*) = (select count(*) from {_LOADS})
        )

        select
            pseudobulk_genes.gene_idx,
            shared.gene_no
        from raw.pseudobulk_genes
        inner join shared
            on pseudobulk_genes.gene_id = shared.gene_id
        where pseudobulk_genes.zeros_left_out
    """)


def _stage_donor_means(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``donor_means(gene_no, donor_no, mean)``; zeros are left out.

    Decimals add up to the same sum in any order, so that two runs choose the same genes.
    """
    con.execute(f"""
        create or replace temp table donor_means as
        with donor_groups as (
            select
                group_idx,
                n_cells,
                dense_rank() over (order by donor_id) - 1 as donor_no
            from raw.pseudobulk_donors
            semi join {_LOADS} as loads
                on pseudobulk_donors.load_id = loads.load_id
        ),

        donor_cells as (
            select
                donor_no,
                sum(n_cells) as n_cells
            from donor_groups
            group by donor_no
        ),

        sums as (
            select
                measured_genes.gene_no,
                donor_groups.donor_no,
                sum(cast(pseudobulk.mean * donor_groups.n_cells as decimal(28, 12))) as total
            from raw.pseudobulk
            inner join donor_groups
                on pseudobulk.group_idx = donor_groups.group_idx
            inner join measured_genes
                on pseudobulk.gene_idx = measured_genes.gene_idx
            group by
                measured_genes.gene_no,
                donor_groups.donor_no
        )

        select
            sums.gene_no,
            sums.donor_no,
            cast(sums.total as double) / donor_cells.n_cells as mean
        from sums
        inner join donor_cells
            on sums.donor_no = donor_cells.donor_no
    """)


def _gene_statistics(con: duckdb.DuckDBPyConnection, n_donors: int) -> tuple[Floats, Floats]:
    """Return mean and variance over donors of each gene's expression, not its log."""
    # genes that nobody expresses count too: they widen the range that the means are binned over
    genes: pa.Table = con.sql("""
        with numbers as (
            select distinct gene_no
            from measured_genes
        ),

        sums as (
            select
                gene_no,
                sum(cast(exp(mean) - 1 as decimal(38, 12))) as total,
                sum(cast((exp(mean) - 1) * (exp(mean) - 1) as decimal(38, 12))) as squares
            from donor_means
            group by gene_no
        )

        select
            coalesce(cast(sums.total as double), 0) as total,
            coalesce(cast(sums.squares as double), 0) as squares
        from numbers
        left join sums
            on numbers.gene_no = sums.gene_no
        order by numbers.gene_no
    """).to_arrow_table()
    total, squares = genes["total"].to_numpy(), genes["squares"].to_numpy()
    mean = total / n_donors
    variance = np.maximum(squares - total * mean, 0) / (n_donors - 1)
    return mean, variance


def _expression_of(
    con: duckdb.DuckDBPyConnection, chosen: npt.NDArray[np.int64], n_donors: int
) -> Floats:
    places = pa.table({"gene_no": chosen, "place": np.arange(chosen.size)})
    with seen_as(con, "chosen_genes", places):
        found: pa.Table = con.sql("""
            select
                donor_means.donor_no,
                chosen_genes.place,
                donor_means.mean
            from donor_means
            inner join chosen_genes
                on donor_means.gene_no = chosen_genes.gene_no
        """).to_arrow_table()
    expression = np.zeros((n_donors, chosen.size))
    expression[found["donor_no"].to_numpy(), found["place"].to_numpy()] = found["mean"].to_numpy()
    return expression


def _store(
    con: duckdb.DuckDBPyConnection,
    donors: list[str],
    expression: Floats,
    load_id: int,
) -> None:
    n = min(N_COMPONENTS, len(donors) - 1, expression.shape[1])
    scores = principal_components(expression, n).scores
    rows = pa.table(
        {
            "donor_id": pa.array(donors * n, pa.string()),
            "covariate": pa.array(
                [f"{EXPRESSION_PC}{number}" for number in range(1, n + 1) for _ in donors],
                pa.string(),
            ),
            "value": scores.T.ravel(),
        }
    )
    with seen_as(con, "incoming_rows", rows):
        con.execute(f"""
            insert into raw.covariates by name
            select *, {load_id} as load_id
            from incoming_rows
        """)
