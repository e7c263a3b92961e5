"""explain GENE on random cohorts under profiles of options, against the slow twin."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from tests.command import run_main
from tests.property.rvat_compare import close
from tests.property.rvat_explain_twin import V2gScores, expected_rows
from tests.property.rvat_fill import fill, fill_genotypes
from tests.property.rvat_options import DEFAULTS, small_world, v2g_scores, variables
from tests.property.rvat_profile_twin import GeneInCellType, genes_to_test
from tests.property.rvat_worlds import Annotation, Variant, World, random_world
from tests.v2g import build, empty_warehouse

import varhouse
from varhouse import ask
from varhouse.errors import DataError

Rows = dict[str, dict[str, Any]]
BUILT = ("+rvat_burden", "+rvat_skat", "+rvat_omnibus", "+annotations_picked")
MASKS: dict[str, Any] = {
    "missense": {"consequence": "missense_variant"},
    "scored": {"min_score": {"CADD_RAW": 0}},
}
# n_donors, and what differs from the defaults
PROFILES: list[tuple[int, dict[str, Any]]] = [
    (60, {"masks": MASKS, "max_maf": [0.03, 0.1], "weights": ["v2g*maf_beta", "MIX", "v2g"],
          "covariates": ["sex", "age", "pc"], "rvat_genes": ["G1", "G3", "G6"]}),
    (60, {"maf_donors": "genotyped", "fold_minor_allele": False, "missing_calls": "zero",
          "cis_anchor": "tss", "window": "gene_body_open", "cis_window_bp": 20_000,
          "max_maf": [0.2, 0.6], "weights": ["tss_distance", "CADD_RAW"], "p_value": "lrt",
          "rvat_genes": ["G2", "G5", "G6"],
          "rvat_annotations": "first_of_variant", "jitter_seed": 7, "rank_ties": "half_even",
          "masks": {"all": {}, "protein": {"impact": ["HIGH", "MODERATE"]}}}),
    (32, {"cell_types": ["B", "NK", "rare"], "covariates": ["sex", "age", "batch", "pc"],
          "annotation_pick_per": "variant",
          "annotation_pick": "canonical", "weights": ["WHOLE"], "rvat_region_genes": 3,
          "masks": {"missense": {"consequence": "missense_variant"}, "all": {}}}),
    (60, {"covariates": "none", "max_maf": 0.6, "cis_window_bp": 0, "min_donor_fraction": 0.5,
          "rvat_genes": ["G0", "G2", "G4", "G6", "FAR"], "maf_donors": "genotyped",
          "weights": ["uniform", "CADD_RAW"], "masks": {"scored": {"min_score": {"MIX": 0.5}}}}),
]  # fmt: skip


def whole(changed: Mapping[str, Any]) -> dict[str, Any]:
    profile = {**DEFAULTS, "rvat_tests": [], **changed}
    return {**profile, "skat_weight": profile["weights"][0]}


def build_profile(con: duckdb.DuckDBPyConnection, profile: Mapping[str, Any]) -> None:
    build(con, select=BUILT, **variables(profile))


def by_cell_type(answer: ask.Answer) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in answer.table.to_pylist():
        rows = found.setdefault(row["cell_type"], {})
        assert row["variant_id"] not in rows
        rows[row["variant_id"]] = row
    return found


def row_differences(found: Rows, wanted: Rows) -> list[str]:
    told = [f"{variant}: in one of them only" for variant in found.keys() ^ wanted.keys()]
    for variant in sorted(found.keys() & wanted.keys()):
        for name, value in wanted[variant].items():
            other = found[variant][name]
            is_number = isinstance(value, float) and isinstance(other, float)
            # effects near 0 lose digits, and p near 1; log10p tells small ones
            absolute = 1e-12 if name in ("beta", "se", "p_value", "log10p") else 0.0
            is_equal = close(other, value, 1e-9, absolute) if is_number else other == value
            if not is_equal and value != math.inf:
                told.append(f"{variant} {name}: is {other}, wanted {value}")
    return told


def gene_differences(
    con: duckdb.DuckDBPyConnection, world: World, profile: Mapping[str, Any], gene: str,
    pairs: list[GeneInCellType], v2g: V2gScores | None,
) -> tuple[list[str], Counter[str]]:  # fmt: skip
    answer = ask.explain_gene(con, gene.lower())
    found, seen, told = by_cell_type(answer), Counter[str](), []
    for pair in pairs:
        wanted = expected_rows(world, profile, pair, v2g)
        rows = found.pop(pair.cell_type, {})
        told += [f"{gene} {pair.cell_type} {text}" for text in row_differences(rows, wanted)]
        counts = Counter(row["status"] for row in wanted.values())
        seen += counts + Counter(row["test_status"] for row in wanted.values())
        if not wanted:
            continue
        (note,) = [note for note in answer.notes if f" in {pair.cell_type}: " in note]
        told += [
            f"{note} lacks {text}"
            for text in (
                f"{gene.lower()} in {pair.cell_type}: {counts['tested']} tested",
                f"of {len(wanted)} genotyped variants in {pair.gene.chrom}:",
                *(f"{n} {status}" for status, n in counts.items()),
            )
            if text not in note
        ]
    return [*told, *(f"{gene}: not tested in {cell_type}" for cell_type in found)], seen


def untested_differences(
    con: duckdb.DuckDBPyConnection, world: World, gene: str, statuses: Mapping[tuple[str, str], str]
) -> list[str]:
    """The error counts the donors that express the gene, by cell type."""
    counts = {}
    for cell_type in sorted({key[0] for key, status in statuses.items() if status == "ok"}):
        donors = [d for (c, d), status in statuses.items() if c == cell_type and status == "ok"]
        n = sum(
            any(load.values.get((cell_type, gene, donor), 0) > 0 for load in world.loads)
            for donor in donors
        )
        counts[cell_type] = f"{n} of {len(donors)} donors of {cell_type}"
    with pytest.raises(DataError) as told:
        ask.explain_gene(con, gene)
    wanted = (
        f"{gene.lower()} ({gene}): not tested in the last build. "
        f"It is expressed by {', '.join(counts.values())}; "
    )
    return [] if str(told.value).startswith(wanted) else [f"{told.value}, wanted {wanted}"]


def compare(con: duckdb.DuckDBPyConnection, profile: Mapping[str, Any], world: World) -> set[str]:
    """Ask for every gene; return the statuses seen."""
    fill(con, world)
    build_profile(con, profile)
    uses_v2g = any("v2g" in weight for weight in profile["weights"])
    v2g = v2g_scores(world) if uses_v2g else None
    statuses: dict[tuple[str, str], str] = {}
    pairs: dict[str, list[GeneInCellType]] = {}
    for pair in genes_to_test(world, profile, {}, statuses):
        pairs.setdefault(pair.gene.id, []).append(pair)
    told, seen = [], Counter[str]()
    for gene in world.genes:
        if gene.id in pairs:
            more, counts = gene_differences(con, world, profile, gene.id, pairs[gene.id], v2g)
            told += more
            seen += counts
        else:
            told += untested_differences(con, world, gene.id, statuses)
    assert told == []
    return set(seen)


SEEN = [
    {"tested", "monomorphic", "only_in_untested_donors", "maf_too_high", "not_in_mask",
     "ok", "no_carriers", "constant_phenotype", "missing_expression", "too_few_donors"},
    {"tested", "monomorphic", "only_in_untested_donors", "ok"},
    {"tested", "no_weight", "maf_too_high", "no_calls", "missing_expression", "too_few_donors"},
    {"tested", "monomorphic", "only_in_untested_donors", "not_in_mask", "ok"},
]  # fmt: skip


@pytest.mark.parametrize("seed", range(len(PROFILES)))
def test_each_variant_is_told_as_the_twin_tells_it(con: Any, seed: int) -> None:
    n_donors, changed = PROFILES[seed]
    seen = compare(con, whole(changed), random_world(seed + 50, n_donors=n_donors))
    assert seen >= SEEN[seed]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
def test_more_worlds(con: Any, seed: int) -> None:
    n_donors, changed = PROFILES[seed % len(PROFILES)]
    compare(con, whole(changed), random_world(seed, n_donors=n_donors))


def test_genes_that_are_not_there(con: Any) -> None:
    world = random_world(3)
    fill(con, world)
    build_profile(con, whole({"cell_types": ["B", "T"], "rvat_genes": ["G1", "FAR"]}))
    far = ask.explain_gene(con, "FAR", "T")
    assert far.table.num_rows == 0
    assert "far: no genotyped variant in 1:8900000-9110000." in far.notes
    with pytest.raises(DataError, match=r"UNKNOWN: not in the gene index"):
        ask.explain_gene(con, "UNKNOWN")
    with pytest.raises(DataError, match=r"g1 \(G1\): not tested in NK in .* It was in B, T\."):
        ask.explain_gene(con, "G1", "NK")
    with pytest.raises(DataError, match=r"g2 \(G2\): not tested in the last .* vars rvat_genes"):
        ask.explain_gene(con, "G2")


def test_the_command_says_what_python_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "house.duckdb"
    with empty_warehouse(path) as con:
        fill(con, random_world(50))
        build_profile(con, whole({"masks": MASKS, "rvat_genes": "G6"}))
    with varhouse.connect(path, threads=1) as house:
        answer = ask.explain_gene(house.con, "G6", "T")
    words = ["explain", "g6", "--cell-type", "T", "--format", "json", "--db", str(path)]
    assert run_main(*words, "--threads", "1") == 0
    seen = capsys.readouterr()
    assert json.loads(seen.out) == answer.table.to_pylist()
    assert answer.table.num_rows > 10
    assert seen.err.splitlines() == answer.notes


# --- the smallest cases of what the worlds found


def explained(con: Any, world: World, **changed: Any) -> Rows:
    profile = whole({"covariates": "none", **changed})
    compare(con, profile, world)
    return by_cell_type(ask.explain_gene(con, "G0"))["B"]


def test_everybody_has_one_copy_or_none(con: Any) -> None:
    world = small_world()
    world.calls[:, 0] = 1.0
    rows = explained(con, world, max_maf=0.6, maf_donors="genotyped")
    found = [(rows[v.id]["status"], rows[v.id]["maf"]) for v in world.variants]
    assert found == [("monomorphic", 0.5), ("monomorphic", 0.0)]


def test_all_who_are_tested_have_one_copy(con: Any) -> None:
    world = small_world()
    world.calls[:30, 0] = 1.0
    load = world.loads[0]
    values = {key: value for key, value in load.values.items() if key[2] in world.donors[:30]}
    groups = [("B", donor) for donor in world.donors[:30]]
    world.loads = [load._replace(groups=groups, values=values)]
    rows = explained(con, world, max_maf=0.6)
    assert rows[world.variants[0].id]["status"] == "only_in_untested_donors"


def test_cut_offs_that_differ_little_are_two_sets(con: Any) -> None:
    world = small_world()
    world.calls[[3, 8], 0] = 1.0
    rows = explained(con, world, max_maf=[0.0500001, 0.0500002])
    assert rows[world.variants[0].id]["sets"] == ["all < 0.0500001", "all < 0.0500002"]


def annotated_world() -> World:
    world = small_world()
    world.calls[[3, 8], 0] = world.calls[[5, 9], 1] = 1.0
    first, second = world.variants
    world.annotations = [
        Annotation(first, "G0", "T0", ("intron_variant",), True, False, {}, 2),
        Annotation(first, "OTHER", "T1", ("missense_variant",), True, False, {}, 1),
        Annotation(second, "G0", "T0", ("missense_variant",), True, False, {}, 1),
        Annotation(second, "OTHER", "T1", ("stop_gained",), True, False, {}, 2),
    ]
    return world


@pytest.mark.parametrize(
    ("changed", "consequences"),
    [
        ({"annotation_pick_per": "variant"}, ["missense_variant", "stop_gained"]),
        ({"rvat_annotations": "first_of_variant"}, ["missense_variant", "missense_variant"]),
    ],
)
def test_the_consequence_is_that_which_masks_go_by(
    con: Any, changed: dict[str, Any], consequences: list[str]
) -> None:
    world = annotated_world()
    masks = {"missense": {"consequence": "missense_variant"}}
    rows = explained(con, world, masks=masks, **changed)
    assert [rows[v.id]["consequence"] for v in world.variants] == consequences
    assert [rows[v.id]["status"] for v in world.variants] == [
        "tested" if term == "missense_variant" else "not_in_mask" for term in consequences
    ]


def test_genotypes_loaded_after_the_tests_change_no_row(con: Any) -> None:
    world = random_world(6)
    fill(con, world)
    chosen = {"cell_types": ["B", "T"], "rvat_genes": "G6"}
    build_profile(con, whole({"max_maf": 0.6, "covariates": "none", **chosen}))
    before = by_cell_type(ask.explain_gene(con, "G6"))
    pos = next(gene.start for gene in world.genes if gene.id == "G6")
    # they come first in the order of variants, and within the window
    added = [Variant("1", 1, "C", "T"), Variant("X", pos, "C", "G")]
    world.variants += added
    calls = np.zeros((world.n_genotyped, 2))
    calls[:5] = 1.0
    world.calls = np.hstack([world.calls, calls])
    fill_genotypes(con, world)
    after = by_cell_type(ask.explain_gene(con, "G6"))
    assert {rows.pop(added[1].id)["status"] for rows in after.values()} == {"since_last_build"}
    assert after.keys() == before.keys()
    for cell_type, rows in before.items():
        # V2G scores are not of this world
        wanted = {key: {**row, "v2g_score": None} for key, row in rows.items()}
        found = {key: {**row, "v2g_score": None} for key, row in after[cell_type].items()}
        assert row_differences(found, wanted) == []
