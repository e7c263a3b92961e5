"""Tables of scores (CADD, FAVOR, one's own) of random worlds against a slow twin."""

from __future__ import annotations

import gzip
import math
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.loading import load_one
from tests.property.annotation_worlds import random_sites

SEEDS = range(4)
MORE_SEEDS = range(4, 80)
ABSENT = ("-", ".", "NA", "NaN", "nan", "")
CELLS = ("0", "-0", "1.5", "-2e-05", "+.5", "7.", "1E3", " 3 ", *ABSENT, "inf", "-Infinity", "low",
         "1e999")  # fmt: skip
LISTED = ("0", "0.25", "0.25", "-3", "7", ".", ".", "NA")
# of dbNSFP, whose order is that of its own transcripts
LOOSE = "MutationTaster_score"
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
    "dbnsfp": ({"chrom": "#chr", "pos": "pos(1-based)", "ref": "ref", "alt": "alt",
                "gene": "Ensembl_geneid", "transcript": "Ensembl_transcriptid"},
               {"SIFT_score": "SIFT_score", LOOSE: LOOSE, "CADD_phred": "CADD_PHRED",
                "SIFT_pred": "", "aapos": "", "hg19_chr": "", "hg19_pos(1-based)": ""}),
    "dbnsfp on GRCh37": ({"chrom": "hg19_chr", "pos": "hg19_pos(1-based)", "ref": "ref",
                          "alt": "alt", "gene": "Ensembl_geneid",
                          "transcript": "Ensembl_transcriptid"},
                         {"REVEL_score": "REVEL_score", LOOSE: LOOSE, "chr": "",
                          "pos(1-based)": "", "codonpos": ""}),
}  # fmt: skip


def number_of(text: str) -> float | None:
    """A finite number; None for what is absent or none."""
    try:
        number = float(text)
    except ValueError:
        return None
    # -0 and 0 are one score
    return number + 0.0 if math.isfinite(number) else None


def values_of(cell: str) -> list[str]:
    """The values of a cell, none where it is absent."""
    return [] if cell in ABSENT else cell.split(";")


def random_cell(chance: random.Random, n: int) -> str:
    """One value, one for each of n transcripts, or some other number of them."""
    number = chance.choice([1, 1, n, n, n, 2, 3])
    if number == 1:
        return chance.choice(CELLS)
    return ";".join(chance.choice(LISTED if chance.random() < 0.97 else CELLS)
                    for _ in range(number))  # fmt: skip


def random_list(chance: random.Random, names: list[str], n: int) -> str:
    listed = [chance.choice(names) for _ in range(n)]
    return chance.choice([";".join(listed), ";".join(listed), listed[0], "."])


def random_table(chance: random.Random, layout: str) -> tuple[list[str], list[dict[str, str]]]:
    keys, scores = LAYOUTS[layout]
    rows = []
    for site in random_sites(chance, 25):
        for alt in site.alts:
            for _ in range(chance.choice([1, 1, 2])):
                key = f"{site.chrom}-{site.pos}-{site.ref}-{alt}"
                n = chance.choice([1, 1, 2, 3])
                row = {
                    "chrom": site.chrom,
                    "pos": str(site.pos),
                    "ref": site.ref,
                    "alt": alt,
                    "id": key,
                    "gene": random_list(chance, ["ENSG5.3", "ENSG6", "-"], n),
                    "transcript": random_list(chance, ["ENST7.1", "NM_1.2", "ENST8", "."], n),
                }
                for name, stored in scores.items():
                    row[name] = (
                        random_cell(chance, n) if stored else chance.choice(["a,b", "x", ""])
                    )
                rows.append(row)
    rows += chance.choices(rows, k=4)
    # a number in each, so that each is a score
    rows.append(rows[0] | dict.fromkeys((name for name, stored in scores.items() if stored), "1"))
    names = [*keys, *scores]
    return chance.sample(names, len(names)), rows


def listed_at(values: list[str], n: int, place: int) -> str | None:
    """Which of a list of genes or transcripts is that of a row; None where nothing tells."""
    if len(values) == n:
        found: str | None = values[place]
    else:
        found = values[0] if len(set(values)) == 1 else None
    return None if found in ABSENT else found


def are_numbers(values: list[str]) -> bool:
    """Whether each of several values is absent or a finite number, and one is a number."""
    numbers = [number_of(value) for value in values]
    return (
        len(values) > 1
        and any(number is not None for number in numbers)
        and all(n is not None or v in ABSENT for n, v in zip(numbers, values, strict=True))
    )


