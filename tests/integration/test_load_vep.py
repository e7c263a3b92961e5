"""`varhouse load vep`: three outputs of VEP, one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from load_inputs import load
from tests.loading import write_text

from varhouse.errors import DataError

TAB_COLUMNS = (
    "#Uploaded_variation\tLocation\tAllele\tGene\tFeature\tFeature_type\tConsequence\tIMPACT"
)


def tab_line(**changes: str) -> str:
    values = {
        "variation": "22_100_G_A", "location": "22:100", "allele": "A", "gene": "ENSG1",
        "feature": "ENST1", "feature_type": "Transcript", "consequence": "missense_variant",
        "impact": "MODERATE",
    } | changes  # fmt: skip
    return "\t".join(values.values())


def vep_rows(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute(
        "select variant_id, gene_id, transcript_id, consequence_terms, impact from raw.annotations "
        "order by all"
    ).fetchall()


def test_vep_tab(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_text(
        tmp_path, "v.txt", "## ENSEMBL VARIANT EFFECT PREDICTOR v115.2",
        "## assembly version GRCh38.p5", TAB_COLUMNS,
        tab_line(consequence="missense_variant,splice_region_variant"),
        tab_line(gene="ENSG2.7", consequence="invented_variant", impact="-"),
        tab_line(gene="-", feature="-", feature_type="-", consequence="intergenic_variant"),
        tab_line(gene="ENSG3", feature="ENSR1", feature_type="RegulatoryFeature"),
        tab_line(),
        tab_line(),
    )  # fmt: skip
    (report,) = load(con, "vep", path, build=None)
    assert report.genome_build == "GRCh38"
    assert report.rejected == {"duplicate_row": 1}
    assert vep_rows(con) == [
        ("22_100_G_A", "ENSG1", "ENST1", ["missense_variant"], "MODERATE"),
        ("22_100_G_A", "ENSG1", "ENST1", ["missense_variant", "splice_region_variant"], "MODERATE"),
        ("22_100_G_A", "ENSG2", "ENST1", ["invented_variant"], None),
        ("22_100_G_A", "ENSG3", None, ["missense_variant"], "MODERATE"),
        ("22_100_G_A", None, None, ["intergenic_variant"], "MODERATE"),
    ]


def test_a_file_is_loaded_once_as_vep_or_as_annotations(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_text(
        tmp_path, "v.txt", "## ENSEMBL VARIANT EFFECT PREDICTOR v115.2",
        "## assembly version GRCh38.p5", TAB_COLUMNS, tab_line(),
    )  # fmt: skip
    (first,) = load(con, "vep", path, build=None)
    (again,) = load(con, "annotations", path, build=None)
    assert (again.status, again.load_id) == ("already loaded", first.load_id)
    assert len(vep_rows(con)) == 1


def test_vep_default(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    header = TAB_COLUMNS.replace("IMPACT", "Extra")
    path = write_text(
        tmp_path, "v.txt", header, tab_line(impact="STRAND=1;IMPACT=LOW;SYMBOL=X"),
        tab_line(variation="rs5", gene="ENSG2", impact="GIVEN_REF=G"),
        tab_line(variation="rs6", gene="ENSG3", impact="-"),
    )  # fmt: skip
    (report,) = load(con, "vep", path)
    assert report.format == "vep-default"
    assert report.notes == {"alleles_unknown": 1}
    assert vep_rows(con) == [
        ("22_100_G_A", "ENSG1", "ENST1", ["missense_variant"], "LOW"),
        ("22_100_G_A", "ENSG2", "ENST1", ["missense_variant"], None),
        (None, "ENSG3", "ENST1", ["missense_variant"], None),
    ]


@pytest.mark.parametrize(
    ("variation", "allele", "key"),
    [
        ("chr22:100:g:a", "A", "22_100_G_A"),
        ("22_100_G_A_T", "T", "22_100_G_T"),
        ("22_100_G_A/T", "A", "22_100_G_A"),
        ("22_100_GT_G_GTT", "-", "22_100_GT_G"),
        ("22_100_GT_G_GTT", "TT", "22_100_GT_GTT"),
        ("22_100_GT_G", "-", "22_100_GT_G"),
    ],
)
def test_vep_alleles_are_those_of_the_uploaded_id(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, variation: str, allele: str, key: str
) -> None:
    line = tab_line(variation=variation, allele=allele)
    load(con, "vep", write_text(tmp_path, "v.txt", TAB_COLUMNS, line))
    assert [row[0] for row in vep_rows(con)] == [key]


def json_line(**changes: Any) -> str:
    consequence = {"gene_id": "ENSG1", "transcript_id": "ENST1", "variant_allele": "A",
                   "impact": "LOW", "consequence_terms": ["a_variant", "b_variant"]}  # fmt: skip
    record = {
        "id": "22_100_G_A", "input": "22\t100\t.\tG\tA", "seq_region_name": "22", "start": 100,
        "end": 100, "strand": 1, "allele_string": "G/A", "assembly_name": "GRCh38",
        "transcript_consequences": [consequence],
    } | changes  # fmt: skip
    return json.dumps(record)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({}, "22_100_G_A"),
        ({"id": "rs5"}, "22_100_G_A"),
        ({"id": "rs5", "input": "22\t99\trs5\tCG\tCA,C"}, "22_99_CG_CA"),
        ({"id": "rs5", "input": "22 100 100 G/A +"}, "22_100_G_A"),
        ({"id": "rs5", "input": "22\t100\t100\tG/A\t+"}, "22_100_G_A"),
        ({"id": "rs5", "input": "rs5", "strand": -1}, None),
        ({"id": "rs5", "input": "rs5", "allele_string": "-/A"}, None),
        ({"id": "rs5", "input": "22\t100\trs5\tG\tC,T"}, None),
    ],
)
def test_vep_json_tells_the_variant(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, changes: dict[str, Any], key: str | None
) -> None:
    other = json_line(id="22_5_C_T", input="22\t5\t.\tC\tT", start=5, end=5)
    path = write_text(tmp_path, "v.jsonl", json_line(**changes), other)
    (report,) = load(con, "vep", path, build="GRCh38")
    assert [row[0] for row in vep_rows(con) if row[0] != "22_5_C_T"] == [key]
    assert report.notes == ({} if key else {"alleles_unknown": 1})


def test_vep_json_without_transcripts_is_counted(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_text(tmp_path, "v.jsonl", json_line(), json_line(transcript_consequences=None))
    (report,) = load(con, "vep", path, build=None)
    assert report.rejected == {"consequence_terms_missing": 1}
    assert vep_rows(con) == [("22_100_G_A", "ENSG1", "ENST1", ["a_variant", "b_variant"], "LOW")]


def test_vep_json_cut_short_is_refused_with_its_line(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_text(tmp_path, "v.jsonl", json_line(), json_line()[:50])
    with pytest.raises(DataError, match=r"v\.jsonl, line 2: not a whole JSON object"):
        load(con, "vep", path, build="GRCh38")


def test_vep_json_of_two_assemblies_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_text(tmp_path, "v.jsonl", json_line(), json_line(assembly_name="GRCh37"))
    with pytest.raises(DataError, match=r"v\.jsonl, line 2: assembly_name GRCh37.*GRCh38"):
        load(con, "vep", path, build="GRCh38")


def test_vep_lacking_a_column(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lines = [line.rsplit("\t", 2)[0] for line in (TAB_COLUMNS, tab_line())]
    with pytest.raises(DataError, match=r"v\.txt: column Consequence missing; columns found: Up"):
        load(con, "vep", write_text(tmp_path, "v.txt", *lines))
