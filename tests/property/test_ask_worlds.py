"""Questions asked of random worlds, against the rows that the answers are made of."""

from __future__ import annotations

import csv
import io
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.property import v2g_profile_twin as twin
from tests.property.asked_worlds import (
    ANSWERS,
    RSIDS,
    SETTINGS,
    SYMBOLS,
    Asked,
    alleles,
    asked_world,
    reason,
)
from tests.property.v2g_worlds import (
    GENES,
    UNKNOWN_GENE,
    UNLISTED,
    VARIANTS,
    Variant,
)

from varhouse import ask
from varhouse.errors import DataError
from varhouse.file_formats import choose_format
from varhouse.output import write_file


@pytest.fixture(scope="module", params=SETTINGS)
def asked(request: pytest.FixtureRequest) -> Iterator[Asked]:
    yield from asked_world(request.param)


def test_contributions_add_up(asked: Asked) -> None:
    """Weight x score / denominator of each source that scores, from the row that won."""
    pairs = asked.rows("from v2g_scores")
    assert len(pairs) > 10
    sources = {
        (row["variant_id"], row["gene_id"], row["source_id"]): row
        for row in asked.rows("from v2g_source_scores")
    }
    found = asked.rows(
        "select explained.* from v2g_scores as scores, "
        "explain_v2g(scores.variant_id, scores.gene_id) as explained"
    )
    ranked, _ = twin.ranked_rows(asked.world, asked.profile)
    raw: dict[tuple[str, ...], float] = {}
    for row in ranked:
        key = (row.variant.id, row.gene, row.source, row.feature)
        raw[key] = max(row.score, raw.get(key, row.score))
    by_pair: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in found:
        by_pair.setdefault((row["variant_id"], row["gene_id"]), []).append(row)
    assert by_pair.keys() == {(row["variant_id"], row["gene_id"]) for row in pairs}
    for pair in pairs:
        parts = by_pair[pair["variant_id"], pair["gene_id"]]
        assert len(parts) == pair["n_sources"]
        total = math.fsum(part["contribution"] for part in parts)
        assert total == pytest.approx(pair["overall_score"], abs=1e-14)
        for part in parts:
            source = sources.pop((part["variant_id"], part["gene_id"], part["source_id"]))
            assert {part[name] == source[name] for name in ("score", "weight", "feature")} == {True}
            assert part["denominator"] == pair["denominator"]
            share = part["weight"] * part["score"] / part["denominator"]
            assert part["contribution"] == pytest.approx(share, abs=1e-15)
            assert (part["rank"], part["overall_score"]) == (pair["rank"], pair["overall_score"])
            key = (part["variant_id"], part["gene_id"], part["source_id"], part["feature"])
            assert part["raw_score"] == pytest.approx(raw[key], rel=1e-12), part
            assert part["gene_name"] == SYMBOLS.get(part["gene_id"])
            if part["type_id"] == "distance":
                assert part["file"] == "variants x genes (computed)"
            elif part["type_id"] in ("eqtl", "pqtl", "sqtl"):
                assert part["file"] == "slice.parquet"
            else:
                assert part["file"] in ("slice.parquet", 'intervals,\n"ü".bed')
    # a source score without a score of its pair: all sources of the pair weigh nothing
    assert {row["weight"] for row in sources.values()} <= {0.0}


@pytest.mark.parametrize(
    "name", [*RSIDS, *(v.id for v in VARIANTS[::3]), "RS22", "rs99", "1_1_A_C"]
)
def test_genes_of_a_variant(asked: Asked, name: str) -> None:
    wanted = alleles(name.lower() if name.startswith("RS") else name, asked)
    if name == "rs99":
        wanted = []
    scores = [row for row in asked.rows("from v2g_scores") if row["variant_id"] in wanted]
    scores.sort(key=lambda row: (row["variant_id"], row["rank"], row["gene_id"]))
    found = asked.rows("from genes_for_variant(?)", name)
    same = ("variant_id", "gene_id", "rank", "overall_score", "n_sources")
    assert [[row[c] for c in same] for row in found] == [[row[c] for c in same] for row in scores]
    tss = {gene.id: gene.tss for gene in GENES}
    for row, score in zip(found, scores, strict=True):
        best = min(
            score["sources"], key=lambda part: (-part["score"] * part["weight"], part["source_id"])
        )
        assert row["best_source_id"] == best["source_id"]
        assert row["gene_name"] == SYMBOLS.get(row["gene_id"])
        assert row["tss_distance_bp"] == int(row["variant_id"].split("_")[1]) - tss[row["gene_id"]]
    try:
        answer = ask.genes_for_variant(asked.con, name)
    except DataError:
        universe = {v.id for v in twin.scored_variants(asked.world)}
        assert not universe & set(wanted)
        assert not scores
    else:
        assert answer.table.to_pylist() == found
        assert bool(answer.notes) == (not scores)


