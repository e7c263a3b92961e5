"""Genotypes as PLINK 1 files: ``.bed``, ``.bim`` and ``.fam``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.export.calls import call_blocks, read_cohort
from varhouse.output import whole_file

_MAGIC = b"\x6c\x1b\x01"
_HARD_CALL_THRESHOLD = 0.1
"""A dosage this near to 0, 1 or 2 is a call (as PLINK 2's --hard-call-threshold)."""

# Two bits for no, one and two copies of A1, and for missing.
_BITS = np.array([0b11, 0b10, 0b00, 0b01], dtype=np.uint8)
_MISSING = 3


class Plink1Written(NamedTuple):
    """What `write_plink1` wrote.

    Attributes
    ----------
    n_uncertain
        Dosages too far from 0, 1 and 2 to be calls, written as missing.
    """

    n_variants: int
    n_donors: int
    n_uncertain: int


def write_plink1(con: duckdb.DuckDBPyConnection, prefix: Path) -> Plink1Written:
    """Write ``prefix.bed``, ``prefix.bim`` and ``prefix.fam``: A1 is the alternative allele.

    A haploid call is written as two copies, as PLINK does. Reads and writes block by block.

    Raises
    ------
    DataError
        There are no genotypes, or an id has a blank in it.
    UsageError
        The folder does not exist.
    """
    cohort = read_cohort(con)
    n_split = sum(donor.split() != [donor] for donor in cohort.ids)
    if n_split:
        raise DataError(
            f"{n_split} donor ids have blanks in them, where a .fam begins a new column; "
            "export to VCF, or load the genotypes under other ids."
        )
    n_variants = n_uncertain = 0
    with ExitStack() as stack:
        bed_path, bim_path, fam_path = (
            stack.enter_context(whole_file(prefix.with_name(prefix.name + suffix)))
            for suffix in (".bed", ".bim", ".fam")
        )
        with fam_path.open("w", encoding="utf-8", newline="\n") as fam:
            for donor, sex in zip(cohort.ids, cohort.sex, strict=True):
                fam.write(f"0\t{donor}\t0\t0\t{sex}\t-9\n")
        with (
            bed_path.open("wb") as bed,
            bim_path.open("w", encoding="utf-8", newline="\n") as bim,
        ):
            bed.write(_MAGIC)
            for block in call_blocks(con, cohort):
                codes, uncertain = _codes(block.dosage, block.is_haploid)
                bed.write(_packed(codes).tobytes())
                bim.writelines(
                    f"{site.chrom}\t{site.variant_id}\t0\t{site.pos}\t{site.alt}\t{site.ref}\n"
                    for site in block.sites
                )
                n_variants += len(block.sites)
                n_uncertain += uncertain
    return Plink1Written(n_variants, len(cohort.ids), n_uncertain)


def _codes(
    dosage: NDArray[np.float32], is_haploid: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], int]:
    """Return copies, `_MISSING` for none, and how many dosages are no calls."""
    is_missing = np.isnan(dosage)
    copies = np.rint(np.where(is_missing, np.float32(0), dosage))
    # the distance is NaN, and so not above the threshold, where the call is missing
    is_uncertain = np.abs(dosage - copies) > _HARD_CALL_THRESHOLD
    codes = np.where(is_haploid & (copies == 1), 2, copies).astype(np.uint8)
    codes[is_missing | is_uncertain] = _MISSING
    return codes, int(is_uncertain.sum())


def _packed(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return four calls a byte, the first in the lowest bits, the rest of the last byte 0."""
    n_variants, n_donors = codes.shape
    bits = np.zeros((n_variants, -(-n_donors // 4) * 4), dtype=np.uint8)
    bits[:, :n_donors] = _BITS[codes]
    quads = bits.reshape(n_variants, -1, 4)
    packed: NDArray[np.uint8] = (
        quads[:, :, 0] | quads[:, :, 1] << 2 | quads[:, :, 2] << 4 | quads[:, :, 3] << 6
    )
    return packed
