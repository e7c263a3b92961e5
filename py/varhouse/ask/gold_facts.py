"""What the warehouse knows about the variants and genes of gold standards."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import duckdb

from varhouse.ask.gold import GoldRow
from varhouse.ask.names import query_rows
from varhouse.ask.profile import read_profile, tss_column


class Ranked(NamedTuple):
    """The place of a gene among the genes scored for a variant."""

    rank: int
    overall_score: float
    variant_id: str
    gene_id: str


class Nearest(NamedTuple):
    """The gene whose TSS is closest to a variant, of those that are not excluded."""

    gene_id: str
    gene_name: str | None
    distance_bp: int


@dataclass(frozen=True)
class Facts:
    """What the warehouse knows about the gold rows.

    Attributes
    ----------
    is_variant, alleles, genes
        By the name in the file: whether it can be a variant, the indexed variant ids it stands
        for, and the ids and symbols of the genes it stands for.
    n_genes, nearest
        By variant id: how many genes are scored, and the gene nearest to it.
    excluded
        Ids of the genes that the build left out.
    ranked, nearest_rank
        By variant and gene id: the places by score, and the place by distance to the TSS.
    """

    is_variant: dict[str, bool]
    alleles: dict[str, list[str]]
    n_genes: dict[str, int]
    genes: dict[str, list[tuple[str, str | None]]]
    excluded: set[str]
    ranked: dict[tuple[str, str], Ranked]
    nearest: dict[str, Nearest]
    nearest_rank: dict[tuple[str, str], int]


def collect_facts(con: duckdb.DuckDBPyConnection, gold_rows: list[GoldRow]) -> Facts:
    """Look up every variant and gene of the gold rows, one query a question."""
    variants = sorted({row.variant for row in gold_rows if row.variant})
    genes = sorted({row.gene for row in gold_rows if row.gene})
    is_variant, alleles = _find_alleles(con, variants)
    found_genes = _find_genes(con, genes)
    variant_ids = sorted({one for ids in alleles.values() for one in ids})
    gene_ids = sorted({one for found in found_genes.values() for one, _ in found})
    ranked = query_rows(
        con,
        "select rank, overall_score, variant_id, gene_id from v2g_scores "
        "where variant_id in (select unnest(?::varchar[])) "
        "and gene_id in (select unnest(?::varchar[]))",
        [variant_ids, gene_ids],
    )
    n_genes = query_rows(
        con,
        "select variant_id, count(*) from v2g_scores "
        "where variant_id in (select unnest(?::varchar[])) group by variant_id",
        [variant_ids],
    )
    excluded = query_rows(con, "select gene_id from v2g_excluded_genes")
    nearest, nearest_rank = _measure_distances(con, variant_ids, gene_ids)
    return Facts(
        is_variant=is_variant,
        alleles=alleles,
        n_genes=dict(n_genes),
        genes=found_genes,
        excluded={row[0] for row in excluded},
        ranked={(row[2], row[3]): Ranked(*row) for row in ranked},
        nearest=nearest,
        nearest_rank=nearest_rank,
    )


def _find_alleles(
    con: duckdb.DuckDBPyConnection, variants: list[str]
) -> tuple[dict[str, bool], dict[str, list[str]]]:
    rows = query_rows(
        con,
        """
        with gold as (
            select unnest(?::varchar[]) as variant
        ),

        keys as (
            select
                variant,
                variant_key(variant) as variant_id
            from gold
            union
            select
                gold.variant,
                names.variant_id
            from gold
            inner join variant_names as names on names.rsid = lower(gold.variant)
        ),

        indexed as (
            select distinct variant_id
            from variant_universe
            where variant_id in (select variant_id from keys)
        )

        select
            keys.variant,
            keys.variant_id is not null or regexp_full_match(keys.variant, '(?i)rs[0-9]+'),
            indexed.variant_id
        from keys
        left join indexed on keys.variant_id = indexed.variant_id
        order by keys.variant, indexed.variant_id
        """,
        [variants],
    )
    is_variant: dict[str, bool] = defaultdict(bool)
    alleles: dict[str, list[str]] = defaultdict(list)
    for variant, is_name, variant_id in rows:
        is_variant[variant] |= is_name
        if variant_id is not None:
            alleles[variant].append(variant_id)
    return is_variant, alleles


def _find_genes(
    con: duckdb.DuckDBPyConnection, genes: list[str]
) -> dict[str, list[tuple[str, str | None]]]:
    rows = query_rows(
        con,
        """
        with gold as (
            select unnest(?::varchar[]) as gene
        )

        select
            gold.gene,
            genes.gene_id,
            genes.gene_name
        from gold
        inner join genes on genes.gene_id = gene_key(gold.gene)
        union
        select
            gold.gene,
            genes.gene_id,
            genes.gene_name
        from gold
        inner join genes on upper(genes.gene_name) = upper(gold.gene)
        union
        select
            gold.gene,
            genes.gene_id,
            genes.gene_name
        from gold
        inner join genes on upper(genes.gene_id) = upper(gold.gene)
        """,
        [genes],
    )
    found: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for gene, gene_id, gene_name in sorted(rows):
        found[gene].append((gene_id, gene_name))
    return found


def _measure_distances(
    con: duckdb.DuckDBPyConnection, variant_ids: list[str], gene_ids: list[str]
) -> tuple[dict[str, Nearest], dict[tuple[str, str], int]]:
    rows = query_rows(
        con,
        f"""
        with wanted as (
            select
                variant_id,
                split_part(variant_id, '_', 1) as chrom,
                cast(split_part(variant_id, '_', 2) as integer) as pos
            from (select unnest(?::varchar[]) as variant_id)
        ),

        eligible as (
            select
                genes.gene_id,
                genes.gene_name,
                genes.chrom,
                {tss_column(read_profile(con))} as tss_pos
            from genes
            anti join v2g_excluded_genes on genes.gene_id = v2g_excluded_genes.gene_id
        ),

        measured as (
            select
                wanted.variant_id,
                eligible.gene_id,
                eligible.gene_name,
                abs(wanted.pos - eligible.tss_pos) as distance_bp
            from wanted
            inner join eligible on wanted.chrom = eligible.chrom
        ),

        placed as (
            select
                *,
                rank() over (partition by variant_id order by distance_bp) as nearest_rank,
                row_number() over (partition by variant_id order by distance_bp, gene_id) as place
            from measured
        )

        select * from placed
        where place = 1 or gene_id in (select unnest(?::varchar[]))
        """,
        [variant_ids, gene_ids],
    )
    nearest = {}
    ranks = {}
    for variant_id, gene_id, gene_name, distance_bp, nearest_rank, place in rows:
        ranks[variant_id, gene_id] = nearest_rank
        if place == 1:
            nearest[variant_id] = Nearest(gene_id, gene_name, distance_bp)
    return nearest, ranks
