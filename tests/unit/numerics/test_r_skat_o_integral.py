"""How the R package SKAT integrates SKAT-O, and where that makes its p-value another one.

R leaves the integral of equation 9 of Lee et al. (2012), doi:10.1093/biostatistics/kxs014, to
QUADPACK's qags on [0, 40] with a relative tolerance of 1.2e-4. Where the smallest p of the grid is
above 0.768, all 21 nodes that qags starts with lie beyond the integrand, and R prints 1.
"""

import math

import numpy as np
import polars as pl
import pytest
from scipy import integrate, stats
from tests.unit.numerics.regions import covariates, regions

from varhouse.numerics.binary import binary_score_set, fit_logistic
from varhouse.numerics.mixture import mixture_log_sf
from varhouse.numerics.mixture_approximations import davies, match_moments
from varhouse.numerics.null_model import fit_linear
from varhouse.numerics.skat import positive_eigenvalues, score_set
from varhouse.numerics.skat_o import RHO

# R's mixture tails are Davies' to 1e-6; its own integral is worth what qags asks for
SAME_INTEGRAL, R_TOLERANCE = 1e-5, float(np.finfo(float).eps ** 0.25)
LEAST_NODE = 20.0 * (1.0 - 0.995657163025808)


def tail(q: float, eigenvalues: np.ndarray) -> float:
    return math.exp(mixture_log_sf(q, eigenvalues)[0]) if q > 0 else 1.0


def skat_o_by_qags(scores: np.ndarray, covariance: np.ndarray) -> tuple[float, float]:
    """Return SKAT-O as R integrates it, and the smallest p of the grid."""
    m = len(scores)
    rho = np.minimum(np.array(RHO), 0.999)
    each, quantiles, spectra = [], [], []
    for r in rho:
        root = np.linalg.cholesky((1 - r) * np.eye(m) + r)
        spectra.append(positive_eigenvalues(root.T @ covariance @ root))
        each.append(tail((1 - r) * (scores @ scores) + r * scores.sum() ** 2, spectra[-1]))
    for spectrum in spectra:
        found = match_moments(spectrum, modified=True)
        standard = (stats.chi2.isf(min(each), found.df) - found.df) / np.sqrt(2 * found.df)
        quantiles.append(standard * found.sd + found.mean)
    g = covariance.sum()
    a = covariance.sum(axis=0) / np.sqrt(g)
    rest = covariance - np.outer(a, a)
    tau = rho * g + (1 - rho) * (a @ a)
    eigenvalues = positive_eigenvalues(rest)
    own = 2 * eigenvalues @ eigenvalues
    squeeze = np.sqrt(own / (own + 4 * a @ rest @ a))
    mean = eigenvalues.sum()

    def below(x: float) -> float:
        lowest = np.min((np.array(quantiles) - tau * x) / (1 - rho))
        return (1 - tail((lowest - mean) * squeeze + mean, eigenvalues)) * stats.chi2.pdf(x, 1)

    inside, _ = integrate.quad(below, 0, 40, limit=1000, epsabs=1e-25, epsrel=R_TOLERANCE)
    return min(1 - inside, len(rho) * min(each)), min(each)


@pytest.mark.shared
def test_every_skat_o_of_r_is_its_integral(shared_data):
    folder = shared_data / "stats" / "panel"
    x = covariates(folder)
    printed = {
        row["gene_id"]: row
        for row in pl.read_parquet(folder / "r_results.parquet").iter_rows(named=True)
    }
    by_its_integral, ones, few_eigenvalues, compared = [], [], [], 0
    for region in regions(folder):
        row = printed[region.gene_id]
        if region.truth["status"] != "ok" or not 1 < region.genotypes.shape[1] <= 60:
            continue
        weighted = region.genotypes * stats.beta.pdf(region.maf, 1, 25)
        for name, truth in (("r_skato", "skato"), ("r_bin_skato", "bin_skato")):
            lee = region.truth[f"{truth}_lee_log10p"]
            compared += lee is not None
            if lee is None or row[name] == pytest.approx(10**lee, rel=0, abs=SAME_INTEGRAL):
                continue
            if name == "r_skato":
                found = score_set(weighted, fit_linear(x, region.phenotype[:, None]))
            else:
                found = binary_score_set(weighted, fit_logistic(x, region.binary))
            scores, covariance = found.scores[:, 0], found.covariance
            if davies(float(scores @ scores), positive_eigenvalues(covariance))[1] > 1e-6:
                few_eigenvalues.append((region.gene_id, name))
                continue
            p, least = skat_o_by_qags(scores, covariance)
            assert row[name] == pytest.approx(p, rel=0, abs=SAME_INTEGRAL)
            by_its_integral.append((region.gene_id, name))
            if least > stats.chi2.sf(LEAST_NODE, 1):
                assert row[name] == 1.0
                ones.append((region.gene_id, name))
    assert (len(by_its_integral), compared) == (7, 107)
    assert ones == [("G007", "r_bin_skato"), ("G021", "r_bin_skato")]
    # Davies' method ends before it is accurate, in R as here
    assert few_eigenvalues == [("G135", "r_bin_skato")]
