"""Calls as pairs of allele numbers, and the copies of each alternative allele in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.ingest.format import Issue
from varhouse.ingest.genotypes.block import (
    MISSING_CODE,
    GenotypeBlock,
    Sites,
    block_from_codes,
    block_from_dense,
)

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


HalfCall = Literal["missing", "reference", "haploid"]


@dataclass(frozen=True)
class Calls:
    """Calls of the records of a block that have some.

    Attributes
    ----------
    records
        Shape (n_records,): numbers of the records, in order.
    n_alleles
        Shape (n_records,): how many alternative alleles each has.
    first, second
        Shape (n_records, n_samples): allele numbers, `NO_CALL`, and `NO_ALLELE` in ``second``.
    """

    records: NDArray[np.int64]
    n_alleles: NDArray[np.int64]
    first: NDArray[np.int8]
    second: NDArray[np.int8]

    def check_alleles(self, path: Path) -> None:
        """Refuse calls of alleles that their record does not have.

        Raises
        ------
        DataError
            Names the first record.
        """
        highest = np.maximum(self.first.max(axis=1), self.second.max(axis=1))
        wrong = np.flatnonzero(highest > self.n_alleles)
        if len(wrong):
            row = wrong[0]
            raise DataError(
                f"{path}: a call of record {self.records[row]} is of allele {highest[row]}, but "
                f"the record has {self.n_alleles[row]} alternative alleles."
            )

    def copies(
        self, place: NDArray[np.int64], allele: NDArray[np.int64], half_call: HalfCall
    ) -> NDArray[np.int8]:
        """Count the copies of one allele for each row.

        Parameters
        ----------
        place
            Record of each row, as a place in ``records``.
        allele
            Alternative allele of each row.
        half_call
            Whether ``./1`` is missing. Otherwise the allele that is there is counted: that the
            other is the reference, or is not there at all, makes no difference to the copies.

        Returns
        -------
        numpy.ndarray
            Shape (n_rows, n_samples), `MISSING_CODE` for missing.
        """
        first, second = self.first, self.second
        if half_call == "missing":
            is_missing = (first == NO_CALL) | (second == NO_CALL)
        else:
            is_missing = (first < 0) & (second < 0)
        if len(place) != len(first) or (place != np.arange(len(first))).any():
            first, second, is_missing = first[place], second[place], is_missing[place]
        wanted = allele.astype(np.int8)[:, None]
        counted: NDArray[np.int8] = (first == wanted).view(np.int8)
        counted += (second == wanted).view(np.int8)
        np.copyto(counted, np.int8(MISSING_CODE), where=is_missing)
        return counted


def ploidy_not_supported(path: Path, record: int, ploidy: int) -> DataError:
    """Return the error for a call of more than two alleles."""
    return DataError(
        f"{path}: ploidy {ploidy} not supported (record {record}); wanted are calls of one allele "
        "or two."
    )


class CallReader:
    """Makes blocks of the calls and dosages of VCF and BCF.

    Parameters
    ----------
    path
        For messages.
    half_call
        See `Calls.copies`.
    """

    def __init__(self, path: Path, half_call: HalfCall) -> None:
        self._path = path
        self._half_call = half_call
        self._lost: dict[str, tuple[int, int]] = {}

    def block(
        self,
        sites: Sites,
        allele: NDArray[np.int64],
        calls: Calls,
        dosages: Mapping[int, NDArray[np.float32]],
    ) -> GenotypeBlock:
        """Return a block: calls where a row's record has them, else its dosages.

        Parameters
        ----------
        allele
            Which alternative allele of its record each row is; see `allele_numbers`.
        dosages
            Row -> dosages of the samples, NaN for missing.

        Raises
        ------
        DataError
            A call is of an allele that its record does not have, or a dosage outside 0 to 2.
        """
        calls.check_alleles(self._path)
        if self._half_call == "missing":
            self._see_half_calls(calls)
        has_calls = np.isin(sites.record, calls.records)
        place = np.searchsorted(calls.records, sites.record[has_calls])
        codes = np.zeros((len(sites), calls.first.shape[1]), dtype=np.int8)
        codes[has_calls] = calls.copies(place, allele[has_calls], self._half_call)
        dense = None
        if not has_calls.all():
            dense = codes.astype(np.float32)
            dense[codes == MISSING_CODE] = np.nan
        for row, given in dosages.items():
            checked = self._checked(sites, row, given)
            if has_calls[row]:
                self._see_dosages(int(sites.record[row]), codes[row], checked)
            elif dense is not None:
                dense[row] = checked
        return block_from_codes(sites, codes) if dense is None else block_from_dense(sites, dense)

    def _checked(self, sites: Sites, row: int, dosages: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return dosages between 0 and 2; what rounding adds to them, up to 0.001, is cut off."""
        outside = np.flatnonzero((dosages < -_TOLERANCE) | (dosages > _MAX_DOSAGE + _TOLERANCE))
        if len(outside):
            raise DataError(
                f"{self._path}: DS={dosages[outside[0]]:g} outside [0,2] at {sites.chrom[row]}:"
                f"{sites.pos[row]} {sites.ref[row]}>{sites.alt[row]} (record {sites.record[row]}). "
                "A dosage is the expected number of copies of the alternative allele."
            )
        return np.clip(dosages, np.float32(0), np.float32(_MAX_DOSAGE))

    def _see_half_calls(self, calls: Calls) -> None:
        """Count calls of which one allele is there and one is missing."""
        lower, higher = np.minimum(calls.first, calls.second), np.maximum(calls.first, calls.second)
        halves = np.nonzero((lower == NO_CALL) & (higher >= 0))[0]
        if len(halves):
            self._lose("half_call_missing", int(calls.records[halves[0]]), len(halves))

    def _see_dosages(
        self, record: int, codes: NDArray[np.int8], dosages: NDArray[np.float32]
    ) -> None:
        """Count the missing calls of a row that have a dosage."""
        n = int(((codes == MISSING_CODE) & ~np.isnan(dosages)).sum())
        if n:
            self._lose("dosage_passed_over", record, n)

    def _lose(self, code: str, record: int, n: int) -> None:
        first, before = self._lost.get(code, (record, 0))
        self._lost[code] = (first, before + n)

    def issues(self) -> list[Issue]:
        """Return a note for each kind of call that is missing although it says something."""
        return [
            Issue(line=record, code=code, n=n, is_reject=False)
            for code, (record, n) in sorted(self._lost.items())
        ]
