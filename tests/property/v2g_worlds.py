"""Small random worlds for the score models, full of ties, gaps and odd values."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import duckdb
from tests.rows import replace_rows


class Variant(NamedTuple):
    chrom: str
    pos: int
    ref: str
    alt: str

    @property
    def id(self) -> str:
        return f"{self.chrom}_{self.pos}_{self.ref}_{self.alt}"


class Gene(NamedTuple):
    id: str
    chrom: str
    tss: int
    canonical_tss: int | None
    biotype: str | None


class Qtl(NamedTuple):
    variant: Variant
    gene: str
    type: str
    source: str
    feature: str | None
    p: float | None
    neglog10_p: float | None


class Link(NamedTuple):
    """A row of a slice that ties a variant to a gene by an interval."""

    variant: Variant
    gene: str
    type: str
    source: str
    feature: str | None
    score: float | None


class Interval(NamedTuple):
    chrom: str
    start: int
    end: int
    gene: str
    type: str
    source: str
    feature: str
    score: float | None


class Consequence(NamedTuple):
    variant: Variant
    gene: str
    terms: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """Everything that is loaded; ``variants`` is the index, empty when none is loaded."""

    variants: Sequence[Variant]
    genes: Sequence[Gene]
    qtl: Sequence[Qtl]
    slice_qtl: Sequence[Qtl]
    slice_links: Sequence[Link]
    slice_terms: Sequence[Consequence]
    intervals: Sequence[Interval]
    vep: Sequence[Consequence]
    weights: Mapping[str, str]


VARIANTS = [
    Variant("1", 1000, "A", "C"),
    Variant("1", 1100, "A", "C"),
    Variant("1", 1100, "A", "G"),
    Variant("1", 1100, "ACGT", "A"),
    Variant("1", 1150, "T", "TAA"),
    Variant("1", 1200, "G", "T"),
    Variant("2", 1000, "C", "T"),
    Variant("2", 1050, "CAC", "C"),
    Variant("X", 500, "G", "C"),
    Variant("MT", 300, "A", "G"),
]
UNLISTED = Variant("1", 1300, "A", "T")
GENES = [
    Gene("G1", "1", 1000, 1100, "protein_coding"),
    Gene("G2", "1", 1200, None, "protein_coding"),
    Gene("G3", "1", 1101, 1900, "lincRNA"),
    Gene("G4", "1", 1250, 1250, "lncRNA"),
    Gene("G5", "1", 1050, 1000, "processed_pseudogene"),
    Gene("G6", "2", 900, 1150, "protein_coding"),
    Gene("G7", "2", 1100, None, "snRNA"),
    Gene("G8", "X", 501, None, None),
    Gene("GM", "MT", 300, 350, "protein_coding"),
]
UNKNOWN_GENE = "G0"
QTL_SOURCES = [
    ("gtex_v7", "eqtl"),
    ("own_eqtl", "eqtl"),
    ("sun2018", "pqtl"),
    # one study of two types
    ("own_study", "eqtl"),
    ("own_study", "sqtl"),
]
INTERVAL_SOURCES = {
    "javierre2016": ("pchic", [0.0, 0.5, 1.0, 2.5, 2.5, 7.0]),
    "andersson2014": ("fantom5", [0.0, 0.0, 1e-20, 0.01, 0.5, 1.0]),
    "thurman2012": ("dhscor", [0.7, 0.7, 0.8]),
    "jung2019": ("pchic", [1.0]),
    "mine": ("interval", [-1.0, 0.0, 0.25, 1.0]),
}
WEIGHTLESS = ("study", "qtl")
P_VALUES = [0.0, 1e-310, 1e-10, 1e-5, 0.01, 0.01, 0.05, 0.5, 1.0]
NEGLOG10_PS = [0.5, 2.5, 330.0, 400.0]
TERMS = [
    "stop_gained",
    "missense_variant",
    "splice_region_variant",
    "intron_variant",
    "5_prime_UTR_variant",
    "intergenic_variant",
    "word_of_next_year",
]


def random_qtl(rng: random.Random, *, in_slice: bool, weightless: bool) -> Qtl:
    source, type_id = rng.choice(QTL_SOURCES + [WEIGHTLESS] * (weightless and not in_slice))
    p: float | None = rng.choice(P_VALUES)
    neglog10_p = None
    if not in_slice and rng.random() < 0.3:
        p = 0.0 if rng.random() < 0.3 else None
        neglog10_p = rng.choice(NEGLOG10_PS) if p is None else 340.0
    elif rng.random() < 0.1:
        p = rng.choice([None, float("nan")])
    features = ["blood", "liver", None] if in_slice else ["blood", "liver"]
    variant, gene = random_pair(rng)
    return Qtl(variant, gene, type_id, source, rng.choice(features), p, neglog10_p)


def random_pair(rng: random.Random) -> tuple[Variant, str]:
    """Return a variant and a gene near it, or of no known chromosome, or elsewhere."""
    variant = rng.choice([*VARIANTS, UNLISTED])
    near = [gene.id for gene in GENES if gene.chrom == variant.chrom]
    return variant, rng.choice([*near * 4, UNKNOWN_GENE, "G1"])


def random_link(rng: random.Random) -> Link:
    source = rng.choice(sorted(INTERVAL_SOURCES))
    type_id, scores = INTERVAL_SOURCES[source]
    variant, gene = random_pair(rng)
    score = rng.choice([*scores, *scores, None, float("nan")])
    return Link(variant, gene, type_id, source, rng.choice(["liver", "skin", None]), score)


def random_interval(rng: random.Random) -> Interval:
    source = rng.choice(sorted(INTERVAL_SOURCES))
    type_id, scores = INTERVAL_SOURCES[source]
    chrom = rng.choice(["1", "1", "1", "2", "X", "MT"])
    near = [gene.id for gene in GENES if gene.chrom == chrom]
    start = rng.choice([300, 500, 1000, 1050, 1100, 1101, 1150, 1400])
    end = max(start, rng.choice([500, 1000, 1099, 1100, 1102, 1200, 1500]))
    gene = rng.choice([*near * 3, UNKNOWN_GENE])
    return Interval(
        chrom, start, end, gene, type_id, source, rng.choice(["liver", "gut"]), rng.choice(scores)
    )


def random_consequence(rng: random.Random, n_terms: int) -> Consequence:
    variant, gene = random_pair(rng)
    return Consequence(variant, gene, tuple(rng.sample(TERMS, n_terms)))


def random_world(
    seed: int, *, index: bool = True, weightless: bool = False, weights: Sequence[str] = ()
) -> World:
    """Draw a world, some rows of it twice; ``weights`` are the sources of the user's own table."""
    rng = random.Random(seed)
    qtl = [random_qtl(rng, in_slice=False, weightless=weightless) for _ in range(50)]
    slice_qtl = [random_qtl(rng, in_slice=True, weightless=weightless) for _ in range(30)]
    slice_links = [random_link(rng) for _ in range(30)]
    slice_terms = [random_consequence(rng, 1) for _ in range(8)]
    intervals = [random_interval(rng) for _ in range(50)]
    # the same places in a second file, some with another score
    intervals += [
        row._replace(score=rng.choice(INTERVAL_SOURCES[row.source][1]))
        for row in rng.sample(intervals, 15)
    ]
    return World(
        variants=VARIANTS if index else [],
        genes=GENES,
        qtl=[*qtl, *rng.sample(qtl, 3)],
        slice_qtl=[*slice_qtl, *rng.sample(slice_qtl, 3)],
        slice_links=[*slice_links, *rng.sample(slice_links, 3)],
        slice_terms=slice_terms * 2,
        intervals=intervals,
        vep=[random_consequence(rng, rng.choice([1, 2, 3])) for _ in range(12)],
        weights={source: rng.choice(["0", "0.33", "0.5", "1", "2"]) for source in weights},
    )


