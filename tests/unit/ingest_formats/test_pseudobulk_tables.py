"""Pseudobulk made by other tools: long, wide, tensorQTL's BED."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_warehouse import written
from tests.expression import add_expression

from varhouse.errors import DataError

LONG = "cell_type\tgene_id\tdonor_id\tsum\tmean\tn_cells\n"


def rows_of(con):
    return con.execute("from pseudobulk order by all").fetchall()


def test_a_long_table(empty_warehouse, load, tmp_path):
    path = written(tmp_path, LONG + "B\tENSG00000000001.7\t001\t12\t0.5\t30\n"
                                    "B\tENSG00000000001.7\t1\t0\t0\t\n"
                                    "T\tENSG00000000002\t1\tNA\t0.25\t8\n")  # fmt: skip
    report = load(empty_warehouse, "pseudobulk", path, strict=True)
    assert (report.format, report.n_read, report.genome_build) == ("pseudobulk", 3, None)
    assert rows_of(empty_warehouse) == [
        ("B", "ENSG00000000001", "001", 12.0, 0.5, 30),
        ("B", "ENSG00000000001", "1", 0.0, 0.0, None),
        ("T", "ENSG00000000002", "1", None, 0.25, 8),
    ]
    groups = empty_warehouse.execute(
        "select cell_type, donor_id, n_cells from raw.pseudobulk_donors order by all"
    ).fetchall()
    assert groups == [("B", "001", 30), ("B", "1", None), ("T", "1", 8)]
    donors = empty_warehouse.execute("select donor_id, is_genotyped from donors order by 1")
    assert donors.fetchall() == [("001", False), ("1", False)]


@pytest.mark.parametrize(
    ("name", "text", "layout"),
    [
        ("w.tsv", "gene_id\t001\tB\nENSG00000000001.2\t1.5\t-2\nX\t3\tNA\n", "pseudobulk-wide"),
        ("w.csv", '"","001","B"\n"ENSG00000000001","1.5","-2"\n"X","3","NA"\n', "pseudobulk-wide"),
        (
            "w.bed",
            "#chr\tstart\tend\tphenotype_id\t001\tB\n22\t1\t2\tENSG00000000001\t1.5\t-2\n"
            "22\t5\t6\tX\t3\tNA\n",
            "pseudobulk-bed",
        ),
        (
            "q.bed",
            "#chr\tstart\tend\tpid\tgid\tstrand\t001\tB\n22\t1\t2\tENSG00000000001\tg\t+\t1.5\t-2\n"
            "22\t5\t6\tX\tg\t+\t3\tNA\n",
            "pseudobulk-bed",
        ),
    ],
)
def test_tables_with_donors_as_columns(empty_warehouse, load, tmp_path, name, text, layout):
    report = load(empty_warehouse, "pseudobulk", written(tmp_path, text, name), feature="T cell")
    assert (report.format, report.n_read) == (layout, 4)
    assert report.rejected == {"value_missing": 1}
    assert rows_of(empty_warehouse) == [
        ("T cell", "ENSG00000000001", "001", None, 1.5, None),
        ("T cell", "ENSG00000000001", "B", None, -2.0, None),
        ("T cell", "X", "001", None, 3.0, None),
    ]


def test_a_sample_is_a_donor_where_no_column_says_who_is_and_a_count_is_no_sum(
    empty_warehouse, load, tmp_path
):
    text = "geneid,sample,donor,celltype,mean,count\nG,A_B,A,B,0.5,30\n"
    load(empty_warehouse, "pseudobulk", written(tmp_path, text, "l.csv"))
    assert rows_of(empty_warehouse) == [("B", "G", "A", None, 0.5, None)]


@pytest.mark.parametrize("index", ["gene_id", "__index_level_0__"])
def test_wide_parquet_with_the_gene_last(empty_warehouse, load, tmp_path, index):
    path = tmp_path / "w.parquet"
    pq.write_table(pa.table({"A": [0.1, 0.2], "B": [1.0, 2.0], index: ["G1", "G2"]}), path)
    load(empty_warehouse, "pseudobulk", path, feature="T", strict=True)
    assert [row[1:5] for row in rows_of(empty_warehouse)] == [
        ("G1", "A", None, 0.1), ("G1", "B", None, 1.0),
        ("G2", "A", None, 0.2), ("G2", "B", None, 2.0),
    ]  # fmt: skip


@pytest.mark.parametrize("labels", ["", "Unnamed: 0"])
def test_row_numbers_are_neither_gene_nor_donor(empty_warehouse, load, tmp_path, labels):
    path = written(tmp_path, f"{labels},gene_id,A\n0,G1,0.5\n1,G2,1.5\n", "w.csv")
    report = load(empty_warehouse, "pseudobulk", path, feature="T", strict=True)
    assert report.notes == {"row_labels_left_out": 1, "gene_symbol_kept": 2}
    assert [row[1:5] for row in rows_of(empty_warehouse)] == [
        ("G1", "A", None, 0.5), ("G2", "A", None, 1.5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "fields", "layout", "n_left_out"),
    [
        ("#chr\tstart\tend\tpid\tgid\tstrand", "22\t1\t2\tENSG1\tg\t+", "bed", 2),
        ("#chr\tstart\tend\tgene_id\tgene_name\tlength", "22\t1\t2\tENSG1\tABC\t9", "bed", 2),
        ("#chr\tstart\tend\tgene\tinfo\tstrand", "22\t1\t2\tENSG1\tL=9\t+", "wide", 5),
        ("#chrom\tchromStart\tchromEnd\tgene_id", "22\t1\t2\tENSG1", "wide", 3),
        ("gene_id\tgene_name\tChr\tStart\tEnd\tLength", "ENSG1\tABC\t22\t1\t2\t9", "wide", 5),
        ("gene\tensembl_id", "ABC\tENSG1.4", "wide", 1),
    ],
)
def test_what_is_told_of_a_gene_is_no_donor(
    empty_warehouse, load, tmp_path, header, fields, layout, n_left_out
):
    path = written(tmp_path, f"{header}\tA\n{fields}\t0.5\n")
    report = load(empty_warehouse, "pseudobulk", path, feature="T", strict=True)
    assert report.format == f"pseudobulk-{layout}"
    assert report.notes == {"gene_columns_left_out": n_left_out}
    assert rows_of(empty_warehouse) == [("T", "ENSG1", "A", None, 0.5, None)]


@pytest.mark.parametrize(("last", "told"), [("7", {"means_are_whole": 2}), ("0.5", {})])
def test_whole_numbers_may_be_sums(empty_warehouse, load, tmp_path, last, told):
    path = written(tmp_path, f",A,B\nENSG1,12,{last}\nENSG2,NA,NA\n", "w.csv")
    assert load(empty_warehouse, "pseudobulk", path, feature="T").notes == told


def test_bad_values_are_counted(empty_warehouse, load, tmp_path):
    values = ["NaN\t1", "1\tinf", "-1e999\t1", "x\t1", "\t", "-3\t0.5", "3\t0.5"]
    rows = "".join(f"B\tG{n}\tA\t{value}\t10\n" for n, value in enumerate(values))
    other = "\tG1\tA\t1\t1\t1\nB\t\tA\t1\t1\t1\nB\tG9\t\t1\t1\t1\nB\tG10\tA\t1\t1\t0\n"
    report = load(empty_warehouse, "pseudobulk", written(tmp_path, LONG + rows + other))
    assert report.rejected == {
        "value_not_finite": 3, "value_not_a_number": 1, "value_missing": 1,
        "cell_type_missing": 1, "gene_id_missing": 1, "donor_id_missing": 1,
    }  # fmt: skip
    assert report.notes == {"sum_negative": 1, "n_cells_unreadable": 1, "gene_symbol_kept": 3}
    assert [row[1] for row in rows_of(empty_warehouse)] == ["G10", "G5", "G6"]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("gene_id\tA\nG\t1\n", {}, "nothing says which cell type"),
        ("gene_id\tdonor_id\tmean\nG\tA\t1\n", {}, "nothing says which cell type"),
        ("\tENSG1\tENSG2.5\nA\t1\t2\n", {"feature": "T"}, "2 of its 3 columns are genes"),
        ("gene_id\tA\tmean\nG\t1\t1\n", {"feature": "T"}, "mean: no donor is called so"),
        ("gene\tvariable\tvalue\nG\tA\t1\n", {}, "call the donor's column donor_id"),
        ("gene_id\tA\tB\tA\nG\t1\t2\t3\n", {"feature": "T"}, "donor A occurs in columns 2 and 4"),
        ("gene_id\tA\tB\nG\t1\n", {"feature": "T"}, "line 2: 2 columns found, 3 expected"),
        (LONG + "B\tG\tA\t1\t1\n", {}, "line 2: not the 6 columns"),
        (
            LONG + "B\tENSG1.1\tA\t1\t1\t1\nB\tENSG1.2\tA\t1\t1\t1\n",
            {},
            "gene ENSG1 in cell type B has two values of one donor, in lines 2 and 3",
        ),
        ("gene_id\tdonor_id\tx\nG\tA\t1\n", {"format": "pseudobulk"}, "wanted is sum or mean"),
    ],
)
def test_tables_that_are_refused(empty_warehouse, load, tmp_path, text, options, message):
    with pytest.raises(DataError, match=message):
        load(empty_warehouse, "pseudobulk", written(tmp_path, text), **options)
    assert rows_of(empty_warehouse) == []


def test_further_genes_of_the_same_donors_may_follow(empty_warehouse, load, tmp_path):
    for name, gene in (("1.tsv", "G1"), ("2.tsv", "G2")):
        text = f"gene_id\tA\tB\n{gene}\t1\t2\n"
        load(empty_warehouse, "pseudobulk", written(tmp_path, text, name), feature="T")
    assert len(rows_of(empty_warehouse)) == 4
    groups = empty_warehouse.execute(
        "select distinct cell_type, donor_id from raw.pseudobulk_donors order by all"
    ).fetchall()
    assert groups == [("T", "A"), ("T", "B")]
    again = written(tmp_path, "gene_id\tA\nG2\t5\n", "3.tsv")
    with pytest.raises(DataError, match=r"gene G2 in cell type T has values.*2\.tsv"):
        load(empty_warehouse, "pseudobulk", again, feature="T")


def test_a_zero_that_another_load_left_out_is_a_value(empty_warehouse, load, tmp_path):
    add_expression(empty_warehouse, groups=[("T", "A", 9)], genes=["G"], load_id=0)
    with pytest.raises(DataError, match="gene G in cell type T has values of the same donors"):
        load(empty_warehouse, "pseudobulk", written(tmp_path, "gene_id\tA\nG\t5\n"), feature="T")


def test_donors_are_those_of_the_genotypes(empty_warehouse, load, tmp_path):
    empty_warehouse.execute("insert into raw.donors values (0, 'S1', true, null, 0)")
    path = written(tmp_path, "gene_id\td1\tZ\nG\t5\t6.5\n")
    with pytest.raises(DataError, match="0 donors in both, 2 only in this file, 1 only with"):
        load(empty_warehouse, "pseudobulk", path, feature="T")
    mapping = written(tmp_path, "d1\tS1\n", "map.tsv")
    report = load(empty_warehouse, "pseudobulk", path, feature="T", id_map=mapping)
    assert report.notes == {"donors_without_genotypes": 1, "gene_symbol_kept": 1}
    assert [row[2] for row in rows_of(empty_warehouse)] == ["S1", "Z"]


def test_donors_that_differ_in_case_alone_have_columns_of_their_own(
    empty_warehouse, load, tmp_path
):
    path = tmp_path / "w.parquet"
    pq.write_table(pa.table({"": ["G1"], "HG1": [1.0], "hg1": [2.0]}), path)
    load(empty_warehouse, "pseudobulk", path, feature="T")
    assert [row[2:5] for row in rows_of(empty_warehouse)] == [
        ("HG1", None, 1.0),
        ("hg1", None, 2.0),
    ]


def test_whole_numbers_of_parquet_are_ids_without_a_point(empty_warehouse, load, tmp_path):
    path = tmp_path / "l.parquet"
    columns = {"gene_id": ["G", "G"], "donor_id": [1.0, 2.5], "cell_type": [3.0, 3.0]}
    pq.write_table(pa.table({**columns, "mean": [0.5, 1.0]}), path)
    load(empty_warehouse, "pseudobulk", path)
    assert [row[:3] for row in rows_of(empty_warehouse)] == [("3", "G", "1"), ("3", "G", "2.5")]
