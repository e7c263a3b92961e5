"""Small genotype files, written byte by byte, and the table that a warehouse made of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from tests.loading import load_each

from varhouse.ingest.load import LoadReport

Call = tuple[str, str]
Genotypes = dict[tuple[str, str], float | None]
"""(variant_id, donor_id) -> dosage, what is not there is homozygous for the reference."""


def write_vcf(
    path: Path,
    donors: Sequence[str],
    records: Sequence[str],
    *,
    header: Sequence[str] = (),
) -> Path:
    """Write records as ``chrom pos id ref alt format call call ...``, split at blanks."""
    lines = ["##fileformat=VCFv4.2", *header]
    fixed = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    lines.append("\t".join([*fixed, *donors]))
    for record in records:
        cells = record.split()
        lines.append("\t".join([*cells[:5], ".", "PASS", ".", *cells[5:]]))
    path.write_text("\n".join([*lines, ""]))
    return path


def write_bed(
    path: Path,
    donors: Sequence[str],
    variants: Sequence[tuple[str, int, str, str]],
    copies: Sequence[Sequence[int | None]],
) -> Path:
    """Write (chrom, pos, ref, alt) and copies of alt, None for missing; A1 is alt."""
    bits = {2: 0b00, None: 0b01, 1: 0b10, 0: 0b11}
    content = bytearray(b"\x6c\x1b\x01")
    for row in copies:
        for start in range(0, len(row), 4):
            byte = 0
            for place, call in enumerate(row[start : start + 4]):
                byte |= bits[call] << (2 * place)
            content.append(byte)
    path.write_bytes(bytes(content))
    path.with_suffix(".fam").write_text("".join(f"F {donor} 0 0 1 -9\n" for donor in donors))
    path.with_suffix(".bim").write_text(
        "".join(f"{chrom}\t.\t0\t{pos}\t{alt}\t{ref}\n" for chrom, pos, ref, alt in variants)
    )
    return path


def write_pgen(
    path: Path,
    donors: Sequence[str],
    variants: Sequence[tuple[str, int, str, str]],
    copies: Sequence[Sequence[int | None]],
    *,
    nonref: bool = False,
) -> Path:
    """Write the same as `write_bed` with pgenlib's own writer."""
    import pgenlib

    writer = pgenlib.PgenWriter(
        str(path).encode(), len(donors), variant_ct=len(variants), nonref_flags=nonref
    )
    for row in copies:
        writer.append_biallelic(np.array([-9 if n is None else n for n in row], dtype=np.int8))
    writer.close()
    path.with_suffix(".psam").write_text("#IID\tSEX\n" + "".join(f"{d}\t2\n" for d in donors))
    path.with_suffix(".pvar").write_text(
        "#CHROM\tPOS\tID\tREF\tALT\n"
        + "".join(f"{chrom}\t{pos}\t.\t{ref}\t{alt}\n" for chrom, pos, ref, alt in variants)
    )
    return path


def load_genotypes(
    con: duckdb.DuckDBPyConnection, *paths: Path, build: str | None = "GRCh37", **options: Any
) -> list[LoadReport]:
    """Load files with a build and free options."""
    return load_each(con, "genotypes", *paths, build=build, **options)


def stored(con: duckdb.DuckDBPyConnection) -> Genotypes:
    """Return every row of the view ``genotypes`` by the ids it stands for."""
    rows = con.execute("""
        select variants.variant_id, donors.donor_id, genotypes.dosage
        from genotypes
        inner join variants using (variant_idx)
        inner join donors using (donor_idx)
    """).fetchall()
    found = {(variant, donor): dosage for variant, donor, dosage in rows}
    assert len(found) == len(rows), "a variant and donor occurs twice"
    return found


def check_numbering(con: duckdb.DuckDBPyConnection) -> None:
    """Check that the index is dense and in order, and that rows of a variant lie together."""
    variants = con.execute(
        "select chrom, pos, ref, alt, variant_idx from raw.variants order by variant_idx"
    ).fetchall()
    assert [row[4] for row in variants] == list(range(len(variants)))
    contigs = [*map(str, range(1, 23)), "X", "Y", "MT"]
    keys = [(contigs.index(chrom), pos, ref, alt) for chrom, pos, ref, alt, _ in variants]
    assert keys == sorted(set(keys))
    for table in ("raw.genotypes_rare", "raw.genotypes_common"):
        index = con.execute(f"select variant_idx from {table} order by rowid").fetchall()
        runs = [variant for variant, _ in itertools.groupby(index)]
        assert len(runs) == len(set(runs))
