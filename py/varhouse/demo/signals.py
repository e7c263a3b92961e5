"""Evidence rows of the invented locus, source by source, with the warts of the real dumps."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from varhouse.demo.locus import WINDOW_END, WINDOW_START, DemoGene, DemoLocus, DemoVariant

PROMOTER_CAPTURE_CELLS = (
    "endothelial_precursors",
    "erythroblasts",
    "foetal_thymus",
    "macrophages_m1",
    "monocytes",
    "naive_b",
    "naive_cd4",
    "total_cd8",
)
TISSUES = (
    "adipose_subcutaneous",
    "adipose_visceral_omentum",
    "artery_tibial",
    "brain_cortex",
    "lung",
    "muscle_skeletal",
    "pituitary",
    "skin_sun_exposed_lower_leg",
    "thyroid",
    "whole_blood",
)
# Terms that a real slice holds and their share of the rows inside gene bodies.
_BODY_TERMS = (
    ("intron_variant", 0.930),
    ("3_prime_UTR_variant", 0.022),
    ("missense_variant", 0.021),
    ("non_coding_transcript_exon_variant", 0.012),
    ("synonymous_variant", 0.008),
    ("5_prime_UTR_variant", 0.004),
    ("splice_region_variant", 0.002),
    ("stop_gained", 0.001),
)
_TERMS = [term for term, _ in _BODY_TERMS]
_TERM_SHARES = np.array([share for _, share in _BODY_TERMS])
_TERM_SHARES /= _TERM_SHARES.sum()
FLANK_BP = 5_000
_STRONGEST_CHICAGO = 22.6
_WEAKEST_EQTL_NEGLOG10_P = 4.3


class EqtlRow(NamedTuple):
    """An association of a variant with a gene's expression or protein level."""

    variant: DemoVariant
    gene: DemoGene
    feature: str
    beta: float
    se: float
    p_value: float


class LinkRow(NamedTuple):
    """A variant inside an interval that is linked to a gene."""

    variant: DemoVariant
    gene: DemoGene
    feature: str
    score: float


class VepRow(NamedTuple):
    """A consequence term of a variant on a gene and the number of transcripts that have it."""

    variant: DemoVariant
    gene: DemoGene
    term: str
    n_transcripts: int


class Interval(NamedTuple):
    """A distal element (1-based, closed) and the gene whose promoter it is correlated with."""

    start: int
    end: int
    gene: DemoGene
    score: float


def invent_eqtls(rng: np.random.Generator, locus: DemoLocus) -> list[EqtlRow]:
    """Make tissue eQTLs; the causal gene's peak is at the lead, others' peaks at their own TSS."""
    rows = _association_peak(rng, locus, locus.causal_gene, TISSUES[:2], locus.lead.pos, 30.7)
    # The nearest gene has a real but weaker signal whose peak is elsewhere, as FTO does in muscle.
    rows += _association_peak(
        rng, locus, locus.nearest_gene, ("muscle_skeletal",), locus.lead.pos + 14_000, 12.0
    )
    for gene in locus.genes[7:20]:
        if gene in (locus.causal_gene, locus.nearest_gene):
            continue
        tissues = rng.choice(TISSUES, size=3, replace=False).tolist()
        rows += _association_peak(rng, locus, gene, tissues, gene.tss, rng.uniform(6.0, 20.0))
    # a tissue with one row only, as some tissues of a real slice have: its quantile says nothing
    return [*rows, rows[-1]._replace(feature="ovary")]


def invent_pqtls(rng: np.random.Generator, locus: DemoLocus) -> list[EqtlRow]:
    """Make plasma-protein QTLs of three genes; the causal gene's peak is at the lead."""
    rows = _association_peak(rng, locus, locus.causal_gene, ("plasma",), locus.lead.pos, 47.6)
    for gene in (locus.genes[9], locus.genes[18]):
        rows += _association_peak(rng, locus, gene, ("plasma",), gene.tss, 15.0)
    return rows


def invent_promoter_capture(rng: np.random.Generator, locus: DemoLocus) -> list[LinkRow]:
    """Make promoter-capture links: fragments of 3-8 kb, each in several cell types."""
    rows: list[LinkRow] = []
    for _ in range(48):
        start = int(rng.integers(WINDOW_START, WINDOW_END - 8_000))
        end = start + int(rng.integers(3_000, 8_001))
        if holds_a_lead(locus, start, end):
            continue
        gene = locus.genes[int(rng.integers(len(locus.genes)))]
        cells = rng.choice(PROMOTER_CAPTURE_CELLS, size=int(rng.integers(2, 6)), replace=False)
        for cell in cells.tolist():
            score = min(5.0 + float(rng.gamma(1.5, 1.6)), _STRONGEST_CHICAGO - 2.0)
            rows += [LinkRow(v, gene, cell, score) for v in _within(locus, start, end)]
    for gene, cell, score in (
        (locus.causal_gene, "macrophages_m1", _STRONGEST_CHICAGO),
        (locus.causal_gene, "naive_cd4", 14.2),
        (locus.genes[10], "foetal_thymus", 6.4),
    ):
        at_lead = _within(locus, locus.lead.pos - 1_500, locus.lead.pos + 1_500)
        rows += [LinkRow(v, gene, cell, score) for v in at_lead]
    # The real slice repeats a few (variant, gene, cell type) keys.
    return rows + rows[:6]


