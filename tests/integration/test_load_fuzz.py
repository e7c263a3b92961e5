"""Damaged lines end in a count or in an error of ours, never in a traceback, and load nothing half.

Each text format gets a few good lines; three at a time are mutated, 300 in all, from a fixed seed.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import duckdb
import pytest
from load_inputs import GENE_HEADER, SLICE, counts, evidence_row, gene_line, target_line

from varhouse.errors import VarhouseError
from varhouse.ingest.load import load_files

N_FILES = 100
N_MUTATED_LINES = 3
# What tends to break readers: delimiters, quotes, line ends, controls, numbers at the edge.
FRAGMENTS = (
    "\t", ",", " ", '"', "'", "\\", "\r", "\n", "\r\n", "\x00", "\x01", "\x1a", "\ufeff", "\u2028",
    "-", ".", "NaN", "inf", "-1", "1e999", "1e-400", "99999999999999999999", "0x1F", "null", "{",
    "}", "[", "]", "<", ">", "_", ":", ";", "%s", "$1", "ß", "\U0001f9ec", "#", "--",
    "chr", "' or 1=1",
)  # fmt: skip

VEP_COLUMNS = "#Uploaded_variation\tLocation\tAllele\tGene\tFeature\tFeature_type\tConsequence\t"
VEP_ROW = "22_100_G_A\t22:100\tA\tENSG1\tENST1\tTranscript\tmissense_variant\t"
VEP_JSON = {
    "id": "22_100_G_A", "input": "22\t100\t.\tG\tA", "seq_region_name": "22", "start": 100,
    "strand": 1, "allele_string": "G/A", "assembly_name": "GRCh37",
    "transcript_consequences": [
        {"gene_id": "ENSG1", "transcript_id": "ENST1", "variant_allele": "A", "impact": "LOW",
         "consequence_terms": ["missense_variant"]},
    ],
}  # fmt: skip
SLICE_LINE = "\t".join(str(evidence_row()[column]) for column in SLICE)
TARGET_HEADER = (
    "id\tapprovedSymbol\tbiotype\tchromosome\tstart\tend\tstrand\tcanonical_transcript\t"
    "canonical_start\tcanonical_end\tcanonical_strand"
)

PARTS = ("chrom", "pos", "ref", "alt")

# Format -> kind, build and good lines.
CASES: dict[str, tuple[str, str, list[str]]] = {
    "opentargets-slice-tsv": ("evidence", "GRCh37", [SLICE_LINE] * 3),
    "variant-index": ("variants", "GRCh37", ["variant_id,rsid", "1_5_A_T,rs1", '"1_6_A_T",rs2']),
    "gene-table": ("genes", "GRCh37", [GENE_HEADER, gene_line(), gene_line(gene_id="ENSG2")]),
    "opentargets-target-tsv": (
        "genes", "GRCh38", [TARGET_HEADER, target_line(), target_line(id="ENSG2")],
    ),
    "tags": (
        "tags", "GRCh37", ["study_id\tlead\ttag\tr2", *(f"s\t1_5_A_T\t1_{n}_A_T\t1" for n in "56")],
    ),
    "opentargets-v2d": (
        "tags", "GRCh37",
        ["study_id\t" + "\t".join(f"{side}_{part}" for side in ("lead", "tag") for part in PARTS)
         + "\tr2", *["s\t1\t5\tA\tT\t1\t6\tA\tT\t0.5"] * 2],
    ),
    "credible-sets": (
        "tags", "GRCh37", ["study_id\tcs_id\tvariant\tpip", *["s\ta\tchr1:5:A:T\t0.5"] * 2],
    ),
    "source-weights": ("weights", "GRCh37", ["source_id\tweight", "vep\t1", "gtex_v7\t0.66"]),
    "vep-tab": ("vep", "GRCh37", [VEP_COLUMNS + "IMPACT", VEP_ROW + "LOW", VEP_ROW + "HIGH"]),
    "vep-default": ("vep", "GRCh37", [VEP_COLUMNS + "Extra", VEP_ROW + "IMPACT=LOW;A=1"] * 1),
    "vep-json": ("vep", "GRCh37", [json.dumps(VEP_JSON)] * 2),
}  # fmt: skip


def mutated_line(line: str, chance: random.Random) -> str:
    """Return a line damaged in one of seven ways."""
    at = chance.randrange(len(line) + 1)
    cells = line.split("\t")
    match chance.randrange(7):
        case 0:
            return line[:at] + chance.choice(FRAGMENTS) + line[at:]
        case 1:
            return line[:at]
        case 2:
            return line[:at] + line[at + chance.randrange(1, 8) :]
        case 3 | 4:
            cells[chance.randrange(len(cells))] = chance.choice(FRAGMENTS)
            return "\t".join(cells)
        case 5:
            chance.shuffle(cells)
            return "\t".join(cells)
        case _:
            return "".join(chance.choice(FRAGMENTS) for _ in range(chance.randrange(1, 30)))


def mutated_file(lines: list[str], chance: random.Random) -> bytes:
    """Return the lines with some of them damaged, and now and then a byte that is not text."""
    damaged = list(lines)
    for _ in range(chance.randint(1, 2 * N_MUTATED_LINES - 1)):
        where = chance.randrange(len(damaged))
        damaged[where] = mutated_line(damaged[where], chance)
    content = "\n".join(damaged).encode()
    if content and chance.random() < 0.1:
        spot = chance.randrange(len(content))
        content = content[:spot] + bytes([chance.randrange(256)]) + content[spot + 1 :]
    return content


@pytest.mark.parametrize("layout", CASES)
def test_damaged_lines_never_end_in_a_traceback(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, layout: str
) -> None:
    kind, build, lines = CASES[layout]
    chance = random.Random(layout)
    path = tmp_path / "fuzz.txt"
    n_taken, refusals = 0, list[str]()
    for number in range(N_FILES):
        path.write_bytes(mutated_file(lines, chance))
        before = counts(con)
        try:
            (report,) = load_files(
                con, kind, [path], build=build, source_id=None, dry_run=True,
                format=layout if number % 2 else None,
            )  # fmt: skip
        except VarhouseError as error:
            refusals.append(str(error))
        else:
            n_taken += 1
            assert report.n_read == report.n_loaded + report.n_rejected
        assert counts(con) == before
    assert refusals
    assert all(str(path) in message for message in refusals)
    assert n_taken > 0
