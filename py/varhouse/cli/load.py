"""``varhouse load``: files into raw tables."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from varhouse.cli import common_options
from varhouse.cli.load_options import special_options
from varhouse.ingest.kinds import KINDS

if TYPE_CHECKING:
    from rich.table import Table

    from varhouse.ingest.format import KindOptions
    from varhouse.ingest.load import LoadReport
    from varhouse.settings import Settings

_UNFOLDED_WIDTH = 1000
_LEAST_WIDTH = 70
"""Columns of a terminal that the table of a load is folded into; in fewer, whole ones go."""


@click.command("load")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--build", metavar="BUILD", help="Genome build: GRCh37 (hg19) or GRCh38 (hg38).")
@click.option("--source", "source_id", metavar="ID", help="Source of rows that name none.")
@click.option("--format", "layout", metavar="NAME", help="Layout of the files. [recognised]")
@click.option("--strict", is_flag=True, help="Refuse everything at one rejected or doubtful row.")
@click.option("--dry-run", is_flag=True, help="Check and count, but keep nothing.")
@special_options
@common_options
def load_command(
    settings: Settings,
    kind: str,
    files: Sequence[Path],
    build: str | None,
    source_id: str | None,
    layout: str | None,
    strict: bool,
    dry_run: bool,
    special: KindOptions,
) -> None:
    """Load FILES of one KIND: all of them, or none when one cannot be used.

    A file that was loaded before is left alone. Rows that cannot be taken are counted by reason
    below, in load_manifest and, with the line of the first, in load_issues.

    Load genes and variants first, then genotypes, then the rest.
    """
    from varhouse.ingest.load import load_files
    from varhouse.ingest.request import check_request
    from varhouse.warehouse import open_warehouse

    # before the warehouse is made, so that a slip of the pen leaves no empty file behind
    check_request(kind, files, build=build, format=layout, source_id=source_id, **special)
    with open_warehouse(settings) as con, _progress(settings) as progress:
        reports = load_files(
            con,
            kind,
            files,
            build=build,
            source_id=source_id,
            format=layout,
            strict=strict,
            dry_run=dry_run,
            progress=progress,
            **special,
        )
    _print_reports(reports)


@contextlib.contextmanager
def _progress(settings: Settings) -> Iterator[Callable[[str], None] | None]:
    """Show a bar on a terminal's stderr; nothing where there is no terminal."""
    from rich.console import Console

    from varhouse.cli.load_progress import load_progress

    console = Console(stderr=True)
    is_wanted = settings.progress and settings.verbosity >= 0 and not settings.log_json
    if not is_wanted or not console.is_terminal:
        yield None
        return
    with load_progress(console) as show:
        yield show


def _print_reports(reports: Sequence[LoadReport]) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    # in a pipe or a file there is no edge at which to fold a name
    if not sys.stdout.isatty() or console.width < _LEAST_WIDTH:
        console.width = _UNFOLDED_WIDTH
    console.print(_report_table(reports))
    for report in reports:
        for title, counts in (("rejected", report.rejected), ("kept with a warning", report.notes)):
            for code, n in counts.items():
                console.print(f"{report.file}: {title}: {code} {n:,}", markup=False)
    if any(report.rejected or report.notes for report in reports):
        console.print('What the codes mean: varhouse sql "select * from load_issues"', markup=False)


def _report_table(reports: Sequence[LoadReport]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("file", "format", "build", "status"):
        table.add_column(heading, overflow="fold")
    for heading in ("read", "loaded", "rejected", "warnings"):
        table.add_column(heading, justify="right", no_wrap=True)
    for report in reports:
        counts = (report.n_read, report.n_loaded, report.n_rejected, sum(report.notes.values()))
        table.add_row(
            Text(Path(report.file).name),
            report.format,
            report.genome_build or "-",
            report.status,
            *(
                ("-",) * len(counts)
                if report.status == "already loaded"
                else (f"{count:,}" for count in counts)
            ),
        )
    return table
