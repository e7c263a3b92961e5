"""Figures of genes, loci and donors show what the tables hold, and no single person."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plot_house import BETAS, dosages, expressions

from varhouse.errors import DataError, UsageError
from varhouse.plot import burden_heatmap, expression, locus, volcano, weights
from varhouse.plot.expression import merge_classes
from varhouse.plot.gene_track import TrackGene, place_rows
from varhouse.plot.linkage import r2_with


def words(axes) -> str:
    return " ".join(text.get_text() for text in axes.texts)


def test_volcano_colours_discoveries_by_direction(house) -> None:
    axes = volcano(house, cell_type="B", weight="maf_beta")
    weak, up, down = (each.get_offsets() for each in axes.collections)
    # BH: 1e-400 and 1e-1.5 of 3 are below 5 % (3 / 2 x 0.0316 = 0.047)
    np.testing.assert_allclose(np.asarray(down), [(BETAS["AAA"], 400.0)])
    np.testing.assert_allclose(np.asarray(up), [(BETAS["BBB"], 1.5)])
    np.testing.assert_allclose(np.asarray(weak), [(BETAS["CCC"], 0.4)])
    assert "AAA" in words(axes)
    with pytest.raises(UsageError, match="cell_type: several are tested; name one: B, T"):
        volcano(house, weight="maf_beta")
    with pytest.raises(UsageError, match="has no effect"):
        volcano(house, test="skat", cell_type="B")


def test_burden_heatmap_by_cell_type_and_gene(house) -> None:
    axes = burden_heatmap(house, weight="maf_beta", top=3)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["AAA", "CCC", "BBB"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["B", "T"]
    np.testing.assert_allclose(
        np.asarray(axes.images[0].get_array()), [[400.0, 0.4, 1.5], [0.7, 6.5, 0.8]]
    )
    cells = {text.get_text() for text in axes.texts}
    # 0.05 over the 7 tests with a p-value is 10^-2.1
    assert {"400.0↓*", "6.5↑*", "1.5↑", "0.4", "0.7", "0.8"} <= cells
    only = burden_heatmap(house, weight="maf_beta", genes=["ddd"])
    assert np.ma.getmaskarray(only.images[0].get_array()).sum() == 0
    assert [text.get_text() for text in only.get_yticklabels()] == ["T"]


def test_r2_is_that_of_complete_pairs(house) -> None:
    copies = dosages()
    found = r2_with(house, "1_1000_A_G", "1", 1, 10_000)
    wanted = {}
    for k in range(4):
        both = ~np.isnan(copies[:, 0]) & ~np.isnan(copies[:, k])
        wanted[f"1_{1000 * (k + 1)}_A_G"] = np.corrcoef(copies[both, 0], copies[both, k])[0, 1] ** 2
    # the fifth variant does not vary
    assert found == pytest.approx(wanted, rel=1e-9)
    assert r2_with(house, "1_2500_A_T", "1", 1, 10_000) == {}


def test_locus_colours_by_r2_and_shows_genes_with_their_strand(house) -> None:
    axes = locus(house, gene="AAA", flank_bp=20_000)
    assert axes.get_title(loc="left") == "bmi: rs0 (1_1000_A_G)"
    assert "6 associations; r² with the lead from the genotypes of this warehouse for 4" in words(
        axes
    )
    by_label = {each.get_label(): len(each.get_offsets()) for each in axes.collections}
    assert by_label["lead"] == 1
    assert by_label["unknown"] == 2
    assert sum(by_label.values()) == 6
    (track,) = axes.child_axes
    assert [text.get_text() for text in track.texts] == ["AAA →"]
    wide = locus(house, "rs1", study="bmi", flank_bp=58_000)
    assert [text.get_text() for text in wide.child_axes[0].texts] == ["AAA →", "← BBB"]
    # in the study, but not in the variant index
    beyond = locus(house, "chr1:2500:A:T", flank_bp=1_200)
    assert "3 associations; no r²: the lead has no genotypes" in words(beyond)
    assert [text.get_text() for text in beyond.get_legend().get_texts()] == ["lead"]
    with pytest.raises(DataError, match="rs77: no loaded variant"):
        locus(house, "rs77")
    with pytest.raises(DataError, match="no association of a known variant in 1:49900-60100"):
        locus(house, gene="BBB", flank_bp=100)


@given(
    st.lists(
        st.tuples(st.integers(1, 9_000), st.integers(1, 2_000), st.integers(1, 12)), max_size=30
    )
)
def test_genes_of_a_row_do_not_overlap(spans) -> None:
    genes = [
        TrackGene(f"G{i}", "N" * length, start, start + size, 1)
        for i, (start, size, length) in enumerate(sorted(spans))
    ]
    rows = place_rows(genes, 1, 10_000)
    for row in rows:
        ends = sorted((gene.start, min(gene.end, 10_000)) for gene in row)
        assert all(left[1] < right[0] for left, right in itertools.pairwise(ends))
    kept = [gene for row in rows for gene in row]
    assert len(set(kept)) == len(kept) <= len(genes)
    assert len(rows) < 8 or len(kept) <= len(genes)


def test_expression_boxes_are_those_of_the_classes(house) -> None:
    axes = expression(house, "rs0", "AAA", "B", min_donors=5)
    lead, values = dosages()[:, 0], expressions()
    groups = [values[lead == copies] for copies in (0, 1, 2)]
    assert [text.get_text() for text in axes.get_xticklabels()] == [
        f"{copies} ({genotype})\nn = {len(group)}"
        for copies, genotype, group in zip((0, 1, 2), ("AA", "AG", "GG"), groups, strict=True)
    ]
    heights = sorted({y for line in axes.lines for y in line.get_ydata()})
    percentiles = [np.percentile(group, [5, 25, 50, 75, 95]) for group in groups]
    # the lines: whiskers with their caps, and medians; the boxes are patches
    np.testing.assert_allclose(heights, np.unique(np.concatenate(percentiles)))
    medians = [line.get_ydata()[0] for line in axes.lines if line.get_linewidth() == 1.6]
    np.testing.assert_allclose(medians, [group[2] for group in percentiles])


def test_small_classes_are_merged_or_not_drawn(house) -> None:
    lead = dosages()[:, 0]
    n = [int((lead == copies).sum()) for copies in (0, 1, 2)]
    assert n[2] < 20 <= n[1] + n[2]
    axes = expression(house, "rs0", "AAA", "B", min_donors=20)
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert f"1 or 2\nn = {n[1] + n[2]}" in labels
    axes = expression(house, "rs0", "AAA", "B", min_donors=n[0] + 1)
    assert len(axes.get_xticklabels()) == 1
    assert f"fewer than {n[0] + 1} donors not drawn" in words(axes)
    with pytest.raises(DataError, match="every class of genotypes has fewer than 100 donors"):
        expression(house, "rs0", "AAA", "B", min_donors=100)


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [
        ((20, 20, 20), [((0,), 20), ((1,), 20), ((2,), 20)]),
        ((20, 20, 3), [((0,), 20), ((1, 2), 23)]),
        ((20, 4, 3), [((0,), 20), ((1, 2), 7)]),
        ((20, 3, 12), [((0,), 20), ((1,), 3), ((2,), 12)]),
        ((4, 20, 0), [((0,), 4), ((1,), 20)]),
        ((0, 0, 20), [((2,), 20)]),
    ],
)
def test_merging_of_classes(sizes, merged) -> None:
    values = {copies: [0.0] * n for copies, n in enumerate(sizes) if n}
    found = merge_classes(values, 10)
    assert [(one.copies, len(one.values)) for one in found] == merged


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("rs0", "AAA", "NK"), "there is B"),
        (("1_2500_A_T", "AAA", "B"), "not in the variant index"),
        (("rs0", "CCC", "B"), "no genotyped donor has expression"),
        (("rs0", "ZZZ", "B"), "not in the gene index"),
    ],
)
def test_expression_of_what_is_not_there(house, arguments, told) -> None:
    with pytest.raises(DataError, match=told):
        expression(house, *arguments)


def test_weights_stand_at_their_variants_on_the_scale_of_their_row(house) -> None:
    axes = weights(house, "AAA")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["uniform", "maf_beta"]
    points = [line.get_xydata() for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points[0], [(9000, 2.8), (12000, 2.8), (30000, 2.8)])
    # one weight is negative: 0 is the middle of the row; one variant has none
    np.testing.assert_allclose(points[1], [(9000, 1.4 + 0.4), (12000, 1.4 - 0.1)])
    assert "max 20\n1 without" in words(axes)
    assert "TSS →" in words(axes)
    with pytest.raises(DataError, match="not tested in T; it was in B"):
        weights(house, "AAA", cell_type="T")
    with pytest.raises(DataError, match="BBB: was not tested"):
        weights(house, "BBB")
