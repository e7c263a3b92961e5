"""Donors and the counts of their cells: chance, covariates and planted effects added up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from varhouse.demo.cohort.plan import (
    CELL_TYPES,
    CELLS_OF_DONOR,
    COMMON_PLANS,
    N_DONORS,
    RARE_PLANS,
)
from varhouse.demo.locus import DemoGene

# Genes of other chromosomes: counts have to add up to something that one gene does not move.
N_OTHER_GENES = 180
_N_POOLS = 4
_DONOR_SD = 0.35  # of log expression, what neither covariates nor genotypes explain
_POOL_SD, _AGE_SD, _SEX_SD = 0.15, 0.1, 0.1
_CELL_SHAPE = 4.0  # of the gamma variation between the cells of a donor
_DEPTH_SD = 0.3  # of log counts in a cell
_COUNT_RANGE, _PLANTED_RANGE = (0.2, 3.0), (1.5, 3.0)  # mean counts of a gene in a cell

Floats = npt.NDArray[np.float64]


class Donors(NamedTuple):
    """Shape (n_donors,) each; sex is 1 or 2, the pool is that of the cells' library."""

    donor_ids: list[str]
    sex: npt.NDArray[np.int64]
    age: npt.NDArray[np.int64]
    pool: npt.NDArray[np.int64]


class Cells(NamedTuple):
    """Counts of shape (n_cells, n_genes), and of each cell its donor and type by number."""

    counts: sp.csr_matrix
    gene_ids: list[str]
    gene_names: list[str]
    donor: npt.NDArray[np.int64]
    cell_type: npt.NDArray[np.int64]


def invent_donors(rng: np.random.Generator) -> Donors:
    """Draw the donors' sex, age and pool."""
    return Donors(
        donor_ids=[f"demo{number + 1:03d}" for number in range(N_DONORS)],
        sex=rng.integers(1, 3, N_DONORS),
        age=rng.integers(20, 81, N_DONORS),
        pool=rng.integers(1, _N_POOLS + 1, N_DONORS),
    )


def invent_cells(
    rng: np.random.Generator,
    genes: list[DemoGene],
    donors: Donors,
    shifts: dict[tuple[str, str], Floats],
) -> Cells:
    """Draw the counts of every cell.

    Parameters
    ----------
    shifts
        What genotypes add to the log expression of the donors, in standard deviations of what else
        differs between them, by cell type and gene id.
    """
    planted = {plan.gene_name for plan in (*RARE_PLANS, *COMMON_PLANS)}
    gene_ids = [gene.gene_id for gene in genes]
    names = [gene.gene_name for gene in genes]
    gene_ids += [f"ENSG98{number + 1:09d}" for number in range(N_OTHER_GENES)]
    names += [f"OTHER{number + 1}" for number in range(N_OTHER_GENES)]
    is_planted = np.array([name in planted for name in names])
    low, high = (
        np.where(is_planted, *ends) for ends in zip(_PLANTED_RANGE, _COUNT_RANGE, strict=True)
    )
    per_donor = np.array([_donor_effects(rng, donors) for _ in names]).T
    counts, donor, cell_type = [], [], []
    for number, name in enumerate(CELL_TYPES):
        base = rng.uniform(np.log(low), np.log(high))
        noise = rng.normal(0, _DONOR_SD, (N_DONORS, len(names)))
        for place, gene_id in enumerate(gene_ids):
            if (name, gene_id) in shifts:
                shift = shifts[name, gene_id]
                noise[:, place] += _DONOR_SD * (shift - shift.mean())
        of_cell = np.repeat(
            np.arange(N_DONORS), np.maximum(rng.poisson(CELLS_OF_DONOR[name], N_DONORS), 3)
        )
        depth = rng.normal(0, _DEPTH_SD, (of_cell.size, 1))
        rate = np.exp((base + per_donor + noise)[of_cell] + depth)
        rate *= rng.gamma(_CELL_SHAPE, 1 / _CELL_SHAPE, rate.shape)
        counts.append(sp.csr_matrix(rng.poisson(rate).astype(np.int32)))
        donor.append(of_cell)
        cell_type.append(np.full(of_cell.size, number))
    order = rng.permutation(sum(part.size for part in donor))
    return Cells(
        counts=sp.csr_matrix(sp.vstack(counts))[order],
        gene_ids=gene_ids,
        gene_names=names,
        donor=np.concatenate(donor)[order],
        cell_type=np.concatenate(cell_type)[order],
    )


def _donor_effects(rng: np.random.Generator, donors: Donors) -> Floats:
    """Return what pool, age and sex add to a gene's log expression, shape (n_donors,)."""
    of_pool = rng.normal(0, _POOL_SD, _N_POOLS)[donors.pool - 1]
    of_age = rng.normal(0, _AGE_SD) * (donors.age - 50.0) / 18.0
    of_sex = rng.normal(0, _SEX_SD) * (donors.sex - 1.5)
    return np.asarray(of_pool + of_age + of_sex)
