"""Small random cohorts for the rare-variant models, full of gaps, ties and degenerate genes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

LENGTH = 400_000
STEP = 1 / 16384
SEVERITY = {
    "stop_gained": (4, "HIGH"),
    "missense_variant": (13, "MODERATE"),
    "splice_region_variant": (16, "LOW"),
    "intron_variant": (28, "MODIFIER"),
    "regulatory_region_variant": (39, "MODIFIER"),
}


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
    start: int
    end: int
    strand: int

    @property
    def tss(self) -> int:
        return self.start if self.strand > 0 else self.end


class Annotation(NamedTuple):
    """A row of a consequence file, or (without terms) the scores of a variant."""

    variant: Variant
    gene: str | None
    transcript: str | None
    terms: tuple[str, ...]
    is_canonical: bool
    is_mane: bool
    scores: Mapping[str, float]
    file_rank: int

    @property
    def severity(self) -> int:
        return min(SEVERITY[term][0] for term in self.terms)

    @property
    def impact(self) -> str | None:
        return min(SEVERITY[term] for term in self.terms)[1] if self.terms else None


class Load(NamedTuple):
    """A file of expression: who has cells, what was measured, and the values that it has."""

    groups: Sequence[tuple[str, str]]
    genes: Sequence[str]
    zeros_left_out: bool
    has_means: bool
    values: dict[tuple[str, str, str], float]


@dataclass
class World:
    """What is loaded; ``calls`` has a row for each genotyped donor, NaN where one is missing."""

    donors: list[str]
    n_genotyped: int
    sexes: list[int | None]
    variants: list[Variant]
    calls: Float
    ungenotyped: list[Variant]
    genes: list[Gene]
    covariates: dict[tuple[str, str], float | None]
    loads: list[Load]
    annotations: list[Annotation]
    qtl: list[tuple[Variant, str, float]] = field(default_factory=list)


def random_genes(rng: np.random.Generator) -> list[Gene]:
    genes = []
    for i in range(8):
        start = int(rng.integers(20_000, LENGTH - 30_000))
        end = start + int(rng.integers(100, 20_000))
        genes.append(
            Gene(f"G{i}", "1" if i < 5 else "X", start, end, 1 if rng.random() < 0.5 else -1)
        )
    # one far from all variants, and one that nothing measures
    return [*genes, Gene("FAR", "1", 9_000_000, 9_010_000, -1), Gene("SILENT", "1", 100, 900, 1)]


def random_variants(rng: np.random.Generator, genes: Sequence[Gene]) -> list[Variant]:
    positions = {("1", int(p)) for p in rng.integers(1, LENGTH, 30)}
    positions |= {("X", int(p)) for p in rng.integers(1, LENGTH, 15)}
    for gene in genes[:8]:
        near = rng.integers(max(1, gene.start - 9_000), gene.end + 9_000, 7)
        positions |= {(gene.chrom, int(p)) for p in near}
    # on the ends of windows, on genes, and one base out
    for gene in genes[:8]:
        for reach in (0, 20_000, 100_000):
            edge = int(rng.choice([gene.start - reach, gene.end + reach, gene.tss - reach]))
            positions.add((gene.chrom, max(1, edge + int(rng.integers(-1, 2)))))
    variants = []
    for chrom, pos in sorted(positions):
        variants.append(Variant(chrom, pos, "A", "C"))
        if rng.random() < 0.08:
            variants.append(Variant(chrom, pos, "A", "G"))
        if rng.random() < 0.04:
            variants.append(Variant(chrom, pos, "AT", "A"))
    return variants


def random_calls(rng: np.random.Generator, n: int, m: int, *, has_missing: bool) -> Float:
    frequency = rng.choice([0.0, 0.01, 0.02, 0.03, 0.08, 0.2, 0.45], size=m,
                           p=[0.04, 0.22, 0.2, 0.2, 0.12, 0.11, 0.11])  # fmt: skip
    calls = rng.binomial(2, frequency, size=(n, m)).astype(float)
    for j in range(m):
        kind = rng.random()
        if kind < 0.12:
            calls[:, j] = 2 - calls[:, j]
        elif kind < 0.2 and j:
            calls[:, j] = calls[:, j - 1]
        elif kind < 0.22:
            calls[:, j] = 1.0
        elif kind < 0.3:
            # imputed: fractions, most of them small
            calls[:, j] = (
                np.round(np.clip(calls[:, j] + rng.choice([-0.3, 0.2, 0.01], n), 0, 2) / STEP)
                * STEP
            )
            calls[rng.random(n) < 0.8, j] = 0.0
        elif kind < 0.33:
            calls[:, j] = 0.0
            calls[rng.integers(n), j] = 1.0
    if has_missing:
        calls[rng.random(calls.shape) < 0.02] = np.nan
        calls[:, rng.integers(m)] = np.nan
        calls[:, rng.integers(m)] = np.where(rng.random(n) < 0.6, np.nan, 0.0)
        few = rng.integers(m)
        calls[:, few] = np.where(rng.random(n) < 0.5, np.nan, calls[:, few])
    return calls


def random_annotations(
    rng: np.random.Generator, variants: Sequence[Variant], genes: Sequence[Gene]
) -> list[Annotation]:
    rows: list[Annotation] = []
    words = list(SEVERITY)[:4]
    for variant in variants:
        near = [gene.id for gene in genes if gene.chrom == variant.chrom]
        chosen = rng.choice(near, size=int(rng.integers(0, len(near) + 1)), replace=False).tolist()
        rows_of_variant: list[dict[str, Any]] = []
        for gene in chosen:
            n_transcripts = int(rng.integers(1, 4))
            canonical, mane = rng.integers(-1, n_transcripts, 2)
            for t in range(n_transcripts):
                terms = rng.choice(words, size=int(rng.integers(1, 3)), replace=False).tolist()
                scores = {}
                if rng.random() < 0.8:
                    scores["CADD_RAW"] = float(
                        rng.choice([-0.5, 0.0, 0.25, 1.5, 3.25], p=[0.1, 0.1, 0.3, 0.3, 0.2])
                    )
                if rng.random() < 0.5:
                    scores["MIX"] = float(rng.choice([0.0, 0.5, 1.0, 2.0]))
                rows_of_variant.append(
                    {"gene": gene, "transcript": f"{gene}.{t}", "terms": tuple(terms),
                     "is_canonical": bool(t == canonical), "is_mane": bool(t == mane),
                     "scores": scores}
                )  # fmt: skip
        if rng.random() < 0.1:
            rows_of_variant.append(
                {"gene": None, "transcript": None, "terms": ("regulatory_region_variant",),
                 "is_canonical": False, "is_mane": False, "scores": {}}
            )  # fmt: skip
        order = rng.permutation(len(rows_of_variant)) + 1
        rows += [
            Annotation(variant, file_rank=int(rank), **row)
            for rank, row in zip(order, rows_of_variant, strict=True)
        ]
        if rng.random() < 0.7:
            scores = {"MIX": float(rng.choice([0.5, 4.0])), "WHOLE": float(rng.random() + 0.1)}
            rows.append(Annotation(variant, None, None, (), False, False, scores, 1))
    return rows


def random_expression(
    rng: np.random.Generator, gene: int, donors: Sequence[int], world: World
) -> Float:
    """Return expression of one of the kinds that a transformation and a test may trip over."""
    n = len(donors)
    batch = np.array([world.covariates[world.donors[i], "batch"] for i in donors], dtype=float)
    carriers = np.zeros(n)
    for place, donor in enumerate(donors):
        if donor < world.n_genotyped:
            carriers[place] = np.nansum(np.where(world.calls[donor] == 1, 1, 0)[3 * gene :: 9])
    match gene % 8:
        case 0:
            return np.where(rng.random(n) < 0.6, 0.0, rng.gamma(2.0, size=n))
        case 1:
            return rng.gamma(2.0, size=n)
        case 2:
            return rng.poisson(1.0, n).astype(float)
        case 3:
            return np.full(n, 1.5)
        case 4:
            return 1.0 + batch
        case 5:
            return np.where(rng.random(n) < 0.93, 0.0, 1.0)
        case 6:
            return rng.normal(size=n) + carriers
        case _:
            return np.where(rng.random(n) < 0.2, 0.0, rng.gamma(2.0, size=n))


def random_world(seed: int, *, n_donors: int = 60, has_missing: bool = True) -> World:
    rng = np.random.default_rng(seed)
    genes = random_genes(rng)
    variants = random_variants(rng, genes)
    n_genotyped = n_donors - 4
    calls = random_calls(rng, n_genotyped, len(variants), has_missing=has_missing)
    names = [f"D{i:02d}" for i in rng.permutation(n_donors)]
    world = World(
        donors=names,
        n_genotyped=n_genotyped,
        sexes=[int(s) if rng.random() < 0.97 else None for s in rng.integers(1, 3, n_donors)],
        variants=variants,
        calls=calls,
        ungenotyped=[Variant("1", 5, "A", "C"), Variant("X", LENGTH // 2, "AC", "A")],
        genes=genes,
        covariates={},
        loads=[],
        annotations=random_annotations(rng, variants, genes),
        qtl=[
            (variants[int(v)], f"G{int(g)}", float(p))
            for v, g, p in zip(
                rng.integers(0, len(variants), 40), rng.integers(0, 8, 40),
                rng.choice([0.5, 0.01, 1e-6, 1e-12], 40), strict=True,
            )
        ],
    )  # fmt: skip
    marker = np.nan_to_num(calls[:, int(rng.integers(len(variants)))])
    for i, name in enumerate(names):
        age = float(rng.integers(20, 80))
        values = {
            "age": age,
            "months": 12 * age + 3,
            "constant": 7.0,
            "batch": float(rng.integers(0, 2)),
            "marker": float(marker[i]) if i < n_genotyped else 0.0,
            "pc": float(rng.normal()),
        }
        for covariate, value in values.items():
            world.covariates[name, covariate] = value
        if rng.random() < 0.05:
            world.covariates[name, "age"] = None
        if rng.random() < 0.03:
            del world.covariates[name, "pc"]
    world.loads = random_loads(rng, world)
    return world


def random_loads(rng: np.random.Generator, world: World) -> list[Load]:
    n = len(world.donors)
    everyone = list(range(n))
    have_t = [i for i in everyone if rng.random() < 0.8]
    # mono has the donors of B; rare ones are too few for many covariates
    first = {"B": everyone[1:], "mono": everyone[1:], "T": have_t, "rare": everyone[5:11]}
    second = {"NK": [i for i in everyone if rng.random() < 0.9]}
    names = [gene.id for gene in world.genes[:9]]
    loads = []
    for groups, genes, zeros_left_out, has_means in (
        (first, [*names, "UNKNOWN"], True, True),
        (second, names[:7], False, False),
    ):
        values = {}
        for cell_type, donors in groups.items():
            for number, gene in enumerate(genes):
                expression = random_expression(rng, number, donors, world)
                for donor, value in zip(donors, expression, strict=True):
                    is_left_out = value == 0 if zeros_left_out else number == 1 and donor == 7
                    if not is_left_out:
                        values[cell_type, gene, world.donors[donor]] = float(value)
        named = [(cell_type, world.donors[i]) for cell_type in groups for i in groups[cell_type]]
        loads.append(Load(named, genes, zeros_left_out, has_means, values))
    return loads
