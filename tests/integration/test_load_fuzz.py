"""Damaged lines end in a count or in an error of ours, never in a traceback, and load nothing half.

Of each text format 2,000 lines are damaged, from a fixed seed: most in their values, in files of
many lines, so that the rows are judged; the others in any way, which mostly refuses the file.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from load_inputs import GENE_HEADER, gene_line, load
from load_samples import NOT_TEXT, SAMPLES, Sample
from tests.loading import write_text

from varhouse.errors import VarhouseError
from varhouse.ingest.kinds import KINDS
from varhouse.warehouse import create_functions, create_schema

# Damaged lines in each file of a format: 1,800 in their values, 200 in any way. Small files are
# among them because one bad line may refuse a whole file.
VALUE_FILES = (800, 500, 300, 130, 40, 20, 5, 3, 1, 1)
ANY_FILES = (1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 57)

VALUES = (
    "", " ", "'", "-", ".", "NaN", "inf", "-inf", "-1", "0", "1e999", "1e-400", "0x1F", "null",
    "99999999999999999999", "1.5", "NA", "#NA", "{", "}", "[", "]", "<", ">", "<DEL>", "*", "_",
    "%s", "$1", "ß", "\U0001f9ec", "\u2028", "--", "chr", "chrUn_1", "MT", "23", "25", "acgt",
    "A" * 300, "' or 1=1", "/*", "2147483648", "-2147483649", "9" * 400, "1" + "0" * 30,
)  # fmt: skip
# What tends to break readers beside: delimiters, quotes, line ends, controls.
FRAGMENTS = (
    *VALUES, "\t", ",", '"', "\\", "\r", "\n", "\r\n", "\x00", "\x01", "\x1a", "\ufeff", ":", ";",
    "|", "=", "#",
)  # fmt: skip
JSON_VALUES: tuple[Any, ...] = (None, True, -1, 1.5, 10**20, "", "-", "22", [], [None], {}, "A/")


def delimiter_of(line: str) -> str:
    return next((each for each in "\t, " if each in line), "\t")


def with_damaged_value(line: str, chance: random.Random) -> str:
    """Return a line of as many cells, one of which is another or has something in it."""
    if line.startswith("{"):
        return with_damaged_json(line, chance)
    delimiter = delimiter_of(line)
    cells = line.split(delimiter)
    at = chance.randrange(len(cells))
    value = chance.choice(VALUES).replace(delimiter, "")
    if delimiter == " " and not value:
        value = "NA"  # nothing at all is no cell there
    if chance.random() < 0.5:
        cells[at] = value
    elif cells[at]:
        spot = chance.randrange(len(cells[at]))
        cells[at] = cells[at][:spot] + value + cells[at][spot + chance.randrange(3) :]
    return delimiter.join(cells)


def with_damaged_json(line: str, chance: random.Random) -> str:
    record = json.loads(line)
    holder = record
    if chance.random() < 0.6:
        holder = record["transcript_consequences"][0]
    holder[chance.choice(list(holder))] = chance.choice(JSON_VALUES)
    return json.dumps(record)


def with_any_damage(line: str, chance: random.Random) -> str:
    at = chance.randrange(len(line) + 1)
    cells = line.split(delimiter_of(line))
    match chance.randrange(6):
        case 0:
            return line[:at] + chance.choice(FRAGMENTS) + line[at:]
        case 1:
            return line[:at]
        case 2:
            return line[:at] + line[at + chance.randrange(1, 8) :]
        case 3:
            cells[chance.randrange(len(cells))] = chance.choice(FRAGMENTS)
            return delimiter_of(line).join(cells)
        case 4:
            chance.shuffle(cells)
            return delimiter_of(line).join(cells)
        case _:
            return "".join(chance.choice(FRAGMENTS) for _ in range(chance.randrange(1, 30)))


def numbered(rows: list[str]) -> list[str]:
    """Return the rows with ``{n}`` replaced by a number of each row's own."""
    return [row.replace("{n}", str(number)) for number, row in enumerate(rows)]


