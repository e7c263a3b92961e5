"""Genotypes as VCF: GT where all calls of a variant are whole copies, DS where they are not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse import __version__
from varhouse.bgzf import BgzfWriter
from varhouse.export.calls import CallBlock, Site, call_blocks, read_cohort
from varhouse.file_formats import is_packed
from varhouse.output import whole_file

_UNITS = 16_384
"""Dosages are whole multiples of 1/16384; five decimals tell them apart."""

_MISSING = 3
_DIPLOID = np.frombuffer(b"\t0/0\t0/1\t1/1\t./.", dtype=np.uint32)
_HAPLOID = np.array(["0", "1", "1/1", "."])
_MIXED = np.array(["0/0", "0/1", "1/1", "./."])


class VcfWritten(NamedTuple):
    """What `write_vcf` wrote.

    Attributes
    ----------
    n_dosage_variants
        Variants with DS in place of GT.
    """

    n_variants: int
    n_donors: int
    n_dosage_variants: int


def write_vcf(
    con: duckdb.DuckDBPyConnection, out: Path, *, contig_lengths: Mapping[str, int]
) -> VcfWritten:
    """Write VCF 4.2, sorted, ``variant_id`` as ID; BGZF where the name ends in .gz.

    A donor with one copy of a place has a haploid call there. Phase is not stored, so calls are
    unphased. Reads and writes block by block.

    Parameters
    ----------
    con
        An open warehouse.
    out
        The file.
    contig_lengths
        Contigs -> lengths for the header; empty where the build is not known.

    Raises
    ------
    DataError
        There are no genotypes.
    UsageError
        The folder does not exist.
    """
    cohort = read_cohort(con)
    n_variants = n_dosage_variants = 0
    with whole_file(out) as part, part.open("wb") as raw:
        packed = BgzfWriter(raw) if is_packed(out) else nullcontext(raw)
        with packed as stream:
            stream.write(_header(cohort.ids, contig_lengths).encode())
            for block in call_blocks(con, cohort):
                lines, n_with_dosages = _lines(block)
                stream.write(lines)
                n_variants += len(block.sites)
                n_dosage_variants += n_with_dosages
    return VcfWritten(n_variants, len(cohort.ids), n_dosage_variants)


def vcf_head(contig_lengths: Mapping[str, int]) -> str:
    """Return the lines that any VCF of ours begins with."""
    contigs = "".join(
        f"##contig=<ID={name},length={length}>\n" for name, length in contig_lengths.items()
    )
    return f"##fileformat=VCFv4.2\n##source=varhouse {__version__}\n{contigs}"


def _header(donors: list[str], contig_lengths: Mapping[str, int]) -> str:
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *donors]
    return (
        vcf_head(contig_lengths) + '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        '##FORMAT=<ID=DS,Number=A,Type=Float,Description="Copies of the alternative allele">\n'
        + "\t".join(columns)
        + "\n"
    )


def _lines(block: CallBlock) -> tuple[bytes, int]:
    """Return the records of a block as text, and how many have dosages."""
    is_missing = np.isnan(block.dosage)
    units = np.rint(np.where(is_missing, np.float32(0), block.dosage) * _UNITS).astype(np.int32)
    has_dosages: NDArray[np.bool_] = np.any(units % _UNITS != 0, axis=1)
    copies = np.where(is_missing, _MISSING, units // _UNITS)
    has_haploid: NDArray[np.bool_] = np.any(block.is_haploid, axis=1)
    lines = []
    for row, site in enumerate(block.sites):
        if has_dosages[row]:
            calls = "\t" + "\t".join(_dosages(units[row], is_missing[row]))
            lines.append(_fixed(site, "DS") + calls.encode())
        elif has_haploid[row]:
            texts = np.where(block.is_haploid[row], _HAPLOID[copies[row]], _MIXED[copies[row]])
            lines.append(_fixed(site, "GT") + ("\t" + "\t".join(texts.tolist())).encode())
        else:
            lines.append(_fixed(site, "GT") + _DIPLOID[copies[row]].tobytes())
    return b"\n".join([*lines, b""]), int(has_dosages.sum())


def _fixed(site: Site, what: str) -> bytes:
    fields = (site.chrom, str(site.pos), site.variant_id, site.ref, site.alt, ".", ".", ".", what)
    return "\t".join(fields).encode()


def _dosages(units: NDArray[np.int32], is_missing: NDArray[np.bool_]) -> list[str]:
    found, place = np.unique(units, return_inverse=True)
    texts = np.array([f"{value / _UNITS:.5f}".rstrip("0").rstrip(".") for value in found])
    spelled: list[str] = np.where(is_missing, ".", texts[place]).tolist()
    return spelled
