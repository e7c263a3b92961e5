"""How well the scores find known effector genes, beside taking the nearest gene."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from varhouse.ask.names import has_table, query_rows, require_results
from varhouse.errors import DataError

# A gold row with one of these counts; a gene that the scores do not rank is a miss (1/rank = 0).
_RANKED = "ranked"
_NOT_RANKED = "gene not scored for the variant"
_EXCLUDED = "gene excluded"
_COUNTED = (_RANKED, _NOT_RANKED, _EXCLUDED)
_TOP = (1, 3)
_VARIANT_COLUMNS = ("variant_id", "variant", "rsid", "rs_id")
_GENE_COLUMNS = ("gene_id", "gene_name", "gene")

_ROW_SCHEMA = pa.schema(
    [
        ("line", pa.int64()),
        ("variant", pa.string()),
        ("gene", pa.string()),
        ("status", pa.string()),
        ("variant_id", pa.string()),
        ("gene_id", pa.string()),
        ("gene_name", pa.string()),
        ("rank", pa.int64()),
        ("overall_score", pa.float64()),
        ("n_genes", pa.int64()),
        ("nearest_gene_id", pa.string()),
        ("nearest_gene_name", pa.string()),
        ("nearest_distance_bp", pa.int64()),
        ("is_nearest", pa.bool_()),
        ("nearest_rank", pa.int64()),
    ]
)
_SUMMARY_SCHEMA = pa.schema(
    [
        ("measure", pa.string()),
        ("n", pa.int64()),
        ("v2g", pa.float64()),
        ("nearest_gene", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Evaluation:
    """Scores against gold standards.

    Attributes
    ----------
    rows
        One row per row of the gold standards.
    summary
        ``measure``, ``n`` (variants), ``v2g``, ``nearest_gene``: the share of the evaluated
        variants whose gold gene is first or among the first three, and the mean reciprocal
        rank; then how many variants could not be evaluated, by reason.
    """

    rows: pa.Table
    summary: pa.Table


class _GoldRow(NamedTuple):
    line: int
    variant: str
    gene: str


class _Ranked(NamedTuple):
    rank: int
    score: float
    variant_id: str
    gene_id: str


class _Nearest(NamedTuple):
    gene_id: str
    gene_name: str | None
    distance_bp: int


@dataclass(frozen=True)
class _Facts:
    """What the warehouse knows about the gold rows, by what they are called there."""

    is_variant: dict[str, bool]
    alleles: dict[str, list[str]]
    n_genes: dict[str, int]
    genes: dict[str, list[tuple[str, str | None]]]
    excluded: set[str]
    ranked: dict[tuple[str, str], list[_Ranked]]
    nearest: dict[str, _Nearest]
    nearest_rank: dict[tuple[str, str], int]


def evaluate(con: duckdb.DuckDBPyConnection, gold: Path) -> Evaluation:
    """Rank the gold-standard genes of variants.

    Parameters
    ----------
    con
        An open, built warehouse.
    gold
        TSV or CSV with a header: ``variant_id`` or ``rsid``, and ``gene_id`` or ``gene_name``;
        a row each for the genes of a variant. Other columns are ignored.

    Returns
    -------
    Evaluation
        A variant with several gold genes, or an rsID with several alleles, counts once, with its
        best rank; ties have the smallest rank. A variant counts when it has scores and a gold
        gene is in the gene index; a gene that is excluded or not scored is a miss. The nearest
        gene is measured to the TSS among all genes that are not excluded.

    Raises
    ------
    DataError
        The file has no such columns or no rows, or the models have not been built.
    """
    gold_rows = _read_gold(gold)
    require_results(con, "v2g_scores", "v2g_excluded_genes")
    facts = _collect(con, gold_rows)
    rows = [_judge(row, facts) for row in gold_rows]
    return Evaluation(
        pa.Table.from_pylist(rows, schema=_ROW_SCHEMA),
        pa.Table.from_pylist(_summarise(rows, facts), schema=_SUMMARY_SCHEMA),
    )


def _read_gold(gold: Path) -> list[_GoldRow]:
    try:
        text = gold.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{gold}: not a UTF-8 text file ({error.reason}).") from error
    except OSError as error:
        raise DataError(f"{gold}: cannot be read: {error.strerror}.") from error
    lines = text.splitlines()
    if not lines:
        raise DataError(f"{gold}: empty; wanted a header and rows of variants and genes.")
    reader = csv.DictReader(lines, delimiter="\t" if "\t" in lines[0] else ",")
    columns = {str(name).strip().lower(): str(name) for name in reader.fieldnames or []}
    variant_columns = [columns[name] for name in _VARIANT_COLUMNS if name in columns]
    gene_columns = [columns[name] for name in _GENE_COLUMNS if name in columns]
    if not variant_columns or not gene_columns:
        wanted = _VARIANT_COLUMNS if not variant_columns else _GENE_COLUMNS
        raise DataError(
            f"{gold}: none of the columns {', '.join(wanted)} in its header; "
            f"found {', '.join(columns)}."
        )
    rows = [
        _GoldRow(reader.line_num, _first(record, variant_columns), _first(record, gene_columns))
        for record in reader
    ]
    if not rows:
        raise DataError(f"{gold}: a header but no rows.")
    return rows


def _first(record: dict[str | Any, str | Any], columns: Iterable[str]) -> str:
    """Return the first of the columns that is filled in."""
    return next((text for name in columns if (text := (record[name] or "").strip())), "")


def _collect(con: duckdb.DuckDBPyConnection, gold_rows: list[_GoldRow]) -> _Facts:
    variants = sorted({row.variant for row in gold_rows if row.variant})
    genes = sorted({row.gene for row in gold_rows if row.gene})
    is_variant, alleles = _find_alleles(con, variants)
    found_genes = _find_genes(con, genes)
    variant_ids = sorted({one for ids in alleles.values() for one in ids})
    gene_ids = sorted({one for found in found_genes.values() for one, _ in found})
    ranked: dict[tuple[str, str], list[_Ranked]] = defaultdict(list)
    for variant_id, gene_id, rank, score in query_rows(
        con,
        "select variant_id, gene_id, rank, overall_score from v2g_scores "
        "where variant_id in (select unnest(?::varchar[])) "
        "and gene_id in (select unnest(?::varchar[]))",
        [variant_ids, gene_ids],
    ):
        ranked[variant_id, gene_id].append(_Ranked(rank, score, variant_id, gene_id))
    n_genes = query_rows(
        con,
        "select variant_id, count(*) from v2g_scores "
        "where variant_id in (select unnest(?::varchar[])) group by variant_id",
        [variant_ids],
    )
    excluded = query_rows(con, "select gene_id from v2g_excluded_genes")
    nearest, nearest_rank = _measure_distances(con, variant_ids, gene_ids)
    return _Facts(
        is_variant=is_variant,
        alleles=alleles,
        n_genes=dict(n_genes),
        genes=found_genes,
        excluded={row[0] for row in excluded},
        ranked=ranked,
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
        inner join genes on genes.gene_id = upper(split_part(gold.gene, '.', 1))
        union
        select
            gold.gene,
            genes.gene_id,
            genes.gene_name
        from gold
        inner join genes on upper(genes.gene_name) = upper(gold.gene)
        """,
        [genes],
    )
    found: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for gene, gene_id, gene_name in sorted(rows):
        found[gene].append((gene_id, gene_name))
    return found


