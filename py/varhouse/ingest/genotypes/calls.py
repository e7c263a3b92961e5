"""Calls as pairs of allele numbers, and the copies of each alternative allele in them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.ingest.format import Issue
from varhouse.ingest.genotypes.block import MISSING_CODE, Sites

NO_CALL = -1
"""Allele number of ``.``."""

NO_ALLELE = -2
"""In the place of the second allele of a haploid call."""

MAX_ALLELE = 126
"""Highest allele number that is read."""

_TOLERANCE = 1e-3
_MAX_DOSAGE = 2.0


def allele_numbers(sites: Sites) -> NDArray[np.int64]:
    """Return for each row which alternative allele of its record it is, from 1.

    The rows of a record stand together and are all there.
    """
    first = np.searchsorted(sites.record, sites.record)
    return np.arange(1, len(sites) + 1) - first


def copies(
    first: NDArray[np.int8],
    second: NDArray[np.int8],
    place: NDArray[np.int64],
    allele: NDArray[np.int64],
    half_call: Literal["missing", "reference", "haploid"],
) -> NDArray[np.int8]:
    """Count the copies of one allele for each row.

    Parameters
    ----------
    first, second
        Shape (n_records, n_samples): allele numbers, `NO_CALL`, and `NO_ALLELE` in ``second``.
    place
        Record of each row, as a place in ``first``.
    allele
        Alternative allele of each row.
    half_call
        Whether ``./1`` is missing. Otherwise the allele that is there is counted: that the other
        is the reference, or is not there at all, makes no difference to the copies.

    Returns
    -------
    numpy.ndarray
        Shape (n_rows, n_samples), `MISSING_CODE` for missing.
    """
    if half_call == "missing":
        is_missing = (first == NO_CALL) | (second == NO_CALL)
    else:
        is_missing = (first < 0) & (second < 0)
    if len(place) != len(first) or (place != np.arange(len(first))).any():
        first, second, is_missing = first[place], second[place], is_missing[place]
    wanted = allele.astype(np.int8)[:, None]
    counted: NDArray[np.int8] = (first == wanted).view(np.int8) + (second == wanted).view(np.int8)
    np.copyto(counted, np.int8(MISSING_CODE), where=is_missing)
    return counted


def check_alleles(
    path: Path,
    records: NDArray[np.int64],
    n_alleles: NDArray[np.int64],
    first: NDArray[np.int8],
    second: NDArray[np.int8],
) -> None:
    """Refuse calls of alleles that their record does not have.

    Raises
    ------
    DataError
        Names the first record.
    """
    highest = np.maximum(first.max(axis=1), second.max(axis=1))
    wrong = np.flatnonzero(highest > n_alleles)
    if len(wrong):
        row = wrong[0]
        raise DataError(
            f"{path}: a call of record {records[row]} is of allele {highest[row]}, but the record "
            f"has {n_alleles[row]} alternative alleles."
        )


def ploidy_not_supported(path: Path, record: int, ploidy: int) -> DataError:
    """Return the error for a call of more than two alleles."""
    return DataError(
        f"{path}: ploidy {ploidy} not supported (record {record}); wanted are calls of one allele "
        "or two."
    )


def checked_dosages(
    path: Path, sites: Sites, row: int, dosages: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the dosages of a row between 0 and 2; what rounding adds to them is cut off.

    Raises
    ------
    DataError
        A dosage is outside by more than 0.001; infinities are.
    """
    outside = np.flatnonzero((dosages < -_TOLERANCE) | (dosages > _MAX_DOSAGE + _TOLERANCE))
    if len(outside):
        raise DataError(
            f"{path}: DS={dosages[outside[0]]:g} outside [0,2] at {sites.chrom[row]}:"
            f"{sites.pos[row]} {sites.ref[row]}>{sites.alt[row]} (record {sites.record[row]}). "
            "A dosage is the expected number of copies of the alternative allele."
        )
    return np.clip(dosages, np.float32(0), np.float32(_MAX_DOSAGE))


class LostCalls:
    """Counts calls that are missing although they say something: half calls, GT beside a DS."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int]] = {}

    def see_half_calls(
        self, records: NDArray[np.int64], first: NDArray[np.int8], second: NDArray[np.int8]
    ) -> None:
        """Count in the calls of records of which one allele is there and one is missing."""
        is_half = (np.minimum(first, second) == NO_CALL) & (np.maximum(first, second) >= 0)
        halves = np.nonzero(is_half)[0]
        if len(halves):
            self._count("half_call_missing", int(records[halves[0]]), len(halves))

    def see_dosages(
        self, record: int, codes: NDArray[np.int8], dosages: NDArray[np.float32]
    ) -> None:
        """Count in one row of calls and of dosages."""
        n = int(((codes == MISSING_CODE) & ~np.isnan(dosages)).sum())
        if n:
            self._count("dosage_passed_over", record, n)

    def _count(self, code: str, record: int, n: int) -> None:
        first, before = self._counts.get(code, (record, 0))
        self._counts[code] = (first, before + n)

    def issues(self) -> list[Issue]:
        """Return a note for each kind of which there are some."""
        return [
            Issue(line=record, code=code, n=n, is_reject=False)
            for code, (record, n) in sorted(self._counts.items())
        ]
