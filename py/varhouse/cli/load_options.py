"""Options of ``varhouse load`` that only some kinds heed; the others refuse them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from varhouse.cli import Command, options

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)

# Parameter -> option; which kinds heed it is said in varhouse.ingest.kinds.
_OPTIONS: dict[str, Callable[[Command], Command]] = {
    "feature": click.option(
        "--feature", metavar="NAME", help="Tissue or cell type of rows that name none."
    ),
    "regions": click.option(
        "--region",
        "regions",
        multiple=True,
        metavar="CHR[:START-END]",
        help="Genotypes: keep these variants only; may be repeated.",
    ),
    "samples": click.option(
        "--samples", type=_FILE, help="Genotypes: keep the samples in this file, an id a line."
    ),
    "min_maf": click.option(
        "--min-maf", type=click.FloatRange(0, 0.5), help="Genotypes: least minor allele frequency."
    ),
    "max_maf": click.option(
        "--max-maf",
        type=click.FloatRange(0, 0.5, min_open=True),
        help="Genotypes: minor allele frequency below this.",
    ),
    "allele_order": options(
        *(
            click.option(
                f"--ref-{place}",
                "allele_order",
                flag_value=f"ref-{place}",
                default=None,
                help=f"BGEN: the {place} allele is the reference.",
            )
            for place in ("first", "last")
        )
    ),
    "sample_file": click.option(
        "--sample-file", type=_FILE, help="BGEN: the .sample file. [beside the file]"
    ),
    "half_call": click.option(
        "--half-call",
        type=click.Choice(["missing", "reference", "haploid"]),
        help="VCF: what a call such as ./1 is. [missing]",
    ),
    "on_duplicate": click.option(
        "--on-duplicate",
        type=click.Choice(["error", "first", "merge"]),
        help="What to do with genotypes, or differing annotations, that occur twice. [error]",
    ),
    "csq_fields": click.option(
        "--csq-fields",
        metavar="A|B|...",
        help="Annotations: fields of INFO/CSQ in a VCF that does not declare them.",
    ),
    "layer": click.option(
        "--layer", metavar="NAME", help="Cells: where the counts are: X, raw or a layer."
    ),
    "donor_column": click.option(
        "--donor-column", metavar="NAME", help="Cells: column of obs with the donor."
    ),
    "cell_type_column": click.option(
        "--cell-type-column", metavar="NAME", help="Cells: column of obs with the cell type."
    ),
    "normalise_twice": click.option(
        "--normalise-twice",
        is_flag=True,
        default=None,
        help="Cells: normalise and log a second time, as the rare-variant tutorial does.",
    ),
    "id_map": click.option(
        "--id-map", type=_FILE, help="Donor ids: a file of two columns, as written and as meant."
    ),
}


def special_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command; it gets those that were given as one dict, ``special``."""

    @functools.wraps(command)
    def gathered(*args: Any, **kwargs: Any) -> None:
        found = {name: kwargs.pop(name) for name in _OPTIONS}
        given = {name: value for name, value in found.items() if value not in (None, ())}
        command(*args, special=given, **kwargs)

    return options(*_OPTIONS.values())(gathered)
