"""``varhouse export``: what the warehouse holds in the formats of other tools."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click
import duckdb

from varhouse.cli import common_options
from varhouse.ingest.builds import CHROMOSOME_LENGTHS
from varhouse.output import whole_file
from varhouse.report.vep_input import write_vep_input
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
    if settings.verbosity < 0:
        return
    where = f" to {out}" if out else ""
    click.echo(
        f"{written.n_sites:,} of {written.n_variants:,} variants lack a consequence; "
        f"{written.n_sites:,} sites written{where}",
        err=True,
    )
    if written.n_unspelled:
        click.echo(
            f"{written.n_unspelled:,} more have an allele that is not bases; left out", err=True
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
    with whole_file(out) as part, part.open("wb") as raw:
        if out.suffix.lower() == ".gz":
            # no time and no name in it: equal sites are an equal file
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
            with packed, io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as stream:
                yield stream
        else:
            with io.TextIOWrapper(raw, encoding="utf-8", newline="\n") as stream:
                yield stream
