"""Names that are wrong, variants that are missing, gold standards, frozen references."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_house import AAA, BBB, DUP4, DUP5, PSEU

import varhouse
from varhouse import ask
from varhouse.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("variant", "told"),
    [
        ("1_100_G_A", "swapped: the index has 1_100_A_G"),
        ("1_100_A_C", "other alleles: 1_100_A_G, 1_100_A_T"),
        ("1_90_A_C", "nearest: 1_100_A_G, 1_100_A_T"),
        ("1_200000_A_C", "none within 1000 bp"),
        ("2_100_A_C", "no variant on chromosome 2; it has 1"),
        ("rs11", "Similar: rs1"),
        ("rs987654321", "Try its position"),
        ("FTO", "not a variant"),
    ],
)
def test_unknown_variants_get_a_hint(con, variant, told):
    with pytest.raises(DataError, match=told):
        ask.genes_for_variant(con, variant)


@pytest.mark.parametrize(
    ("gene", "told"),
    [
        ("DUP", f"2 genes have this symbol: {DUP4} .*{DUP5}"),
        ("AAB", "Similar symbols: AAA"),
        ("oldname", rf"synonym of AAA \({AAA}\)"),
        ("ENSG00000123456", "It has 5 genes"),
        ("QWERTY", "It has 5 genes"),
    ],
)
def test_unknown_and_ambiguous_genes_get_a_hint(con, gene, told):
    with pytest.raises(DataError, match=told):
        ask.variants_for_gene(con, gene)


def test_before_the_build_one_is_told_to_build(loaded_con):
    for call in (
        lambda: ask.genes_for_variant(loaded_con, "rs1"),
        lambda: ask.variants_for_gene(loaded_con, "AAA"),
        lambda: ask.explain(loaded_con, "rs1", "AAA"),
    ):
        with pytest.raises(DataError, match="varhouse build"):
            call()


def test_a_known_variant_without_scores_is_no_error(con):
    answer = ask.genes_for_variant(con, "rs3")
    assert answer.table.num_rows == 0
    assert "no gene has a score" in answer.notes[0]


def test_a_gene_that_is_excluded_says_so(con):
    answer = ask.variants_for_gene(con, "PSEU")
    assert answer.table.num_rows == 0
    assert "excluded by deny_page" in answer.notes[0]


def test_explain_sums_up_and_names_silent_sources(con):
    answer = ask.explain(con, "1_100_A_G", "AAA")
    assert "overall score 0.3350, rank 1" in answer.notes[0]
    assert "No evidence from vep" in answer.notes[0]


def _checks(answer: ask.Answer) -> dict[str, tuple[str, str]]:
    return {row["check"]: (row["verdict"], row["found"]) for row in answer.table.to_pylist()}


def test_why_missing_of_a_scored_variant(con):
    found = _checks(ask.why_missing(con, "1_100_A_G"))
    assert found["name"][0] == "ok"
    assert found["variant index"] == ("ok", "listed")
    assert found["evidence slices"] == ("ok", "eqtl: 2 rows, 2 genes")
    assert found["VEP files"] == ("ok", "vep: 1 rows, 1 genes")
    assert found["QTL files"] == ("none", "no row")
    # AAA, BBB, PSEU, DUP4 and DUP5 are all within 500 kb
    assert found["distance"] == (
        "ok",
        "5 genes within 500,000 bp; nearest TSS: PSEU, 10 bp away",
    )
    assert found["unknown genes"] == ("note", "1 not in the gene index: ENSG00000999999")
    assert PSEU in found["excluded genes"][1]
    assert found["answer"][1] == "not missing: 1_100_A_G is scored from eqtl, tss, vep"


def test_why_missing_of_a_variant_scored_by_distance_alone(con):
    found = _checks(ask.why_missing(con, "rs2"))
    assert {found[one][0] for one in ("evidence slices", "QTL files", "VEP files")} == {"none"}
    assert found["scores"] == ("ok", "2 genes; best BBB: score 0.136, rank 1")
    assert "no evidence row that scores and is scored through its distance" in found["answer"][1]


def test_why_missing_of_a_variant_too_far_from_every_gene(con):
    found = _checks(ask.why_missing(con, "rs3"))
    # the last TSS is 300,000: 600 kb from 900,000
    assert found["distance"] == (
        "none",
        "0 genes within 500,000 bp; nearest TSS: DUP, 600,000 bp away",
    )
    assert "no evidence row and no TSS close enough" in found["answer"][1]


@pytest.mark.parametrize(
    ("variant", "check", "told"),
    [
        ("1_100_G_A", "variant index", "alleles are swapped"),
        ("rs77", "name", "no loaded variant has the rsID rs77"),
        ("hello", "name", "neither chrom_pos_ref_alt nor an rsID"),
    ],
)
def test_why_missing_of_an_unknown_variant(con, variant, check, told):
    found = _checks(ask.why_missing(con, variant))
    assert found[check][0] == "problem"
    assert told in found[check][1]
    assert found["answer"][0] == "answer"


def test_why_missing_follows_each_allele(con):
    table = ask.why_missing(con, "rs1").table
    assert set(table.column("variant_id").to_pylist()) == {"1_100_A_G", "1_100_A_T"}


def test_why_missing_of_one_link(con):
    excluded = _checks(ask.why_missing(con, "1_100_A_G", "PSEU"))
    assert excluded["answer"][1] == (
        "every gene that 1_100_A_G to PSEU points to is excluded or unknown"
    )
    scored = _checks(ask.why_missing(con, "1_100_A_G", "AAA"))
    assert scored["answer"][1] == "not missing: 1_100_A_G to AAA is scored from eqtl, tss"
    assert excluded["excluded genes"] == (
        "problem",
        f"1 biotype excluded by deny_page: {PSEU} (pseudogene)",
    )
    unknown = _checks(ask.why_missing(con, "1_100_A_G", "NOPE"))
    assert unknown["gene"][0] == "problem"


def test_why_missing_before_the_build(loaded_con):
    found = _checks(ask.why_missing(loaded_con, "rs1"))
    assert "varhouse build" in found["answer"][1]


def test_why_missing_of_evidence_that_scores_zero(built_file):
    with varhouse.connect(built_file, read_only=False, threads=1) as house:
        house.con.execute(
            "insert into raw.annotations (chrom, pos, ref, alt, variant_id, gene_id, "
            "consequence_terms, scores, rank, file_rank, load_id) values "
            f"('1', 900000, 'G', 'C', '1_900000_G_C', '{AAA}', ['intron_variant'], "
            "map {}, 1, 1, 2);"
            f"insert into v2g_evidence values ('1_900000_G_C', '{AAA}', 'vep', 'vep', "
            "'unspecified', 0, 0, 'intron_variant', null, null, null, 2)"
        )
        found = _checks(ask.why_missing(house.con, "rs3"))
    assert found["evidence without a score"] == ("note", "vep: 1 rows (intron_variant)")
    assert "none that scores above zero" in found["answer"][1]


def test_why_missing_after_an_old_build(built_file):
    with varhouse.connect(built_file, read_only=False, threads=1) as house:
        house.con.execute(
            "delete from v2g_scores; delete from v2g_source_scores; delete from v2g_evidence"
        )
        found = _checks(ask.why_missing(house.con, "rs2"))
    assert "not in the last build" in found["answer"][1]


GOLD = f"""rsid\tvariant_id\tgene_id\tgene_name\tnote
rs1\t\t{AAA}\tAAA\tbest over the alleles
rs2\t\t{BBB}.1\tBBB\ttied winner
rs2\t\t{AAA}\tAAA\tnot scored there
\t1_100_A_T\t\tbbb\tby symbol
\t1:100:a:g\t{PSEU}\t\texcluded
\t1_100_A_G\t{BBB}\t\tsame variant
rs3\t\t{AAA}\t\tno scores
rs8\t\t{AAA}\t\tunknown variant
rs1\t\t\t\tgene not given, but rs1 is given above
rs9\t\t\t\tgene not given
\t1_100_A_T\tENSG00000777777\t\tunknown gene
"""


def test_evaluate_against_gold_standards(con, tmp_path):
    gold = tmp_path / "gold.tsv"
    gold.write_text(GOLD)
    found = ask.evaluate(con, gold)
    rows = found.rows.to_pylist()
    assert [(row["line"], row["status"], row["rank"]) for row in rows] == [
        (2, "ranked", 1),
        (3, "ranked", 1),
        (4, "gene not scored for the variant", None),
        (5, "ranked", 1),
        (6, "gene excluded", None),
        (7, "ranked", 2),
        (8, "variant has no scores", None),
        (9, "variant not in the index", None),
        (10, "gene not given", None),
        (11, "gene not given", None),
        (12, "gene not in the index", None),
    ]
    first = rows[0]
    # PSEU is nearer (10 bp) but excluded; AAA is 50 bp away
    assert (first["variant_id"], first["overall_score"], first["n_genes"]) == (
        "1_100_A_G",
        0.335,
        3,
    )
    assert (first["nearest_gene_id"], first["nearest_distance_bp"]) == (AAA, 50)
    assert first["is_nearest"] is True
    # from 5000: DUP4 3000 bp, BBB 3900, AAA 4850
    assert (rows[1]["nearest_gene_id"], rows[1]["nearest_rank"]) == (DUP4, 2)
    # ranks of rs1, rs2, 1_100_A_T, 1_100_A_G: V2G 1 1 1 2, nearest gene 1 2 2 2
    assert found.summary.to_pylist() == [
        {"measure": "evaluated", "n": 4, "v2g": None, "nearest_gene": None},
        {"measure": "top_1", "n": 4, "v2g": 0.75, "nearest_gene": 0.25},
        {"measure": "top_3", "n": 4, "v2g": 1.0, "nearest_gene": 1.0},
        {"measure": "mrr", "n": 4, "v2g": 3.5 / 4, "nearest_gene": 2.5 / 4},
        {"measure": "not evaluated: gene not given", "n": 1, "v2g": None, "nearest_gene": None},
        {
            "measure": "not evaluated: variant has no scores",
            "n": 1,
            "v2g": None,
            "nearest_gene": None,
        },
        {
            "measure": "not evaluated: variant not in the index",
            "n": 1,
            "v2g": None,
            "nearest_gene": None,
        },
    ]


def test_what_a_gold_standard_does_not_know_is_looked_up_in_the_next_column(con, tmp_path):
    gold = tmp_path / "gold.csv"
    gold.write_text("variant_id,rsid,gene_id,gene_name\nNA,rs1,.,AAA\nnan,rs1,NA,NA\n")
    rows = ask.evaluate(con, gold).rows.to_pylist()
    assert [(row["variant"], row["gene"], row["status"]) for row in rows] == [
        ("rs1", "AAA", "ranked"),
        ("rs1", "", "gene not given"),
    ]
    # as Open Targets Genetics has them
    gold.write_text("gold_standard_info.gene_id\tsentinel_variant.rsid\nAAA\trs1\n")
    (row,) = ask.evaluate(con, gold).rows.to_pylist()
    assert (row["variant"], row["gene"], row["status"]) == ("rs1", "AAA", "ranked")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("rsid\tgene_id\n", "a header but no rows"),
        ("a\tb\n1\t2\n", "none of the columns variant_id"),
        ("rsid,trait\nrs1,x\n", "none of the columns gene_id"),
        ("rsid,trait,gene\nrs1,x, y,AAA\n", "line 2: more fields than the 3 of the header"),
        ("rsid\tgene\tGene\nrs1\tAAA\tBBB\n", "column gene occurs twice"),
    ],
)
def test_gold_standards_that_cannot_be_read(con, tmp_path, text, told):
    gold = tmp_path / "gold.tsv"
    gold.write_text(text)
    with pytest.raises(DataError, match=told):
        ask.evaluate(con, gold)


def test_freeze_export_and_import(built_file, tmp_path):
    out = tmp_path / "reference.parquet"
    with varhouse.connect(built_file, read_only=False, threads=1) as house:
        assert ask.freeze_reference(house.con, "release_1", out=out) == 2
        assert ask.import_reference(house.con, "copy", out) == 2
        names = house.sql(
            "select reference_id, list((feature, score_upper, quantile) order by quantile) as q "
            "from raw.quantile_reference group by all order by all"
        ).rows()
        with pytest.raises(UsageError, match="stored already"):
            ask.freeze_reference(house.con, "copy")
        with pytest.raises(UsageError, match="not a name"):
            ask.freeze_reference(house.con, "a b")
        with pytest.raises(DataError, match="stored: copy, release_1"):
            ask.export_reference(house.con, "nope", out)
    assert [row["reference_id"] for row in names] == ["copy", "release_1"]
    for row in names:
        assert [tuple(cut.values()) for cut in row["q"]] == [
            ("Liver", 1.0, 0.0),
            ("Liver", 3.0, 0.5),
        ]


def test_freeze_before_the_build(loaded_file, tmp_path):
    copy = tmp_path / "loaded.duckdb"
    copy.write_bytes(loaded_file.read_bytes())
    with (
        varhouse.connect(copy, read_only=False, threads=1) as house,
        pytest.raises(DataError, match="varhouse build"),
    ):
        ask.freeze_reference(house.con, "x")


def test_freeze_stores_nothing_when_the_file_cannot_be_written(built_file, tmp_path):
    with varhouse.connect(built_file, read_only=False, threads=1) as house:
        with pytest.raises(UsageError, match="does not exist"):
            ask.freeze_reference(house.con, "x", out=tmp_path / "no" / "x.parquet")
        assert house.sql("select count(*) as n from raw.quantile_reference").rows() == [{"n": 0}]


_GOOD = {
    "quantile_method": ["m", "m"],
    "source_id": ["s", "s"],
    "feature": ["f", "f"],
    "score_upper": [1.0, 2.0],
    "quantile": [0.0, 1.0],
    "n_rows": [5, 5],
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"quantile": [0.0, 1.5]}, "quantile is outside 0 to 1 in 1 rows"),
        ({"score_upper": [1.0, float("nan")]}, "score_upper is NaN in 1 rows"),
        ({"quantile_method": ["m", "n"]}, "mixes 2 quantile methods"),
        ({"score_upper": [1.0, 1.0], "quantile": [1.0, 1.0]}, "1 rows are repeated"),
        ({"score_upper": [1.0, None]}, "NOT NULL"),
        ({"score_upper": ["a", "b"]}, "Could not convert"),
        ({name: [] for name in _GOOD}, "it has no rows"),
    ],
)
def test_a_file_that_is_no_reference_is_refused(built_file, tmp_path, change, told):
    file = tmp_path / "bad.parquet"
    pq.write_table(pa.table(_GOOD | change), file)
    with varhouse.connect(built_file, read_only=False, threads=1) as house:
        with pytest.raises(DataError, match=told):
            ask.import_reference(house.con, "x", file)
        assert house.sql("select count(*) as n from raw.quantile_reference").rows() == [{"n": 0}]


def test_a_file_of_another_kind_is_refused(built_file, tmp_path):
    text = tmp_path / "x.parquet"
    text.write_text("hello")
    other = tmp_path / "y.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    with varhouse.connect(built_file, read_only=False, threads=1) as house:
        with pytest.raises(DataError, match="not a parquet file"):
            ask.import_reference(house.con, "x", text)
        with pytest.raises(DataError, match="column quantile_method"):
            ask.import_reference(house.con, "x", Path(other))


@pytest.mark.parametrize("name", ["GeneID:351", "geneid:351", "APP", " app "])
def test_a_gene_with_an_id_that_is_not_of_ensembl(built_file, name):
    """RefSeq's gene models number their genes; the id keeps its case and has no version."""
    with varhouse.connect(built_file, read_only=False, threads=1) as house:
        house.con.execute(f"""
            update raw.genes set gene_id = 'GeneID:351', gene_name = 'APP' where gene_id = '{BBB}';
            update v2g_scores set gene_id = 'GeneID:351' where gene_id = '{BBB}';
            update v2g_source_scores set gene_id = 'GeneID:351' where gene_id = '{BBB}';
        """)
        answer = ask.variants_for_gene(house.con, name)
        assert answer.table.num_rows == 3
        assert house.sql("from variants_for_gene(?)", [name]).arrow() == answer.table
        explained = ask.explain(house.con, "1_100_A_T", name).table
        assert explained["contribution"].to_pylist() == [0.5]


@pytest.mark.parametrize("name", [f"{AAA}.4_2", f"{AAA}.4", AAA.lower(), f" {AAA}"])
def test_a_gene_is_found_whatever_its_version(con, name):
    assert con.execute("select gene_key(?)", [name]).fetchall() == [(AAA,)]
    assert ask.variants_for_gene(con, name).table.num_rows == 2


def test_versions_of_copies_on_y_and_of_other_species(con):
    texts = ["ENSG00000002586.20_PAR_Y", "ensmusg00000064372.1", "LOC1.2", "", None]
    found = [con.execute("select gene_key(?)", [text]).fetchall()[0][0] for text in texts]
    assert found == ["ENSG00000002586_PAR_Y", "ENSMUSG00000064372", "LOC1.2", "", None]
