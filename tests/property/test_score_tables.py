"""Tables of scores (CADD, FAVOR, one's own) of random worlds against a slow twin."""

from __future__ import annotations

import gzip
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.loading import load_one
from tests.property.annotation_worlds import random_sites
from tests.v2g import empty_warehouse

SEEDS = range(4)
MORE_SEEDS = range(4, 80)
ABSENT = ("-", ".", "NA", "NaN", "nan", "")
CELLS = ("0", "-0", "1.5", "-2e-05", "+.5", "7.", "1E3", " 3 ", *ABSENT, "inf", "-Infinity", "low",
         "1;2", "1e999")  # fmt: skip
# What the columns of each layout are called, and what its scores are called in the table.
LAYOUTS = {
    "cadd": ({"chrom": "#Chrom", "pos": "Pos", "ref": "Ref", "alt": "Alt"},
             {"RawScore": "CADD_RAW", "PHRED": "CADD_PHRED"}),
    "favor": ({"id": "variant_vcf"},
              {"apc_conservation": "apc_conservation", "cadd_phred": "CADD_PHRED",
               "linsight": "linsight", "genecode_comprehensive_info": "", "rsid": ""}),
    "score-table": ({"chrom": "chr", "pos": "pos", "ref": "ref", "alt": "alt", "gene": "gene_id",
                     "transcript": "transcript_id"},
                    {"mine": "mine", "REVEL": "REVEL", "cadd_raw": "CADD_RAW", "label": ""}),
}  # fmt: skip


@pytest.fixture(scope="module")
def house() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as con:
        yield con


def number_of(text: str) -> float | None:
    """A finite number; None for what is absent or none."""
    try:
        number = float(text)
    except ValueError:
        return None
    # -0 and 0 are one score
    return number + 0.0 if math.isfinite(number) else None


def random_table(chance: random.Random, layout: str) -> tuple[list[str], list[dict[str, str]]]:
    keys, scores = LAYOUTS[layout]
    rows = []
    for site in random_sites(chance, 25):
        for alt in site.alts:
            for _ in range(chance.choice([1, 1, 2])):
                key = f"{site.chrom}-{site.pos}-{site.ref}-{alt}"
                row = {"chrom": site.chrom, "pos": str(site.pos), "ref": site.ref, "alt": alt,
                       "id": key, "gene": chance.choice(["ENSG5.3", "ENSG6", "-"]),
                       "transcript": chance.choice(["ENST7.1", "NM_1.2", "."])}  # fmt: skip
                for name, stored in scores.items():
                    row[name] = chance.choice(CELLS) if stored else chance.choice(["a,b", "x", ""])
                rows.append(row)
    rows += chance.choices(rows, k=4)
    # a number in each, so that each is a score
    rows.append(rows[0] | dict.fromkeys((name for name, stored in scores.items() if stored), "1"))
    names = [*keys, *scores]
    return chance.sample(names, len(names)), rows


def expected(layout: str, rows: list[dict[str, str]]) -> tuple[list[Any], int]:
    """The rows of the table, and how many cells are neither numbers nor absent."""
    keys, scores = LAYOUTS[layout]
    found: dict[Any, None] = {}
    unreadable = 0
    for row in rows:
        kept = {}
        for name, stored in scores.items():
            number = number_of(row[name]) if stored else None
            if number is not None:
                kept[stored] = number
            unreadable += bool(stored) and number is None and row[name] not in ABSENT
        gene = row["gene"] if "gene" in keys and row["gene"] != "-" else None
        transcript = row["transcript"] if "gene" in keys and row["transcript"] != "." else None
        variant_id = "_".join(row[name] for name in ("chrom", "pos", "ref", "alt"))
        if kept:
            transcript = transcript and transcript.replace("ENST7.1", "ENST7")
            key = (variant_id, gene and gene.split(".")[0], transcript, tuple(sorted(kept.items())))
            found[key] = None
    return list(found), unreadable


def compare(con: duckdb.DuckDBPyConnection, layout: str, seed: int, folder: Path) -> None:
    chance = random.Random(f"{layout} {seed}")
    for table in ("raw.annotations", "load_manifest", "load_issues"):
        con.execute(f"delete from {table}")
    names, rows = random_table(chance, layout)
    keys, _ = LAYOUTS[layout]
    delimiter = "," if layout == "favor" else "\t"
    headings = [keys.get(name, name) for name in names]
    if layout == "cadd":
        # its first column begins with a hash
        names = ["chrom", *(name for name in names if name != "chrom")]
        headings = [keys.get(name, name) for name in names]
    cells = [[f'"{row[name]}"' if "," in row[name] and delimiter == "," else row[name]
              for name in names] for row in rows]  # fmt: skip
    top = ["## CADD GRCh38-v1.7 (c) someone"] if layout == "cadd" else []
    text = "\n".join([*top, *(delimiter.join(line) for line in [headings, *cells]), ""])
    if chance.random() < 0.3:
        text = text.replace("\n", "\r\n")
    path = folder / "scores.txt.gz"
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    report = load_one(con, "annotations", path, build="GRCh38")
    assert report.format == layout
    wanted, unreadable = expected(layout, rows)
    found = con.execute(
        "select variant_id, gene_id, transcript_id, scores from annotations"
    ).fetchall()
    got = [(*key, tuple(sorted(scores.items()))) for *key, scores in found]
    assert sorted(got, key=str) == sorted(wanted, key=str)
    assert report.notes.get("score_not_a_number", 0) == unreadable
    build_ranks = con.execute(
        "select variant_id, list(file_rank order by file_rank) from annotations group by all"
    ).fetchall()
    assert all(ranks == list(range(1, len(ranks) + 1)) for _, ranks in build_ranks)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_scores_are_those_of_the_twin(
    house: duckdb.DuckDBPyConnection, layout: str, seed: int, tmp_path: Path
) -> None:
    compare(house, layout, seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", MORE_SEEDS)
def test_scores_of_more_worlds(
    house: duckdb.DuckDBPyConnection, layout: str, seed: int, tmp_path: Path
) -> None:
    compare(house, layout, seed, tmp_path)
