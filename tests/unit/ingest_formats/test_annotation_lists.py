"""Scores of several transcripts in one cell, as dbNSFP and VEP's plugin for it write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.v2g import build

from varhouse.errors import DataError

Load = Callable[..., Any]
COLUMNS = (
    "#chr", "pos(1-based)", "ref", "alt", "aaref", "aaalt", "rs_dbSNP", "hg19_chr",
    "hg19_pos(1-based)", "aapos", "genename", "Ensembl_geneid", "Ensembl_transcriptid",
    "Ensembl_proteinid", "VEP_canonical", "codonpos", "SIFT_score", "SIFT_pred",
    "MutationTaster_score", "REVEL_score", "CADD_phred",
)  # fmt: skip
ROW = {
    "#chr": "1", "pos(1-based)": "1100", "ref": "A", "alt": "G", "hg19_chr": "1",
    "hg19_pos(1-based)": "100", "aapos": "10;12;-1", "genename": "ONE;ONE;TWO",
    "Ensembl_geneid": "ENSG1;ENSG1;ENSG2", "Ensembl_transcriptid": "ENST1;ENST2;ENST3",
    "Ensembl_proteinid": "ENSP1;ENSP2;ENSP3", "VEP_canonical": "YES;.;.", "codonpos": "2;2;1",
    "SIFT_score": "0.1;0.3;.", "SIFT_pred": "D;T;.", "REVEL_score": "0.5;.;0.9",
    "CADD_phred": "22.5",
}  # fmt: skip


def dbnsfp(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> str:
    lines = ["\t".join(row.get(name, ".") for name in columns) for row in rows]
    return "\n".join(["\t".join(columns), *lines, ""])


@pytest.fixture
def load_text(empty_warehouse: duckdb.DuckDBPyConnection, load: Any, tmp_path: Path) -> Load:
    def load_one(text: str, *, name: str = "in.txt", **options: Any) -> Any:
        path = tmp_path / name
        path.write_text(text)
        return load(empty_warehouse, "annotations", path, **{"build": "GRCh38"} | options)

    return load_one


def rows_of(con: duckdb.DuckDBPyConnection, columns: str) -> list[tuple[Any, ...]]:
    return con.execute(
        f"select {columns} from annotations order by variant_id, file_rank"
    ).fetchall()


def test_a_row_for_each_transcript(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load
) -> None:
    report = load_text(dbnsfp(ROW))
    assert (report.format, report.n_loaded, report.notes) == ("dbnsfp", 3, {})
    columns = (
        "variant_id, gene_id, gene_name, transcript_id, protein_id, is_canonical, protein_pos, "
        "scores"
    )
    assert rows_of(empty_warehouse, columns) == [
        ("1_1100_A_G", "ENSG1", "ONE", "ENST1", "ENSP1", True, 10,
         {"SIFT_score": 0.1, "REVEL_score": 0.5, "CADD_PHRED": 22.5}),
        ("1_1100_A_G", "ENSG1", "ONE", "ENST2", "ENSP2", False, 12,
         {"SIFT_score": 0.3, "CADD_PHRED": 22.5}),
        ("1_1100_A_G", "ENSG2", "TWO", "ENST3", "ENSP3", False, None,
         {"REVEL_score": 0.9, "CADD_PHRED": 22.5}),
    ]  # fmt: skip


def test_values_of_no_transcript_in_particular_are_the_genes(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load
) -> None:
    """Of another number than the transcripts, or in an order of their own."""
    row = ROW | {
        "Ensembl_geneid": "ENSG1", "genename": "ONE", "REVEL_score": ".;.;.", "CADD_phred": ".",
        "SIFT_score": "0.1;0.3", "MutationTaster_score": "1;1;.",
    }  # fmt: skip
    report = load_text(dbnsfp(row, row | {"pos(1-based)": "1101", "SIFT_score": "."}))
    assert report.rejected == {}
    assert report.notes == {"score_without_transcript": 3}
    columns = "variant_id, gene_id, transcript_id, scores"
    assert rows_of(empty_warehouse, columns) == [
        ("1_1100_A_G", "ENSG1", None, {"SIFT_score": 0.1, "MutationTaster_score": 1}),
        ("1_1100_A_G", "ENSG1", None, {"SIFT_score": 0.3, "MutationTaster_score": 1}),
        ("1_1101_A_G", "ENSG1", None, {"MutationTaster_score": 1}),
        ("1_1101_A_G", "ENSG1", None, {"MutationTaster_score": 1}),
    ]


def test_genes_that_are_not_those_of_the_transcripts(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load
) -> None:
    report = load_text(dbnsfp(ROW | {"Ensembl_geneid": "ENSG1;ENSG2"}))
    assert report.notes == {"gene_of_transcript_unknown": 1}
    assert rows_of(empty_warehouse, "gene_id, transcript_id") == [
        (None, "ENST1"), (None, "ENST2"), (None, "ENST3"),
    ]  # fmt: skip


def test_genes_without_transcripts_and_texts_in_a_list(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load
) -> None:
    text = (
        "variant_id\tgene_id\ts\tt\n1_5_A_G\tENSG1;ENSG2\t0.5;0.25\tx;y\n"
        "1_6_A_G\tENSG1;ENSG1\t0.5;0.5\t1\n1_7_A_G\tENSG1\t0.5;low\t1;inf\n1_8_A_G\t.\t1;2;\t.\n"
    )
    report = load_text(text, name="in.tsv")
    assert report.format == "score-table"
    assert report.rejected == {"annotation_empty": 1}
    # x and y, a list that holds a word, and one that holds an infinite number
    assert report.notes == {"score_not_a_number": 4, "score_without_transcript": 1}
    assert rows_of(empty_warehouse, "variant_id, gene_id, scores") == [
        ("1_5_A_G", "ENSG1", {"s": 0.5}),
        ("1_5_A_G", "ENSG2", {"s": 0.25}),
        ("1_6_A_G", "ENSG1", {"s": 0.5, "t": 1}),
        ("1_6_A_G", "ENSG1", {"s": 0.5, "t": 1}),
        ("1_8_A_G", None, {"s": 1}),
        ("1_8_A_G", None, {"s": 2}),
    ]


def test_positions_are_those_of_the_build_that_is_asked_for(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load
) -> None:
    nowhere = ROW | {"pos(1-based)": "1200", "hg19_chr": ".", "hg19_pos(1-based)": "."}
    text = dbnsfp(ROW, nowhere)
    with pytest.raises(DataError, match="its genome build is not known; give --build"):
        load_text(text, build=None)
    report = load_text(text, build="GRCh37", strict=True)
    assert (report.genome_build, report.rejected) == ("GRCh37", {"place_not_in_build": 3})
    assert {row[0] for row in rows_of(empty_warehouse, "variant_id")} == {"1_100_A_G"}


@pytest.mark.parametrize(
    ("left_out", "only", "other"),
    [("hg19_", "GRCh38", "GRCh37"), ("pos(", "GRCh37", "GRCh38"), ("#chr", "GRCh37", "GRCh38")],
)
def test_a_file_with_positions_on_one_build(
    load_text: Load, left_out: str, only: str, other: str
) -> None:
    columns = tuple(name for name in COLUMNS if not name.startswith(left_out))
    text = dbnsfp(ROW, columns=columns)
    with pytest.raises(DataError, match=f"--build {other}, but the file itself says {only}"):
        load_text(text, build=other)
    assert load_text(text, build=None).genome_build == only


@pytest.mark.parametrize(
    ("aggregate", "sift", "taster", "cadd"),
    [("max", 0.3, 1, 22.5), ("mean", 0.2, 0.75, 22.5), ("min", 0.1, 0.25, 22.5)],
)
def test_the_policy_is_over_the_values(
    empty_warehouse: duckdb.DuckDBPyConnection,
    load_text: Load,
    aggregate: str,
    sift: float,
    taster: float,
    cadd: float,
) -> None:
    load_text(dbnsfp(ROW | {"Ensembl_geneid": "ENSG1", "MutationTaster_score": "1;1;1;0.25;0.5"}))
    build(empty_warehouse, select=["+annotation_scores"], annotation_aggregate=aggregate)
    found = empty_warehouse.execute(
        "select score_name, score from annotation_scores where gene_id = 'ENSG1'"
    ).fetchall()
    revel = {"max": 0.9, "mean": 0.7, "min": 0.5}[aggregate]
    assert dict(found) == {
        "SIFT_score": pytest.approx(sift), "MutationTaster_score": pytest.approx(taster),
        "CADD_PHRED": cadd, "REVEL_score": pytest.approx(revel),
    }  # fmt: skip


# Transcripts as VEP has them, with a field of dbNSFP for all of its own.
TRANSCRIPTS = ("ENST1.4", "ENST3.1", "ENST9.1", "NM_1.2")
VEP_COLUMNS = ("Uploaded_variation", "Location", "Allele", "Gene", "Feature", "Feature_type",
               "Consequence")  # fmt: skip


def of_vep(layout: str, fields: dict[str, str]) -> str:
    """What VEP writes of a variant in four transcripts of a gene, with fields of its plugin."""
    names = (*VEP_COLUMNS, *fields)
    rows = [
        ("1_50_A_G", "1:50", "G", "ENSG1", transcript, "Transcript", "missense_variant",
         *fields.values())
        for transcript in TRANSCRIPTS
    ]  # fmt: skip
    if layout == "vep-tab":
        return "\n".join(["#" + "\t".join(names), *("\t".join(row) for row in rows), ""])
    if layout == "vep-default":
        extra = ";".join(f"{name}={value}" for name, value in fields.items())
        lines = ["\t".join((*row[: len(VEP_COLUMNS)], extra)) for row in rows]
        return "\n".join(["#" + "\t".join((*VEP_COLUMNS, "Extra")), *lines, ""])
    if layout == "annotated-vcf":
        entries = ",".join("|".join(row[2:]).replace(",", "&") for row in rows)
        return (
            "##fileformat=VCFv4.2\n"
            '##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: ' + "|".join(names[2:])
            + '">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'
            f"1\t50\t.\tA\tG\t.\t.\tCSQ={entries}\n"
        )  # fmt: skip
    consequences = [
        {"gene_id": "ENSG1", "transcript_id": transcript, "variant_allele": "G",
         "consequence_terms": ["missense_variant"]}
        | {name.lower(): value for name, value in fields.items()}
        for transcript in TRANSCRIPTS
    ]  # fmt: skip
    record = {
        "input": "1\t50\t.\tA\tG\t.\t.\t.", "id": "1_50_A_G", "seq_region_name": "1", "start": 50,
        "end": 50, "strand": 1, "allele_string": "A/G", "assembly_name": "GRCh38",
        "transcript_consequences": consequences,
    }  # fmt: skip
    return json.dumps(record) + "\n"


LAYOUTS = ("vep-tab", "vep-default", "annotated-vcf", "vep-json")


def scores_of(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    found = rows_of(con, "gene_id, transcript_id, consequence_terms, scores")
    return [
        (gene, transcript, terms, {name.upper(): score for name, score in scores.items()})
        for gene, transcript, terms, scores in found
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_plugin_with_its_transcripts(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load, layout: str
) -> None:
    """A transcript of VEP has its own value; one of RefSeq is not among dbNSFP's."""
    fields = {"Ensembl_transcriptid": "ENST1,ENST2,ENST3", "REVEL_score": "0.5,.,0.75",
              "MetaSVM_score": "-0.25", "MPC_score": ".,.,."}  # fmt: skip
    report = load_text(of_vep(layout, fields))
    assert (report.format, report.rejected) == (layout, {})
    assert report.notes == {"score_without_transcript": 1}
    terms = ["missense_variant"]
    assert scores_of(empty_warehouse) == [
        ("ENSG1", "ENST1", terms, {"REVEL_SCORE": 0.5, "METASVM_SCORE": -0.25}),
        ("ENSG1", "ENST3", terms, {"REVEL_SCORE": 0.75, "METASVM_SCORE": -0.25}),
        ("ENSG1", "ENST9", terms, {"METASVM_SCORE": -0.25}),
        ("ENSG1", "NM_1.2", terms, {"METASVM_SCORE": -0.25}),
        ("ENSG1", None, None, {"REVEL_SCORE": 0.5}),
        ("ENSG1", None, None, {"REVEL_SCORE": 0.75}),
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_plugin_without_its_transcripts(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load, layout: str
) -> None:
    """The values are the gene's, once, however many of its transcripts have the list."""
    fields = {"REVEL_score": "0.5,.,0.75,0.75", "MetaSVM_score": "-0.25", "LoF_info": "DIST:-1,5"}
    report = load_text(of_vep(layout, fields))
    assert (report.format, report.rejected) == (layout, {})
    lines = len(TRANSCRIPTS) if layout in LAYOUTS[:2] else 1
    assert report.notes == {"score_without_transcript": lines}
    found = scores_of(empty_warehouse)
    assert [(row[1], row[3]) for row in found if row[2]] == [
        (transcript.removesuffix(".4").removesuffix(".1"), {"METASVM_SCORE": -0.25})
        for transcript in TRANSCRIPTS
    ]
    assert [row[:2] + row[3:] for row in found if not row[2]] == [
        ("ENSG1", None, {"REVEL_SCORE": 0.5}),
        ("ENSG1", None, {"REVEL_SCORE": 0.75}),
        ("ENSG1", None, {"REVEL_SCORE": 0.75}),
    ]
    build(
        empty_warehouse,
        select=["+annotation_scores", "+annotations_picked"],
        annotation_aggregate="mean",
    )
    mean = empty_warehouse.execute(
        "select score from annotation_scores where upper(score_name) = 'REVEL_SCORE'"
    ).fetchall()
    assert mean == [(pytest.approx(2 / 3),)]
    picked = empty_warehouse.execute("select n_rows from annotations_picked").fetchall()
    assert picked == [(len(TRANSCRIPTS),)], "rows without a consequence are not picked from"
