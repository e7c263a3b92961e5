"""What the R packages SKAT and ACAT print, on SKAT's own example and on the reference panel."""

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tests.unit.numerics.regions import covariates, read_bed, regions

from varhouse.numerics.acat_v import acat_v_log_p
from varhouse.numerics.binary import binary_score_set, fit_logistic
from varhouse.numerics.mixture_approximations import davies, skat_p
from varhouse.numerics.null_model import fit_linear
from varhouse.numerics.skat import positive_eigenvalues, score_set, skat_log_p
from varhouse.numerics.skat_o import SkatO
from varhouse.numerics.skat_o_lee import skat_o_lee_log_p
from varhouse.numerics.tails import log_chi2_1

LN10 = math.log(10)
WEIGHTS = {"beta(1,25)": (1, 25), "beta(0.5,0.5)": (0.5, 0.5), "beta(1,1)": (1, 1)}
METHODS = {"liu": "liu", "liu.mod": "liu_modified"}
# what R computes by Davies' method is good to this, by its own account
DAVIES = 1e-5


def example(folder: Path) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return dosages by set, the phenotype and the two covariates of SKAT's example."""
    genotypes, place = read_bed(folder / "Example1")
    sets: dict[str, list[int]] = {}
    for line in (folder / "Example1.SetID").read_text().splitlines():
        name, variant = line.split()
        sets.setdefault(name, []).append(place[variant])
    fam = [line.split() for line in (folder / "Example1.fam").read_text().splitlines()]
    given = [line.split() for line in (folder / "Example1.Cov").read_text().splitlines()]
    by_family = {row[0]: [float(row[2]), float(row[3])] for row in given[1:]}
    return (
        {name: genotypes[chosen].T for name, chosen in sets.items()},
        np.array([float(row[5]) for row in fam]),
        np.array([by_family[row[0]] for row in fam]),
    )


@pytest.mark.shared
def test_the_example_of_skat(shared_data):
    folder = shared_data / "stats" / "skat_example1"
    sets, y, x = example(folder)
    ones = np.ones((len(y), 1))
    nulls = {
        "none": fit_linear(ones, y[:, None]),
        "X1+X2": fit_linear(np.column_stack([ones, x]), y[:, None]),
    }
    compared = 0
    for row in pl.read_parquet(folder / "expected.parquet").iter_rows(named=True):
        g = sets[row["set_id"]]
        means = np.nanmean(g, axis=0)
        g = np.where(np.isnan(g), means, g)
        g = np.where(means > 1, 2 - g, g)[:, (means > 0) & (means < 2)]
        assert g.shape[1] == row["n_tested"]
        weights = stats.beta.pdf(g.mean(axis=0) / 2, *WEIGHTS[row["weights"]])
        null = nulls[row["covariates"]]
        found = score_set(g * weights, null)
        scores, eigenvalues = found.scores[:, 0], positive_eigenvalues(found.covariance)
        q = float(scores @ scores)
        if row["test"] == "SKAT":
            # R's statistic is half of ours
            assert q / 2 == pytest.approx(row["Q"], rel=1e-9)
            log_p, _ = skat_log_p(np.array([q]), eigenvalues)
            finite, _ = skat_log_p(np.array([q]), eigenvalues, df=null.df)
            assert finite[0] / LN10 == pytest.approx(row["finite_log10p"], rel=0, abs=1e-9)
            exact = float(log_p[0])
            if row["method"] == "davies":
                assert math.exp(exact) == pytest.approx(row["p"], rel=0, abs=DAVIES)
            else:
                p = math.exp(skat_p(q, eigenvalues, method=METHODS[row["method"]]).log_p)
                assert p == pytest.approx(row["p"], rel=1e-5, abs=0)
        elif row["test"] == "burden":
            chi2 = scores.sum() ** 2 / found.covariance.sum()
            exact = float(log_chi2_1(chi2))
            assert math.exp(exact) == pytest.approx(row["p"], rel=0, abs=DAVIES)
        else:
            exact = SkatO(found.covariance).test(scores).log_p
            lee = skat_o_lee_log_p(scores, found.covariance)
            assert lee / LN10 == pytest.approx(row["lee_log10p"], rel=0, abs=1e-9)
            # R integrates with a loose tolerance
            assert math.exp(lee) == pytest.approx(row["p"], rel=0, abs=1e-4)
        assert exact / LN10 == pytest.approx(row["exact_log10p"], rel=0, abs=1e-9)
        compared += 1
    assert compared == 150


