"""Tests of one set of variants under one weight, by dense matrices and least squares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats
from tests.property.rvat_tails import Float, acat, skat_o, skat_p
from tests.property.rvat_twin_variants import Profile


class Row(NamedTuple):
    """A row of ``rvat_burden`` or ``rvat_skat``; what the table lacks is None."""

    status: str
    n_variants: int
    n_carriers: int
    n_donors: int
    p: float | None = None
    values: Mapping[str, float] = {}
    rhos: Sequence[float] = ()


class Set(NamedTuple):
    """A set of variants under a weight, with the covariates and the phenotype of its donors."""

    dosages: Float
    weights: Float
    # among the tested donors who are called
    mafs: Float
    copies: Float
    x: Float
    y: Float


def residuals(columns: Float, x: Float) -> Float:
    left = columns - x @ np.linalg.lstsq(x, columns)[0]
    # what is rounding noise of a column that covariates explain is 0
    size = np.linalg.norm(columns, axis=0)
    return np.asarray(np.where(np.linalg.norm(left, axis=0) > 1e-7 * size, left, 0.0))


def is_explained(y: Float, x: Float) -> bool:
    return not residuals(y[:, None], x).any()


def has_something(at: Set, weights: Float) -> bool:
    """Fractions below half a copy alone, or weights of 0 alone, are nothing to test."""
    return n_carriers(at) > 0 and bool((weights != 0).any())


def n_carriers(at: Set) -> int:
    return int((at.dosages >= 0.5).any(axis=1).sum())


def burden_row(at: Set, aggregation: str, profile: Profile) -> Row:
    n, k = at.x.shape
    counts = (at.weights.size, n_carriers(at), n)
    if not has_something(at, at.weights):
        return Row("no_carriers", *counts)
    weighted = at.dosages * at.weights
    b = {"sum": weighted.sum(axis=1), "mean": weighted.mean(axis=1), "max": weighted.max(axis=1)}[
        aggregation
    ]
    if not residuals(b[:, None], at.x).any():
        return Row("collinear", *counts)
    if is_explained(at.y, at.x):
        return Row("constant_phenotype", *counts)
    full = np.column_stack([at.x, b / np.linalg.norm(b)])
    coefficients = np.linalg.lstsq(full, at.y)[0]
    rss = np.sum((at.y - full @ coefficients) ** 2)
    rss0 = np.sum(residuals(at.y[:, None], at.x) ** 2)
    beta = coefficients[-1] / np.linalg.norm(b)
    df = n - k - 1
    variance = rss / df / np.sum(residuals(b[:, None], at.x) ** 2)
    t_p = 2 * stats.t.sf(abs(beta) / math.sqrt(variance), df)
    lrt = (n - k) * math.log(rss0 / rss)
    values: dict[str, float] = {
        "beta": beta,
        "se": math.sqrt(variance),
        "t_p_value": t_p,
        "lrt": lrt,
    }
    p = t_p
    if profile["p_value"] == "lrt":
        p = float(stats.chi2.sf(lrt, 1))
        del values["se"]
        # of no effect at all it is 0 / 0
        if lrt > 1e-20:
            values["se"] = abs(beta) / math.sqrt(lrt)
    return Row("ok", *counts, float(p), values)


def set_row(test: str, at: Set, weight: str, profile: Profile) -> Row:
    n, k = at.x.shape
    counts = (at.weights.size, n_carriers(at), n)
    if n_carriers(at) and (at.weights < 0).any():
        return Row("negative_weight", *counts)
    weights = at.weights ** profile["skat_weight_power"]
    if not has_something(at, weights):
        return Row("no_carriers", *counts)
    columns = residuals(at.dosages * weights, at.x)
    if not columns.any():
        return Row("collinear", *counts)
    if is_explained(at.y, at.x):
        return Row("constant_phenotype", *counts)
    left = residuals(at.y[:, None], at.x)[:, 0]
    sigma2 = left @ left / (n - k)
    scores = columns.T @ left / math.sqrt(sigma2)
    covariance = columns.T @ columns
    match test:
        case "skat":
            is_finite = profile["skat_law"] == "finite_sample"
            p = skat_p(scores, covariance, n - k, is_finite=is_finite)
            return Row("ok", *counts, p, {"q": float(scores @ scores)})
        case "skat_o":
            p, rhos = skat_o(scores, covariance)
            return Row("ok", *counts, p, rhos=rhos)
        case _:
            p = acat_v(at, weights, weight, profile)
            return Row("ok", *counts, p)


def acat_v(at: Set, weights: Float, name: str, profile: Profile) -> float:
    """Combine variants one by one; those of at most 10 minor alleles are one burden."""
    n, k = at.x.shape
    left = residuals(at.y[:, None], at.x)[:, 0]
    columns = residuals(at.dosages, at.x)
    is_tested = columns.any(axis=0)
    is_few = is_tested & (at.copies <= 10)
    p_values, shares = [], []
    for j in np.flatnonzero(is_tested & ~is_few):
        g = columns[:, j]
        square = (g @ left) ** 2 / (g @ g)
        t = math.sqrt(square / ((left @ left - square) / (n - k - 1)))
        p_values.append(2 * float(stats.t.sf(t, n - k - 1)))
        shares.append(weights[j] ** 2 * at.mafs[j] * (1 - at.mafs[j]))
    if is_few.any():
        b = columns[:, is_few] @ weights[is_few]
        if b.any():
            square = (b @ left) ** 2 / (b @ b) / (left @ left / (n - k))
            p_values.append(float(stats.chi2.sf(square, 1)))
            maf = float(np.mean(at.mafs[is_few]))
            weight = float(np.mean(weights[is_few]))
            if name == "maf_beta":
                density = float(stats.beta.pdf(maf, *profile["maf_beta_shape"]))
                weight = density ** profile["skat_weight_power"]
            shares.append(weight**2 * maf * (1 - maf))
    return acat(p_values, shares)
