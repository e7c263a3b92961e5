"""Lines of VCF text, decoded together.

Where each column begins is found for all lines at once. A call of one digit an allele, as nearly
all are, is read by its place in the text; the others are parsed one by one.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.ingest.genotypes.block import Sites
from varhouse.ingest.genotypes.calls import (
    MAX_ALLELE,
    NO_ALLELE,
    NO_CALL,
    ploidy_not_supported,
)
from varhouse.ingest.genotypes.text import position

N_FIXED = 9
"""Columns before the first sample."""

_CALL = re.compile(rb"[/|]?((?:[0-9]+|\.)(?:[/|](?:[0-9]+|\.))*)")
_NEWLINE, _TAB, _HASH = ord("\n"), ord("\t"), ord("#")

_UNREADABLE = np.int8(127)
_ALLELE_OF_BYTE = np.full(256, _UNREADABLE, dtype=np.int8)
_ALLELE_OF_BYTE[ord("0") : ord("9") + 1] = np.arange(10)
_ALLELE_OF_BYTE[ord(".")] = NO_CALL
_ENDS_CALL = np.zeros(256, dtype=np.bool_)
_ENDS_CALL[np.frombuffer(b"\t\n\r:", dtype=np.uint8)] = True
_SEPARATES = np.zeros(256, dtype=np.bool_)
_SEPARATES[np.frombuffer(b"/|", dtype=np.uint8)] = True


class VcfLines:
    """A block of records.

    Parameters
    ----------
    path
        For messages.
    text
        Whole lines, each with its line end.
    n_samples
        Sample columns that each line should have.
    first_record
        1-based number of the first line's record.
    n_header_lines
        Lines of the file before its first record.

    Attributes
    ----------
    n_lines
        Number of records.
    has_calls, has_dosages
        Whether a record has GT, and DS.

    Raises
    ------
    DataError
        A line has other columns than the header, or is another header, or not text in UTF-8.
    """

    def __init__(
        self, path: Path, text: bytes, n_samples: int, first_record: int, n_header_lines: int
    ) -> None:
        self._path = path
        self._text = text
        self._first_record = first_record
        self._n_header_lines = n_header_lines
        # a call is looked at four bytes wide, beyond the last line end too
        self._bytes = np.frombuffer(text + b"\n\n\n", dtype=np.uint8)
        ends = np.flatnonzero(self._bytes[: len(text)] == _NEWLINE)
        self._starts = np.concatenate(([0], ends[:-1] + 1))
        self.n_lines = len(ends)
        headers = np.flatnonzero(self._bytes[self._starts] == _HASH)
        if len(headers):
            raise DataError(
                f"{self._where(int(headers[0]))}: a header line among the records. Are several "
                "files written one behind the other? Load each by itself, or join them with "
                "bcftools concat, which compares their samples."
            )
        tabs = np.flatnonzero(self._bytes == _TAB)
        n_tabs = np.diff(np.searchsorted(tabs, ends), prepend=0)
        wanted = N_FIXED - 1 + n_samples
        ragged = np.flatnonzero(n_tabs != wanted)
        if len(ragged):
            raise DataError(
                f"{self._where(int(ragged[0]))}: {n_tabs[ragged[0]] + 1} columns found, "
                f"{wanted + 1} expected ({n_samples} samples). Is the line cut short, or are there "
                "spaces where tabs should be?"
            )
        self._tabs = tabs.reshape(self.n_lines, wanted)
        self._formats = [
            self._text[start:end].split(b":")
            for start, end in (self._tabs[:, N_FIXED - 2 : N_FIXED] + [1, 0]).tolist()
        ]
        self.has_calls = np.array([keys[0] == b"GT" for keys in self._formats], dtype=np.bool_)
        self.has_dosages = np.array([b"DS" in keys for keys in self._formats], dtype=np.bool_)

    def check_formats(self, lines: NDArray[np.int64]) -> None:
        """Refuse lines without genotypes.

        Raises
        ------
        DataError
            FORMAT has neither GT nor DS, or GT is not the first of its keys.
        """
        for line in np.unique(lines).tolist():
            if b"GT" in self._formats[line][1:]:
                raise DataError(
                    f"{self._where(line)}: GT stands after other keys in FORMAT; where it is, VCF "
                    "has it first."
                )
            if not self.has_calls[line] and not self.has_dosages[line]:
                raise DataError(
                    f"{self._where(line)}: FORMAT neither begins with GT nor has DS, so there are "
                    "no genotypes in it."
                )

    def _where(self, line: int) -> str:
        return f"{self._path}, line {self._n_header_lines + self._first_record + line}"

    def sites(self) -> tuple[Sites, NDArray[np.int64]]:
        """Return a row for each alternative allele, and the line of each row."""
        rows = list[tuple[int, str, int, str, str, str]]()
        for line, (start, end) in enumerate(
            zip(self._starts.tolist(), self._tabs[:, 4].tolist(), strict=True)
        ):
            try:
                chrom, pos, name, ref, alt = self._text[start:end].decode().split("\t")
            except UnicodeDecodeError as error:
                raise DataError(f"{self._where(line)}: not text in UTF-8.") from error
            rows.append((self._first_record + line, chrom, position(pos), ref, alt, name))
        sites = Sites.of_rows(rows).by_allele()
        place = sites.record - self._first_record
        self.n_alleles = np.bincount(place, minlength=self.n_lines)
        if self.n_alleles.max() > MAX_ALLELE:
            line = int(self.n_alleles.argmax())
            raise DataError(
                f"{self._where(line)}: {self.n_alleles[line]} alternative alleles; at most "
                f"{MAX_ALLELE} are read."
            )
        return sites, place

    def records(self, lines: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the record numbers of lines."""
        return lines + self._first_record

    def calls(
        self, lines: NDArray[np.int64], kept: NDArray[np.int64]
    ) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """Return the allele numbers of the calls of some lines and samples.

        Raises
        ------
        DataError
            A call is no genotype, or of more than two alleles.
        """
        tabs = self._tabs[:, N_FIXED - 1 :]
        if len(lines) < self.n_lines:
            tabs = tabs[lines]
        if len(kept) < tabs.shape[1]:
            tabs = tabs[:, kept]
        # the bytes of a call follow the tab before it
        one, two, three, four = (self._bytes[tabs + step] for step in (1, 2, 3, 4))
        first = _ALLELE_OF_BYTE[one]
        is_haploid = _ENDS_CALL[two]
        is_read = is_haploid | (_SEPARATES[two] & _ENDS_CALL[four])
        second = _ALLELE_OF_BYTE[three]
        second[is_haploid] = NO_ALLELE
        is_read &= (first != _UNREADABLE) & (second != _UNREADABLE)
        if not is_read.all():
            for row, column in np.argwhere(~is_read).tolist():
                line, sample = int(lines[row]), int(kept[column])
                first[row, column], second[row, column] = self._parsed(line, sample)
        return first, second

    def _cell(self, line: int, sample: int) -> bytes:
        start = int(self._tabs[line, N_FIXED - 1 + sample]) + 1
        if sample + N_FIXED < self._tabs.shape[1]:
            return self._text[start : int(self._tabs[line, N_FIXED + sample])]
        return self._text[start : self._end(line)].rstrip(b"\r\n")

    def _end(self, line: int) -> int:
        return int(self._starts[line + 1]) if line + 1 < self.n_lines else len(self._text)

    def _parsed(self, line: int, sample: int) -> tuple[int, int]:
        call = _CALL.fullmatch(self._cell(line, sample).split(b":", 1)[0])
        if call is None:
            raise DataError(
                f"{self._where(line)}: column {N_FIXED + 1 + sample} is no genotype; wanted is "
                "one such as 0/1, 1|0, ./. or 1."
            )
        alleles = re.split(rb"[/|]", call[1])
        if len(alleles) > 2:
            raise ploidy_not_supported(self._path, self._first_record + line, len(alleles))
        numbers = [
            NO_CALL if allele == b"." else min(int(allele), MAX_ALLELE) for allele in alleles
        ]
        return numbers[0], numbers[1] if len(numbers) > 1 else NO_ALLELE

    def dosages(self, line: int, allele: int, kept: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return DS of one alternative allele in a line, NaN where it is missing.

        Raises
        ------
        DataError
            DS is no number, or not one for each alternative allele.
        """
        key = self._formats[line].index(b"DS")
        start = int(self._tabs[line, N_FIXED - 1]) + 1
        cells = self._text[start : self._end(line)].rstrip(b"\r\n").split(b"\t")
        n_alleles = int(self.n_alleles[line])
        if n_alleles == 1:
            plain = _plain_numbers([cells[sample] for sample in kept.tolist()], key)
            if plain is not None:
                return plain
        found = np.empty(len(kept), dtype=np.float32)
        for place, sample in enumerate(kept.tolist()):
            fields = cells[sample].split(b":", key + 1)
            text = fields[key] if len(fields) > key else b"."
            values = text.split(b",")
            if values == [b"."]:
                found[place] = np.nan
                continue
            try:
                if len(values) != n_alleles:
                    raise ValueError
                value = values[allele - 1]
                found[place] = np.nan if value == b"." else float(value)
            except ValueError as error:
                raise DataError(
                    f"{self._where(line)}: DS in column {N_FIXED + 1 + sample} is not one number "
                    f"for each of {n_alleles} alternative alleles."
                ) from error
        return found


def _plain_numbers(cells: list[bytes], key: int) -> NDArray[np.float32] | None:
    """Return one field of each cell as numbers, ``.`` as NaN; None where one is neither."""
    try:
        fields = np.array([cell.split(b":", key + 1)[key] for cell in cells])
        return np.where(fields == b".", b"nan", fields).astype(np.float32)
    except (IndexError, ValueError):
        return None
