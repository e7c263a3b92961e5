"""A GWAS of an invented trait: what a large study would report of the cohort's variants."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from varhouse.demo.cohort.genotypes import Genotypes
from varhouse.demo.cohort.plan import REGION_END, REGION_START, TRAIT_PLANS, CommonEffect
from varhouse.demo.locus import CHROM

N_PEOPLE = 40_000
_MIN_MAF = 0.02
_N_ELSEWHERE = 6_000
# About the lengths of chromosomes 1 to 22 in Mb: outside the region, nothing is planted.
_MEGABASES = (
    249, 243, 197, 191, 180, 170, 159, 146, 141, 135, 134, 133, 115, 107, 102, 90, 81, 78, 59, 62,
    48, 51,
)  # fmt: skip
_ALLELES = (("A", "G"), ("C", "T"), ("G", "A"), ("T", "C"), ("A", "C"), ("G", "T"))


class Association(NamedTuple):
    """One row of the study; ``z`` is of a copy of ``alt``."""

    chrom: str
    pos: int
    ref: str
    alt: str
    rsid: str
    af: float
    z: float

    @property
    def se(self) -> float:
        """Return the standard error of the effect, in standard deviations of the trait."""
        return _se(self.af)

    @property
    def p_value(self) -> float:
        """Return the two-sided p-value of ``z``."""
        return math.erfc(abs(self.z) / math.sqrt(2))


class TraitEffect(NamedTuple):
    """A planted effect: ``change`` of the trait, in its standard deviations, of each copy."""

    gene_id: str
    gene_name: str
    variant_id: str
    change: float


def _se(af: float) -> float:
    return float((2 * N_PEOPLE * af * (1 - af)) ** -0.5)


def invent_trait(
    rng: np.random.Generator, genotypes: Genotypes, common: list[CommonEffect]
) -> tuple[list[Association], list[TraitEffect]]:
    """Draw the associations of a study whose people have the cohort's linkage.

    Parameters
    ----------
    rng
        The only source of chance.
    genotypes
        Common variants of the cohort become rows of the study.
    common
        The eQTLs: those of the genes that the plan names change the trait.

    Returns
    -------
    tuple
        Associations in the order of chromosome and position, and what was planted. With X the
        standardised genotypes of n donors, ``z = X' x_causal / n * z_causal + X' u / sqrt(n)``, u
        standard normal: z has the expectation and the covariance that linkage gives it.
    """
    copies = genotypes.copies.astype(np.float64)
    af = copies.mean(axis=1) / 2
    rows = np.flatnonzero(np.minimum(af, 1 - af) >= _MIN_MAF)
    copies = copies[rows]
    copies -= copies.mean(axis=1, keepdims=True)
    copies /= copies.std(axis=1, keepdims=True)
    names = [genotypes.variant_ids[row] for row in rows]
    n_donors = copies.shape[1]
    z = copies @ rng.standard_normal(n_donors) / np.sqrt(n_donors)
    planted = []
    for eqtl in common:
        if (strength := TRAIT_PLANS.get(eqtl.gene_name)) is not None:
            causal = names.index(eqtl.variant_id)
            z += strength * (copies @ copies[causal]) / n_donors
            change = strength * _se(float(af[rows[causal]]))
            planted.append(TraitEffect(eqtl.gene_id, eqtl.gene_name, eqtl.variant_id, change))
    here = [
        Association(
            CHROM,
            int(genotypes.pos[row]),
            genotypes.ref[row],
            genotypes.alt[row],
            genotypes.rsid[row],
            float(af[row]),
            value,
        )
        for row, value in zip(rows, z.tolist(), strict=True)
    ]
    found = sorted([*_elsewhere(rng), *here], key=lambda row: (int(row.chrom), row.pos))
    return found, planted


def _elsewhere(rng: np.random.Generator) -> list[Association]:
    """Draw unlinked variants outside the cohort's region, all without effect."""
    length = np.array(_MEGABASES, dtype=np.float64)
    chrom = rng.choice(length.size, size=_N_ELSEWHERE, p=length / length.sum())
    af = rng.uniform(_MIN_MAF, 1 - _MIN_MAF, _N_ELSEWHERE)
    z = rng.standard_normal(_N_ELSEWHERE)
    found: dict[tuple[int, int], Association] = {}
    for number, frequency, value in zip(chrom.tolist(), af.tolist(), z.tolist(), strict=True):
        pos = int(rng.integers(1_000_000, _MEGABASES[number] * 1_000_000))
        ref, alt = _ALLELES[int(rng.integers(len(_ALLELES)))]
        row = Association(str(number + 1), pos, ref, alt, ".", frequency, value)
        if row.chrom != CHROM or not REGION_START <= pos <= REGION_END:
            found.setdefault((number, pos), row)
    return list(found.values())
