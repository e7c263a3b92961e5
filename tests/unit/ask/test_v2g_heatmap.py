"""The heatmap shows what the tables hold."""

from __future__ import annotations

import sys

import pytest

import varhouse
from varhouse.errors import DataError, UsageError
from varhouse.plot import v2g_heatmap

pytestmark = pytest.mark.usefixtures("closed_figures")


def test_rows_are_genes_and_columns_are_sources(con, tmp_path):
    axes = v2g_heatmap(con, "chr1:100:A:G")
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "1.  AAA",
        "2.  BBB",
        "3.  DUP",
    ]
    # heaviest source first
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "vep\n× 1",
        "eqtl\n× 0.66",
        "tss\n× 0.34",
    ]
    shown = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    # (column, row): AAA eqtl 0.5 and tss 1, BBB vep 0.66, DUP tss 0.5; nothing else
    del shown[1.0, 1.0]  # the heading of the overall scores
    assert shown == {(1, 0): "0.5", (2, 0): "1", (0, 1): "0.66", (2, 2): "0.5"}
    assert axes.get_title(loc="left") == "rs1 (1_100_A_G): genes by V2G score"
    axes.figure.savefig(tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 10_000


def test_it_draws_into_given_axes_and_shows_the_top_only(built_file):
    from matplotlib import pyplot

    _, wanted = pyplot.subplots()
    with varhouse.connect(built_file, threads=1) as house:
        axes = v2g_heatmap(house, "1_100_A_G", top=1, ax=wanted)
    assert axes is wanted
    assert len(axes.get_yticklabels()) == 1


def test_nothing_to_draw(con):
    with pytest.raises(DataError, match="why-missing"):
        v2g_heatmap(con, "1_900000_G_C")
    with pytest.raises(UsageError, match="at least 1"):
        v2g_heatmap(con, "1_100_A_G", top=0)


def test_without_matplotlib_it_says_what_to_install(con, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"varhouse\[viz\]"):
        v2g_heatmap(con, "1_100_A_G")
