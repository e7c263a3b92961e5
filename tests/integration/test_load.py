"""`varhouse load`: what is taken and refused, on evidence; and that nothing is half-loaded."""

from __future__ import annotations

import gzip
import math
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from load_inputs import (
    GENE_HEADER,
    SLICE,
    counts,
    evidence_row,
    gene_line,
    load,
    target_line,
    write_evidence,
    write_target,
)
from tests.loading import write_text

from varhouse.errors import DataError, UsageError
from varhouse.ingest.kinds import KINDS

# A change to a good row -> the reason why it is refused.
BAD_EVIDENCE = [
    ({"qtl_pval": -0.1}, "p_value_out_of_range"),
    ({"qtl_pval": 1.0000001}, "p_value_out_of_range"),
    ({"qtl_pval": math.nan}, "p_value_not_finite"),
    ({"qtl_pval": math.inf}, "p_value_not_finite"),
    ({"type_id": "pchic", "interval_score": math.nan}, "score_not_finite"),
    ({"type_id": "pchic", "interval_score": math.inf}, "score_not_finite"),
    ({"gene_id": None}, "gene_id_missing"),
    ({"variant_id": None}, "variant_id_missing"),
    ({"variant_id": "16_53800955_T_C"}, "variant_id_mismatch"),
    ({"type_id": "horoscope"}, "type_id_unknown"),
    ({"type_id": None}, "type_id_unknown"),
    ({"source_id": None}, "source_id_missing"),
    ({"chr_id": "GL000192.1"}, "unknown_contig"),
    ({"chr_id": "25"}, "unknown_contig"),
    ({"position": 0}, "position_below_one"),
    ({"position": -5}, "position_below_one"),
    # GRCh37's chromosome 16 has 90,354,753 bases
    ({"position": 90354754}, "beyond_chromosome_end"),
    ({"ref_allele": "E"}, "ref_missing"),
    ({"alt_allele": "-"}, "alt_missing"),
]