def expected(layout: str, rows: list[dict[str, str]]) -> tuple[list[Any], int, int]:
    """The rows of the table, how many cells are no numbers, and how many rows are repeated."""
    keys, scores = LAYOUTS[layout]
    found: dict[Any, Any] = {}
    unreadable = repeated = 0
    for row in rows:
        has_keys = "gene" in keys
        transcripts = values_of(row["transcript"]) if has_keys else []
        genes = values_of(row["gene"]) if has_keys else []
        n = len(transcripts) or len(genes) or 1
        variant_id = "_".join(row[name] for name in ("chrom", "pos", "ref", "alt"))
        lists = {name: values_of(row[name]) for name in scores if scores[name]}
        for values in lists.values():
            # a semicolon at the end, where no transcript's value is missing behind it
            if values[-1:] == [""] and not (has_keys and len(values) == n):
                values.pop()
        loose = {
            scores[name]: values for name, values in lists.items()
            if are_numbers(values) and (not has_keys or len(values) != n or name == LOOSE)
        }  # fmt: skip
        for place in range(n):
            gene, transcript = listed_at(genes, n, place), listed_at(transcripts, n, place)
            gene = gene and gene.split(".")[0]
            kept = {}
            for name, stored in scores.items():
                cell = row[name]
                if not stored or stored in loose:
                    continue
                if len(lists[name]) > 1:
                    if not any(value not in ABSENT for value in lists[name]):
                        continue
                    if has_keys and len(lists[name]) == n and name != LOOSE:
                        cell = lists[name][place]
                elif lists[name]:
                    cell = lists[name][0]
                number = number_of(cell)
                if number is not None:
                    kept[stored] = number
                unreadable += number is None and cell not in ABSENT
            if kept:
                own = tuple(sorted(kept.items()))
                shown = transcript and transcript.replace("ENST7.1", "ENST7")
                told = place if n > 1 and transcript is None else None
                repeated += (variant_id, gene, shown, own, told) in found
                found[variant_id, gene, shown, own, told] = (variant_id, gene, shown, own)
            for number in range(max((len(values) for values in loose.values()), default=0)):
                values = {name: number_of(each[number]) for name, each in loose.items()
                          if len(each) > number}  # fmt: skip
                own = tuple(sorted((name, v) for name, v in values.items() if v is not None))
                if own:
                    said = (variant_id, gene, number, str(loose))
                    found[said] = (variant_id, gene, None, own)
    return list(found.values()), unreadable, repeated


def compare(con: duckdb.DuckDBPyConnection, layout: str, seed: int, folder: Path) -> None:
    chance = random.Random(f"{layout} {seed}")
    for table in ("raw.annotations", "load_manifest", "load_issues"):
        con.execute(f"delete from {table}")
    names, rows = random_table(chance, layout)
    keys, _ = LAYOUTS[layout]
    delimiter = "," if layout == "favor" else "\t"
    headings = [keys.get(name, name) for name in names]
    if any(heading.startswith("#") for heading in headings):
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
    build = "GRCh37" if layout.endswith("GRCh37") else "GRCh38"
    report = load_one(con, "annotations", path, build=build)
    assert report.format == layout.split()[0]
    wanted, unreadable, repeated = expected(layout, rows)
    found = con.execute(
        "select variant_id, gene_id, transcript_id, scores from annotations"
    ).fetchall()
    got = [(*key, tuple(sorted(scores.items()))) for *key, scores in found]
    assert sorted(got, key=str) == sorted(wanted, key=str)
    assert report.notes.get("score_not_a_number", 0) == unreadable
    assert report.rejected.get("duplicate_row", 0) == repeated
    build_ranks = con.execute(
        "select variant_id, list(file_rank order by file_rank) from annotations group by all"
    ).fetchall()
    assert all(ranks == list(range(1, len(ranks) + 1)) for _, ranks in build_ranks)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_scores_are_those_of_the_twin(
    con: duckdb.DuckDBPyConnection, layout: str, seed: int, tmp_path: Path
) -> None:
    compare(con, layout, seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", MORE_SEEDS)
def test_scores_of_more_worlds(
    con: duckdb.DuckDBPyConnection, layout: str, seed: int, tmp_path: Path
) -> None:
    compare(con, layout, seed, tmp_path)
