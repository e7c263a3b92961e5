"""A warehouse of a few genes and variants with made-up results."""

from __future__ import annotations

import duckdb
import numpy as np
from tests.expression import add_expression

N_DONORS = 60
GENES = {
    # name: chrom, start, end, strand
    "AAA": ("1", 10_000, 20_000, 1),
    "BBB": ("1", 50_000, 60_000, -1),
    "CCC": ("2", 5_000, 6_000, 1),
    "DDD": ("X", 900, 1_900, 1),
}
# p of the burdens: cell type, weight, gene
BURDENS = {
    ("B", "uniform"): {"AAA": 3.5, "BBB": 0.2, "CCC": 0.5, "DDD": None},
    ("B", "maf_beta"): {"AAA": 400.0, "BBB": 1.5, "CCC": 0.4, "DDD": None},
    ("T", "uniform"): {"AAA": 0.1, "BBB": 0.9, "CCC": 2.5, "DDD": 0.3},
    ("T", "maf_beta"): {"AAA": 0.7, "BBB": 0.8, "CCC": 6.5, "DDD": 0.2},
}
BETAS = {"AAA": -0.5, "BBB": 0.1, "CCC": 0.25, "DDD": 0.0}

RESULTS = """
create table rvat_burden (
    cell_type varchar, gene_id varchar, gene_name varchar, weight varchar, aggregation varchar,
    mask varchar, max_maf double, n_variants integer, n_carriers integer, n_donors integer,
    beta double, log10p double, status varchar
);
create table rvat_skat (
    cell_type varchar, gene_id varchar, gene_name varchar, test varchar, weight varchar,
    mask varchar, max_maf double, log10p double, status varchar
);
create table rvat_omnibus (
    cell_type varchar, gene_id varchar, gene_name varchar, p_value double, log10p double,
    q_value double, best_test varchar, n_tests integer, status varchar
);
create table rvat_summary (cell_type varchar, test varchar, lambda_gc double);
insert into rvat_summary values ('B', 'omnibus', 1.5), ('T', 'omnibus', 0.9);
create table rvat_donors as
select cell_type, 'donor' || i as donor_id, i as donor_idx, 'ok' as status
from range(60) as t (i) cross join (values ('B'), ('T')) as c (cell_type)
where cell_type = 'B' or i < 7;
create table int_rvat__genes (
    gene_idx integer, gene_id varchar, chrom varchar, start_pos integer, end_pos integer,
    strand integer, window_start integer, window_end integer
);
insert into int_rvat__genes values (0, 'ENSG_AAA', '1', 10000, 20000, 1, 1, 40000);
create table int_rvat__designs as from (values ('B', 0), ('T', 1)) as t (cell_type, design_idx);
create table int_rvat__variants as
from (values (0, 5, '1_9000_A_C', 9000), (0, 6, '1_12000_A_C', 12000), (0, 7, '1_30000_A_C', 30000))
    as t (design_idx, variant_idx, variant_id, pos);
create table int_rvat__pairs as
from (values (0, 0, 5, [1.0, 20.0]::double[], [true]), (0, 0, 6, [1.0, -5.0], [true]),
    (0, 0, 7, [1.0, null], [true]), (0, 0, 8, [1.0, 2.0], [false]))
    as t (design_idx, gene_idx, variant_idx, weights, in_sets);
create table int_rvat__asked as
from (values ('B', 'ENSG_AAA', 'uniform', 0), ('B', 'ENSG_AAA', 'maf_beta', 1))
    as t (cell_type, gene_id, weight, weight_idx);
"""


def dosages() -> np.ndarray:
    """Return copies by donor and variant, NaN where there is no call."""
    rng = np.random.default_rng(11)
    lead = rng.binomial(2, 0.4, N_DONORS).astype(float)
    near = np.where(rng.uniform(size=N_DONORS) < 0.8, lead, rng.binomial(2, 0.4, N_DONORS))
    far = rng.binomial(2, 0.3, N_DONORS).astype(float)
    fractional = np.round(np.clip(lead + rng.normal(0, 0.3, N_DONORS), 0, 2) * 16384) / 16384
    constant = np.ones(N_DONORS)
    found = np.column_stack([lead, near, far, fractional, constant])
    found[rng.uniform(size=found.shape) < 0.07] = np.nan
    return found


def expressions() -> np.ndarray:
    """Return the expression of AAA in B by donor."""
    return np.random.default_rng(12).gamma(2.0, size=N_DONORS)


def fill(con: duckdb.DuckDBPyConnection) -> None:
    """Put the house into an empty warehouse."""
    con.execute(RESULTS)
    for name, (chrom, start, end, strand) in GENES.items():
        con.execute(
            "insert into raw.genes (gene_id, gene_name, chrom, start_pos, end_pos, strand, "
            "tss_pos, biotype, load_id) values (?, ?, ?, ?, ?, ?, ?, 'protein_coding', 1)",
            [f"ENSG_{name}", name, chrom, start, end, strand, start if strand > 0 else end],
        )
    for (cell_type, weight), genes in BURDENS.items():
        for name, log10p in genes.items():
            con.execute(
                "insert into rvat_burden values (?, ?, ?, ?, 'sum', 'all', 0.05, 4, 9, 60, ?, ?, "
                "'ok')",
                [cell_type, f"ENSG_{name}", name, weight, BETAS[name], log10p],
            )
    con.execute(
        "insert into rvat_omnibus select cell_type, gene_id, gene_name, pow(10, -max(log10p)), "
        "max(log10p), pow(10, -max(log10p)), 'burden', 2, 'ok' from rvat_burden group by all"
    )
    con.execute(
        "insert into rvat_skat select cell_type, gene_id, gene_name, 'skat', weight, mask, "
        "max_maf, log10p / 2, status from rvat_burden where weight = 'maf_beta'"
    )
    con.executemany(
        "insert into raw.donors values (?, ?, true, null, 1)",
        [[i, f"donor{i}"] for i in range(N_DONORS)],
    )
    copies = dosages()
    for k in range(copies.shape[1]):
        con.execute(
            "insert into raw.variants values (?, ?, '1', ?, 'A', 'G', ?, 1, 1)",
            [k, f"1_{1000 * (k + 1)}_A_G", 1000 * (k + 1), f"rs{k}"],
        )
        con.executemany(
            "insert into raw.genotypes_common values (?, ?, ?)",
            [[k, i, None if np.isnan(v) else v] for i, v in enumerate(copies[:, k]) if v != 0],
        )
        con.execute(
            "insert into raw.sumstats (study_id, variant_id, chrom, pos, ref, alt, rsid, log10p, "
            "test, alleles_from, load_id) "
            "values ('bmi', ?, '1', ?, 'A', 'G', ?, ?, 'ADD', 'file', 1)",
            [f"1_{1000 * (k + 1)}_A_G", 1000 * (k + 1), f"rs{k}", 12.0 - k],
        )
    con.execute(
        "insert into raw.sumstats (study_id, variant_id, chrom, pos, ref, alt, log10p, test, "
        "alleles_from, load_id) values ('bmi', '1_2500_A_T', '1', 2500, 'A', 'T', 1.0, 'ADD', "
        "'file', 1)"
    )
    donors = [row[0] for row in con.execute("select donor_id from raw.donors").fetchall()]
    add_expression(
        con,
        groups=[("B", donor, 5) for donor in donors],
        genes=["ENSG_AAA"],
        values=[
            ("B", "ENSG_AAA", f"donor{i}", None, value) for i, value in enumerate(expressions())
        ],
        zeros_left_out=False,
    )
