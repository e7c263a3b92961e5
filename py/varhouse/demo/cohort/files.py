"""Write the cohort as files in the formats that such data come in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from varhouse.bgzf import write_bgzf
from varhouse.demo.cohort.genotypes import Genotypes
from varhouse.demo.cohort.invent import Cohort, invent_cohort
from varhouse.demo.cohort.plan import CELL_TYPES, CommonEffect, RareEffect
from varhouse.demo.cohort.trait import N_PEOPLE, Association, TraitEffect
from varhouse.demo.files import tab_lines, write_lines, write_open_chromatin
from varhouse.demo.locus import BUILD, CHROM, DEFAULT_SEED, DemoGene, invent_locus
from varhouse.h5ad import new_group, new_table, write_categories, write_texts

_CONTIG_BP = 51_304_566  # of chromosome 22 in GRCh37
_CALLS = np.array(["0|0", "0|1", "1|0", "1|1", "./."], dtype=object)
_MISSING = 4
_IMPACTS = {
    "stop_gained": "HIGH",
    "splice_donor_variant": "HIGH",
    "missense_variant": "MODERATE",
    "splice_region_variant": "LOW",
    "synonymous_variant": "LOW",
}
# CADD's scaled scores: the middle of what such variants have, about.
_CADD = {"HIGH": 36.0, "MODERATE": 22.0, "LOW": 9.0, "MODIFIER": 3.0}


class CohortFiles(NamedTuple):
    """The written files, a table of what was planted, and the same as tuples."""

    genes: Path
    open_chromatin: Path
    promoter_capture: Path
    genotypes: Path
    annotations: Path
    covariates: Path
    cells: Path
    sumstats: Path
    truth: Path
    rare: list[RareEffect]
    common: list[CommonEffect]
    trait: list[TraitEffect]


def write_cohort_files(folder: Path, *, seed: int = DEFAULT_SEED) -> CohortFiles:
    """Invent the cohort of a locus and write it; equal seeds write equal bytes.

    Parameters
    ----------
    folder
        Where the files go; made when it is not there.
    seed
        As of `varhouse.demo.write_demo_files`, whose locus this cohort is about.

    Returns
    -------
    CohortFiles
        GTF, BED8 (thurman2012), a table of intervals (javierre2016), VCF, VEP tab, covariates,
        h5ad and GWAS-SSF; 300 donors, 38 genes on 1.65 Mb, cells of three types.

    Raises
    ------
    ImportError
        msprime or h5py is not installed.
    """
    cohort = invent_cohort(seed, invent_locus(np.random.default_rng(seed)))
    folder.mkdir(parents=True, exist_ok=True)
    files = CohortFiles(
        genes=folder / "demo.gtf.gz",
        open_chromatin=folder / "demo.cohort.thurman2012.bed8",
        promoter_capture=folder / "demo.cohort.javierre2016.tsv",
        genotypes=folder / "demo.vcf.gz",
        annotations=folder / "demo.vep.tab.gz",
        covariates=folder / "demo.covariates.tsv",
        cells=folder / "demo.h5ad",
        sumstats=folder / "demo.gwas.tsv.gz",
        truth=folder / "demo.planted.tsv",
        rare=cohort.rare,
        common=cohort.common,
        trait=cohort.trait,
    )
    write_bgzf(files.genes, _gtf(cohort.genes))
    write_open_chromatin(files.open_chromatin, cohort.open_chromatin)
    _write_links(files.promoter_capture, cohort)
    write_bgzf(files.genotypes, _vcf(cohort.genotypes, cohort.donors.donor_ids))
    write_bgzf(files.annotations, _vep(np.random.default_rng([seed, 2]), cohort))
    _write_covariates(files.covariates, cohort)
    _write_cells(files.cells, cohort)
    write_bgzf(files.sumstats, _gwas(cohort.associations))
    _write_planted(files.truth, cohort)
    return files


def _gtf(genes: Sequence[DemoGene]) -> str:
    lines = [f"#!genome-build {BUILD}"]
    for gene in genes:
        strand = "+" if gene.strand == 1 else "-"
        said = (
            f'gene_id "{gene.gene_id}"; gene_name "{gene.gene_name}"; '
            f'gene_biotype "{gene.biotype}";'
        )
        transcript = f' transcript_id "{gene.gene_id.replace("ENSG", "ENST")}"; tag "basic";'
        for feature, more in (("gene", ""), ("transcript", transcript)):
            lines.append(
                f"{CHROM}\tdemo\t{feature}\t{gene.start}\t{gene.end}\t.\t{strand}\t.\t{said}{more}"
            )
    return "\n".join(lines) + "\n"


def _write_links(path: Path, cohort: Cohort) -> None:
    header = ["chrom", "start", "end", "gene_id", "score", "feature", "type_id", "source_id"]
    rows = [
        [CHROM, link.start, link.end, link.gene.gene_id, link.score, link.feature, "pchic",
         "javierre2016"]
        for link in cohort.promoter_capture
    ]  # fmt: skip
    write_lines(path, [header, *rows])


def _vcf(genotypes: Genotypes, donors: Sequence[str]) -> str:
    lines = [
        "##fileformat=VCFv4.3",
        f"##contig=<ID={CHROM},length={_CONTIG_BP},assembly={BUILD}>",
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        "\t".join(
            ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *donors]
        ),
    ]
    calls = 2 * genotypes.haplotypes[:, ::2] + genotypes.haplotypes[:, 1::2]
    words = _CALLS[np.where(genotypes.is_missing, _MISSING, calls)]
    for number, (pos, row) in enumerate(zip(genotypes.pos.tolist(), words, strict=True)):
        fixed = f"{CHROM}\t{pos}\t{genotypes.rsid[number]}\t{genotypes.ref[number]}"
        lines.append(f"{fixed}\t{genotypes.alt[number]}\t.\tPASS\t.\tGT\t" + "\t".join(row))
    return "\n".join(lines) + "\n"


def _vep(rng: np.random.Generator, cohort: Cohort) -> str:
    header = [
        "#Uploaded_variation", "Location", "Allele", "Gene", "Feature", "Feature_type",
        "Consequence", "IMPACT", "SYMBOL", "STRAND", "BIOTYPE", "CADD_PHRED",
    ]  # fmt: skip
    genotypes = cohort.genotypes
    names = genotypes.variant_ids
    rows: list[Sequence[object]] = [header]
    for variant, gene, term in cohort.consequences:
        impact = _IMPACTS.get(term, "MODIFIER")
        cadd = max(0.001, float(rng.normal(_CADD[impact], 2.0)))
        rows.append(
            [
                names[variant], f"{CHROM}:{genotypes.pos[variant]}", genotypes.alt[variant],
                gene.gene_id, gene.gene_id.replace("ENSG", "ENST"), "Transcript", term, impact,
                gene.gene_name, gene.strand, gene.biotype, f"{cadd:.3f}",
            ]
        )  # fmt: skip
    return f"## Simulated; columns as of VEP --tab; assembly version {BUILD}\n" + tab_lines(rows)


def _write_covariates(path: Path, cohort: Cohort) -> None:
    donors = cohort.donors
    pools = range(2, int(donors.pool.max()) + 1)
    rows: list[Sequence[object]] = [["donor_id", "sex", "age", *(f"pool{n}" for n in pools)]]
    rows += [
        [name, sex, age, *(int(pool == n) for n in pools)]
        for name, sex, age, pool in zip(
            donors.donor_ids, donors.sex, donors.age, donors.pool, strict=True
        )
    ]
    write_lines(path, rows)


def _write_cells(path: Path, cohort: Cohort) -> None:
    import h5py

    cells = cohort.cells
    names = [f"cell{number + 1:05d}" for number in range(cells.donor.size)]
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        matrix = new_group(file, "X", "csr_matrix", "0.1.0", shape=cells.counts.shape)
        for part in ("data", "indices", "indptr"):
            values = getattr(cells.counts, part)
            matrix.create_dataset(part, data=values, compression="gzip", compression_opts=1)
        obs = new_table(file, "obs", names, ["donor_id", "cell_type"])
        write_categories(obs, "donor_id", cells.donor.astype(np.int16), cohort.donors.donor_ids)
        write_categories(obs, "cell_type", cells.cell_type.astype(np.int16), CELL_TYPES)
        var = new_table(file, "var", cells.gene_ids, ["gene_name"])
        write_texts(var, "gene_name", cells.gene_names)


def _gwas(rows: Sequence[Association]) -> str:
    """Return GWAS-SSF: the standard's columns in its order."""
    header = [
        "chromosome", "base_pair_location", "effect_allele", "other_allele", "beta",
        "standard_error", "effect_allele_frequency", "p_value", "rsid", "ref_allele", "n",
    ]  # fmt: skip
    lines: list[Sequence[object]] = [header]
    lines += [
        [
            row.chrom, row.pos, row.alt, row.ref, f"{row.z * row.se:.5g}", f"{row.se:.5g}",
            f"{row.af:.4f}", f"{row.p_value:.4g}", "NA" if row.rsid == "." else row.rsid, "OA",
            N_PEOPLE,
        ]
        for row in rows
    ]  # fmt: skip
    return tab_lines(lines)


def _write_planted(path: Path, cohort: Cohort) -> None:
    rows: list[Sequence[object]] = [
        ["gene_id", "gene_name", "cell_type", "variant_id", "kind", "change_in_sd"]
    ]
    for effect in cohort.rare:
        rows += [
            [
                effect.gene_id,
                effect.gene_name,
                cell_type,
                variant,
                effect.carried_by,
                f"{change:.4g}",
            ]
            for cell_type in effect.cell_types
            for variant, change in zip(effect.variant_ids, effect.changes, strict=True)
        ]
    for eqtl in cohort.common:
        rows += [
            [eqtl.gene_id, eqtl.gene_name, cell_type, eqtl.variant_id, "eqtl", f"{eqtl.change:.4g}"]
            for cell_type in eqtl.cell_types
        ]
    rows += [
        [effect.gene_id, effect.gene_name, "", effect.variant_id, "trait", f"{effect.change:.4g}"]
        for effect in cohort.trait
    ]
    write_lines(path, rows)
