"""Combinations of V2G options, worked out by hand: the smallest cases of faults that were found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest
from tests.v2g import add_locus, build, empty_warehouse

from varhouse.ask.reference import freeze_reference
from varhouse.errors import ProjectError
from varhouse.ingest.variants import renumber

POSITIONS = (100, 110, 120, 130)


def variant(pos: int) -> str:
    return f"1_{pos}_A_T"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Four variants, a gene that is scored and a pseudogene."""
    with empty_warehouse() as opened:
        add_locus(opened, POSITIONS)
        yield opened


def add_intervals(
    con: duckdb.DuckDBPyConnection,
    rows: Sequence[tuple[int, int, str, float | None]],
    load_id: int = 1,
) -> None:
    con.executemany(
        "insert into raw.intervals (chrom, start_pos, end_pos, gene_id, type_id, source_id, "
        f"feature, score, load_id) values ('1', ?, ?, ?, 'interval', 'mine', 'gut', ?, {load_id})",
        rows,
    )


def add_qtl(con: duckdb.DuckDBPyConnection, rows: Sequence[tuple[str, str, int, float]]) -> None:
    """Rows of source, type, position and -log10 p."""
    con.executemany(
        "insert into raw.qtl (source_id, type_id, pos, neglog10_p, chrom, ref, alt, variant_id, "
        "gene_id, feature, load_id) "
        "values (?, ?, ?, ?, '1', 'A', 'T', '1_' || ? || '_A_T', 'G', 'gut', 1)",
        [(*row, row[2]) for row in rows],
    )


def scores(con: duckdb.DuckDBPyConnection, source: str) -> list[tuple[int, float]]:
    """Position and score of gene G in one source."""
    return con.execute(
        "select cast(split_part(variant_id, '_', 2) as integer), score from v2g_source_scores "
        "where source_id = ? and gene_id = 'G' order by all",
        [source],
    ).fetchall()


def build_scores(con: duckdb.DuckDBPyConnection, **options: Any) -> None:
    select = ["+v2g_scores", "+v2g_source_scores"]
    build(con, select=select, **{"v2g_distance": False, **options})


@pytest.mark.parametrize(("stage", "score"), [("before", 1.0), ("after", 0.5)])
def test_records_of_excluded_genes_are_ranked_only_where_genes_go_after(
    con: duckdb.DuckDBPyConnection, stage: str, score: float
) -> None:
    add_intervals(con, [(100, 100, "G", 2), (100, 100, "PSEUDO", 9), (900, 900, "G", 1)])
    build_scores(con, v2g_interval_population="records", v2g_biotype_stage=stage)
    assert scores(con, "mine") == [(100, score)]


def test_records_are_ranked_one_a_type_and_only_if_measured(
    con: duckdb.DuckDBPyConnection,
) -> None:
    add_intervals(con, [(100, 100, "G", 1), (900, 900, "G", 3)])
    con.execute("update raw.intervals set type_id = 'other'")
    # among 1, 2 and 3 the second is in the middle
    add_intervals(con, [(100, 100, "G", 2), (910, 910, "G", None), (920, 920, "G", math.nan)])
    build_scores(con, v2g_interval_population="records")
    assert scores(con, "mine") == [(100, 0.5)]


def test_intervals_that_hold_no_variant_are_in_a_frozen_reference_of_records(
    con: duckdb.DuckDBPyConnection,
) -> None:
    add_intervals(con, [(800, 800, "G", 1), (810, 810, "G", 2), (820, 820, "G", 3)])
    build(con, select=["+v2g_cut_points"], v2g_interval_population="records")
    freeze_reference(con, "elsewhere")
    con.execute("delete from raw.intervals")
    add_intervals(con, [(100, 100, "G", 2), (110, 110, "G", 2.5), (120, 120, "G", 4)])
    build_scores(con, v2g_interval_population="records", v2g_reference="elsewhere")
    assert scores(con, "mine") == [(100, 0.5), (110, 1.0), (120, 1.0)]


@pytest.mark.parametrize("falling", ["mine", ["mine"], ["mine", "mine"]])
def test_a_zero_that_means_missing_hides_no_score_of_another_file(
    con: duckdb.DuckDBPyConnection, falling: str | list[str]
) -> None:
    add_intervals(con, [(100, 100, "G", 0.0), (110, 110, "G", 0.9)])
    add_intervals(con, [(100, 100, "G", 0.1)], load_id=2)
    build_scores(con, v2g_interval_zero="drop", v2g_lower_is_better=falling)
    assert scores(con, "mine") == [(100, 1.0), (110, 0.0)]


@pytest.mark.parametrize("method", ["percent_rank", "percent_rank_raw", "sklearn10"])
def test_the_number_for_constant_groups_counts_under_every_method(
    con: duckdb.DuckDBPyConnection, method: str
) -> None:
    add_qtl(con, [("gtex_v7", "eqtl", 100, 3), ("gtex_v7", "eqtl", 110, 3)])
    build_scores(con, v2g_quantile=method, v2g_constant=0.3)
    assert scores(con, "gtex_v7") == [(100, 0.3), (110, 0.3)]


