"""The reference panel: simulated gene windows with results of R and of exact arithmetic."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl


class Region(NamedTuple):
    """A window after the panel's preprocessing; ``genotypes`` is (n, m), of the minor allele.

    ``kept`` says which variants of the set are left.
    """

    gene_id: str
    genotypes: np.ndarray
    maf: np.ndarray
    phenotype: np.ndarray
    binary: np.ndarray
    truth: dict
    kept: np.ndarray


def covariates(folder: Path) -> np.ndarray:
    """Return intercept and covariates in the order of the donors of the bed file."""
    table = _by_donor(folder, "covariates")
    return np.column_stack([np.ones(len(table)), table.to_numpy().astype(float)])


def regions(folder: Path) -> Iterator[Region]:
    """Yield every window: missing < 15 %, mean-imputed, minor allele counted."""
    genotypes, place = read_bed(folder / "panel")
    traits, binary = _by_donor(folder, "phenotypes"), _by_donor(folder, "phenotypes_binary")
    truth = {
        row["gene_id"]: row
        for row in pl.read_parquet(folder / "truth.parquet").iter_rows(named=True)
    }
    sets = pl.read_parquet(folder / "sets.parquet")
    for (gene,), rows in sets.group_by("gene_id", maintain_order=True):
        dosages = genotypes[[place[name] for name in rows["variant_id"]]]
        missing = np.isnan(dosages)
        n_called = (~missing).sum(axis=1)
        means = np.nansum(dosages, axis=1) / np.maximum(n_called, 1)
        filled = np.where(missing, means[:, None], dosages)
        varies = np.ptp(filled, axis=1) > 0
        kept = varies & (missing.mean(axis=1) < 0.15)
        filled = filled[kept]
        frequency = filled.mean(axis=1) / 2
        flipped = frequency > 0.5
        filled[flipped] = 2 - filled[flipped]
        yield Region(
            gene, filled.T, np.where(flipped, 1 - frequency, frequency),
            traits[gene].to_numpy().astype(float), binary[gene].to_numpy().astype(float),
            truth[gene], kept,
        )  # fmt: skip


def _by_donor(folder: Path, name: str) -> pl.DataFrame:
    donors = [line.split()[1] for line in (folder / "panel.fam").read_text().splitlines()]
    table = pl.read_parquet(folder / f"{name}.parquet")
    order = pl.DataFrame({"donor_id": donors})
    return order.join(table, on="donor_id", how="left", maintain_order="left").drop("donor_id")


def read_bed(stem: Path) -> tuple[np.ndarray, dict[str, int]]:
    """Return A1 dosages of a PLINK 1 file, shape (n_variants, n_donors), and variants by name."""
    variants = [line.split()[1] for line in stem.with_suffix(".bim").read_text().splitlines()]
    n = len(stem.with_suffix(".fam").read_text().splitlines())
    packed = np.fromfile(stem.with_suffix(".bed"), np.uint8)[3:].reshape(len(variants), -1)
    codes = (packed[:, :, None] >> np.array([0, 2, 4, 6], np.uint8)) & 3
    dosage = np.array([2.0, np.nan, 1.0, 0.0])[codes.reshape(len(variants), -1)[:, :n]]
    return dosage, {name: i for i, name in enumerate(variants)}
