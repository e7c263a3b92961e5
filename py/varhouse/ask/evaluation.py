"""How well the scores find known effector genes, beside taking the nearest gene."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from varhouse.ask.gold import GoldRow, read_gold
from varhouse.ask.gold_facts import Facts, collect_facts
from varhouse.ask.names import require_results

# A gold row with one of these counts; a gene that the scores do not rank is a miss (1/rank = 0).
_RANKED = "ranked"
_NOT_RANKED = "gene not scored for the variant"
_EXCLUDED = "gene excluded"
_COUNTED = (_RANKED, _NOT_RANKED, _EXCLUDED)
# What a variant adds whose best gold gene has this rank.
_MEASURES: dict[str, Callable[[int], float]] = {
    "top_1": lambda rank: rank == 1,
    "top_3": lambda rank: rank <= 3,
    "mrr": lambda rank: 1 / rank,
}
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
    gold_rows = read_gold(gold)
    require_results(con, "v2g_scores", "v2g_excluded_genes")
    facts = collect_facts(con, gold_rows)
    rows = [_judge(row, facts) for row in gold_rows]
    return Evaluation(
        pa.Table.from_pylist(rows, schema=_ROW_SCHEMA),
        pa.Table.from_pylist(_summarise(rows, facts), schema=_SUMMARY_SCHEMA),
    )


def _judge(row: GoldRow, facts: Facts) -> dict[str, Any]:
    judged: dict[str, Any] = dict.fromkeys(_ROW_SCHEMA.names) | row._asdict()
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
    ranked = [facts.ranked[pair] for pair in pairs if pair in facts.ranked]
    if ranked:
        best = min(
            ranked, key=lambda one: (one.rank, -one.overall_score, one.variant_id, one.gene_id)
        )
        judged |= best._asdict() | {"status": _RANKED}
        judged["gene_name"] = dict(genes)[best.gene_id]
        judged["n_genes"] = facts.n_genes[best.variant_id]
    return judged


def _status(
    row: GoldRow,
    facts: Facts,
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


def _summarise(rows: list[dict[str, Any]], facts: Facts) -> list[dict[str, Any]]:
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        # one variant however it is spelled; a row without a variant is a case of its own
        name = row["variant"] or f"line {row['line']}"
        groups[tuple(facts.alleles.get(name, [name]))].append(row)
    counted = []
    reasons = Counter[str]()
    for group in groups.values():
        if any(row["status"] in _COUNTED for row in group):
            counted.append(group)
        else:
            reasons[group[0]["status"]] += 1
    n = len(counted)
    ranks = [_best(group, "rank") for group in counted]
    nearest = [_best(group, "nearest_rank") for group in counted]
    return [
        {"measure": "evaluated", "n": n},
        *(
            {
                "measure": measure,
                "n": n,
                "v2g": _mean(ranks, value),
                "nearest_gene": _mean(nearest, value),
            }
            for measure, value in _MEASURES.items()
        ),
        *(
            {"measure": f"not evaluated: {reason}", "n": n_left_out}
            for reason, n_left_out in sorted(reasons.items())
        ),
    ]


def _best(group: list[dict[str, Any]], column: str) -> int | None:
    return min((row[column] for row in group if row[column] is not None), default=None)


def _mean(ranks: list[int | None], value: Callable[[int], float]) -> float | None:
    """Average over the variants; one without a rank counts as 0."""
    if not ranks:
        return None
    return sum(0.0 if rank is None else value(rank) for rank in ranks) / len(ranks)
