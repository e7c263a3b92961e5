"""Annotation files as tools write them where they read like something else at first sight."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from varhouse.errors import DataError

KIND, BUILD = "annotations", "GRCh38"
COLUMNS = "#Uploaded_variation\tLocation\tAllele\tGene\tFeature\tFeature_type\tConsequence"
Load = Callable[..., Any]


def vep_tab(rows: Sequence[Sequence[str]]) -> str:
    rest = "ENSG1\tENST1\tTranscript\tintron_variant"
    return "\n".join([COLUMNS, *("\t".join((*row, rest)) for row in rows), ""])


def test_names_of_vep_that_are_ids_and_names_that_are_not(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load, load: Any, tmp_path: Path
) -> None:
    """VEP's own names have the alleles that it trimmed; ids outlive a liftover."""
    cases = [
        # VEP's own names: of SNVs and of alleles that share no end, nothing was taken off
        (("1_50_A/G", "1:50", "G"), "1_50_A_G"),
        (("1_60_CT/A", "1:60-61", "A"), "1_60_CT_A"),
        # 100 GTT GT,GTTT and 200 GACT GAT without their first base
        (("1_101_TT/T/TTT", "1:101-102", "T"), "1_100_GTT_GT"),
        (("1_101_TT/T/TTT", "1:101-102", "TTT"), "1_100_GTT_GTTT"),
        (("1_201_ACT/AT", "1:201-203", "AT"), "1_200_GACT_GAT"),
        # ids of the VCF, the place one base off, or some for a shifted indel
        (("chr1:300:GT:G", "chr1:301", "-"), "1_300_GT_G"),
        (("1_400_GT/G", "1:409", "-"), "1_400_GT_G"),
        # ids of the other build
        (("1:752566:G:A", "1:817186", "A"), "1_817186_G_A"),
        (("1:752700:GT:G", "1:817321", "-"), "1_817320_GT_G"),
        (("2:500:C:T", "1:500", "T"), "1_500_C_T"),
    ]
    report = load_text(vep_tab([row for row, _ in cases]))
    assert report.notes == {"alleles_unknown": 6}
    ids = sorted({variant for _, variant in cases})
    (tmp_path / "v.csv").write_text("\n".join(["variant_id", *ids, ""]))
    load(empty_warehouse, "variants", tmp_path / "v.csv", build="GRCh38")
    found = empty_warehouse.execute(
        "select variant_id from annotations order by file_rank, variant_id"
    ).fetchall()
    assert sorted(row[0] for row in found) == ids


def test_alleles_in_columns_may_be_trimmed_as_well(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load
) -> None:
    text = vep_tab([("rs1", "1:101-102", "T"), ("rs2", "1:300", "G")])
    lines = text.splitlines()
    lines = [line + "\t" + cell for line, cell in zip(lines, ("USED_REF", "TT", "A"), strict=True)]
    assert load_text("\n".join([*lines, ""])).notes == {"alleles_unknown": 1}
    found = empty_warehouse.execute("select variant_id from raw.annotations order by pos")
    assert found.fetchall() == [(None,), ("1_300_A_G",)]


def test_json_of_a_vcf_with_old_ids_and_scores_in_objects(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load
) -> None:
    row = {
        "gene_id": "ENSG1",
        "transcript_id": "ENST1",
        "variant_allele": "A",
        "consequence_terms": ["missense_variant"],
        "cadd_phred": 22.1,
        "spliceai": {"SYMBOL": "SAME", "DS_AG": 0.25, "DP_AG": -4},
        "alphamissense": {"am_class": "likely_benign", "am_pathogenicity": 0.5},
    }
    record = {
        "input": "1\t817186\t1:752566:G:A\tG\tA\t.\t.\t.",
        "id": "1:752566:G:A",
        "seq_region_name": "1",
        "start": 817186,
        "end": 817186,
        "strand": 1,
        "allele_string": "G/A",
        "assembly_name": "GRCh38",
        "transcript_consequences": [row],
    }
    load_text(json.dumps(record) + "\n", name="in.json")
    assert empty_warehouse.execute("select variant_id, scores from raw.annotations").fetchall() == [
        (
            "1_817186_G_A",
            {
                "ALPHAMISSENSE_AM_PATHOGENICITY": 0.5,
                "CADD_PHRED": 22.1,
                "SPLICEAI_DP_AG": -4.0,
                "SPLICEAI_DS_AG": 0.25,
            },
        )
    ]


