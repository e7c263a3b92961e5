"""The rare-variant models under profiles that hold every pair of option values, and the twin."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import stats
from tests.property import v2g_profile_twin, v2g_worlds
from tests.property.rvat_fill import fill
from tests.property.rvat_profile_twin import Combined, Expected, expected_tables
from tests.property.rvat_tails import RHOS, skat_o, tail
from tests.property.rvat_twin_tests import Row
from tests.property.rvat_worlds import (
    Annotation,
    Gene,
    Load,
    Variant,
    World,
    random_world,
)
from tests.v2g import build, empty_warehouse

from varhouse.numerics.acat import acat
from varhouse.numerics.burden import burden_test

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
# what is loaded, and which of the weights is that of SKAT
CONDITIONS: dict[str, Sequence[Any]] = {
    "n_donors": (60, 32),
    "has_missing": (True, False),
    "skat_weight_place": (0, 1),
}
FACTORS = {**OPTIONS, **CONDITIONS}
Choice = tuple[str, int]


def pairs_of(profile: Mapping[str, int]) -> set[frozenset[Choice]]:
    return {frozenset(pair) for pair in itertools.combinations(profile.items(), 2)}


def candidate(rng: random.Random, uncovered: set[frozenset[Choice]]) -> dict[str, int]:
    """Begin with a pair that no profile has, then give each option the value that adds most."""
    profile = dict(rng.choice(sorted(map(sorted, uncovered))))
    for name in rng.sample(sorted(FACTORS.keys() - profile.keys()), len(FACTORS) - 2):
        profile[name] = max(
            rng.sample(range(len(FACTORS[name])), len(FACTORS[name])),
            key=lambda value: sum(
                frozenset({(name, value), other}) in uncovered for other in profile.items()
            ),
        )
    return profile


def all_pairs() -> set[frozenset[Choice]]:
    return {
        frozenset({(a, i), (b, j)})
        for a, b in itertools.combinations(FACTORS, 2)
        for i in range(len(FACTORS[a]))
        for j in range(len(FACTORS[b]))
    }


def covering_profiles(seed: int) -> list[dict[str, Any]]:
    """Return profiles such that each two values of two options meet in one of them."""
    rng = random.Random(seed)
    uncovered = all_pairs()
    profiles = []
    while uncovered:
        best = max(
            (candidate(rng, uncovered) for _ in range(3)),
            key=lambda profile: len(pairs_of(profile) & uncovered),
        )
        uncovered -= pairs_of(best)
        profile = {name: FACTORS[name][best[name]] for name in FACTORS}
        profile["skat_weight"] = profile["weights"][profile.pop("skat_weight_place")]
        profiles.append(profile)
    return profiles


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


# --- comparison


def close(found: float | None, wanted: float | None, rel: float, absolute: float = 0.0) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return math.isclose(found, wanted, rel_tol=rel, abs_tol=absolute)


def row_differences(found: Mapping[str, Any], wanted: Row, rel: float) -> Iterator[str]:
    for name in ("status", "n_variants", "n_carriers", "n_donors"):
        if found[name] != getattr(wanted, name):
            yield f"{name} is {found[name]}, wanted {getattr(wanted, name)}"
    if found["status"] != wanted.status:
        return
    absolute = 1e-9 if rel > 1e-9 else 0.0
    if not close(found["p_value"], wanted.p, rel, absolute):
        yield f"p_value is {found['p_value']}, wanted {wanted.p}"
    log10p = None if wanted.p is None else -math.log10(wanted.p) if wanted.p else math.inf
    if wanted.p != 0 and not close(found["log10p"], log10p, max(rel, 1e-9), 10 * rel):
        yield f"log10p is {found['log10p']}, wanted {log10p}"
    if wanted.rhos and found["rho"] not in wanted.rhos:
        yield f"rho is {found['rho']}, wanted one of {wanted.rhos}"
    for name, value in wanted.values.items():
        # effects near 0 lose digits where their p is near 1
        if not close(found[name], value, 1e-9, 1e-12):
            yield f"{name} is {found[name]}, wanted {value}"


def combined_differences(found: Mapping[str, Any], wanted: Combined, rel: float) -> Iterator[str]:
    for name in ("status", "n_tests"):
        if found[name] != getattr(wanted, name):
            yield f"{name} is {found[name]}, wanted {getattr(wanted, name)}"
    if not close(found["p_value"], wanted.p, rel, 1e-9 if rel > 1e-9 else 0.0):
        yield f"p_value is {found['p_value']}, wanted {wanted.p}"
    if "q_value" in found and not close(found["q_value"], wanted.q, 1e-5, 1e-9):
        yield f"q_value is {found['q_value']}, wanted {wanted.q}"
    if "best_test" in found and wanted.best and found["best_test"] not in wanted.best:
        yield f"best_test is {found['best_test']}, wanted one of {sorted(wanted.best)}"


KEYS = {
    "burden": ("cell_type", "gene_id", "weight", "aggregation", "mask", "max_maf"),
    "skat": ("cell_type", "gene_id", "test", "mask", "max_maf"),
    "acat": ("cell_type", "gene_id", "aggregation", "mask", "max_maf"),
    "omnibus": ("cell_type", "gene_id"),
}


def table_of(con: duckdb.DuckDBPyConnection, name: str) -> dict[tuple[str, ...], dict[str, Any]]:
    cursor = con.execute(f"from rvat_{name}")
    columns = [column[0] for column in cursor.description]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    found = {
        tuple(str(float(row[k])) if k == "max_maf" else row[k] for k in KEYS[name]): row
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def differences(con: duckdb.DuckDBPyConnection, expected: Expected) -> list[str]:
    told = []
    donors = {
        (cell_type, donor): status
        for cell_type, donor, status in con.execute(
            "select cell_type, donor_id, status from rvat_donors"
        ).fetchall()
    }
    if donors != expected.donors:
        told.append(f"rvat_donors: {sorted(donors.items() ^ expected.donors.items())[:6]}")
    for name in KEYS:
        found, wanted = table_of(con, name), getattr(expected, name)
        missing, more = wanted.keys() - found.keys(), found.keys() - wanted.keys()
        if missing or more:
            told.append(f"{name}: misses {sorted(missing)[:5]}, has {sorted(more)[:5]}")
        for key in sorted(wanted.keys() & found.keys()):
            rel = 1e-9 if name in ("burden", "acat") else 1e-6
            compare = row_differences if name in ("burden", "skat") else combined_differences
            told += [f"{name} {key}: {text}" for text in compare(found[key], wanted[key], rel)]
    return told


def variables(profile: Mapping[str, Any]) -> dict[str, Any]:
    return {name: profile[name] for name in (*OPTIONS, "skat_weight")}


def compare(con: duckdb.DuckDBPyConnection, profile: Mapping[str, Any], seed: int) -> list[str]:
    world = random_world(seed, n_donors=profile["n_donors"], has_missing=profile["has_missing"])
    fill(con, world)
    build(
        con,
        select=["+rvat_burden", "+rvat_skat", "+rvat_acat", "+rvat_omnibus", "+rvat_donors"],
        **variables(profile),
    )
    components: dict[str, list[float]] = {}
    if profile["genotype_pcs"]:
        for donor, value in con.execute(
            "select donor_id, value from genotype_components order by component"
        ).fetchall():
            components.setdefault(donor, []).append(value)
    uses_v2g = any("v2g" in weight for weight in profile["weights"])
    scores = v2g_scores(world) if uses_v2g else {}
    return differences(con, expected_tables(world, profile, v2g=scores, components=components))


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as opened:
        yield opened


PROFILES = covering_profiles(seed=5)
# the first ones cover the most pairs
N_ALWAYS = 16


@pytest.mark.parametrize("seed", range(N_ALWAYS))
def test_models_equal_the_twin(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    assert compare(con, PROFILES[seed], seed) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(N_ALWAYS, 3 * len(PROFILES)))
def test_models_equal_the_twin_in_more_worlds(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    assert compare(con, PROFILES[seed % len(PROFILES)], seed) == []


def test_tails_of_the_twin_are_those_of_known_laws() -> None:
    for df in (1, 2, 5, 30):
        for q in (0.3 * df, df, 5.0 * df, 20.0 * df):
            ones = np.ones(df)
            assert tail(q, ones) == pytest.approx(stats.chi2.sf(q, df), rel=1e-8)
            shifted = stats.ncx2.sf(q, df, 0.7 * df)
            assert tail(q, ones, np.full(df, 0.7)) == pytest.approx(shifted, rel=1e-8)
        ratio = np.concatenate([np.full(df, 1 / df), np.full(30, -2.0 / 30)])
        assert tail(0.0, ratio) == pytest.approx(stats.f.sf(2.0, df, 30), rel=1e-8)


def test_skat_o_of_the_twin_is_what_draws_give() -> None:
    rng = np.random.default_rng(4)
    g = rng.binomial(2, [0.05, 0.1, 0.2, 0.2], size=(60, 4)) * np.array([3.0, 2.0, 1.0, 1.0])
    covariance = np.cov(g.T)
    root = np.linalg.cholesky(covariance)
    scores = root @ np.array([1.5, -0.4, 1.0, 0.9])
    p, _ = skat_o(scores, covariance)
    drawn = (root @ rng.normal(size=(4, 200_000))).T
    # the smallest p of each draw, from the law of each mixture as draws give it
    smallest = np.ones(drawn.shape[0])
    own = 1.0
    for rho in RHOS:
        q = (1 - rho) * np.sum(drawn**2, axis=1) + rho * np.sum(drawn, axis=1) ** 2
        order = np.sort(q)
        smallest = np.minimum(smallest, 1 - np.searchsorted(order, q) / q.size)
        observed = (1 - rho) * scores @ scores + rho * np.sum(scores) ** 2
        own = min(own, 1 - np.searchsorted(order, observed) / q.size)
    assert p == pytest.approx(np.mean(smallest <= own), rel=0.03)


# --- the smallest cases of what the profiles found


def small_world() -> World:
    """Return a cohort of one gene, one cell type and two variants, all else in order."""
    world = random_world(1, n_donors=40, has_missing=False)
    gene = Gene("G0", "1", 50_000, 51_000, 1)
    world.genes = [gene]
    world.variants = [Variant("1", 50_100, "A", "C"), Variant("1", 50_200, "A", "C")]
    world.ungenotyped, world.annotations, world.qtl, world.covariates = [], [], [], {}
    world.calls = np.zeros((world.n_genotyped, 2))
    values = {("B", "G0", donor): 1.0 + i for i, donor in enumerate(world.donors)}
    world.loads = [Load([("B", donor) for donor in world.donors], ["G0"], True, True, values)]
    return world


DEFAULTS = {name: values[0] for name, values in OPTIONS.items()} | {"skat_weight": "maf_beta"}


def rows_of(con: duckdb.DuckDBPyConnection, world: World, **profile: Any) -> Any:
    fill(con, world)
    build(
        con,
        select=["+rvat_burden", "+rvat_skat", "+rvat_acat", "+rvat_omnibus", "+rvat_donors"],
        **{**variables(DEFAULTS), "covariates": "none", **profile},
    )
    expected = expected_tables(world, {**DEFAULTS, "covariates": "none", **profile})
    assert differences(con, expected) == []
    return expected


def test_a_set_that_fractions_alone_carry_has_no_carriers_in_any_test(con: Any) -> None:
    world = small_world()
    world.calls[3:6, 0] = 0.25
    expected = rows_of(con, world)
    rows = [*expected.burden.values(), *expected.skat.values()]
    assert {(row.status, row.n_variants, row.n_carriers) for row in rows} == {("no_carriers", 1, 0)}


def test_covariates_explain_set_and_expression_alike_in_every_test(con: Any) -> None:
    world = small_world()
    world.calls[[3, 8, 20], 0] = 1.0
    for i, donor in enumerate(world.donors):
        world.covariates[donor, "marker"] = float(i in (3, 8, 20))
        world.loads[0].values["B", "G0", donor] = 1.0 + float(i in (3, 8, 20))
    expected = rows_of(con, world, covariates="all", max_maf=[0.2])
    rows = [*expected.burden.values(), *expected.skat.values()]
    assert {row.status for row in rows} == {"collinear"}


def test_the_consequence_picked_for_a_variant_stands_for_each_gene(con: Any) -> None:
    world = small_world()
    world.calls[[3, 8], 0] = world.calls[[5, 9], 1] = 1.0
    first, second = world.variants
    world.annotations = [
        Annotation(first, "G0", "T0", ("intron_variant",), True, False, {}, 1),
        Annotation(first, "OTHER", "T1", ("missense_variant",), True, False, {}, 2),
        Annotation(second, "G0", "T0", ("missense_variant",), True, False, {}, 1),
        Annotation(second, "OTHER", "T1", ("stop_gained",), True, False, {}, 2),
    ]
    asked = {"masks": {"missense": {"consequence": "missense_variant"}}}
    for per, carriers in (("gene", {5, 9}), ("variant", {3, 8})):
        expected = rows_of(con, world, annotation_pick_per=per, **asked)
        assert {row.n_variants for row in expected.burden.values()} == {1}
        b = world.calls[:, 1 if per == "gene" else 0]
        assert set(np.flatnonzero(b)) == carriers


def test_a_score_that_is_a_rounding_error_erases_no_other_test() -> None:
    found = burden_test([3e-15, 12.0], [5.0, 5.0], [6.0, 6.0], [30.0, 30.0], 33)
    log_p, status = acat(log_p=found.log_p)
    assert (found.log_p[0], found.lrt[0], status) == (0.0, 0.0, "ok")
    assert log_p < np.log(0.1)
