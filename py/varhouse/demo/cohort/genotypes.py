"""Genotypes of the donors, from a coalescent simulation with recombination and growth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from varhouse.demo.cohort.plan import N_DONORS, REGION_END, REGION_START
from varhouse.demo.locus import CHROM, DemoLocus

# Events per base and generation, and a population that grew from 10,000 to 100,000 people in the
# last 300 generations: most variants are rare, half of these are seen once.
_MUTATION_RATE = 1.25e-8
_RECOMBINATION_RATE = 1.25e-8
_SIZE_NOW, _SIZE_BEFORE, _GROWTH_GENERATIONS = 100_000, 10_000, 300
_LEAD_MAF = (0.2, 0.5)
_MISSING_SHARE = 0.002
_MAX_SEED = 2**32 - 1


class Genotypes(NamedTuple):
    """Variants in the order of their positions, and the haplotypes of the donors.

    ``haplotypes`` has shape (n_variants, 2 * n_donors), two columns a donor, 1 for the alternative
    allele. ``is_missing`` has shape (n_variants, n_donors): calls that the file leaves out.
    """

    pos: npt.NDArray[np.int64]
    ref: list[str]
    alt: list[str]
    rsid: list[str]
    haplotypes: npt.NDArray[np.int8]
    is_missing: npt.NDArray[np.bool_]

    @property
    def variant_ids(self) -> list[str]:
        """Return ``chrom_pos_ref_alt`` of each variant."""
        return [
            f"{CHROM}_{pos}_{ref}_{alt}"
            for pos, ref, alt in zip(self.pos.tolist(), self.ref, self.alt, strict=True)
        ]

    @property
    def copies(self) -> npt.NDArray[np.int8]:
        """Return true copies of the alternative allele, shape (n_variants, n_donors)."""
        return self.haplotypes[:, ::2] + self.haplotypes[:, 1::2]

    @property
    def allele_counts(self) -> npt.NDArray[np.int64]:
        """Return copies of the alternative allele among all donors, shape (n_variants,)."""
        return np.asarray(self.haplotypes.sum(axis=1, dtype=np.int64))


def simulate_genotypes(rng: np.random.Generator, locus: DemoLocus) -> Genotypes:
    """Simulate the donors' chromosomes; a common variant takes the place of the locus' lead.

    Parameters
    ----------
    rng
        Seeds the simulation too.

    Raises
    ------
    ImportError
        msprime is not installed.
    """
    import msprime

    demography = msprime.Demography()
    growth = float(np.log(_SIZE_NOW / _SIZE_BEFORE) / _GROWTH_GENERATIONS)
    demography.add_population(name="donors", initial_size=_SIZE_NOW, growth_rate=growth)
    demography.add_population_parameters_change(
        time=_GROWTH_GENERATIONS, initial_size=_SIZE_BEFORE, growth_rate=0, population="donors"
    )
    ancestry_seed, mutation_seed = rng.integers(1, _MAX_SEED, size=2).tolist()
    trees = msprime.sim_ancestry(
        N_DONORS,
        demography=demography,
        sequence_length=REGION_END - REGION_START + 1,
        recombination_rate=_RECOMBINATION_RATE,
        random_seed=ancestry_seed,
    )
    trees = msprime.sim_mutations(trees, rate=_MUTATION_RATE, random_seed=mutation_seed)
    alleles = np.asarray(trees.genotype_matrix())
    pos = np.asarray(trees.tables.sites.position).astype(np.int64) + REGION_START
    taken = [locus.lead.pos, locus.distance_only_lead.pos]
    n_copies = alleles.sum(axis=1)
    has_two = (alleles.max(axis=1) == 1) & (n_copies < 2 * N_DONORS) & ~np.isin(pos, taken)
    letters = [site.alleles[:2] for site in trees.variants()]
    kept = np.flatnonzero(has_two)
    lead = _place_of_lead(pos[kept], n_copies[kept], locus.lead.pos)
    pos[kept[lead]] = locus.lead.pos
    letters[kept[lead]] = (locus.lead.ref, locus.lead.alt)
    lead_site = int(kept[lead])
    kept = kept[np.argsort(pos[kept], kind="stable")]
    return Genotypes(
        pos=pos[kept],
        ref=[letters[site][0] for site in kept],
        alt=[letters[site][1] for site in kept],
        rsid=[locus.lead.rsid if site == lead_site else "." for site in kept],
        haplotypes=alleles[kept].astype(np.int8),
        is_missing=rng.random((kept.size, N_DONORS)) < _MISSING_SHARE,
    )


def _place_of_lead(
    pos: npt.NDArray[np.int64], n_copies: npt.NDArray[np.int64], lead_pos: int
) -> int:
    """Return the variant nearest to the lead whose minor allele is common enough."""
    frequency = n_copies / (2 * N_DONORS)
    minor = np.minimum(frequency, 1 - frequency)
    fits = (minor >= _LEAD_MAF[0]) & (minor <= _LEAD_MAF[1])
    return int(np.argmin(np.where(fits, np.abs(pos - lead_pos), np.iinfo(np.int64).max)))