def _measure_distances(
    con: duckdb.DuckDBPyConnection, variant_ids: list[str], gene_ids: list[str]
) -> tuple[dict[str, _Nearest], dict[tuple[str, str], int]]:
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
                {_tss_column(con)} as tss_pos
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
            nearest[variant_id] = _Nearest(gene_id, gene_name, distance_bp)
    return nearest, ranks


def _tss_column(con: duckdb.DuckDBPyConnection) -> str:
    if has_table(con, "v2g_profile") and query_rows(
        con, "select 1 from v2g_profile where option = 'tss' and value = 'canonical_transcript'"
    ):
        return "coalesce(genes.canonical_tss_pos, genes.tss_pos)"
    return "genes.tss_pos"


def _judge(row: _GoldRow, facts: _Facts) -> dict[str, Any]:
    judged: dict[str, Any] = {**dict.fromkeys(_ROW_SCHEMA.names), **row._asdict()}
    alleles = facts.alleles.get(row.variant, [])
    scored = [one for one in alleles if facts.n_genes.get(one)]
    genes = facts.genes.get(row.gene, [])
    judged["status"] = _status(row, facts, alleles, scored, genes)
    if alleles:
        place = (scored or alleles)[0]
        judged["variant_id"] = place
        judged["n_genes"] = facts.n_genes.get(place, 0)
        if place in facts.nearest:
            nearest = facts.nearest[place]
            judged["nearest_gene_id"] = nearest.gene_id
            judged["nearest_gene_name"] = nearest.gene_name
            judged["nearest_distance_bp"] = nearest.distance_bp
    if genes:
        judged["gene_id"], judged["gene_name"] = genes[0]
    pairs = [(allele, gene_id) for allele in scored for gene_id, _ in genes]
    places = [facts.nearest_rank[pair] for pair in pairs if pair in facts.nearest_rank]
    if pairs:
        judged["nearest_rank"] = min(places, default=None)
        judged["is_nearest"] = judged["nearest_rank"] == 1
    ranked = [one for pair in pairs for one in facts.ranked.get(pair, [])]
    if ranked:
        best = min(ranked, key=lambda one: (one.rank, -one.score, one.variant_id, one.gene_id))
        judged |= best._asdict() | {"overall_score": best.score, "status": _RANKED}
        del judged["score"]
        judged["gene_name"] = dict(genes)[best.gene_id]
        judged["n_genes"] = facts.n_genes[best.variant_id]
    return judged


