"""Evidence that comes in two files is kept and told, at load and among the warnings of a build."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from load_inputs import GENE_HEADER, evidence_row, gene_line, load, write_evidence
from tests.loading import write_text
from tests.v2g import build, empty_warehouse

from varhouse.errors import DataError


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        yield connection


def rows(*positions: int, **changes: object) -> list[dict[str, object]]:
    return [evidence_row(position=position, **changes) for position in positions]


def issue(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return con.execute(
        "select load_id, line, n, example from load_issues where code = 'loaded_before'"
    ).fetchall()


def test_overlapping_slices_are_counted_and_the_earlier_load_is_named(con, tmp_path):
    first = write_evidence(tmp_path, *rows(101, 102, 103), name="first.parquet")
    second = write_evidence(tmp_path, *rows(104, 103, 102), name="second.parquet")
    load(con, "evidence", first)
    (report,) = load(con, "evidence", second)
    assert (report.n_loaded, report.notes) == (3, {"loaded_before": 2})
    assert issue(con) == [
        (2, 2, 2, "variant_id=16_103_T_C, gene_id=ENSG00000140718, source_id=gtex_v7, "
                  "feature=Adipose")
    ]  # fmt: skip
    (message,) = con.execute("select message from load_issues").fetchone()
    assert message.startswith("load 1 (")
    assert "first.parquet" in message


def test_two_files_of_one_command_are_compared(con, tmp_path):
    files = [
        write_evidence(tmp_path, *rows(101, rs_id=rsid), name=f"{rsid}.parquet")
        for rsid in ("rs1", "rs2")
    ]
    assert [report.notes for report in load(con, "evidence", *files)] == [{}, {"loaded_before": 1}]


def test_strict_refuses_and_leaves_nothing(con, tmp_path):
    load(con, "evidence", write_evidence(tmp_path, *rows(101), name="first.parquet"))
    again = write_evidence(tmp_path, *rows(101, 102), name="again.parquet")
    with pytest.raises(DataError, match=r"loaded_before: load 1 .* into a new --db"):
        load(con, "evidence", again, strict=True)
    assert con.execute("select count(*) from raw.evidence").fetchone() == (1,)


@pytest.mark.parametrize(
    "other",
    [
        {"position": 102},
        {"gene_id": "ENSG00000177508"},
        {"source_id": "other_eqtl"},
        {"feature": "Brain"},
        {"feature": None},
        {"qtl_pval": 0.041},
    ],
)
def test_a_row_that_differs_is_other_evidence(con, tmp_path, other):
    row = {"position": 101}
    load(con, "evidence", write_evidence(tmp_path, evidence_row(**row), name="first.parquet"))
    second = write_evidence(tmp_path, evidence_row(**row | other), name="second.parquet")
    assert load(con, "evidence", second)[0].notes == {}


def test_no_feature_equals_no_feature(con, tmp_path):
    for name, expected in (("a.parquet", {}), ("b.parquet", {"loaded_before": 1})):
        changed = {"rs_id": name, "feature": None}
        file = write_evidence(tmp_path, *rows(101, **changed), name=name)
        assert load(con, "evidence", file)[0].notes == expected


def test_repeats_of_one_file_and_consequences_are_not_told(con, tmp_path):
    vep = rows(101, type_id="vep", source_id="vep", feature="missense_variant", qtl_pval=0.0)
    for name in ("a.parquet", "b.parquet"):
        file = write_evidence(tmp_path, *vep, *vep, evidence_row(rs_id=name), name=name)
        (report,) = load(con, "evidence", file)
    assert report.notes == {"loaded_before": 1}
    doubled = rows(201, 201, type_id="pchic", source_id="javierre2016", interval_score=5.0)
    assert load(con, "evidence", write_evidence(tmp_path, *doubled))[0].notes == {}


def test_a_slice_and_a_table_of_qtl_are_compared_both_ways(con, tmp_path):
    header = "variant_id\tgene_id\tp_value\tfeature\ttype_id"
    table = write_text(
        tmp_path, "qtl.tsv", header, "16_101_T_C\tENSG00000140718\t0.04\tAdipose\teqtl"
    )
    slice_rows = write_evidence(tmp_path, *rows(101, 102))
    load(con, "evidence", slice_rows)
    assert "loaded_before" in load(con, "qtl", table, source_id="gtex_v7")[0].notes
    with empty_warehouse() as other:
        load(other, "qtl", table, source_id="gtex_v7")
        assert load(other, "evidence", slice_rows)[0].notes == {"loaded_before": 1}


def test_two_tissues_under_one_name_are_told(con, tmp_path):
    # the feature is the name of the file up to its first dot
    header, row = "variant_id\tgene_id\tp_value", "\tENSG00000140718\t"
    liver = write_text(tmp_path, "GTEx.Liver.tsv", header, f"16_1_T_C{row}0.04", f"16_2_T_C{row}1")
    lung = write_text(tmp_path, "GTEx.Lung.tsv", header, f"16_1_T_C{row}0.5", f"16_2_T_C{row}1")
    reports = load(con, "qtl", liver, lung, source_id="eqtl")
    assert [report.notes for report in reports] == [
        {}, {"loaded_otherwise": 1, "loaded_before": 1}
    ]  # fmt: skip
    (message,) = con.execute(
        "select message from load_issues where code = 'loaded_otherwise'"
    ).fetchone()
    assert "GTEx.Liver.tsv) brought the row with another p-value" in message
    lung.write_text(lung.read_text() + f"16_3_T_C{row}1\n")
    (report,) = load(con, "qtl", lung, source_id="eqtl", feature="Lung")
    assert report.notes == {}


def warned(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return con.execute(
        "select source_id, feature, n from v2g_warnings where code = 'loaded_twice' order by all"
    ).fetchall()


class TestWarnings:
    def test_rows_beyond_the_first_are_counted_where_several_files_met(self, con, tmp_path):
        load(con, "genes", write_text(tmp_path, "genes.tsv", GENE_HEADER, gene_line()))
        load(con, "evidence", write_evidence(tmp_path, *rows(101, 102, 103), name="a.parquet"))
        build(con, select=["+v2g_warnings"])
        assert warned(con) == []
        # of the first pair with another score, of two pairs with the same, and of one more
        second = [*rows(101, qtl_pval=0.5), *rows(102, 103, 104)]
        load(con, "evidence", write_evidence(tmp_path, *second, name="b.parquet"))
        alone = rows(105, 105, feature="Brain")
        load(con, "evidence", write_evidence(tmp_path, *alone, name="c.parquet"))
        build(con, select=["+v2g_warnings"])
        assert warned(con) == [("gtex_v7", "Adipose", 2)]

    def test_slices_beside_intervals(self, con, tmp_path):
        load(con, "genes", write_text(tmp_path, "genes.tsv", GENE_HEADER, gene_line()))
        pchic = rows(
            101, 102, type_id="pchic", source_id="javierre2016", qtl_pval=0.0, interval_score=7.5
        )
        load(con, "evidence", write_evidence(tmp_path, *pchic))
        lines = ["chrom\tstart\tend\tgene_id\tscore\tfeature\tsource_id\ttype_id"]
        lines += ["16\t102\t150\tENSG00000140718\t7.5\tAdipose\tjavierre2016\tpchic"]
        load(con, "intervals", write_text(tmp_path, "intervals.tsv", *lines))
        build(con, select=["+v2g_warnings"])
        assert warned(con) == [("javierre2016", "Adipose", 1)]

    def test_one_interval_in_two_files_counts_once(self, con, tmp_path):
        load(con, "genes", write_text(tmp_path, "genes.tsv", GENE_HEADER, gene_line()))
        # a variant to score
        load(con, "evidence", write_evidence(tmp_path, *rows(110)))
        for name in ("a.tsv", "b.tsv"):
            lines = ["chrom\tstart\tend\tgene_id\tscore\tfeature\tsource_id"]
            lines += ["16\t102\t150\tENSG00000140718\t7.5\tblood\tjavierre2016"]
            lines += ["16\t300\t400\tENSG00000140718\t7.5\tblood\tjavierre2016"] * (name == "b.tsv")
            load(con, "intervals", write_text(tmp_path, name, *lines))
        build(con, select=["+v2g_warnings"])
        assert warned(con) == []
        assert con.execute(
            "select sum(n_rows) from v2g_cut_points where source_id = 'javierre2016'"
        ).fetchone() == (1,)
