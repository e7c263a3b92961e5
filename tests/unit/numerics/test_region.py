"""All tests of a block of sets against one slow test after the other."""

import numpy as np
import pytest
from scipy import stats

from varhouse.numerics import distinct_columns, set_burdens
from varhouse.numerics.acat_v import acat_v_log_p
from varhouse.numerics.burden import burden_test
from varhouse.numerics.distinct_columns import DistinctColumns
from varhouse.numerics.genotype_matrix import genotype_matrix
from varhouse.numerics.null_model import fit_linear
from varhouse.numerics.region import AGGREGATIONS, Block, TestPlan, test_blocks, test_region
from varhouse.numerics.skat import positive_eigenvalues, score_set, skat_log_p
from varhouse.numerics.skat_o import skat_o_log_p
from varhouse.numerics.variant_set import VariantSet

N = 150


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(11)
    dosages = rng.binomial(2, rng.uniform(0.005, 0.08, size=40), size=(N, 40)).astype(float)
    dosages[:, 7] = dosages[:, 3]
    dosages[:, 8] = 0.0
    dosages[:, 9] = 2.0 - rng.binomial(2, 0.03, size=N)
    dosages[rng.uniform(size=(N, 40)) < 0.01] = np.nan
    dosages[:6, 2] = [0.5, 0.5, 0.49, 0.5, 0.49, 0.5]  # half a copy carries, less does not
    x = np.column_stack([np.ones(N), rng.normal(size=(N, 4))])
    y = rng.normal(size=(N, 6))
    y[:, 5] = x[:, 1]
    return dosages, x, y


def dense(dosages):
    """Impute, fold and judge one variant after the other."""
    columns, frequencies = [], []
    for column in dosages.T:
        called = column[~np.isnan(column)]
        filled = np.where(np.isnan(column), called.mean(), column)
        frequency = called.mean() / 2
        columns.append(2 - filled if frequency > 0.5 else filled)
        frequencies.append(min(frequency, 1 - frequency))
    return np.column_stack(columns), np.array(frequencies)


def matrix_of(dosages):
    donor, variant = np.nonzero(np.isnan(dosages) | (dosages != 0))
    return genotype_matrix(
        variant, donor, dosages[donor, variant], n_variants=dosages.shape[1], n_donors=N
    )


def rows_of(found):
    """Return results row by row, under the names of the columns."""
    return [type(found)(*row) for row in zip(*found, strict=True)]


def test_matrix_is_the_dense_one(cohort):
    dosages, _, _ = cohort
    found = matrix_of(dosages)
    expected, frequency = dense(dosages)
    np.testing.assert_allclose(found.matrix.toarray(), expected, atol=1e-15)
    np.testing.assert_allclose(found.frequency, frequency, atol=1e-15)
    np.testing.assert_array_equal(found.n_missing, np.isnan(dosages).sum(axis=0))
    np.testing.assert_array_equal(found.is_flipped, np.arange(40) == 9)
    np.testing.assert_array_equal(found.varies, np.nanstd(dosages, axis=0) > 0)
    carriers = [np.sum((column > 0) & ~np.isnan(raw)) for column, raw in
                zip(expected.T, dosages.T, strict=True)]  # fmt: skip
    np.testing.assert_array_equal(found.n_carriers, carriers)


