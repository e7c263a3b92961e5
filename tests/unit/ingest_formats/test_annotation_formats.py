"""Layouts of annotations: INFO of a VCF, tables of scores, and what a row becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from varhouse.errors import DataError

KIND, BUILD = "annotations", "GRCh38"
FIELDS = "Allele|Consequence|IMPACT|Gene|Feature_type|Feature|CANONICAL|SIFT|CADD_PHRED|HGVSp"
VCF_COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
SNPEFF = (
    "Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | Feature_Type | Feature_ID | "
    "Transcript_BioType | Rank | HGVS.c | HGVS.p | cDNA.pos / cDNA.length | CDS.pos / CDS.length | "
    "AA.pos / AA.length | Distance | ERRORS / WARNINGS / INFO"
)


def info_line(tag: str, description: str) -> str:
    return f'##INFO=<ID={tag},Number=.,Type=String,Description="{description}">'


def vcf(*records: str, tag: str = "CSQ", fields: str = FIELDS) -> str:
    declared = info_line(tag, f"Consequence annotations from Ensembl VEP. Format: {fields}")
    return "\n".join(["##fileformat=VCFv4.2", declared, VCF_COLUMNS, *records, ""])


def rows(con: duckdb.DuckDBPyConnection, columns: str) -> list[tuple[Any, ...]]:
    return con.execute(
        f"select {columns} from raw.annotations order by pos, alt, file_rank"
    ).fetchall()


@pytest.mark.parametrize("tag", ["CSQ", "vep", "ANN"])
def test_entries_of_a_record(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Any, tag: str
) -> None:
    entries = (
        "-|intron_variant|MODIFIER|ENSG1.2|Transcript|ENST1.3|YES|||,"
        "TA|missense_variant&splice_region_variant|MODERATE|ENSG1|Transcript|ENST2||"
        "deleterious(0.01)|22.5|ENSP1:p.Ala1%3D,"
        "TA|regulatory_region_variant|MODIFIER||RegulatoryFeature|ENSR1||||"
    )
    report = load_text(vcf(f"chr1\t100\trs1\tGT\tG,GTA\t.\t.\tAC=1;{tag}={entries};X\tGT\t0/1",
                           tag=tag))  # fmt: skip
    assert (report.format, report.n_loaded, report.notes) == ("annotated-vcf", 3, {})
    columns = (
        "variant_id, uploaded_id, gene_id, transcript_id, regulatory_id, consequence_terms, "
        "is_canonical, sift_prediction, sift_score, scores, hgvsp, rank"
    )
    missense = ["missense_variant", "splice_region_variant"]
    found = sorted(rows(empty_warehouse, columns), key=str)
    assert found == [
        ("1_100_GT_G", "rs1", "ENSG1", "ENST1", None, ["intron_variant"], True, None, None, {},
         None, 1),
        ("1_100_GT_GTA", "rs1", "ENSG1", "ENST2", None, missense, False, "deleterious", 0.01,
         {"CADD_PHRED": 22.5}, "ENSP1:p.Ala1=", 1),
        ("1_100_GT_GTA", "rs1", None, None, "ENSR1", ["regulatory_region_variant"], False, None,
         None, {}, None, 2),
    ]  # fmt: skip


def test_snpeff(empty_warehouse: duckdb.DuckDBPyConnection, load_text: Any) -> None:
    text = "\n".join([
        "##fileformat=VCFv4.2", info_line("ANN", f"Functional annotations: '{SNPEFF}' "),
        VCF_COLUMNS,
        "1\t889455\t.\tG\tA,T\t.\t.\tANN=A|stop_gained|HIGH|NOC2L|ENSG00000188976|transcript|"
        "ENST00000327044.6|protein_coding|7/19|c.706C>T|p.Gln236*|756/2790|706/2250|236/749||,"
        "T|intergenic_region|MODIFIER|A-B|ENSG1-ENSG2|intergenic_region|ENSG1-ENSG2|||n.1G>T||||||",
        "",
    ])  # fmt: skip
    assert load_text(text).n_loaded == 2
    columns = "alt, gene_id, gene_name, transcript_id, impact, hgvsp, protein_pos, scores"
    assert rows(empty_warehouse, columns) == [
        ("A", "ENSG00000188976", "NOC2L", "ENST00000327044", "HIGH", "p.Gln236*", 236, {}),
        ("T", None, "A-B", None, "MODIFIER", None, None, {}),
    ]


def test_a_record_without_annotation_is_counted(load_text: Any) -> None:
    entry = "CSQ=A|intergenic_variant|||||||||"[:-1]
    text = vcf(f"1\t5\t.\tC\tA\t.\t.\t{entry}", "1\t6\t.\tC\tA\t.\t.\tAC=1")
    report = load_text(text, strict=True)
    assert (report.n_read, report.rejected) == (2, {"annotation_missing": 1})


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (["1\t5\t.\tC\tA\t.\t.\tCSQ=A|intron_variant"], "line 4: an entry of INFO/CSQ has not the"),
        (["1\t5\t.\tC\tA\t."], "line 4: 6 columns found, at least 8 expected"),
    ],
)
def test_a_broken_record(load_text: Any, records: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_text(vcf(*records))


@pytest.mark.parametrize("said", ["length=249250621", "assembly=b37"])
def test_a_vcf_tells_its_build_by_its_contigs(load_text: Any, said: str) -> None:
    contig = f"##contig=<ID=chr1,{said}>\n"
    text = vcf("1\t5\t.\tC\tA\t.\t.\tCSQ=A|intron_variant||||||||").replace(
        "#CHROM", contig + "#CHROM"
    )
    assert load_text(text, build=None).genome_build == "GRCh37"
    with pytest.raises(DataError, match="the file itself says GRCh37"):
        load_text(text + "\n", build="GRCh38")


@pytest.mark.parametrize(
    ("text", "layout", "expected"),
    [
        (
            "## CADD GRCh38-v1.6\n#Chrom\tPos\tRef\tAlt\tRawScore\tPHRED\n22\t5\tA\tG\t-0.5\t1\n",
            "cadd",
            ("22_5_A_G", None, {"CADD_RAW": -0.5, "CADD_PHRED": 1.0}),
        ),
        (
            'variant_vcf,apc_conservation,cadd_phred,genehancer,rsid\n1-5-T-A,13.9,8.9,"a,b",rs1\n',
            "favor",
            ("1_5_T_A", None, {"apc_conservation": 13.9, "CADD_PHRED": 8.9}),
        ),
        (
            "chr\tpos\tref\talt\tgene_id\tmine\tlabel\nchr2\t5\tc\tg\tENSG1.4\t1e-3\tx\n",
            "score-table",
            ("2_5_C_G", "ENSG1", {"mine": 0.001}),
        ),
        ("variant_id mine\nchrX:5:C:G 0\n", "score-table", ("X_5_C_G", None, {"mine": 0.0})),
    ],
)
def test_tables_of_scores(
    empty_warehouse: duckdb.DuckDBPyConnection,
    load_text: Any,
    text: str,
    layout: str,
    expected: tuple[Any, ...],
) -> None:
    report = load_text(text, name="in.txt")
    assert (report.format, report.rejected, report.notes) == (layout, {}, {})
    assert rows(empty_warehouse, "variant_id, gene_id, scores") == [expected]
    assert rows(empty_warehouse, "consequence_terms") == [(None,)]


def test_a_parquet_table(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Any, tmp_path: Path
) -> None:
    table = pa.table({"variant_id": ["1_5_A_G"] * 2, "score": [0.5, None], "n": [3, None]})
    pq.write_table(table, tmp_path / "s.parquet")
    report = load(empty_warehouse, "annotations", tmp_path / "s.parquet", build="GRCh38")
    assert report.rejected == {"annotation_empty": 1}
    assert rows(empty_warehouse, "scores") == [({"score": 0.5, "n": 3.0},)]


def test_missing_and_unreadable_scores(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Any
) -> None:
    missing = ("-", "NaN", "nan", ".", "", "NA")
    lines = [f"1_{place}_A_G\t{cell}\t1" for place, cell in enumerate((*missing, "low", "inf"), 1)]
    text = "\n".join(["variant_id\ta\tb", *lines, "1_9_A_G\t-2\t1", ""])
    report = load_text(text, name="in.tsv")
    assert report.n_loaded == 9
    assert report.notes == {"score_not_a_number": 2}
    assert rows(empty_warehouse, "scores['a']") == [(None,)] * 8 + [(-2.0,)]
    assert empty_warehouse.execute("select line, example from load_issues").fetchall() == [
        (8, "column=a")
    ]


def test_a_table_without_scores(load_text: Any) -> None:
    with pytest.raises(DataError, match="no column besides the variant's key"):
        load_text("chrom\tpos\tref\talt\n1\t5\tA\tG\n", name="in.tsv", format="score-table")
    with pytest.raises(DataError, match="no column variant_id, nor chrom, pos, ref and alt"):
        load_text("chrom\tpos\tref\n1\t5\tA\n", name="in.tsv", format="score-table")


def test_an_unknown_term_counts_as_the_mildest_of_its_impact(
    empty_warehouse: duckdb.DuckDBPyConnection, load_text: Any
) -> None:
    entries = [
        ("ENST1", "intron_variant", "MODIFIER"),
        ("ENST2", "synonymous_variant", "LOW"),
        ("ENST3", "invented_variant", "MODERATE"),
        ("ENST4", "protein_altering_variant", "MODERATE"),
        ("ENST5", "invented_variant", ""),
        ("ENST6", "stop_gained&invented_variant", "HIGH"),
    ]
    csq = ",".join(
        f"A|{terms}|{impact}|ENSG1|Transcript|{transcript}||||"
        for transcript, terms, impact in entries
    )
    load_text(vcf(f"1\t5\t.\tC\tA\t.\t.\tCSQ={csq}"))
    ranked = empty_warehouse.execute(
        "select transcript_id from raw.annotations order by rank"
    ).fetchall()
    assert [row[0][-1] for row in ranked] == list("634215")


def test_variants_named_by_place_are_found_among_those_loaded(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Any, tmp_path: Path
) -> None:
    # VEP's location of a deletion begins after the base before it, an insertion's lies about it
    places = {
        ("1:100", "T"): "1_100_G_T",
        ("1:201", "-"): "1_200_GC_G",
        ("1:201-202", "-"): "1_200_GCC_G",
        ("1:300-301", "TT"): "1_300_A_ATT",
        ("1:400-401", "GG"): "1_400_AC_GG",
        ("1:501-502", "T"): "1_500_ACC_AT",
        ("1:600", "C"): None,
    }
    header = "#Uploaded_variation\tLocation\tAllele\tGene\tFeature\tFeature_type\tConsequence"
    lines = [
        f"rs{number}\t{place}\t{allele}\tENSG1\tENST1\tTranscript\tintron_variant"
        for number, (place, allele) in enumerate(places)
    ]
    (tmp_path / "in.txt").write_text("\n".join([header, *lines, ""]))
    report = load(empty_warehouse, "vep", tmp_path / "in.txt", build="GRCh38")
    assert report.notes == {"alleles_unknown": len(places)}
    ids = [key for key in places.values() if key]
    (tmp_path / "v.csv").write_text("\n".join(["variant_id", *ids, "1_100_G_A", ""]))
    load(empty_warehouse, "variants", tmp_path / "v.csv", build="GRCh38")
    found = empty_warehouse.execute(
        "select variant_id from annotations order by uploaded_id"
    ).fetchall()
    assert [row[0] for row in found] == list(places.values())


def test_rows_that_differ_in_a_score_are_kept(load_text: Any) -> None:
    report = load_text("variant_id\ts\n1_5_A_G\t1\n1_5_A_G\t2\n1:5:A:G\t1\n", name="in.tsv")
    assert (report.n_loaded, report.rejected) == (2, {"duplicate_row": 1})
