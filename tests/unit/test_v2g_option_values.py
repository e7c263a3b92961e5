"""Options of the V2G score that a unit test of one model cannot show."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from tests.v2g import build, empty_warehouse

from varhouse.cli.model_options import cache_dir
from varhouse.errors import ProjectError
from varhouse.runner import load_project
from varhouse.settings import shipped_project_dir

POSITIONS = (100, 120, 250)


def variant(pos: int) -> str:
    return f"1_{pos}_A_T"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A gene and three variants."""
    with empty_warehouse() as opened:
        opened.execute(
            "insert into raw.genes (gene_id, chrom, start_pos, end_pos, strand, tss_pos, biotype, "
            "load_id) values ('G', '1', 1000, 2000, 1, 1000, 'protein_coding', 1)"
        )
        for i, pos in enumerate(POSITIONS):
            opened.execute(
                "insert into raw.variants (variant_idx, variant_id, chrom, pos, ref, alt, load_id) "
                "values (?, ?, '1', ?, 'A', 'T', 1)",
                [i, variant(pos), pos],
            )
        yield opened


def add_qtl(con: duckdb.DuckDBPyConnection, source: str, type_id: str, p_value: float) -> None:
    for pos in POSITIONS[:2]:
        con.execute(
            "insert into raw.qtl (chrom, pos, ref, alt, variant_id, gene_id, type_id, source_id, "
            "feature, p_value, load_id) values ('1', ?, 'A', 'T', ?, 'G', ?, ?, 'blood', ?, 1)",
            [pos, variant(pos), type_id, source, p_value],
        )


def source_scores(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, float]]:
    return con.execute(
        "select source_id, variant_id, score from v2g_source_scores order by all"
    ).fetchall()


@pytest.mark.parametrize(("population", "score"), [("evidence", 1.0), ("records", 0.5)])
def test_intervals_are_ranked_among_rows_or_among_themselves(
    con: duckdb.DuckDBPyConnection, population: str, score: float
) -> None:
    # two variants lie in the weakest interval, one in the next, none in the strongest
    for start, end, strength in ((1, 150, 1), (200, 300, 2), (400, 500, 3)):
        con.execute(
            "insert into raw.intervals (chrom, start_pos, end_pos, gene_id, type_id, source_id, "
            "feature, score, load_id) values ('1', ?, ?, 'G', 'interval', 'mine', 'blood', ?, 1)",
            [start, end, strength],
        )
    build(con, v2g_interval_population=population, v2g_distance=False)
    assert source_scores(con) == [
        ("mine", variant(100), 0.0),
        ("mine", variant(120), 0.0),
        ("mine", variant(250), score),
    ]


@pytest.mark.parametrize(("constant", "score"), [("method", 0.0), (0.3, 0.3)])
def test_a_group_of_equal_scores_has_a_quantile_of_its_own(
    con: duckdb.DuckDBPyConnection, constant: str | float, score: float
) -> None:
    add_qtl(con, "gtex_v7", "eqtl", 0.01)
    build(con, v2g_constant=constant, v2g_distance=False)
    assert source_scores(con) == [("gtex_v7", variant(pos), score) for pos in POSITIONS[:2]]


def test_a_source_without_weight_stops_the_build_or_is_dropped(
    con: duckdb.DuckDBPyConnection,
) -> None:
    add_qtl(con, "gtex_v7", "eqtl", 0.01)
    add_qtl(con, "unheard_of", "qtl", 0.01)
    with pytest.raises(AssertionError, match="v2g_source_weights"):
        build(con, v2g_distance=False)
    build(con, v2g_missing_weight="drop", v2g_distance=False)
    assert {row[0] for row in source_scores(con)} == {"gtex_v7"}


def test_weights_of_ones_own(con: duckdb.DuckDBPyConnection) -> None:
    add_qtl(con, "gtex_v7", "eqtl", 0.01)
    add_qtl(con, "unheard_of", "qtl", 0.01)
    con.execute(
        "insert into raw.source_weights values ('gtex_v7', 1, 1), ('unheard_of', 3, 1), "
        "('not_loaded', 4, 1)"
    )
    build(con, v2g_weights="loaded", v2g_constant=1.0, v2g_distance=False)
    found = con.execute("select distinct overall_score, denominator from v2g_scores").fetchall()
    assert found == [(0.5, 8.0)]


@pytest.mark.parametrize(("terms", "score"), [("all", 0.66), ("first", None)])
def test_all_terms_of_a_transcript_count_or_the_first(
    con: duckdb.DuckDBPyConnection, terms: str, score: float | None
) -> None:
    con.execute(
        "insert into raw.annotations (chrom, pos, ref, alt, variant_id, gene_id, "
        "consequence_terms, scores, rank, file_rank, load_id) values ('1', 100, 'A', 'T', ?, 'G', "
        "['intron_variant', 'missense_variant'], map {}, 1, 1, 1)",
        [variant(100)],
    )
    build(con, v2g_vep_terms=terms, v2g_distance=False)
    expected = [] if score is None else [("vep", variant(100), score)]
    assert source_scores(con) == expected


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("v2g_distance", "yes", "wanted one of: True, False"),
        ("v2g_source_alias", "eqtl", "wanted one of: True, False"),
        ("v2g_max_distance", "500 kb", "wanted a number from 0 to 300000000"),
        ("v2g_max_distance", -1, "wanted a number from 0 to 300000000"),
    ],
)
def test_a_value_that_an_option_cannot_take_is_refused(
    name: str, value: object, wanted: str
) -> None:
    with pytest.raises(ProjectError, match=f"{name} is '{value}', {wanted}"):
        load_project(shipped_project_dir(), vars={name: value}, cache_dir=cache_dir())


def test_the_profile_tells_which_options_are_not_the_default(
    con: duckdb.DuckDBPyConnection,
) -> None:
    build(con, select=["v2g_profile"], v2g_quantile="midrank", v2g_vep="raw")
    rows = con.execute("select option, value, is_default from v2g_profile").fetchall()
    assert ("vep", "raw", True) in rows
    assert [row for row in rows if not row[2]] == [("quantile", "midrank", False)]