def _status(
    row: _GoldRow,
    facts: _Facts,
    alleles: list[str],
    scored: list[str],
    genes: list[tuple[str, str | None]],
) -> str:
    """Return why the row is not ranked; the caller knows when it is."""
    checks: list[tuple[bool, str]] = [
        (not row.variant, "variant not given"),
        (not row.gene, "gene not given"),
        (not facts.is_variant.get(row.variant), "not a variant id or rsID"),
        (not alleles, "variant not in the index"),
        (not scored, "variant has no scores"),
        (not genes, "gene not in the index"),
        (all(gene_id in facts.excluded for gene_id, _ in genes), _EXCLUDED),
    ]
    return next((reason for is_so, reason in checks if is_so), _NOT_RANKED)


def _summarise(rows: list[dict[str, Any]], facts: _Facts) -> list[dict[str, Any]]:
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        # one variant however it is spelled; a row without a variant is a case of its own
        name = row["variant"] or f"line {row['line']}"
        groups[tuple(facts.alleles.get(name, [name]))].append(row)
    counted = [
        group for group in groups.values() if any(row["status"] in _COUNTED for row in group)
    ]
    reasons = Counter(
        group[0]["status"]
        for group in groups.values()
        if all(row["status"] not in _COUNTED for row in group)
    )
    ranks = [_best(group, "rank") for group in counted]
    nearest = [_best(group, "nearest_rank") for group in counted]
    values: dict[str, Callable[[int], float]] = {
        **{f"top_{top}": partial(_is_within, top=top) for top in _TOP},
        "mrr": _reciprocal,
    }
    summary = [_measure("evaluated", len(counted), None, None)] + [
        _measure(measure, len(counted), _mean(ranks, value), _mean(nearest, value))
        for measure, value in values.items()
    ]
    return summary + [
        _measure(f"not evaluated: {reason}", n, None, None) for reason, n in sorted(reasons.items())
    ]


def _measure(measure: str, n: int, v2g: float | None, nearest_gene: float | None) -> dict[str, Any]:
    return {"measure": measure, "n": n, "v2g": v2g, "nearest_gene": nearest_gene}


def _is_within(rank: int, *, top: int) -> float:
    return float(rank <= top)


def _reciprocal(rank: int) -> float:
    return 1 / rank


def _best(group: list[dict[str, Any]], column: str) -> int | None:
    return min((row[column] for row in group if row[column] is not None), default=None)


def _mean(ranks: list[int | None], value: Callable[[int], float]) -> float | None:
    """Average over the variants; one without a rank counts as 0."""
    if not ranks:
        return None
    return sum(0.0 if rank is None else value(rank) for rank in ranks) / len(ranks)