@pytest.mark.parametrize(
    ("name", "genes"),
    [
        *((gene.id, [gene.id]) for gene in GENES[::2]),
        # its symbol is its id
        ("G6", ["G6"]),
        # only Ensembl ids have versions
        ("G1.7", []),
        (" g1 ", ["G1"]),
        ("alpha", ["G1"]),
        ("GRÖSSE", []),
        ("gröSSe", []),
        ("größe", ["G4"]),
        ("duplex", ["G2", "G3"]),
        # its own id and the symbol of another
        ("G8", ["G7", "G8"]),
        ("ENSG00000000001", []),
        ("", []),
    ],
)
def test_variants_of_a_gene(asked: Asked, name: str, genes: list[str]) -> None:
    scores = [row for row in asked.rows("from v2g_scores") if row["gene_id"] in genes]
    found = asked.rows("from variants_for_gene(?)", name)
    same = ("variant_id", "gene_id", "rank", "overall_score", "n_sources")
    assert sorted([row[c] for c in same] for row in found) == sorted(
        [row[c] for c in same] for row in scores
    )
    order = [
        (-row["overall_score"], abs(row["tss_distance_bp"]), row["variant_id"]) for row in found
    ]
    assert order == sorted(order)
    if len(genes) == 1:
        answer = ask.variants_for_gene(asked.con, name)
        assert answer.table.to_pylist() == found
        assert bool(answer.notes) == (not found)
    else:
        with pytest.raises(DataError, match="2 genes" if genes else "not in the gene index"):
            ask.variants_for_gene(asked.con, name)


def test_why_a_pair_has_no_score(asked: Asked) -> None:
    scored = {(row["variant_id"], row["gene_id"]) for row in asked.rows("from v2g_scores")}
    reasons = set()
    wrong = []
    ids = [*(gene.id for gene in GENES if gene.id != "G8"), UNKNOWN_GENE]
    pairs = [(variant, gene_id) for variant in [*VARIANTS, UNLISTED] for gene_id in ids]
    without = [(v, g) for v, g in pairs if (v.id, g) not in scored]
    rng = random.Random(1)
    # a few of each reason
    rng.shuffle(without)
    tried: dict[str, list[tuple[Variant, str]]] = {}
    for variant, gene_id in without:
        tried.setdefault(reason(asked, variant, gene_id), []).append((variant, gene_id))
    few = [pair for of_reason in tried.values() for pair in of_reason[:2]]
    for variant, gene_id in [*few, *rng.sample(pairs, 3)]:
        rows = ask.why_missing(asked.con, variant.id, gene_id).table.to_pylist()
        answer = rows[-1]["found"]
        assert rows[-1]["verdict"] == "answer"
        if (variant.id, gene_id) in scored:
            assert answer.startswith("not missing"), answer
            continue
        why = reason(asked, variant, gene_id)
        reasons.add(why)
        if ANSWERS[why] not in answer:
            wrong.append((variant.id, gene_id, why, answer))
    assert not wrong, "\n".join(map(str, wrong))
    assert {"unknown gene", "excluded", "nothing"} <= reasons


