"""The cohort: genes, genotypes, what points to genes, and the effects planted along it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from varhouse.demo.cohort.expression import Cells, Donors, invent_cells, invent_donors
from varhouse.demo.cohort.genotypes import Genotypes, simulate_genotypes
from varhouse.demo.cohort.plan import (
    CAPTURE_CELL,
    COMMON_PLANS,
    COMMON_SHARE,
    FURTHER_BIOTYPES,
    FURTHER_STRANDS,
    N_DONORS,
    RARE_PLANS,
    RARE_SHARE,
    REGION_END,
    REGION_START,
    CommonEffect,
    CommonPlan,
    RareEffect,
    RarePlan,
)
from varhouse.demo.cohort.trait import Association, TraitEffect, invent_trait
from varhouse.demo.locus import DemoGene, DemoLocus, invent_gene
from varhouse.demo.signals import (
    FLANK_BP,
    PROMOTER_CAPTURE_CELLS,
    Interval,
    holds_a_lead,
    invent_term,
)

# Effects of rare variants: how rare they are, and how many copies there are of all of a gene.
_MAX_CAUSAL_MAC = 5
_CAUSAL_COPIES = 45
_CODING_TERMS = ("stop_gained", "splice_donor_variant", "stop_gained", "missense_variant")
_ELEMENT_BP = 4_000
_ELEMENT_DISTANCE_BP = (30_000, 90_000)
_MAX_ELEMENTS = 6
_N_DECOYS = {"open chromatin": 90, "promoter capture": 60}
_EQTL_DISTANCE_BP = 40_000
_EQTL_MAF = 0.2
_EQTL_FLANK_BP = 1_000


class Link(NamedTuple):
    """A fragment that promoter capture finds at a gene's promoter in a cell type (1-based)."""

    start: int
    end: int
    gene: DemoGene
    feature: str
    score: float


class Consequence(NamedTuple):
    """What a variant of the cohort, by its number, does to a gene."""

    variant: int
    gene: DemoGene
    term: str


class Cohort(NamedTuple):
    """Everything that is written into files, and what was planted."""

    genes: list[DemoGene]
    genotypes: Genotypes
    open_chromatin: list[Interval]
    promoter_capture: list[Link]
    consequences: list[Consequence]
    donors: Donors
    cells: Cells
    rare: list[RareEffect]
    common: list[CommonEffect]
    associations: list[Association]
    trait: list[TraitEffect]


class _Carriers(NamedTuple):
    """The variants of a planted gene, and what links them to it."""

    variants: list[int]
    terms: dict[int, str]
    elements: list[tuple[int, int]]


def invent_cohort(seed: int, locus: DemoLocus) -> Cohort:
    """Invent a cohort whose donors carry the variants of the locus and its surroundings.

    Parameters
    ----------
    seed
        Of everything by chance; the locus has its own.
    locus
        Its genes are the first ones, its lead is a common variant of the cohort.

    Returns
    -------
    Cohort
        300 donors, 38 genes on 1.65 Mb, cells of three types. Rare variants of five genes change
        expression; V2G evidence or consequences point from these variants to these genes.

    Raises
    ------
    ImportError
        msprime is not installed.
    """
    rng = np.random.default_rng([seed, 1])
    genes = [*locus.genes, *_further_genes(rng, len(locus.genes))]
    by_name = {gene.gene_name: gene for gene in genes}
    genotypes = simulate_genotypes(rng, locus)
    carriers = {
        plan.gene_name: _carriers(rng, plan, by_name[plan.gene_name], genotypes, locus)
        for plan in RARE_PLANS
    }
    open_chromatin, promoter_capture = _decoys(rng, genes, locus)
    rare = []
    for plan in RARE_PLANS:
        gene, found = by_name[plan.gene_name], carriers[plan.gene_name]
        for start, end in found.elements:
            interval, captured = _links(rng, start, end, gene, plan.cell_types)
            open_chromatin.append(interval)
            promoter_capture += captured
        rare.append(_rare_effect(rng, plan, gene, found.variants, genotypes))
    common = [
        _common_effect(rng, plan, by_name[plan.gene_name], genotypes, locus)
        for plan in COMMON_PLANS
    ]
    trait_rng = np.random.default_rng([seed, 3])
    for eqtl in common:
        pos = int(eqtl.variant_id.split("_")[1])
        start, end = pos - _EQTL_FLANK_BP, pos + _EQTL_FLANK_BP
        # the locus has evidence of its own about its leads
        if not holds_a_lead(locus, start, end):
            gene = by_name[eqtl.gene_name]
            interval, captured = _links(trait_rng, start, end, gene, eqtl.cell_types)
            open_chromatin.append(interval)
            promoter_capture += captured
    associations, trait = invent_trait(trait_rng, genotypes, common)
    terms = {
        (variant, name): term
        for name, found in carriers.items()
        for variant, term in found.terms.items()
    }
    donors = invent_donors(rng)
    return Cohort(
        genes=genes,
        genotypes=genotypes,
        open_chromatin=sorted(open_chromatin),
        promoter_capture=sorted(promoter_capture),
        consequences=_consequences(rng, genes, genotypes, terms),
        donors=donors,
        cells=invent_cells(rng, genes, donors, _shifts(genotypes, rare, common)),
        rare=rare,
        common=common,
        associations=associations,
        trait=trait,
    )