def test_every_test_of_every_set(cohort):
    dosages, x, y = cohort
    genotypes, maf = dense(dosages)
    null = fit_linear(x, y)
    rng = np.random.default_rng(2)
    weights = np.column_stack([stats.beta.pdf(maf, 1, 25), rng.uniform(-1, 2, size=40)])
    weights[4, 1] = np.nan
    sets = [
        VariantSet(variants=np.arange(0, 20), weights=weights[:20], phenotypes=np.array([0, 1])),
        VariantSet(variants=np.array([3, 7, 30]), weights=weights[[3, 7, 30]],
                   phenotypes=np.array([4])),
        VariantSet(variants=np.array([8]), weights=weights[[8]], phenotypes=np.array([2])),
        VariantSet(variants=np.arange(5), weights=weights[:5], phenotypes=np.array([5])),
    ]  # fmt: skip
    plan = TestPlan(aggregations=AGGREGATIONS, kernel_weights=(0,), skat_o=True, acat_v=True)
    rows = {
        (row.place, row.phenotype, row.test, row.weight, row.aggregation): row
        for row in rows_of(test_region(matrix_of(dosages), null, sets, plan))
    }
    assert len(rows) == (2 + 1 + 1 + 1) * (2 * 3 + 3)
    for place, each in enumerate(sets[:2]):
        varies = np.ptp(genotypes[:, each.variants], axis=0) > 0
        variants, w = each.variants[varies], each.weights[varies]
        for t in each.phenotypes:
            single = fit_linear(x, y[:, [t]])
            for a in range(2):
                used = ~np.isnan(w[:, a])
                parts = genotypes[:, variants[used]] * w[used, a]
                burdens = {
                    "sum": parts.sum(axis=1), "mean": parts.mean(axis=1), "max": parts.max(axis=1)
                }  # fmt: skip
                for name, b in burdens.items():
                    row = rows[place, t, "burden", a, name]
                    twin = burden_test(
                        b @ single.residuals[:, 0],
                        b @ b - np.sum((single.basis.T @ b) ** 2), b @ b, single.rss[0], single.df,
                    )  # fmt: skip
                    found = (row.beta, row.se, row.log_p, row.lrt)
                    expected = (twin.beta, twin.se, twin.log_p, twin.lrt)
                    np.testing.assert_allclose(found, expected, rtol=1e-8)
                    assert row.n_variants == used.sum()
                    carriers = np.any(genotypes[:, variants[used]] >= 0.5, axis=1).sum()
                    assert row.n_carriers == carriers
            kernel = score_set(genotypes[:, variants] * w[:, 0], single)
            log_p, _ = skat_log_p(
                np.sum(kernel.scores**2, axis=0), positive_eigenvalues(kernel.covariance)
            )
            assert rows[place, t, "skat", 0, ""].log_p == pytest.approx(log_p[0], rel=1e-9)
            both, rho, _ = skat_o_log_p(kernel.scores[:, 0], kernel.covariance)
            assert rows[place, t, "skat_o", 0, ""].log_p == pytest.approx(both, rel=1e-7)
            assert rows[place, t, "skat_o", 0, ""].detail == rho
            copies = 2 * maf[variants] * (N - np.isnan(dosages[:, variants]).sum(axis=0))
            alone, _ = acat_v_log_p(
                score_set(genotypes[:, variants], single), w[:, 0], maf[variants], copies,
                df=single.df,
            )  # fmt: skip
            assert rows[place, t, "acat_v", 0, ""].log_p == pytest.approx(alone, rel=1e-9)
    for test in ("skat", "skat_o", "acat_v"):
        assert rows[2, 2, test, 0, ""].status == "no_carriers"
        assert rows[3, 5, test, 0, ""].status == "constant_phenotype"
    assert rows[2, 2, "burden", 0, "sum"].status == "no_carriers"
    assert rows[3, 5, "burden", 0, "sum"].status == "constant_phenotype"


@pytest.mark.parametrize("phenotypes", [[0], [0, 1, 2, 3]])
def test_skat_is_the_same_beside_skat_o(cohort, phenotypes):
    dosages, x, y = cohort
    null, matrix = fit_linear(x, y), matrix_of(dosages)
    weights = np.random.default_rng(3).uniform(0.5, 2, size=(20, 1))
    sets = [
        VariantSet(variants=np.arange(n), weights=weights[:n], phenotypes=np.array(phenotypes))
        for n in (20, 6)
    ]
    alone, beside = (
        [
            (row.statistic, row.log_p)
            for row in rows_of(
                test_region(matrix, null, sets, TestPlan(kernel_weights=(0,), skat_o=skat_o))
            )
            if row.test == "skat"
        ]
        for skat_o in (False, True)
    )
    assert len(alone) == 2 * len(phenotypes)
    np.testing.assert_allclose(beside, alone, rtol=1e-11)


def test_blocks_have_the_results_of_each(cohort):
    dosages, x, y = cohort
    matrix, null = matrix_of(dosages), fit_linear(x, y)
    weights = np.random.default_rng(5).uniform(0.5, 2, size=(20, 2))
    several, one = np.arange(4), np.array([4])
    sets = [
        VariantSet(np.arange(low, low + n), weights[:n], phenotypes)
        for low, n, phenotypes in ((0, 20, one), (5, 12, several), (19, 20, one), (20, 19, one))
    ]
    plan = TestPlan(aggregations=AGGREGATIONS, kernel_weights=(1, 0))
    blocks = [Block(matrix, null, some) for some in (sets[:1], [], sets[1:])]
    found = test_blocks(iter(blocks), plan)
    assert [each.place.size > 0 for each in found] == [True, False, True]
    for block, rows in zip(blocks, found, strict=True):
        alone = test_region(*block, plan)
        for name, ours, theirs in zip(rows._fields, rows, alone, strict=True):
            if name in ("log_p", "error"):
                np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-11)
            else:
                np.testing.assert_array_equal(ours, theirs)