def value_file(sample: Sample, n_damaged: int, chance: random.Random) -> bytes:
    """Return the header and many rows, each with a damaged value."""
    rows = [with_damaged_value(chance.choice(sample.rows), chance) for _ in range(n_damaged)]
    return "\n".join([*sample.header, *numbered([*rows, *sample.rows]), ""]).encode()


def any_file(sample: Sample, n_damaged: int, chance: random.Random) -> bytes:
    """Return a few lines, most of them damaged, now and then with a byte that is not text."""
    lines = [*sample.header, *numbered(sample.rows * 2)]
    for _ in range(n_damaged):
        # the header is left whole in most files
        first = 0 if chance.random() < 0.1 else len(sample.header)
        at = chance.randrange(first, len(lines))
        lines[at] = with_any_damage(lines[at] or ",", chance)
    content = "\n".join(lines).encode()
    if content and chance.random() < 0.1:
        spot = chance.randrange(len(content))
        content = content[:spot] + bytes([chance.randrange(256)]) + content[spot + 1 :]
    return content


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with a gene and two variants, for what is looked up."""
    con = duckdb.connect(config={"threads": 1, "preserve_insertion_order": False})
    create_schema(con)
    create_functions(con)
    folder = tmp_path_factory.mktemp("house")
    load(con, "genes", write_text(folder, "genes.tsv", GENE_HEADER, gene_line()))
    load(con, "variants", write_text(folder, "v.csv", "variant_id,rsid", "1_5_A_T,rs1", "1_6_C_G,"))
    # a warehouse of no build takes files of either
    con.execute("update load_manifest set genome_build = null")
    yield con
    con.close()


def n_rows(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    tables = con.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where not temporary"
    ).fetchall()
    return {table: con.table(table).shape[0] for (table,) in tables}


@pytest.mark.parametrize("case", SAMPLES, ids="/".join)
def test_damaged_lines_never_end_in_a_traceback(
    house: duckdb.DuckDBPyConnection, tmp_path: Path, case: tuple[str, str]
) -> None:
    kind, layout = case
    sample = SAMPLES[case]
    chance = random.Random("/".join(case))
    path = tmp_path / sample.name
    before = n_rows(house)
    n_taken, refusals = 0, list[str]()
    files = [(value_file, n) for n in VALUE_FILES] + [(any_file, n) for n in ANY_FILES]
    for make, n_damaged in files:
        path.write_bytes(make(sample, n_damaged, chance))
        try:
            (report,) = load(
                house, kind, path, build=sample.build, dry_run=True,
                format=layout if n_damaged % 2 else None, **sample.options,
            )  # fmt: skip
        except VarhouseError as error:
            refusals.append(str(error))
        else:
            n_taken += 1
            assert report.n_rejected <= report.n_read
    assert n_rows(house) == before
    assert refusals
    assert all(str(path) in message for message in refusals)
    assert n_taken > 0


@pytest.mark.parametrize("case", SAMPLES, ids="/".join)
def test_the_sample_is_good(
    house: duckdb.DuckDBPyConnection, tmp_path: Path, case: tuple[str, str]
) -> None:
    kind, layout = case
    sample = SAMPLES[case]
    path = write_text(tmp_path, sample.name, *sample.header, *numbered(sample.rows))
    (report,) = load(house, kind, path, build=sample.build, dry_run=True, **sample.options)
    assert report.format == layout
    assert report.n_loaded > 0


def test_every_text_format_has_a_sample() -> None:
    # a kind may offer the formats of another: one sample is enough
    names: dict[int, set[tuple[str, str]]] = {}
    for kind in KINDS.values():
        for layout in kind.formats():
            names.setdefault(id(layout), set()).add((kind.name, layout.name))
    listed = set(SAMPLES) | NOT_TEXT
    assert [sorted(same) for same in names.values() if not same & listed] == []