@pytest.mark.shared
def test_the_panel_in_r(shared_data):
    folder = shared_data / "stats" / "panel"
    x = covariates(folder)
    printed = {
        row["gene_id"]: row
        for row in pl.read_parquet(folder / "r_results.parquet").iter_rows(named=True)
    }
    counts = {"skat": 0, "skat_o": 0, "burden": 0, "acat_v": 0, "binary": 0}
    for region in regions(folder):
        row = printed[region.gene_id]
        if region.truth["status"] != "ok" or region.genotypes.shape[1] > 60:
            continue
        null = fit_linear(x, region.phenotype[:, None])
        for suffix, shape in (("", (1, 25)), ("_mb", (0.5, 0.5))):
            found = score_set(region.genotypes * stats.beta.pdf(region.maf, *shape), null)
            scores = found.scores[:, 0]
            p = math.exp(log_chi2_1(scores.sum() ** 2 / found.covariance.sum()))
            assert p == pytest.approx(row[f"r_burden{suffix}"], rel=0, abs=1e-12)
            counts["burden"] += 1
            if row[f"r_skat_converged{suffix}"]:
                log_p, _ = skat_log_p(
                    np.array([scores @ scores]), positive_eigenvalues(found.covariance)
                )
                assert math.exp(log_p[0]) == pytest.approx(row[f"r_skat{suffix}"], abs=DAVIES)
                counts["skat"] += 1
            lee = skat_o_lee_log_p(scores, found.covariance)
            assert math.exp(lee) == pytest.approx(row[f"r_skato{suffix}"], rel=0, abs=1e-4)
            truth = region.truth[f"{'mb_' if suffix else ''}skato_lee_log10p"]
            assert lee / LN10 == pytest.approx(truth, rel=0, abs=4e-5)
            counts["skat_o"] += 1
        counts["acat_v"] += compare_acat_v(region, row, null)
        counts["binary"] += compare_binary(region, row, x)
    assert min(counts["skat"], counts["skat_o"], counts["burden"]) > 40
    assert min(counts["acat_v"], counts["binary"]) > 25


def compare_acat_v(region, row, null) -> bool:
    copies = region.genotypes.sum(axis=0)
    unweighted = score_set(region.genotypes, null)
    if row["r_acatv"] is None or np.any(np.diag(unweighted.covariance) < 1e-9):
        return False
    for name, b in (("r_acatv", 25), ("r_acatv_w11", 1)):
        log_p, _ = acat_v_log_p(
            unweighted, stats.beta.pdf(region.maf, 1, b), region.maf, copies, df=null.df,
            weight_of_maf=lambda maf, b=b: float(stats.beta.pdf(maf, 1, b)),
        )  # fmt: skip
        assert math.exp(log_p) == pytest.approx(row[name], rel=0, abs=1e-9)
    return True


def compare_binary(region, row, x) -> bool:
    null = fit_logistic(x, region.binary)
    if region.truth["bin_status"] != "ok":
        return False
    weighted = region.genotypes * stats.beta.pdf(region.maf, 1, 25)
    found = binary_score_set(weighted, null)
    scores, eigenvalues = found.scores[:, 0], positive_eigenvalues(found.covariance)
    p = math.exp(log_chi2_1(scores.sum() ** 2 / found.covariance.sum()))
    assert p == pytest.approx(row["r_bin_burden"], rel=0, abs=DAVIES)
    q = float(scores @ scores)
    _, error = davies(q, eigenvalues)
    if error < 1e-6:
        log_p, _ = skat_log_p(np.array([q]), eigenvalues)
        assert math.exp(log_p[0]) == pytest.approx(row["r_bin_skat"], rel=0, abs=DAVIES)
    lee = skat_o_lee_log_p(scores, found.covariance)
    truth = region.truth["bin_skato_lee_log10p"]
    assert lee / LN10 == pytest.approx(truth, rel=1e-4, abs=4e-5)
    return True