@pytest.mark.parametrize("name", ["slice.parquet", "slice.tsv"])
def test_bad_evidence_rows_are_left_out_and_counted(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    good = evidence_row()
    bad = [evidence_row(**change) for change, _ in BAD_EVIDENCE]
    path = write_evidence(tmp_path, good, *bad, good, name=name)
    (report,) = load(con, "evidence", path)
    codes = [code for _, code in BAD_EVIDENCE]
    assert (report.n_read, report.n_loaded) == (len(bad) + 2, 2)
    assert report.rejected == Counter(codes)
    assert con.execute("select rejected, n_rejected from load_manifest").fetchone() == (
        Counter(codes),
        len(bad),
    )
    # a reason is told with the first of its lines
    issues = con.execute("select file, line, code, n from load_issues").fetchall()
    assert sorted(issues, key=lambda issue: issue[1]) == [
        (str(path), codes.index(code) + 2, code, n) for code, n in Counter(codes).items()
    ]


@pytest.mark.parametrize("name", ["slice.parquet", "slice.tsv"])
def test_zero_p_values_are_kept(con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str) -> None:
    rows = [
        evidence_row(qtl_pval=0.0),
        evidence_row(type_id="sqtl", qtl_pval=0.0),
        evidence_row(type_id="vep", source_id="vep", qtl_pval=0.0),
    ]
    (report,) = load(con, "evidence", write_evidence(tmp_path, *rows, name=name))
    assert (report.n_loaded, report.rejected, report.notes) == (3, {}, {"p_value_zero": 2})


def test_evidence_warts_are_kept_as_they_are(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    twice = evidence_row(type_id="vep", source_id="vep")
    rows = [twice, twice, evidence_row(alt_allele="."), evidence_row(alt_allele="T.")]
    path = write_evidence(tmp_path, *rows)
    (report,) = load(con, "evidence", path)
    assert (report.n_loaded, report.notes) == (4, {})
    assert con.execute(
        "select variant_id, count(*) from raw.evidence group by all order by all"
    ).fetchall() == [
        ("16_53800954_T_.", 1),
        ("16_53800954_T_C", 2),
        ("16_53800954_T_T.", 1),
    ]


def test_evidence_is_normalised(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    odd = evidence_row(
        chr_id="chrX", ref_allele="t", gene_id="ENSG00000140718.21",
        variant_id="chrX:53800954:t:c", rs_id="NA", qtl_beta=math.nan,
    )  # fmt: skip
    (report,) = load(con, "evidence", write_evidence(tmp_path, odd))
    assert report.notes == {"effect_not_finite": 1}
    assert con.execute(
        "select chrom, pos, ref, alt, variant_id, rsid, gene_id, qtl_beta, qtl_se from raw.evidence"
    ).fetchall() == [
        ("X", 53800954, "T", "C", "X_53800954_T_C", None, "ENSG00000140718", None, 0.1)
    ]


def test_text_that_is_no_number_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows = [
        evidence_row(),
        evidence_row(qtl_pval="low"),
        evidence_row(interval_score="high"),
        evidence_row(position="53800954.5", variant_id="16_53800954_T_C"),
        evidence_row(qtl_pval="1e-400"),
        evidence_row(qtl_pval="NA"),
    ]
    (report,) = load(con, "evidence", write_evidence(tmp_path, *rows, name="slice.tsv"))
    assert report.rejected == {
        "p_value_not_a_number": 1,
        "pos_missing": 1,
        "score_not_a_number": 1,
    }
    assert report.notes == {"p_value_zero": 1}
    assert con.execute("select count(*) from raw.evidence where qtl_pval is null").fetchone() == (
        1,
    )


def test_parquet_and_text_of_a_slice_load_alike(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = [evidence_row(position=53800954 + n, qtl_pval=n / 7) for n in range(7)]
    parquet = write_evidence(tmp_path, *rows)
    plain = write_evidence(tmp_path, *rows, name="slice.tsv")
    packed = tmp_path / "headed.tsv.gz"
    packed.write_bytes(
        gzip.compress(b"\t".join(c.encode() for c in SLICE) + b"\n" + plain.read_bytes())
    )
    reports = load(con, "evidence", parquet, plain, packed)
    assert [report.format for report in reports] == [
        "opentargets-slice",
        "opentargets-slice-tsv",
        "opentargets-slice-tsv",
    ]
    assert con.execute(
        "select count(distinct rows) from (select load_id, list(row order by row.pos) as rows "
        "from (select load_id, (select r from (select evidence.* exclude load_id) as r) as row "
        "from raw.evidence) group by load_id)"
    ).fetchone() == (1,)


@pytest.mark.parametrize("dropped", ["gene_id", "qtl_pval", "chr_id", "source_id"])
def test_a_missing_column_is_named(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, dropped: str
) -> None:
    path = tmp_path / "slice.parquet"
    table = pq.read_table(write_evidence(tmp_path, evidence_row()))
    pq.write_table(table.drop_columns([dropped]), path)
    with pytest.raises(
        DataError, match=rf"slice\.parquet: column {dropped} missing; columns found"
    ):
        load(con, "evidence", path)
    assert set(counts(con).values()) == {0}


def test_no_rows_are_an_empty_file(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"slice\.parquet: the file is empty"):
        load(con, "evidence", write_evidence(tmp_path))
    header = tmp_path / "header.tsv"
    header.write_text("\t".join(SLICE) + "\n")
    with pytest.raises(DataError, match=r"header\.tsv: the file is empty"):
        load(con, "evidence", header)


def test_a_page_damaged_inside_a_parquet_file_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = [evidence_row(position=n + 1) for n in range(2000)]
    path = write_evidence(tmp_path, *rows)
    damaged = bytearray(path.read_bytes())
    damaged[4:3000] = b"\xff" * 2996
    path.write_bytes(bytes(damaged))
    with pytest.raises(DataError, match=r"slice\.parquet: cannot be read as opentargets-slice"):
        load(con, "evidence", path)
    assert set(counts(con).values()) == {0}


def test_a_file_without_one_good_row_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_evidence(tmp_path, evidence_row(qtl_pval=2.0), evidence_row(qtl_pval=3.0))
    with pytest.raises(DataError, match=r"(?s)none of its 2 rows.*p_value_out_of_range.*line 1"):
        load(con, "evidence", path)


def test_strict_refuses_rejects_and_warnings(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    bad = write_evidence(tmp_path, evidence_row(), evidence_row(qtl_pval=2.0))
    with pytest.raises(DataError, match=r"(?s)--strict.*p_value_out_of_range.*line 2.*qtl_pval=2"):
        load(con, "evidence", bad, strict=True)
    doubtful = write_evidence(tmp_path, evidence_row(qtl_pval=0.0), name="zero.parquet")
    with pytest.raises(DataError, match=r"(?s)--strict.*p_value_zero"):
        load(con, "evidence", doubtful, strict=True)
    assert set(counts(con).values()) == {0}
    clean = write_evidence(tmp_path, evidence_row(), name="clean.parquet")
    assert load(con, "evidence", clean, strict=True)[0].status == "loaded"


def test_all_files_or_none(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    good = write_evidence(tmp_path, evidence_row())
    bad = tmp_path / "bad.tsv"
    bad.write_text("\t".join(SLICE) + "\n" + "16\t1\n")
    with pytest.raises(DataError, match=r"bad\.tsv, line 2: 2 columns found, 19 expected"):
        load(con, "evidence", good, bad)
    assert set(counts(con).values()) == {0}
    assert load(con, "evidence", good)[0].load_id == 1


def test_a_dry_run_counts_and_keeps_nothing(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_evidence(tmp_path, evidence_row(), evidence_row(qtl_pval=2.0))
    (report,) = load(con, "evidence", path, dry_run=True)
    assert (report.status, report.n_loaded, report.n_rejected) == ("dry run", 1, 1)
    assert set(counts(con).values()) == {0}


def test_a_file_loaded_twice_is_left_alone(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_evidence(tmp_path, evidence_row())
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(path.read_bytes())
    reports = load(con, "evidence", path, copy)
    assert [report.status for report in reports] == ["loaded", "already loaded"]
    before = counts(con)
    (again,) = load(con, "evidence", path)
    assert (again.status, again.load_id, again.genome_build) == ("already loaded", 1, "GRCh37")
    assert counts(con) == before
    assert before["raw.evidence"] == 1


def test_builds_are_never_mixed(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_evidence(tmp_path, evidence_row())
    load(con, "evidence", path, build="hg19")
    other = write_evidence(tmp_path, evidence_row(position=100), name="other.parquet")
    with pytest.raises(
        DataError, match=r"other\.parquet: on GRCh38, .* is on GRCh37.*slice\.parquet"
    ):
        load(con, "evidence", other, build="hg38")
    assert con.execute("select distinct genome_build from load_manifest").fetchall() == [
        ("GRCh37",)
    ]


def test_a_build_is_asked_for(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_evidence(tmp_path, evidence_row())
    with pytest.raises(DataError, match=r"slice\.parquet: .*give --build GRCh37 or"):
        load(con, "evidence", path, build=None)


def test_a_build_against_the_format_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_target(tmp_path, target_line())
    with pytest.raises(DataError, match=r"--build GRCh37, but .*opentargets-target-tsv.* GRCh38"):
        load(con, "genes", path, build="GRCh37")
    assert load(con, "genes", path, build=None)[0].genome_build == "GRCh38"


def test_wrong_requests_are_usage_errors(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_evidence(tmp_path, evidence_row())
    with pytest.raises(UsageError, match="kinds are evidence"):
        load(con, "horoscopes", path)
    with pytest.raises(UsageError, match=r"absent.*no such file"):
        load(con, "evidence", path, tmp_path / "absent.parquet")
    with pytest.raises(UsageError, match=r"--format bed: .*opentargets-slice"):
        load(con, "evidence", path, format="bed")
    with pytest.raises(UsageError, match="hg18"):
        load(con, "evidence", path, build="hg18")
    with pytest.raises(UsageError, match="no files"):
        load(con, "evidence")


def test_an_unknown_layout_lists_the_known_ones(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "other.tsv"
    path.write_text("snp\tgene\nrs1\tFTO\n")
    with pytest.raises(DataError, match=r"(?s)other\.tsv: not a known format.*snp, gene.*-slice:"):
        load(con, "evidence", path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_says_what_it_is(kind: str) -> None:
    formats = KINDS[kind].formats()
    assert len({layout.name for layout in formats}) == len(formats) > 0
    for layout in formats:
        assert layout.wants


def test_evidence_of_genes_that_are_not_in_the_gene_table_is_reported(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load(con, "genes", write_text(tmp_path, "g.tsv", GENE_HEADER, gene_line()))
    path = write_evidence(tmp_path, evidence_row(), evidence_row(gene_id="ENSG00000999999"))
    (report,) = load(con, "evidence", path)
    assert (report.n_loaded, report.notes) == (2, {"unknown_gene": 1})
