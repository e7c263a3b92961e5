"""The exact test of Hardy-Weinberg proportions [1]_, for many variants at once.

Given the allele counts, the number of heterozygotes has a known distribution. Its terms are
products of the ratios of neighbours, from the mode outwards, so no factorial is ever formed. Each
term is a fraction and a power of two: it neither underflows nor loses bits, however unlikely.

References
----------
.. [1] Wigginton, Cutler & Abecasis (2005), Am. J. Hum. Genet. 76:887, doi:10.1086/429864.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Terms that agree to this are taken as equal; rounding stays two decades below it.
_TIE = 1e-11
# What is left out at either end, relative to the term of the observed count.
_LEFT_OUT = 2.0**-56
# Ratios that are multiplied before the product is split: one is at least about n ** -2.
_STRIDE = 16
_CELLS = 1 << 19


class HardyWeinbergTest(NamedTuple):
    """Result of `hwe_test`, arrays of equal length.

    Attributes
    ----------
    p_value
        Probability of a number of heterozygotes that is at most as likely as the observed one.
    mid_p_value
        The same, numbers exactly as likely as the observed one taken at half their weight.
    log10p
        -log10 of ``p_value``, finite where ``p_value`` underflows to 0.
    """

    p_value: Floats
    mid_p_value: Floats
    log10p: Floats


def hwe_test(n_hom_ref: ArrayLike, n_het: ArrayLike, n_hom_alt: ArrayLike) -> HardyWeinbergTest:
    """Test genotype counts for Hardy-Weinberg proportions, exactly.

    Parameters
    ----------
    n_hom_ref, n_het, n_hom_alt
        Numbers of donors of each genotype, shape (n_variants,). The alleles are exchangeable.

    Returns
    -------
    HardyWeinbergTest
        NaN for a variant without donors; 1, 1/2 and 0 for one with a single allele.

    Raises
    ------
    ValueError
        A negative count, or arrays that are not of one and the same length.

    Examples
    --------
    >>> test = hwe_test([57], [14], [50])
    >>> float(test.p_value[0]) < 1e-15
    True
    """
    counts = np.stack(
        [np.asarray(each, dtype=np.int64) for each in (n_hom_ref, n_het, n_hom_alt)], axis=-1
    )
    if counts.ndim != 2:
        raise ValueError(f"genotype counts have shape {counts.shape[:-1]}, wanted (n_variants,)")
    if counts.size and counts.min() < 0:
        raise ValueError(f"genotype count {counts.min()}, wanted 0 or more")
    # The test does not tell the alleles apart, and rare variants share few sets of counts.
    counts[:, [0, 2]] = np.sort(counts[:, [0, 2]], axis=1)
    distinct, back = np.unique(counts, axis=0, return_inverse=True)
    found = np.full((3, len(distinct)), np.nan)
    is_called = distinct.sum(axis=1) > 0
    found[:, is_called] = _test(_Counts.of_genotypes(distinct[is_called]))
    return HardyWeinbergTest(*found[:, back.reshape(-1)])


class _Counts(NamedTuple):
    """Variants as the distribution sees them, one element each."""

    n_minor: Integers
    n_major: Integers
    n_het: Integers
    mode: Integers

    @classmethod
    def of_genotypes(cls, genotypes: Integers) -> _Counts:
        """Take rows of (rarer homozygotes, heterozygotes, other homozygotes)."""
        n_minor, n_major = (2 * genotypes[:, [0, 2]] + genotypes[:, [1]]).T
        # near the most likely number, of the parity that the allele counts ask for
        mode = np.floor(n_minor * (n_major / (n_minor + n_major))).astype(np.int64)
        mode += (mode ^ n_minor) & 1
        return cls(n_minor, n_major, genotypes[:, 1], np.minimum(mode, n_minor))

    def rows(self, rows: Integers) -> _Counts:
        return _Counts(*(each[rows] for each in self))


def _test(counts: _Counts) -> Floats:
    """Return the three results, one row each."""
    found = np.empty((3, len(counts.n_het)))
    # nine standard deviations, in steps of two heterozygotes
    spread = counts.n_minor * (counts.n_major / (counts.n_minor + counts.n_major) ** 1.5)
    reach = _width(np.abs(counts.n_het - counts.mode) // 2 + np.ceil(9 * spread) + 20)
    waiting = np.arange(len(counts.n_het))
    while len(waiting):
        again = [np.empty(0, dtype=np.int64)]
        for width in np.unique(reach[waiting]):
            rows = waiting[reach[waiting] == width]
            for batch in np.array_split(rows, -(-len(rows) * width // _CELLS)):
                found[:, batch], is_complete = _sum_terms(counts.rows(batch), int(width))
                again.append(batch[~is_complete])
        waiting = np.concatenate(again)
        reach[waiting] *= 2
    return found


def _width(least: Floats) -> Integers:
    """Return the next of 32, 48, 64, 96, 128, ...

    Variants are batched by it: sums then have the same terms in the same order, and the same last
    bit, whatever else is tested beside them.
    """
    power = np.exp2(np.ceil(np.log2(np.maximum(least, 32.0))))
    return np.where(least <= 0.75 * power, 0.75 * power, power).astype(np.int64)


def _sum_terms(counts: _Counts, width: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Sum the distribution over ``width`` terms either side of the mode.

    Returns the results, and for which variants the terms beyond are too small to count.
    """
    n_rows = len(counts.n_het)
    fraction = np.ones((n_rows, 2 * width + 1))
    exponent = np.zeros((n_rows, 2 * width + 1), dtype=np.int32)
    last_ratios = []
    for side, direction in enumerate((1, -1)):
        ratios = _ratios(counts, width, direction)
        last_ratios.append(ratios[:, -1])
        columns = slice(1 + side * width, 1 + (side + 1) * width)
        _multiply(ratios, fraction[:, columns], exponent[:, columns])
    offset = (counts.n_het - counts.mode) // 2
    observed = (np.arange(n_rows), np.where(offset >= 0, offset, width - offset))
    total = np.ldexp(fraction, exponent).sum(axis=1)
    shift = np.clip(exponent - exponent[observed][:, None], -1100, 1000)
    relative = np.ldexp(fraction / fraction[observed][:, None], shift)

    is_complete = np.ones(n_rows, dtype=bool)
    for side, ratio in enumerate(last_ratios):
        # terms fall ever faster, so that a geometric series bounds the rest
        rest = relative[:, (side + 1) * width] * ratio
        is_complete &= (rest == 0) | ((ratio < 1) & (rest <= _LEFT_OUT * (1 - ratio)))

    tail = np.where(relative <= 1 + _TIE, relative, 0.0).sum(axis=1)
    ties = np.count_nonzero(np.abs(relative - 1) <= _TIE, axis=1)
    scale = fraction[observed] / total
    power = exponent[observed]
    p_value = np.minimum(np.ldexp(tail * scale, power), 1.0)
    mid_p_value = np.minimum(np.ldexp((tail - ties / 2) * scale, power), 1.0)
    log10p = np.maximum(-(np.log10(tail * scale) + power * np.log10(2.0)), 0.0)
    return np.stack([p_value, mid_p_value, log10p]), is_complete


