"""Vars of the rare-variant tests that cannot be meant are refused; doubtful ones are told."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rvat import CELL_TYPES, Cohort
from tests.v2g import empty_warehouse

from varhouse.cli.model_options import cache_dir
from varhouse.errors import ProjectError
from varhouse.runner import RunOutcome, load_project, run_project
from varhouse.settings import shipped_project_dir


def build(con: Any, **variables: Any) -> RunOutcome:
    project = load_project(
        shipped_project_dir(), vars={"cis_window_bp": 20_000, **variables}, cache_dir=cache_dir()
    )
    return run_project(project, con, command="build", select=["+rvat_omnibus +rvat_warnings"])


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"aggregations": ["median"]}, "aggregations has 'median', wanted some of: sum, mean, max"),
        ({"aggregations": []}, "aggregations is '.*', wanted a value or a list of values"),
        ({"cell_types": None}, "cell_types is 'None', wanted a value or a list of values"),
        ({"rvat_genes": []}, "rvat_genes is '.*', wanted a value or a list of values"),
        ({"covariates": {"age": 1}}, "covariates is '.*', wanted a value or a list of values"),
        ({"weights": [["maf_beta"]]}, "weights is '.*', wanted a value or a list of values"),
        ({"rvat_tests": "burden"}, "rvat_tests has 'burden', wanted some of: skat, skat_o, acat_v"),
        ({"max_maf": []}, "max_maf is '.*', wanted a value or a list of values"),
        ({"max_maf": [0.05, 0]}, "max_maf has '0', wanted a frequency above 0"),
        ({"max_maf": True}, "max_maf has 'True', wanted a frequency above 0"),
        ({"max_maf": "rare"}, "max_maf has 'rare', wanted a frequency above 0"),
        ({"masks": {}}, "masks is '{}', wanted a mapping from names"),
        ({"masks": ["high"]}, "wanted a mapping from names to what each asks for"),
        ({"masks": {"high": "HIGH"}}, "the mask high is 'HIGH', wanted a mapping with some of: "),
        ({"masks": {"m": {"impact": "high"}}}, "mask m has the impact 'high', wanted some of: HI"),
        ({"masks": {"m": {"min_score": {"CADD": "5"}}}}, "mask m has the min_score .*CADD"),
        ({"masks": {"m": {"min_score": 20}}}, "mask m has the min_score '20', wanted a mapping"),
        ({"masks": {"m": {"impakt": "HIGH"}}}, "the mask m is .*impakt.* consequence, impact, min"),
        ({"cis_window_bp": 1.5}, "cis_window_bp is '1.5', wanted a whole number"),
        ({"rvat_region_genes": 0}, "rvat_region_genes is '0', wanted a number from 1"),
        ({"bin_width_bp": 0}, "bin_width_bp is '0', wanted a number from 1"),
        ({"genotype_pcs": -1}, "genotype_pcs is '-1', wanted a number from 0"),
        ({"genotype_pcs": None}, "genotype_pcs is 'None', wanted a number from 0"),
        ({"maf_beta_shape": [0, 25]}, "wanted two numbers above 0"),
        ({"maf_beta_shape": [25]}, "wanted two numbers above 0"),
        ({"maf_beta_shape": [True, 25]}, "wanted two numbers above 0"),
        ({"skat_weight_power": "x"}, "skat_weight_power is 'x', wanted a number"),
        ({"jitter_seed": 0.5}, "jitter_seed is '0.5', wanted a whole number"),
        ({"fold_minor_allele": "no"}, "fold_minor_allele is 'no', wanted one of"),
        ({"missing_calls": "median"}, "missing_calls is 'median', wanted one of: mean, zero"),
        ({"maf_donors": "file"}, "maf_donors is 'file', wanted one of: tested, genotyped"),
        ({"rvat_annotations": "any"}, "wanted one of: gene, first_of_variant"),
    ],
)
def test_a_var_that_cannot_be_meant_is_refused(variables: dict[str, Any], message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        load_project(shipped_project_dir(), vars=variables, cache_dir=cache_dir())


@pytest.mark.parametrize(
    ("variables", "check", "row"),
    [
        (
            {"cell_types": ["B", "t"]},
            "rvat_cell_types_are_loaded",
            "missing_cell_type=t, most_similar=T",
        ),
        (
            {"weights": ["maf_bta"], "skat_weight": "maf_bta"},
            "rvat_scores_are_loaded",
            "missing_score=maf_bta, most_similar=maf_beta",
        ),
        (
            {"covariates": ["sex", "aeg"]},
            "rvat_covariates_are_loaded",
            "missing_covariate=aeg, most_similar=age",
        ),
        ({"rvat_genes": ["G1", "g2"]}, "rvat_genes_are_loaded", "gene=g2, id_of_this_gene=G2"),
        ({"rvat_genes": "G2.1"}, "rvat_genes_are_loaded", "gene=G2.1, id_of_this_gene=G2"),
        ({"rvat_genes": "G9"}, "rvat_genes_are_loaded", "gene=G9, id_of_this_gene=NULL"),
        (
            {"masks": {"all": {}, "m": {"consequence": ["stop_gained", "missense"]}}},
            "rvat_terms_are_known",
            "unknown_term=missense, most_similar=missense_variant",
        ),
        (
            {
                "masks": {"m": {"consequence": "missense"}},
                "rvat_annotations": "first_of_variant",
            },
            "rvat_terms_are_known",
            "unknown_term=missense, most_similar=missense_variant",
        ),
        (
            {"weights": ["maf_beta", "CADD_RWA"]},
            "rvat_scores_are_loaded",
            "missing_score=CADD_RWA, most_similar=CADD_RAW",
        ),
        (
            {"masks": {"m": {"min_score": {"cadd": 20}}}},
            "rvat_scores_are_loaded",
            "missing_score=cadd, most_similar=CADD_RAW",
        ),
    ],
)
def test_what_is_asked_for_and_not_there_is_named(
    variables: dict[str, Any], check: str, row: str
) -> None:
    with empty_warehouse() as con:
        Cohort().load(con)
        outcome = build(con, **variables)
    (failed,) = (result for result in outcome.results if result.status == "fail")
    assert failed.name == check
    assert row in failed.message
    assert "1 failing row" in failed.message
    assert not outcome.ok


def test_a_term_of_an_annotation_and_one_of_ensembl_alone_are_known() -> None:
    with empty_warehouse() as con:
        Cohort().load(con)
        con.execute(
            "update raw.annotations set consequence_terms = ['missense_variant', 'own_term'] "
            "where gene_id = 'G1'"
        )
        masks = {"own": {"consequence": "own_term"}, "stop": {"consequence": ["stop_gained"]}}
        assert build(con, masks=masks).ok
        counts = con.execute(
            "select mask, gene_id, max(n_variants) > 0 from rvat_burden where gene_id <> 'G3' "
            "group by all order by all"
        ).fetchall()
        # that a known term is of no variant is told, not refused
        warnings = con.execute("select code, name from rvat_warnings").fetchall()
    assert counts == [
        ("own", "G1", True), ("own", "G2", False), ("stop", "G1", False), ("stop", "G2", False),
    ]  # fmt: skip
    assert warnings == [("empty_set", "stop < 0.05")]


def test_what_is_given_twice_is_tested_once() -> None:
    with empty_warehouse() as con:
        Cohort().load(con)
        assert build(
            con,
            aggregations=["sum", "sum"],
            max_maf=[0.05, 0.05],
            rvat_tests=["skat", "skat"],
            weights=["uniform", "maf_beta", "uniform"],
            rvat_genes=["G1", "G1"],
        ).ok
        counts = con.execute("""
            select count(*), count(distinct (cell_type, weight)), (select count(*) from rvat_skat)
            from rvat_burden
        """).fetchone()
        n_tests = con.execute("select distinct n_tests from rvat_omnibus").fetchall()
    assert counts == (2 * len(CELL_TYPES), 2 * len(CELL_TYPES), len(CELL_TYPES))
    assert n_tests == [(3,)]


def test_a_mask_may_ask_for_a_v2g_score_that_is_no_weight() -> None:
    with empty_warehouse() as con:
        Cohort().load(con)
        assert build(con, masks={"linked": {"min_score": {"v2g": 0.01}}}).ok


def test_a_gene_that_no_cell_type_expresses_is_told() -> None:
    cohort = Cohort()
    for cell_type in CELL_TYPES:
        cohort.expression[cell_type, "G2"][:] = 0.0
    with empty_warehouse() as con:
        cohort.load(con)
        assert build(con, rvat_genes=["G1", "G2"], weights=["maf_beta"]).ok
        found = con.execute("select code, name from rvat_warnings").fetchall()
        tested = con.execute("select distinct gene_id from rvat_omnibus").fetchall()
    assert (found, tested) == ([("gene_not_expressed", "G2")], [("G1",)])


def test_a_covariate_that_donors_lack_is_told() -> None:
    cohort = Cohort()
    with empty_warehouse() as con:
        cohort.load(con)
        con.execute("""
            insert into raw.covariates
            select donor_id, 'bmi', case when donor_idx >= 7 then 20.0 end, 0
            from raw.donors
            where is_genotyped
        """)
        assert build(con, rvat_genes=["G1"], weights=["maf_beta"]).ok
        found = con.execute("select code, name, n from rvat_warnings").fetchall()
        expected = con.execute("""
            select count(distinct donor_idx)
            from rvat_donors
            where status = 'no_covariates'
        """).fetchone()
    assert expected == (7,)
    assert found == [("covariate_missing", "bmi", 7)]


def test_a_warehouse_without_expression_builds_whatever_is_asked_for() -> None:
    with empty_warehouse() as con:
        masks = {"m": {"consequence": "missense"}}
        assert build(con, cell_types="B", rvat_genes="G1", masks=masks).ok
        assert con.execute("select code, name from rvat_warnings").fetchall() == []


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


@pytest.mark.parametrize(
    ("chrom", "sex", "is_told"),
    [("X", 1, True), ("X", None, True), ("X", 2, False), ("Y", 1, True), ("MT", 2, True)],
)
def test_chromosomes_with_haploid_calls_are_told(
    chrom: str, sex: int | None, is_told: bool
) -> None:
    cohort = Cohort()
    with empty_warehouse() as con:
        cohort.load(con)
        con.execute("update raw.variants set chrom = $1", [chrom])
        con.execute("update raw.genes set chrom = $1", [chrom])
        con.execute("update raw.donors set sex = $1", [sex])
        assert build(con).ok
        found = con.execute("select code, name, n from rvat_warnings").fetchall()
        (n_genes,) = con.execute("select count(distinct gene_idx) from int_rvat__pairs").fetchall()[
            0
        ]
    assert found == ([("haploid_calls", chrom, n_genes)] if is_told else [])
