"""Tests of a set's variance under one weight: SKAT, SKAT-O, ACAT-V.

Columns that are equal in every donor are taken as one; their covariance is made once for all three
tests and for every phenotype.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from varhouse.numerics.acat_v import acat_v_log_p
from varhouse.numerics.burden import COLLINEAR
from varhouse.numerics.set_columns import SetColumns
from varhouse.numerics.skat import ScoreSet, positive_eigenvalues
from varhouse.numerics.skat_o import SkatO, SkatOTest
from varhouse.numerics.weights import beta_weight

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

_NAN = float("nan")
_CONSTANT = (_NAN, _NAN, _NAN, _NAN, "constant_phenotype")


class Found(NamedTuple):
    """Results of one test for t phenotypes, shape (t,) each."""

    statistic: Float
    log_p: Float
    error: Float
    detail: Float
    status: npt.NDArray[np.str_]


def nothing(phenotypes: Int, status: str) -> Found:
    """Return the results of a test that cannot be made."""
    statistic, log_p, error, detail = np.full((4, phenotypes.size), np.nan)
    return Found(statistic, log_p, error, detail, np.full(phenotypes.size, status))


def _found(results: Sequence[tuple[float, float, float, float, str]]) -> Found:
    statistic, log_p, error, detail = np.array([each[:4] for each in results]).T
    return Found(statistic, log_p, error, detail, np.array([each[4] for each in results]))


class VarianceKernel:
    """Covariance of a set's scores, of distinct columns only, under one weight."""

    def __init__(
        self,
        part: SetColumns,
        phenotypes: Int,
        used: npt.NDArray[np.bool_],
        weight: int,
        power: float,
        maf_beta: tuple[float, float] | None = None,
    ) -> None:
        self.part, self.phenotypes, self.used = part, phenotypes, used
        self.weight_of_maf: Callable[[float], float] | None = None
        if maf_beta is not None:
            self.weight_of_maf = lambda maf: float(beta_weight(maf, *maf_beta) ** power)
        given = part.weights[used, weight]
        self.weights = np.abs(given) ** power
        _, first, group = np.unique(part.twins[used], return_index=True, return_inverse=True)
        order = np.argsort(first)
        self.first = np.flatnonzero(used)[first[order]]
        self.group = np.argsort(order)[group]
        # equal columns act as one whose squared weight is the sum of theirs
        self.joint = np.sqrt(np.bincount(self.group, weights=self.weights**2))
        self.eigenvalues: Float | None = None
        self.status = "negative_weight" if np.any(given < 0) else self._testable()

    def _testable(self) -> str:
        """Judge by what the covariates leave: from rounding errors there is a p-value, too."""
        part = self.part
        squares = np.bincount(part.column, part.dosage**2, minlength=part.variants.size)[self.first]
        left = squares - np.sum(part.projections[self.first] ** 2, axis=1)
        size = float(self.joint**2 @ squares)
        if size == 0:
            return "no_carriers"
        return "ok" if float(self.joint**2 @ left) > COLLINEAR * size else "collinear"

    @cached_property
    def covariance(self) -> Float:
        """Covariance of the unweighted scores of distinct columns, made when first asked for."""
        projections = self.part.projections[self.first]
        covariance = self.part.gram(self.first)
        covariance -= projections @ projections.T
        return covariance

    @cached_property
    def weighted(self) -> Float:
        """The same with the joint weight of equal columns."""
        weighted = self.covariance * self.joint
        weighted *= self.joint[:, None]
        return weighted

    def skat(self) -> Found:
        """Return SKAT's statistics; ``eigenvalues`` then say their law."""
        self.eigenvalues = self._eigenvalues()
        if self.eigenvalues.size == 0:
            return nothing(self.phenotypes, "collinear")
        null = self.part.null
        scores = self.part.scores[np.ix_(self.first, self.phenotypes)]
        rss = null.rss[self.phenotypes]
        with np.errstate(divide="ignore", invalid="ignore"):
            q = self.joint**2 @ scores**2 / (rss / null.df)
        return nothing(self.phenotypes, "")._replace(
            statistic=q, status=np.where(rss > 0, "ok", "constant_phenotype")
        )

    def skat_beside_skat_o(self) -> Found:
        """Return SKAT's results as SKAT-O has them, at rho = 0: no eigenvalues of its own."""
        return _found(
            [
                (float(scores @ scores), each.each[0], each.skat_error, _NAN, "ok")
                if each is not None
                else _CONSTANT
                for scores, each in self._mixtures
            ]
        )

    def _eigenvalues(self) -> Float:
        n, k = self.part.null.basis.shape
        if self.first.size <= n - k:
            return positive_eigenvalues(self.weighted)
        dense = self.part.dense(self.first)
        residual = dense - self.part.projections[self.first] @ self.part.null.basis.T
        residual *= self.joint[:, None]
        return positive_eigenvalues(residual.T @ residual)

    def skat_o(self) -> Found:
        """Return SKAT-O's results."""
        return _found(
            [
                (float(each.each.min()), each.log_p, each.error, each.rho, "ok")
                if each is not None
                else _CONSTANT
                for _, each in self._mixtures
            ]
        )

    @cached_property
    def _mixtures(self) -> list[tuple[Float, SkatOTest | None]]:
        """Joint scores of each phenotype and its SKAT-O, None for a constant phenotype."""
        linear = np.bincount(self.group, weights=self.weights)
        # what the joint scores of equal columns have to be multiplied by to add up to the burden
        direction = np.divide(linear, self.joint, where=self.joint > 0, out=np.zeros(linear.size))
        kernel = SkatO(self.weighted, direction)
        scores = [self._scores(int(t))[self.first] * self.joint for t in self.phenotypes]
        return [(each, kernel.test(each) if np.all(np.isfinite(each)) else None) for each in scores]

    def acat_v(self) -> Found:
        """Return ACAT-V's results."""
        genotypes = self.part.genotypes
        variants = self.part.variants[self.used]
        n_called = genotypes.matrix.shape[0] - genotypes.n_missing[variants]
        maf = np.minimum(genotypes.frequency[variants], 1.0 - genotypes.frequency[variants])
        covariance = self.covariance[np.ix_(self.group, self.group)]
        found: list[tuple[float, float, float, float, str]] = []
        for t in self.phenotypes:
            scores = self._scores(int(t))[self.used]
            if not np.all(np.isfinite(scores)):
                found.append(_CONSTANT)
                continue
            log_p, status = acat_v_log_p(
                ScoreSet(scores[:, None], covariance),
                self.weights,
                maf,
                maf * 2.0 * n_called,
                df=self.part.null.df,
                weight_of_maf=self.weight_of_maf,
            )
            found.append((_NAN, log_p, _NAN, _NAN, status))
        return _found(found)

    def _scores(self, t: int) -> Float:
        null = self.part.null
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.part.scores[:, t] / null.sigma[t])
