"""The rare-variant models under profiles that hold every pair of option values, and the twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import stats
from tests.property.pairwise import covering_profiles
from tests.property.rvat_compare import differences
from tests.property.rvat_fill import fill
from tests.property.rvat_options import DEFAULTS, OPTIONS, small_world, v2g_scores, variables
from tests.property.rvat_profile_twin import expected_tables
from tests.property.rvat_tails import RHOS, skat_o, tail
from tests.property.rvat_worlds import Annotation, World, random_world
from tests.v2g import build

from varhouse.numerics.acat import acat
from varhouse.numerics.burden import burden_test

# what is loaded, and which of the weights is that of SKAT
CONDITIONS: dict[str, Sequence[Any]] = {
    "n_donors": (60, 32),
    "has_missing": (True, False),
    "skat_weight_place": (0, 1),
}


def profiles() -> list[dict[str, Any]]:
    found = covering_profiles({**OPTIONS, **CONDITIONS}, seed=5, n_tries=3)
    for profile in found:
        profile["skat_weight"] = profile["weights"][profile.pop("skat_weight_place")]
    return found


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


PROFILES = profiles()
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
            assert tail(q, ones) == pytest.approx(stats.chi2.sf(q, df), rel=1e-8, abs=0)
            shifted = stats.ncx2.sf(q, df, 0.7 * df)
            assert tail(q, ones, np.full(df, 0.7)) == pytest.approx(shifted, rel=1e-8, abs=0)
        ratio = np.concatenate([np.full(df, 1 / df), np.full(30, -2.0 / 30)])
        assert tail(0.0, ratio) == pytest.approx(stats.f.sf(2.0, df, 30), rel=1e-8, abs=0)


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


@pytest.mark.parametrize("maf_donors", ["tested", "genotyped"])
def test_a_reference_allele_of_just_the_cut_off_is_out(con: Any, maf_donors: str) -> None:
    world = small_world(n_genotyped=30)
    world.calls[:, 0] = 2.0
    world.calls[:6, 0] = 1.0
    expected = rows_of(con, world, max_maf=[0.1, 0.11], maf_donors=maf_donors)
    found = {key[-1]: row.n_variants for key, row in expected.skat.items()}
    assert found == {"0.1": 0, "0.11": 1}


def test_ten_copies_of_the_reference_allele_are_few(con: Any) -> None:
    # 1 less the frequency, times donors, is a little more than 10 of 35
    world = small_world(n_genotyped=35)
    world.calls[:, 0] = 2.0
    world.calls[3:13, 0] = 1.0
    world.calls[[1, 5, 20], 1] = 1.0
    expected = rows_of(con, world, max_maf=0.3, rvat_tests="acat_v")
    assert {row.status for row in expected.skat.values()} == {"ok"}


def test_a_score_that_is_a_rounding_error_erases_no_other_test() -> None:
    found = burden_test([3e-15, 12.0], [5.0, 5.0], [6.0, 6.0], [30.0, 30.0], 33)
    log_p, status = acat(log_p=found.log_p)
    assert (found.log_p[0], found.lrt[0], status) == (0.0, 0.0, "ok")
    assert log_p < np.log(0.1)
