"""BGZF, the gzip in blocks that tabix and htslib ask for [1]_.

References
----------
.. [1] The SAM/BAM format specification, section 4.1.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

# Less than 64 KiB even where zlib cannot make it smaller.
_BLOCK = 0xFF00
# Magic, deflate, "extra field follows"; no time, no system.
_START = struct.pack("<BBBBIBB", 0x1F, 0x8B, 8, 4, 0, 0, 0xFF)
_HEADER_BYTES = 18
_TRAILER_BYTES = 8


class BgzfWriter:
    """Compress what is written into blocks; a context manager that ends the file properly.

    Parameters
    ----------
    stream
        Open for writing; stays open.
    level
        Of zlib, from 1 (fast) to 9 (small).
    """

    def __init__(self, stream: BinaryIO, *, level: int = 6) -> None:
        self._stream = stream
        self._level = level
        self._pending = bytearray()

    def write(self, content: bytes) -> None:
        """Add bytes."""
        self._pending += content
        full = len(self._pending) - len(self._pending) % _BLOCK
        for start in range(0, full, _BLOCK):
            self._write_block(bytes(self._pending[start : start + _BLOCK]))
        del self._pending[:full]

    def _write_block(self, content: bytes) -> None:
        packer = zlib.compressobj(level=self._level, method=zlib.DEFLATED, wbits=-15)
        packed = packer.compress(content) + packer.flush()
        size = _HEADER_BYTES + len(packed) + _TRAILER_BYTES
        self._stream.write(
            _START
            + struct.pack("<HBBHH", 6, ord("B"), ord("C"), 2, size - 1)
            + packed
            + struct.pack("<II", zlib.crc32(content), len(content))
        )

    def __enter__(self) -> BgzfWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            return
        if self._pending:
            self._write_block(bytes(self._pending))
        # an empty block is the end of the file
        self._write_block(b"")


def write_bgzf(path: Path, text: str) -> None:
    """Write a text as BGZF."""
    with path.open("wb") as stream, BgzfWriter(stream) as packed:
        packed.write(text.encode("utf-8"))
