"""Write text as BGZF, the block-wise gzip of VCF files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

# Text of a block; its compressed form has to fit 64 KiB even where it does not get smaller.
_BLOCK_BYTES = 65_280
_HEADER = struct.Struct("<4BI2BH2BHH")
_TRAILER = struct.Struct("<II")


def write_bgzf(path: Path, text: str) -> None:
    """Write blocks that each are a gzip member, and the empty one that ends the file.

    References
    ----------
    .. [1] SAM/BAM specification, section 4.1, https://samtools.github.io/hts-specs/SAMv1.pdf
    """
    plain = text.encode("utf-8")
    starts = range(0, len(plain), _BLOCK_BYTES)
    with path.open("wb") as file:
        for start in starts:
            file.write(_block(plain[start : start + _BLOCK_BYTES]))
        file.write(_block(b""))


def _block(plain: bytes) -> bytes:
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(plain) + deflate.flush()
    total = _HEADER.size + len(body) + _TRAILER.size
    # gzip with one extra field, BC, that holds the size of the block less one
    header = _HEADER.pack(31, 139, 8, 4, 0, 0, 255, 6, ord("B"), ord("C"), 2, total - 1)
    return header + body + _TRAILER.pack(zlib.crc32(plain), len(plain))