@pytest.mark.parametrize(
    ("constant", "tenth"), [(0, 0.0), (0.04, 0.0), (0.25, 0.3), (0.35, 0.4), (0.64, 0.6), (1, 1.0)]
)
def test_the_number_for_constant_groups_is_rounded_to_tenths(
    con: duckdb.DuckDBPyConnection, constant: float, tenth: float
) -> None:
    add_qtl(con, [("gtex_v7", "eqtl", 100, 3), ("gtex_v7", "eqtl", 110, 3)])
    build_scores(con, v2g_constant=constant)
    assert scores(con, "gtex_v7") == [(100, tenth), (110, tenth)]


@pytest.mark.parametrize("constant", [1.5, -0.1, "median", True])
def test_a_number_for_constant_groups_is_a_quantile(
    con: duckdb.DuckDBPyConnection, constant: Any
) -> None:
    with pytest.raises(ProjectError, match="wanted method or a number from 0 to 1"):
        build_scores(con, v2g_constant=constant)


def test_a_reference_of_one_row_tells_no_scores_apart(con: duckdb.DuckDBPyConnection) -> None:
    add_qtl(con, [("gtex_v7", "eqtl", 100, 3)])
    build_scores(con, v2g_quantile="sklearn10")
    freeze_reference(con, "one_row")
    con.execute("delete from raw.qtl")
    add_qtl(con, [("gtex_v7", "eqtl", pos, pos) for pos in POSITIONS])
    build_scores(con, v2g_quantile="sklearn10", v2g_reference="one_row")
    assert scores(con, "gtex_v7") == [(pos, 0.0) for pos in POSITIONS]


def test_warnings_of_groups_are_of_the_reference_that_ranks_them(
    con: duckdb.DuckDBPyConnection,
) -> None:
    def warned(**options: Any) -> list[tuple[str, str, int]]:
        build(con, select=["+v2g_warnings"], v2g_distance=False, **options)
        query = "select code, source_id, n from v2g_warnings order by all"
        return con.execute(query).fetchall()

    few = [("single", "eqtl", 100, 3), *(("equal", "eqtl", pos, 3) for pos in POSITIONS[:3])]
    many = [(source, "eqtl", pos, pos) for source in ("single", "equal") for pos in POSITIONS]
    of_few = [("constant_group", "equal", 3), ("single_row_group", "single", 1)]
    for name, rows, expected in (("few", few, of_few), ("many", many, [])):
        con.execute("delete from raw.qtl")
        add_qtl(con, rows)
        assert warned() == expected
        freeze_reference(con, name)
    assert warned(v2g_reference="few") == of_few
    con.execute("delete from raw.qtl")
    add_qtl(con, few)
    assert warned(v2g_reference="many") == []


def test_a_constant_group_of_nodes_is_told(con: duckdb.DuckDBPyConnection) -> None:
    # of twelve equal rows sklearn10 keeps ten equal nodes
    add_qtl(con, [("gtex_v7", "eqtl", pos, 3) for pos in POSITIONS] * 3)
    options: dict[str, Any] = {"v2g_distance": False, "v2g_quantile": "sklearn10"}
    build(con, select=["+v2g_cut_points"], **options)
    freeze_reference(con, "equal")
    build(con, select=["+v2g_warnings"], v2g_reference="equal", **options)
    found = con.execute("select code, source_id, n from v2g_warnings").fetchall()
    assert found == [("constant_group", "gtex_v7", 12)]


@pytest.mark.parametrize("method", ["percent_rank", "percent_rank_raw"])
@pytest.mark.parametrize("denominator", ["all", "present", "available"])
def test_where_nothing_weighs_anything_there_is_no_mean(
    con: duckdb.DuckDBPyConnection, denominator: str, method: str
) -> None:
    add_qtl(con, [("gtex_v7", "eqtl", pos, pos) for pos in POSITIONS])
    con.execute("insert into raw.source_weights values ('gtex_v7', 0, 1)")
    build_scores(con, v2g_weights="loaded", v2g_denominator=denominator, v2g_quantile=method)
    assert con.execute("select count(*) from v2g_source_scores").fetchone() == (4,)
    assert con.execute("select * from v2g_scores").fetchall() == []


def test_a_source_without_a_weight_is_named(con: duckdb.DuckDBPyConnection) -> None:
    add_qtl(con, [("own", "unheard_of", 100, 1), ("own", "unheard_of", 110, 2)])
    with pytest.raises(AssertionError, match="source_id=own, type_id=unheard_of"):
        build_scores(con)


