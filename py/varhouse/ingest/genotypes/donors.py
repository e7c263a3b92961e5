"""Donors of the genotypes: a warehouse holds one cohort."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.ingest.arrow_tables import seen_as
from varhouse.ingest.donors.register import genotype_overlap
from varhouse.ingest.format import SourceFile
from varhouse.ingest.genotypes.block import GenotypeReader


def place_donors(
    con: duckdb.DuckDBPyConnection, source: SourceFile, reader: GenotypeReader, load_id: int
) -> NDArray[np.uint32]:
    """Return ``donor_idx`` of each of the reader's samples, new donors added to ``raw.donors``.

    Raises
    ------
    DataError
        Genotypes are loaded already and their donors are not the samples of this file; or other
        files have named donors, and no sample is one of them.
    """
    table = pa.table(
        {
            "place": pa.array(range(len(reader.samples)), pa.int64()),
            "donor_id": pa.array(reader.samples, pa.string()),
            "sex": pa.array(reader.sex, pa.int8()),
        }
    )
    with seen_as(con, "file_donors", table):
        return _place(con, source, reader, load_id)


def _place(
    con: duckdb.DuckDBPyConnection, source: SourceFile, reader: GenotypeReader, load_id: int
) -> NDArray[np.uint32]:
    both, only_here, only_there = con.execute("""
        select
            count(*) filter (where here.donor_id = there.donor_id),
            count(*) filter (where there.donor_id is null),
            count(*) filter (where here.donor_id is null)
        from file_donors as here
        full join (select donor_id from raw.donors where is_genotyped) as there
            on here.donor_id = there.donor_id
    """).fetchall()[0]
    if both + only_there > 0 and only_here + only_there > 0:
        raise DataError(
            f"{source.path}: its donors are not those of the genotypes that are loaded: "
            f"{both} in both, {only_here} only in this file, {only_there} only in the warehouse. "
            "A variant and donor without a row means homozygous for the reference, so every file "
            "of a warehouse has the same donors: name them with --samples, or use another --db."
        )
    if both == 0:
        samples = "select donor_id from file_donors"
        reader.issues.extend(genotype_overlap(con, samples, f"{source.path}: its samples"))
    con.execute("""
        update raw.donors set
            is_genotyped = true,
            sex = coalesce(donors.sex, file_donors.sex)
        from file_donors
        where donors.donor_id = file_donors.donor_id
    """)
    con.execute(
        """
        insert into raw.donors by name
        select
            cast(
                (select coalesce(max(donor_idx) + 1, 0) from raw.donors)
                + row_number() over (order by place) - 1 as uinteger
            ) as donor_idx,
            donor_id,
            true as is_genotyped,
            sex,
            ? as load_id
        from file_donors
        where donor_id not in (select donor_id from raw.donors)
        order by place
        """,
        [load_id],
    )
    placed = con.execute("""
        select donors.donor_idx
        from file_donors
        inner join raw.donors on file_donors.donor_id = donors.donor_id
        order by file_donors.place
    """).fetchnumpy()
    return np.asarray(placed["donor_idx"], dtype=np.uint32)
