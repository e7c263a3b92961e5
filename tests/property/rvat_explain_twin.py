"""What ``explain GENE`` says of each variant: slow, obvious, written from the description alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from tests.property.rvat_profile_twin import GeneInCellType, phenotype, set_names
from tests.property.rvat_tails import Float
from tests.property.rvat_twin_tests import Set, burden_row
from tests.property.rvat_twin_variants import (
    Candidate,
    Profile,
    as_list,
    candidate,
    consequence_of,
    is_in_mask,
    minor_copies,
    weight_of,
    window_of,
)
from tests.property.rvat_worlds import SEVERITY, Variant, World

# by variant and gene
V2gScores = Mapping[tuple[str, str], float]


def expected_rows(
    world: World, profile: Profile, pair: GeneInCellType, v2g: V2gScores | None
) -> dict[str, dict[str, Any]]:
    """Return the columns by variant id; a column that a row does not name is not described.

    Without V2G scores they are not built.
    """
    start, end = window_of(pair.gene, profile)
    found = {}
    for j, variant in enumerate(world.variants):
        if variant.chrom == pair.gene.chrom and start <= variant.pos <= end:
            row = measured(world.calls[:, j], pair, profile)
            row["tss_distance_bp"] = variant.pos - pair.gene.tss
            if v2g is not None:
                row["v2g_score"] = v2g.get((variant.id, pair.gene.id))
            row |= consequence(world, variant, pair, profile)
            row |= judged(world, profile, pair, j, v2g or {})
            found[variant.id] = row
    return found


def measured(everyone: Float, pair: GeneInCellType, profile: Profile) -> dict[str, Any]:
    """Return carriers, missing calls and frequency."""
    dosages = everyone[pair.tested]
    called = dosages[~np.isnan(dosages)]
    cohort = everyone[~np.isnan(everyone)]
    counted = 2 - called if profile["fold_minor_allele"] and called.sum() > called.size else called
    of = cohort if profile["maf_donors"] == "genotyped" else called
    return {
        "n_missing": dosages.size - called.size,
        "n_carriers": int((counted >= 0.5).sum()),
        "maf": minor_copies(of) / (2 * of.size) if of.size else None,
    }


def consequence(
    world: World, variant: Variant, pair: GeneInCellType, profile: Profile
) -> dict[str, Any]:
    """Return what masks go by, whether or not one asks for it."""
    row = consequence_of(world, variant, pair.gene.id, profile)
    if row is None:
        return {"consequence": None, "impact": None}
    worst = min(row.terms, key=lambda term: SEVERITY[term][0])
    return {"consequence": worst, "impact": row.impact}


def judged(
    world: World, profile: Profile, pair: GeneInCellType, j: int,
    v2g: V2gScores,
) -> dict[str, Any]:  # fmt: skip
    """Return the status, and what only a variant below the cut-offs has."""
    everyone = world.calls[:, j]
    called = everyone[pair.tested][~np.isnan(everyone[pair.tested])]
    row: dict[str, Any] = {
        "sets": [], "beta": None, "se": None, "p_value": None, "log10p": None, "test_status": None,
    }  # fmt: skip
    if not called.size:
        return row | {"status": "no_calls"}
    at = candidate(world, j, pair.tested, profile)
    if at is None:
        varies = np.nanmin(everyone) < np.nanmax(everyone)
        return row | {"status": "only_in_untested_donors" if varies else "monomorphic"}
    if at.maf >= max(as_list(profile["max_maf"])):
        return row | {"status": "maf_too_high"}
    weights = {
        name: weight_of(world, at, pair.gene, name, profile, v2g) for name in profile["weights"]
    }
    row |= {f"weight_{name}": None if math.isnan(w) else w for name, w in weights.items()}
    row["sets"] = [
        f"{mask} < {cut_off}"
        for mask, asks, cut_off in set_names(profile)
        if at.maf < cut_off and is_in_mask(world, at.variant, pair.gene.id, asks, profile)
    ]
    if not row["sets"]:
        return row | {"status": "not_in_mask"}
    if all(math.isnan(weight) for weight in weights.values()):
        return row | {"status": "no_weight"}
    return row | {"status": "tested"} | alone(at, pair, profile)


def alone(at: Candidate, pair: GeneInCellType, profile: Profile) -> dict[str, Any]:
    """Return the regression on this variant alone."""
    reason, y = phenotype(pair, profile)
    if reason is not None:
        return {"test_status": reason}
    set_of_one = Set(
        at.dosages[:, None], np.ones(1), np.array([at.tested_maf]), np.array([at.copies]), pair.x, y
    )
    row = burden_row(set_of_one, "sum", {**profile, "p_value": "t"})
    if row.p is None:
        return {"test_status": row.status}
    beta, se = row.values["beta"], row.values["se"]
    if se < 1e-12 * abs(beta):
        # what is left of a perfect fit is rounding
        return {"test_status": "ok", "beta": beta, "se": 0.0, "p_value": 0.0, "log10p": math.inf}
    found = {"beta": beta, "se": se, "p_value": row.p, "log10p": -math.log10(row.p)}
    return {"test_status": "ok", **found}