def test_evaluation_is_counting(asked: Asked, tmp_path: Path) -> None:
    """Ranks, shares and mean reciprocal ranks, and those of the nearest gene that is scored."""
    scores = {(row["variant_id"], row["gene_id"]): row for row in asked.rows("from v2g_scores")}
    rng = random.Random(7)
    named = [
        (
            rng.choice([*RSIDS, *(v.id for v in VARIANTS)]),
            rng.choice(["G1", "G2", "G3", "G5", "G6"]),
        )
        for _ in range(25)
    ]
    gold = tmp_path / "gold.tsv"
    gold.write_text("variant\tgene\n" + "".join(f"{v}\t{g}\n" for v, g in named))
    found = ask.evaluate(asked.con, gold)
    best: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    universe = {v.id: v for v in twin.scored_variants(asked.world)}
    genes = [
        g for g in GENES if g.chrom != "MT" and not twin.has_excluded_biotype(g, asked.profile)
    ]
    tss = {
        g.id: g.canonical_tss
        if asked.profile["tss"] == "canonical_transcript" and g.canonical_tss is not None
        else g.tss
        for g in genes
    }
    for (variant, gene), row in zip(named, found.rows.to_pylist(), strict=True):
        ids = [one for one in alleles(variant, asked) if one in universe]
        scored = [one for one in ids if any(pair[0] == one for pair in scores)]
        ranks = [scores[one, gene]["rank"] for one in scored if (one, gene) in scores]
        assert row["rank"] == min(ranks, default=None)
        assert (row["status"] == "ranked") == bool(ranks)
        if not scored:
            assert row["status"] in ("variant has no scores", "variant not in the index")
            continue
        nearest = []
        for one in scored:
            chrom, pos = universe[one].chrom, universe[one].pos
            away = {g.id: abs(pos - tss[g.id]) for g in genes if g.chrom == chrom}
            if gene in away:
                nearest.append(1 + sum(bp < away[gene] for bp in away.values()))
        assert row["nearest_rank"] == min(nearest, default=None)
        rank = min(ranks, default=math.inf)
        best.setdefault(tuple(ids), []).append((rank, min(nearest, default=math.inf)))
    measures = {row["measure"]: row for row in found.summary.to_pylist()}
    assert measures["evaluated"]["n"] == len(best)
    for place, column in enumerate(("v2g", "nearest_gene")):
        ranks = [min(pair[place] for pair in pairs) for pairs in best.values()]
        for measure, value in (
            ("top_1", [rank <= 1 for rank in ranks]),
            ("top_3", [rank <= 3 for rank in ranks]),
            ("mrr", [1 / rank for rank in ranks]),
        ):
            assert measures[measure][column] == pytest.approx(sum(value) / len(value), rel=1e-12)


def test_formats_carry_the_same_rows(asked: Asked, tmp_path: Path) -> None:
    """Numbers to their last bit, NULL, letters and line breaks, with rows and without any."""
    whole = asked.con.sql(
        "select scores.*, explained.*, -5e-324 as tiny, cast(1e-300 as double) as small, "
        "cast(null as double) as nothing, true as yes, cast(null as varchar) as no_text, "
        "'' as empty from v2g_scores as scores, "
        "explain_v2g(scores.variant_id, scores.gene_id) as explained"
    ).to_arrow_table()
    whole = whole.rename_columns([f"c{i}_{name}" for i, name in enumerate(whole.column_names)])
    for table in (whole, whole.slice(0, 0)):
        rows = table.to_pylist()
        for form in ("csv", "tsv", "json", "parquet", "txt"):
            write_file(table, tmp_path / f"x.{form}", choose_format(None, tmp_path / f"x.{form}"))
        assert pq.read_table(tmp_path / "x.parquet") == table
        assert json.loads((tmp_path / "x.json").read_text("utf-8")) == rows
        for form, separator in (("csv", ","), ("tsv", "\t")):
            text = (tmp_path / f"x.{form}").read_text("utf-8")
            cells = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
            assert text.splitlines()[0].split(separator) == table.column_names
            assert len(cells) == len(rows)
            for cell, row in zip(cells, rows, strict=True):
                for name, value in row.items():
                    if isinstance(value, float):
                        assert float(cell[name]) == value
                    elif isinstance(value, list):
                        assert json.loads(cell[name]) == value
                    else:
                        shown = "true" if value is True else "" if value is None else str(value)
                        assert cell[name] == shown
        lines = (tmp_path / "x.txt").read_text("utf-8").splitlines()
        assert len(lines) == len(rows) + 1