def invent_enhancer_links(locus: DemoLocus) -> list[LinkRow]:
    """Make enhancer-promoter links scored by an FDR, 0 is best, as in slices of July 2018."""
    rows = []
    for gene, centre, fdr in (
        (locus.causal_gene, locus.lead.pos, 0.0),
        (locus.nearest_gene, locus.nearest_gene.tss - 6_000, 1.98353730135096e-14),
        (locus.genes[9], locus.genes[9].tss + 2_000, 1.94552565550036e-07),
    ):
        rows += [
            LinkRow(variant, gene, "unspecified", fdr)
            for variant in _within(locus, centre - 800, centre + 800)
            if variant != locus.distance_only_lead
        ]
    return rows


def invent_open_chromatin(rng: np.random.Generator, locus: DemoLocus) -> list[Interval]:
    """Make distal open-chromatin elements of 150-600 bp; the strongest holds the lead."""
    intervals = [Interval(locus.lead.pos - 90, locus.lead.pos + 59, locus.causal_gene, 0.999023)]
    while len(intervals) < 240:
        start = int(rng.integers(WINDOW_START, WINDOW_END - 600))
        end = start + int(rng.integers(150, 601)) - 1
        if not holds_a_lead(locus, start, end):
            gene = locus.genes[int(rng.integers(len(locus.genes)))]
            intervals.append(Interval(start, end, gene, round(float(rng.uniform(0.7, 0.99)), 6)))
    return sorted(intervals)


def invent_consequences(rng: np.random.Generator, locus: DemoLocus) -> list[VepRow]:
    """Make one consequence term for each variant in a gene's body or its 5 kb flanks."""
    rows = []
    for gene in locus.genes:
        for variant in _within(locus, gene.start - FLANK_BP, gene.end + FLANK_BP):
            term = invent_term(rng, gene, variant.pos)
            if variant == locus.lead:
                term = "intron_variant"
            rows.append(VepRow(variant, gene, term, int(rng.integers(1, 7))))
    return rows


def invent_term(rng: np.random.Generator, gene: DemoGene, pos: int) -> str:
    """Draw the consequence of a variant in the body of a gene; beside it there is no choice."""
    if gene.start <= pos <= gene.end:
        return _TERMS[int(rng.choice(len(_TERMS), p=_TERM_SHARES))]
    before = pos < gene.start
    return ("upstream" if before == (gene.strand == 1) else "downstream") + "_gene_variant"


def _association_peak(
    rng: np.random.Generator,
    locus: DemoLocus,
    gene: DemoGene,
    features: tuple[str, ...] | list[str],
    centre: int,
    peak_neglog10_p: float,
) -> list[EqtlRow]:
    """Associations that fall off with distance from ``centre``; the weak ones are not reported."""
    rows = []
    for feature in features:
        sign = 1.0 if rng.random() < 0.5 else -1.0
        for variant in _within(locus, centre - 30_000, centre + 30_000):
            # About a third of the variants are in LD with the peak, these two always.
            in_ld = rng.random() < 0.33 or variant.pos in (centre, locus.lead.pos)
            damping = 1.0 if variant.pos == centre else float(rng.uniform(0.6, 0.95))
            decay = math.exp(-abs(variant.pos - centre) / 25_000)
            strength = peak_neglog10_p * damping * decay
            beta = sign * float(rng.uniform(0.1, 0.6))
            # An association needs an allele, and the distance-only lead has none by design.
            reported = in_ld and variant.alt != "." and variant != locus.distance_only_lead
            if reported and strength >= _WEAKEST_EQTL_NEGLOG10_P:
                p_value = float(f"{10.0**-strength:.6g}")
                z = -NormalDist().inv_cdf(p_value / 2)
                se = float(f"{abs(beta) / z:.6g}")
                rows.append(EqtlRow(variant, gene, feature, round(beta, 6), se, p_value))
    return rows


def _within(locus: DemoLocus, start: int, end: int) -> list[DemoVariant]:
    return [variant for variant in locus.variants if start <= variant.pos <= end]


def holds_a_lead(locus: DemoLocus, start: int, end: int) -> bool:
    """Return whether an interval holds one of the two lead variants."""
    return any(start <= v.pos <= end for v in (locus.lead, locus.distance_only_lead))
