"""Which allele of a BGEN file is the reference."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa

from varhouse.errors import DataError
from varhouse.ingest.arrow_tables import ArrowTables
from varhouse.ingest.genotypes.bgen_layout import BgenHeader, BgenRecord, records_of
from varhouse.ingest.genotypes.sites import contig_sql

Order = Literal["ref-first", "ref-last"]

_BATCH = 1 << 15
_MATCHES = f"""
    with alleles as (
        select
            {contig_sql("chrom")} as chrom,
            pos,
            upper(first) as first,
            upper(last) as last
        from file_alleles
    ),

    matched as (
        select
            exists (
                from raw.variants
                where variants.chrom = alleles.chrom
                    and variants.pos = alleles.pos
                    and variants.ref = alleles.first
                    and variants.alt = alleles.last
            ) as is_first,
            exists (
                from raw.variants
                where variants.chrom = alleles.chrom
                    and variants.pos = alleles.pos
                    and variants.ref = alleles.last
                    and variants.alt = alleles.first
            ) as is_last
        from alleles
    )

    select
        count(*) filter (where is_first),
        count(*) filter (where is_last),
        count(*) filter (where not is_first and not is_last)
    from matched
"""


def allele_order(
    con: duckdb.DuckDBPyConnection, path: Path, header: BgenHeader, said: Order | None
) -> Order:
    """Return the order that was said, or else the one in which the index has every variant.

    Raises
    ------
    DataError
        Nobody said it, and the variant index does not settle it.
    """
    if said is not None:
        return said
    counts = np.zeros(3, dtype=np.int64)
    records = records_of(path, header, with_data=False)
    with ArrowTables(con) as tables:
        while batch := list(islice(records, _BATCH)):
            tables.show("file_alleles", _table(batch))
            counts += con.execute(_MATCHES).fetchall()[0]
    n_first, n_last, n_neither = counts.tolist()
    n_variants = header.n_variants
    if (n_first == n_variants) != (n_last == n_variants):
        return "ref-first" if n_first == n_variants else "ref-last"
    raise DataError(
        f"{path}: which allele is the reference? A BGEN file does not say, and the variant index "
        f"does not settle it: of {n_variants} variants it has {n_first} with the first allele as "
        f"reference, {n_last} with the last, and {n_neither} not at all. Say --ref-first or "
        "--ref-last, or load a variant index that has them all."
    )


def _table(batch: list[BgenRecord]) -> pa.Table:
    return pa.table(
        {
            "chrom": pa.array([each.chrom for each in batch], pa.string()),
            "pos": pa.array([each.pos for each in batch], pa.int64()),
            "first": pa.array([each.alleles[0] for each in batch], pa.string()),
            "last": pa.array([each.alleles[1] for each in batch], pa.string()),
        }
    )