def test_sets_that_are_summed_one_at_a_time_have_the_same_burdens(cohort, monkeypatch):
    dosages, x, y = cohort
    matrix, null = matrix_of(dosages), fit_linear(x, y)
    weights = np.random.default_rng(5).uniform(0.5, 2, size=(20, 2))
    weights[3, 1] = np.nan
    sets = [
        VariantSet(np.arange(low, low + n), weights[:n], np.arange(t))
        for low, n, t in ((0, 20, 2), (5, 12, 3), (20, 19, 1))
    ]
    together = test_region(matrix, null, sets, TestPlan(aggregations=AGGREGATIONS))
    monkeypatch.setattr(set_burdens, "_CELLS", 1)
    alone = test_region(matrix, null, sets, TestPlan(aggregations=AGGREGATIONS))
    for name, ours, theirs in zip(together._fields, alone, together, strict=True):
        if ours.dtype == float:
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_negative_weights_have_no_variance_test(cohort):
    dosages, x, y = cohort
    each = VariantSet(variants=np.arange(4), weights=-np.ones((4, 1)), phenotypes=np.array([0]))
    rows = test_region(matrix_of(dosages), fit_linear(x, y), [each], TestPlan(kernel_weights=(0,)))
    assert rows.test.tolist() == ["burden", "skat"]
    assert rows.status.tolist() == ["ok", "negative_weight"]


def test_powers_of_weights_and_the_law_of_few_donors(cohort):
    dosages, x, y = cohort
    genotypes, maf = dense(dosages)
    variants = np.array([0, 1, 3, 5, 12, 15, 20])
    weights = stats.beta.pdf(maf[variants], 1, 25)
    null = fit_linear(x, y[:, :1])
    plan = TestPlan(
        kernel_weights=(0,), kernel_power=1.5, kernel_maf_beta=(1, 25), acat_v=True,
        finite_sample=True,
    )  # fmt: skip
    one = VariantSet(variants, weights[:, None], np.array([0]))
    found = {row.test: row for row in rows_of(test_region(matrix_of(dosages), null, [one], plan))}
    kernel = score_set(genotypes[:, variants] * weights**1.5, null)
    q = np.sum(kernel.scores**2, axis=0)
    log_p, _ = skat_log_p(q, positive_eigenvalues(kernel.covariance), df=null.df)
    assert found["skat"].statistic == pytest.approx(q[0], rel=1e-10)
    assert found["skat"].log_p == pytest.approx(log_p[0], rel=1e-9)
    copies = 2 * maf[variants] * (N - np.isnan(dosages[:, variants]).sum(axis=0))
    assert 1 < np.sum(copies < 10) < variants.size
    log_p, _ = acat_v_log_p(
        score_set(genotypes[:, variants], null), weights**1.5, maf[variants], copies, df=null.df,
        weight_of_maf=lambda frequency: stats.beta.pdf(frequency, 1, 25) ** 1.5,
    )  # fmt: skip
    assert found["acat_v"].log_p == pytest.approx(log_p, rel=1e-9)


def test_a_weight_of_zero_takes_a_variant_out(cohort):
    dosages, x, y = cohort
    null, matrix = fit_linear(x, y), matrix_of(dosages)
    # of the equal columns 3 and 7 one has a weight, of the others each its own
    weights = np.array([0.0, 1.5, 0.0, 0.0, 2.0])
    variants = np.array([0, 3, 7, 12, 15])
    plan = TestPlan(kernel_weights=(0,), skat_o=True)
    given, without = (
        test_region(
            matrix, null, [VariantSet(variants[kept], weights[kept, None], np.arange(2))], plan
        )
        for kept in (slice(None), weights > 0)
    )
    assert given.status.tolist() == ["ok"] * 6
    np.testing.assert_allclose(given.log_p, without.log_p, rtol=1e-9)


def test_more_variants_than_donors():
    rng = np.random.default_rng(4)
    dosages = rng.binomial(2, 0.05, size=(N, 400)).astype(float)
    x = np.ones((N, 1))
    null = fit_linear(x, rng.normal(size=(N, 1)))
    each = VariantSet(variants=np.arange(400), weights=np.ones((400, 1)), phenotypes=np.array([0]))
    found = test_region(matrix_of(dosages), null, [each], TestPlan(kernel_weights=(0,)))
    genotypes, _ = dense(dosages)
    kernel = score_set(genotypes, null)
    log_p, _ = skat_log_p(np.sum(kernel.scores**2, axis=0), positive_eigenvalues(kernel.covariance))
    assert found.test[1] == "skat"
    assert found.log_p[1] == pytest.approx(log_p[0], rel=1e-9)


