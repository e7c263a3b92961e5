"""Generate a single-cell cohort of realistic shape: genotypes with LD, expression, covariates.

The workload of the public rare-variant tutorial: 981 donors, 136,776 variants of one chromosome of
which 39,454 are rarer than 0.05, 404 expressed genes, 37 covariates beside the intercept.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

N_DONORS = 981
N_VARIANTS = 136_776
N_RARE = 39_454
N_GENES = 404
N_COVARIATES = 37
CHROMOSOME_BP = 35_000_000
FIRST_BP = 16_000_000
_BLOCK = 2_000
_HAPLOTYPES = 400
_TREE = 250


def make_cohort(
    folder: Path,
    *,
    seed: int = 1,
    n_cell_types: int = 1,
    n_chromosomes: int = 1,
    share_of_common: float = 1.0,
) -> None:
    """Write ``genotypes.parquet``, ``variants``, ``genes``, ``expression``, ``covariates``.

    Genotypes are pairs of haplotypes drawn from a pool for stretches of variants, so that rare
    alleles come along together, as in real chromosomes, and columns repeat. Every chromosome has
    the variants and genes of the tutorial's one; they are named by the numbers up to 22.
    """
    rng = np.random.default_rng(seed)
    n_common = int((N_VARIANTS - N_RARE) * share_of_common)
    names = [str(23 - n_chromosomes + k) for k in range(n_chromosomes)]
    chromosomes = np.repeat(names, n_common + N_RARE)
    positions = np.concatenate(
        [
            np.sort(FIRST_BP + rng.choice(CHROMOSOME_BP, size=n_common + N_RARE, replace=False))
            for _ in names
        ]
    )
    is_rare = np.zeros((n_chromosomes, n_common + N_RARE), dtype=bool)
    for row in is_rare:
        row[rng.choice(row.size, N_RARE, replace=False)] = True
    is_rare = is_rare.reshape(-1)
    rare_parts: list[np.ndarray] = []
    writer: pq.ParquetWriter | None = None
    for start in range(0, positions.size, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, positions.size))
        dosages = _dosages(rng, is_rare[rows])
        rare_parts.append(dosages[:, is_rare[rows]])
        donor, variant = np.nonzero(dosages)
        order = np.argsort(variant, kind="stable")
        donor, variant = donor[order], variant[order]
        table = pa.table(
            {
                "variant_idx": pa.array(rows[variant], pa.uint32()),
                "donor_idx": pa.array(donor, pa.uint32()),
                "dosage": pa.array(dosages[donor, variant], pa.float32()),
            }
        )
        if writer is None:
            writer = pq.ParquetWriter(folder / "genotypes.parquet", table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    # what a loop with its data in memory starts from
    np.save(folder / "rare_dosages.npy", np.hstack(rare_parts))
    np.save(folder / "rare_positions.npy", positions[is_rare])
    np.save(folder / "rare_variants.npy", np.flatnonzero(is_rare))
    pq.write_table(
        pa.table(
            {"variant_idx": np.arange(positions.size), "chrom": chromosomes, "pos": positions}
        ),
        folder / "variants.parquet",
    )
    n_genes = N_GENES * n_chromosomes
    starts = np.concatenate(
        [
            np.sort(FIRST_BP + rng.choice(CHROMOSOME_BP - 100_000, N_GENES, replace=False))
            for _ in names
        ]
    )
    pq.write_table(
        pa.table(
            {
                "gene_id": [f"ENSG{i:011d}" for i in range(n_genes)],
                "chrom": np.repeat(names, N_GENES),
                "start_pos": starts,
                "end_pos": starts + rng.integers(1_000, 60_000, n_genes),
                "strand": rng.choice([-1, 1], n_genes),
            }
        ),
        folder / "genes.parquet",
    )
    np.save(folder / "covariates.npy", rng.normal(size=(N_DONORS, N_COVARIATES)))
    expression = rng.gamma(2.0, size=(n_cell_types, n_genes, N_DONORS)).astype(np.float32)
    expression[rng.uniform(size=expression.shape) < 0.3] = 0.0
    np.save(folder / "expression.npy", expression)
    # an annotation score of every variant and gene would be VEP's; one a variant costs the same
    np.save(folder / "cadd.npy", rng.normal(1.0, 1.0, positions.size))


def _dosages(rng: np.random.Generator, is_rare: np.ndarray) -> np.ndarray:
    """Drop mutations on coalescent trees of a pool of haplotypes; donors draw two each."""
    pool = np.zeros((_HAPLOTYPES, is_rare.size), dtype=np.int8)
    for start in range(0, is_rare.size, _TREE):
        columns = np.arange(start, min(start + _TREE, is_rare.size))
        branches, lengths = _tree(rng)
        size = branches.sum(axis=1)
        for wanted, fits in (
            (is_rare[columns], size <= _HAPLOTYPES * 0.04),
            (~is_rare[columns], (size > _HAPLOTYPES * 0.07) & (size <= _HAPLOTYPES // 2)),
        ):
            weights = np.where(fits, lengths, 0.0)
            if not weights.any():
                weights = np.where(size > 0, lengths, 0.0)
            drawn = rng.choice(size.size, int(wanted.sum()), p=weights / weights.sum())
            pool[:, columns[wanted]] = branches[drawn].T
    pairs = rng.integers(0, _HAPLOTYPES, size=(2, N_DONORS))
    return pool[pairs[0]] + pool[pairs[1]]


def _tree(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the leaves below every branch of a Kingman coalescent tree, and its length."""
    branches = np.zeros((2 * _HAPLOTYPES - 1, _HAPLOTYPES), dtype=np.int8)
    branches[:_HAPLOTYPES] = np.eye(_HAPLOTYPES, dtype=np.int8)
    born = np.zeros(2 * _HAPLOTYPES - 1)
    lengths = np.zeros(2 * _HAPLOTYPES - 1)
    alive = list(range(_HAPLOTYPES))
    time = 0.0
    for new in range(_HAPLOTYPES, 2 * _HAPLOTYPES - 1):
        k = len(alive)
        time += rng.exponential(2.0 / (k * (k - 1)))
        for _ in range(2):
            child = alive.pop(int(rng.integers(len(alive))))
            lengths[child] = time - born[child]
            branches[new] += branches[child]
        born[new] = time
        alive.append(new)
    return branches, lengths


