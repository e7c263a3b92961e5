"""`varhouse load genes`: one place for each gene."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from load_inputs import GENE_HEADER, gene_line, load, target_line, write_target
from tests.loading import write_text

from varhouse.errors import DataError


def test_a_gene_table(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_text(
        tmp_path, "g.tsv", GENE_HEADER, gene_line(gene_id="ENSG00000140718.21"),
        gene_line(gene_id="ENSG2", strand="-", tss="54155853"),
        gene_line(gene_id="ENSG3", strand="-", tss=""),
    )  # fmt: skip
    (report,) = load(con, "genes", path)
    assert (report.n_loaded, report.notes) == (3, {})
    assert con.execute(
        "select gene_id, gene_version, strand, tss_pos, canonical_tss_pos from raw.genes order by 1"
    ).fetchall() == [
        ("ENSG00000140718", 21, 1, 53737875, None),
        ("ENSG2", None, -1, 54155853, None),
        ("ENSG3", None, -1, 54155853, None),
    ]


def test_a_target_index_has_two_tss(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_target(
        tmp_path,
        target_line(),
        target_line(id="ENSG2", strand="-1", canonical_strand="-", canonical_end="54000000"),
        target_line(id="ENSG3", transcript="", canonical_start="", canonical_end="",
                    canonical_strand=""),
    )  # fmt: skip
    load(con, "genes", path, build=None)
    assert con.execute(
        "select gene_id, tss_pos, canonical_tss_pos from raw.genes order by 1"
    ).fetchall() == [
        ("ENSG00000140718", 53703963, 53704156),
        ("ENSG2", 54121941, 54000000),
        ("ENSG3", 53703963, None),
    ]


def test_a_target_index_in_parquet(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "target.parquet"
    place = {"chromosome": "16", "start": 53703963, "end": 54121941, "strand": 1}
    transcript = {"id": "ENST1", "chromosome": "16", "start": 53704156, "end": 54121941,
                  "strand": "+"}  # fmt: skip
    row = {
        "id": "ENSG00000140718", "approvedSymbol": "FTO", "biotype": "protein_coding",
        "genomicLocation": place, "canonicalTranscript": transcript,
        "symbolSynonyms": [{"label": "KIAA1752", "source": "HGNC"},
                           {"label": "ALKBH9", "source": "HGNC"}],
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([row]), path)
    (report,) = load(con, "genes", path, build=None)
    assert report.genome_build == "GRCh38"
    assert con.execute(
        "select chrom, start_pos, end_pos, strand, tss_pos, canonical_tss_pos, synonyms "
        "from raw.genes"
    ).fetchone() == ("16", 53703963, 54121941, 1, 53703963, 53704156, ["ALKBH9", "KIAA1752"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"strand": "0"}, "strand_unknown"),
        ({"strand": "."}, "strand_unknown"),
        ({"start": "54155854"}, "start_after_end"),
        ({"chr": "CHR_HG76_PATCH"}, "unknown_contig"),
        ({"start": "many"}, "start_pos_missing"),
        ({"end": "90354754"}, "beyond_chromosome_end"),
        ({"start": "0", "tss": "0"}, "position_below_one"),
        ({"gene_id": ""}, "gene_id_missing"),
        ({"biotype": ""}, "biotype_missing"),
    ],
)
def test_a_bad_gene_is_left_out_and_counted(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, change: dict[str, str], code: str
) -> None:
    bad = gene_line(**({"gene_id": "ENSG9"} | change))
    (report,) = load(con, "genes", write_text(tmp_path, "g.tsv", GENE_HEADER, gene_line(), bad))
    assert report.rejected == {code: 1}
    assert con.execute("select line, code from load_issues").fetchall() == [(3, code)]


def test_a_gene_twice_in_a_file_is_refused_with_both_lines(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_text(
        tmp_path, "g.tsv", GENE_HEADER, gene_line(), gene_line(gene_id="ENSG2"),
        gene_line(gene_id="ENSG00000140718.3"),
    )  # fmt: skip
    with pytest.raises(DataError, match=r"g\.tsv: gene ENSG00000140718 stands in lines 2 and 4"):
        load(con, "genes", path)


def test_the_same_gene_in_two_files_is_merged(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    first = write_text(tmp_path, "a.tsv", GENE_HEADER, gene_line())
    second = write_text(
        tmp_path, "b.tsv", GENE_HEADER, gene_line(gene_id="ENSG00000140718.21"),
        gene_line(gene_id="ENSG2"),
    )  # fmt: skip
    reports = load(con, "genes", first, second)
    assert reports[1].rejected == {"known_gene": 1}
    assert con.execute(
        "select gene_id, gene_version, load_id from raw.genes order by 1"
    ).fetchall() == [("ENSG00000140718", 21, 1), ("ENSG2", None, 2)]


def test_a_gene_at_two_places_is_refused_with_both(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    first = write_text(tmp_path, "a.tsv", GENE_HEADER, gene_line())
    second = write_text(tmp_path, "b.tsv", GENE_HEADER, gene_line(end="54155999"))
    load(con, "genes", first)
    with pytest.raises(
        DataError,
        match=r"b\.tsv, line 2: gene ENSG00000140718.*a\.tsv: end_pos 54155999 here, 54155853",
    ):
        load(con, "genes", second)
