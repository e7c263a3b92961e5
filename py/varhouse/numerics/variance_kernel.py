"""Tests of a set's variance under one weight: SKAT, SKAT-O, ACAT-V.

Columns that are equal in every donor are taken as one; their covariance is made once for all three
tests and for every phenotype.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from varhouse.numerics.acat_v import acat_v_log_p
from varhouse.numerics.set_columns import SetColumns
from varhouse.numerics.skat import ScoreSet, positive_eigenvalues
from varhouse.numerics.skat_o import SkatO
from varhouse.numerics.weights import beta_weight

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

_NAN = float("nan")


class Found(NamedTuple):
    """Results of one test for t phenotypes."""

    statistic: Sequence[float]
    log_p: Sequence[float]
    error: Sequence[float]
    detail: Sequence[float]
    status: Sequence[str]


def nothing(phenotypes: Int, status: str) -> Found:
    nan = [_NAN] * phenotypes.size
    return Found(nan, nan, nan, nan, [status] * phenotypes.size)


class VarianceKernel:
    """Covariance of a set's scores, of distinct columns only, under one weight."""

    def __init__(
        self,
        part: SetColumns,
        used: npt.NDArray[np.bool_],
        weight: int,
        power: float,
        maf_beta: tuple[float, float] | None = None,
    ) -> None:
        self.part, self.used = part, used
        self.weight_of_maf: Callable[[float], float] | None = None
        if maf_beta is not None:
            self.weight_of_maf = lambda maf: float(beta_weight(maf, *maf_beta) ** power)
        given = part.weights[used, weight]
        self.status = "negative_weight" if np.any(given < 0) else "ok"
        self.weights = np.abs(given) ** power
        _, first, self.group = np.unique(part.twins[used], return_index=True, return_inverse=True)
        self.first = np.flatnonzero(used)[first]
        self.eigenvalues: Float | None = None
        self._covariance: Float | None = None

    @property
    def covariance(self) -> Float:
        """Covariance of the unweighted scores of distinct columns, made when first asked for."""
        if self._covariance is None:
            columns = self.part.columns[:, self.first]
            # sums of products of whole numbers are exact in float32 up to 2^24, at twice the speed
            whole = columns.shape[0] * 4 < 2**24 and np.all(columns.data == np.rint(columns.data))
            dense = (columns.astype(np.float32) if whole else columns).toarray()
            gram = (dense.T @ dense).astype(np.float64)
            projections = self.part.projections[self.first]
            self._covariance = gram - projections @ projections.T
        return self._covariance

    def skat(self, phenotypes: Int) -> Found:
        """Return SKAT's statistics; ``eigenvalues`` then say their law."""
        null = self.part.null
        # equal columns act as one whose squared weight is the sum of theirs
        squares = np.bincount(self.group, weights=self.weights**2)
        scores = self.part.scores[np.ix_(self.first, phenotypes)]
        rss = null.rss[phenotypes]
        with np.errstate(divide="ignore", invalid="ignore"):
            q = squares @ scores**2 / (rss / null.df)
        eigenvalues = self._eigenvalues(np.sqrt(squares))
        if eigenvalues.size == 0:
            return nothing(phenotypes, "collinear")
        self.eigenvalues = eigenvalues
        status = ["ok" if each > 0 else "constant_phenotype" for each in rss]
        nan = [_NAN] * q.size
        return Found(q.tolist(), nan, nan, nan, status)

    def _eigenvalues(self, weights: Float) -> Float:
        n, k = self.part.null.basis.shape
        if self.first.size <= n - k:
            return positive_eigenvalues(weights[:, None] * self.covariance * weights)
        dense = self.part.columns[:, self.first].toarray()
        residual = dense - self.part.null.basis @ self.part.projections[self.first].T
        residual *= weights
        return positive_eigenvalues(residual @ residual.T)

    def skat_o(self, phenotypes: Int) -> Found:
        covariance = self.weights[:, None] * self._expanded() * self.weights
        kernel = SkatO(covariance)
        found: list[tuple[float, float, float, float, str]] = []
        for t in phenotypes:
            scores = self._scores(int(t)) * self.weights
            if not np.all(np.isfinite(scores)):
                found.append((_NAN, _NAN, _NAN, _NAN, "constant_phenotype"))
                continue
            log_p, rho, each, error = kernel.test(scores)
            found.append((float(each.min()), log_p, error, rho, "ok"))
        return Found(*zip(*found, strict=True))

    def acat_v(self, phenotypes: Int) -> Found:
        genotypes = self.part.genotypes
        variants = self.part.variants[self.used]
        n_called = genotypes.matrix.shape[0] - genotypes.n_missing[variants]
        maf = np.minimum(genotypes.frequency[variants], 1.0 - genotypes.frequency[variants])
        covariance = self._expanded()
        found: list[tuple[float, float, float, float, str]] = []
        for t in phenotypes:
            scores = self._scores(int(t))
            if not np.all(np.isfinite(scores)):
                found.append((_NAN, _NAN, _NAN, _NAN, "constant_phenotype"))
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
        return Found(*zip(*found, strict=True))

    def _expanded(self) -> Float:
        return self.covariance[np.ix_(self.group, self.group)]

    def _scores(self, t: int) -> Float:
        null = self.part.null
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.part.scores[self.used, t] / null.sigma[t])
