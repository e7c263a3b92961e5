"""Ranked genes of a variant, variants of a gene, and where a score comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

import duckdb
import pyarrow as pa

from varhouse.ask.names import (
    find_gene,
    find_variants,
    is_rsid,
    query_rows,
    query_table,
    require_results,
)


@dataclass(frozen=True)
class Answer:
    """Rows, and what a reader should know about them.

    Attributes
    ----------
    table
        The rows.
    notes
        Sentences for a person; not part of the data.
    """

    table: pa.Table
    notes: list[str] = field(default_factory=list)


def genes_for_variant(con: duckdb.DuckDBPyConnection, variant: str) -> Answer:
    """Rank the genes of a variant; an rsID answers for each of its alleles.

    Parameters
    ----------
    con
        An open warehouse.
    variant
        A variant id in any accepted spelling, or an rsID.

    Returns
    -------
    Answer
        Columns of the SQL function ``genes_for_variant``; no rows for a variant without scores.

    Raises
    ------
    DataError
        The variant is not in the index, or the models have not been built.
    """
    require_results(con, "v2g_scores", "v2g_source_scores")
    table = _ask_each(con, "from genes_for_variant(?)", variant)
    if table.num_rows:
        return Answer(table)
    names = ", ".join(find_variants(con, variant))
    return Answer(
        table,
        [f"{names}: known, but no gene has a score. Try `varhouse why-missing {variant}`."],
    )


def variants_for_gene(con: duckdb.DuckDBPyConnection, gene: str) -> Answer:
    """List the variants that point to a gene, best score first.

    Parameters
    ----------
    con
        An open warehouse.
    gene
        An Ensembl id with or without version, or a symbol in any case.

    Returns
    -------
    Answer
        Columns of the SQL function ``variants_for_gene``.

    Raises
    ------
    DataError
        No such gene, a symbol of several genes, or the models have not been built.
    """
    require_results(con, "v2g_scores")
    found = find_gene(con, gene)
    table = query_table(con, "from variants_for_gene(?)", [found.gene_id])
    if table.num_rows:
        return Answer(table)
    excluded = query_rows(
        con,
        "select biotype, reason from v2g_excluded_genes where gene_id = ?",
        [found.gene_id],
    )
    if excluded:
        why = f"it is excluded: biotype {excluded[0][0]} ({excluded[0][1]})"
    else:
        why = "no variant has evidence for it or lies close enough"
    return Answer(table, [f"{found.gene_name or found.gene_id}: no scored variant; {why}."])


def explain(con: duckdb.DuckDBPyConnection, variant: str, gene: str) -> Answer:
    """Take a score apart: weight x score / denominator for each source.

    Parameters
    ----------
    con
        An open warehouse.
    variant, gene
        As in :func:`genes_for_variant` and :func:`variants_for_gene`.

    Returns
    -------
    Answer
        Columns of the SQL function ``explain_v2g``; the notes give rank, overall score and the
        sources without evidence.

    Raises
    ------
    DataError
        No such variant or gene, or the models have not been built.
    """
    require_results(con, "v2g_scores", "v2g_source_scores", "v2g_evidence")
    found = find_gene(con, gene)
    table = _ask_each(con, "from explain_v2g(?, ?)", variant, found.gene_id)
    label = found.gene_name or found.gene_id
    if not table.num_rows:
        names = ", ".join(find_variants(con, variant))
        return Answer(
            table,
            [
                f"{names}: no score for {label}. "
                f"Try `varhouse why-missing {variant} {found.gene_id}`."
            ],
        )
    alleles = groupby(table.to_pylist(), key=itemgetter("variant_id"))
    return Answer(table, [_summary(con, list(rows), label) for _, rows in alleles])


def _ask_each(con: duckdb.DuckDBPyConnection, query: str, variant: str, *params: str) -> pa.Table:
    """Ask for each allele by its id, which large warehouses answer faster than an rsID."""
    names = find_variants(con, variant) if is_rsid(variant) else [variant]
    return pa.concat_tables([query_table(con, query, [name, *params]) for name in names])


def _summary(con: duckdb.DuckDBPyConnection, rows: list[dict[str, object]], label: str) -> str:
    first = rows[0]
    present = [row["source_id"] for row in rows]
    absent = query_rows(
        con,
        "select source_id from v2g_source_weights where not list_contains(?, source_id) "
        "order by source_id",
        [present],
    )
    text = (
        f"{first['variant_id']} to {label}: overall score {first['overall_score']:.4f}, "
        f"rank {first['rank']}; weights are divided by {first['denominator']:.4g}."
    )
    if absent:
        text += f" No evidence from {', '.join(row[0] for row in absent)}."
    return text
