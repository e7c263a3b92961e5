"""The score models against a slow, obvious twin in plain Python and exact fractions."""

from __future__ import annotations

import random
from collections import defaultdict
from fractions import Fraction
from typing import Any

import pytest
from tests.v2g import build, empty_warehouse

from varhouse.ask.reference import freeze_reference

WEIGHTS = {"gtex_v7": Fraction(66, 100), "javierre2016": Fraction(33, 100)}
ALL_WEIGHTS = Fraction(364, 100)
TYPES = {"gtex_v7": "eqtl", "javierre2016": "pchic"}

FEATURES = [f"tissue {n}" for n in range(40)]


def random_evidence(seed: int) -> list[tuple[int, int, str, str, int]]:
    """Return (variant, gene, source, feature, score) rows in groups of 1 to 60, full of ties."""
    rng = random.Random(seed)
    evidence = []
    for feature in FEATURES:
        for source in sorted(TYPES):
            n_scores = rng.choice([1, 2, 5, 100])
            evidence += [
                (rng.randrange(12), rng.randrange(6), source, feature, rng.randint(1, n_scores))
                for _ in range(rng.randint(1, 60))
            ]
    return evidence


def tenth(method: str, n_below: int, n_equal: int, n_total: int) -> Fraction:
    """Return the decile of a rank, rounded half up, by the definition in words."""
    if method == "decile_ceil":
        return Fraction(10 * n_below // n_total + 1, 10)
    if method == "midrank":
        value = Fraction(2 * n_below + n_equal, 2 * n_total)
    elif n_total == 1:
        return Fraction(0)
    else:
        value = Fraction(n_below, n_total - 1)
    return Fraction((value * 10 + Fraction(1, 2)).__floor__(), 10)


def slow_scores(evidence: list[tuple[int, int, str, str, int]], method: str) -> dict[Any, Any]:
    groups = defaultdict(list)
    for _, _, source, feature, score in evidence:
        groups[source, feature].append(score)
    best: dict[tuple[int, int, str], Fraction] = {}
    for variant, gene, source, feature, score in evidence:
        population = groups[source, feature]
        n_below = sum(other < score for other in population)
        quantile = tenth(method, n_below, population.count(score), len(population))
        key = (variant, gene, source)
        best[key] = max(best.get(key, Fraction(0)), quantile)
    overall: dict[tuple[int, int], Fraction] = defaultdict(Fraction)
    for (variant, gene, source), quantile in best.items():
        overall[variant, gene] += WEIGHTS[source] * quantile / ALL_WEIGHTS
    ranks = {
        (variant, gene): 1 + sum(other > score for (v, _), other in overall.items() if v == variant)
        for (variant, gene), score in overall.items()
    }
    return {key: (float(score), ranks[key]) for key, score in overall.items()}


def fill(con: Any, evidence: list[tuple[int, int, str, str, int]]) -> None:
    con.executemany(
        "insert into raw.variants values (?, ?, '1', ?, 'A', 'C', null, 1, null)",
        [(v, f"1_{v + 1}_A_C", v + 1) for v in range(12)],
    )
    con.executemany(
        """
        insert into raw.genes
        values (?, null, ?, '1', 1, 9, 1, 1, null, 'protein_coding', null, 1)
        """,
        [(f"ENSG{g}", f"G{g}") for g in range(6)],
    )
    con.executemany(
        "insert into raw.intervals values ('1', ?, ?, ?, null, ?, ?, ?, ?, 2)",
        [
            (v + 1, v + 1, f"ENSG{g}", TYPES[s], s, f, x)
            for v, g, s, f, x in evidence
            if s == "javierre2016"
        ],
    ) if any(s == "javierre2016" for _, _, s, _, _ in evidence) else None
    con.executemany(
        "insert into raw.qtl values ('1', ?, 'A', 'C', ?, null, ?, ?, ?, ?, null, null, ?, ?, 3)",
        [
            (v + 1, f"1_{v + 1}_A_C", f"ENSG{g}", TYPES[s], s, f, 10.0**-x, x)
            for v, g, s, f, x in evidence
            if s == "gtex_v7"
        ],
    ) if any(s == "gtex_v7" for _, _, s, _, _ in evidence) else None


def distinct_intervals(
    evidence: list[tuple[int, int, str, str, int]],
) -> list[tuple[int, int, str, str, int]]:
    """One interval record per place, gene and feature: the models keep the highest score."""
    best: dict[Any, int] = {}
    others = []
    for v, g, s, f, x in evidence:
        if s == "javierre2016":
            best[v, g, s, f] = max(best.get((v, g, s, f), 0), x)
        else:
            others.append((v, g, s, f, x))
    return [(*key, score) for key, score in best.items()] + others


@pytest.mark.parametrize("slices", [1024, 12, 2])
@pytest.mark.parametrize("method", ["percent_rank", "decile_ceil", "midrank"])
def test_models_equal_the_slow_twin(method: str, slices: int) -> None:
    evidence = random_evidence(seed=17)
    expected = slow_scores(distinct_intervals(evidence), method)
    with empty_warehouse() as con:
        fill(con, evidence)
        build(con, v2g_quantile=method, v2g_distance=False, v2g_score_slices=slices)
        got = {
            (int(variant.split("_")[1]) - 1, int(gene[4:])): (score, rank)
            for variant, gene, score, rank in con.sql(
                "select variant_id, gene_id, overall_score, rank from v2g_scores"
            ).fetchall()
        }
    assert len(expected) > 60
    assert got.keys() == expected.keys()
    for key, (score, rank) in expected.items():
        assert got[key][0] == pytest.approx(score, abs=1e-15)
        assert got[key][1] == rank


def scored(con: Any) -> list[Any]:
    return con.sql(  # type: ignore[no-any-return]
        "select variant_id, gene_id, overall_score, rank, sources from v2g_scores order by all"
    ).fetchall()


def test_threads_and_row_order_change_nothing() -> None:
    evidence = random_evidence(seed=5)
    tables = []
    for order, threads in ((0, 1), (1, 2)):
        shuffled = evidence[:]
        random.Random(order).shuffle(shuffled)
        with empty_warehouse() as con:
            con.execute(f"set threads = {threads}")
            fill(con, shuffled)
            build(con, threads=threads)
            tables.append(scored(con))
    assert tables[0] == tables[1]


@pytest.mark.parametrize("method", ["percent_rank", "percent_rank_raw", "sklearn10"])
def test_a_frozen_reference_scores_alike_in_any_batch(method: str) -> None:
    evidence = random_evidence(seed=9)
    with empty_warehouse() as con:
        fill(con, evidence)
        build(con, v2g_quantile=method, v2g_distance=False)
        whole = {row[:2]: row[2] for row in scored(con)}
        freeze_reference(con, "whole")
        con.execute("delete from raw.variants where pos > 4")
        build(con, v2g_quantile=method, v2g_distance=False, v2g_reference="whole")
        part = {row[:2]: row[2] for row in scored(con)}
    assert 0 < len(part) < len(whole)
    assert part == {key: whole[key] for key in part}


def test_a_second_build_changes_nothing() -> None:
    with empty_warehouse() as con:
        fill(con, random_evidence(seed=3))
        build(con)
        before = scored(con)
        again = build(con)
        assert {status for name, status in again.items() if name.startswith("int_")} == {
            "unchanged"
        }
        assert scored(con) == before


def test_other_weights_leave_the_pairs_as_they_are() -> None:
    with empty_warehouse() as con:
        fill(con, random_evidence(seed=3))
        build(con)
        before = scored(con)
        statuses = build(con, v2g_weights="equal")
        assert statuses["int_v2g__pairs"] == "unchanged"
        assert statuses["v2g_source_weights"] == statuses["int_v2g__scores"] == "success"
        assert scored(con) != before
