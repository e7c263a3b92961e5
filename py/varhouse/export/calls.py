"""Genotypes of the warehouse as dense blocks of variants, in the order of the index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError
from varhouse.settings import shipped_project_dir

_CELLS_OF_BLOCK = 1 << 22
_MALE = 1


class Site(NamedTuple):
    """A variant, as files of genotypes name it."""

    chrom: str
    pos: int
    ref: str
    alt: str
    variant_id: str


@dataclass(frozen=True)
class Cohort:
    """Who has genotypes, in the order of ``donor_idx``.

    Attributes
    ----------
    idx
        ``donor_idx``, ascending.
    sex
        1 male, 2 female, 0 not known.
    """

    ids: list[str]
    idx: NDArray[np.int64]
    sex: NDArray[np.int8]


@dataclass(frozen=True)
class CallBlock:
    """The calls of neighbouring variants.

    Attributes
    ----------
    dosage
        Shape (n_variants, n_donors): copies of the alternative allele, NaN where missing.
    is_haploid
        The same shape: whether the donor has one copy of the place. MT and Y in everybody, X in
        males, without the pseudoautosomal regions.
    """

    sites: list[Site]
    dosage: NDArray[np.float32]
    is_haploid: NDArray[np.bool_]


def read_cohort(con: duckdb.DuckDBPyConnection) -> Cohort:
    """Return the genotyped donors.

    Raises
    ------
    DataError
        There are none.
    """
    rows = con.execute(
        "select donor_id, donor_idx, coalesce(sex, 0) from raw.donors "
        "where is_genotyped order by donor_idx"
    ).fetchall()
    if not rows:
        raise DataError(
            "the warehouse has no genotypes to export; load some (varhouse load genotypes FILE)."
        )
    return Cohort(
        [row[0] for row in rows],
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.int8),
    )


def call_blocks(con: duckdb.DuckDBPyConnection, cohort: Cohort) -> Iterator[CallBlock]:
    """Yield the genotyped variants block by block; memory is that of a block.

    Parameters
    ----------
    con
        An open warehouse.
    cohort
        From `read_cohort`; its order is that of the columns.
    """
    places = con.execute(
        "select variant_idx from raw.variants where genotype_load_id is not null order by 1"
    ).fetchnumpy()["variant_idx"]
    size = max(1, _CELLS_OF_BLOCK // len(cohort.ids))
    regions = _pseudoautosomal(con)
    for start in range(0, len(places), size):
        inside = np.asarray(places[start : start + size], dtype=np.int64)
        bounds = [int(inside[0]), int(inside[-1])]
        sites = [
            Site(*row)
            for row in con.execute(
                "select chrom, pos, ref, alt, variant_id from raw.variants "
                "where genotype_load_id is not null and variant_idx between ? and ? "
                "order by variant_idx",
                bounds,
            ).fetchall()
        ]
        calls = con.sql(
            "select variant_idx, donor_idx, dosage from genotypes "
            "where variant_idx between ? and ?",
            params=bounds,
        ).to_arrow_table()
        dosage = np.zeros((len(inside), len(cohort.ids)), dtype=np.float32)
        row = np.searchsorted(inside, calls["variant_idx"].to_numpy())
        column = np.searchsorted(cohort.idx, calls["donor_idx"].to_numpy())
        # NULL, a missing call, becomes NaN
        dosage[row, column] = calls["dosage"].to_numpy()
        yield CallBlock(sites, dosage, _haploid(sites, cohort, regions))


def _pseudoautosomal(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int]]:
    path = shipped_project_dir() / "data" / "seeds" / "pseudoautosomal_regions.csv"
    return con.execute(
        "select chrom, start_pos, end_pos from read_csv(?) "
        "where genome_build in (select genome_build from raw.genome_build)",
        [str(path)],
    ).fetchall()


def _haploid(
    sites: list[Site], cohort: Cohort, regions: list[tuple[str, int, int]]
) -> NDArray[np.bool_]:
    in_all = np.zeros(len(sites), dtype=np.bool_)
    in_males = np.zeros(len(sites), dtype=np.bool_)
    for place, site in enumerate(sites):
        if site.chrom not in ("X", "Y", "MT") or any(
            chrom == site.chrom and start <= site.pos <= end for chrom, start, end in regions
        ):
            continue
        (in_males if site.chrom == "X" else in_all)[place] = True
    found: NDArray[np.bool_] = in_all[:, None] | (in_males[:, None] & (cohort.sex == _MALE))
    return found