def test_a_reference_that_is_not_stored_is_named(con: duckdb.DuckDBPyConnection) -> None:
    add_qtl(con, [("gtex_v7", "eqtl", 100, 3), ("gtex_v7", "eqtl", 110, 8)])
    with pytest.raises(AssertionError, match="reference_id=nowhere, wanted=percent_rank"):
        build_scores(con, v2g_reference="nowhere")


@pytest.mark.parametrize(
    ("options", "alike"),
    [
        ({"v2g_qtl": "one_minus_p"}, {"v2g_vep_map": "lut2019"}),
        ({"v2g_fantom": "neglog10_fdr"}, {"v2g_biotype": "none"}),
        ({"v2g_vep": "quantile", "v2g_vep_map": "lut2019"}, {"v2g_denominator": "present"}),
        (
            {"v2g_lower_is_better": ["own", "andersson2014"]},
            {"v2g_lower_is_better": ["andersson2014", "own"]},
        ),
    ],
)
def test_a_reference_holds_for_raw_scores_of_its_own_kind(
    con: duckdb.DuckDBPyConnection, options: dict[str, Any], alike: dict[str, Any]
) -> None:
    """Whatever changes no raw score, such as ``alike``, does not matter."""
    add_qtl(con, [("gtex_v7", "eqtl", 100, 3), ("gtex_v7", "eqtl", 110, 8)])
    build_scores(con)
    freeze_reference(con, "default")
    with pytest.raises(AssertionError, match="v2g_reference_is_stored"):
        build_scores(con, v2g_reference="default", **options)
    build_scores(con, **options)
    freeze_reference(con, "like_it")
    build_scores(con, v2g_reference="like_it", **(options | alike))
    assert scores(con, "gtex_v7") == [(100, 0.0), (110, 1.0)]


def test_rows_of_several_types_are_ranked_together(con: duckdb.DuckDBPyConnection) -> None:
    types = ("sqtl", "eqtl", "sqtl", "eqtl")
    add_qtl(con, [("study", kind, pos, pos) for kind, pos in zip(types, POSITIONS, strict=True)])
    build_scores(con, v2g_quantile="percent_rank_raw")
    found = scores(con, "study")
    assert [pos for pos, _ in found] == list(POSITIONS)
    assert [score for _, score in found] == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=1e-12)
    # eqtl comes before sqtl
    assert con.execute("select distinct weight from v2g_source_scores").fetchall() == [(0.66,)]
    types_found = con.execute("select type_id from v2g_evidence order by score").fetchall()
    assert types_found == [(kind,) for kind in types]


def test_equal_weights_are_of_any_type(con: duckdb.DuckDBPyConnection) -> None:
    add_qtl(con, [("own", "unheard_of", 100, 1), ("own", "unheard_of", 110, 2)])
    build_scores(con, v2g_weights="equal")
    found = con.execute("select overall_score, denominator from v2g_scores order by all").fetchall()
    assert found == [(0.0, 1.0), (1.0, 1.0)]


def test_thirds_that_add_up_alike_share_a_rank(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("update raw.genes set biotype = 'protein_coding'")
    # gene G is 0.66 x 1/3 by QTL, gene PSEUDO 0.33 x 2/3 by intervals
    add_qtl(
        con,
        [("gtex_v7", "eqtl", pos, x) for pos, x in zip(POSITIONS, (2, 1, 3, 4), strict=True)],
    )
    for pos, x in zip(POSITIONS, (3, 1, 2, 4), strict=True):
        add_intervals(con, [(pos, pos, "PSEUDO", x)])
    build_scores(con, v2g_quantile="percent_rank_raw")
    found = con.execute(
        "select gene_id, rank from v2g_scores where variant_id = ? order by all", [variant(100)]
    ).fetchall()
    assert found == [("G", 1), ("PSEUDO", 1)]


def test_scores_keep_their_variants_when_a_load_numbers_them_anew(
    con: duckdb.DuckDBPyConnection,
) -> None:
    add_intervals(con, [(100, 100, "G", 2), (120, 120, "G", 1)])
    results = {
        "v2g_scores": "variant_id, gene_id, overall_score, rank",
        "v2g_source_scores": "variant_id, gene_id, source_id, score",
        "v2g_evidence": "variant_id, gene_id, source_id, score, quantile",
    }
    build(con, select=[f"+{name}" for name in results])

    def read() -> list[list[tuple[Any, ...]]]:
        return [
            con.execute(f"select {columns} from {name} order by all").fetchall()
            for name, columns in results.items()
        ]

    before = read()
    assert all(before)
    con.execute(
        "insert into raw.variants (variant_idx, variant_id, chrom, pos, ref, alt, load_id) "
        "values (4, '1_50_A_T', '1', 50, 'A', 'T', 2)"
    )
    renumber(con)
    assert read() == before
    build(con, select=[f"+{name}" for name in results])
    assert {row[0] for row in read()[0]} == {row[0] for row in before[0]} | {"1_50_A_T"}
