"""BGEN files for tests: written, and their dosages worked out, by the definition."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import pyarrow as pa

Whole = int
# what is stored of a sample: whole numbers out of 2 ** n_bits - 1; None for missing
Stored = Sequence[Whole] | None


@dataclass(frozen=True)
class Record:
    """A variant to be written."""

    samples: Sequence[Stored]
    pos: int
    alleles: Sequence[str] = ("A", "C")
    n_bits: int = 8
    is_phased: bool = False
    ploidy: int = 2
    least_ploidy: int | None = None
    # of each sample, where they differ
    ploidies: Sequence[int] | None = None
    chrom: str = "22"
    rsid: str = "."

    def ploidy_of_each(self) -> Sequence[int]:
        return self.ploidies or [self.ploidy] * len(self.samples)

    def data(self) -> bytes:
        each_ploidy = self.ploidy_of_each()
        least = min(each_ploidy) if self.least_ploidy is None else self.least_ploidy
        fixed = struct.pack("<IHBB", len(self.samples), len(self.alleles), least, self.ploidy)
        flags = bytes(
            ploidy | (0x80 if each is None else 0)
            for ploidy, each in zip(each_ploidy, self.samples, strict=True)
        )
        number, place = 0, 0
        for ploidy, each in zip(each_ploidy, self.samples, strict=True):
            for value in each if each is not None else [0] * ploidy:
                number |= value << place
                place += self.n_bits
        packed = number.to_bytes(-(-place // 8), "little")
        return fixed + flags + bytes([self.is_phased, self.n_bits]) + packed

    def dosages(self) -> list[float | None]:
        """Return copies of the second allele by the definition, in steps of 1/16384."""
        one = 2**self.n_bits - 1
        found: list[float | None] = []
        for each in self.samples:
            if each is None:
                found.append(None)
                continue
            chances = [Fraction(value, one) for value in each]
            if self.is_phased or len(each) == 1:
                copies = sum((1 - chance for chance in chances), Fraction(0))
            else:
                copies = chances[1] + 2 * (1 - chances[0] - chances[1])
            found.append(round(copies * 16384) / 16384)
        return found


def bgen_bytes(
    records: Sequence[Record],
    *,
    compression: int = 1,
    samples: Sequence[str] | None = None,
    layout: int = 2,
    n_variants: int | None = None,
    n_samples: int | None = None,
) -> bytes:
    n_people = len(records[0].samples) if n_samples is None else n_samples
    flags = compression | layout << 2 | (samples is not None) << 31
    free = b"free data"
    header = struct.pack(
        "<III4s", 20 + len(free), len(records) if n_variants is None else n_variants, n_people,
        b"bgen",
    ) + free + struct.pack("<I", flags)  # fmt: skip
    if samples is not None:
        names = [each.encode() for each in samples]
        ids = b"".join(struct.pack("<H", len(each)) + each for each in names)
        header += struct.pack("<II", 8 + len(ids), len(samples)) + ids
    text = struct.pack("<I", len(header)) + header
    for record in records:
        for each in ("id", record.rsid, record.chrom):
            text += struct.pack("<H", len(each)) + each.encode()
        text += struct.pack("<IH", record.pos, len(record.alleles))
        for each in record.alleles:
            text += struct.pack("<I", len(each)) + each.encode()
        data = record.data()
        if compression == 0:
            text += struct.pack("<I", len(data)) + data
            continue
        packed = (
            zlib.compress(data) if compression == 1 else pa.compress(data, "zstd", asbytes=True)
        )
        text += struct.pack("<II", len(packed) + 4, len(data)) + packed
    return text


def random_records(
    chance: random.Random, *, n_bits: int, is_phased: bool, ploidy: int, n_samples: int = 7
) -> list[Record]:
    one = 2**n_bits - 1
    records = []
    for place in range(5):
        samples: list[Stored] = []
        for _ in range(n_samples):
            first = chance.choice([0, one, chance.randint(0, one)])
            second = chance.choice([0, one - first, chance.randint(0, one - first)])
            if is_phased:
                second = chance.choice([0, one, chance.randint(0, one)])
            samples.append(None if chance.random() < 0.15 else [first, second][:ploidy])
        records.append(
            Record(samples, 100 + place, n_bits=n_bits, is_phased=is_phased, ploidy=ploidy)
        )
    return records


def ids(n_samples: int) -> list[str]:
    return [f"D{place}" for place in range(n_samples)]
