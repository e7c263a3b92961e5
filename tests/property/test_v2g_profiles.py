"""The score models under profiles that hold every pair of option values, against the twin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pytest
from tests.property.pairwise import covering_profiles
from tests.property.v2g_profile_twin import Expected, NoWeightError, expected_scores, weight_of
from tests.property.v2g_worlds import World, fill, random_world
from tests.v2g import build

from varhouse.ask.reference import freeze_reference

OPTIONS: dict[str, Sequence[Any]] = {
    "quantile": ("percent_rank", "decile_ceil", "midrank", "percent_rank_raw", "sklearn10"),
    "vep": ("raw", "quantile"),
    "vep_map": ("configs", "lut2019", "proto180807"),
    "vep_terms": ("all", "first"),
    "qtl": ("neglog10p", "one_minus_p"),
    "weights": ("page", "production2022", "equal", "loaded"),
    "missing_weight": ("error", "drop"),
    "denominator": ("all", "present", "available"),
    "biotype": ("deny_page", "allow_production", "protein_coding", "none"),
    "biotype_stage": ("before", "after"),
    "distance": (True, False),
    "max_distance": (500000, 100),
    "tss": ("gene", "canonical_transcript"),
    "interval_zero": ("keep", "drop"),
    "interval_join": ("pos", "ref_span"),
    "interval_population": ("evidence", "records"),
    "constant": ("method", 0.3, 1.0),
    "fantom": ("as_is", "neglog10_fdr"),
    "source_alias": (False, True),
    "lower_is_better": ((), ("mine",), ("andersson2014", "mine")),
}
# what is loaded rather than asked for
CONDITIONS: dict[str, Sequence[Any]] = {
    "has_index": (True, False),
    "is_frozen": (False, True),
}
OWN_WEIGHTS = ("vep", "gtex_v7", "eqtl", "own_study", "javierre2016", "mine", "canonical_tss")
PROFILES = covering_profiles({**OPTIONS, **CONDITIONS}, seed=3, n_tries=10)


def world_for(profile: Mapping[str, Any], seed: int, *, weighted: bool) -> World:
    """Draw a world; ``weighted``: without the sources that the profile has no weight for."""
    world = random_world(seed, index=profile["has_index"], weightless=True, weights=OWN_WEIGHTS)
    if not weighted:
        return world

    def keeps(row: Any) -> bool:
        is_qtl = hasattr(row, "p")
        source = row.type if is_qtl and profile["source_alias"] else row.source
        return weight_of(source, row.type, world, profile) is not None

    rows: dict[str, Any] = {
        name: [row for row in getattr(world, name) if keeps(row)]
        for name in ("qtl", "slice_qtl", "slice_links", "intervals")
    }
    return dataclasses.replace(world, **rows)


def variables(profile: Mapping[str, Any]) -> dict[str, Any]:
    named = {f"v2g_{name}": profile[name] for name in OPTIONS}
    return {**named, "v2g_lower_is_better": list(profile["lower_is_better"])}


def assert_scores(con: duckdb.DuckDBPyConnection, expected: Expected) -> None:
    found = {
        (variant, gene): (score, rank, n_sources, denominator, sources)
        for variant, gene, score, rank, n_sources, denominator, sources in con.execute(
            "select variant_id, gene_id, overall_score, rank, n_sources, denominator, sources "
            "from v2g_scores"
        ).fetchall()
    }
    per_source = {
        (variant, gene, source): (score, weight, feature)
        for variant, gene, source, score, weight, feature in con.execute(
            "select variant_id, gene_id, source_id, score, weight, feature from v2g_source_scores"
        ).fetchall()
    }
    assert found.keys() == expected.pairs.keys()
    assert per_source.keys() == expected.features.keys()
    for key, pair in expected.pairs.items():
        score, rank, n_sources, denominator, sources = found[key]
        wanted = {name: tuple(map(float, values)) for name, values in pair.sources.items()}
        listed = {item["source_id"]: (item["score"], item["weight"]) for item in sources}
        alone = {name: per_source[(*key, name)][:2] for name in wanted}
        for values in (listed, alone):
            assert values.keys() == wanted.keys(), key
            for name, numbers in wanted.items():
                assert values[name] == pytest.approx(numbers, abs=1e-12), (*key, name)
        assert denominator == pytest.approx(float(pair.denominator), abs=1e-12), key
        assert score == pytest.approx(float(pair.score), abs=1e-12), key
        assert (rank, n_sources) == (pair.rank, len(pair.sources)), key
    for source_key, features in expected.features.items():
        assert per_source[source_key][2] in features, source_key


def compare(con: duckdb.DuckDBPyConnection, profile: Mapping[str, Any], seed: int) -> None:
    weighted = profile["missing_weight"] == "error"
    world = world_for(profile, seed, weighted=weighted)
    options = variables(profile)
    reference = None
    if profile["is_frozen"]:
        reference = world_for(profile, seed + 1000, weighted=weighted)
        fill(con, reference)
        build(con, select=["+v2g_cut_points"], **options)
        con.execute("delete from raw.quantile_reference")
        freeze_reference(con, "other")
        options["v2g_reference"] = "other"
    fill(con, world)
    build(con, select=["+v2g_scores", "+v2g_source_scores"], **options)
    assert_scores(con, expected_scores(world, profile, reference))


@pytest.mark.parametrize("seed", range(len(PROFILES)))
def test_models_equal_the_twin(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    compare(con, PROFILES[seed], seed)


def test_a_source_without_weight_stops_twin_and_build(con: duckdb.DuckDBPyConnection) -> None:
    profile = next(
        profile
        for profile in PROFILES
        if profile["missing_weight"] == "error" and profile["weights"] == "page"
    )
    world = world_for(profile, seed=0, weighted=False)
    with pytest.raises(NoWeightError):
        expected_scores(world, profile)
    fill(con, world)
    with pytest.raises(AssertionError, match="v2g_source_weights"):
        build(con, select=["+v2g_scores"], **variables(profile))
