"""Cohorts of the rare-variant worlds put into the raw tables."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
from tests.property.rvat_worlds import Annotation, Variant, World
from tests.rows import replace_rows


def fill(con: duckdb.DuckDBPyConnection, world: World) -> None:
    """Put a world in the place of what was loaded before."""
    con.begin()
    fill_genotypes(con, world)
    fill_expression(con, world)
    replace_rows(
        con,
        "raw.genes",
        [
            {"gene_id": gene.id, "gene_name": gene.id.lower(), "chrom": gene.chrom,
             "start_pos": gene.start, "end_pos": gene.end, "strand": gene.strand,
             "tss_pos": gene.tss, "biotype": None, "load_id": 1}
            for gene in world.genes
        ],
    )  # fmt: skip
    replace_rows(
        con,
        "raw.covariates",
        [
            {"donor_id": donor, "covariate": covariate, "value": value, "load_id": 1}
            for (donor, covariate), value in world.covariates.items()
        ],
    )
    fill_annotations(con, world)
    replace_rows(
        con,
        "raw.qtl",
        [
            {**variant._asdict(), "variant_id": variant.id, "gene_id": gene, "type_id": "eqtl",
             "source_id": "gtex_v7", "feature": "blood", "p_value": p, "load_id": 1}
            for variant, gene, p in world.qtl
        ],
    )  # fmt: skip
    con.commit()


def fill_genotypes(con: duckdb.DuckDBPyConnection, world: World) -> None:
    replace_rows(
        con,
        "raw.donors",
        [
            {"donor_idx": i, "donor_id": name, "is_genotyped": i < world.n_genotyped,
             "sex": world.sexes[i], "load_id": 1}
            for i, name in enumerate(world.donors)
        ],
    )  # fmt: skip
    column = {variant: j for j, variant in enumerate(world.variants)}
    ordered = sorted([*world.variants, *world.ungenotyped])
    calls: dict[str, list[dict[str, Any]]] = {"rare": [], "common": []}
    for idx, variant in enumerate(ordered):
        if variant in column:
            dosages = world.calls[:, column[variant]]
            called = dosages[~np.isnan(dosages)]
            frequency = called.mean() / 2 if called.size else 0.0
            calls["rare" if min(frequency, 1 - frequency) < 0.05 else "common"] += [
                {"variant_idx": idx, "donor_idx": i, "dosage": None if np.isnan(d) else float(d)}
                for i, d in enumerate(dosages)
                if d != 0
            ]
    for kind, rows in calls.items():
        replace_rows(con, f"raw.genotypes_{kind}", rows)
    replace_rows(
        con,
        "raw.variants",
        [
            {"variant_idx": idx, "variant_id": variant.id, **variant._asdict(), "load_id": 1,
             "genotype_load_id": 1 if variant in column else None}
            for idx, variant in enumerate(ordered)
        ],
    )  # fmt: skip


def fill_expression(con: duckdb.DuckDBPyConnection, world: World) -> None:
    groups: list[dict[str, Any]] = []
    genes: list[dict[str, Any]] = []
    values: list[dict[str, Any]] = []
    for load_id, load in enumerate(world.loads, start=1):
        group_idx = {group: len(groups) + i for i, group in enumerate(load.groups)}
        gene_idx = {gene: len(genes) + i for i, gene in enumerate(load.genes)}
        groups += [
            {"group_idx": idx, "cell_type": cell_type, "donor_id": donor, "load_id": load_id}
            for (cell_type, donor), idx in group_idx.items()
        ]
        genes += [
            {"gene_idx": idx, "gene_id": gene, "zeros_left_out": load.zeros_left_out,
             "has_sum": not load.has_means, "load_id": load_id}
            for gene, idx in gene_idx.items()
        ]  # fmt: skip
        values += [
            {"group_idx": group_idx[cell_type, donor], "gene_idx": gene_idx[gene],
             "sum": None if load.has_means else value, "mean": value if load.has_means else None}
            for (cell_type, gene, donor), value in load.values.items()
        ]  # fmt: skip
    replace_rows(con, "raw.pseudobulk_donors", groups)
    replace_rows(con, "raw.pseudobulk_genes", genes)
    replace_rows(con, "raw.pseudobulk", values)


def fill_annotations(con: duckdb.DuckDBPyConnection, world: World) -> None:
    rows = []
    by_variant: dict[tuple[Variant, bool], list[Annotation]] = {}
    for row in world.annotations:
        by_variant.setdefault((row.variant, bool(row.terms)), []).append(row)
    for (variant, is_consequence), same in by_variant.items():
        if is_consequence:
            same.sort(key=lambda a: (a.severity, not a.is_canonical, not a.is_mane, a.file_rank))
        for rank, a in enumerate(same, start=1):
            rows.append(
                {**variant._asdict(), "variant_id": variant.id, "gene_id": a.gene,
                 "transcript_id": a.transcript, "consequence_terms": list(a.terms) or None,
                 "impact": a.impact, "is_canonical": a.is_canonical,
                 "mane_select": f"NM_{rank}" if a.is_mane else None,
                 "scores": list(a.scores.items()),
                 "rank": rank, "file_rank": a.file_rank, "load_id": 2 if is_consequence else 3}
            )  # fmt: skip
    replace_rows(con, "raw.annotations", rows)
