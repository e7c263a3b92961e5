"""Rare-variant tests under any profile: slow, obvious, written from the description alone."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from tests.property.rvat_tails import Float, acat
from tests.property.rvat_twin_tests import Row, Set, burden_row, set_row
from tests.property.rvat_twin_variants import (
    Profile,
    as_list,
    candidate,
    is_in_mask,
    weight_of,
    window_of,
)
from tests.property.rvat_worlds import Gene, World


class Combined(NamedTuple):
    status: str
    n_tests: int
    p: float | None
    q: float | None = None
    best: frozenset[str] = frozenset()


@dataclass
class Expected:
    """The tables by their keys."""

    donors: dict[tuple[str, str], str] = field(default_factory=dict)
    # cell type, gene, weight, aggregation, mask, cut-off
    burden: dict[tuple[str, ...], Row] = field(default_factory=dict)
    # cell type, gene, test, mask, cut-off
    skat: dict[tuple[str, ...], Row] = field(default_factory=dict)
    # cell type, gene, aggregation, mask, cut-off
    acat: dict[tuple[str, ...], Combined] = field(default_factory=dict)
    omnibus: dict[tuple[str, str], Combined] = field(default_factory=dict)
    # cell type, test, weight, mask, cut-off: genes, tested, smallest p, lambda
    summary: dict[tuple[str, ...], tuple[int, int, float, float]] = field(default_factory=dict)


# --- donors and covariates


def covariate_values(
    world: World, profile: Profile, components: Mapping[str, Sequence[float]]
) -> dict[str, dict[str, float | None]]:
    """Return what is adjusted for: covariate, donor, value."""
    loaded: dict[str, dict[str, float | None]] = {}
    for (donor, name), value in world.covariates.items():
        loaded.setdefault(name, {})[donor] = value
    loaded["sex"] = dict(zip(world.donors, world.sexes, strict=True))
    for donor, values in components.items():
        for number, value in enumerate(values, start=1):
            loaded.setdefault(f"genotype_pc{number}", {})[donor] = value
    match profile["covariates"]:
        case "all":
            return loaded
        case "none":
            return {}
        case named:
            return {name: loaded[name] for name in as_list(named)}


def donor_status(
    world: World, donor: str, covariates: Mapping[str, Mapping[str, float | None]]
) -> str:
    if world.donors.index(donor) >= world.n_genotyped:
        return "no_genotypes"
    if any(values.get(donor) is None for values in covariates.values()):
        return "no_covariates"
    return "ok"


def independent_columns(columns: Sequence[Float]) -> Float:
    """Leave out each column that the ones before explain."""
    kept = [np.ones(columns[0].size)] if columns else []
    for column in columns:
        basis = np.column_stack(kept)
        left = column - basis @ np.linalg.lstsq(basis, column)[0]
        if np.linalg.norm(left) > 1e-8 * np.linalg.norm(column):
            kept.append(column)
    return np.column_stack(kept)


# --- expression


def expression_of(world: World, cell_type: str, gene: str, donors: Sequence[str]) -> Float | None:
    """Return expression, NaN where it is not known; None for a gene that nobody measured."""
    values = np.full(len(donors), np.nan)
    is_measured = False
    for load in world.loads:
        if gene not in load.genes:
            continue
        for i, donor in enumerate(donors):
            if (cell_type, donor) in load.groups:
                is_measured = True
                known = load.values.get((cell_type, gene, donor))
                values[i] = known if known is not None else 0.0 if load.zeros_left_out else np.nan
    return values if is_measured else None


def is_expressed(values: Float, profile: Profile) -> bool:
    n_expressed = int(np.sum(values > 0))
    share = Fraction(str(profile["min_donor_fraction"]))
    return n_expressed > 0 and n_expressed >= share * values.size


def transformed(values: Float, name: str, profile: Profile) -> Float:
    if profile["jitter_seed"] is not None:
        rng = np.random.default_rng([profile["jitter_seed"], zlib.crc32(name.encode())])
        values = values + 1e-5 * rng.standard_normal(values.size)
    ranks = stats.rankdata(values)
    if profile["rank_ties"] == "half_even":
        ranks = np.array([round(rank) for rank in ranks], dtype=float)
    return np.asarray(stats.norm.ppf((ranks - 0.5) / values.size))


# --- tables


def expected_tables(
    world: World,
    profile: Profile,
    *,
    v2g: Mapping[tuple[str, str], float] | None = None,
    components: Mapping[str, Sequence[float]] | None = None,
) -> Expected:
    """Test a world under a profile, one gene and cell type at a time."""
    expected = Expected()
    for pair in genes_to_test(world, profile, components or {}, expected.donors):
        test_gene(expected, world, profile, pair, v2g or {})
    combine(expected, profile["skat_weight"])
    return expected


class GeneInCellType(NamedTuple):
    """A gene in a cell type that it is tested in: donors by place, covariates, expression."""

    cell_type: str
    gene: Gene
    tested: Sequence[int]
    x: Float
    values: Float


def genes_to_test(
    world: World,
    profile: Profile,
    components: Mapping[str, Sequence[float]],
    statuses: dict[tuple[str, str], str],
) -> Iterator[GeneInCellType]:
    """Yield what is tested, and note the status of each cell type's donors."""
    covariates = covariate_values(world, profile, components)
    known = sorted({group[0] for load in world.loads for group in load.groups})
    asked = known if profile["cell_types"] == "all" else as_list(profile["cell_types"])
    for cell_type in asked:
        present = {
            group[1] for load in world.loads for group in load.groups if group[0] == cell_type
        }
        tested = []
        for place, donor in enumerate(world.donors):
            if donor in present:
                statuses[cell_type, donor] = donor_status(world, donor, covariates)
                if statuses[cell_type, donor] == "ok":
                    tested.append(place)
        if not tested:
            continue
        donors = [world.donors[i] for i in tested]
        x = independent_columns([np.ones(len(donors))])
        if covariates:
            x = independent_columns(
                [np.array([covariates[c][d] for d in donors], dtype=float) for c in covariates]
            )
        for gene in world.genes:
            if profile["rvat_genes"] == "all" or gene.id in as_list(profile["rvat_genes"]):
                values = expression_of(world, cell_type, gene.id, donors)
                if values is not None and is_expressed(values, profile):
                    yield GeneInCellType(cell_type, gene, tested, x, values)


