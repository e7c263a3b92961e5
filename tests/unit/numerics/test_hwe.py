"""The exact Hardy-Weinberg test against a twin in fractions, and against published values."""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial, log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varhouse.numerics import hwe
from varhouse.numerics.hwe import hwe_test

TOLERANCE = 1e-12


def probabilities(n_hom_ref: int, n_het: int, n_hom_alt: int) -> dict[int, Fraction]:
    """Return P(heterozygotes | allele counts) from the definition, by counting arrangements."""
    n_donors = n_hom_ref + n_het + n_hom_alt
    n_alt = 2 * n_hom_alt + n_het
    arrangements = comb(2 * n_donors, n_alt)
    found = {}
    for het in range(n_alt % 2, min(n_alt, 2 * n_donors - n_alt) + 1, 2):
        hom_alt = (n_alt - het) // 2
        hom_ref = n_donors - het - hom_alt
        ways = factorial(n_donors) // (factorial(hom_ref) * factorial(het) * factorial(hom_alt))
        found[het] = Fraction(ways * 2**het, arrangements)
    return found


def twin(n_hom_ref: int, n_het: int, n_hom_alt: int) -> tuple[Fraction, Fraction]:
    terms = probabilities(n_hom_ref, n_het, n_hom_alt)
    assert sum(terms.values()) == 1
    observed = terms[n_het]
    p_value = sum((each for each in terms.values() if each <= observed), Fraction(0))
    ties = sum((each for each in terms.values() if each == observed), Fraction(0))
    return p_value, p_value - ties / 2


def assert_equal(genotypes: list[tuple[int, int, int]]) -> None:
    found = hwe_test(*np.array(genotypes).T)
    for row, each in enumerate(genotypes):
        p_value, mid_p_value = twin(*each)
        assert found.p_value[row] == pytest.approx(float(p_value), rel=TOLERANCE, abs=0), each
        assert found.mid_p_value[row] == pytest.approx(float(mid_p_value), rel=TOLERANCE, abs=0), (
            each
        )
        exact = log10(p_value.denominator) - log10(p_value.numerator)
        assert found.log10p[row] == pytest.approx(exact, rel=1e-12, abs=1e-12), each


def test_every_table_of_up_to_twelve_donors() -> None:
    assert_equal(
        [
            (hom_ref, het, n - hom_ref - het)
            for n in range(1, 13)
            for hom_ref in range(n + 1)
            for het in range(n - hom_ref + 1)
        ]
    )


def test_terms_that_differ_in_the_sixth_digit_are_no_ties() -> None:
    assert_equal([(83, 185, 70), (95, 202, 65), (112, 154, 89)])


def test_a_reach_that_is_too_short_is_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hwe, "_width", lambda least: np.full(least.shape, 4))
    # at most four steps of two heterozygotes from the most likely number, which is 200
    assert_equal([(98, 204, 98), (96, 208, 96), (104, 192, 104), (100, 200, 100), (3, 1, 0)])


counts = st.integers(0, 400)


@given(st.lists(st.tuples(counts, counts, counts).filter(any), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_equals_the_twin(genotypes: list[tuple[int, int, int]]) -> None:
    assert_equal(genotypes)


def test_published_mid_p_values() -> None:
    # the examples of hail 0.2's hardy_weinberg_test, which returns mid-p-values
    found = hwe_test([250, 37], [500, 200], [250, 85])
    assert found.mid_p_value == pytest.approx([0.9747844394217698, 1.1337210383168987e-06])


def test_a_million_donors() -> None:
    # p ** 2, 2pq, q ** 2 for q = 0.3, and 0, 1,000 and 20,000 heterozygotes too few
    genotypes = [(490_000 + d, 420_000 - 2 * d, 90_000 + d) for d in (0, 500, 10_000)]
    found = hwe_test(*np.array(genotypes).T)
    for row, each in enumerate(genotypes):
        exact = log_twin(*each)
        assert found.log10p[row] == pytest.approx(exact, rel=1e-12, abs=1e-12)
    assert found.p_value[1] == pytest.approx(10 ** -found.log10p[1], rel=1e-12, abs=0)


def log_twin(n_hom_ref: int, n_het: int, n_hom_alt: int) -> float:
    """Return -log10 p by walking the ratios as whole numbers, 200 bits behind the point."""
    n_minor, n_major = 2 * n_hom_alt + n_het, 2 * n_hom_ref + n_het
    bits = 200
    upwards, downwards = [1 << bits], [1 << bits]
    het = n_het
    while upwards[-1] and het < n_minor:
        a, b = (n_minor - het) // 2, (n_major - het) // 2
        upwards.append(upwards[-1] * 4 * a * b // ((het + 2) * (het + 1)))
        het += 2
    het = n_het
    while downwards[-1] and het > 1:
        a, b = (n_minor - het) // 2, (n_major - het) // 2
        downwards.append(downwards[-1] * het * (het - 1) // (4 * (a + 1) * (b + 1)))
        het -= 2
    terms = upwards[1:] + downwards
    tail = sum(each for each in terms if each <= 1 << bits)
    return log10(sum(terms)) - log10(tail)


@pytest.mark.parametrize(
    ("genotype", "expected"),
    [((10, 0, 0), (1.0, 0.5, 0.0)), ((0, 0, 7), (1.0, 0.5, 0.0)), ((9, 1, 0), (1.0, 0.5, 0.0))],
)
def test_one_possible_table(
    genotype: tuple[int, int, int], expected: tuple[float, float, float]
) -> None:
    found = hwe_test(*np.array([genotype]).T)
    assert (found.p_value[0], found.mid_p_value[0], found.log10p[0]) == expected


def test_no_donors_is_not_a_number() -> None:
    found = hwe_test([0, 5], [0, 5], [0, 5])
    assert np.isnan([each[0] for each in found]).all()
    assert not np.isnan([each[1] for each in found]).any()
    assert hwe_test([], [], []).p_value.shape == (0,)


def test_alleles_are_exchangeable() -> None:
    one, other = hwe_test([700], [30], [3]), hwe_test([3], [30], [700])
    assert one == other


def test_refuses_what_are_no_counts() -> None:
    with pytest.raises(ValueError, match="count -1, wanted 0 or more"):
        hwe_test([1], [-1], [1])
    with pytest.raises(ValueError, match=r"wanted \(n_variants,\)"):
        hwe_test(1, 2, 3)


@pytest.mark.parametrize("cells", [1 << 19, 1000])
def test_the_last_bit_does_not_depend_on_what_is_tested_beside(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hwe, "_CELLS", cells)
    chance = np.random.default_rng(7)
    genotypes = chance.multinomial(981, [0.6, 0.3, 0.1], size=300)
    genotypes[::3] = chance.multinomial(981, [0.98, 0.02, 0.0], size=100)
    together = np.array(hwe_test(*genotypes.T))
    alone = np.hstack([np.array(hwe_test(*each[:, None])) for each in genotypes])
    assert np.array_equal(together, alone)
