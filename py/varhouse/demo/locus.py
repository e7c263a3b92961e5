"""The invented locus: 25 genes, 5,000 variants, and two lead variants whose answer is known.

Nothing here is measured. Gene ids (``ENSG99...``), symbols (``DEMO1``) and rs numbers
(``rs99...``) lie outside the ranges in use, so no row can be taken for a real one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

CHROM = "22"
BUILD = "GRCh37"
DEFAULT_SEED = 2024
WINDOW_START, WINDOW_END = 30_000_001, 30_500_000
N_VARIANTS = 5_000

_BASES = "ACGT"
_GENE_SPACING_BP = 40_000
_FIRST_TSS = 29_770_000
_STRANDS = "+-++-+++--+-++-+-+--++-+-"
# One letter a gene, see _BIOTYPE_NAMES; V2G excludes the pseudogenes.
_BIOTYPES = "ppplpppp" + "xpplpppp" + "pplpxpppp"
_BIOTYPE_NAMES = {"p": "protein_coding", "l": "lncRNA", "x": "processed_pseudogene"}
_NEAREST, _CAUSAL, _LONELY, _LONELY_NEIGHBOUR = 12, 16, 7, 6


class DemoGene(NamedTuple):
    """A gene of the invented locus; positions are 1-based and closed."""

    gene_id: str
    gene_name: str
    start: int
    end: int
    strand: int
    tss: int
    biotype: str


class DemoVariant(NamedTuple):
    """A variant of the invented locus; ``alt`` is ``.`` where a dump left the allele out."""

    pos: int
    ref: str
    alt: str
    rsid: str

    @property
    def variant_id(self) -> str:
        """Return ``chrom_pos_ref_alt``."""
        return f"{CHROM}_{self.pos}_{self.ref}_{self.alt}"


class PlantedAnswer(NamedTuple):
    """What a lead variant was built to answer.

    ``supporting_sources`` are the sources with a row for (lead, gene); distance is always there.
    """

    variant_id: str
    rsid: str
    gene_id: str
    gene_name: str
    nearest_gene_name: str
    supporting_sources: tuple[str, ...]
    statement: str


class DemoLocus(NamedTuple):
    """Genes and variants in the order of their positions, and the planted answers."""

    genes: list[DemoGene]
    variants: list[DemoVariant]
    lead: DemoVariant
    distance_only_lead: DemoVariant
    planted: list[PlantedAnswer]

    @property
    def causal_gene(self) -> DemoGene:
        """Return the gene that the lead variant was built to act through."""
        return self.genes[_CAUSAL]

    @property
    def nearest_gene(self) -> DemoGene:
        """Return the gene whose body holds the lead variant, close to its TSS."""
        return self.genes[_NEAREST]


def invent_locus(rng: np.random.Generator) -> DemoLocus:
    """Invent genes and variants and decide what the two lead variants have to answer.

    Parameters
    ----------
    rng
        The only source of chance.

    Returns
    -------
    DemoLocus
        ``lead`` lies in an intron of its nearest gene and acts through another some 150 kb away;
        ``distance_only_lead`` has no evidence row anywhere and scores through distance alone.
    """
    genes = _invent_genes(rng)
    nearest, causal, lonely = genes[_NEAREST], genes[_CAUSAL], genes[_LONELY]
    lead = DemoVariant(nearest.tss + 3_100 * nearest.strand, "T", "C", "rs9900000001")
    alone = DemoVariant(lonely.tss - 7_000 * lonely.strand, "G", "T", "rs9900000002")
    variants = _invent_variants(rng, [lead, alone])
    planted = [
        PlantedAnswer(
            lead.variant_id, lead.rsid, causal.gene_id, causal.gene_name, nearest.gene_name,
            ("andersson2014", "gtex_v7", "javierre2016", "sun2018", "thurman2012"),
            f"acts through {causal.gene_name}, not through the nearest gene {nearest.gene_name}",
        ),
        PlantedAnswer(
            alone.variant_id, alone.rsid, lonely.gene_id, lonely.gene_name, lonely.gene_name,
            (),
            f"has no evidence row: {lonely.gene_name} through distance alone",
        ),
    ]  # fmt: skip
    return DemoLocus(genes, variants, lead, alone, planted)


def invent_gene(
    rng: np.random.Generator, index: int, strand: int, biotype: str, *, length: int | None = None
) -> DemoGene:
    """Invent the gene of a place in the row of genes, 40 kb and a little more or less apart.

    Parameters
    ----------
    index
        Number of the gene from 0 on.
    biotype
        One letter: p protein_coding, l lncRNA, x processed_pseudogene.
    length
        In bp; None draws it.
    """
    tss = _FIRST_TSS + _GENE_SPACING_BP * index + int(rng.integers(-6_000, 6_001))
    drawn = int(rng.integers(9_000, 25_001))
    span = drawn if length is None else length
    start, end = (tss, tss + span) if strand == 1 else (tss - span, tss)
    return DemoGene(
        f"ENSG99{index + 1:09d}", f"DEMO{index + 1}", start, end, strand, tss,
        _BIOTYPE_NAMES[biotype],
    )  # fmt: skip


def _invent_genes(rng: np.random.Generator) -> list[DemoGene]:
    return [
        invent_gene(
            rng,
            index,
            1 if sign == "+" else -1,
            letter,
            # short, so that its body and its 5 kb flank end before the distance-only lead
            length=9_000 if index == _LONELY_NEIGHBOUR else None,
        )
        for index, (sign, letter) in enumerate(zip(_STRANDS, _BIOTYPES, strict=True))
    ]


def _invent_variants(rng: np.random.Generator, leads: list[DemoVariant]) -> list[DemoVariant]:
    """Return ``N_VARIANTS`` variants, the leads among them, sorted by position and alleles."""
    n_second_alleles, n_absent_alleles = 60, 12
    n_sites = N_VARIANTS - len(leads) - n_second_alleles
    taken = {lead.pos for lead in leads}
    offsets = rng.choice(WINDOW_END - WINDOW_START, size=n_sites + len(leads), replace=False)
    positions = [p for p in (offsets + WINDOW_START).tolist() if p not in taken][:n_sites]
    variants = list(leads)
    for number, pos in enumerate(positions):
        ref, alt = _invent_alleles(rng)
        rsid = f"rs{9_900_000_003 + number}"
        if number < n_second_alleles:
            # one rs number, two alternative alleles: asking by rs number has to return both
            ref = _BASES[int(rng.integers(4))]
            alt, second = (_other_base(ref, step) for step in (1, 2))
            variants.append(DemoVariant(pos, ref, second, rsid))
        elif number < n_second_alleles + n_absent_alleles:
            alt, rsid = ".", f"CMDEMO{number:03d}"
        variants.append(DemoVariant(pos, ref, alt, rsid))
    return sorted(variants)


def _invent_alleles(rng: np.random.Generator) -> tuple[str, str]:
    ref = _BASES[int(rng.integers(4))]
    kind = rng.random()
    if kind < 0.88:
        return ref, _other_base(ref, int(rng.integers(1, 4)))
    tail = "".join(_BASES[i] for i in rng.integers(0, 4, size=int(rng.integers(1, 5))))
    return (ref + tail, ref) if kind < 0.95 else (ref, ref + tail)


def _other_base(base: str, step: int) -> str:
    return _BASES[(_BASES.index(base) + step) % 4]
