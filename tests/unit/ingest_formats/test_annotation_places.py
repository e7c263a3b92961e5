"""Annotations whose alleles VEP trimmed find the variant as the genotypes spell it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

COLUMNS = "#Uploaded_variation\tLocation\tAllele\tGene\tFeature\tFeature_type\tConsequence"


def found_ids(
    con: duckdb.DuckDBPyConnection,
    load: Any,
    folder: Path,
    *,
    variants: Sequence[str],
    rows: Sequence[tuple[str, str, str]],
    column: tuple[str, ...] = (),
) -> list[str | None]:
    """Load variants and rows of VEP's (name, location, allele); return the variant of each row."""
    (folder / "v.csv").write_text("\n".join(["variant_id", *variants, ""]))
    load(con, "variants", folder / "v.csv", build="GRCh38")
    lines = [COLUMNS + "".join(f"\t{name}" for name in column[:1])]
    for number, row in enumerate(rows):
        cells = [*row, "ENSG1", f"ENST{number:03}", "Transcript", "intron_variant"]
        lines.append("\t".join([*cells, *column[number + 1 : number + 2]]))
    (folder / "vep.txt").write_text("\n".join([*lines, ""]))
    load(con, "annotations", folder / "vep.txt", build="GRCh38")
    ids = con.execute("select variant_id from annotations order by transcript_id").fetchall()
    return [row[0] for row in ids]


# of the VCF line -> VEP's location and allele, of alleles as VEP trims them:
# the first base of an indel; nothing, beside an ALT that begins with another; each pair wholly
SPELLED = [
    ("1_200_A_AT", "1:200-201", "T"),
    ("1_300_GAC_G", "1:301-302", "-"),
    ("1_600_C_CA", "1:600", "CA"),
    ("1_700_CA_C", "1:700-701", "C"),
    ("1_700_CA_TA", "1:700-701", "TA"),
    ("1_1100_ACAC_AC", "1:1102-1103", "-"),
    ("1_1200_GAA_GAAA", "1:1202-1203", "A"),
    ("1_1200_GAA_GAAA", "1:1201-1202", "AAA"),
    ("1_1300_GAC_GTC", "1:1301", "T"),
    ("1_1300_GAC_GTC", "1:1300-1302", "GTC"),
]


def test_every_way_to_trim_finds_the_variant(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Any, tmp_path: Path
) -> None:
    rows = [("rs1", place, allele) for _, place, allele in SPELLED]
    variants = [variant for variant, _, _ in SPELLED]
    unique = list(dict.fromkeys(variants))
    assert (
        found_ids(empty_warehouse, load, tmp_path, variants=unique, rows=rows, column=())
        == variants
    )


def test_variants_found_by_place_are_scored_too(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Any, tmp_path: Path
) -> None:
    rows = [("rs1", "1:200-201", "T"), ("rs2", "1:300", "G"), ("rs3", "1:900", "G")]
    variants = ["1_200_A_AT", "1_300_C_G"]
    found_ids(empty_warehouse, load, tmp_path, variants=variants, rows=rows)
    scored = empty_warehouse.execute(
        "select chrom, pos, ref, alt, variant_id, gene_id from raw.vep order by pos"
    ).fetchall()
    assert scored == [
        ("1", 200, "A", "AT", "1_200_A_AT", "ENSG1"),
        ("1", 300, "C", "G", "1_300_C_G", "ENSG1"),
    ]


def test_names_of_version_115_2_lie_behind_the_first_base(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Any, tmp_path: Path
) -> None:
    """Input 2:47806652 G GTAAC and 2:47806662 GTAAC G, both without an ID."""
    rows = [
        ("chr2_47806653_G/GTAAC", "2:47806652-47806653", "TAAC"),
        ("chr2_47806663_GTAAC/G", "2:47806663-47806666", "-"),
    ]
    variants = ["2_47806652_G_GTAAC", "2_47806662_GTAAC_G"]
    assert found_ids(empty_warehouse, load, tmp_path, variants=variants, rows=rows) == variants
    told = empty_warehouse.execute("select count(variant_id) from raw.annotations").fetchone()
    assert told == (0,)


