"""Random variant sets for the SQL functions that test them, and what each should give."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from varhouse.numerics.binary import fit_logistic, logistic_burden
from varhouse.numerics.burden import burden_test
from varhouse.numerics.null_model import covariate_basis, fit_linear
from varhouse.numerics.permutation import gene_rng, permutation_test
from varhouse.numerics.saddlepoint_score import collapse_rare, robust_score_set, score_test
from varhouse.numerics.skat import positive_eigenvalues, score_set, skat_log_p
from varhouse.numerics.skat_o import SkatO

NAN, INF = math.nan, math.inf
Row = tuple[Any, ...]
Numbers = Sequence[float | None]


def known(value: float | None) -> float | None:
    """Return a number, or None for what is none."""
    return None if value is None or not math.isfinite(value) else float(value)


def tail(log_p: float) -> dict[str, float]:
    return {"p_value": math.exp(log_p), "log10p": max(0.0, -log_p / math.log(10))}


def there(values: Numbers) -> list[float]:
    return [each for each in values if each is not None and not math.isnan(each)]


EFFECT = ("beta", "se", "p_value", "log10p")
BINARY_EFFECT = (*EFFECT, "method")
VARIANCE = ("statistic", "p_value", "log10p", "error")
MIXTURE = ("rho", "p_value", "log10p", "error")
COUNTS = ("n_variants", "n_carriers", "n_donors")


def is_number(value: float | None) -> bool:
    return known(value) is not None


def dense(row: Row) -> tuple[str, dict[str, Any]]:
    """Return a status, and the dense tables that the lists of a row stand for."""
    variants, donors, dosages, weights, tested, phenotype, covariates = row
    sizes = {len(each) for each in (variants, donors, dosages, weights)}
    widths = {len(each) for each in covariates if each is not None}
    if len(sizes) > 1 or len({len(tested), len(phenotype), len(covariates)}) > 1:
        return "unequal_lists", {"n": 0}
    if len(widths) > 1:
        return "unequal_lists", {"n": 0}
    people: dict[int, tuple[float, list[float]]] = {}
    for donor, y, x in zip(tested, phenotype, covariates, strict=True):
        if donor is None or x is None or not all(map(is_number, [y, *x])):
            continue
        if donor in people:
            return "duplicate_donor", {"n": 0}
        people[donor] = (y, x)
    order = sorted(people)
    n = len(order)
    # an intercept, the covariates, a burden, and something left over
    if n < 1 + max(widths, default=0) + 1 + 1:
        return "too_few_donors", {"n": n}
    calls: dict[int, dict[int, float | None]] = {}
    weight: dict[int, float] = {}
    for v, d, x, w in zip(variants, donors, dosages, weights, strict=True):
        if v is None or d is None:
            continue
        given = NAN if w is None else w
        if given < 0 or math.isinf(given) or repr(weight.setdefault(v, given)) != repr(given):
            return "invalid_weight", {"n": n}
        if there([x]) and not 0 <= x <= 2:
            return "invalid_dosage", {"n": n}
        if d in calls.setdefault(v, {}):
            return "duplicate_genotype", {"n": n}
        calls[v][d] = known(x)
    columns, used, names = [], [], []
    for v in sorted(calls):
        called = [calls[v].get(d, 0.0) for d in order]
        some = [x for x in called if x is not None]
        if not weight[v] > 0 or len(set(some)) < 2:
            continue
        mean = sum(some) / len(some)
        full = [mean if x is None else x for x in called]
        columns.append([2 - x for x in full] if mean > 1 else full)
        used.append(weight[v])
        names.append(v)
    genotypes = np.array(columns, dtype=float).reshape(len(columns), n).T
    return "ok", {
        "n": n,
        "genotypes": genotypes,
        "weights": np.array(used),
        "names": names,
        "y": np.array([people[d][0] for d in order], dtype=float),
        "design": np.array([[1.0, *people[d][1]] for d in order], dtype=float),
        "counts": dict(
            zip(COUNTS, (len(names), int((genotypes >= 0.5).any(axis=1).sum()), n), strict=True)
        ),
    }


def set_test(
    row: Row, fields: Sequence[str], test: Callable[[dict[str, Any]], tuple[str, Sequence[Any]]]
) -> dict[str, Any]:
    status, found = dense(row)
    counts = {**dict.fromkeys(COUNTS, 0), "n_donors": found["n"], **found.get("counts", {})}
    numbers: Sequence[Any] = ()
    if status == "ok":
        status, numbers = test(found)
    values = numbers if status == "ok" else [None] * len(fields)
    return {**dict(zip(fields, values, strict=True)), **counts, "status": status}


def linear(found: dict[str, Any]) -> tuple[str, Any]:
    null = fit_linear(found["design"], found["y"][:, None])
    if null.rss[0] <= 0:
        return "constant_phenotype", null
    return ("ok" if found["names"] else "no_carriers"), null


def logistic(found: dict[str, Any]) -> tuple[str, Any]:
    if not set(found["y"]) <= {0.0, 1.0}:
        return "not_binary", None
    null = fit_logistic(found["design"], found["y"])
    if null.status != "ok":
        return null.status, None
    return ("ok" if found["names"] else "no_carriers"), null


def left_over(x: Any, design: Any, scale: Any = 1.0) -> bool:
    """Whether the covariates leave anything of the genotypes."""
    basis, _ = np.linalg.qr(design * np.sqrt(scale)[:, None] if np.ndim(scale) else design)
    scaled = (x.T * np.sqrt(scale)).T.reshape(len(design), -1)
    rest = scaled - basis @ (basis.T @ scaled)
    return float(np.sum(rest**2)) > 1e-8 * float(np.sum(scaled**2))


def both(log_p: Any) -> tuple[float, float]:
    found = tail(float(log_p))
    return found["p_value"], found["log10p"]


def linear_burden(found: dict[str, Any]) -> tuple[str, Sequence[Any]]:
    status, null = linear(found)
    if status != "ok":
        return status, ()
    b = found["genotypes"] @ found["weights"]
    if not left_over(b, found["design"]):
        return "collinear", ()
    variance = float(b @ b) - float(np.sum((null.basis.T @ b) ** 2))
    result = burden_test(
        float(b @ null.residuals[:, 0]), variance, float(b @ b), null.rss[0], null.df
    )
    return "ok", (float(result.beta), float(result.se), *both(result.log_p))


def variance_part(scores: Any) -> tuple[str, Sequence[Any]]:
    q = np.sum(scores.scores**2, axis=0)
    log_p, error = skat_log_p(q, positive_eigenvalues(scores.covariance))
    return "ok", (float(q[0]), *both(log_p[0]), float(error[0]))


def mixture_part(scores: Any) -> tuple[str, Sequence[Any]]:
    best = SkatO(scores.covariance).test(scores.scores[:, 0])
    return "ok", (best.rho, *both(best.log_p), best.error)


def linear_scores(part: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Any]:
    def test(found: dict[str, Any]) -> tuple[str, Sequence[Any]]:
        status, null = linear(found)
        if status != "ok":
            return status, ()
        weighted = found["genotypes"] * found["weights"]
        if not left_over(weighted, found["design"]):
            return "collinear", ()
        return part(score_set(weighted, null))

    return test


def logistic_scores(part: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Any]:
    def test(found: dict[str, Any]) -> tuple[str, Sequence[Any]]:
        status, null = logistic(found)
        if status != "ok":
            return status, ()
        weighted = collapse_rare(found["genotypes"], found["weights"])
        if not left_over(weighted, found["design"], null.variance):
            return "collinear", ()
        return part(robust_score_set(weighted, null))

    return test


def logistic_burden_test(found: dict[str, Any]) -> tuple[str, Sequence[Any]]:
    status, null = logistic(found)
    if status != "ok":
        return status, ()
    b = found["genotypes"] @ found["weights"]
    if not left_over(b, found["design"], null.variance):
        return "collinear", ()
    test = score_test(b, null)
    effect = logistic_burden(b, found["design"], found["y"], null)
    return "ok", (known(effect.beta), known(effect.se), *both(test.log_p), test.method)


def best_variant(row: Row) -> dict[str, Any]:
    *lists, n_permutations, seed = row
    variants, donors, dosages, *people = lists
    status, found = dense((variants, donors, dosages, [1.0] * len(variants), *people))
    fields = ("variant", "nominal_p", "empirical_p", "p_value", "log10p", "n_independent")
    nothing: dict[str, Any] = dict.fromkeys(fields)
    counts = {"n_variants": len(found.get("names", [])), "n_donors": found["n"]}
    if status == "ok" and n_permutations < 10:
        status = "too_few_permutations"
    if status != "ok":
        return nothing | counts | {"status": status}
    basis, _ = covariate_basis(found["design"])
    test = permutation_test(
        found["genotypes"], found["y"], basis, rng=gene_rng(0, seed), n_permutations=n_permutations
    )
    if test.status not in ("ok", "fit_failed"):
        return nothing | counts | {"status": test.status}
    return {
        "variant": found["names"][test.best],
        "nominal_p": known(test.nominal_p),
        "empirical_p": known(test.empirical_p),
        "p_value": known(test.beta_p),
        "log10p": None if test.status != "ok" else -math.log10(test.beta_p),
        "n_independent": known(test.shape2),
        **counts,
        "status": test.status,
    }


def random_set(rng: random.Random, *, is_binary: bool = False) -> Row:
    """Draw seven lists; half of the rows have one fault of the documented kinds."""
    n, m = rng.randint(12, 25), rng.randint(1, 4)
    n_covariates = rng.randint(0, 2)
    tested = rng.sample(range(-5, 40), n)
    phenotype: list[Any] = [rng.gauss(0, 1) for _ in tested]
    if is_binary:
        phenotype = [float(y > 0.4) for y in phenotype]
    covariates: list[Any] = [[rng.gauss(0, 1) for _ in range(n_covariates)] for _ in tested]
    rows: list[list[Any]] = []
    for variant in rng.sample(range(-3, 9), m):
        weight = rng.choice([0.5, 1.0, 2.5, 0.0, None]) if m > 1 else 1.5
        share = rng.choice([0.1, 0.3, 0.9])
        rows += [
            [variant, donor, rng.choice([1.0, 1.0, 2.0, 0.7, None, NAN, 0.0]), weight]
            for donor in [*tested, 90, 91]
            if rng.random() < share
        ]
    rng.shuffle(rows)
    fault = rng.choice(SET_FAULTS) if rng.random() < 0.5 else "none"
    if fault == "too few":
        keep = n_covariates + rng.randint(0, 2)
        tested, phenotype, covariates = tested[:keep], phenotype[:keep], covariates[:keep]
    elif fault == "constant":
        phenotype = [1.0] * n
    elif fault == "donor twice":
        tested[1] = tested[0]
    elif fault == "no key":
        tested[0] = None
    elif fault == "no phenotype":
        phenotype[0], phenotype[1], phenotype[2] = None, NAN, INF
    elif fault == "no covariates":
        covariates[3] = None
    elif fault == "covariates differ":
        covariates[3] = [1.0] * (n_covariates + 1)
    elif fault == "odd covariate":
        covariates = [[*x, 0.0] for x in covariates]
        covariates[0][-1], covariates[1][-1], covariates[2][-1] = NAN, None, 3.0
    elif fault == "lists differ":
        rng.choice([tested, phenotype, covariates]).pop()
    elif fault == "no rows":
        rows = []
    elif rows and fault == "genotype twice":
        rows.append(list(rows[0]))
    elif rows and fault == "odd dosage":
        rows[0][2] = rng.choice([-0.1, 2.1, INF, -INF])
    elif rows and fault == "odd weight":
        rows.append([rows[0][0], 95, 1.0, rng.choice([7.0, -1.0, INF])])
    elif rows and fault == "no keys":
        rows += [[None, 3, 9.0, -1.0], [3, None, 9.0, -1.0]]
    columns = [[row[place] for row in rows] for place in range(4)]
    if rows and fault == "columns differ":
        rng.choice(columns).pop()
    return (*columns, tested, phenotype, covariates)


SET_FAULTS = [
    "too few", "constant", "donor twice", "no key", "no phenotype", "no covariates",
    "covariates differ", "odd covariate", "lists differ", "no rows", "genotype twice",
    "odd dosage", "odd weight", "no keys", "columns differ",
]  # fmt: skip