def fill(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Put the cohort into the raw tables of a warehouse, as the loaders would."""
    covariates = np.load(folder / "covariates.npy")
    expression = np.load(folder / "expression.npy")
    donors = [f"donor{i:04d}" for i in range(N_DONORS)]
    con.register("donor_names", pa.table({"i": np.arange(N_DONORS), "donor_id": donors}))
    con.execute("insert into raw.donors select i, donor_id, true, null, 1 from donor_names")
    con.execute(
        "insert into raw.variants select variant_idx, chrom || '_' || pos || '_A_C', chrom, pos, "
        "'A', 'C', null, 1, 1 from read_parquet(?)",
        [str(folder / "variants.parquet")],
    )
    con.execute(
        """
        create temp table frequencies as
        select variant_idx, sum(dosage) / ? as af from read_parquet(?) group by variant_idx
        """,
        [2 * N_DONORS, str(folder / "genotypes.parquet")],
    )
    for table, condition in (("rare", "<"), ("common", ">=")):
        con.execute(
            f"""
            insert into raw.genotypes_{table}
            select variant_idx, donor_idx, dosage
            from read_parquet(?)
            join frequencies using (variant_idx)
            where least(af, 1 - af) {condition} 0.05
            order by variant_idx, donor_idx
            """,
            [str(folder / "genotypes.parquet")],
        )
    con.execute(
        "insert into load_manifest select 1, 'genotypes', 'genotypes.parquet', '', 0, 'parquet', "
        "null, 'GRCh38', count(*), count(*), 0, map(), '0', now() from raw.variants"
    )
    con.execute(
        "insert into raw.genes (gene_id, chrom, start_pos, end_pos, strand, tss_pos, biotype, "
        "load_id) select gene_id, chrom, start_pos, end_pos, strand, "
        "case when strand > 0 then start_pos else end_pos end, 'protein_coding', 1 "
        "from read_parquet(?)",
        [str(folder / "genes.parquet")],
    )
    cells = np.array(np.meshgrid(np.arange(N_DONORS), np.arange(N_COVARIATES), indexing="ij"))
    con.register(
        "numbers",
        pa.table({"d": cells[0].ravel(), "c": cells[1].ravel(), "value": covariates.ravel()}),
    )
    con.execute(
        "insert into raw.covariates select donor_id, 'c' || c, value, 1 from numbers "
        "join donor_names on d = i"
    )
    con.execute(
        "insert into raw.pseudobulk_genes "
        "select row_number() over (order by gene_id) - 1, gene_id, true, false, 1 from raw.genes"
    )
    for k, values in enumerate(expression):
        con.execute(
            f"insert into raw.pseudobulk_donors "
            f"select {k * N_DONORS} + i, 'type{k:02d}', donor_id, 10, 1 from donor_names order by i"
        )
        g, d = np.nonzero(values)
        con.register("cells", pa.table({"g": g, "d": d, "value": values[g, d].astype(float)}))
        con.execute(
            f"insert into raw.pseudobulk "
            f"select {k * N_DONORS} + d, g, null, value from cells order by g, d"
        )
    con.register("cadd", pa.table({"i": np.arange(len(np.load(folder / 'cadd.npy'))),
                                   "score": np.load(folder / "cadd.npy")}))  # fmt: skip
    con.execute(
        "insert into raw.annotations (chrom, pos, ref, alt, variant_id, scores, rank, file_rank, "
        "load_id) select chrom, pos, ref, alt, variant_id, map(['CADD_RAW'], [score]), 1, 1, 1 "
        "from raw.variants join cadd on variant_idx = i"
    )
    con.execute("checkpoint")
