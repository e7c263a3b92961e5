"""The list of sources of a pair, for more sources than one integer holds."""

from __future__ import annotations

from typing import Any

import pytest
from tests.v2g import build, empty_warehouse

N_SOURCES = 20
SOURCES = [f"study_{n:02}" for n in range(N_SOURCES)]


def fill(con: Any) -> None:
    """Two variants and two genes; source n ranks (variant, gene) pairs by a number of its own."""
    con.executemany(
        "insert into raw.variants values (?, ?, '1', ?, 'A', 'C', null, 1, null)",
        [(v, f"1_{v + 1}_A_C", v + 1) for v in range(2)],
    )
    con.executemany(
        """
        insert into raw.genes
        values (?, null, ?, '1', 1, 9, 1, 1, null, 'protein_coding', null, 1)
        """,
        [(f"ENSG{g}", f"G{g}") for g in range(2)],
    )
    con.executemany(
        """
        insert into raw.qtl
        values ('1', ?, 'A', 'C', ?, null, ?, 'eqtl', ?, 'f', null, null, null, ?, 3)
        """,
        [
            (v + 1, f"1_{v + 1}_A_C", f"ENSG{g}", source, (v + 2 * g + n) % 4)
            for n, source in enumerate(SOURCES)
            for v in range(2)
            for g in range(2)
        ],
    )


@pytest.mark.parametrize("method", ["percent_rank", "percent_rank_raw"])
def test_twenty_sources_are_listed_with_their_scores(method: str) -> None:
    with empty_warehouse() as con:
        fill(con)
        build(con, v2g_quantile=method, v2g_distance=False, v2g_source_lanes=5)
        found = con.sql("select variant_id, gene_id, n_sources, sources from v2g_scores").fetchall()
    # four distinct scores a group: percent ranks 0, 1/3, 2/3 and 1, or their tenths
    values = [0.0, 0.3, 0.7, 1.0] if method == "percent_rank" else [0.0, 1 / 3, 2 / 3, 1.0]
    assert len(found) == 4
    for variant, gene, n_sources, sources in found:
        v, g = int(variant.split("_")[1]) - 1, int(gene[4:])
        assert n_sources == N_SOURCES
        assert [item["source_id"] for item in sources] == SOURCES
        expected = [values[(v + 2 * g + n) % 4] for n in range(N_SOURCES)]
        assert [item["score"] for item in sources] == pytest.approx(expected, abs=1e-12)
        assert {item["weight"] for item in sources} == {0.66}


def test_too_many_sources_stop_the_build() -> None:
    with empty_warehouse() as con:
        fill(con)
        with pytest.raises(AssertionError, match="v2g_sources_fit_their_lanes"):
            build(con, v2g_distance=False)
