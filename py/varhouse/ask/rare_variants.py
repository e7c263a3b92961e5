"""Top genes of the rare-variant tests, and what they were asked to test."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from varhouse.ask.answers import Answer
from varhouse.ask.names import (
    find_gene,
    has_table,
    query_column,
    query_rows,
    query_table,
    require_results,
)
from varhouse.errors import DataError

_TOP_GENES = """
with sizes as (
    select
        cell_type,
        gene_id,
        max(n_variants) as n_variants,
        max(n_carriers) as n_carriers,
        any_value(n_donors) as n_donors
    from rvat_burden
    group by cell_type, gene_id
),

tests as (
    select
        cell_type,
        gene_id,
        log10p,
        p_value
    from rvat_burden
    union all
    select
        cell_type,
        gene_id,
        log10p,
        p_value
    from rvat_skat
),

best as (
    select
        cell_type,
        gene_id,
        arg_max(p_value, log10p) as best_p_value
    from tests
    group by cell_type, gene_id
)

select
    omnibus.cell_type,
    omnibus.gene_id,
    omnibus.gene_name,
    omnibus.p_value,
    omnibus.log10p,
    omnibus.q_value,
    omnibus.best_test,
    best.best_p_value,
    omnibus.n_tests,
    sizes.n_variants,
    sizes.n_carriers,
    sizes.n_donors
from rvat_omnibus as omnibus
inner join sizes
    on omnibus.cell_type = sizes.cell_type
    and omnibus.gene_id = sizes.gene_id
inner join best
    on omnibus.cell_type = best.cell_type
    and omnibus.gene_id = best.gene_id
where omnibus.log10p is not null
qualify row_number() over (
    partition by omnibus.cell_type
    order by omnibus.log10p desc, omnibus.gene_id
) <= ?
order by omnibus.cell_type, omnibus.log10p desc, omnibus.gene_id
"""

_COUNTS = """
with genes as (
    select
        cell_type,
        status,
        count(*) as n
    from rvat_omnibus
    group by cell_type, status
),

statuses as (
    select
        cell_type,
        sum(n) as n_genes,
        list(status || ' ' || n order by n desc, status) as statuses
    from genes
    group by cell_type
),

donors as (
    select
        cell_type,
        count(*) filter (where status = 'ok') as n_tested,
        count(*) as n_donors,
        count(*) filter (where status = 'no_genotypes') as n_without_genotypes,
        count(*) filter (where status = 'no_covariates') as n_without_covariates
    from rvat_donors
    group by cell_type
)

select
    donors.cell_type,
    donors.n_tested,
    donors.n_donors,
    list_filter(
        [
            case when n_without_genotypes > 0 then n_without_genotypes || ' without genotypes' end,
            case
                when n_without_covariates > 0 then n_without_covariates || ' without a covariate'
            end
        ],
        lambda reason: reason is not null
    ) as reasons,
    coalesce(statuses.n_genes, 0) as n_genes,
    coalesce(statuses.statuses, []) as statuses
from donors
left join statuses
    on donors.cell_type = statuses.cell_type
order by donors.cell_type
"""


def top_genes(con: duckdb.DuckDBPyConnection, n_genes: int) -> Answer:
    """List the genes with the smallest combined p-values of each cell type.

    Parameters
    ----------
    con
        An open warehouse.
    n_genes
        At most so many a cell type.

    Returns
    -------
    Answer
        ``p_value`` combines all tests of a gene (``rvat_omnibus``); ``best_p_value`` is the
        smallest of them, that of ``best_test``. The notes count donors, and genes by status, and
        tell what `rvat_warnings` says once that is built.

    Raises
    ------
    DataError
        The models have not been built.
    """
    require_results(con, "rvat_donors", "rvat_burden", "rvat_skat", "rvat_omnibus")
    table = query_table(con, _TOP_GENES, [n_genes])
    notes = [
        f"{cell_type}: {n_tested} of {n_donors} donors"
        + (f" ({', '.join(reasons)})" if reasons else "")
        + f"; {n_all} gene{'' if n_all == 1 else 's'}"
        + (f": {', '.join(statuses)}." if statuses else ".")
        for cell_type, n_tested, n_donors, reasons, n_all, statuses in query_rows(con, _COUNTS)
    ]
    if has_table(con, "rvat_warnings"):
        notes += [
            f"Warning: {name}: {n:,} {message}." if n else f"Warning: {name}: {message}."
            for name, n, message in query_rows(
                con, "select name, n, message from rvat_warnings order by all"
            )
        ]
    return Answer(table, notes or ["No expression is loaded: varhouse load cells, or pseudobulk."])


def gene_ids(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[str]:
    """Return the ids of genes given by id or symbol, in the order given.

    Raises
    ------
    DataError
        No such gene, or a symbol of several.
    """
    return [find_gene(con, name).gene_id for name in names]


def weight_names(con: duckdb.DuckDBPyConnection, gene_id: str) -> list[str]:
    """Return the weights of a gene's tests, in their order; empty when it was not tested."""
    return query_column(
        con,
        "select weight from int_rvat__asked where gene_id = ? group by weight, weight_idx "
        "order by weight_idx",
        [gene_id],
    )


def require_cell_types(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """Refuse cell types without expression.

    Raises
    ------
    DataError
        Names them and those that there are.
    """
    known = query_column(
        con, "select distinct cell_type from raw.pseudobulk_donors order by cell_type"
    )
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DataError(
            f"{', '.join(unknown)}: no expression of this cell type is loaded; there is "
            f"{', '.join(known) or 'none at all: varhouse load cells, or pseudobulk'}."
        )
