"""Variants of a gene for the twin of the rare-variant tests: window, weights, masks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from tests.property.rvat_tails import Float
from tests.property.rvat_worlds import Annotation, Gene, Variant, World

Profile = Mapping[str, Any]


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


# --- variants of a gene


def window_of(gene: Gene, profile: Profile) -> tuple[float, float]:
    """Return the ends, which belong to the window."""
    reach = profile["cis_window_bp"]
    start, end = (gene.tss, gene.tss) if profile["cis_anchor"] == "tss" else (gene.start, gene.end)
    if profile["window"] == "gene_body_open":
        return max(0, start - reach) + 1, end + reach - 1
    return start - reach, end + reach


class Candidate(NamedTuple):
    """A variant that varies among the tested donors; ``dosages`` are of the counted allele.

    ``maf`` is what cut-offs and weights take, ``tested_maf`` and ``copies`` are of who is called.
    """

    variant: Variant
    dosages: Float
    maf: float
    tested_maf: float
    copies: float


def candidate(world: World, j: int, places: Sequence[int], profile: Profile) -> Candidate | None:
    everyone = world.calls[:, j]
    dosages = everyone[places]
    called = dosages[~np.isnan(dosages)]
    if called.size == 0 or called.min() == called.max():
        return None
    judged = everyone[~np.isnan(everyone)] if profile["maf_donors"] == "genotyped" else called
    if profile["fold_minor_allele"] and called.mean() > 1:
        dosages = 2 - dosages
    fill = np.nanmean(dosages) if profile["missing_calls"] == "mean" else 0.0
    filled = np.where(np.isnan(dosages), fill, dosages)
    n_copies = minor_copies(called)
    return Candidate(
        world.variants[j],
        filled,
        minor_copies(judged) / (2 * judged.size),
        n_copies / (2 * called.size),
        n_copies,
    )


def minor_copies(called: Float) -> float:
    """Return copies of the rarer allele; dosages are whole sixteen-thousandths, the sum exact."""
    return float(min(called.sum(), 2 * called.size - called.sum()))


# --- annotations


def consequence_rows(world: World, variant: Variant) -> list[Annotation]:
    return [row for row in world.annotations if row.variant == variant and row.terms]


def pick(rows: Sequence[Annotation], profile: Profile) -> Annotation | None:
    if not rows:
        return None

    def order(row: Annotation) -> tuple[Any, ...]:
        return (row.severity, not row.is_canonical, not row.is_mane, row.file_rank)

    match profile["annotation_pick"]:
        case "first":
            return min(rows, key=lambda row: row.file_rank)
        case "canonical":
            rows = [row for row in rows if row.is_canonical] or rows
        case "mane":
            rows = [row for row in rows if row.is_mane] or rows
    return min(rows, key=order)


def consequence_of(
    world: World, variant: Variant, gene: str, profile: Profile
) -> Annotation | None:
    rows = consequence_rows(world, variant)
    if profile["rvat_annotations"] == "first_of_variant":
        return min(rows, key=lambda row: row.file_rank, default=None)
    if profile["annotation_pick_per"] == "variant":
        return pick(rows, profile)
    return pick([row for row in rows if row.gene == gene], profile)


def score_of(
    world: World, variant: Variant, gene: str, name: str, profile: Profile
) -> float | None:
    together = {"max": max, "min": min, "mean": lambda values: sum(values) / len(values)}
    rows = [row for row in world.annotations if row.variant == variant and name in row.scores]
    of_variant = [row.scores[name] for row in rows if row.gene is None]
    if profile["rvat_annotations"] == "first_of_variant":
        first = consequence_of(world, variant, gene, profile)
        of_gene = [first.scores[name]] if first is not None and name in first.scores else []
    else:
        of_gene = [row.scores[name] for row in rows if row.gene == gene]
    for values in (of_gene, of_variant):
        if values:
            return float(together[profile["annotation_aggregate"]](values))
    return None


def is_in_mask(
    world: World, variant: Variant, gene: str, mask: Mapping[str, Any], profile: Profile
) -> bool:
    row = consequence_of(world, variant, gene, profile)
    if "consequence" in mask and (
        row is None or not set(row.terms) & set(as_list(mask["consequence"]))
    ):
        return False
    if "impact" in mask and (row is None or row.impact not in as_list(mask["impact"])):
        return False
    for name, least in mask.get("min_score", {}).items():
        score = score_of(world, variant, gene, name, profile)
        if score is None or score < least:
            return False
    return True


def weight_of(
    world: World,
    at: Candidate,
    gene: Gene,
    name: str,
    profile: Profile,
    v2g: Mapping[tuple[str, str], float],
) -> float:
    """Return the weight, NaN where there is none."""
    product = 1.0
    distance = abs(at.variant.pos - (gene.tss if profile["distance_from"] == "tss" else gene.start))
    for factor in name.split("*"):
        match factor:
            case "uniform":
                value: float | None = 1.0
            case "maf_beta":
                value = float(stats.beta.pdf(at.maf, *profile["maf_beta_shape"]))
            case "tss_distance":
                value = float(distance)
            case "tss_distance_exp":
                value = math.exp(-1e-5 * distance)
            case "v2g":
                value = v2g.get((at.variant.id, gene.id))
            case _:
                value = score_of(world, at.variant, gene.id, factor, profile)
        product *= math.nan if value is None else value
    return product
