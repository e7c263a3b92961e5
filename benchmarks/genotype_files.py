"""One simulated cohort in every genotype format, by the formats' own writers or numpy.

Of the variants, 39,454 in 136,776 are rare (frequencies as 1/x from 1/1962 to 0.05), the others
common (0.05 to 0.5); one in 60 has the rarer allele as reference. Half a percent of the calls is
missing. VCF text is written by numpy, BCF by htslib from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from varhouse.bgzf import BgzfWriter

CHROM, FIRST_POS, SPACING = "22", 16_000_000, 250
_RARE_SHARE, _SWAPPED_SHARE, _MISSING_SHARE = 39_454 / 136_776, 1 / 60, 0.005
_BLOCK = 4_096
_MISSING = -9

Calls = NDArray[np.int8]


@dataclass(frozen=True)
class Cohort:
    """What is simulated; blocks are drawn anew, and alike, whenever they are asked for."""

    n_variants: int
    n_donors: int
    seed: int

    @property
    def donors(self) -> list[str]:
        """Ids of the donors."""
        return [f"D{place:06}" for place in range(self.n_donors)]

    def blocks(self) -> Iterator[tuple[int, Calls]]:
        """Yield the number of the first variant, from 0, and calls (variants, donors)."""
        rng = np.random.default_rng(self.seed)
        for start in range(0, self.n_variants, _BLOCK):
            n = min(_BLOCK, self.n_variants - start)
            least = 1 / (2 * self.n_donors)
            rare = least * (0.05 / least) ** rng.random(n)
            frequency = np.where(rng.random(n) < _RARE_SHARE, rare, rng.uniform(0.05, 0.5, n))
            frequency = np.where(rng.random(n) < _SWAPPED_SHARE, 1 - frequency, frequency)
            drawn = rng.random((n, self.n_donors), dtype=np.float32)
            both = (frequency**2)[:, None].astype(np.float32)
            either = (1 - (1 - frequency) ** 2)[:, None].astype(np.float32)
            calls = (drawn < both).astype(np.int8) + (drawn < either)
            calls[rng.random((n, self.n_donors), dtype=np.float32) < _MISSING_SHARE] = _MISSING
            yield start, calls

    def alleles(self, place: int) -> tuple[str, str]:
        """Return reference and alternative allele of a variant."""
        return ("A", "G") if place % 3 else ("C", "T")

    def summary(self) -> tuple[int, int, int]:
        """Return calls that are not homozygous for the reference, alternative alleles, missing."""
        n_non_ref, n_alleles, n_missing = 0, 0, 0
        for _, calls in self.blocks():
            counts = np.bincount((calls & 3).ravel(), minlength=4)  # -9 & 3 is 3
            n_non_ref += int(counts[1] + counts[2])
            n_alleles += int(counts[1] + 2 * counts[2])
            n_missing += int(counts[3])
        return n_non_ref, n_alleles, n_missing

    def sites(self, start: int, n: int) -> Iterator[tuple[int, str, str, str]]:
        """Yield position, name, reference and alternative allele."""
        for place in range(start, start + n):
            yield (FIRST_POS + SPACING * place, f"rs{place + 1}", *self.alleles(place))


def write_bed(cohort: Cohort, stem: Path) -> Path:
    """Write PLINK 1: two bits a call, A1 the alternative allele."""
    code = np.array([3, 2, 0, 1], dtype=np.uint8)  # of no copy, one, two, missing
    path = stem.with_suffix(".bed")
    with path.open("wb") as bed, stem.with_suffix(".bim").open("w") as bim:
        bed.write(b"\x6c\x1b\x01")
        for start, calls in cohort.blocks():
            padded = np.zeros((len(calls), -(-cohort.n_donors // 4) * 4), dtype=np.uint8)
            padded[:, : cohort.n_donors] = code[calls & 3]
            quads = padded.reshape(len(calls), -1, 4)
            shifts = np.array([0, 2, 4, 6], dtype=np.uint8)
            bed.write(np.bitwise_or.reduce(quads << shifts, axis=2).tobytes())
            for pos, name, ref, alt in cohort.sites(start, len(calls)):
                bim.write(f"{CHROM}\t{name}\t0\t{pos}\t{alt}\t{ref}\n")
    fam = "".join(f"0\t{donor}\t0\t0\t0\t-9\n" for donor in cohort.donors)
    stem.with_suffix(".fam").write_text(fam, encoding="utf-8")
    return path


def write_pgen(cohort: Cohort, stem: Path) -> Path:
    """Write PLINK 2 with pgenlib."""
    from pgenlib import PgenWriter

    path = stem.with_suffix(".pgen")
    writer = PgenWriter(
        str(path).encode(), cohort.n_donors, variant_ct=cohort.n_variants, nonref_flags=False
    )
    with stem.with_suffix(".pvar").open("w") as pvar:
        pvar.write("#CHROM\tPOS\tID\tREF\tALT\n")
        for start, calls in cohort.blocks():
            writer.append_biallelic_batch(np.ascontiguousarray(calls))
            for pos, name, ref, alt in cohort.sites(start, len(calls)):
                pvar.write(f"{CHROM}\t{pos}\t{name}\t{ref}\t{alt}\n")
    writer.close()
    psam = "#IID\tSEX\n" + "".join(f"{donor}\tNA\n" for donor in cohort.donors)
    stem.with_suffix(".psam").write_text(psam, encoding="utf-8")
    return path


def write_bgen(cohort: Cohort, stem: Path) -> Path:
    """Write BGEN 1.2 (8 bits, zlib, the reference first) with the bgen package."""
    from bgen import BgenWriter

    path = stem.with_suffix(".bgen")
    chances = np.zeros((4, 3))
    chances[[0, 1, 2], [0, 1, 2]] = 1
    chances[3] = np.nan
    with BgenWriter(
        str(path), cohort.n_donors, samples=cohort.donors, compression="zlib"
    ) as writer:
        for start, calls in cohort.blocks():
            rows = zip(calls & 3, cohort.sites(start, len(calls)), strict=True)
            for row, (pos, name, ref, alt) in rows:
                writer.add_variant(name, name, CHROM, pos, [ref, alt], chances[row], bit_depth=8)
    return path


def write_vcf(cohort: Cohort, stem: Path) -> Path:
    """Write VCF, BGZF compressed."""
    texts = np.frombuffer(b"\t0/0\t0/1\t1/1\t./.", dtype=np.uint32)
    path = stem.with_suffix(".vcf.gz")
    head = f"##fileformat=VCFv4.3\n##contig=<ID={CHROM},length=50818468>\n"
    head += '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t"
    with path.open("wb") as stream, BgzfWriter(stream, level=1) as file:
        file.write((head + columns + "\t".join(cohort.donors) + "\n").encode())
        for start, calls in cohort.blocks():
            lines = bytearray()
            rows = zip(texts[calls & 3], cohort.sites(start, len(calls)), strict=True)
            for row, (pos, name, ref, alt) in rows:
                fixed = f"{CHROM}\t{pos}\t{name}\t{ref}\t{alt}\t.\tPASS\t.\tGT"
                lines += fixed.encode() + row.tobytes() + b"\n"
            file.write(bytes(lines))
    return path


def write_bcf(cohort: Cohort, stem: Path) -> Path:
    """Write BCF with htslib, from the VCF that is made where it is not there."""
    from cyvcf2 import VCF, Writer

    text = stem.with_suffix(".vcf.gz")
    if not text.exists():
        write_vcf(cohort, stem)
    path = stem.with_suffix(".bcf")
    reader = VCF(str(text))
    writer = Writer(str(path), reader, mode="wb")
    for record in reader:
        writer.write_record(record)
    writer.close()
    reader.close()
    return path


WRITERS = {
    "pgen": write_pgen,
    "bed": write_bed,
    "bgen": write_bgen,
    "vcf": write_vcf,
    "bcf": write_bcf,
}
