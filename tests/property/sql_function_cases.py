"""Odd and random arguments of the SQL functions, and what each row of them should give.

The twins take one row in plain Python and call the numerics with it; they share no code with what
binds the numerics to SQL.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import sql_set_cases as sets
from sql_set_cases import INF, NAN, Numbers, Row, known, tail, there

from varhouse.numerics import weights
from varhouse.numerics.acat import acat
from varhouse.numerics.fdr import benjamini_hochberg, genomic_control, storey_q_values
from varhouse.numerics.hwe import hwe_test
from varhouse.numerics.mixture import mixture_log_sf
from varhouse.numerics.ranks import inverse_normal

ODD = [None, NAN, INF, -INF, 0.0, -1.0, 1.0, 2.0, 1e-300, 5e-324, 1.7e308]
P_VALUES = [None, NAN, 1.0, 0.7, 0.5, 0.05, 1e-10, 1e-100, 1e-300, 5e-324]


# --- numbers ------------------------------------------------------------------------------------


def beta_weight(maf: float | None, a: float | None, b: float | None) -> float | None:
    if maf is None or a is None or b is None:
        return None
    with np.errstate(all="ignore"):
        return known(float(weights.beta_weight(maf, a, b)))


def tss_distance_weight(distance: float | None) -> float | None:
    return None if distance is None or math.isnan(distance) else math.exp(-1e-5 * abs(distance))


def chi2_mixture_sf(q: float, eigenvalues: Numbers) -> dict[str, Any]:
    nothing = {"p_value": None, "log10p": None, "error": None}
    if not eigenvalues:
        return nothing | {"status": "no_eigenvalues"}
    if known(q) is None or any(known(each) is None for each in eigenvalues):
        return nothing | {"status": "invalid"}
    with np.errstate(all="ignore"):
        log_p, error = mixture_log_sf(q, eigenvalues)
    if np.isnan(log_p):
        return nothing | {"status": "not_converged"}
    found = {"error": float(error), "status": "ok"}
    if log_p == -np.inf:
        return {"p_value": 0.0, "log10p": None} | found
    return tail(float(log_p)) | found


def hwe(n_hom_ref: int, n_het: int, n_hom_alt: int) -> dict[str, Any]:
    found = hwe_test([n_hom_ref], [n_het], [n_hom_alt])
    return {name: known(values[0]) for name, values in found._asdict().items()}


# --- lists --------------------------------------------------------------------------------------


def combined(values: Numbers, weights: Numbers | None = None) -> dict[str, Any]:
    nothing = {"p_value": None, "log10p": None, "n": len(there(values))}
    if weights is not None and len(weights) != len(values):
        return nothing | {"status": "unequal_lists"}
    pairs = list(zip(values, weights or [1.0] * len(values), strict=True))
    pairs = [(p, w) for p, w in pairs if there([p])]
    log_p, status = acat([p for p, _ in pairs], [NAN if w is None else w for _, w in pairs])
    return nothing | (tail(log_p) if status == "ok" else {}) | {"status": status}


def combined_log10p(values: Numbers) -> dict[str, Any]:
    logs = there(values)
    nothing = {"p_value": None, "log10p": None, "n": len(logs)}
    if any(each < 0 or math.isinf(each * math.log(10)) for each in logs):
        return nothing | {"status": "invalid_p"}
    if not logs:
        return nothing | {"status": "no_p_values"}
    log_p, status = acat(log_p=[-each * math.log(10) for each in logs])
    assert status == "ok"
    return nothing | tail(log_p) | {"status": status}


def in_places(
    values: Numbers, is_there: Callable[[float], bool], change: Callable[[list[float]], Any]
) -> list[float | None]:
    """Change what is there and put it back where it was."""
    found = [None if each is None or not is_there(each) else each for each in values]
    changed = iter(change([each for each in found if each is not None]))
    return [None if each is None else float(next(changed)) for each in found]


def ranked(values: Numbers) -> list[float | None]:
    return in_places(values, math.isfinite, lambda some: inverse_normal(some) if some else [])


def q_values(values: Numbers, adjust: Callable[[list[float]], Any]) -> list[float | None]:
    if any(not 0 <= each <= 1 for each in there(values)):
        return [None] * len(values)
    return in_places(values, lambda each: not math.isnan(each), adjust)


def bh_q_values(values: Numbers) -> list[float | None]:
    return q_values(values, benjamini_hochberg)


def storey(values: Numbers) -> list[float | None]:
    return q_values(values, lambda some: storey_q_values(some)[0] if some else [])


def genomic_lambda(values: Numbers | None) -> float | None:
    some = there(values or [])
    if not some or any(not 0 <= each <= 1 for each in some):
        return None
    return known(genomic_control(some))


# --- rows ---------------------------------------------------------------------------------------


def random_list(rng: random.Random, values: Sequence[Any], longest: int = 6) -> list[Any]:
    return [rng.choice(values) for _ in range(rng.randint(0, longest))]


NUMBER, NUMBERS = pa.float64(), pa.list_(pa.float64())
KEYS = pa.list_(pa.int64())
SET = (KEYS, KEYS, NUMBERS, NUMBERS, KEYS, NUMBERS, pa.list_(NUMBERS))


class Case(NamedTuple):
    """A function, the Arrow types of its arguments, its twin and rows to call both with."""

    types: tuple[pa.DataType, ...]
    twin: Callable[..., Any]
    rows: Callable[[random.Random], list[Row]]
    macro: str | None = None


def odd_rows(*choices: list[Any], n: int = 60) -> Callable[[random.Random], list[Row]]:
    return lambda rng: [tuple(rng.choice(each) for each in choices) for _ in range(n)]


def lists_of(values: list[Any], n: int = 60) -> Callable[[random.Random], list[Row]]:
    return lambda rng: [
        (None if rng.random() < 0.1 else random_list(rng, values),) for _ in range(n)
    ]


def weighted(rng: random.Random) -> list[Row]:
    rows: list[Row] = [(None, [1.0]), ([0.5], None), ([], []), ([0.2, None], [1.0, None])]
    for _ in range(80):
        p = random_list(rng, [*P_VALUES, 0.0, 1.5] if rng.random() < 0.3 else P_VALUES)
        w = [rng.choice([1.0, 2.5, 0.0, 1e300]) for _ in p]
        if w and rng.random() < 0.3:
            w[rng.randrange(len(w))] = rng.choice([None, NAN, INF, -1.0])
        rows.append((p, w if rng.random() < 0.9 else [*w, 1.0]))
    return rows


def mixtures(rng: random.Random) -> list[Row]:
    values = [*ODD, 0.3, 1.0, 2.5, 40.0]
    return [
        (rng.choice(values), None if rng.random() < 0.1 else random_list(rng, values, 4))
        for _ in range(80)
    ]


def random_sets(*, is_binary: bool = False) -> Callable[[random.Random], list[Row]]:
    def rows(rng: random.Random) -> list[Row]:
        found = [sets.random_set(rng, is_binary=is_binary) for _ in range(60)]
        return [*found, *(with_null(rng, found[0]) for _ in range(3))]

    return rows


def with_null(rng: random.Random, row: Row) -> Row:
    place = rng.randrange(len(row))
    return (*row[:place], None, *row[place + 1 :])


def permuted(rng: random.Random) -> list[Row]:
    found = []
    for i in range(40):
        *columns, tested, y, x = sets.random_set(rng)
        found.append((*columns[:3], tested, y, x, rng.choice([9, 10, 40]), f"gene {i}"))
    return [*found, with_null(rng, found[0])]


def set_case(twin: tuple[Any, Any], *, is_binary: bool = False) -> Case:
    fields, test = twin
    return Case(
        SET, lambda *row: sets.set_test(row, fields, test), random_sets(is_binary=is_binary)
    )


COUNTS = [None, 0, 1, 2, 7, 300, 40_000]
CASES: dict[str, Case] = {
    "beta_weight": Case(
        (NUMBER,) * 3,
        beta_weight,
        odd_rows([*ODD, 0.01, 0.5, 0.99], [*ODD, 0.5, 25.0], [*ODD, 0.5, 25.0], n=300),
    ),
    "tss_distance_weight": Case((NUMBER,), tss_distance_weight, odd_rows([*ODD, -500_000.0, 7.0])),
    "chi2_mixture_sf": Case((NUMBER, NUMBERS), chi2_mixture_sf, mixtures),
    "acat": Case((NUMBERS,), combined, lists_of([*P_VALUES, *P_VALUES, 0.0, 1.5]), "acat"),
    "acat_weighted": Case((NUMBERS, NUMBERS), combined, weighted),
    "acat(p_values, weights)": Case((NUMBERS, NUMBERS), combined, weighted, "acat"),
    "acat_log10p": Case(
        (NUMBERS,), combined_log10p, lists_of([None, NAN, 0.0, 0.3, 5.0, 300.0, 1e6, *ODD])
    ),
    "bh_q_values": Case((NUMBERS,), bh_q_values, lists_of([*P_VALUES * 3, 0.0, 1.5])),
    "storey_q_values": Case((NUMBERS,), storey, lists_of([*P_VALUES * 3, 0.0, 1.5])),
    "genomic_lambda": Case((NUMBERS,), genomic_lambda, lists_of([*P_VALUES * 3, 0.0, INF])),
    "inverse_normal": Case((NUMBERS,), ranked, lists_of([*ODD, 1.0, 3.0, 3.5])),
    "hwe_test": Case((pa.int64(),) * 3, hwe, odd_rows(COUNTS, COUNTS, COUNTS)),
    "hwe_p_value": Case(
        (pa.int64(),) * 3,
        lambda *row: hwe(*row)["p_value"],
        odd_rows(COUNTS, COUNTS, COUNTS),
        "hwe_p_value",
    ),
    "hwe_mid_p_value": Case(
        (pa.int64(),) * 3,
        lambda *row: hwe(*row)["mid_p_value"],
        odd_rows(COUNTS, COUNTS, COUNTS),
        "hwe_mid_p_value",
    ),
    "burden_test": set_case((sets.EFFECT, sets.linear_burden)),
    "skat": set_case((sets.VARIANCE, sets.linear_scores(sets.variance_part))),
    "skat_o": set_case((sets.MIXTURE, sets.linear_scores(sets.mixture_part))),
    "burden_test_binary": set_case((sets.BINARY_EFFECT, sets.logistic_burden_test), is_binary=True),
    "skat_binary": set_case(
        (sets.VARIANCE, sets.logistic_scores(sets.variance_part)), is_binary=True
    ),
    "skat_o_binary": set_case(
        (sets.MIXTURE, sets.logistic_scores(sets.mixture_part)), is_binary=True
    ),
    "best_variant_test": Case(
        (*SET[:3], *SET[4:], pa.int32(), pa.string()),
        lambda *row: sets.best_variant(row),
        permuted,
    ),
}
