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
from varhouse.numerics.distinct_columns import DistinctColumns
from varhouse.numerics.genotype_matrix import GenotypeMatrix
from varhouse.numerics.null_model import LinearNull
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
    """Covariance of a set's scores, of distinct columns only, under one weight.

    Parameters
    ----------
    columns
        Of the block that the set is one of.
    variants, weights
        Variants that all have the weight, shapes (m,) and (m,).
    phenotypes
        Shape (t,): columns of the null model's residuals.
    power
        Of the weights; 1/2 gives the kernel G W G' for weights W.
    maf_beta
        Shapes of the Beta density of the MAF that the weights are, if they are one.
    """

    def __init__(
        self,
        genotypes: GenotypeMatrix,
        null: LinearNull,
        columns: DistinctColumns,
        variants: Int,
        weights: Float,
        phenotypes: Int,
        power: float,
        maf_beta: tuple[float, float] | None = None,
    ) -> None:
        self.genotypes, self.null, self.columns = genotypes, null, columns
        self.variants, self.phenotypes = variants, phenotypes
        self.weight_of_maf: Callable[[float], float] | None = None
        if maf_beta is not None:
            self.weight_of_maf = lambda maf: float(beta_weight(maf, *maf_beta) ** power)
        self.weights = np.abs(weights) ** power
        numbers = columns.number[variants]
        is_there = np.zeros(columns.squares.size, dtype=bool)
        is_there[numbers] = True
        self.chosen = np.flatnonzero(is_there)
        self.group = (np.cumsum(is_there) - 1)[numbers]
        # equal columns act as one whose squared weight is the sum of theirs
        self.squared_weight = np.bincount(self.group, weights=self.weights**2)
        self.joint = np.sqrt(self.squared_weight)
        self.eigenvalues: Float | None = None
        self.status = "negative_weight" if np.any(weights < 0) else self._testable()

    def _testable(self) -> str:
        """Judge by what the covariates leave: from rounding errors there is a p-value, too."""
        size = float(self.squared_weight @ self.columns.squares[self.chosen])
        if size == 0:
            return "no_carriers"
        left = float(self.squared_weight @ self.columns.left[self.chosen])
        return "ok" if left > COLLINEAR * size else "collinear"

    def skat(self) -> Found:
        """Return SKAT's statistics; ``eigenvalues`` then say their law."""
        self.eigenvalues = self._eigenvalues()
        if self.eigenvalues.size == 0:
            return nothing(self.phenotypes, "collinear")
        scores = self.columns.scores[self.chosen][:, self.phenotypes]
        rss = self.null.rss[self.phenotypes]
        with np.errstate(divide="ignore", invalid="ignore"):
            q = self.squared_weight @ scores**2 / (rss / self.null.df)
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
        n, k = self.null.basis.shape
        if self.chosen.size <= n - k:
            covariance = self.columns.covariance(self.chosen, self.joint)
            return positive_eigenvalues(covariance, overwrite=True)
        dense = self.columns.dense(self.chosen)
        residual = dense - self.columns.projections[self.chosen] @ self.null.basis.T
        residual *= self.joint[:, None]
        return positive_eigenvalues(residual.T @ residual, overwrite=True)

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
        kernel = SkatO(self.columns.covariance(self.chosen, self.joint), direction)
        scores = [self._scores(int(t)) * self.joint for t in self.phenotypes]
        return [(each, kernel.test(each) if np.all(np.isfinite(each)) else None) for each in scores]

    def acat_v(self) -> Found:
        """Return ACAT-V's results."""
        genotypes, variants = self.genotypes, self.variants
        n_called = genotypes.matrix.shape[0] - genotypes.n_missing[variants]
        maf = np.minimum(genotypes.frequency[variants], 1.0 - genotypes.frequency[variants])
        unweighted = self.columns.covariance(self.chosen, np.ones(self.chosen.size))
        symmetric = np.triu(unweighted) + np.triu(unweighted, 1).T
        covariance = symmetric[np.ix_(self.group, self.group)]
        found: list[tuple[float, float, float, float, str]] = []
        for t in self.phenotypes:
            scores = self._scores(int(t))[self.group]
            if not np.all(np.isfinite(scores)):
                found.append(_CONSTANT)
                continue
            log_p, status = acat_v_log_p(
                ScoreSet(scores[:, None], covariance),
                self.weights,
                maf,
                maf * 2.0 * n_called,
                df=self.null.df,
                weight_of_maf=self.weight_of_maf,
            )
            found.append((_NAN, log_p, _NAN, _NAN, status))
        return _found(found)

    def _scores(self, t: int) -> Float:
        """Return the scores of the distinct columns for one phenotype."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.columns.scores[self.chosen, t] / self.null.sigma[t])