@pytest.mark.parametrize("frequency", [0.004, 0.3])
@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize("cells", [1 << 24, 700])
def test_products_of_columns(frequency, is_whole, cells, monkeypatch):
    monkeypatch.setattr(distinct_columns, "_CELLS_AT_ONCE", cells)
    rng = np.random.default_rng(7)
    dosages = rng.binomial(2, frequency, size=(N, 60)) * (1.0 if is_whole else 0.7)
    genotypes = matrix_of(dosages)
    null = fit_linear(np.ones((N, 1)), rng.normal(size=(N, 1)))
    columns = DistinctColumns(genotypes, null)
    every = genotypes.matrix.toarray()
    _, first = np.unique(every, axis=1, return_index=True)
    distinct = every[:, np.sort(first)]
    np.testing.assert_array_equal(distinct[:, columns.number], every)
    chosen = np.arange(0, distinct.shape[1], 3)
    factors = rng.uniform(0.5, 2, size=chosen.size)
    expected = distinct[:, chosen] * factors
    upper = np.triu_indices(chosen.size)
    np.testing.assert_allclose(
        columns.gram(chosen, factors)[upper], (expected.T @ expected)[upper], rtol=1e-14
    )
    centred = expected - expected.mean(axis=0)
    np.testing.assert_allclose(
        columns.covariance(chosen, factors)[upper], (centred.T @ centred)[upper], atol=1e-12
    )
    np.testing.assert_array_equal(columns.dense(chosen), distinct[:, chosen].T)


def test_products_of_columns_in_stretches(monkeypatch):
    n, m = 5000, 20
    rng = np.random.default_rng(9)
    donor, variant = np.nonzero(rng.uniform(size=(n, m)) < 0.012)
    genotypes = genotype_matrix(variant, donor, np.ones(donor.size), n_variants=m, n_donors=n)
    columns = DistinctColumns(genotypes, fit_linear(np.ones((n, 1)), rng.normal(size=(n, 1))))
    chosen, factors = np.arange(m), rng.uniform(0.5, 2, size=m)
    every = genotypes.matrix.toarray() * factors
    monkeypatch.setattr(distinct_columns, "_PAIRS_AT_ONCE", 1)
    # more pairs than are taken at once, fewer than a dense product would be taken for
    n_pairs = (every > 0).sum(axis=1)
    assert m * m < (n_pairs * (n_pairs + 1) // 2).sum() < m * m * n // 1000
    found = columns.gram(chosen, factors)
    np.testing.assert_allclose(np.triu(found), np.triu(every.T @ every), rtol=1e-14)


@pytest.mark.parametrize("test", ["skat", "skat_o", "acat_v"])
def test_variants_that_covariates_explain_have_no_p_value(cohort, test):
    """What rounding leaves of them would have one, as good as any random number."""
    dosages, x, y = cohort
    chosen = np.array([3, 7, 12])
    genotypes = matrix_of(dosages)
    almost = dense(dosages)[0][:, chosen] + 1e-7 * np.random.default_rng(4).normal(size=(N, 3))
    explained = np.column_stack([x, almost])
    plan = TestPlan(kernel_weights=(0,), **{"skat": False, test: True})
    for variants, status in ((chosen, "collinear"), (np.append(chosen, 14), "ok")):
        one = VariantSet(
            variants=variants, weights=np.ones((variants.size, 1)), phenotypes=np.arange(2)
        )
        found = test_region(genotypes, fit_linear(explained, y), [one], plan)
        rows = found.test == test
        assert set(found.status[rows]) == {status}
        assert np.all(np.isnan(found.log_p[rows]) == (status == "collinear"))


@pytest.mark.parametrize("test", ["burden", "skat", "skat_o", "acat_v"])
def test_two_carriers_of_opposite_ranks_have_a_p_of_one(test):
    # 0.1 + 0.2 - 0.3 is no 0 in doubles; a p-value just below 1 would erase the others in ACAT
    y = np.zeros((N, 1))
    y[:3, 0] = [0.1, 0.2, -0.3]
    y[3:13, 0] = [1, -1, 2, -2, 3, -3, 4, -4, 5, -5]
    dosages = np.zeros((N, 1))
    dosages[:3] = 1.0
    null = fit_linear(np.ones((N, 1)), y)
    assert abs(float(dosages[:, 0] @ null.residuals[:, 0])) > 0
    plan = TestPlan(kernel_weights=(0,), skat_o=test == "skat_o", acat_v=True)
    sets = [VariantSet(np.array([0]), np.ones((1, 1)), np.array([0]))]
    rows = rows_of(test_region(matrix_of(dosages), null, sets, plan))
    assert [row.log_p for row in rows if row.test == test] == [0.0]
