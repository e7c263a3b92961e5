"""A small cohort in raw tables, and a plain loop over genes that tests it one gene at a time."""

from __future__ import annotations

import duckdb
import numpy as np
from scipy import stats
from tests.expression import add_expression
from tests.rows import add_rows

from varhouse.numerics.skat import positive_eigenvalues, skat_log_p

N_DONORS, N_VARIANTS = 90, 60
CELL_TYPES = ("B", "T")
GENES = {"G1": (10_000, 12_000, 1), "G2": (30_000, 34_000, -1), "G3": (900_000, 901_000, 1)}


class Cohort:
    """Genotypes, expression, covariates and annotation scores of made-up donors."""

    def __init__(self, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.rng = rng
        self.positions = np.sort(rng.choice(np.arange(1_000, 60_000), N_VARIANTS, replace=False))
        frequency = rng.uniform(0.004, 0.09, size=N_VARIANTS)
        frequency[5] = 0.97
        self.dosages = rng.binomial(2, frequency, size=(N_DONORS, N_VARIANTS)).astype(float)
        self.dosages[rng.uniform(size=self.dosages.shape) < 0.01] = np.nan
        self.covariates = np.column_stack(
            [
                rng.integers(1, 3, N_DONORS),
                rng.integers(20, 80, N_DONORS),
                rng.normal(size=N_DONORS),
            ]
        ).astype(float)
        # the last ten donors have no T cells, and the last of all has no genotypes
        self.donors = {"B": np.arange(N_DONORS - 1), "T": np.arange(N_DONORS - 10)}
        self.expression = {
            (cell_type, gene): np.where(
                rng.uniform(size=N_DONORS) < 0.2, 0.0, rng.gamma(2.0, size=N_DONORS)
            )
            for cell_type in CELL_TYPES
            for gene in GENES
        }
        self.cadd = rng.normal(size=(len(GENES), N_VARIANTS))
        self.cadd[rng.uniform(size=self.cadd.shape) < 0.2] = np.nan

    def load(self, con: duckdb.DuckDBPyConnection) -> None:
        """Fill the raw tables as the loaders do."""
        names = [f"D{i:03d}" for i in range(N_DONORS)]
        add_rows(
            con,
            "raw.donors",
            [(i, name, i < N_DONORS - 1, None, 1) for i, name in enumerate(names)],
        )
        ids = [f"1_{pos}_A_C" for pos in self.positions]
        add_rows(
            con,
            "raw.variants",
            [
                (i, ids[i], "1", int(pos), "A", "C", None, 1, 1)
                for i, pos in enumerate(self.positions)
            ],
        )
        genotyped = self.dosages[: N_DONORS - 1]
        frequency = np.nanmean(genotyped, axis=0) / 2
        is_rare = np.minimum(frequency, 1 - frequency) < 0.05
        for table, chosen in (("rare", is_rare), ("common", ~is_rare)):
            calls = [
                (i, j, None if np.isnan(value) else value)
                for i in np.flatnonzero(chosen)
                for j, value in enumerate(genotyped[:, i])
                if value != 0
            ]
            add_rows(con, f"raw.genotypes_{table}", calls)
        add_rows(
            con,
            "raw.covariates",
            [
                (name, covariate, float(value), 1)
                for name, row in zip(names, self.covariates, strict=True)
                for covariate, value in zip(("sex", "age", "pc1"), row, strict=True)
            ],
        )
        add_rows(
            con,
            "raw.genes",
            [
                {"gene_id": gene, "gene_name": gene.lower(), "chrom": "1", "start_pos": start,
                 "end_pos": end, "strand": strand, "tss_pos": start if strand > 0 else end,
                 "biotype": "protein_coding", "load_id": 1}
                for gene, (start, end, strand) in GENES.items()
            ],
        )  # fmt: skip
        groups = {cell_type: [*self.donors[cell_type]] for cell_type in CELL_TYPES}
        groups["B"].append(N_DONORS - 1)
        add_expression(
            con,
            groups=[(cell_type, names[i], 5) for cell_type in groups for i in groups[cell_type]],
            genes=list(GENES),
            values=[
                (cell_type, gene, names[i], 1, float(self.expression[cell_type, gene][i]))
                for cell_type, donors in groups.items()
                for i in donors
                for gene in GENES
                if self.expression[cell_type, gene][i] > 0
            ],
        )
        add_rows(
            con,
            "raw.annotations",
            [
                {"chrom": "1", "pos": int(pos), "ref": "A", "alt": "C", "variant_id": variant_id,
                 "gene_id": gene, "consequence_terms": ["missense_variant"],
                 "scores": [("CADD_RAW", score)], "rank": 1, "file_rank": 1, "load_id": 1}
                for gene, scores in zip(GENES, self.cadd, strict=True)
                for pos, variant_id, score in zip(self.positions, ids, scores, strict=True)
                if not np.isnan(score)
            ],
        )  # fmt: skip


def slow_loop(
    cohort: Cohort, *, window: int = 20_000, max_maf: float = 0.05
) -> dict[tuple[str, str, str], dict[str, float]]:
    """Test every gene, cell type and weight by dense matrices and ordinary least squares."""
    found = {}
    for cell_type in CELL_TYPES:
        donors = cohort.donors[cell_type]
        x = np.column_stack([np.ones(donors.size), cohort.covariates[donors]])
        for g, (gene, (start, end, strand)) in enumerate(GENES.items()):
            tss = start if strand > 0 else end
            inside = (cohort.positions >= start - window) & (cohort.positions <= end + window)
            if not inside.any():
                continue
            dosages = cohort.dosages[np.ix_(donors, inside)]
            distance = np.abs(cohort.positions[inside] - tss)
            cadd = cohort.cadd[g][inside]
            means = np.nanmean(dosages, axis=0)
            dosages = np.where(np.isnan(dosages), means, dosages)
            dosages = np.where(means > 1, 2 - dosages, dosages)
            maf = np.minimum(means, 2 - means) / 2
            kept = (maf > 0) & (maf < max_maf)
            dosages, distance, cadd, maf = dosages[:, kept], distance[kept], cadd[kept], maf[kept]
            y = cohort.expression[cell_type, gene][donors]
            y = stats.norm.ppf((stats.rankdata(y) - 0.5) / y.size)
            weights = {
                "uniform": np.ones(maf.size),
                "maf_beta": stats.beta.pdf(maf, 1, 25),
                "tss_distance_exp": np.exp(-1e-5 * distance),
                "CADD_RAW": cadd,
                "maf_beta*CADD_RAW": stats.beta.pdf(maf, 1, 25) * cadd,
            }
            for name, w in weights.items():
                used = ~np.isnan(w)
                b = dosages[:, used] @ w[used]
                full = np.column_stack([x, b])
                coefficients, rss, _, _ = np.linalg.lstsq(full, y, rcond=None)
                _, rss0, _, _ = np.linalg.lstsq(x, y, rcond=None)
                df = y.size - full.shape[1]
                se = np.sqrt(rss[0] / df * np.linalg.inv(full.T @ full)[-1, -1])
                found[cell_type, gene, name] = {
                    "n_variants": int(used.sum()),
                    "n_carriers": int((dosages[:, used] >= 0.5).any(axis=1).sum()),
                    "beta": coefficients[-1],
                    "se": se,
                    "t_p_value": 2 * stats.t.sf(abs(coefficients[-1] / se), df),
                    "lrt": (df + 1) * np.log(rss0[0] / rss[0]),
                }
            weighted = dosages * weights["maf_beta"]
            hat = np.eye(y.size) - x @ np.linalg.inv(x.T @ x) @ x.T
            residual = hat @ y
            s2 = residual @ residual / (y.size - x.shape[1])
            q = np.sum((weighted.T @ residual) ** 2) / s2
            log_p, _ = skat_log_p(np.array([q]), positive_eigenvalues(weighted.T @ hat @ weighted))
            found[cell_type, gene, "skat"] = {"q": q, "p_value": float(np.exp(log_p[0]))}
    return found