def _further_genes(rng: np.random.Generator, first: int) -> list[DemoGene]:
    return [
        invent_gene(rng, first + number, 1 if sign == "+" else -1, letter)
        for number, (sign, letter) in enumerate(zip(FURTHER_STRANDS, FURTHER_BIOTYPES, strict=True))
    ]


def _carriers(
    rng: np.random.Generator, plan: RarePlan, gene: DemoGene, genotypes: Genotypes, locus: DemoLocus
) -> _Carriers:
    if plan.carried_by == "coding":
        inside = _rarest_within(genotypes, gene.start, gene.end)
        variants = sorted(_enough(genotypes, rng.permutation(inside).tolist()))
        terms = {
            variant: _CODING_TERMS[number % len(_CODING_TERMS)]
            for number, variant in enumerate(variants)
        }
        return _Carriers(variants, terms, [])
    variants = []
    elements: list[tuple[int, int]] = []
    while len(elements) < _MAX_ELEMENTS and _copies_of(genotypes, variants) < _CAUSAL_COPIES:
        side = 1 if rng.random() < 0.5 else -1
        start = gene.tss + side * int(rng.integers(*_ELEMENT_DISTANCE_BP))
        end = start + _ELEMENT_BP - 1
        overlaps = any(start <= other_end and end >= other for other, other_end in elements)
        if not overlaps and not holds_a_lead(locus, start, end):
            elements.append((start, end))
            variants += _rarest_within(genotypes, start, end)
    return _Carriers(sorted(variants), {}, elements)


def _links(
    rng: np.random.Generator, start: int, end: int, gene: DemoGene, cell_types: tuple[str, ...]
) -> tuple[Interval, list[Link]]:
    """Make an element that open chromatin and promoter capture link to a gene."""
    score = round(float(rng.uniform(0.991, 0.998)), 6)
    captured = [
        Link(start, end, gene, CAPTURE_CELL[cell], round(float(rng.uniform(20, 22)), 3))
        for cell in cell_types
    ]
    return Interval(start, end, gene, score), captured


def _rarest_within(genotypes: Genotypes, start: int, end: int) -> list[int]:
    counts = genotypes.allele_counts
    inside = (genotypes.pos >= start) & (genotypes.pos <= end) & (counts <= _MAX_CAUSAL_MAC)
    return [int(variant) for variant in np.flatnonzero(inside)]


def _enough(genotypes: Genotypes, variants: Iterable[int]) -> list[int]:
    """Return the first variants that have as many copies as a planted effect takes."""
    chosen: list[int] = []
    for variant in variants:
        if _copies_of(genotypes, chosen) >= _CAUSAL_COPIES:
            break
        chosen.append(variant)
    return chosen


def _copies_of(genotypes: Genotypes, variants: list[int]) -> int:
    return int(genotypes.allele_counts[variants].sum())


