"""Components and kinship of a small cohort of two populations, from its tables."""

import numpy as np
import pytest
from tests.rows import add_rows
from tests.v2g import build, empty_warehouse

from varhouse.numerics.structure import components, prune, standardise

N, M = 40, 300


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(9)
    frequency = np.where(np.arange(N)[:, None] < N // 2, 0.2, 0.5) + np.zeros((N, M))
    dosages = rng.binomial(2, frequency).astype(float)
    dosages[1] = dosages[0]
    with empty_warehouse() as con:
        add_rows(con, "raw.donors", [(i, f"D{i:02d}", True, None, 1) for i in range(N)])
        chroms = ["1" if j < M // 2 else "2" for j in range(M)]
        add_rows(
            con,
            "raw.variants",
            [
                (j, f"v{j}", chrom, 1000 * (j + 1), "A", "C", None, 1, 1)
                for j, chrom in enumerate(chroms)
            ],
        )
        entries = [(j, i, dosages[i, j]) for j in range(M) for i in range(N) if dosages[i, j]]
        add_rows(con, "raw.genotypes_common", entries)
        yield con, dosages


def test_components_tell_the_populations_apart(cohort):
    con, dosages = cohort
    build(con, select=["+genotype_components +kinship"], genotype_pcs=2, kinship=True)
    found = con.execute(
        "select donor_idx, component, value from genotype_components order by all"
    ).fetchall()
    assert len(found) == 2 * N
    first = np.array([value for _, component, value in found if component == 1])
    assert np.all(np.sign(first[: N // 2]) == -np.sign(first[-1]))
    expected = np.zeros((N, N))
    n = 0
    for chrom in (slice(0, M // 2), slice(M // 2, M)):
        z = standardise(dosages[:, chrom])
        kept = prune(z, 1000 * np.arange(1, M // 2 + 1), max_r2=0.2, window_bp=500_000)
        expected += z[:, kept] @ z[:, kept].T
        n += kept.sum()
    vectors, _ = components(expected / n, 2)
    np.testing.assert_allclose(first, vectors[:, 0], atol=1e-9)
    kinship = {(a, b): value for a, b, value in con.execute("from kinship").fetchall()}
    assert len(kinship) == N * (N + 1) // 2
    assert kinship["D00", "D01"] == pytest.approx(kinship["D00", "D00"])
    assert kinship["D03", "D30"] == pytest.approx(expected[3, 30] / n)


def test_nothing_is_computed_unless_asked_for(cohort):
    con, _ = cohort
    build(con, select=["+genotype_components +kinship"])
    assert con.execute("select count(*) from genotype_components").fetchone() == (0,)
    assert con.execute("select count(*) from kinship").fetchone() == (0,)