def placed(variant: Variant) -> dict[str, Any]:
    return {**variant._asdict(), "variant_id": variant.id, "load_id": 1}


def fill(con: duckdb.DuckDBPyConnection, world: World) -> None:
    """Put a world in the place of what was loaded before."""
    replace_rows(
        con,
        "raw.variants",
        [{**placed(v), "variant_idx": i} for i, v in enumerate(sorted(world.variants))],
    )
    replace_rows(
        con,
        "raw.genes",
        [
            {
                "gene_id": gene.id,
                "chrom": gene.chrom,
                "start_pos": gene.tss,
                "end_pos": gene.tss + 10,
                "strand": 1,
                "tss_pos": gene.tss,
                "canonical_tss_pos": gene.canonical_tss,
                "biotype": gene.biotype,
                "load_id": 1,
            }
            for gene in world.genes
        ],
    )
    replace_rows(
        con,
        "raw.qtl",
        [
            {
                **placed(row.variant),
                "gene_id": row.gene,
                "type_id": row.type,
                "source_id": row.source,
                "feature": row.feature,
                "p_value": row.p,
                "neglog10_p": row.neglog10_p,
            }
            for row in world.qtl
        ],
    )
    replace_rows(con, "raw.evidence", slice_rows(world))
    replace_rows(
        con,
        "raw.intervals",
        [
            {
                "chrom": row.chrom,
                "start_pos": row.start,
                "end_pos": row.end,
                "gene_id": row.gene,
                "type_id": row.type,
                "source_id": row.source,
                "feature": row.feature,
                "score": row.score,
                "load_id": 2,
            }
            for row in world.intervals
        ],
    )
    replace_rows(
        con,
        "raw.annotations",
        [
            {
                **placed(row.variant),
                "gene_id": row.gene,
                "consequence_terms": list(row.terms),
                "scores": [],
                "rank": 1,
                "file_rank": 1,
            }
            for row in world.vep
        ],
    )
    replace_rows(
        con,
        "raw.source_weights",
        [
            {"source_id": source, "weight": float(weight), "load_id": 1}
            for source, weight in world.weights.items()
        ],
    )


def slice_rows(world: World) -> list[dict[str, Any]]:
    """Return rows of an evidence slice; what a row has no number for is 0 there."""

    def row(variant: Variant, gene: str, feature: str | None, kind: str, source: str) -> Any:
        return {
            **placed(variant),
            "gene_id": gene,
            "feature": feature,
            "type_id": kind,
            "source_id": source,
            "csq_counts": 0,
            "qtl_beta": 0.0,
            "qtl_se": 0.0,
            "qtl_pval": 0.0,
            "interval_score": 0.0,
        }

    rows = [
        {**row(q.variant, q.gene, q.feature, q.type, q.source), "qtl_pval": q.p}
        for q in world.slice_qtl
    ]
    rows += [
        {**row(k.variant, k.gene, k.feature, k.type, k.source), "interval_score": k.score}
        for k in world.slice_links
    ]
    rows += [row(c.variant, c.gene, c.terms[0], "vep", "vep") for c in world.slice_terms]
    return rows
