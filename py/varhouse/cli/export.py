"""``varhouse export``: what the warehouse holds in the formats of other tools."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click
import duckdb

from varhouse.cli import common_options, tell
from varhouse.errors import UsageError
from varhouse.export.vep_input import write_vep_input
from varhouse.file_formats import is_packed
from varhouse.ingest.builds import CHROMOSOME_LENGTHS
from varhouse.output import text_stream, whole_file
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse


@click.group("export")
def export_command() -> None:
    """Write what the warehouse holds for another tool to read."""


@export_command.command("vep-input")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, gzip where its name ends in .gz. [stdout]",
)
@common_options
def vep_input_command(settings: Settings, out: Path | None) -> None:
    """List the variants that have no consequence yet, as VCF for VEP.

    Taken are the variants with genotypes or, where none has any, all. The ID column is the
    variant_id, so that VEP's output finds its variants again.

    \b
    varhouse export vep-input --out todo.vcf.gz
    vep -i todo.vcf.gz --vcf -o done.vcf ...
    varhouse load annotations done.vcf
    """
    with open_warehouse(settings, read_only=True) as con, _text(out) as stream:
        written = write_vep_input(con, stream, contig_lengths=_contig_lengths(con))
    where = f" to {out}" if out else ""
    tell(
        settings,
        f"{written.n_sites:,} of {written.n_variants:,} variants lack a consequence; "
        f"{written.n_sites:,} sites written{where}",
    )
    if written.n_unspelled:
        tell(settings, f"{written.n_unspelled:,} more have an allele that is not bases; left out")


def _out_option(name: str, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option("--out", type=kind, required=True, metavar=name, help=text)


_persons_option = click.option(
    "--with-persons", is_flag=True, help="Allow what is about single persons to leave."
)


def _require_persons(what: str, with_persons: bool) -> None:
    if not with_persons:
        raise UsageError(
            f"{what} are about single persons; add --with-persons if they may leave the warehouse."
        )


@export_command.command("table")
@click.argument("name")
@_out_option("FILE", "A name in .parquet, .tsv, .tsv.gz, .csv or .csv.gz.")
@click.option("--study", "study_id", metavar="ID", help="Rows of this study only.")
@click.option("--trait", metavar="ID", help="Rows of this trait only: a trait_id or gene_id.")
@_persons_option
@common_options
def table_command(
    settings: Settings,
    name: str,
    out: Path,
    study_id: str | None,
    trait: str | None,
    with_persons: bool,
) -> None:
    """Write a table or view to a file.

    Summary statistics are there under the column names of other tools too: as_regenie, as_saige,
    as_tensorqtl, as_plink2 and as_ssf; gene-based tests as as_regenie_gene and as_saige_gene.

    \b
    varhouse export table v2g_scores --out v2g.parquet
    varhouse export table as_ssf --study GCST1 --out GCST1.tsv.gz
    varhouse export table as_regenie --study eqtl --trait ENSG00000140718 --out FTO.regenie.tsv
    """
    from varhouse.export.tables import write_table

    with open_warehouse(settings, read_only=True) as con:
        n_rows = write_table(
            con, name, out, study_id=study_id, trait=trait, with_persons=with_persons
        )
    tell(settings, f"{n_rows:,} rows of {name} written to {out}")


@export_command.command("plink1")
@_out_option("PREFIX", "Writes PREFIX.bed, PREFIX.bim and PREFIX.fam.")
@_persons_option
@common_options
def plink1_command(settings: Settings, out: Path, with_persons: bool) -> None:
    """Write the genotypes as PLINK 1 files, alternative alleles as A1.

    \b
    varhouse export plink1 --out cohort --with-persons
    plink2 --bfile cohort ...
    """
    from varhouse.export.plink1 import write_plink1

    _require_persons("genotypes", with_persons)
    with open_warehouse(settings, read_only=True) as con:
        written = write_plink1(con, out)
    tell(
        settings,
        f"{written.n_variants:,} variants of {written.n_donors:,} donors written to {out}.bed",
    )
    if written.n_uncertain:
        tell(
            settings,
            f"{written.n_uncertain:,} dosages are not near 0, 1 or 2 copies; written as missing",
        )


@export_command.command("vcf")
@_out_option("FILE", "A name in .gz makes it BGZF.")
@_persons_option
@common_options
def vcf_command(settings: Settings, out: Path, with_persons: bool) -> None:
    """Write the genotypes as VCF, sorted; DS in place of GT where dosages are not whole.

    \b
    varhouse export vcf --out cohort.vcf.gz --with-persons
    """
    from varhouse.export.vcf import write_vcf

    _require_persons("genotypes", with_persons)
    with open_warehouse(settings, read_only=True) as con:
        written = write_vcf(con, out, contig_lengths=_contig_lengths(con))
    tell(
        settings,
        f"{written.n_variants:,} variants of {written.n_donors:,} donors written to {out}",
    )
    if written.n_dosage_variants:
        tell(settings, f"{written.n_dosage_variants:,} of them with dosages (DS)")


@export_command.command("anndata")
@_out_option("FILE", "Such as pseudobulk.h5ad.")
@_persons_option
@common_options
def anndata_command(settings: Settings, out: Path, with_persons: bool) -> None:
    """Write the pseudobulk as AnnData: a row for each cell type and donor.

    X are sums of raw counts, layers["mean"] means of normalised ones.

    \b
    varhouse export anndata --out pseudobulk.h5ad --with-persons
    """
    from varhouse.export.h5ad import write_anndata

    _require_persons("pseudobulk values", with_persons)
    with open_warehouse(settings, read_only=True) as con:
        written = write_anndata(con, out)
    tell(
        settings,
        f"{written.n_groups:,} groups x {written.n_genes:,} genes, {written.n_values:,} values "
        f"written to {out}",
    )


@export_command.command("regenie-sets")
@_out_option("PREFIX", "Writes PREFIX.annotations.txt, PREFIX.sets.txt and PREFIX.masks.txt.")
@common_options
def regenie_sets_command(settings: Settings, out: Path) -> None:
    """Write the variant sets of the rare-variant tests for regenie.

    Variants are called as in the genotypes of `varhouse export`.

    \b
    varhouse export regenie-sets --out rvat
    regenie --step 2 --anno-file rvat.annotations.txt --set-list rvat.sets.txt
            --mask-def rvat.masks.txt ...
    """
    from varhouse.export.sets import write_regenie_sets

    with open_warehouse(settings, read_only=True) as con:
        written = write_regenie_sets(con, out)
    tell(
        settings,
        f"{written.n_members:,} pairs of variant and gene, of {written.n_genes:,} genes, "
        f"written to {out}.*.txt",
    )


@export_command.command("saige-groups")
@_out_option("FILE", "The group file.")
@common_options
def saige_groups_command(settings: Settings, out: Path) -> None:
    """Write the variant sets of the rare-variant tests for SAIGE-GENE+.

    Prints what --annotation_in_groupTest takes.

    \b
    varhouse export saige-groups --out groups.txt
    """
    from varhouse.export.sets import write_saige_groups

    with open_warehouse(settings, read_only=True) as con:
        written = write_saige_groups(con, out)
    click.echo(",".join(":".join(taken) for taken in written.masks.values()))
    tell(
        settings,
        f"{written.n_members:,} pairs of variant and gene, of {written.n_genes:,} genes, "
        f"written to {out}",
    )


def _contig_lengths(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    build = con.execute("select genome_build from raw.genome_build").fetchone()
    return CHROMOSOME_LENGTHS[build[0]] if build else {}


@contextmanager
def _text(out: Path | None) -> Iterator[TextIO]:
    """Yield a text stream to stdout, or to a file that appears when all is written."""
    if out is None:
        yield sys.stdout
        return
    with (
        whole_file(out) as part,
        text_stream(part, is_packed=is_packed(out)) as stream,
    ):
        yield stream
