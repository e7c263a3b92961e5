"""ACAT against its definition in exact arithmetic, and what it does with odd input."""

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from varhouse.numerics.acat import acat, acat_many


@pytest.mark.parametrize("seed", range(5))
def test_the_definition(seed):
    rng = np.random.default_rng(seed)
    p, w = rng.uniform(size=20), rng.uniform(size=20)
    t = np.sum(w / w.sum() * np.tan((0.5 - p) * np.pi))
    log_p, status = acat(p, w)
    assert status == "ok"
    assert math.exp(log_p) == pytest.approx(stats.cauchy.sf(t), rel=1e-12)


def test_small_p_values_add_up():
    # for p -> 0 the combination is the weighted mean of p, harmonically: 1 / p = sum of w / p
    log_p, _ = acat([1e-300, 0.5, 0.5])
    assert log_p == pytest.approx(math.log(3e-300), rel=1e-13)
    log_p, _ = acat(log_p=[-5000.0, -5000.0, -1.0])
    assert log_p == pytest.approx(-5000.0 + math.log(1.5), rel=1e-12)


@pytest.mark.parametrize(
    ("p", "combined"), [([1e-14], 1e-14), ([2e-16], 2e-16), ([3e-16] * 4, 3e-16)]
)
def test_one_less_a_distribution_function_is_not_taken(p, combined):
    """That gives 9.88e-15, 2.3e-16 and 3.02e-16."""
    assert math.exp(acat(p)[0]) == pytest.approx(combined, rel=1e-12, abs=0)


@pytest.mark.parametrize("p", [0.7, 5e-5, 2e-7, 5e-10, 5e-14])
def test_one_p_value_is_itself(p):
    assert math.exp(acat([p])[0]) == pytest.approx(p, rel=1e-12, abs=0)


def test_nan_and_zero_weight_are_left_out():
    assert acat([0.2, np.nan, 0.01]) == acat([0.2, 0.01])
    assert acat([0.2, 0.01, 0.0], [1, 1, 0]) == acat([0.2, 0.01])
    assert acat([0.2, 0.01], [3, 3]) == acat([0.2, 0.01])


def test_one_p_value_of_one_does_not_erase_the_rest():
    log_p, _ = acat([1.0, 1e-12])
    assert log_p == acat([0.5, 1e-12])[0]
    assert acat([1.0, 1.0]) == (0.0, "ok")


@pytest.mark.parametrize(
    ("p", "w", "status"),
    [
        ([], None, "no_p_values"),
        ([np.nan], None, "no_p_values"),
        ([0.0, 0.5], None, "zero_p"),
        ([1.5], None, "invalid_p"),
        ([-0.1], None, "invalid_p"),
        ([0.1, 0.2], [-1.0, 1.0], "invalid_weight"),
        ([0.1, 0.2], [0.0, 0.0], "invalid_weight"),
        ([0.1, 0.2], [np.inf, 1.0], "invalid_weight"),
    ],
)
def test_what_cannot_be_combined(p, w, status):
    log_p, found = acat(p, w)
    assert found == status
    assert math.isnan(log_p)


def test_what_is_no_logarithm_of_a_p_value():
    assert acat(log_p=[0.1, -1.0])[1] == "invalid_p"
    assert acat(log_p=[-np.inf, -1.0])[1] == "zero_p"
    for given in ({}, {"p_values": [0.5], "log_p": [-1.0]}):
        with pytest.raises(ValueError, match="either p_values or log_p"):
            acat(**given)
    with pytest.raises(ValueError, match="1 weights for 2 p-values"):
        acat([0.1, 0.2], [1.0])


@pytest.mark.shared
def test_reference_cases(shared_data):
    given = pl.read_parquet(shared_data / "stats" / "acat_input.parquet")
    expected = pl.read_parquet(shared_data / "stats" / "acat_expected.parquet").filter(
        (pl.col("exact_status") == "ok") & pl.col("exact_log10p").is_not_null()
    )
    compared = 0
    for case in expected.iter_rows(named=True):
        rows = given.filter(pl.col("case") == case["case"]).sort("i")
        p = rows["p"].to_numpy()
        # a p of exactly 1 is ours by another policy (docs: statistics)
        weights = rows["weight"].to_numpy() if case["weighted"] else np.ones(len(p))
        if np.any((p == 1.0) & (weights > 0)) and not np.all(p == 1.0):
            continue
        log_p, status = acat(p, weights)
        assert status == "ok"
        assert log_p == pytest.approx(case["exact_log10p"] * math.log(10), rel=0, abs=1e-9)
        compared += 1
    assert compared >= 30


def test_many_groups_are_one_after_the_other():
    rng = np.random.default_rng(8)
    groups = [
        np.log(rng.uniform(size=5)),
        np.array([-800.0, -3.0, -0.2]),
        np.array([0.0, -5.0]),
        np.array([0.0, 0.0]),
        np.array([-2e4, -2e4, 0.0]),
        np.array([-1e-17]),
        np.array([-22.0, -1e-9, -1e-9, -1e-9]),
    ]
    starts = np.cumsum([0, *(len(group) for group in groups)])[:-1]
    found = acat_many(np.concatenate(groups), starts)
    expected = [acat(log_p=group)[0] for group in groups]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-16)