def test_mane_plus_clinical_is_not_mane_select(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load
) -> None:
    text = vep_tab([("1_50_A/G", "1:50", "G"), ("1_51_A/G", "1:51", "G")]).splitlines()
    text[0] += "\tExtra"
    text[1] += "\tMANE=MANE_Plus_Clinical;MANE_PLUS_CLINICAL=NM_2.1"
    text[2] += "\tMANE=NM_1.1"
    load_text("\n".join([*text, ""]))
    found = empty_warehouse.execute("select mane_select from raw.annotations order by pos")
    assert found.fetchall() == [(None,), ("NM_1.1",)]


def test_alleles_of_snpeff_where_the_fields_are_said(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load
) -> None:
    text = (
        "##fileformat=VCFv4.2\n"
        '##INFO=<ID=ANN,Number=.,Type=String,Description="lost">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        "1\t100\t.\tAAT\tA,AA\t.\t.\tANN=A|frameshift_variant|HIGH|SAME|ENSG1\n"
    )
    load_text(
        text, name="in.vcf", csq_fields="Allele|Annotation|Annotation_Impact|Gene_Name|Gene_ID"
    )
    found = empty_warehouse.execute("select variant_id from raw.annotations").fetchall()
    assert found == [("1_100_AAT_A",)]


@pytest.mark.parametrize(("header", "n"), [(",variant_id,s", 1), (",Unnamed: 0,variant_id,s", 2)])
def test_row_labels_beside_scores_are_counted(load_text: Load, header: str, n: int) -> None:
    report = load_text(f"{header}\n{'0,' * n}1_5_A_G,0.5\n", name="in.csv")
    assert (report.n_loaded, report.notes) == (1, {"row_labels_left_out": n})


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (
            "Consequence annotations from Ensembl VEP. Format: Allele|Consequence|SYMBOL",
            "no field Gene to say for which gene; fields found: Allele, Consequence, SYMBOL",
        ),
        (
            "Local consequence annotation from BCFtools/csq, see http://samtools.github.io/"
            "bcftools/howtos/csq-calling.html for details. "
            "Format: Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change",
            "INFO/CSQ is of bcftools csq",
        ),
    ],
)
def test_consequences_without_a_gene_id_are_refused(
    load_text: Load, description: str, message: str
) -> None:
    text = (
        "##fileformat=VCFv4.2\n"
        f'##INFO=<ID=CSQ,Number=.,Type=String,Description="{description}">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        "1\t100\t.\tA\tG\t.\t.\tCSQ=x\n"
    )
    with pytest.raises(DataError, match=message):
        load_text(text, name="in.vcf")


def test_genes_of_refseq_are_called_as_their_gene_models_call_them(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Load
) -> None:
    load_text(f"{COLUMNS}\n1_5_A_G\t1:5\tG\t148398\tNM_1.1\tTranscript\tintron_variant\n")
    found = empty_warehouse.execute("select gene_id, transcript_id from raw.annotations")
    assert found.fetchall() == [("GeneID:148398", "NM_1.1")]


def test_the_most_severe_consequence_is_of_no_gene(load_text: Load) -> None:
    """The output of vep --most_severe has neither genes nor features."""
    rows = [
        f"1_{place}_A_G\t1:{place}\tG\t{rest}"
        for place, rest in enumerate(
            (
                "-\t-\t-\tmissense_variant",
                "-\t-\t-\tsplice_region_variant,intron_variant",
                "-\t-\t-\tintergenic_variant",
                "-\tENSR1\tRegulatoryFeature\tregulatory_region_variant",
                "ENSG1\tENST1\tTranscript\tmissense_variant",
            ),
            start=1,
        )
    ]
    assert load_text("\n".join([COLUMNS, *rows, ""])).notes == {"consequence_without_gene": 2}
