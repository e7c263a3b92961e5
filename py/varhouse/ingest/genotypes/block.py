"""What every genotype reader hands on: blocks of variants with what differs from the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.ingest.format import Issue, LoadOptions, SourceFile

DOSAGE_STEPS = 16384
"""Dosages are whole multiples of 1 / DOSAGE_STEPS, so that sums of them are exact."""

MISSING_CODE = -9
"""A missing call among the int8 codes of `block_from_codes`, as pgenlib has it."""

_BLOCK_ENTRIES = 1 << 22
_BLOCK_VARIANTS = 1 << 14


@dataclass(frozen=True, slots=True)
class Sites:
    """Variants of a block as the file writes them: one row per alternative allele.

    The rows of a record stand together. A reader gives every row of the file, those that nobody
    can use (``.``, ``*``, ``<DEL>`` as alternative allele) too: they are counted, never lost.

    Attributes
    ----------
    record
        1-based number of the record in the file.
    chrom, ref, alt
        As written.
    pos
        1-based; -1 where the file has no whole number.
    name
        What the file calls the variant, None where it does not; an rsID is found in it.
    """

    record: NDArray[np.int64]
    chrom: list[str]
    pos: NDArray[np.int64]
    ref: list[str]
    alt: list[str]
    name: list[str | None]

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[int, str, int, str, str, str | None]]) -> Sites:
        """Return rows that are given one by one; there is at least one."""
        record, chrom, pos, ref, alt, name = (list(column) for column in zip(*rows, strict=True))
        return cls(
            np.array(record, dtype=np.int64), chrom, np.array(pos, dtype=np.int64), ref, alt, name
        )

    def __len__(self) -> int:
        return len(self.chrom)

    def by_allele(self) -> Sites:
        """Return a row for each of the alternative alleles that stand between commas."""
        alleles = [text.split(",") for text in self.alt]
        n_alleles = np.array([len(each) for each in alleles])
        if (n_alleles == 1).all():
            return self
        rows = self.at(np.repeat(np.arange(len(self)), n_alleles).tolist())
        return replace(rows, alt=[allele for each in alleles for allele in each])

    def take(self, mask: NDArray[np.bool_]) -> Sites:
        """Return the rows where ``mask`` is true."""
        if mask.all():
            return self
        return self.at(np.flatnonzero(mask).tolist())

    def at(self, places: list[int]) -> Sites:
        """Return the rows at ``places``."""
        return Sites(
            self.record[places],
            [self.chrom[place] for place in places],
            self.pos[places],
            [self.ref[place] for place in places],
            [self.alt[place] for place in places],
            [self.name[place] for place in places],
        )

    def part(self, start: int, end: int) -> Sites:
        """Return the rows from ``start`` up to ``end``."""
        rows = slice(start, end)
        return Sites(
            self.record[rows],
            self.chrom[rows],
            self.pos[rows],
            self.ref[rows],
            self.alt[rows],
            self.name[rows],
        )

    def followed_by(self, other: Sites) -> Sites:
        """Return the rows and after them those of ``other``."""
        return Sites(
            np.concatenate((self.record, other.record)),
            self.chrom + other.chrom,
            np.concatenate((self.pos, other.pos)),
            self.ref + other.ref,
            self.alt + other.alt,
            self.name + other.name,
        )


@dataclass(frozen=True, slots=True)
class GenotypeBlock:
    """Variants and, sorted by variant, their calls that are not homozygous for the reference.

    Attributes
    ----------
    variant
        Place of the variant in ``sites``.
    sample
        Place of the sample among the samples that the reader keeps.
    dosage
        Copies of the alternative allele, whole multiples of 1 / `DOSAGE_STEPS`; NaN is missing.
    """

    sites: Sites
    variant: NDArray[np.int32]
    sample: NDArray[np.int32]
    dosage: NDArray[np.float32]

    def starts(self) -> NDArray[np.int64]:
        """Return where the calls of each variant begin, and where the last ones end."""
        return np.searchsorted(self.variant, np.arange(len(self.sites) + 1))


Wanted = Callable[[Sites], NDArray[np.bool_]]
"""Told every row of the file once, in its order; says which ones to decode and hand on.

