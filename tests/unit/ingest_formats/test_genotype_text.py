"""The text files beside binary genotypes: cut many lines at once, as if each were cut alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from varhouse.errors import DataError
from varhouse.ingest.genotypes.block import Sites
from varhouse.ingest.genotypes.plink2 import pvar_variants
from varhouse.ingest.genotypes.text import columns_of, position, positions, site_blocks


def _rows(path: Path, n_fields: int, *, comments: bool) -> list[tuple[str, ...]]:
    return [
        row
        for columns in columns_of(path, n_fields, comments=comments)
        for row in zip(*columns, strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a\tb\tc\nd\te\tf\n",
        "a\tb\tc\nd\te\tf",
        "#x\na\tb\tc\n#y\td\nd\te\tf\n",
        "a b  c\nd\te\tf\n",
        "a\tb\tc\td\nd\te\tf\n",
        "a\tb\tc\tmore\nd\te\tf\tand more\n",
        "a\tb\tc\n\n \nd\te\tf\n\n",
        "a\tb\tc\r\nd\te\tf\r\n",
        " a\tb\t c\nd \te\tf\n",
        "a\tb\u00a0c\nd\te\tf\n",
        "ä\tb\tc\nd\te\tf\n",
        "  #x\na\tb\tc\n",
        "\n\n",
        "",
    ],
)
def test_lines_are_cut_as_one_by_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "some.pvar"
    path.write_bytes(text.encode())
    lines = [line.split() for line in text.split("\n")]
    expected = [tuple(line[:3]) for line in lines if line and not line[0].startswith("#")]

    assert _rows(path, 3, comments=True) == expected


@pytest.mark.parametrize("text", ["a\tb\tc\nd\te\tf\n", "#x\na b c\nd e f\n"])
def test_a_byte_order_mark_is_no_part_of_the_first_field(tmp_path: Path, text: str) -> None:
    path = tmp_path / "some.bim"
    path.write_text(text, encoding="utf-8-sig")

    assert _rows(path, 3, comments=True) == [("a", "b", "c"), ("d", "e", "f")]


def test_a_short_line_is_named_whatever_lies_before_it(tmp_path: Path) -> None:
    path = tmp_path / "some.bim"
    # two mebibytes and more, so that the line lies in a later chunk
    path.write_text("1\trs1\t0\t7\tA\tG\n" * 180_000 + "1\trs2\t0\t8\n", encoding="utf-8")

    with pytest.raises(DataError, match=r"line 180001: 4 columns found, at least 6 expected"):
        _rows(path, 6, comments=False)


def test_lines_over_many_chunks_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "some.pvar"
    body = "".join(f"22\t{pos}\t.\tA\t{'G,T' if pos % 7 else 'C'}\n" for pos in range(1, 100_001))
    path.write_text(f"##x\n#CHROM\tPOS\tID\tREF\tALT\n{body}", encoding="utf-8")

    chunks = list(pvar_variants(path))

    assert len(chunks) > 1
    record = np.concatenate([chunk.record for chunk in chunks])
    pos = np.concatenate([chunk.pos for chunk in chunks])
    alt = [allele for chunk in chunks for allele in chunk.alt]
    assert (record == pos).all()
    assert [f"{at} {allele}" for at, allele in zip(pos.tolist(), alt, strict=True)] == [
        f"{at} {allele}" for at in range(1, 100_001) for allele in ("GT" if at % 7 else "C")
    ]


def test_positions_are_read_as_one_by_one() -> None:
    for texts in (["1", "20", "0"], ["-1", "5"], ["1e5", "7"], ["", "7"], ["9" * 30, "2147483648"]):
        assert positions(texts).tolist() == [position(text) for text in texts]


@pytest.mark.parametrize("n_in_chunk", [1, 3, 50])
def test_blocks_end_between_positions_or_at_least_between_records(n_in_chunk: int) -> None:
    pos = [1, 2, 3, 3, 3, 4, 5, 6, *[7] * 9, 8, 9]
    record = [1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 14, 15, 16, 17]
    rows = Sites(
        np.array(record), ["1"] * len(pos), np.array(pos), ["A"] * len(pos), ["G"] * len(pos),
        [str(number) for number in range(len(pos))],
    )  # fmt: skip
    chunks, start = [], 0
    while start < len(pos):
        end = min(start + n_in_chunk, len(pos))
        while end < len(pos) and record[end] == record[end - 1]:
            end += 1
        chunks.append(rows.part(start, end))
        start = end

    blocks = list(site_blocks(iter(chunks), 2))

    assert [name for block in blocks for name in block.name] == rows.name
    found = [list(map(int, block.pos)) for block in blocks]
    # two rows or more until the position changes; at most four, but the alleles of a record
    assert found == [[1, 2], [3, 3, 3], [4, 5], [6, 7, 7, 7, 7], [7, 7, 7, 7], [7, 8], [9]]
