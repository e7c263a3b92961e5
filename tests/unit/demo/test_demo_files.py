"""The generated files have the shape and the warts of real slices, and the planted signal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from varhouse.demo import DemoFiles, write_demo_files

REAL_EVIDENCE_COLUMNS = [
    ("chr_id", "VARCHAR"),
    ("position", "INTEGER"),
    ("ref_allele", "VARCHAR"),
    ("alt_allele", "VARCHAR"),
    ("variant_id", "VARCHAR"),
    ("rs_id", "VARCHAR"),
    ("gene_chr", "VARCHAR"),
    ("gene_id", "VARCHAR"),
    ("gene_start", "INTEGER"),
    ("gene_end", "INTEGER"),
    ("gene_name", "VARCHAR"),
    ("feature", "VARCHAR"),
    ("type_id", "VARCHAR"),
    ("source_id", "VARCHAR"),
    ("csq_counts", "INTEGER"),
    ("qtl_beta", "DOUBLE"),
    ("qtl_se", "DOUBLE"),
    ("qtl_pval", "DOUBLE"),
    ("interval_score", "DOUBLE"),
]
SEEDS = [1, 2024]


@pytest.fixture(scope="module", params=SEEDS)
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return write_demo_files(tmp_path_factory.mktemp("demo"), seed=request.param)


@pytest.fixture
def con(files: DemoFiles) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            f"create table evidence as from '{files.evidence}';"
            f"create table variants as from '{files.variants}';"
            f"create table genes as from read_csv('{files.genes}', types={{'chr': 'VARCHAR'}});"
            f"create table qtl as from read_csv('{files.qtl}');"
        )
        yield connection


def one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[object, ...]:
    row = con.execute(query).fetchone()
    assert row is not None
    return row


def test_equal_seeds_write_equal_bytes(tmp_path: Path) -> None:
    digests = [
        [hashlib.sha256(path.read_bytes()).hexdigest() for path in write_demo_files(folder)[:6]]
        for folder in (tmp_path / "one", tmp_path / "two")
    ]
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == 6


def test_another_seed_writes_other_rows(tmp_path: Path) -> None:
    one_file = write_demo_files(tmp_path / "one", seed=1).evidence.read_bytes()
    assert one_file != write_demo_files(tmp_path / "two", seed=2).evidence.read_bytes()


def test_sizes_are_those_of_a_small_locus(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "select count(*), count(distinct variant_id) from variants") == (5000, 5000)
    assert one(con, "select count(*), count(distinct gene_id) from genes") == (25, 25)
    evidence = one(con, "select count(*) from evidence")[0]
    assert isinstance(evidence, int)
    assert 10_000 < evidence < 40_000


def test_evidence_has_the_columns_and_types_of_a_real_slice(
    con: duckdb.DuckDBPyConnection,
) -> None:
    found = con.execute(
        "select column_name, data_type from duckdb_columns() where table_name = 'evidence' "
        "order by column_index"
    ).fetchall()
    assert found == REAL_EVIDENCE_COLUMNS


def test_no_name_can_be_taken_for_a_real_one(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "select bool_and(gene_id ~ '^ENSG99[0-9]{9}$') from genes") == (True,)
    assert one(con, "select bool_and(gene_name ~ '^DEMO[0-9]+$') from genes") == (True,)
    assert one(con, "select bool_and(rs_id ~ '^(rs99[0-9]{8}|CMDEMO[0-9]+)$') from variants") == (
        True,
    )


def test_tss_is_the_strand_aware_end_of_the_gene(con: duckdb.DuckDBPyConnection) -> None:
    wrong = 'select count(*) from genes where tss <> if(strand = 1, start, "end")'
    assert one(con, wrong) == (0,)


def test_every_vep_row_is_there_exactly_twice(con: duckdb.DuckDBPyConnection) -> None:
    numbers = con.execute(
        "select distinct count(*) from evidence where source_id = 'vep' "
        "group by variant_id, gene_id, feature"
    ).fetchall()
    assert numbers == [(2,)]


def test_numbers_that_do_not_apply_are_zero(con: duckdb.DuckDBPyConnection) -> None:
    assert one(
        con,
        "select max(qtl_pval), max(abs(qtl_beta)), max(qtl_se) from evidence "
        "where source_id <> 'gtex_v7'",
    ) == (0, 0, 0)
    assert one(
        con, "select max(interval_score) from evidence where source_id in ('gtex_v7', 'vep')"
    ) == (0,)
    nulls = " + ".join(f"count(*) filter ({name} is null)" for name, _ in REAL_EVIDENCE_COLUMNS)
    assert one(con, f"select {nulls} from evidence") == (0,)


def test_promoter_capture_repeats_some_keys(con: duckdb.DuckDBPyConnection) -> None:
    repeated = (
        "select count(*) from (select 1 from evidence where source_id = 'javierre2016' "
        "group by variant_id, gene_id, feature having count(*) > 1)"
    )
    assert one(con, repeated)[0] != 0


def test_a_tissue_has_one_row_only(con: duckdb.DuckDBPyConnection) -> None:
    assert one(
        con, "select count(*) from evidence where source_id = 'gtex_v7' and feature = 'ovary'"
    ) == (1,)


def test_fantom_scores_look_like_an_fdr(con: duckdb.DuckDBPyConnection) -> None:
    lowest, highest = one(
        con,
        "select min(interval_score), max(interval_score) from evidence "
        "where source_id = 'andersson2014'",
    )
    assert lowest == 0
    assert isinstance(highest, float)
    assert 0 < highest < 1e-6


def test_some_alternative_alleles_are_left_out(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "select count(*) from variants where alt_allele = '.'") == (12,)


def test_some_rs_numbers_name_two_alleles(con: duckdb.DuckDBPyConnection) -> None:
    assert one(
        con,
        "select count(*) from (select 1 from variants group by rs_id "
        "having count(distinct alt_allele) = 2 and count(distinct position) = 1)",
    ) == (60,)


def test_excluded_biotypes_have_evidence(con: duckdb.DuckDBPyConnection) -> None:
    query = "select count(*) from evidence join genes using (gene_id) where biotype ~ 'pseudogene'"
    assert one(con, query)[0] != 0


def test_every_variant_of_the_files_is_in_the_index(con: duckdb.DuckDBPyConnection) -> None:
    missing = "select count(*) from evidence anti join variants using (variant_id)"
    assert one(con, missing) == (0,)


def test_qtl_standard_errors_agree_with_the_p_values(con: duckdb.DuckDBPyConnection) -> None:
    # z = 5.326724 has the two-sided p of 1e-7 (normal tables); below that p, |beta| / se is larger
    assert one(
        con,
        "select bool_and((abs(beta) / se > 5.326724) = (pval < 1e-7)) from qtl "
        "where pval not between 0.99e-7 and 1.01e-7",
    ) == (True,)


class TestPlantedSignal:
    """What the demo claims to have planted is in the files."""

    def test_the_causal_gene_is_not_the_nearest(
        self, files: DemoFiles, con: duckdb.DuckDBPyConnection
    ) -> None:
        lead = files.planted[0]
        nearest = con.execute(
            "select gene_name from genes where biotype = 'protein_coding' order by "
            "abs(tss - (select position from variants where variant_id = ?)) limit 1",
            [lead.variant_id],
        ).fetchone()
        assert nearest == (lead.nearest_gene_name,)
        assert lead.gene_name != lead.nearest_gene_name

    def test_every_supporting_source_names_the_causal_gene_at_the_lead(
        self, files: DemoFiles, con: duckdb.DuckDBPyConnection
    ) -> None:
        lead = files.planted[0]
        in_slice = con.execute(
            "select distinct source_id from evidence where variant_id = ? and gene_id = ?",
            [lead.variant_id, lead.gene_id],
        ).fetchall()
        pos = int(lead.variant_id.split("_")[1])
        in_qtl = con.execute(
            "select distinct source_id from qtl where pos = ? and gene_id = ?",
            [pos, lead.gene_id],
        ).fetchall()
        fields = [line.split("\t") for line in files.intervals.read_text().splitlines()]
        in_intervals = {
            "thurman2012"
            for row in fields
            if row[3] == lead.gene_name and int(row[5]) < pos <= int(row[6])
        }
        found = {source for (source,) in in_slice + in_qtl} | in_intervals
        assert found == set(lead.supporting_sources)

    def test_the_lead_has_the_strongest_row_of_each_ranked_source(
        self, files: DemoFiles, con: duckdb.DuckDBPyConnection
    ) -> None:
        lead = files.planted[0]
        for query in (
            "select variant_id, gene_id from evidence where source_id = 'gtex_v7' "
            "and feature = 'adipose_subcutaneous' order by qtl_pval limit 1",
            "select variant_id, gene_id from evidence where source_id = 'javierre2016' "
            f"order by interval_score desc, variant_id = '{lead.variant_id}' desc limit 1",
            "select '22_' || pos || '_' || ref || '_' || alt, gene_id from qtl "
            "order by pval limit 1",
        ):
            assert con.execute(query).fetchone() == (lead.variant_id, lead.gene_id)

    def test_the_other_lead_is_in_the_index_and_nowhere_else(
        self, files: DemoFiles, con: duckdb.DuckDBPyConnection
    ) -> None:
        alone = files.planted[1]
        pos = int(alone.variant_id.split("_")[1])
        assert con.execute(
            "select count(*) from variants where variant_id = ?", [alone.variant_id]
        ).fetchone() == (1,)
        assert con.execute(
            "select (select count(*) from evidence where position = $pos) "
            "+ (select count(*) from qtl where pos = $pos)",
            {"pos": pos},
        ).fetchone() == (0,)
        intervals = [line.split("\t") for line in files.intervals.read_text().splitlines()]
        assert not any(int(row[5]) < pos <= int(row[6]) for row in intervals)
        consequences = [json.loads(line) for line in files.vep.read_text().splitlines()]
        assert not any(record["start"] == pos for record in consequences)

    def test_the_other_lead_is_far_from_every_gene_but_one(
        self, files: DemoFiles, con: duckdb.DuckDBPyConnection
    ) -> None:
        alone = files.planted[1]
        distances = con.execute(
            "select gene_name, abs(tss - (select position from variants where variant_id = ?)) d "
            "from genes order by d limit 2",
            [alone.variant_id],
        ).fetchall()
        assert distances[0] == (alone.gene_name, 7_000)
        assert distances[1][1] > 18_000


def test_some_pqtl_rows_fail_the_filter_of_their_gene(con: duckdb.DuckDBPyConnection) -> None:
    n_kept, n_all = one(con, "select count(*) filter (pval <= 0.05 / num_tests), count(*) from qtl")
    assert isinstance(n_kept, int)
    assert isinstance(n_all, int)
    assert 0 < n_kept < n_all


def test_vep_records_name_the_build_of_the_demo(files: DemoFiles) -> None:
    builds = {json.loads(line)["assembly_name"] for line in files.vep.read_text().splitlines()}
    assert builds == {files.build}
