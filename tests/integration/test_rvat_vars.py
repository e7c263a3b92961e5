"""Vars of the rare-variant tests that cannot be meant are refused; doubtful ones are told."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rvat import Cohort
from tests.v2g import empty_warehouse

from varhouse.errors import ProjectError
from varhouse.runner import RunOutcome, load_project, run_project
from varhouse.settings import shipped_project_dir


def build(con: Any, **variables: Any) -> RunOutcome:
    project = load_project(shipped_project_dir(), vars={"cis_window_bp": 20_000, **variables})
    return run_project(project, con, command="build", select=["+rvat_omnibus +rvat_warnings"])


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"aggregations": ["median"]}, "aggregations has 'median', wanted some of: sum, mean, max"),
        ({"rvat_tests": "burden"}, "rvat_tests has 'burden', wanted some of: skat, skat_o, acat_v"),
        ({"max_maf": []}, "max_maf is empty"),
        ({"max_maf": [0.05, 0]}, "max_maf has '0', wanted a frequency above 0"),
        ({"max_maf": "rare"}, "max_maf has 'rare', wanted a frequency above 0"),
        ({"masks": {}}, "masks is empty, wanted at least one"),
        ({"maf_beta_shape": [0, 25]}, "wanted two numbers above 0"),
        ({"maf_beta_shape": [25]}, "wanted two numbers above 0"),
        ({"skat_weight_power": "x"}, "skat_weight_power is 'x', wanted a number"),
        ({"jitter_seed": "x"}, "jitter_seed is 'x', wanted a number"),
        ({"fold_minor_allele": "no"}, "fold_minor_allele is 'no', wanted one of"),
        ({"missing_calls": "median"}, "missing_calls is 'median', wanted one of: mean, zero"),
        ({"maf_donors": "file"}, "maf_donors is 'file', wanted one of: tested, genotyped"),
        ({"rvat_annotations": "any"}, "wanted one of: gene, first_of_variant"),
    ],
)
def test_a_var_that_cannot_be_meant_is_refused(variables: dict[str, Any], message: str) -> None:
    with empty_warehouse() as con, pytest.raises(ProjectError, match=message):
        build(con, **variables)


def test_a_covariate_that_is_not_loaded_stops_the_tests() -> None:
    with empty_warehouse() as con:
        Cohort().load(con)
        assert build(con, covariates=["sex", "age"]).ok
        outcome = build(con, covariates=["sex", "aeg"])
        failed = {
            result.unique_id.split(".")[2]
            for result in outcome.results
            if result.status in ("fail", "error")
        }
        assert "rvat_covariates_are_loaded" in failed
        assert not outcome.ok


def test_doubtful_weights_and_sets_are_told() -> None:
    cohort = Cohort()
    with empty_warehouse() as con:
        cohort.load(con)
        outcome = build(
            con, weights=["maf_beta", "CADD_RAW"],
            masks={"all": {}, "high": {"min_score": {"CADD_RAW": 99}}},
        )  # fmt: skip
        assert outcome.ok
        found = con.execute("select code, name, n from rvat_warnings order by all").fetchall()
        tested = con.execute(
            "select distinct genes.gene_id, variants.pos from int_rvat__pairs as pairs "
            "inner join int_rvat__genes as genes using (gene_idx) "
            "inner join raw.variants as variants using (variant_idx)"
        ).fetchall()
    place = {int(pos): i for i, pos in enumerate(cohort.positions)}
    scores = [cohort.cadd[int(gene[1:]) - 1][place[pos]] for gene, pos in tested]
    assert found == [
        ("empty_set", "high < 0.05", 0),
        ("negative_weight", "CADD_RAW", sum(score < 0 for score in scores)),
        ("weight_missing", "CADD_RAW", sum(score != score for score in scores)),
    ]