def _decoys(
    rng: np.random.Generator, genes: list[DemoGene], locus: DemoLocus
) -> tuple[list[Interval], list[Link]]:
    """Make elements linked to a gene nearby that change nothing."""

    def place(longest: int) -> tuple[int, int, DemoGene]:
        while True:
            start = int(rng.integers(REGION_START, REGION_END - longest))
            end = start + int(rng.integers(longest // 4, longest + 1)) - 1
            if not holds_a_lead(locus, start, end):
                near = sorted(genes, key=lambda gene: abs(gene.tss - start))[:6]
                return start, end, near[int(rng.integers(len(near)))]

    open_chromatin = []
    for _ in range(_N_DECOYS["open chromatin"]):
        start, end, gene = place(800)
        score = round(float(rng.uniform(0.7, 0.99)), 6)
        open_chromatin.append(Interval(start, end, gene, score))
    promoter_capture = []
    for _ in range(_N_DECOYS["promoter capture"]):
        start, end, gene = place(6_000)
        feature = str(rng.choice(PROMOTER_CAPTURE_CELLS))
        score = round(min(5.0 + float(rng.gamma(1.5, 1.6)), 19.0), 3)
        promoter_capture.append(Link(start, end, gene, feature, score))
    return open_chromatin, promoter_capture


def _rare_effect(
    rng: np.random.Generator,
    plan: RarePlan,
    gene: DemoGene,
    variants: list[int],
    genotypes: Genotypes,
) -> RareEffect:
    signs = rng.choice([-1, 1], size=len(variants)) if plan.direction == 0 else plan.direction
    signs = np.broadcast_to(signs, (len(variants),))
    carried = genotypes.copies[variants].astype(np.float64)
    size = _change_for(signs @ carried, RARE_SHARE)
    names = genotypes.variant_ids
    return RareEffect(
        gene.gene_id, gene.gene_name, plan.cell_types, plan.carried_by, plan.direction,
        tuple(names[variant] for variant in variants),
        tuple((size * signs).tolist()),
        int(carried.any(axis=0).sum()),
    )  # fmt: skip


def _common_effect(
    rng: np.random.Generator,
    plan: CommonPlan,
    gene: DemoGene,
    genotypes: Genotypes,
    locus: DemoLocus,
) -> CommonEffect:
    names = genotypes.variant_ids
    frequency = genotypes.allele_counts / (2 * N_DONORS)
    if plan.at_lead:
        variant = names.index(locus.lead.variant_id)
    else:
        fits = (np.minimum(frequency, 1 - frequency) >= _EQTL_MAF) & (
            np.abs(genotypes.pos - gene.tss) <= _EQTL_DISTANCE_BP
        )
        variant = int(rng.choice(np.flatnonzero(fits)))
    sign = 1 if rng.random() < 0.5 else -1
    change = sign * _change_for(genotypes.copies[variant].astype(np.float64), COMMON_SHARE)
    return CommonEffect(
        gene.gene_id, gene.gene_name, plan.cell_types, names[variant], float(change)
    )


def _change_for(burden: npt.NDArray[np.float64], share: float) -> float:
    """Return the change of a unit of burden that makes up a share of the variance beside 1."""
    return float(np.sqrt(share / (1 - share) / burden.var()))


def _shifts(
    genotypes: Genotypes, rare: list[RareEffect], common: list[CommonEffect]
) -> dict[tuple[str, str], npt.NDArray[np.float64]]:
    """Return what genotypes add for each donor, by cell type and gene; residuals have sd 1."""
    copies = genotypes.copies
    place = {name: number for number, name in enumerate(genotypes.variant_ids)}
    shifts: dict[tuple[str, str], npt.NDArray[np.float64]] = {}

    def add(gene_id: str, cell_types: tuple[str, ...], shift: npt.NDArray[np.float64]) -> None:
        for cell_type in cell_types:
            known = shifts.get((cell_type, gene_id), np.zeros(N_DONORS))
            shifts[cell_type, gene_id] = known + shift

    for effect in rare:
        rows = [place[name] for name in effect.variant_ids]
        add(effect.gene_id, effect.cell_types, np.array(effect.changes) @ copies[rows])
    for eqtl in common:
        add(eqtl.gene_id, eqtl.cell_types, eqtl.change * copies[place[eqtl.variant_id]])
    return shifts


def _consequences(
    rng: np.random.Generator,
    genes: list[DemoGene],
    genotypes: Genotypes,
    planted: dict[tuple[int, str], str],
) -> list[Consequence]:
    rows = []
    for gene in genes:
        first = int(np.searchsorted(genotypes.pos, gene.start - FLANK_BP))
        end = int(np.searchsorted(genotypes.pos, gene.end + FLANK_BP, side="right"))
        for variant in range(first, end):
            drawn = invent_term(rng, gene, int(genotypes.pos[variant]))
            term = planted.get((variant, gene.gene_name), drawn)
            rows.append(Consequence(variant, gene, term))
    return sorted(rows, key=lambda row: (row.variant, row.gene.gene_id))