def _ratios(counts: _Counts, width: int, direction: int) -> Floats:
    """Return each term over the one before it, going from the mode up or down; 0 past the end."""
    n_het: Floats = counts.mode[:, None] + 2.0 * direction * np.arange(width)
    minor, major = (np.maximum((each[:, None] - n_het) / 2, 0.0) for each in counts[:2])
    ratios: Floats
    if direction > 0:
        ratios = 4 * minor * major / ((n_het + 2) * (n_het + 1))
    else:
        n_het = np.maximum(n_het, 0.0)
        ratios = n_het * (n_het - 1) / (4 * (minor + 1) * (major + 1))
    return ratios


def _multiply(ratios: Floats, fraction: Floats, exponent: NDArray[np.int32]) -> None:
    """Write the running products of each row as ``fraction * 2 ** exponent``."""
    carried = (np.ones(len(ratios)), np.zeros(len(ratios), dtype=np.int32))
    for start in range(0, ratios.shape[1], _STRIDE):
        columns = slice(start, start + _STRIDE)
        products = np.cumprod(ratios[:, columns], axis=1) * carried[0][:, None]
        fraction[:, columns], exponent[:, columns] = np.frexp(products)
        exponent[:, columns] += carried[1][:, None]
        carried = (fraction[:, columns][:, -1], exponent[:, columns][:, -1])
