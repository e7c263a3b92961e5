"""The layout of a BGEN file: its header, its sample ids and the records of its variants.

Specification: https://www.chg.ox.ac.uk/~gav/bgen_format/spec/latest.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from varhouse.errors import DataError

Compression = Literal["none", "zlib", "zstd"]

_COMPRESSIONS: tuple[Compression, ...] = ("none", "zlib", "zstd")
_LEAST_HEADER_BYTES = 20
_LAYOUT = 2
_N_ALLELES = 2
_BUFFER_BYTES = 1 << 20
_MAX_ALLELE_BYTES = 1 << 24
_SHORT, _LONG = struct.Struct("<H"), struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class BgenHeader:
    """What a file says of itself before its first variant.

    Attributes
    ----------
    samples
        Sample ids in order; None where the file has none.
    first_variant
        Byte at which the records begin.
    """

    n_variants: int
    n_samples: int
    compression: Compression
    samples: list[str] | None
    first_variant: int

    @classmethod
    def read(cls, path: Path) -> BgenHeader:
        """Read the header.

        Raises
        ------
        DataError
            Another layout, an unknown compression, or a damaged header.
        """
        with path.open("rb") as stream:
            try:
                return cls._read(path, stream)
            except struct.error as error:
                raise DataError(f"{path}: cut short in its header.") from error

    @classmethod
    def _read(cls, path: Path, stream: IO[bytes]) -> BgenHeader:
        offset, n_bytes, n_variants, n_samples = struct.unpack("<IIII", stream.read(16))
        magic = stream.read(4)
        if magic not in (b"bgen", b"\0\0\0\0") or not _LEAST_HEADER_BYTES <= n_bytes <= offset:
            raise DataError(f"{path}: not a BGEN file (its header is not one).")
        stream.seek(n_bytes - _LEAST_HEADER_BYTES, 1)
        (flags,) = struct.unpack("<I", stream.read(4))
        compression, layout, has_samples = flags & 3, flags >> 2 & 15, flags >> 31
        if layout != _LAYOUT:
            raise DataError(
                f"{path}: BGEN layout {layout}; layout 2 (BGEN 1.2 and 1.3) can be read. "
                "Rewrite it with plink2 --export bgen-1.2 or qctool."
            )
        if compression >= len(_COMPRESSIONS):
            raise DataError(f"{path}: its header is damaged (compression {compression}).")
        samples = _read_samples(path, stream, n_samples) if has_samples else None
        return cls(n_variants, n_samples, _COMPRESSIONS[compression], samples, offset + 4)


def _read_samples(path: Path, stream: IO[bytes], n_samples: int) -> list[str]:
    _, found = struct.unpack("<II", stream.read(8))
    if found != n_samples:
        raise DataError(
            f"{path}: {found} sample ids, but {n_samples} samples in the header; it is damaged."
        )
    try:
        return [_text(stream, _SHORT) for _ in range(n_samples)]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: sample ids that are not text in UTF-8.") from error


@dataclass(frozen=True, slots=True)
class BgenRecord:
    """A variant as it is stored.

    Attributes
    ----------
    number
        1-based.
    name
        The rsID field, or else the variant id; None where both are empty.
    n_unpacked
        Bytes of ``data`` once it is decompressed.
    data
        Probabilities, as compressed as the file is.
    """

    number: int
    name: str | None
    chrom: str
    pos: int
    alleles: tuple[str, str]
    n_unpacked: int
    data: bytes


def records_of(path: Path, header: BgenHeader, *, with_data: bool = True) -> Iterator[BgenRecord]:
    """Yield the records in order, without their data where that is not wanted.

    Raises
    ------
    DataError
        The file ends before its last variant, or a variant has not two alleles.
    """
    with path.open("rb", buffering=_BUFFER_BYTES) as stream:
        stream.seek(header.first_variant)
        for number in range(1, header.n_variants + 1):
            try:
                yield _read_record(path, stream, header, number, with_data)
            except struct.error as error:
                raise DataError(
                    f"{path}: its header says {header.n_variants} variants, but only "
                    f"{number - 1} can be read; the file is cut short."
                ) from error
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}: record {number} has ids or alleles that are not text; the file is "
                    "damaged."
                ) from error


def _read_record(
    path: Path, stream: IO[bytes], header: BgenHeader, number: int, with_data: bool
) -> BgenRecord:
    variant_id, rsid, chrom = _text(stream, _SHORT), _text(stream, _SHORT), _text(stream, _SHORT)
    pos, n_alleles = struct.unpack("<IH", stream.read(6))
    if n_alleles != _N_ALLELES:
        raise DataError(
            f"{path}: record {number} ({chrom}:{pos}) has {n_alleles} alleles; BGEN records of two "
            "alleles can be read. Split or leave out the others (plink2 --max-alleles 2)."
        )
    alleles = _text(stream, _LONG), _text(stream, _LONG)
    (n_stored,) = _LONG.unpack(stream.read(4))
    n_unpacked = n_stored
    if header.compression != "none":
        (n_unpacked,) = _LONG.unpack(stream.read(4))
        n_stored -= 4
    data = stream.read(n_stored) if with_data else b""
    if not with_data:
        stream.seek(n_stored, 1)
    elif len(data) != n_stored:
        raise struct.error
    name = next((each for each in (rsid, variant_id) if each not in ("", ".")), None)
    return BgenRecord(number, name, chrom, pos, alleles, n_unpacked, data)


def _text(stream: IO[bytes], length: struct.Struct) -> str:
    """Read text behind its length."""
    (n_bytes,) = length.unpack(stream.read(length.size))
    # a damaged length must not ask for gigabytes
    text = stream.read(n_bytes) if n_bytes <= _MAX_ALLELE_BYTES else b""
    if len(text) != n_bytes:
        raise struct.error
    return text.decode()