There is one call for each block, right before the block; a block without rows may be left out.
"""


class GenotypeReader(Protocol):
    """An open genotype file.

    Attributes
    ----------
    samples
        Ids of the samples kept, in the order of the file.
    sex
        1 male, 2 female, None unknown, one for each of ``samples``.
    n_records
        Records of the file, None when that is not known before it is read.
    issues
        What is doubtful about the file as a whole; complete when ``blocks`` has ended.
    """

    samples: Sequence[str]
    sex: Sequence[int | None]
    n_records: int | None
    issues: list[Issue]

    def blocks(self, wanted: Wanted) -> Iterator[GenotypeBlock]:
        """Read the file from its start, a block of bounded size at a time.

        A block holds the rows of which ``wanted`` says so. Where the file is sorted, variants of
        one position stand in one block.

        Raises
        ------
        varhouse.errors.DataError
            The file is damaged or holds what cannot be stored; names file and record.
        """
        ...


OpenReader = Callable[
    [duckdb.DuckDBPyConnection, SourceFile, LoadOptions, frozenset[str] | None], GenotypeReader
]
"""Opens a file; the last argument has the ids of the samples to keep, None for all."""


def block_size(n_samples: int) -> int:
    """Return how many variants make a block: memory is bounded whatever the number of samples."""
    return max(1, min(_BLOCK_VARIANTS, _BLOCK_ENTRIES // max(1, n_samples)))


def kept_places(
    path: Path,
    samples: Sequence[str],
    keep: frozenset[str] | None,
    *,
    where: str = "row",
    first: int = 1,
) -> NDArray[np.int64]:
    """Return the places of the samples to keep; refuse ids that occur twice.

    Parameters
    ----------
    samples
        Ids of all samples of the file.
    keep
        Ids wanted; None for all.
    where, first
        What a place in ``samples`` is called in the message, and the number of the first.

    Raises
    ------
    varhouse.errors.DataError
        A sample id occurs twice, or none of the samples is to be kept.
    """
    seen: dict[str, int] = {}
    for place, sample in enumerate(samples, start=first):
        earlier = seen.setdefault(sample, place)
        if earlier != place:
            raise DataError(
                f"{path}: sample {sample} occurs in {where}s {earlier} and {place}. "
                "Sample ids must be unique: rename or remove one."
            )
    if not samples:
        raise DataError(f"{path}: no samples in the file, so no genotypes.")
    kept = [place for place, sample in enumerate(samples) if keep is None or sample in keep]
    if not kept:
        raise DataError(
            f"{path}: none of its {len(samples)} samples is in the --samples file. "
            "Wanted is an id a line, spelled alike."
        )
    return np.array(kept, dtype=np.int64)


def block_from_codes(sites: Sites, codes: NDArray[np.int8]) -> GenotypeBlock:
    """Make a block of hard calls.

    Parameters
    ----------
    codes
        Shape (len(sites), n_samples), C order: copies of the alternative allele, `MISSING_CODE`
        for missing.
    """
    variant, sample, values = _nonzero(codes)
    return GenotypeBlock(sites, variant, sample, _DOSAGE_OF_CODE[values.view(np.uint8)])


_DOSAGE_OF_CODE = np.arange(256, dtype=np.float32)
_DOSAGE_OF_CODE[MISSING_CODE & 0xFF] = np.nan


def block_from_dense(sites: Sites, dosages: NDArray[np.float32]) -> GenotypeBlock:
    """Make a block of dosages, rounded to whole multiples of 1 / `DOSAGE_STEPS`.

    Parameters
    ----------
    dosages
        Shape (len(sites), n_samples), C order: expected copies in [0, 2], NaN for missing.
    """
    steps = np.rint(dosages * np.float32(DOSAGE_STEPS))
    variant, sample, values = _nonzero(steps)
    return GenotypeBlock(sites, variant, sample, values * np.float32(1 / DOSAGE_STEPS))


_Value = TypeVar("_Value", np.int8, np.float32)


def _nonzero(
    matrix: NDArray[_Value],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[_Value]]:
    """Return row, column and value of what is not 0, row by row."""
    flat = np.flatnonzero(matrix != 0)
    n_rows, n_columns = matrix.shape
    ends = np.searchsorted(flat, np.arange(1, n_rows + 1) * n_columns)
    counts = np.diff(ends, prepend=0)
    row = np.repeat(np.arange(n_rows, dtype=np.int32), counts)
    column = flat.astype(np.int32)
    column -= row * np.int32(n_columns)
    return row, column, matrix.reshape(-1)[flat]
