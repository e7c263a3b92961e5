"""Annotation files of the reference set: counts as stated beside them, and one table from four."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from load_inputs import load
from tests.v2g import empty_warehouse

from varhouse.errors import DataError

pytestmark = pytest.mark.shared

RUN = ("tab.txt.gz", "default_extra.txt.gz", "csq.vcf.gz", "json.gz")


def vep_file(shared_data: Path, name: str) -> Path:
    return shared_data / "formats" / "vep" / name


@pytest.mark.parametrize(
    ("name", "build", "n_rows", "n_variants"),
    [
        *((f"chr21_vep115.{name}", None, 14_592, None) for name in RUN),
        ("chr21_vep115.per_gene.tab.txt", None, 3_943, None),
        # named by rsID: VEP's location and allele, but no reference
        ("chr21_vep115.indels.tab.txt", None, 672, 200),
        ("hg00096_chr21_vep115.csq.vcf.gz", None, 807, 132),
        ("cellink_vep112_toy.txt", None, 7, 5),
        ("glow_loftee_csq.vcf", "GRCh37", 23, 1),
    ],
)
def test_rows_and_variants_of_each_file(
    con: duckdb.DuckDBPyConnection,
    shared_data: Path,
    name: str,
    build: str | None,
    n_rows: int,
    n_variants: int | None,
) -> None:
    (report,) = load(con, "annotations", vep_file(shared_data, name), build=build)
    assert (report.n_read, report.n_loaded, report.rejected) == (n_rows, n_rows, {})
    found = con.execute(
        "select count(*), count(distinct coalesce(variant_id, uploaded_id)) from annotations"
    ).fetchone()
    assert found is not None
    assert found[0] == n_rows
    assert n_variants in (None, found[1])


@pytest.fixture(scope="module")
def run_con(shared_data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Four outputs of one run of VEP, loads 1 to 4."""
    paths = [vep_file(shared_data, f"chr21_vep115.{name}") for name in RUN]
    with empty_warehouse() as con:
        load(con, "vep", *paths, build=None)
        yield con


def test_four_outputs_of_a_run_hold_the_same_rows(run_con: duckdb.DuckDBPyConnection) -> None:
    # the order of terms is not that of the other outputs in JSON, which lists rows by feature type
    # and holds the frequencies elsewhere
    rows = (
        "select * exclude (load_id, file_rank) replace (list_sort(consequence_terms) as "
        "consequence_terms, cast(map_from_entries(list_filter(map_entries(scores), "
        "lambda each: not ends_with(each.key, 'AF'))) as varchar) as scores) "
        "from raw.annotations where load_id = "
    )
    for load_id in (2, 3, 4):
        found = run_con.execute(
            f"select count(*) from (({rows} 1 except all {rows} {load_id}) union all "
            f"({rows} {load_id} except all {rows} 1))"
        ).fetchone()
        assert found == (0,), RUN[load_id - 1]


def test_counts_of_the_run(run_con: duckdb.DuckDBPyConnection) -> None:
    assert run_con.execute("""
        select distinct
            count(*) filter (feature_type = 'Transcript'),
            count(*) filter (feature_type = 'RegulatoryFeature'),
            count(*) filter (feature_type = 'MotifFeature'),
            count(*) filter (feature_type is null),
            count(sift_score),
            count(scores['DISTANCE']),
            count(distinct gene_id)
        from raw.annotations
        group by load_id
    """).fetchall() == [(13_326, 605, 299, 362, 674, 3_876, 8)]


def test_the_first_rank_is_what_vep_calls_most_severe(
    run_con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = vep_file(shared_data, "chr21_vep115.json.gz")
    # VEP names one term for a line, the worst over its alleles
    differing = run_con.execute(
        """
        with vep as (
            select json ->> '$.id' as name, json ->> '$.most_severe_consequence' as term
            from read_ndjson_objects(?)
        ),
        ours as (
            select coalesce(uploaded_id, variant_id) as name, list(consequence_terms) as terms
            from raw.annotations
            where rank = 1 and load_id = 4
            group by all
        )
        select count(*), count(*) filter (
            not list_contains(flatten(ours.terms), vep.term)
        )
        from vep
        left join ours on vep.name = ours.name
        """,
        [str(path)],
    ).fetchone()
    assert differing == (3_028, 0)


def bad_file(shared_data: Path, name: str) -> Path:
    return shared_data / "formats" / "bad" / name


def test_six_spellings_of_missing(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    (report,) = load(con, "annotations", bad_file(shared_data, "a01_dash_nan_mixed.tab.txt"))
    assert (report.n_loaded, report.rejected, report.notes) == (4, {}, {})
    assert con.execute(
        "select scores, sift_prediction, sift_score from raw.annotations order by pos"
    ).fetchall() == [
        ({"TSSDistance": 312.0}, None, None),
        ({}, "tolerated", 0.17),
        ({"CADD_RAW": -1.705125}, None, 0.03),
        ({}, None, None),
    ]


def test_a_ragged_vep_file(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    with pytest.raises(DataError, match=r"a04_ragged.*line 3: 3 columns found, 19 expected"):
        load(con, "annotations", bad_file(shared_data, "a04_ragged.tab.txt"))


def test_csq_without_a_header(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    path = bad_file(shared_data, "a07_csq_header_missing.vcf")
    with pytest.raises(DataError, match=r"INFO/CSQ not declared.*--csq-fields"):
        load(con, "annotations", path)
    fields = "Allele|Consequence|IMPACT|SYMBOL|Gene|Feature"
    (report,) = load(con, "annotations", path, csq_fields=fields)
    assert report.n_loaded == 1
    assert con.execute(
        "select variant_id, gene_id, transcript_id, consequence_terms from raw.annotations"
    ).fetchall() == [("22_100_A_C", "ENSG00000142192", "ENST1", ["missense_variant"])]


def test_a_pair_twice(con: duckdb.DuckDBPyConnection, shared_data: Path) -> None:
    (report,) = load(con, "annotations", bad_file(shared_data, "a13_same_pair_twice.tab.txt"))
    assert (report.n_loaded, report.rejected) == (2, {"duplicate_row": 1})
    assert con.execute(
        "select rank, file_rank, consequence_terms from raw.annotations order by rank"
    ).fetchall() == [(1, 2, ["missense_variant"]), (2, 1, ["downstream_gene_variant"])]
