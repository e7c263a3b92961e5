"""Gene models whose lines name no genes, or several places of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from gene_model_lines import gff3, gtf
from tests.loading import write_text

from varhouse.errors import DataError


def test_copies_of_a_gene_in_files_of_ucsc_are_no_long_gene(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Any, tmp_path: Path
) -> None:
    """refGene.gtf numbers the placements of a transcript, but not those of its gene."""
    lines = [
        gtf(feature, start, end, "-", gene_id="PRAMEF7", transcript_id=transcript)
        for start, end, transcript in (
            (1_000_000, 1_004_000, "NM_1"),
            # other transcripts of the gene need not overlap
            (1_050_000, 1_060_000, "NM_2"),
            (1_400_000, 1_404_000, "NM_1_dup1"),
        )
        for feature in ("transcript", "exon")
    ]
    report = load(empty_warehouse, "genes", write_text(tmp_path, "g.gtf", *lines), build="GRCh38")
    assert report.rejected == {"gene_at_two_places": 1}
    found = empty_warehouse.execute("select gene_id, start_pos, end_pos, tss_pos from genes")
    assert found.fetchall() == [("PRAMEF7", 1_000_000, 1_060_000, 1_060_000)]
    found = empty_warehouse.execute("select transcript_id from transcripts order by 1")
    assert found.fetchall() == [("NM_1",), ("NM_2",)]


def test_a_gene_line_settles_how_long_the_gene_is(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Any, tmp_path: Path
) -> None:
    path = write_text(
        tmp_path,
        "g.gtf",
        gtf("gene", 1, 900_000, gene_id="ENSG1"),
        gtf("transcript", 1, 100, gene_id="ENSG1", transcript_id="ENST1"),
        gtf("transcript", 800_000, 900_000, gene_id="ENSG1", transcript_id="ENST2"),
    )
    report = load(empty_warehouse, "genes", path, build="GRCh38")
    assert (report.n_loaded, report.rejected, report.notes) == (1, {}, {})
    found = empty_warehouse.execute("select count(*) from transcripts").fetchall()
    assert found == [(2,)]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        # the Table Browser of UCSC
        ("g.gtf", [gtf("exon", 1, 9, gene_id="ENST1.2", transcript_id="ENST1.2"),
                   gtf("CDS", 1, 9, gene_id="ENST1.2", transcript_id="ENST1.2"),
                   gtf("exon", 1, 9, gene_id="ENST2.1", transcript_id="ENST2.1")]),
        # gffread of what names no genes
        ("g.gff3", [gff3("transcript", 1, 9, ID="ENST1.2"),
                    gff3("exon", 1, 9, Parent="ENST1.2")]),
    ],
)  # fmt: skip
def test_transcripts_that_stand_for_genes_are_told(
    empty_warehouse: duckdb.DuckDBPyConnection,
    load: Any,
    tmp_path: Path,
    name: str,
    lines: list[str],
) -> None:
    path = write_text(tmp_path, name, *lines)
    report = load(empty_warehouse, "genes", path, build="GRCh38")
    assert report.notes == {"transcripts_as_genes": report.n_loaded}


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            [gff3("gene", 1, 9, gene_id="ENSG1"),
             gff3("transcript", 1, 9, gene_id="ENSG1", transcript_id="ENST1"),
             gff3("exon", 1, 9, gene_id="ENSG1", transcript_id="ENST1"),
             gff3("five_prime_utr", 1, 2, gene_id="ENSG1", transcript_id="ENST1")],
            id="rtracklayer, of GTF"),
        pytest.param(
            [gff3("transcript", 1, 9, ID="ENST1", geneID="ENSG1"),
             gff3("exon", 1, 9, Parent="ENST1")],
            id="gffread"),
        pytest.param(
            [gff3("gene", 1, 9, ID="ENSG1"),
             gff3("transcript", 1, 9, ID="ENST1", Parent="ENSG1"),
             gff3("exon", 1, 9, Parent="ENST1")],
            id="gffread --keep-genes"),
        pytest.param(
            [gff3("gene", 1, 9, ID="ENSG1", gene_id="ENSG1"),
             gff3("transcript", 1, 9, ID="ENST1", Parent="ENSG1", transcript_id="ENST1"),
             gff3("selenocysteine", 2, 4, ID="s-1", Parent="ENST1", transcript_id="ENST1")],
            id="AGAT, of GTF"),
    ],
)  # fmt: skip
def test_transcripts_find_their_gene_however_gff3_links_them(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Any, tmp_path: Path, lines: list[str]
) -> None:
    report = load(empty_warehouse, "genes", write_text(tmp_path, "g.gff3", *lines), build="GRCh38")
    assert (report.n_loaded, report.rejected, report.notes) == (1, {}, {})
    found = empty_warehouse.execute(
        "select gene_id, transcript_id, start_pos, end_pos from transcripts"
    )
    assert found.fetchall() == [("ENSG1", "ENST1", 1, 9)]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("#!genome-build T2T-CHM13v2.0", "T2T-CHM13v2"),
        ("##description: annotation of the mouse genome (GRCm39), version M33", "GRCm39"),
        ("#!genome-build NCBI36", "NCBI36"),
    ],
)
def test_gene_models_of_other_assemblies_are_refused(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Any, tmp_path: Path, line: str, name: str
) -> None:
    path = write_text(tmp_path, "g.gtf", line, gtf("gene", 1, 9, gene_id="ENSG1"))
    with pytest.raises(DataError, match=f"line 1: gene models of {name}"):
        load(empty_warehouse, "genes", path, build="GRCh38")
