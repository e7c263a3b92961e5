"""Options of the rare-variant tests, for profiles of them, and what the worlds are beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tests.property import v2g_profile_twin, v2g_worlds
from tests.property.rvat_worlds import Gene, Load, Variant, World, random_world

OPTIONS: dict[str, Sequence[Any]] = {
    "cell_types": ("all", "T", ["B", "NK", "mono"]),
    "rvat_genes": ("all", ["G0", "G2", "G4", "G6"]),
    "covariates": ("all", "none", ["pc"], ["sex", "batch", "age", "marker", "months"]),
    "genotype_pcs": (0, 2),
    "min_donor_fraction": (0.1, 0, 0.5, 1),
    "cis_window_bp": (100_000, 20_000, 0),
    "cis_anchor": ("gene_body", "tss"),
    "window": ("closed", "gene_body_open"),
    "max_maf": ([0.05], [0.03, 0.1], 0.6),
    "masks": (
        {"all": {}},
        {"all": {}, "protein": {"impact": ["HIGH", "MODERATE"]}},
        {"missense": {"consequence": "missense_variant"}, "scored": {"min_score": {"CADD_RAW": 0}}},
        {"both": {"impact": "MODIFIER", "min_score": {"MIX": 0.5, "CADD_RAW": -1}}},
    ),
    "weights": (
        ["uniform", "maf_beta", "tss_distance_exp"],
        ["tss_distance", "CADD_RAW"],
        ["maf_beta*MIX", "WHOLE"],
        ["v2g*maf_beta", "v2g"],
    ),
    "maf_beta_shape": ([1, 25], [0.5, 0.5], [2, 8]),
    "distance_from": ("tss", "gene_start"),
    "aggregations": (["sum"], ["sum", "mean", "max"], "max"),
    "rvat_tests": (["skat"], ["skat", "skat_o", "acat_v"], "acat_v", []),
    "skat_weight_power": (1, 0, 0.5, 2),
    "skat_law": ("large_sample", "finite_sample"),
    "p_value": ("t", "lrt"),
    "fold_minor_allele": (True, False),
    "missing_calls": ("mean", "zero"),
    "maf_donors": ("tested", "genotyped"),
    "rvat_annotations": ("gene", "first_of_variant"),
    "rank_ties": ("average", "half_even"),
    "jitter_seed": (None, 0, 7),
    "rvat_region_genes": (512, 1, 3),
    "annotation_pick": ("worst", "canonical", "mane", "first"),
    "annotation_pick_per": ("gene", "variant"),
    "annotation_aggregate": ("max", "mean", "min"),
}
DEFAULTS = {name: values[0] for name, values in OPTIONS.items()} | {"skat_weight": "maf_beta"}


def variables(profile: Mapping[str, Any]) -> dict[str, Any]:
    return {name: profile[name] for name in (*OPTIONS, "skat_weight")}


def v2g_scores(world: World) -> dict[tuple[str, str], float]:
    """Return overall V2G scores by the twin of V2G, under its defaults."""
    scored = v2g_worlds.World(
        variants=[v2g_worlds.Variant(*v) for v in (*world.variants, *world.ungenotyped)],
        genes=[v2g_worlds.Gene(g.id, g.chrom, g.tss, None, None) for g in world.genes],
        qtl=[
            v2g_worlds.Qtl(v2g_worlds.Variant(*v), gene, "eqtl", "gtex_v7", "blood", p, None)
            for v, gene, p in world.qtl
        ],
        slice_qtl=[],
        slice_links=[],
        slice_terms=[],
        intervals=[],
        vep=[
            v2g_worlds.Consequence(v2g_worlds.Variant(*row.variant), row.gene, row.terms)
            for row in world.annotations
            if row.gene is not None and row.terms
        ],
        weights={},
    )
    profile = {
        "quantile": "percent_rank", "vep": "raw", "vep_map": "configs", "vep_terms": "all",
        "qtl": "neglog10p", "weights": "page", "missing_weight": "error", "denominator": "all",
        "biotype": "deny_page", "biotype_stage": "before", "distance": True,
        "max_distance": 500_000, "tss": "gene", "interval_zero": "keep", "interval_join": "pos",
        "interval_population": "evidence", "constant": "method", "fantom": "as_is",
        "source_alias": False, "lower_is_better": (),
    }  # fmt: skip
    expected = v2g_profile_twin.expected_scores(scored, profile)
    return {key: float(pair.score) for key, pair in expected.pairs.items()}


def small_world(n_genotyped: int = 36) -> World:
    """Return a cohort of one gene, one cell type and two variants, all else in order."""
    world = random_world(1, n_donors=40, has_missing=False)
    gene = Gene("G0", "1", 50_000, 51_000, 1)
    world.genes = [gene]
    world.variants = [Variant("1", 50_100, "A", "C"), Variant("1", 50_200, "A", "C")]
    world.ungenotyped, world.annotations, world.qtl, world.covariates = [], [], [], {}
    world.n_genotyped = n_genotyped
    world.calls = np.zeros((n_genotyped, 2))
    values = {("B", "G0", donor): 1.0 + i for i, donor in enumerate(world.donors)}
    world.loads = [Load([("B", donor) for donor in world.donors], ["G0"], True, True, values)]
    return world
