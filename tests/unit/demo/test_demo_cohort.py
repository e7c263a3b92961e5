"""The files of the simulated cohort: read with the standard library and h5py alone."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("msprime")
h5py = pytest.importorskip("h5py")

from varhouse.demo import write_demo_files  # noqa: E402
from varhouse.demo.cohort import CohortFiles, write_cohort_files  # noqa: E402

SEED = 11
COPIES = {"0|0": 0, "0|1": 1, "1|0": 1, "1|1": 2, "./.": None}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> CohortFiles:
    return write_cohort_files(tmp_path_factory.mktemp("cohort"), seed=SEED)


@pytest.fixture(scope="module")
def calls(files: CohortFiles) -> dict[str, list[int | None]]:
    """Return copies of ALT of every donor, by variant id."""
    found = {}
    with gzip.open(files.genotypes, "rt") as lines:
        for line in lines:
            if not line.startswith("#"):
                cells = line.rstrip("\n").split("\t")
                found["_".join([*cells[:2], *cells[3:5]])] = [COPIES[cell] for cell in cells[9:]]
    return found


def table(path: Path) -> list[dict[str, str]]:
    header, *lines = path.read_text().splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]


def annotations(files: CohortFiles) -> list[dict[str, str]]:
    with gzip.open(files.annotations, "rt") as text:
        _, header, *lines = text.read().splitlines()
    names = header.lstrip("#").split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]


def genes(files: CohortFiles) -> dict[str, tuple[int, int]]:
    found = {}
    with gzip.open(files.genes, "rt") as lines:
        for line in lines:
            cells = line.split("\t")
            if len(cells) > 2 and cells[2] == "gene":
                name = cells[8].split('gene_name "')[1].split('"')[0]
                found[name] = (int(cells[3]), int(cells[4]))
    return found


def test_most_variants_are_rare_and_singletons_the_largest_class(
    calls: dict[str, list[int | None]],
) -> None:
    counts = np.array([sum(copies or 0 for copies in row) for row in calls.values()])
    minor = np.minimum(counts, 600 - counts)
    assert 5_000 < counts.size < 12_000
    assert np.mean(minor < 30) > 0.6
    # neutral expectation in a growing population: the classes fall faster than 1/n
    n_singletons, n_doubletons = np.sum(minor == 1), np.sum(minor == 2)
    assert n_singletons > 2 * n_doubletons > 0


def test_near_variants_are_in_linkage_and_far_ones_are_not(
    calls: dict[str, list[int | None]],
) -> None:
    common = {
        int(name.split("_")[1]): np.array([copies or 0 for copies in row], dtype=float)
        for name, row in calls.items()
        if 150 <= sum(copies or 0 for copies in row) <= 450
    }
    places = np.array(sorted(common))
    r2 = np.corrcoef([common[place] for place in places]) ** 2
    apart = np.abs(places[:, None] - places[None, :])
    near = r2[(apart > 0) & (apart < 5_000)].mean()
    far = r2[apart > 500_000].mean()
    assert near > 0.2
    # unrelated columns of 300 donors: about 1 / 300
    assert far < 0.02
    assert near > 10 * far


def test_the_lead_of_the_locus_is_a_common_variant(
    files: CohortFiles, calls: dict[str, list[int | None]], tmp_path: Path
) -> None:
    lead = write_demo_files(tmp_path, seed=SEED).planted[0].variant_id
    assert 0.15 < sum(copies or 0 for copies in calls[lead]) / 600 < 0.85
    assert files.common[0].variant_id == lead


def test_planted_variants_are_rare_and_something_points_from_them_to_the_gene(
    files: CohortFiles, calls: dict[str, list[int | None]]
) -> None:
    terms = {(row["Uploaded_variation"], row["SYMBOL"]): row for row in annotations(files)}
    links = table(files.promoter_capture)
    for effect in files.rare:
        assert effect.n_carriers > 30
        for variant_id in effect.variant_ids:
            pos = int(variant_id.split("_")[1])
            assert 0 < sum(copies or 0 for copies in calls[variant_id]) / 600 < 0.01
            if effect.carried_by == "coding":
                row = terms[variant_id, effect.gene_name]
                assert row["IMPACT"] in ("HIGH", "MODERATE")
                start, end = genes(files)[effect.gene_name]
                assert start <= pos <= end
            else:
                assert any(
                    row["gene_id"] == effect.gene_id and int(row["start"]) <= pos <= int(row["end"])
                    for row in links
                )
    directions = {effect.gene_name: np.sign(effect.changes) for effect in files.rare}
    assert set(directions["DEMO22"]) == {-1, 1}
    assert all(len(set(signs)) == 1 for name, signs in directions.items() if name != "DEMO22")


def test_the_table_of_planted_effects_names_them_all(files: CohortFiles) -> None:
    rows = table(files.truth)
    named = {
        (row["gene_name"], row["cell_type"]) for row in rows if row["kind"] not in ("eqtl", "trait")
    }
    assert named == {
        ("DEMO17", "monocyte"), ("DEMO22", "monocyte"), ("DEMO29", "CD8 T"), ("DEMO32", "B"),
        ("DEMO36", "B"), ("DEMO36", "CD8 T"),
    }  # fmt: skip
    assert sum(row["kind"] == "eqtl" for row in rows) == 5
    assert {row["gene_name"] for row in rows if row["kind"] == "trait"} == {
        "DEMO17", "DEMO6", "DEMO30",
    }  # fmt: skip


def test_the_gwas_is_strong_where_planted_and_in_linkage_and_even_elsewhere(
    files: CohortFiles, calls: dict[str, list[int | None]]
) -> None:
    with gzip.open(files.sumstats, "rt") as text:
        header, *lines = text.read().splitlines()
    rows = [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]
    # the mandatory fields of GWAS-SSF, in the standard's order
    assert header.split("\t")[:8] == [
        "chromosome", "base_pair_location", "effect_allele", "other_allele", "beta",
        "standard_error", "effect_allele_frequency", "p_value",
    ]  # fmt: skip
    z = {
        "_".join(row[name] for name in header.split("\t")[:2])
        + f"_{row['other_allele']}_{row['effect_allele']}": float(row["beta"])
        / float(row["standard_error"])
        for row in rows
    }
    here = {name: value for name, value in z.items() if name in calls}
    elsewhere = np.array([value for name, value in z.items() if name not in calls])
    assert elsewhere.size > 5_000
    assert 0.9 < np.median(elsewhere**2) / 0.4549 < 1.1
    assert np.abs(elsewhere).max() < 5.5
    copies = {name: np.array([copy or 0 for copy in calls[name]], dtype=float) for name in here}
    for effect in files.trait:
        planted = copies[effect.variant_id]
        assert abs(here[effect.variant_id]) > 5.5
        for name, value in here.items():
            if np.corrcoef(copies[name], planted)[0, 1] ** 2 > 0.95:
                assert abs(abs(value) - abs(here[effect.variant_id])) < 2


def test_cells_are_counts_of_every_donor_and_type(files: CohortFiles) -> None:
    with h5py.File(files.cells) as file:
        assert file.attrs["encoding-type"] == "anndata"
        n_cells, n_genes = file["X"].attrs["shape"]
        donors = file["obs/donor_id/codes"][:]
        types = file["obs/cell_type/codes"][:]
        values = file["X/data"][:]
        assert file["X/indptr"].shape == (n_cells + 1,)
        assert file["X/indices"][:].max() < n_genes
    assert donors.shape == types.shape == (n_cells,)
    assert len({*zip(donors.tolist(), types.tolist(), strict=True)}) == 300 * 3
    # about 62 cells a donor
    assert 300 * 55 < n_cells < 300 * 70
    assert values.min() >= 1
    assert np.array_equal(values, values.astype(int))


def test_a_compressed_file_ends_with_the_empty_block(files: CohortFiles) -> None:
    # the end-of-file marker that the SAM specification prints, section 4.1.2
    marker = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
    for path in (files.genotypes, files.annotations, files.genes):
        assert path.read_bytes().endswith(marker)
