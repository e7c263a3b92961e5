"""What v2g_warnings counts: one case of every kind, by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import duckdb
import pytest
from tests.v2g import add_locus, build, empty_warehouse

from varhouse.ask.reference import freeze_reference

MODELS = ["+v2g_warnings", "+v2g_cut_points"]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two variants, a gene that is scored and one that is known only."""
    with empty_warehouse() as opened:
        add_locus(opened, [100, 110])
        yield opened


def add_qtl(con: duckdb.DuckDBPyConnection, rows: list[tuple[str, int, str, float | None]]) -> None:
    """Rows of feature, position, gene and -log10 p."""
    con.executemany(
        "insert into raw.qtl (feature, pos, gene_id, neglog10_p, source_id, type_id, chrom, ref, "
        "alt, variant_id, load_id) "
        "values (?, ?, ?, ?, 'gtex_v7', 'eqtl', '1', 'A', 'T', '1_' || ? || '_A_T', 1)",
        [(*row, row[1]) for row in rows],
    )


def add_intervals(con: duckdb.DuckDBPyConnection, rows: list[tuple[str, str, float]]) -> None:
    con.executemany(
        "insert into raw.intervals (feature, gene_id, score, chrom, start_pos, end_pos, type_id, "
        "source_id, load_id) values (?, ?, ?, '1', 90, 120, 'interval', 'mine', 1)",
        rows,
    )


def warned(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str, int]]]:
    found = defaultdict(list)
    for code, *row in con.execute(
        "select code, source_id, feature, n from v2g_warnings order by all"
    ).fetchall():
        found[code].append(tuple(row))
    return dict(found)


def test_rows_that_find_no_place_are_counted(con: duckdb.DuckDBPyConnection) -> None:
    add_qtl(con, [("gut", 100, "G", 1), ("gut", 110, "G", 2), ("gut", 100, "PSEUDO", 3)])
    # a row may lack several things, and counts under each
    add_qtl(con, [("gut", 999, "G", 1), ("gut", 998, "NOBODY", 1), ("gut", 997, "NOBODY", None)])
    add_qtl(con, [("gut", 110, "G", float("nan")), ("skin", 999, "NOBODY", None)])
    add_intervals(con, [("liver", "G", 1), ("liver", "NOBODY", 2), ("liver", "NO", 2)])
    build(con, select=MODELS, v2g_distance=False, v2g_biotype="none")
    assert warned(con) == {
        "variant_not_in_index": [("gtex_v7", "gut", 3), ("gtex_v7", "skin", 1)],
        "gene_unknown": [("gtex_v7", "gut", 2), ("gtex_v7", "skin", 1), ("mine", "liver", 2)],
        "score_missing": [("gtex_v7", "gut", 2), ("gtex_v7", "skin", 1)],
        # one interval over two variants
        "constant_group": [("mine", "liver", 2)],
    }


def test_groups_that_tell_nothing_apart(con: duckdb.DuckDBPyConnection) -> None:
    add_qtl(con, [("gut", 100, "G", 1), ("gut", 110, "G", 2)])
    add_qtl(con, [("skin", 100, "G", 3), ("skin", 110, "G", 3), ("lung", 110, "G", 4)])
    expected = {
        "constant_group": [("gtex_v7", "skin", 2)],
        "single_row_group": [("gtex_v7", "lung", 1)],
    }
    build(con, select=MODELS, v2g_distance=False)
    assert warned(con) == expected
    freeze_reference(con, "itself")
    build(con, select=MODELS, v2g_distance=False, v2g_reference="itself")
    assert warned(con) == expected


@pytest.mark.parametrize(
    ("method", "n_tied", "is_told"),
    [
        # 1 of 21 rows above the lowest: 0.05 is rounded to 0.1, 1 of 22 to 0
        ("percent_rank", 20, False),
        ("percent_rank", 21, True),
        ("percent_rank_raw", 500, False),
        ("decile_ceil", 8, False),
        ("decile_ceil", 10, True),
        ("midrank", 500, False),
        ("sklearn10", 500, False),
    ],
)
def test_a_low_score_below_many_tied_ones_loses_its_quantile(
    con: duckdb.DuckDBPyConnection, method: str, n_tied: int, is_told: bool
) -> None:
    add_qtl(con, [("gut", 100, "G", 1), *[("gut", 110, "G", 9)] * n_tied])
    add_qtl(con, [("skin", 100, "G", 3), ("skin", 110, "G", 3)])
    expected = [("gtex_v7", "gut", n_tied + 1)] * is_told + [("gtex_v7", "skin", 2)]
    build(con, select=MODELS, v2g_distance=False, v2g_quantile=method)
    assert warned(con) == {"constant_group": expected}
    freeze_reference(con, "own")
    build(con, select=MODELS, v2g_distance=False, v2g_quantile=method, v2g_reference="own")
    assert warned(con) == {"constant_group": expected}


def test_consequences_that_the_map_does_not_know(con: duckdb.DuckDBPyConnection) -> None:
    for terms in (["made_up", "stop_gained"], ["made_up", "other"]):
        con.execute(
            "insert into raw.annotations (chrom, pos, ref, alt, variant_id, gene_id, "
            "consequence_terms, scores, rank, file_rank, load_id) "
            "values ('1', 100, 'A', 'T', '1_100_A_T', 'G', ?, map(), 1, 1, 1)",
            [terms],
        )
    con.execute(
        "insert into raw.evidence (chrom, pos, ref, alt, variant_id, gene_id, feature, type_id, "
        "source_id, load_id) "
        "values ('1', 110, 'A', 'T', '1_110_A_T', 'G', 'made_up', 'vep', 'vep', 1)"
    )
    build(con, select=MODELS, v2g_distance=False)
    assert warned(con) == {"consequence_unknown": [("vep", "made_up", 3), ("vep", "other", 1)]}


def test_groups_that_the_reference_does_not_hold(con: duckdb.DuckDBPyConnection) -> None:
    add_qtl(con, [("gut", 100, "G", 1), ("gut", 110, "G", 2)])
    build(con, select=MODELS, v2g_distance=False)
    assert warned(con) == {}
    freeze_reference(con, "gut_only")
    add_qtl(con, [("skin", 100, "G", 3), ("skin", 110, "G", 4)])
    build(con, select=MODELS, v2g_distance=False, v2g_reference="gut_only")
    assert warned(con) == {"group_not_in_reference": [("gtex_v7", "skin", 2)]}
