"""Which variants and samples of a genotype file to keep, as the user said it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError, UsageError
from varhouse.ingest.format import LoadOptions
from varhouse.ingest.keys import chrom_sql
from varhouse.sql_text import text_literal

RARE_BELOW = 0.05
"""Variants of a minor allele frequency below this lie in ``raw.genotypes_rare``."""

_HEADER = "#IID"

_REGION = re.compile(r"(?P<chrom>[^:\s]+)(?::(?P<start>[0-9,]+)-(?P<end>[0-9,]+))?")


def regions_sql(con: duckdb.DuckDBPyConnection, regions: Sequence[str]) -> str:
    """Return a condition on ``chrom`` and ``pos`` that holds inside one of the regions.

    Raises
    ------
    UsageError
        A region is not ``CHR`` or ``CHR:START-END``, or its contig is not one of the house.
    """
    if not regions:
        return "true"
    return "(" + " or ".join(_region_sql(con, region) for region in regions) + ")"


def _region_sql(con: duckdb.DuckDBPyConnection, region: str) -> str:
    found = _REGION.fullmatch(region.strip())
    if found is None:
        raise UsageError(f"--region {region}: wanted is CHR or CHR:START-END, as in 22:1000-2000.")
    ((chrom,),) = con.execute(f"select {chrom_sql('$1')}", [found["chrom"]]).fetchall()
    if chrom is None:
        raise UsageError(f"--region {region}: the contig is not one of 1..22, X, Y, MT.")
    inside = f"chrom = {text_literal(chrom)}"
    if found["start"] is None:
        return inside
    start, end = (int(found[name].replace(",", "") or "0") for name in ("start", "end"))
    if not 1 <= start <= end:
        raise UsageError(f"--region {region}: the start is below 1 or after the end.")
    return f"({inside} and pos between {start} and {end})"


def sample_list(path: Path | None) -> frozenset[str] | None:
    """Return the ids in a file of one id a line, None without a file.

    A header ``#IID`` is skipped, as are blank lines.

    Raises
    ------
    DataError
        The file is not text, or has no ids.
    """
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not text in UTF-8 (--samples).") from error
    # the names of samples of VCF and BGEN may have blanks in them, and begin with #
    ids = {line.strip() for line in text.split("\n")} - {"", _HEADER}
    if all(each.startswith("#") for each in ids):
        raise DataError(f"{path}: no sample ids in the file (--samples).")
    return frozenset(ids)


def count_absent(path: Path | None, wanted: frozenset[str], samples: Sequence[str]) -> int:
    """Return how many ids of a list no sample has; a comment is none.

    Raises
    ------
    DataError
        A line is not the id of a sample and has more than one field.
    """
    absent = {each for each in wanted.difference(samples) if not each.startswith("#")}
    n_fields = max((len(each.split()) for each in absent), default=0)
    if n_fields > 1:
        raise DataError(
            f"{path}: a line of {n_fields} fields found that is not the id of a sample; wanted is "
            "one id a line (--samples)."
        )
    return len(absent)


def within_maf(maf: NDArray[np.float64], options: LoadOptions) -> NDArray[np.bool_]:
    """Return which variants have min_maf <= MAF < max_maf; NaN has neither bound's favour."""
    inside = np.ones(len(maf), dtype=np.bool_)
    if options.min_maf is not None:
        inside &= maf >= options.min_maf
    if options.max_maf is not None:
        inside &= maf < options.max_maf
    return inside
