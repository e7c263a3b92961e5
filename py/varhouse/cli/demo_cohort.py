"""What ``varhouse demo`` prints about its cohort: planted effects, findings, the join behind."""

from __future__ import annotations

import importlib.util
import json
import shlex

import duckdb
from rich.console import Console

from varhouse.cli.demo_tables import common_table, new_table, rare_table, trait_table
from varhouse.demo.cohort import CohortFiles
from varhouse.demo.cohort.found import (
    MAX_Q,
    RVAT_VARS,
    V2G_WEIGHT,
    WEIGHTED_BURDEN_SQL,
    Row,
    common_findings,
    rare_findings,
)
from varhouse.demo.cohort.trait_genes import STUDY, locus_genes
from varhouse.output import format_cell

_LIBRARIES = ("h5py", "msprime")


def missing_for_cohort() -> list[str]:
    """Return the libraries that inventing a cohort needs and that are not installed."""
    return [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]


def show_cohort(con: duckdb.DuckDBPyConnection, files: CohortFiles, show: Console) -> list[str]:
    """Show what was planted beside what was found; return commands that are worth trying."""
    rare = rare_findings(con, files.rare)
    found = [row for _, row in rare.planted if row["q_value"] < MAX_Q]
    show.print(rare_table(rare.planted))
    show.print(
        f"{len(found)} of {len(rare.planted)} planted pairs of gene and cell type have "
        f"q < {MAX_Q}; of {rare.n_null} others {_named(rare.false_positives, 'q_value')}.\n"
    )
    show.print("The join behind it, in plain SQL (varhouse sql):\n")
    show.print(WEIGHTED_BURDEN_SQL + "\n", highlight=False, markup=False, soft_wrap=True)
    show.print(_join_table(con))
    common = common_findings(con, files.common)
    show.print(common_table(common.planted))
    show.print(
        f"The best of {common.n_tests:,} correlations, made in SQL too. Beyond Bonferroni's bound: "
        f"of {common.n_null} other pairs {_named(common.false_positives, 'p_value')}.\n"
    )
    loci = locus_genes(con, files.trait)
    show.print(trait_table(loci))
    right = [each for each in loci if each.planted and each.planted.gene_name == each.best_gene]
    show.print(
        f"{len(right)} of {len(files.trait)} planted genes are first at their locus; loci without "
        f"one: {sum(each.planted is None for each in loci) or 'none'}. V2G is the mean of the "
        "score over the variants that may be causal, weighted by their posterior.\n"
        f"Every planted variant: {files.truth}\n",
    )
    best = min((row for _, row in rare.planted), key=lambda row: row["q_value"])
    return [
        f"explain {best['gene_name']} --cell-type {shlex.quote(best['cell_type'])}",
        f"rvat --cell-type monocyte --weights '{V2G_WEIGHT}' --tests skat_o,acat_v --max-maf 0.01",
        f"plot locus {loci[0].lead_id} --study {STUDY} --out locus.png",
        f"report --variant {loci[0].lead_id} --out report.html",
        f"build --vars '{json.dumps(RVAT_VARS)}'",
    ]


def _named(rows: list[Row], measure: str) -> str:
    if not rows:
        return "none"
    named = ", ".join(
        f"{row['gene_name']} in {row['cell_type']} ({format_cell(row[measure])})" for row in rows
    )
    return f"{len(rows)}: {named}"


def _join_table(con: duckdb.DuckDBPyConnection) -> object:
    table = new_table(
        "Correlation of burden and expression",
        ["gene", "cell type"],
        ["unweighted", "weighted by V2G"],
    )
    for gene, cell_type, plain, weighted in con.sql(WEIGHTED_BURDEN_SQL).fetchall():
        table.add_row(gene, cell_type, f"{plain:.2f}", f"{weighted:.2f}")
    return table
