"""The per-gene loop that people run: subset, fit, test, one gene after the other, dense numpy.

A plain statement of what published tutorials do, with the data in memory: for every gene, weight
and aggregation a least-squares fit with and without the burden, for every gene a SKAT kernel with
its eigenvalues and Imhof's integral for the tail.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from measure import measured
from scipy import integrate, stats

MAX_MAF = 0.05
AGGREGATIONS = {
    "sum": lambda genotypes, w: genotypes @ w,
    "mean": lambda genotypes, w: genotypes @ w / len(w),
    "max": lambda genotypes, w: (genotypes * w).max(axis=1),
}


def main() -> None:
    """Test every gene of every cell type and report the cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--window", type=int, default=100_000)
    parser.add_argument("--aggregations", nargs="+", default=list(AGGREGATIONS))
    parser.add_argument("--skat", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--genes", type=int, help="only so many of them")
    arguments = parser.parse_args()
    with measured(arguments.report):
        np.save(arguments.out, _loop(arguments))


def _loop(arguments: argparse.Namespace) -> np.ndarray:
    folder = arguments.folder
    dosages = np.load(folder / "rare_dosages.npy")
    positions = np.load(folder / "rare_positions.npy")
    cadd = np.load(folder / "cadd.npy")[np.load(folder / "rare_variants.npy")]
    covariates = np.load(folder / "covariates.npy")
    genes = pq.read_table(folder / "genes.parquet").to_pydict()
    x = np.column_stack([np.ones(len(covariates)), covariates])
    maf = dosages.mean(axis=0, dtype=np.float64) / 2
    rows = []
    for k, expression in enumerate(np.load(folder / "expression.npy")):
        for g, (start, end, strand) in enumerate(
            zip(genes["start_pos"], genes["end_pos"], genes["strand"], strict=True)
        ):
            if arguments.genes is not None and g >= arguments.genes:
                break
            tss = start if strand > 0 else end
            inside = (positions >= start - arguments.window) & (positions <= end + arguments.window)
            genotypes = dosages[:, inside].astype(np.float64)
            frequency = maf[inside]
            flip = frequency > 0.5
            genotypes[:, flip] = 2 - genotypes[:, flip]
            frequency = np.where(flip, 1 - frequency, frequency)
            kept = (frequency > 0) & (frequency < MAX_MAF)
            genotypes, frequency = genotypes[:, kept], frequency[kept]
            distance = np.abs(positions[inside][kept] - tss)
            weights = [
                cadd[inside][kept],
                stats.beta.pdf(frequency, 1, 25),
                distance.astype(float),
                np.exp(-1e-5 * distance),
            ]
            ranks = stats.rankdata(expression[g].astype(np.float64))
            y = stats.norm.ppf((ranks - 0.5) / ranks.size)
            row = [k, g, _skat(genotypes * weights[1], x, y) if arguments.skat else np.nan]
            for name in arguments.aggregations:
                burdens = [AGGREGATIONS[name](genotypes, w) for w in weights]
                tests = [_burden(burden, x, y) for burden in burdens]
                p_values = [p for p, _ in tests]
                combined = np.mean(np.tan((0.5 - np.array(p_values)) * np.pi))
                row += [*p_values, *(p for _, p in tests), stats.cauchy.sf(combined)]
            rows.append(row)
    return np.array(rows)


def _burden(burden: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Fit with and without the burden; return the p-values of t and of the likelihood ratio."""
    full = np.column_stack([x, burden])
    inverse = np.linalg.inv(full.T @ full)
    coefficients = inverse @ (full.T @ y)
    rss = np.sum((y - full @ coefficients) ** 2)
    df = y.size - full.shape[1]
    t = coefficients[-1] / np.sqrt(rss / df * inverse[-1, -1])
    null = y - x @ (np.linalg.inv(x.T @ x) @ (x.T @ y))
    ratio = (df + 1) * np.log(np.sum(null**2) / rss)
    return float(2 * stats.t.sf(abs(t), df)), float(stats.chi2.sf(ratio, 1))


def _skat(weighted: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    # a function of one gene, as published code has it: M = I - F (F'F)^-1 F' is made anew
    residual_maker = np.eye(y.size) - x @ np.linalg.inv(x.T @ x) @ x.T
    residual = residual_maker @ y
    variance = residual @ residual / (y.size - x.shape[1])
    q = np.sum((weighted.T @ residual) ** 2) / variance
    eigenvalues = np.linalg.eigvalsh(weighted.T @ residual_maker @ weighted)
    eigenvalues = eigenvalues[eigenvalues > 1e-10 * eigenvalues.max()]
    scale = eigenvalues.sum()
    q, eigenvalues = q / scale, eigenvalues / scale

    def integrand(u: float) -> float:
        theta = 0.5 * np.sum(np.arctan(eigenvalues * u)) - 0.5 * q * u
        rho = np.exp(0.25 * np.sum(np.log1p((eigenvalues * u) ** 2)))
        return float(np.sin(theta) / (u * rho))

    tail, _ = integrate.quad(integrand, 0, np.inf, limit=400, epsabs=1e-8)
    return 0.5 + tail / np.pi


if __name__ == "__main__":
    main()
