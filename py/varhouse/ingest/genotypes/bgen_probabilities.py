"""Probabilities of BGEN records, as dosages of the second allele."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.ingest.genotypes.bgen_layout import BgenHeader, BgenRecord
from varhouse.ingest.genotypes.block import DOSAGE_STEPS

Floats = NDArray[np.float32]
_Integers = NDArray[np.int32] | NDArray[np.int64]

_FIXED_BYTES = 8
_MISSING_BIT = 0x80
_MAX_BITS = 32
_VALUES_A_SAMPLE = 2
_PLOIDY_BITS, _DIPLOID = 0x3F, 2
MIXED = 0
"""Ploidy of a record with haploid and diploid samples, as of the X chromosome."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The decompressed genotypes of a variant.

    Attributes
    ----------
    ploidy
        1 or 2, that of every sample, or `MIXED`.
    data
        Everything that the record stores.
    """

    ploidy: int
    is_phased: bool
    n_bits: int
    data: bytes


def unpack(path: Path, header: BgenHeader, record: BgenRecord) -> Unpacked:
    """Decompress a record and check what it says of itself.

    Raises
    ------
    DataError
        It is damaged, or has samples that are neither haploid nor diploid; names the record.
    """
    n_samples = header.n_samples
    most = _FIXED_BYTES + n_samples + 2 + n_samples * _VALUES_A_SAMPLE * _MAX_BITS // 8
    try:
        data = _decompressed(header, record, most)
        n_found, n_alleles, least, highest = struct.unpack_from("<IHBB", data)
        is_phased, n_bits = struct.unpack_from("<BB", data, _FIXED_BYTES + n_samples)
    except (zlib.error, OSError, ValueError, struct.error) as error:
        raise _damaged(path, record) from error
    if (n_found, n_alleles) != (n_samples, 2):
        raise _damaged(path, record)
    if not 1 <= least <= highest <= 2:
        raise DataError(
            f"{path}: record {record.number} ({record.chrom}:{record.pos}) has samples of ploidy "
            f"{least} to {highest}; records can be read in which every sample is diploid or "
            "haploid."
        )
    ploidy = least if least == highest else MIXED
    n_values = int(_ploidies(data, n_samples).sum()) if ploidy == MIXED else n_samples * ploidy
    expected = _FIXED_BYTES + n_samples + 2 + -(-n_values * n_bits // 8)
    if is_phased > 1 or not 1 <= n_bits <= _MAX_BITS or len(data) != expected:
        raise _damaged(path, record)
    return Unpacked(ploidy, bool(is_phased), n_bits, data)


def _ploidies(data: bytes, n_samples: int) -> NDArray[np.uint8]:
    """Return the ploidy of each sample, 1 where a damaged file says something else than 2."""
    flags = np.frombuffer(data, dtype=np.uint8, count=n_samples, offset=_FIXED_BYTES)
    return np.where(flags & _PLOIDY_BITS == _DIPLOID, np.uint8(_DIPLOID), np.uint8(1))


def _decompressed(header: BgenHeader, record: BgenRecord, most: int) -> bytes:
    if record.n_unpacked > most:
        raise ValueError
    if header.compression == "none":
        return record.data
    if header.compression == "zstd":
        data: bytes = pa.decompress(
            record.data, decompressed_size=record.n_unpacked, codec="zstd", asbytes=True
        )
        return data
    stream = zlib.decompressobj()
    data = stream.decompress(record.data, record.n_unpacked + 1)
    # without the end of the stream its checksum was not compared
    if not stream.eof or len(data) != record.n_unpacked:
        raise ValueError
    return data


def _damaged(path: Path, record: BgenRecord) -> DataError:
    return DataError(
        f"{path}: the genotypes of record {record.number} ({record.chrom}:{record.pos}) cannot be "
        "read; the file is damaged."
    )


def allele_dosages(
    path: Path,
    records: Sequence[BgenRecord],
    unpacked: Sequence[Unpacked],
    rows: NDArray[np.int64],
    kept: NDArray[np.int64],
    *,
    of_first: bool,
) -> Floats:
    """Return the expected copies of an allele in records that are stored alike.

    A haploid sample has one copy at most.

    Parameters
    ----------
    rows
        Places in ``records`` and ``unpacked``; all of one ploidy, phase and number of bits.
    kept
        Places of the samples that are wanted.
    of_first
        Whether copies of the first allele are wanted, not of the second.

    Returns
    -------
    numpy.ndarray
        Shape (len(rows), len(kept)), NaN for missing.

    Raises
    ------
    DataError
        Probabilities of a sample add up to more than 1.
    """
    like = unpacked[rows[0]]
    n_samples = int.from_bytes(like.data[:4], "little")
    flags, dosages = _flags_and_dosages([unpacked[row] for row in rows], n_samples)
    if len(kept) < n_samples:
        flags, dosages = flags[:, kept], dosages[:, kept]
    is_missing = flags >= _MISSING_BIT
    if is_missing.any():
        dosages[is_missing] = np.nan
    if (dosages < 0).any():
        record = records[int(rows[int(np.flatnonzero((dosages < 0).any(axis=1))[0])])]
        raise DataError(
            f"{path}: record {record.number} ({record.chrom}:{record.pos}) has probabilities that "
            "add up to more than 1; the file is damaged."
        )
    if of_first:
        most = flags & _PLOIDY_BITS if like.ploidy == MIXED else like.ploidy
        return np.asarray(most, dtype=np.float32) - dosages
    return dosages


def _flags_and_dosages(
    unpacked: Sequence[Unpacked], n_samples: int
) -> tuple[NDArray[np.uint8], Floats]:
    """Return a row for each record: the bytes that flag its samples, and the second allele."""
    like = unpacked[0]
    end_of_flags = _FIXED_BYTES + n_samples
    if like.ploidy == MIXED:
        dosages = np.stack([_mixed_dosages(each, n_samples) for each in unpacked])
        flags = [np.frombuffer(each.data, np.uint8, n_samples, _FIXED_BYTES) for each in unpacked]
        return np.stack(flags), dosages
    stored = np.frombuffer(b"".join(each.data for each in unpacked), dtype=np.uint8)
    stored = stored.reshape(len(unpacked), -1)
    packed = stored[:, end_of_flags + 2 :]
    if like.n_bits == 8 and like.ploidy == _DIPLOID:
        pairs = np.ascontiguousarray(packed).view("<u2")
        dosages = np.take(_PHASED if like.is_phased else _UNPHASED, pairs)
    else:
        dosages = _from_integers(like, _integers(packed, like.n_bits, n_samples * like.ploidy))
    return stored[:, _FIXED_BYTES:end_of_flags], dosages


def _mixed_dosages(mixed: Unpacked, n_samples: int) -> Floats:
    """Return the dosages of a record of haploid and diploid samples.

    A haploid sample is read as a diploid one that has one copy more of the first allele.
    """
    is_diploid = _ploidies(mixed.data, n_samples) == _DIPLOID
    n_values = n_samples + int(is_diploid.sum())
    packed = np.frombuffer(mixed.data, dtype=np.uint8, offset=_FIXED_BYTES + n_samples + 2)
    found = _integers(packed.reshape(1, -1), mixed.n_bits, n_values)[0].astype(np.int64)
    ends = np.cumsum(1 + is_diploid)
    first = found[ends - 1 - is_diploid]
    one = (1 << mixed.n_bits) - 1
    # phased: the haplotype that is not there has the first allele; else one copy of each allele
    alone = np.full(n_samples, one) if mixed.is_phased else one - first
    pairs = np.stack([first, np.where(is_diploid, found[ends - 1], alone)], axis=1)
    like = Unpacked(_DIPLOID, mixed.is_phased, mixed.n_bits, b"")
    dosages: Floats = _from_integers(like, pairs.reshape(1, -1))[0]
    return dosages


def _integers(packed: NDArray[np.uint8], n_bits: int, n_values: int) -> _Integers:
    """Return the stored whole numbers of each row, wide enough for a sum of four of them."""
    if n_bits in (8, 16, 32):
        stored = np.ascontiguousarray(packed).view(f"<u{n_bits // 8}")
        return stored.astype(np.int32) if n_bits <= 16 else stored.astype(np.int64)
    bits = np.unpackbits(packed, axis=1, count=n_values * n_bits, bitorder="little")
    places = np.int64(1) << np.arange(n_bits)
    return np.asarray(bits.reshape(len(packed), n_values, n_bits) @ places, dtype=np.int64)


def _from_integers(like: Unpacked, values: _Integers) -> Floats:
    """Return dosages in whole steps, negative where probabilities add up to more than 1."""
    one = (1 << like.n_bits) - 1
    if like.ploidy == 1:
        copies = one - values
    elif like.is_phased:
        # the first allele in one haplotype and in the other
        copies = 2 * one - values[:, 0::2] - values[:, 1::2]
    else:
        # two copies of the first allele, and one
        both_second = one - values[:, 0::2] - values[:, 1::2]
        copies = np.where(both_second < 0, -one, 2 * both_second + values[:, 1::2])
    # floats of 32 bits cannot tell which step is the nearest where two nearly are
    steps = copies * (DOSAGE_STEPS / one)
    dosages: Floats = np.rint(steps, out=steps).astype(np.float32)
    dosages *= np.float32(1 / DOSAGE_STEPS)
    return dosages


def _dosages_of_pairs(is_phased: bool) -> Floats:
    """Return the dosage of every pair of bytes, the first one in the lower bits."""
    pairs = np.arange(1 << 16, dtype=np.int64)
    values = np.stack([pairs & 255, pairs >> 8], axis=1).reshape(1, -1)
    return _from_integers(Unpacked(2, is_phased, 8, b""), values).reshape(-1)


_UNPHASED = _dosages_of_pairs(is_phased=False)
_PHASED = _dosages_of_pairs(is_phased=True)
