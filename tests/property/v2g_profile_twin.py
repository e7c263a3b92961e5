"""Variant-to-gene scores under any profile: slow, obvious, written from the description alone.

What is ranked is compared as the doubles that the files hold; quantiles, sums and ranks of genes
are exact fractions.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from tests.property.v2g_worlds import Gene, Interval, Qtl, Variant, World

Profile = Mapping[str, Any]
Group = tuple[str, str]

CHROMOSOMES = {*(str(n) for n in range(1, 23)), "X", "Y"}
SMALLEST = 5e-324
VEP, DISTANCE, UNSPECIFIED = "vep", "canonical_tss", "unspecified"

VEP_MAPS = {
    "configs": {"stop_gained": 1.0, "missense_variant": 0.66, "splice_region_variant": 0.33},
    "lut2019": {
        "stop_gained": 1.0,
        "missense_variant": 0.66,
        "splice_region_variant": 0.33,
        "intron_variant": 0.1,
        "5_prime_UTR_variant": 0.1,
    },
    "proto180807": {"stop_gained": 1.0, "missense_variant": 0.75, "splice_region_variant": 0.25},
}
LISTED_ALWAYS = {
    VEP: "1",
    **dict.fromkeys(("javierre2016", "andersson2014", "thurman2012", DISTANCE), "0.33"),
}
LISTED = {
    "page": {**LISTED_ALWAYS, "gtex_v7": "0.66", "sun2018": "0.66"},
    "production2022": {
        **LISTED_ALWAYS,
        **dict.fromkeys(("eqtl", "pqtl"), "0.66"),
        "sqtl": "1",
        "jung2019": "0.33",
    },
    "equal": {},
}
BY_TYPE = {
    "page": {
        **dict.fromkeys(("eqtl", "pqtl"), "0.66"),
        **dict.fromkeys(("vep", "sqtl"), "1"),
        **dict.fromkeys(("pchic", "fantom5", "dhscor", "interval", "distance"), "0.33"),
    }
}
DENIED = {"processed_pseudogene", "snRNA"}
ALLOWED = {"protein_coding", "lincRNA"}


class Row(NamedTuple):
    variant: Variant
    gene: str
    type: str
    source: str
    feature: str
    score: float


class Pair(NamedTuple):
    """A row of ``v2g_scores``; ``sources`` has score and weight of each."""

    score: Fraction
    rank: int
    denominator: Fraction
    sources: dict[str, tuple[Fraction, Fraction]]


@dataclass
class Expected:
    """Both tables by (variant id, gene id); ``features`` are those that reach a source score."""

    pairs: dict[tuple[str, str], Pair] = field(default_factory=dict)
    features: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)


class NoWeightError(Exception):
    """A source has no weight and the profile does not drop it."""


# --- which variants and genes


def scored_variants(world: World) -> list[Variant]:
    if world.variants:
        return list(world.variants)
    named = (world.qtl, world.slice_qtl, world.slice_links, world.slice_terms, world.vep)
    return sorted({row.variant for rows in named for row in rows})


def has_excluded_biotype(gene: Gene, profile: Profile) -> bool:
    match profile["biotype"]:
        case "deny_page":
            return gene.biotype in DENIED
        case "allow_production":
            return gene.biotype not in ALLOWED
        case "protein_coding":
            return gene.biotype != "protein_coding"
        case _:
            return False


def genes_of(world: World, profile: Profile, *, ranked: bool) -> dict[str, Gene]:
    """Genes that are scored, or (``ranked``) whose QTL, intervals and VEP rows are ranked."""
    keep_all = ranked and profile["biotype_stage"] == "after"
    return {
        gene.id: gene
        for gene in world.genes
        if gene.chrom in CHROMOSOMES and (keep_all or not has_excluded_biotype(gene, profile))
    }


# --- raw scores, higher is stronger


def measured(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def neglog10(p: float) -> float:
    return -math.log10(p if p > 0 else SMALLEST)


def qtl_score(row: Qtl, profile: Profile) -> float | None:
    p, exact = measured(row.p), measured(row.neglog10_p)
    if profile["qtl"] == "neglog10p":
        if exact is None and p is not None:
            return neglog10(p)
        return exact
    if p is None and exact is not None:
        p = math.pow(10, -exact)
    return None if p is None else 1 - p


def interval_score(source: str, own: float | None, profile: Profile) -> float | None:
    own = measured(own)
    if own is None or (own == 0 and profile["interval_zero"] == "drop"):
        return None
    if source == "andersson2014" and profile["fantom"] == "neglog10_fdr":
        return neglog10(own)
    return -own if source in profile["lower_is_better"] else own


def records_of(world: World, profile: Profile) -> dict[Interval, float]:
    """Return the strongest score of each (interval, gene, feature), whatever files it is in."""
    best: dict[Interval, float] = {}
    for interval in world.intervals:
        score = interval_score(interval.source, interval.score, profile)
        if score is not None:
            key = interval._replace(score=None)
            best[key] = max(score, best.get(key, score))
    return best


def lies_in(variant: Variant, interval: Interval, profile: Profile) -> bool:
    last = variant.pos + (len(variant.ref) - 1 if profile["interval_join"] == "ref_span" else 0)
    return (
        variant.chrom == interval.chrom and variant.pos <= interval.end and interval.start <= last
    )


def term_score(term: str, profile: Profile) -> float:
    return VEP_MAPS[profile["vep_map"]].get(term, 0.0)


def vep_rows(world: World, profile: Profile) -> list[Row]:
    """One row a pair, the strongest of its terms."""
    best: dict[tuple[Variant, str], float] = {}
    for row in [*world.slice_terms, *world.vep]:
        counted = row.terms[:1] if profile["vep_terms"] == "first" else row.terms
        for term in counted:
            key = (row.variant, row.gene)
            best[key] = max(best.get(key, 0.0), term_score(term, profile))
    return [Row(v, g, VEP, VEP, UNSPECIFIED, score) for (v, g), score in best.items()]


def qtl_rows(world: World, profile: Profile) -> list[Row]:
    rows = []
    for qtl in [*world.qtl, *world.slice_qtl]:
        score = qtl_score(qtl, profile)
        source = qtl.type if profile["source_alias"] else qtl.source
        if score is not None:
            feature = qtl.feature or UNSPECIFIED
            rows.append(Row(qtl.variant, qtl.gene, qtl.type, source, feature, score))
    return rows


def link_rows(world: World, profile: Profile) -> list[Row]:
    """Return rows of slices that were joined to variants before they were dumped."""
    rows = []
    for link in world.slice_links:
        score = interval_score(link.source, link.score, profile)
        if score is not None:
            feature = link.feature or UNSPECIFIED
            rows.append(Row(link.variant, link.gene, link.type, link.source, feature, score))
    return rows


def overlap_rows(world: World, profile: Profile) -> list[Row]:
    return [
        Row(variant, record.gene, record.type, record.source, record.feature, score)
        for record, score in records_of(world, profile).items()
        for variant in scored_variants(world)
        if lies_in(variant, record, profile)
    ]


def distance_rows(world: World, profile: Profile) -> list[Row]:
    rows = []
    if profile["distance"]:
        for gene in genes_of(world, profile, ranked=False).values():
            tss = gene.tss
            if profile["tss"] == "canonical_transcript" and gene.canonical_tss is not None:
                tss = gene.canonical_tss
            for variant in scored_variants(world):
                bp = abs(variant.pos - tss)
                if variant.chrom == gene.chrom and bp <= profile["max_distance"]:
                    score = 1 / max(bp, 1)
                    rows.append(Row(variant, gene.id, "distance", DISTANCE, UNSPECIFIED, score))
    return rows


# --- quantiles


def tenths(value: Fraction) -> Fraction:
    return Fraction((value * 10 + Fraction(1, 2)).__floor__(), 10)


def rank_quantile(score: float, population: Sequence[float], method: str) -> Fraction:
    n = len(population)
    n_below = sum(other < score for other in population)
    if method == "decile_ceil":
        return Fraction(10 * n_below // n + 1, 10)
    if method == "midrank":
        return tenths(Fraction(2 * n_below + population.count(score), 2 * n))
    percent = Fraction(n_below, n - 1) if n > 1 else Fraction(0)
    return percent if method == "percent_rank_raw" else tenths(percent)


def interpolate(x: Fraction, xs: Sequence[Fraction], ys: Sequence[Fraction]) -> Fraction:
    """Piecewise linear, flat outside; of several nodes at x the last counts."""
    if x < xs[0]:
        return ys[0]
    last = max(i for i, node in enumerate(xs) if node <= x)
    if last == len(xs) - 1:
        return ys[-1]
    share = (x - xs[last]) / (xs[last + 1] - xs[last])
    return ys[last] + share * (ys[last + 1] - ys[last])


def sklearn_quantile(score: float, population: Sequence[float]) -> Fraction:
    """Return what QuantileTransformer(n_quantiles=10) makes of a score, the uniform output."""
    values = sorted(map(Fraction, population))
    n_nodes = min(10, len(values))
    ys = [Fraction(i, max(n_nodes - 1, 1)) for i in range(n_nodes)]
    ranks = [Fraction(i) for i in range(len(values))]
    xs = [interpolate(y * (len(values) - 1), ranks, values) for y in ys]
    x = Fraction(score)
    if x == xs[0]:
        return Fraction(0)
    if x == xs[-1]:
        return Fraction(1)
    from_below = interpolate(x, xs, ys)
    from_above = -interpolate(-x, [-node for node in xs[::-1]], [-y for y in ys[::-1]])
    return (from_below + from_above) / 2


def quantile(score: float, population: Sequence[float], profile: Profile) -> Fraction:
    """Scores that the population lacks take the quantile of the next higher one, or the highest."""
    if profile["constant"] != "method" and len(set(population)) == 1:
        return Fraction(str(profile["constant"]))
    if profile["quantile"] == "sklearn10":
        return sklearn_quantile(score, population)
    known = min((other for other in population if other >= score), default=max(population))
    return rank_quantile(known, population, profile["quantile"])


def by_group(rows: Iterable[Row]) -> dict[Group, list[float]]:
    groups = defaultdict(list)
    for row in rows:
        groups[row.source, row.feature].append(row.score)
    return groups


def ranked_rows(world: World, profile: Profile) -> tuple[list[Row], dict[Group, list[float]]]:
    """Return the rows that take part, and the scores that they are ranked among."""
    genes = genes_of(world, profile, ranked=True)
    variants = set(scored_variants(world))

    def usable(rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if row.gene in genes and row.variant in variants]

    overlaps = usable(overlap_rows(world, profile))
    vep = usable(vep_rows(world, profile))
    if profile["vep"] == "raw":
        vep = [row for row in vep if row.score > 0]
    others = [*usable([*qtl_rows(world, profile), *link_rows(world, profile)]), *vep]
    rows = [*overlaps, *others, *distance_rows(world, profile)]
    population = by_group(rows)
    if profile["interval_population"] == "records":
        records = defaultdict(list)
        for record, score in records_of(world, profile).items():
            if record.gene in genes:
                records[record.source, record.feature].append(score)
        population |= records
    return rows, population


# --- from rows to scores


def weight_of(source: str, type_id: str, world: World, profile: Profile) -> Fraction | None:
    text: str | None = "1"
    match profile["weights"]:
        case "equal":
            pass
        case "loaded":
            text = world.weights.get(source)
        case named:
            text = LISTED[named].get(source, BY_TYPE.get(named, {}).get(type_id))
    return None if text is None else Fraction(text)


def source_weights(rows: Sequence[Row], world: World, profile: Profile) -> dict[str, Fraction]:
    """Return the weights of the sources that are listed or have a row."""
    listed = world.weights if profile["weights"] == "loaded" else LISTED[profile["weights"]]
    weights = {source: Fraction(text) for source, text in listed.items()}
    for source in {row.source for row in rows} - weights.keys():
        # a source of several types has the weight of the first by name
        type_id = min(row.type for row in rows if row.source == source)
        weight = weight_of(source, type_id, world, profile)
        if weight is not None:
            weights[source] = weight
        elif profile["missing_weight"] == "error":
            raise NoWeightError(source)
    return weights


def expected_scores(world: World, profile: Profile, reference: World | None = None) -> Expected:
    """Score a world under a profile, against the quantiles of another world if there is one."""
    ranked, population = ranked_rows(world, profile)
    if reference is not None:
        _, population = ranked_rows(reference, profile)
    is_raw_vep = profile["vep"] == "raw"
    genes = genes_of(world, profile, ranked=False)
    rows = [
        row
        for row in ranked
        if row.gene in genes
        and ((row.source, row.feature) in population or (row.source == VEP and is_raw_vep))
    ]
    weights = source_weights(rows, world, profile)
    expected = Expected()
    best: dict[tuple[str, str], dict[str, Fraction]] = defaultdict(dict)
    for row in rows:
        if row.source not in weights:
            continue
        if row.source == VEP and is_raw_vep:
            value = Fraction(str(row.score))
        else:
            value = quantile(row.score, population[row.source, row.feature], profile)
        sources = best[row.variant.id, row.gene]
        key = (row.variant.id, row.gene, row.source)
        if row.source not in sources or value > sources[row.source]:
            sources[row.source] = value
            expected.features[key] = set()
        if value == sources[row.source]:
            expected.features[key].add(row.feature)
    total = {
        "all": weights,
        "available": {source for sources in best.values() for source in sources},
        "present": set(),
    }[profile["denominator"]]
    scores: dict[tuple[str, str], tuple[Fraction, Fraction]] = {}
    for pair, sources in best.items():
        denominator = sum((weights[source] for source in total or sources), Fraction(0))
        # where no source of a pair weighs anything, there is no mean
        if denominator:
            weighted = sum(value * weights[source] for source, value in sources.items())
            scores[pair] = (weighted / denominator, denominator)
    for pair, (score, denominator) in scores.items():
        rank = 1 + sum(
            other > score for (variant, _), (other, _) in scores.items() if variant == pair[0]
        )
        by_source = {source: (value, weights[source]) for source, value in best[pair].items()}
        expected.pairs[pair] = Pair(score, rank, denominator, by_source)
    return expected
