"""The SQL functions against the numbers worked out in small_house."""

from __future__ import annotations

import duckdb
import pytest
from small_house import AAA, BBB, DUP4, DUP5, rows

import varhouse


@pytest.mark.parametrize("spelling", ["1_100_A_G", "chr1:100:a:g", "1-100-A-G", " 1_100_A_G_b37 "])
def test_genes_for_variant_takes_any_spelling(con, spelling):
    found = rows(con, "from genes_for_variant(?)", spelling)
    assert [(row["rank"], row["gene_name"], row["overall_score"]) for row in found] == [
        (1, "AAA", 0.335),
        (2, "BBB", 0.33),
        (3, "DUP", 0.085),
    ]
    # eqtl contributes 0.33 and tss 0.34 of AAA's 0.67
    assert [row["best_source_id"] for row in found] == ["tss", "vep", "tss"]
    assert [row["tss_distance_bp"] for row in found] == [-50, -1000, -1900]
    assert [row["n_sources"] for row in found] == [2, 1, 1]


@pytest.mark.parametrize("rsid", ["rs1", "RS1"])
def test_an_rsid_answers_for_all_its_alleles(con, rsid):
    found = rows(con, "from genes_for_variant(?)", rsid)
    assert [(row["variant_id"], row["rank"], row["gene_id"]) for row in found] == [
        ("1_100_A_G", 1, AAA),
        ("1_100_A_G", 2, BBB),
        ("1_100_A_G", 3, DUP4),
        ("1_100_A_T", 1, BBB),
        ("1_100_A_T", 2, AAA),
    ]


def test_joint_winners_keep_their_rank(con):
    found = rows(con, "from genes_for_variant('rs2')")
    assert [(row["rank"], row["gene_id"]) for row in found] == [(1, BBB), (1, DUP4)]


@pytest.mark.parametrize("name", [AAA, f"{AAA}.4", "AAA", "aaa", AAA.lower()])
def test_variants_for_gene_takes_ids_and_symbols(con, name):
    found = rows(con, "from variants_for_gene(?)", name)
    assert [(row["variant_id"], row["rsid"], row["rank"]) for row in found] == [
        ("1_100_A_G", "rs1", 1),
        ("1_100_A_T", "rs1", 2),
    ]


def test_a_shared_symbol_means_all_its_genes(con):
    con.execute(
        "create temp table both_scored as from v2g_scores union all "
        f"select * replace ('{DUP5}' as gene_id) from v2g_scores where gene_id = '{DUP4}'"
    )
    found = rows(
        con,
        "select distinct gene_id from variants_for_gene('dup', scores_table := 'both_scored') "
        "order by gene_id",
    )
    assert [row["gene_id"] for row in found] == [DUP4, DUP5]


def test_explain_adds_up_and_names_the_winner(con):
    found = rows(con, "from explain_v2g('rs1', 'AAA') where variant_id = '1_100_A_G'")
    tss, eqtl = found
    # 0.34 x 1 / 2 and 0.66 x 0.5 / 2
    assert (tss["source_id"], eqtl["source_id"]) == ("tss", "eqtl")
    assert tss["contribution"] == pytest.approx(0.17, abs=1e-15)
    assert eqtl["contribution"] == pytest.approx(0.165, abs=1e-15)
    assert (eqtl["feature"], eqtl["raw_score"], eqtl["p_value"]) == ("Liver", 3.0, 0.001)
    assert (eqtl["file"], tss["file"]) == ("eqtl.tsv", "variants x genes (computed)")


def test_explain_gives_the_consequence_that_won(con):
    (found,) = rows(con, "from explain_v2g('1_100_A_G', 'BBB')")
    assert (found["detail"], found["score"], found["file"]) == (
        "missense_variant",
        0.66,
        "vep.jsonl",
    )


def test_contributions_of_every_pair_sum_to_its_score(con):
    pairs = rows(con, "select variant_id, gene_id, overall_score from v2g_scores")
    assert len(pairs) == 7
    for pair in pairs:
        (total,) = rows(
            con,
            "select sum(contribution) as total from explain_v2g(?, ?)",
            pair["variant_id"],
            pair["gene_id"],
        )
        assert total["total"] == pytest.approx(pair["overall_score"], abs=1e-14)


def test_functions_can_be_asked_of_other_tables(con):
    con.execute("create temp table what_if as from v2g_scores where rank = 2")
    found = rows(con, "from genes_for_variant('rs1', scores_table := 'what_if')")
    assert [row["gene_id"] for row in found] == [BBB, AAA]


def test_functions_follow_a_column_of_variants(con):
    found = rows(
        con,
        "select wanted.v, count(*) as n from (values ('rs1'), ('rs2')) as wanted (v), "
        "genes_for_variant(wanted.v) group by all order by all",
    )
    assert found == [{"v": "rs1", "n": 5}, {"v": "rs2", "n": 2}]


def test_register_works_before_any_table_exists_and_returns_the_connection():
    con = duckdb.connect()
    try:
        assert varhouse.register(con) is con
        with pytest.raises(duckdb.CatalogException, match="v2g_scores"):
            con.sql("from genes_for_variant('rs1')")
    finally:
        con.close()


def test_register_works_on_a_read_only_connection(built_file):
    con = duckdb.connect(str(built_file), read_only=True)
    try:
        varhouse.register(con)
        assert len(rows(con, "from genes_for_variant('rs1')")) == 5
    finally:
        con.close()