def phenotype(at: GeneInCellType, profile: Profile) -> tuple[str | None, Float]:
    """Return why the gene cannot be tested there, or its transformed expression."""
    n, k = at.x.shape
    if n - k < 2:
        return "too_few_donors", np.zeros(n)
    if np.isnan(at.values).any():
        return "missing_expression", np.zeros(n)
    return None, transformed(at.values, f"{at.gene.id} {at.cell_type}", profile)


def set_names(profile: Profile) -> Iterable[tuple[str, Mapping[str, Any], float]]:
    for mask, asks in profile["masks"].items():
        for cut_off in as_list(profile["max_maf"]):
            yield mask, asks, cut_off


def test_gene(
    expected: Expected,
    world: World,
    profile: Profile,
    pair: GeneInCellType,
    v2g: Mapping[tuple[str, str], float],
) -> None:
    cell_type, gene, tested, x, _ = pair
    start, end = window_of(gene, profile)
    near = [
        found
        for j, variant in enumerate(world.variants)
        if variant.chrom == gene.chrom and start <= variant.pos <= end
        and (found := candidate(world, j, tested, profile)) is not None
    ]  # fmt: skip
    n = x.shape[0]
    reason, y = phenotype(pair, profile)
    weights = {
        name: np.array([weight_of(world, at, gene, name, profile, v2g) for at in near])
        for name in {*profile["weights"], profile["skat_weight"]}
    }
    for mask, asks, cut_off in set_names(profile):
        inside = np.array(
            [
                at.maf < cut_off and is_in_mask(world, at.variant, gene.id, asks, profile)
                for at in near
            ],
            dtype=bool,
        )

        def set_under(weight: str, inside: Any = inside) -> Set:
            used = inside & ~np.isnan(weights[weight])
            dosages = np.array([at.dosages for at, is_in in zip(near, used, strict=True) if is_in])
            return Set(
                dosages.reshape(-1, n).T, weights[weight][used],
                np.array([at.tested_maf for at in near])[used],
                np.array([at.copies for at in near])[used], x, y,
            )  # fmt: skip

        why = reason or (None if inside.any() else "empty_window")
        key = (mask, str(float(cut_off)))
        for weight in profile["weights"]:
            for aggregation in as_list(profile["aggregations"]):
                expected.burden[cell_type, gene.id, weight, aggregation, *key] = (
                    Row(why, 0, 0, n)
                    if why
                    else burden_row(set_under(weight), aggregation, profile)
                )
        for test in as_list(profile["rvat_tests"]):
            weight = profile["skat_weight"]
            expected.skat[cell_type, gene.id, test, *key] = (
                Row(why, 0, 0, n) if why else set_row(test, set_under(weight), weight, profile)
            )


def combine(expected: Expected, skat_weight: str) -> None:
    """ACAT of the burdens, ACAT-O of everything, q-values, genomic control."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    whole: dict[tuple[str, str], list[tuple[str, Row]]] = {}
    for (cell_type, gene, weight, aggregation, *key), row in expected.burden.items():
        groups.setdefault((cell_type, gene, aggregation, *key), []).append(row)
        name = " ".join(["burden", aggregation, weight, *key])
        whole.setdefault((cell_type, gene), []).append((name, row))
    for (cell_type, gene, test, *key), row in expected.skat.items():
        whole.setdefault((cell_type, gene), []).append((" ".join([test, skat_weight, *key]), row))
    for key, rows in groups.items():
        expected.acat[key] = combined([("", row) for row in rows])
    for pair, named in whole.items():
        expected.omnibus[pair] = combined(named)
    for cell_type in {pair[0] for pair in whole}:
        genes = {
            pair: found.p
            for pair, found in expected.omnibus.items()
            if pair[0] == cell_type and found.p is not None
        }
        for pair, p in genes.items():
            q = min(
                other * len(genes) / sum(each <= other for each in genes.values())
                for other in genes.values()
                if other >= p
            )
            expected.omnibus[pair] = expected.omnibus[pair]._replace(q=min(q, 1.0))


def combined(rows: Sequence[tuple[str, Row]]) -> Combined:
    p_values = [row.p for _, row in rows if row.p is not None]
    if not p_values:
        return Combined(min(row.status for _, row in rows), 0, None)
    least = min(p_values)
    best = frozenset(
        name for name, row in rows if row.p is not None and row.p <= least * (1 + 1e-5)
    )
    return Combined("ok", len(p_values), acat(p_values), best=best)