@pytest.mark.parametrize("uploaded", [("-/T", "C/A", "GT/CC"), ("A/AT", "C/A", "GT/CC")])
def test_uploaded_alleles_of_any_version(
    empty_warehouse: duckdb.DuckDBPyConnection,
    load: Any,
    tmp_path: Path,
    uploaded: tuple[str, ...],
) -> None:
    """To version 115.1 they are trimmed as the allele is, later those of the input."""
    rows = [("rs1", "1:200-201", "T"), ("rs2", "1:300", "A"), ("rs3", "1:400-401", "CC")]
    column = ("UPLOADED_ALLELE", *uploaded)
    variants = ["1_200_A_AT", "1_200_A_T", "1_300_C_A", "1_400_GT_CC"]
    found = found_ids(empty_warehouse, load, tmp_path, variants=variants, rows=rows, column=column)
    assert found == ["1_200_A_AT", "1_300_C_A", "1_400_GT_CC"]


# 1:800 CAA to CA and C; the allele of each, by its first base alone and by each pair
SITE = [((("A", "-"), ["1_800_CAA_CA", "1_800_CAA_C"])), ((("-", "-"), [None, None]))]


@pytest.mark.parametrize(("alleles", "variants"), SITE)
@pytest.mark.parametrize("layout", ["vcf", "json", "tab"])
def test_two_alleles_that_are_trimmed_alike_are_not_told_apart(
    empty_warehouse: duckdb.DuckDBPyConnection,
    load: Any,
    tmp_path: Path,
    layout: str,
    alleles: tuple[str, str],
    variants: list[str | None],
) -> None:
    """As with --minimal, and in versions 115.0 and 115.1 without it."""
    line = "1\t800\t{}\tCAA\tCA,C\t.\t."
    if layout == "vcf":
        entries = ",".join(
            f"{allele}|missense_variant|ENSG1|Transcript|ENST{n}"
            for n, allele in enumerate(alleles)
        )
        text = (
            '##fileformat=VCFv4.2\n##INFO=<ID=CSQ,Number=.,Type=String,Description="From Ensembl '
            'VEP. Format: Allele|Consequence|Gene|Feature_type|Feature">\n'
            f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{line.format('.')}\tCSQ={entries}\n"
        )
    elif layout == "json":
        record = {
            "input": line.format("."), "id": ".", "seq_region_name": "1", "start": 801,
            "end": 802, "strand": 1, "allele_string": "AA/A/-", "assembly_name": "GRCh38",
            "transcript_consequences": [
                {"variant_allele": allele, "gene_id": "ENSG1", "transcript_id": f"ENST{n}",
                 "consequence_terms": ["missense_variant"]}
                for n, allele in enumerate(alleles)
            ],
        }  # fmt: skip
        text = json.dumps(record) + "\n"
    else:
        rows = [
            f"1_800_CAA_CA,C\t1:801-802\t{allele}\tENSG1\tENST{n}\tTranscript\tmissense_variant"
            for n, allele in enumerate(alleles)
        ]
        text = "\n".join([COLUMNS, *rows, ""])
    # the deletions of base 800 and of 800 to 802 are others
    (tmp_path / "v.csv").write_text("variant_id\n1_799_GC_G\n1_799_GCAA_G\n")
    load(empty_warehouse, "variants", tmp_path / "v.csv", build="GRCh38")
    path = tmp_path / {"vcf": "in.vcf", "json": "in.json", "tab": "in.txt"}[layout]
    path.write_text(text)
    report = load(empty_warehouse, "annotations", path, build="GRCh38")
    found = empty_warehouse.execute(
        "select variant_id from annotations order by transcript_id"
    ).fetchall()
    assert [row[0] for row in found] == variants
    assert report.notes.get("alleles_unknown", 0) == variants.count(None)
