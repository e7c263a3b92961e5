"""Tests of variant sets called from SQL, against the same on a dense table, and odd input."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from varhouse.numerics.binary import fit_logistic
from varhouse.numerics.null_model import fit_linear
from varhouse.numerics.saddlepoint_score import collapse_rare, robust_score_set, score_test
from varhouse.numerics.skat import positive_eigenvalues, score_set, skat_log_p
from varhouse.numerics.skat_o import skat_o_log_p

N = 90
QUANTITATIVE = ("burden_test", "skat", "skat_o")
BINARY = ("burden_test_binary", "skat_binary", "skat_o_binary")
LISTS = "variants, donors, dosages, weights, tested, phenotype, covariates"
ONE_SET = {
    "variants": "[1, 1, 2, 2]",
    "donors": "[0, 3, 5, 7]",
    "dosages": "[1, 1, 2, 1]",
    "weights": "[1, 1, 3, 3]",
    "tested": "range(12)",
    "phenotype": "list_transform(range(12), lambda i: sin(i))",
    "covariates": "list_transform(range(12), lambda i: [cos(2 * i)])",
}
CASES = "[1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0]"


def one(con: duckdb.DuckDBPyConnection, function: str, **changes: str) -> dict:
    arguments = ", ".join((ONE_SET | changes).values())
    ((found,),) = con.sql(f"select {function}({arguments})").fetchall()
    return found


@pytest.fixture
def sets(con: duckdb.DuckDBPyConnection) -> list[np.ndarray]:
    """Tables ``sets`` and ``tested``, and the dense weighted dosages that they stand for."""
    rng = np.random.default_rng(12)
    dense, rows = [], []
    for gene in range(5):
        g = rng.binomial(2, rng.uniform(0.02, 0.2, size=6), size=(N, 6)).astype(float)
        g[:, 5] = 2 - g[:, 5]  # the alternative allele is the common one
        g[rng.uniform(size=g.shape) < 0.02] = np.nan
        weights = rng.uniform(0.5, 2, size=6)
        for donor, variant in zip(*np.nonzero(np.nan_to_num(g, nan=1.0)), strict=True):
            dosage = None if np.isnan(g[donor, variant]) else float(g[donor, variant])
            rows.append((gene, int(variant), int(donor), dosage, float(weights[variant])))
        means = np.nanmean(g, axis=0)
        filled = np.where(np.isnan(g), means, g)
        folded = np.where(means > 1, 2 - filled, filled)
        dense.append(folded * weights)
    order = rng.permutation(len(rows))
    calls = pa.table(  # noqa: F841
        [pa.array([rows[i][column] for i in order]) for column in range(5)],
        names=["gene", "variant", "donor", "dosage", "weight"],
    )
    people = pa.table({  # noqa: F841
        "donor": np.arange(N), "y": rng.normal(size=N), "x": rng.normal(size=N),
    })  # fmt: skip
    con.execute("create table calls as from calls")
    con.execute("create table people as from people")
    con.execute(
        "create table sets as select gene, list(variant) as variants, list(donor) as donors, "
        "list(dosage) as dosages, list(weight) as weights from calls group by gene"
    )
    con.execute(
        "create table everyone as select list(donor) as tested, list(y) as phenotype, "
        "list([x]) as covariates from (from people order by hash(donor))"
    )
    return dense


def test_against_a_dense_table(con, sets):
    y, x = (
        np.array(con.sql(f"select {c} from people order by donor").fetchall())[:, 0] for c in "yx"
    )
    design = np.column_stack([np.ones(N), x])
    null = fit_linear(design, y[:, None])
    found = con.sql(
        f"select gene, burden_test({LISTS}), skat({LISTS}), skat_o({LISTS}) "
        "from sets cross join everyone order by gene"
    ).fetchall()
    assert len(found) == 5
    for gene, burden, skat, skat_o in found:
        weighted = sets[gene]
        full = np.column_stack([design, weighted.sum(axis=1)])
        coefficients, rss, _, _ = np.linalg.lstsq(full, y, rcond=None)
        se = np.sqrt(rss[0] / (N - 3) * np.linalg.inv(full.T @ full)[-1, -1])
        assert burden["beta"] == pytest.approx(coefficients[-1], rel=1e-9)
        assert burden["se"] == pytest.approx(se, rel=1e-9)
        p = 2 * stats.t.sf(abs(coefficients[-1] / se), N - 3)
        assert burden["p_value"] == pytest.approx(p, rel=1e-8, abs=0)
        assert burden["log10p"] == pytest.approx(-np.log10(p), rel=1e-8)
        scores = score_set(weighted, null)
        q = np.sum(scores.scores**2, axis=0)
        log_p, _ = skat_log_p(q, positive_eigenvalues(scores.covariance))
        assert skat["statistic"] == pytest.approx(q[0], rel=1e-9)
        assert skat["p_value"] == pytest.approx(np.exp(log_p[0]), rel=1e-8)
        log_p, rho, _ = skat_o_log_p(scores.scores[:, 0], scores.covariance)
        assert skat_o["p_value"] == pytest.approx(np.exp(log_p), rel=1e-8)
        assert skat_o["rho"] == rho
        assert {each["status"] for each in (burden, skat, skat_o)} == {"ok"}
        assert {each["n_donors"] for each in (burden, skat, skat_o)} == {N}
        assert burden["n_variants"] == 6


def test_donors_without_a_phenotype_or_covariate_are_left_out(con):
    whole = one(con, "skat")
    without = one(
        con, "skat",
        tested="list_append(range(12), 40) || [41]",
        phenotype=f"{ONE_SET['phenotype']} || [null, 3]",
        covariates=f"{ONE_SET['covariates']} || [[1], [null]]",
        variants="[1, 1, 2, 2, 2]", donors="[0, 3, 5, 7, 41]", dosages="[1, 1, 2, 1, 1]",
        weights="[1, 1, 3, 3, 3]",
    )  # fmt: skip
    assert whole["status"] == "ok"
    assert without == whole
    assert whole["n_donors"] == 12
    assert whole["n_carriers"] == 4


@pytest.mark.parametrize("function", QUANTITATIVE)
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"weights": "[1, 1, 3]"}, "unequal_lists"),
        ({"covariates": "[[1]]"}, "unequal_lists"),
        ({"covariates": "list_transform(range(12), lambda i: range(i))"}, "unequal_lists"),
        ({"weights": "[1, 2, 3, 3]"}, "invalid_weight"),
        ({"weights": "[-1, -1, 3, 3]"}, "invalid_weight"),
        ({"weights": "['inf'::double, 'inf'::double, 3, 3]"}, "invalid_weight"),
        ({"dosages": "[1, 1, 'inf'::double, 1]"}, "invalid_dosage"),
        ({"dosages": "[1, 3, 2, 1]"}, "invalid_dosage"),
        ({"dosages": "[1, -1, 2, 1]"}, "invalid_dosage"),
        ({"covariates": "list_transform(range(12), lambda i: cast(null as double[]))"},
         "too_few_donors"),
        ({"weights": "[null, null, 0, 0]"}, "no_carriers"),
        ({"dosages": "[null, null, null, null]"}, "no_carriers"),
        ({"variants": "[]", "donors": "[]", "dosages": "[]", "weights": "[]"}, "no_carriers"),
        ({"donors": "[90, 91, 92, 93]"}, "no_carriers"),
        ({"donors": "[0, 0, 5, 7]"}, "duplicate_genotype"),
        ({"tested": "list_append(range(11), 1)"}, "duplicate_donor"),
        ({"phenotype": "list_transform(range(12), lambda i: 7)"}, "constant_phenotype"),
        ({"phenotype": "list_transform(range(12), lambda i: null)"}, "too_few_donors"),
        ({"tested": "[]", "phenotype": "[]", "covariates": "[]"}, "too_few_donors"),
        ({"covariates": "list_transform(range(12), lambda i: [if(i in (0, 3), 1, 0), "
                        "if(i = 5, 2, if(i = 7, 1, 0))])"}, "collinear"),
    ],
)  # fmt: skip
def test_what_cannot_be_tested_says_why(con, function, changes, status):
    found = one(con, function, **changes)
    assert found["status"] == status
    assert found["p_value"] is None


@pytest.mark.parametrize("function", QUANTITATIVE)
def test_keys_may_be_negative_and_a_null_key_is_nobody(con, function):
    minus = "list_transform(range(12), lambda i: i - 6)"
    moved = one(con, function, donors="[-6, -3, -1, 1]", tested=minus, variants="[-1, -1, -2, -2]")
    # the variants change places, and with them the order of sums
    expected = {
        name: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
        for name, value in one(con, function).items()
    }
    assert moved == expected
    more = one(
        con, function, variants="[1, 1, 2, 2, null, 2]", donors="[0, 3, 5, 7, 1, null]",
        dosages="[1, 1, 2, 1, 1, 1]", weights="[1, 1, 3, 3, 5, 3]",
    )  # fmt: skip
    assert more == one(con, function)


def test_a_huge_covariate_still_counts(con):
    """Squares of it overflow; what it spans does not depend on its unit."""
    wide = "list_transform(range(12), lambda i: [1e300 * cos(2 * i)])"
    assert one(con, "skat", covariates=wide) == pytest.approx(one(con, "skat"))


@pytest.mark.parametrize("function", BINARY)
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "not_binary"),
        ({"phenotype": "list_transform(range(12), lambda i: 1)"}, "one_class"),
        ({"phenotype": "list_transform(range(12), lambda i: if(cos(2 * i) > 0, 1, 0))"},
         "separated"),
        ({"phenotype": CASES, "weights": "[null, null, 0, 0]"}, "no_carriers"),
        ({"phenotype": CASES, "dosages": "[1, 1, 7, 1]"}, "invalid_dosage"),
        ({"phenotype": CASES,
          "covariates": "list_transform(range(12), lambda i: [if(i in (0, 3), 1, 0), "
                        "if(i in (5, 7), 1, 0), if(i = 5, 1, 0)])"}, "separated"),
        ({"phenotype": CASES, "variants": "[1, 1, 1, 1]", "weights": "[1, 1, 1, 1]",
          "dosages": "[1, 1, 1, 1]",
          "covariates": "list_transform(range(12), lambda i: [if(i in (0, 3, 5, 7), 1, 0)])"},
         "collinear"),
    ],
)  # fmt: skip
def test_binary_sets_that_cannot_be_tested_say_why(con, function, changes, status):
    found = one(con, function, **changes)
    assert found["status"] == status
    assert found["p_value"] is None


def test_binary_against_a_dense_table(con, sets):
    con.execute("create table cases as select donor, if(y + x > 1.2, 1, 0) as y from people")
    con.execute(
        "create or replace table everyone as select list(donor) as tested, list(cases.y) as "
        "phenotype, list([x]) as covariates from people join cases using (donor)"
    )
    y, x = (
        np.array(con.sql(f"from {t} select {c} order by donor").fetchall())[:, 0]
        for t, c in (("cases", "y"), ("people", "x"))
    )
    design = np.column_stack([np.ones(N), x])
    null = fit_logistic(design, y.astype(float))
    assert null.status == "ok"
    found = con.sql(
        f"select gene, {', '.join(f'{each}({LISTS})' for each in BINARY)}, weights, variants "
        "from sets cross join everyone order by gene"
    ).fetchall()
    for gene, burden, skat, skat_o, weights, variants in found:
        w = np.array([weights[variants.index(each)] for each in range(6)])
        weighted = sets[gene]
        test = score_test(weighted.sum(axis=1), null)
        assert burden["p_value"] == pytest.approx(np.exp(test.log_p), rel=1e-8)
        assert burden["method"] == test.method
        scores = robust_score_set(collapse_rare(weighted / w, w), null)
        q = np.sum(scores.scores**2, axis=0)
        log_p, _ = skat_log_p(q, positive_eigenvalues(scores.covariance))
        assert skat["p_value"] == pytest.approx(np.exp(log_p[0]), rel=1e-7)
        log_p, _, _ = skat_o_log_p(scores.scores[:, 0], scores.covariance)
        assert skat_o["p_value"] == pytest.approx(np.exp(log_p), rel=1e-7)


def test_a_table_of_two_by_two_has_its_odds_ratio(con):
    """Twelve donors without covariates, four carriers of whom three are cases, two other cases."""
    found = one(
        con, "burden_test_binary", variants="[1, 1, 1, 1]", dosages="[1, 1, 1, 1]",
        weights="[1, 1, 1, 1]", phenotype="[1, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0]",
        covariates="list_transform(range(12), lambda i: [])",
    )  # fmt: skip
    assert found["beta"] == pytest.approx(np.log(3 / 1 / (2 / 6)), rel=1e-9)
    assert found["se"] == pytest.approx(np.sqrt(1 / 3 + 1 + 1 / 2 + 1 / 6), rel=1e-9)
    # the score test is Pearson's chi-square
    chi2 = 12 * (3 * 6 - 1 * 2) ** 2 / (4 * 8 * 5 * 7)
    assert found["p_value"] == pytest.approx(stats.chi2.sf(chi2, 1), rel=1e-9)
    alone = one(
        con, "burden_test_binary", variants="[1, 1, 1, 1]", dosages="[1, 1, 1, 1]",
        weights="[1, 1, 1, 1]", phenotype="[1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0]",
        covariates="list_transform(range(12), lambda i: [])",
    )  # fmt: skip
    assert (alone["status"], alone["beta"]) == ("ok", None)
    assert alone["p_value"] < 0.05


PERMUTED = "variants, donors, dosages, tested, phenotype, covariates"


def test_the_best_variant_by_permutation(con, sets):
    query = (
        f"select gene, best_variant_test({PERMUTED}, 200, 'gene ' || gene) "
        "from sets cross join everyone order by gene"
    )
    found = con.sql(query).fetchall()
    assert con.sql(query).fetchall() == found
    y, x = (
        np.array(con.sql(f"select {c} from people order by donor").fetchall())[:, 0] for c in "yx"
    )
    design = np.column_stack([np.ones(N), x])
    hat = np.eye(N) - design @ np.linalg.inv(design.T @ design) @ design.T
    for gene, test in found:
        g = hat @ sets[gene]
        r = (g.T @ y) / np.sqrt(np.sum(g**2, axis=0) * (y @ hat @ y))
        best = int(np.argmax(np.abs(r)))
        t = abs(r[best]) * np.sqrt((N - 3) / (1 - r[best] ** 2))
        assert test["variant"] == best
        assert test["nominal_p"] == pytest.approx(2 * stats.t.sf(t, N - 3), rel=1e-8)
        # six variants that are independent, two hundred permutations
        assert test["empirical_p"] == pytest.approx(1 - (1 - test["nominal_p"]) ** 6, abs=0.15)
        assert test["p_value"] == pytest.approx(test["empirical_p"], abs=0.1)
        assert (test["n_variants"], test["n_donors"], test["status"]) == (6, N, "ok")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("[1], [0], [1], range(9), range(9), list_transform(range(9), lambda i: []), 9, 'a'",
         "too_few_permutations"),
        ("[1], [0], [1], range(9), list_transform(range(9), lambda i: 1), "
         "list_transform(range(9), lambda i: []), 10, 'a'", "constant_phenotype"),
        ("[], [], [], range(9), range(9), list_transform(range(9), lambda i: []), 10, 'a'",
         "no_variants"),
        ("[1], [0], [1, 1], range(9), range(9), list_transform(range(9), lambda i: []), 10, 'a'",
         "unequal_lists"),
        ("[1], [0], [1], [], [], [], 10, 'a'", "too_few_donors"),
    ],
)  # fmt: skip
def test_best_variants_that_cannot_be_told_say_why(con, arguments, status):
    ((found,),) = con.sql(f"select best_variant_test({arguments})").fetchall()
    assert (found["status"], found["p_value"], found["variant"]) == (status, None, None)


def test_null_arguments_and_covariates_without_columns(con):
    assert con.sql(
        "select best_variant_test([1], [0], [1], [0], [1], [[]], 9, null)"
    ).fetchall() == [(None,)]
    assert one(con, "skat", variants="null") is None
    found = one(con, "burden_test", covariates="list_transform(range(12), lambda i: [])")
    assert found["status"] == "ok"


def test_lists_of_p_values_in_sql(con):
    (found,) = con.sql("""
        select
            acat([0.02, null], [1, 5]).p_value,
            acat([0.02, 0.5], [1]).status,
            acat([0.02, 0.0]).status,
            acat([2.0]).status,
            acat([0.02], [-1]).status,
            genomic_lambda([]),
            beta_weight('nan'::double, 1, 25)
    """).fetchall()
    assert found == (
        pytest.approx(0.02), "unequal_lists", "zero_p", "invalid_p", "invalid_weight", None, None,
    )  # fmt: skip


def test_what_is_no_number_or_no_p_value_has_no_place_in_a_list(con):
    (found,) = con.sql("""
        select
            inverse_normal([1, 'inf'::double, null, 'nan'::double]),
            bh_q_values([0.1, 2]), storey_q_values([-0.1, 0.1]), genomic_lambda([0.1, -1]),
            genomic_lambda([0.0]), acat([1]).log10p::varchar
    """).fetchall()
    assert found == ([0.0, None, None, None], [None, None], [None, None], None, None, "0.0")
