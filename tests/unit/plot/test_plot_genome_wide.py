"""Manhattan and QQ figures against plain numpy over all points."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot
from plot_house import fill
from scipy import stats
from tests.v2g import empty_warehouse

from varhouse.errors import DataError, UsageError
from varhouse.plot import locus, manhattan, qq
from varhouse.plot.canvas import BLUE, SKY
from varhouse.plot.genome import GenomeAxis
from varhouse.plot.qq import null_band


def drawn(axes) -> np.ndarray:
    """Return all points of the scatters."""
    return np.vstack([each.get_offsets() for each in axes.collections if len(each.get_offsets())])


def note(axes) -> str:
    return " ".join(text.get_text() for text in axes.texts)


@pytest.fixture(scope="module")
def gwas():
    """Return a warehouse of 40,000 associations on two chromosomes, and their values."""
    rng = np.random.default_rng(5)
    n = 40_000
    chrom = rng.choice(["1", "2"], n)
    pos = rng.integers(1, 3_000_000, n)
    log10p = -np.log10(rng.uniform(size=n))
    log10p[:3] = 350.0, 9.0, 8.0  # 1e-350 is no double
    pos[:3], chrom[:3] = (1_000_000, 1_000_400, 2_900_000), ("1", "1", "2")
    with empty_warehouse() as con:
        con.execute("create temp table points (chrom varchar, pos integer, log10p double)")
        con.executemany(
            "insert into points select unnest(?::varchar[]), unnest(?::integer[]), "
            "unnest(?::double[])",
            [[chrom.tolist(), pos.tolist(), log10p.tolist()]],
        )
        con.execute(
            "insert into raw.sumstats (study_id, variant_id, chrom, pos, ref, alt, rsid, log10p, "
            "test, alleles_from, load_id) select 'bmi', chrom || '_' || pos || '_A_G', chrom, "
            "pos, 'A', 'G', case when log10p > 7.5 then 'rs' || pos end, log10p, 'ADD', 'file', 1 "
            "from points union all "
            # another test of a variant is no further variant
            "select 'bmi', '1_9_A_G', '1', 9, 'A', 'G', null, 500.0, 'GENO_2DF', 'file', 1"
        )
        yield con, chrom, pos, log10p


def test_every_variant_has_a_drawn_one_within_a_cell_of_the_grid(gwas) -> None:
    con, chrom, pos, log10p = gwas
    axes = manhattan(con, study="bmi")
    points = drawn(axes)
    assert len(points) < 12_000
    assert f"40,000 variants ({len(points):,} drawn" in note(axes)
    genome = GenomeAxis({name: (1, int(pos[chrom == name].max())) for name in ("1", "2")})
    x = np.array([genome.x(*each) for each in zip(chrom, pos, strict=True)])
    cell = np.array([6_000_000 / 2000, 350.0 / 600])
    everything = np.column_stack([x, log10p])
    # exact where it matters, within a cell elsewhere
    for at, value in zip(x[:3], log10p[:3], strict=True):
        assert np.abs(points - (at, value)).sum(axis=1).min() == 0
    for point in everything[:: len(everything) // 500]:
        assert (np.abs(points - point) <= cell).all(axis=1).any()
    # and nothing is drawn where there is no variant
    for point in points[:: len(points) // 500]:
        assert (np.abs(everything - point) <= cell).all(axis=1).any()


def test_a_study_of_several_traits_says_so_and_has_one_lead() -> None:
    with empty_warehouse() as con:
        con.execute(
            "insert into raw.sumstats (study_id, variant_id, chrom, pos, ref, alt, trait_id, "
            "log10p, test, alleles_from, load_id) "
            "select 'eqtl', '1_' || pos || '_A_G', '1', pos, 'A', 'G', trait, height, 'ADD', "
            "'file', 1 from (values (1000, 'g1', 9.0), (1000, 'g2', 3.0), (1500, 'g1', 1.0)) "
            "as t (pos, trait, height)"
        )
        assert "3 associations of 2 traits (all drawn)" in note(manhattan(con, study="eqtl"))
        assert "2 variants (all drawn)" in note(manhattan(con, study="eqtl", trait="g1"))
        axes = locus(con, study="eqtl", flank_bp=1_000)
        assert "3 associations (a study of 2 traits)" in note(axes)
        leads = next(each for each in axes.collections if each.get_label() == "lead")
        assert leads.get_offsets().tolist() == [[1000.0, 9.0]]
        assert "2 associations;" in note(locus(con, study="eqtl", trait="g1", flank_bp=1_000))


def test_a_single_position_stands_in_the_middle_of_a_kilobase() -> None:
    _, axes = pyplot.subplots()
    GenomeAxis({"21": (25_596_586, 25_596_586)}).draw(axes)
    assert axes.get_xlim() == (25_596_086, 25_597_086)
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert len(set(labels)) == len(labels) > 1


def test_peaks_are_named_once_a_locus(gwas) -> None:
    axes = manhattan(gwas[0], study="bmi")
    names = [text.get_text() for text in axes.texts if text.get_text().startswith("rs")]
    assert names == ["rs1000000", "rs2900000"]


def test_ranks_expected_and_lambda_are_those_of_sorting_all(gwas) -> None:
    con, _, _, log10p = gwas
    axes = qq(con, study="bmi")
    line = next(each for each in axes.lines if "lambda" in str(each.get_label()))
    ordered = np.sort(log10p)[::-1]
    expected = -np.log10(np.arange(1, ordered.size + 1) / (ordered.size + 1))
    x, y = np.array(line.get_xdata()), np.array(line.get_ydata())
    assert 300 < x.size < 3000
    place = np.searchsorted(-expected, -x - 1e-12)
    np.testing.assert_allclose(x, expected[place], rtol=1e-12)
    np.testing.assert_array_equal(y, ordered[place])
    assert y[0] == 350.0
    chi2 = stats.chi2.isf(10.0**-log10p, 1)
    lambda_gc = np.median(chi2) / stats.chi2.ppf(0.5, 1)
    assert f"= {lambda_gc:.3f}" in str(line.get_label())


def test_the_band_holds_95_percent_of_uniform_values() -> None:
    rng = np.random.default_rng(2)
    values = -np.log10(np.sort(rng.uniform(size=(20_000, 12)), axis=1))
    low, high = null_band(np.arange(1.0, 13.0), 12)
    inside = ((values >= low) & (values <= high)).mean(axis=0)
    # three standard errors of a share of 20,000
    np.testing.assert_allclose(inside, 0.95, atol=3 * np.sqrt(0.95 * 0.05 / 20_000))


def test_genes_lie_at_their_middle_and_strong_ones_are_named(house) -> None:
    axes = manhattan(house, test="burden", weight="maf_beta", cell_type="T")
    genome = GenomeAxis({"1": (1, 55_000), "2": (1, 5_500), "X": (1, 1_400)})
    wanted = [("1", 15_000, 0.7), ("1", 55_000, 0.8), ("2", 5_500, 6.5), ("X", 1_400, 0.2)]
    np.testing.assert_allclose(drawn(axes), [(genome.x(chrom, pos), y) for chrom, pos, y in wanted])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "2", "X"]
    (threshold,) = {line.get_ydata()[0] for line in axes.lines}
    assert threshold == pytest.approx(-np.log10(0.05 / 4))
    assert "CCC" in note(axes)
    assert "AAA" not in note(axes)
    assert "burden, maf_beta, MAF < 0.05" in note(axes)
    assert (genome.colour_of("1"), genome.colour_of("2")) == (BLUE, SKY)


def test_all_cell_types_are_told_apart_and_p_below_the_doubles_is_drawn(house) -> None:
    axes = manhattan(house)
    assert len(drawn(axes)) == 7
    assert drawn(axes)[:, 1].max() == 400
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["B", "T"]


def test_nine_cell_types_have_nine_looks_and_whole_names() -> None:
    names = ["_unassigned", "$T$", "effector memory CD8-positive, alpha-beta T cell", *"abcdef"]
    with empty_warehouse() as con:
        fill(con)
        con.execute(
            "insert into rvat_omnibus select unnest(?), gene_id, gene_name, p_value, log10p, "
            "q_value, best_test, n_tests, status from rvat_omnibus where cell_type = 'B'",
            [names],
        )
        con.execute("delete from rvat_omnibus where cell_type in ('B', 'T')")
        axes = manhattan(con)
    handles, labels = axes.get_legend_handles_labels()
    shown = sorted(" ".join(label.split()).replace("\\$", "$") for label in labels)
    assert shown == sorted(names)
    assert max(len(line) for label in labels for line in label.splitlines()) <= 32
    looks = {
        (tuple(each.get_facecolor()[0]), len(each.get_paths()[0].vertices)) for each in handles
    }
    assert len(looks) == 9


def test_qq_by_cell_type_and_by_test(house) -> None:
    def names(axes) -> list[str]:
        return [text.get_text().partition(":")[0] for text in axes.get_legend().get_texts()]

    assert names(qq(house)) == ["B", "T"]
    assert names(qq(house, by="test", cell_type="B")) == [
        "burden maf_beta maf<0.05", "burden uniform maf<0.05", "omnibus", "skat maf_beta maf<0.05",
    ]  # fmt: skip


def test_given_axes_are_drawn_into(house) -> None:
    from matplotlib import pyplot

    _, (left, right) = pyplot.subplots(1, 2)
    assert manhattan(house, ax=left) is left
    assert qq(house, ax=right) is right


@pytest.mark.parametrize(
    ("draw", "error", "words"),
    [
        (lambda con: manhattan(con, test="burden"), UsageError, "weight; name one: maf_beta, unif"),
        (lambda con: manhattan(con, study="bmi", test="skat"), UsageError, "name one kind"),
        (lambda con: manhattan(con, study="height"), DataError, "not loaded; there is bmi"),
        (lambda con: manhattan(con, trait="IL6"), DataError, "no row .* for the trait 'IL6'"),
        (lambda con: manhattan(con, cell_type="NK"), DataError, "cell_type 'NK'.*there is B, T"),
        (lambda con: qq(con, by="test"), UsageError, "in which cell type.*B, T"),
        (lambda con: qq(con, test="acat"), DataError, "test 'acat'.*burden, omnibus, skat"),
    ],
)
def test_a_missing_or_wrong_choice_says_what_there_is(house, draw, error, words) -> None:
    with pytest.raises(error, match=words):
        draw(house)


def test_before_anything_is_built_or_loaded() -> None:
    with empty_warehouse() as con:
        with pytest.raises(DataError, match="varhouse build"):
            manhattan(con)
        with pytest.raises(DataError, match="varhouse load sumstats"):
            qq(con, study="bmi")
