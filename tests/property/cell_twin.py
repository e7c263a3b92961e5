"""What a world of cells is to become, cell by cell, from docs/formats/cells.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from tests.property.cell_worlds import World

N_COMPONENTS = 15


@dataclass
class Expected:
    """Rows of ``pseudobulk`` and ``covariates``, and what the load tells.

    Attributes
    ----------
    values
        (cell type, gene, donor) to sum and mean.
    n_cells
        (cell type, donor) to the number of cells.
    means
        Donor to the mean over all its cells, one value a gene of ``genes``.
    """

    values: dict[tuple[str, str, str], tuple[float | None, float]] = field(default_factory=dict)
    n_cells: dict[tuple[str, str], int] = field(default_factory=dict)
    traits: dict[tuple[str, str], float] = field(default_factory=dict)
    means: dict[str, list[float]] = field(default_factory=dict)
    genes: list[str] = field(default_factory=list)
    rejected: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)


def normalised(values: list[list[float]]) -> list[list[float]]:
    """Scale each cell to the median total of those that have any, and take ln(1 + x)."""
    totals = [math.fsum(cell) for cell in values]
    counted = sorted(total for total in totals if total > 0)
    half = len(counted) // 2
    median = counted[half] if len(counted) % 2 else (counted[half - 1] + counted[half]) / 2
    return [
        [math.log1p(value * median / total) if total else 0.0 for value in cell]
        for cell, total in zip(values, totals, strict=True)
    ]


def expect(world: World) -> Expected:
    raw = world.values.astype(object).tolist()
    values = [[float(value) for value in cell] for cell in raw]
    if world.is_counts:
        values = normalised(values)
        if world.options.get("normalise_twice"):
            values = normalised(values)
    found = Expected()
    first: dict[str, int] = {}
    for column, gene in enumerate(world.genes):
        first.setdefault(gene, column)
    found.genes = list(first)
    groups: dict[tuple[str, str], list[int]] = {}
    of_donor: dict[str, list[int]] = {}
    for cell, (donor, kind) in enumerate(zip(world.donors, world.types, strict=True)):
        if donor is None or kind is None:
            code = "donor_missing" if donor is None else "cell_type_missing"
            found.rejected[code] = found.rejected.get(code, 0) + 1
            continue
        groups.setdefault((kind, donor), []).append(cell)
        of_donor.setdefault(donor, []).append(cell)
    for (kind, donor), cells in groups.items():
        found.n_cells[kind, donor] = len(cells)
        for gene, column in first.items():
            total = float(sum(raw[cell][column] for cell in cells)) if world.is_counts else None
            mean = math.fsum(values[cell][column] for cell in cells) / len(cells)
            found.values[kind, gene, donor] = (total, mean)
    for donor, cells in sorted(of_donor.items()):
        found.means[donor] = [
            math.fsum(values[cell][column] for cell in cells) / len(cells)
            for column in first.values()
        ]
    _traits(world, of_donor, found)
    _notes(world, first, len(raw) - sum(found.rejected.values()), found)
    return found


def _traits(world: World, of_donor: dict[str, list[int]], found: Expected) -> None:
    for name, of_cell in world.traits.items():
        seen = {
            donor: {of_cell[cell] for cell in cells} - {None} for donor, cells in of_donor.items()
        }
        n_varying = sum(len(each) > 1 for each in seen.values())
        if n_varying:
            found.notes["trait_varies"] = found.notes.get("trait_varies", 0) + n_varying
            continue
        for donor, each in seen.items():
            for value in each:
                found.traits[donor, name] = float(value)


def _notes(world: World, first: dict[str, int], n_taken: int, found: Expected) -> None:
    n_twice = len(world.genes) - len(first)
    if n_twice:
        found.notes["duplicate_gene"] = n_twice
    n_symbols = sum(not gene.startswith("ENSG0") for gene in world.genes)
    if n_symbols:
        found.notes["gene_symbol_kept"] = n_symbols
    if not world.is_counts:
        found.notes["not_counts"] = n_taken


def most_variable(means: np.ndarray, n: int) -> tuple[np.ndarray, bool]:
    """Say which columns vary most: dispersion beside that of genes of like mean [1]_, [2]_.

    Dispersions (variance by mean, of values before the logarithm) are compared by logarithm within
    20 bins of ln(1 + mean), by mean and standard deviation of the bin; a gene alone in its bin
    counts as 1. All genes that reach the n-th highest value are taken. Also said is whether that is
    certain: two genes in a bin have scores of the same size, as far as doubles can tell.

    References
    ----------
    .. [1] Satija et al. (2015), Nat. Biotechnol. 33:495, doi:10.1038/nbt.3192.
    .. [2] scanpy.pp.highly_variable_genes, ``flavor='seurat'``.
    """
    plain = np.expm1(means)
    mean, variance = plain.mean(axis=0), plain.var(axis=0, ddof=1)
    dispersion = [
        math.log(v / m) if v > 0 and m > 0 else math.nan
        for m, v in zip(mean.tolist(), variance.tolist(), strict=True)
    ]
    level = np.log1p(np.where(mean == 0, 1e-12, mean))
    low, high = float(level.min()), float(level.max())
    edges = np.linspace(low, high, 21)
    bins = [int((edges[1:-1] < x).sum()) for x in level.tolist()]
    scores: list[float] = []
    is_certain = True
    for gene, bin_no in enumerate(bins):
        others = [
            dispersion[i]
            for i, b in enumerate(bins)
            if b == bin_no and dispersion[i] == dispersion[i]
        ]
        if dispersion[gene] != dispersion[gene]:
            scores.append(-math.inf)
        elif len(others) == 1:
            scores.append(1.0)
        else:
            spread = float(np.std(others, ddof=1))
            # where genes do not differ there is no telling which stands out
            scores.append(
                (dispersion[gene] - float(np.mean(others))) / spread if spread else -math.inf
            )
            is_certain &= spread == 0 or spread > 1e-9
    known = sorted((score for score in scores if score > -math.inf), reverse=True)
    cut = known[min(n, len(known)) - 1] if known else math.inf
    is_certain &= n >= len(known) or not any(
        abs(score - cut) < 1e-9 and not score == cut == 1.0
        for at, score in enumerate(scores)
        if at != scores.index(cut)
    )
    return np.array([score >= cut for score in scores]), is_certain


def components(
    means: Sequence[Sequence[float]], n_genes: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return principal components of donors, largest loading positive, and singular values.

    None when rounding decides which genes take part.
    """
    table = np.array(means, dtype=np.float64)
    is_variable, is_certain = most_variable(table, n_genes)
    if not is_certain:
        return None
    table = table[:, is_variable]
    if not table.size:
        return np.empty((len(table), 0)), np.empty(0)
    centred = table - table.mean(axis=0)
    u, s, vt = np.linalg.svd(centred, full_matrices=False)
    largest = np.abs(vt).argmax(axis=1)
    signs = np.sign(vt[np.arange(len(vt)), largest])
    return u * s * signs, s
