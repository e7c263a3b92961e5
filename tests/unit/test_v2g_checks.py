"""Checks of V2G's results, each on a table that is spoilt by hand, and just not spoilt."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from tests.v2g import add_locus, build, empty_warehouse

from varhouse.cli.model_options import cache_dir
from varhouse.runner import Project, load_project, run_project
from varhouse.settings import shipped_project_dir

VEP_STEPS = (
    "insert into v2g_vep_scores (vep_map, consequence_term, score) "
    "select 'own', 'term_' || n, n / 100 from range(1, {}) as numbers(n)"
)


CASES = {
    "weights_are_usable": (
        "v2g_source_weights",
        [
            "update v2g_source_weights set weight = 0",
            "update v2g_source_weights set weight = 0.1234",
        ],
        [
            "update v2g_source_weights set weight = 0.12345",
            "update v2g_source_weights set weight = -0.01",
            "update v2g_source_weights set weight = 'inf'",
            "update v2g_source_weights set weight = 'nan'",
        ],
    ),
    "scores_lie_in_range": (
        "int_v2g__score_patterns",
        ["update int_v2g__score_patterns set overall_score = 1"],
        [
            "update int_v2g__score_patterns set overall_score = 1.001",
            "update int_v2g__score_patterns set overall_score = -0.001",
            "update int_v2g__score_patterns set overall_score = 'nan'",
        ],
    ),
    "loci_add_up": (
        "v2g_locus_scores",
        ["update v2g_locus_scores set score = 0"],
        [
            "delete from v2g_locus_scores where rank = 1",
            "update v2g_locus_scores set normalised_score = 0.6",
            "update v2g_locus_scores set gene_id = 'G'",
        ],
    ),
    "groups_fit_their_key": (
        "int_v2g__groups",
        ["update int_v2g__groups set group_idx = 65535"],
        ["update int_v2g__groups set group_idx = 65536"],
    ),
    "vep_is_a_source_of_its_own": (
        "int_v2g__groups",
        ["update int_v2g__groups set feature = 'vep'"],
        ["update int_v2g__groups set source_id = 'vep' where type_id = 'eqtl'"],
    ),
    "vep_scores_fit_their_steps": (
        "v2g_vep_scores",
        [VEP_STEPS.format(11)],
        [
            VEP_STEPS.format(12),
            "update v2g_vep_scores set score = 1.01 where score = 1",
            "update v2g_vep_scores set score = -0.1 where score = 0",
        ],
    ),
}


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """One variant with two genes: a locus of which a study has a tag."""
    with empty_warehouse() as opened:
        add_locus(opened, [100])
        opened.execute("update raw.genes set biotype = 'protein_coding'")
        opened.execute(
            "insert into raw.tags (study_id, lead_variant_id, tag_variant_id, r2, load_id) "
            "values ('S', '1_100_A_T', '1_100_A_T', 1, 1)"
        )
        opened.execute(
            "insert into raw.qtl (chrom, pos, ref, alt, variant_id, gene_id, type_id, source_id, "
            "feature, neglog10_p, load_id) select '1', 100, 'A', 'T', '1_100_A_T', gene_id, "
            "'eqtl', 'gtex_v7', 'gut', tss_pos + length(gene_id), 1 from raw.genes"
        )
        build(opened, select=["+v2g_locus_scores"])
        yield opened


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(shipped_project_dir(), cache_dir=cache_dir())


@pytest.mark.parametrize("check", CASES)
def test_a_check_tells_what_is_wrong(
    con: duckdb.DuckDBPyConnection, project: Project, check: str
) -> None:
    table, harmless, harmful = CASES[check]

    def status(change: str) -> str:
        con.execute(f"create or replace temp table kept as from {table}")
        con.execute(change)
        (result,) = run_project(project, con, command="test", select=[f"v2g_{check}"]).results
        con.execute(f"delete from {table}")
        con.execute(f"insert into {table} from kept")
        return result.status

    assert {change: status(change) for change in harmless} == dict.fromkeys(harmless, "pass")
    assert {change: status(change) for change in harmful} == dict.fromkeys(harmful, "fail")
