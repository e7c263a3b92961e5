"""Warehouses of older versions: brought up to date, or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from varhouse.errors import DataError
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

OLD = """
    create schema raw;
    create table load_manifest (
        load_id integer primary key, kind varchar not null, file varchar not null,
        sha256 varchar not null, n_bytes bigint not null, format varchar not null,
        source_id varchar, genome_build varchar, n_read bigint not null, n_loaded bigint not null,
        n_rejected bigint not null, rejected map(varchar, bigint) not null,
        varhouse_version varchar not null, loaded_at timestamptz not null
    );
    create table raw.genes (
        gene_id varchar not null, gene_name varchar, biotype varchar not null, extra integer,
        chrom varchar not null, start_pos integer not null, end_pos integer not null,
        strand tinyint not null, tss_pos integer not null, load_id integer not null
    );
    insert into raw.genes values ('G1', 'one', 'lincRNA', 5, '1', 1, 2, 1, 1, 7);
    create view genes as select gene_id from raw.genes;
    create table raw.vep (variant_id varchar not null, gene_id varchar);
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file with NOT NULL biotypes, a narrow view, and raw.vep as an empty table."""
    path = tmp_path / "old.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(OLD)
    return path


def test_tables_and_views_of_an_older_version_are_brought_up_to_date(old: Path) -> None:
    with open_warehouse(Settings(database=old, threads=1)) as con:
        found = con.execute("select gene_id, gene_name, gene_version, biotype, tss_pos from genes")
        assert found.fetchall() == [("G1", "one", None, "lincRNA", 1)]
        con.execute(
            "insert into raw.genes (gene_id, chrom, start_pos, end_pos, strand, tss_pos, load_id) "
            "values ('G2', '1', 1, 2, 1, 1, 7)"
        )
        assert con.execute("select count(*) from raw.vep").fetchall() == [(0,)]
        tables = con.execute("select table_name from duckdb_tables()").fetchall()
        assert not [name for (name,) in tables if "before" in name]
    with open_warehouse(Settings(database=old, threads=1)) as con:
        assert con.execute("select count(*) from genes").fetchall() == [(2,)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("insert into raw.vep values ('1_2_A_C', 'G1')", r"raw\.vep has 1 rows"),
        ("alter table raw.genes drop column strand", r"raw\.genes has no column strand"),
        (
            "alter table raw.genes alter tss_pos type varchar; update raw.genes set tss_pos = 'x'",
            r"rows of raw\.genes do not fit",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_left_alone(old: Path, change: str, reason: str) -> None:
    with duckdb.connect(str(old)) as con:
        con.execute("drop view genes")
        con.execute(change)
        before = con.execute("from raw.genes").fetchall()
    with (
        pytest.raises(DataError, match=rf"old\.duckdb: made by an older varhouse.*{reason}.*--db"),
        open_warehouse(Settings(database=old, threads=1)),
    ):
        pass
    with duckdb.connect(str(old)) as con:
        assert con.execute("from raw.genes").fetchall() == before


def test_a_warehouse_that_is_up_to_date_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with open_warehouse(Settings(database=path, threads=1)) as con:
        con.execute("drop view as_ssf")
    with open_warehouse(Settings(database=path, threads=1)) as con:
        views = con.execute("select view_name from duckdb_views() where not internal").fetchall()
        assert ("as_ssf",) not in views
        con.execute("update schema_version set digest = ''")
    with open_warehouse(Settings(database=path, threads=1)) as con:
        assert con.execute("select count(*) from as_ssf").fetchall() == [(0,)]


NAMED = """
    create table raw.pseudobulk (
        cell_type varchar not null, gene_id varchar not null, donor_id varchar not null,
        sum double, mean double, n_cells integer, load_id integer not null
    );
    create table raw.pseudobulk_donors (
        cell_type varchar not null, donor_id varchar not null, n_cells integer,
        load_id integer not null
    );
    create table raw.pseudobulk_genes (
        gene_id varchar not null, has_sum boolean not null, load_id integer not null
    );
    -- load 1: cells, zeros left out; load 2: a further gene of one of their groups, by a table
    insert into raw.pseudobulk_donors values
        ('T', 'D1', 3, 1), ('B', 'D1', 2, 1), ('B', 'D2', 4, 1);
    insert into raw.pseudobulk_genes values ('G1', true, 1), ('G2', true, 1);
    insert into raw.pseudobulk values
        ('B', 'G1', 'D1', 5, 0.5, 2, 1), ('T', 'G2', 'D1', 7, 0.25, 3, 1),
        ('B', 'G3', 'D1', null, -1.5, null, 2);
    insert into raw.pseudobulk_donors values ('M', 'D1', null, 2);
    insert into raw.pseudobulk values ('M', 'G1', 'D1', null, 2.5, null, 2);
"""


def test_expression_by_name_becomes_expression_by_number(old: Path) -> None:
    with duckdb.connect(str(old)) as con:
        con.execute(NAMED)
    with open_warehouse(Settings(database=old, threads=1)) as con:
        assert con.execute("from pseudobulk order by all").fetchall() == [
            ("B", "G1", "D1", 5, 0.5, 2),
            ("B", "G1", "D2", 0, 0, 4),
            ("B", "G2", "D1", 0, 0, 2),
            ("B", "G2", "D2", 0, 0, 4),
            ("B", "G3", "D1", None, -1.5, None),
            ("M", "G1", "D1", None, 2.5, None),
            ("T", "G1", "D1", 0, 0, 3),
            ("T", "G2", "D1", 7, 0.25, 3),
        ]
        groups = con.execute(
            "select group_idx, cell_type, donor_id, load_id from raw.pseudobulk_donors order by all"
        ).fetchall()
        assert groups == [
            (0, "B", "D1", 1), (1, "B", "D2", 1), (2, "T", "D1", 1),
            (3, "B", "D1", 2), (4, "M", "D1", 2),
        ]  # fmt: skip
        tables = con.execute("select table_name from duckdb_tables()").fetchall()
        assert not [name for (name,) in tables if "before" in name]
