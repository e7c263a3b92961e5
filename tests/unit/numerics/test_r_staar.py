"""What the R package STAAR prints on the reference panel, and what it computes otherwise than us.

STAAR weighs a variant by the Beta density of its MAF, and for each annotation by
1 - 10^(-PHRED/10) besides; it takes variants with MAF < 0.05 (Li et al. 2020,
doi:10.1038/s41588-020-0676-4). Its burden is the score test. Its SKAT has Kuonen's saddle point
for the tail, and Liu's moments close to the mean of the mixture. Its ACAT-V gives variants of at
most 10 copies, collapsed, the mean of their weights.
"""

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tests.unit.numerics.regions import covariates, regions

from varhouse.numerics.acat import acat
from varhouse.numerics.acat_v import log_t_from_score
from varhouse.numerics.mixture_approximations import skat_p
from varhouse.numerics.null_model import fit_linear
from varhouse.numerics.skat import positive_eigenvalues, score_set
from varhouse.numerics.tails import log_chi2_1

RARE = 0.05
# relative: STAAR finds the saddle point by bisection, and takes Liu's moments near the mean
SADDLE_POINT = 4e-4
# absolute, of some added up: its Cauchy combination is 1 less a distribution function
CAUCHY = 1e-14


def staar(unweighted, maf, copies, importance, b, df):
    """Return log p of burden, SKAT, ACAT-V under one weight."""
    scores, covariance = unweighted.scores[:, 0], unweighted.covariance
    w = stats.beta.pdf(maf, 1, b) * importance
    burden = float(log_chi2_1((w @ scores) ** 2 / (w @ covariance @ w)))

    # the importance itself is the weight of the kernel, its root that of the dosage
    root = stats.beta.pdf(maf, 1, b) * np.sqrt(importance)
    eigenvalues = positive_eigenvalues(covariance * np.outer(root, root))
    skat = skat_p(float(np.sum((root * scores) ** 2)), eigenvalues, method="saddlepoint").log_p

    shares = importance * (stats.beta.pdf(maf, 1, b) / stats.beta.pdf(maf, 0.5, 0.5)) ** 2
    few = copies <= 10
    variances = np.diag(covariance)
    logs = list(log_t_from_score(scores[~few], variances[~few], df))
    combined = list(shares[~few])
    if few.any():
        spread = w[few] @ covariance[np.ix_(few, few)] @ w[few]
        logs.append(float(log_chi2_1((w[few] @ scores[few]) ** 2 / spread)))
        combined.append(shares[few].mean())
    return burden, skat, acat(log_p=logs, weights=combined)[0]


@pytest.mark.shared
def test_the_panel_in_staar(shared_data):
    folder = shared_data / "stats" / "panel"
    x = covariates(folder)
    printed = {
        row["gene_id"]: row
        for row in pl.read_parquet(folder / "r_results.parquet").iter_rows(named=True)
    }
    sets = pl.read_parquet(folder / "sets.parquet").partition_by("gene_id", as_dict=True)
    compared = {"B": 0, "S": 0, "A": 0, "O": 0}
    for region in regions(folder):
        row = printed[region.gene_id]
        if row["r_staar_o"] is None or region.genotypes.shape[1] > 100:
            continue
        phred = sets[(region.gene_id,)].select("annot1", "annot2").to_numpy().astype(float)
        rare = region.maf < RARE
        assert rare.sum() == row["r_staar_n"]
        unweighted = score_set(
            region.genotypes[:, rare], null := fit_linear(x, region.phenotype[:, None])
        )
        if np.any(np.diag(unweighted.covariance) < 1e-9):
            # a variant in the span of the covariates: STAAR has a variance of rounding errors
            continue
        # a mean that stands for a missing call makes fractions
        copies = np.rint(region.genotypes[:, rare].sum(axis=0))
        importance = 1.0 - 10.0 ** (-phred[region.kept][rare].T / 10.0)
        each = np.array(
            [
                staar(unweighted, region.maf[rare], copies, one, b, null.df)
                for b in (25, 1) for one in (np.ones(rare.sum()), *importance)
            ]
        ).reshape(2, 3, 3)  # fmt: skip
        for place, shape in enumerate(("1_25", "1_1")):
            for test, letter in enumerate("BSA"):
                texts = row[f"r_staar_{letter}_{shape}"].split(",")
                p = np.exp(each[place, :, test])
                wanted = np.array([float(text) for text in texts])
                together = math.exp(acat(log_p=each[place, :, test])[0])
                assert wanted == pytest.approx(
                    np.append(p, together), rel=SADDLE_POINT if letter == "S" else 1e-8, abs=CAUCHY
                )
                compared[letter] += 4
        overall = math.exp(acat(log_p=each.reshape(-1))[0])
        plain = math.exp(acat(log_p=each[:, 0].reshape(-1))[0])
        assert row["r_staar_o"] == pytest.approx(overall, rel=SADDLE_POINT, abs=CAUCHY)
        assert row["r_acat_o"] == pytest.approx(plain, rel=SADDLE_POINT, abs=CAUCHY)
        compared["O"] += 2
    assert compared == {"B": 528, "S": 528, "A": 528, "O": 132}
