"""Gene scores of study loci: by hand, and against a slow twin in plain Python and fractions."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from tests.v2g import build, empty_warehouse

# Scores of the shipped VEP map; VEP weighs 1 of the 3.64 of all sources.
TERMS = {
    "stop_gained": Fraction(1),
    "missense_variant": Fraction(66, 100),
    "synonymous_variant": Fraction(33, 100),
}
ALL_WEIGHTS = Fraction(364, 100)
N_VARIANTS, N_GENES = 12, 6

Consequence = tuple[int, int, str]
"""Variant, gene, term."""
Tag = tuple[str, int, int, Fraction | None, Fraction | None]
"""Study, lead, tag, posterior, r2."""


def variant_id(number: int) -> str:
    return f"1_{number}_A_C"


def fill(con: Any, consequences: Sequence[Consequence], tags: Sequence[Tag]) -> None:
    con.executemany(
        "insert into raw.variants values (?, ?, '1', ?, 'A', 'C', null, 1, null)",
        [(v, variant_id(v), v) for v in range(1, N_VARIANTS + 1)],
    )
    con.executemany(
        """
        insert into raw.genes
        values (?, null, ?, '1', 1, 9, 1, 1, null, 'protein_coding', null, 1)
        """,
        [(f"ENSG{g}", f"G{g}") for g in range(N_GENES)],
    )
    con.executemany(
        """
        insert into raw.annotations
            (chrom, pos, ref, alt, variant_id, gene_id, consequence_terms, scores, rank, file_rank,
            load_id)
        values ('1', ?, 'A', 'C', ?, ?, ?, map {}, 1, 1, 2)
        """,
        [(v, variant_id(v), f"ENSG{g}", [term]) for v, g, term in consequences],
    )
    con.executemany(
        "insert into raw.tags values (?, ?, ?, ?, ?, 3)",
        [
            (
                study,
                variant_id(lead),
                variant_id(tag),
                *(None if x is None else float(x) for x in w),
            )
            for study, lead, tag, *w in tags
        ],
    )


def loci(con: Any) -> dict[tuple[str, str, str], tuple[float, float, int, int]]:
    rows = con.sql(
        """
        select study_id, lead_variant_id, gene_id, score, normalised_score, rank, n_tags
        from v2g_locus_scores
        """
    ).fetchall()
    found = {row[:3]: row[3:] for row in rows}
    assert len(found) == len(rows)
    return found


def test_a_locus_by_hand() -> None:
    consequences = [
        (1, 0, "stop_gained"),
        (1, 1, "missense_variant"),
        (2, 0, "missense_variant"),
        (2, 1, "synonymous_variant"),
        (4, 2, "stop_gained"),
    ]
    tags: list[Tag] = [
        ("S", 1, 1, Fraction("0.6"), Fraction(1)),
        ("S", 1, 2, Fraction("0.3"), Fraction("0.9")),
        # in the variant index without a score, and in no index at all
        ("S", 1, 3, Fraction("0.06"), Fraction("0.8")),
        ("S", 1, 99, Fraction("0.04"), Fraction("0.8")),
        # the same lead in another study, by r2; its lead is not among its tags
        ("T", 1, 2, None, Fraction("0.5")),
        # nothing of this locus has a score
        ("U", 3, 3, Fraction(1), None),
    ]
    with empty_warehouse() as con:
        fill(con, consequences, tags)
        build(con, v2g_distance=False)
        got = loci(con)
    # 0.6 x 1 + 0.3 x 0.66 = 0.798 and 0.6 x 0.66 + 0.3 x 0.33 = 0.495, of 1.293;
    # 0.5 x 0.66 = 0.33 and 0.5 x 0.33 = 0.165, of 0.495
    expected = {
        ("S", "1_1_A_C", "ENSG0"): (0.798 / 3.64, 0.798 / 1.293, 1, 2),
        ("S", "1_1_A_C", "ENSG1"): (0.495 / 3.64, 0.495 / 1.293, 2, 2),
        ("T", "1_1_A_C", "ENSG0"): (0.330 / 3.64, 2 / 3, 1, 1),
        ("T", "1_1_A_C", "ENSG1"): (0.165 / 3.64, 1 / 3, 2, 1),
    }
    assert got.keys() == expected.keys()
    for key, values in expected.items():
        assert got[key] == pytest.approx(values, abs=1e-12), key


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([(None, Fraction("0.9")), (Fraction("0.2"), None)], 0.2),
        ([(Fraction("0.2"), Fraction("0.9"))], 0.2),
        ([(Fraction(0), Fraction(1))], 0.0),
        ([(None, Fraction("0.4")), (None, Fraction("0.9"))], 0.9),
        ([(Fraction("0.1"), None), (Fraction("0.3"), None)], 0.3),
    ],
)
def test_a_posterior_beats_r2_whichever_is_higher(weights: list[Any], expected: float) -> None:
    """A tag named by several files counts once: by its highest posterior, else its highest r2."""
    with empty_warehouse() as con:
        fill(con, [(1, 0, "stop_gained")], [("S", 1, 1, *weight) for weight in weights])
        build(con, v2g_distance=False, v2g_denominator="available")
        ((score, share, rank, n_tags),) = loci(con).values()
    assert (score, rank, n_tags) == (pytest.approx(expected, abs=1e-15), 1, 1)
    assert share == (1.0 if expected else None)


def test_equal_genes_share_a_rank() -> None:
    consequences = [
        (1, 0, "stop_gained"), (2, 0, "synonymous_variant"),
        (1, 1, "synonymous_variant"), (2, 1, "stop_gained"),
        (1, 2, "stop_gained"), (2, 2, "synonymous_variant"),
        (1, 3, "missense_variant"),
    ]  # fmt: skip
    tags: list[Tag] = [("S", 1, v, Fraction("0.1"), None) for v in (1, 2)]
    with empty_warehouse() as con:
        fill(con, consequences, tags)
        build(con, v2g_distance=False)
        ranks = {gene: values[2] for (_, _, gene), values in loci(con).items()}
    assert ranks == {"ENSG0": 1, "ENSG1": 1, "ENSG2": 1, "ENSG3": 4}


def random_locus_data(seed: int) -> tuple[list[Consequence], list[Tag]]:
    """Return consequences and tags with repeats, gaps, unknown variants and many ties."""
    rng = random.Random(seed)
    consequences = [
        (rng.randint(1, N_VARIANTS), rng.randrange(N_GENES), rng.choice(sorted(TERMS)))
        for _ in range(40)
    ]

    def measure() -> Fraction | None:
        return None if rng.random() < 0.4 else Fraction(rng.randint(0, 20), 20)

    tags = []
    while len(tags) < 150:
        row = (rng.choice("STU"), rng.randint(1, 3), rng.randint(1, N_VARIANTS + 3))
        posterior, r2 = measure(), measure()
        if posterior is not None or r2 is not None:
            tags.append((*row, posterior, r2))
    return consequences, tags


def slow_loci(
    consequences: Sequence[Consequence], tags: Sequence[Tag], denominator: Fraction
) -> dict[tuple[str, str, str], tuple[Fraction, Fraction | None, int, int]]:
    """Score every locus as SPEC words it: a gene at a time, a tag at a time."""
    overall: dict[tuple[int, int], Fraction] = defaultdict(Fraction)
    for v, g, term in consequences:
        overall[v, g] = max(overall[v, g], TERMS[term] / denominator)
    result = {}
    for study, lead in sorted({tag[:2] for tag in tags}):
        rows = [tag for tag in tags if tag[:2] == (study, lead)]
        scores: dict[int, Fraction] = {}
        n_tags: dict[int, int] = {}
        for g in range(N_GENES):
            for v in sorted({row[2] for row in rows}):
                if (v, g) in overall:
                    posteriors = [row[3] for row in rows if row[2] == v and row[3] is not None]
                    r2s = [row[4] for row in rows if row[2] == v and row[4] is not None]
                    scores[g] = scores.get(g, Fraction(0)) + max(posteriors or r2s) * overall[v, g]
                    n_tags[g] = n_tags.get(g, 0) + 1
        total = sum(scores.values())
        for g, score in scores.items():
            rank = 1 + sum(other > score for other in scores.values())
            share = score / total if total else None
            result[study, variant_id(lead), f"ENSG{g}"] = (score, share, rank, n_tags[g])
    return result


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("denominator", ["available", "all"])
def test_the_model_equals_the_slow_twin(seed: int, denominator: str) -> None:
    consequences, tags = random_locus_data(seed)
    total = ALL_WEIGHTS if denominator == "all" else Fraction(1)
    expected = slow_loci(consequences, tags, total)
    with empty_warehouse() as con:
        fill(con, consequences, tags)
        build(con, v2g_distance=False, v2g_denominator=denominator)
        got = loci(con)
    assert len(expected) > 40
    assert got.keys() == expected.keys()
    for key, (score, share, rank, n_tags) in expected.items():
        assert got[key][0] == pytest.approx(float(score), abs=1e-12)
        assert got[key][1] == pytest.approx(None if share is None else float(share), abs=1e-11)
        assert got[key][3] == n_tags
        if denominator == "available":
            # with scores of two decimals the sums are exact, and so are their ties
            assert got[key][2] == rank
    shares: dict[tuple[str, str], float] = defaultdict(float)
    for (study, lead, _), (_, share, _, _) in got.items():
        shares[study, lead] += share
    assert all(share == pytest.approx(1, abs=1e-12) for share in shares.values())


def test_row_order_and_threads_change_nothing() -> None:
    consequences, tags = random_locus_data(seed=11)
    tables = []
    for threads in (1, 2):
        random.Random(threads).shuffle(tags)
        with empty_warehouse() as con:
            con.execute(f"set threads = {threads}")
            fill(con, consequences, tags)
            build(con, threads=threads)
            tables.append(loci(con))
    assert tables[0] == tables[1]


def test_tags_without_scores_make_no_loci() -> None:
    consequences, _ = random_locus_data(seed=1)
    with empty_warehouse() as con:
        fill(con, consequences, [("S", 1, 99, Fraction(1), None)])
        build(con)
        assert loci(con) == {}
