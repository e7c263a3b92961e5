"""``varhouse report``: the warehouse as one page."""

from __future__ import annotations

from pathlib import Path

import click

from varhouse.cli import common_options, tell
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse


@click.command("report")
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The HTML file.",
)
@click.option("--variant", metavar="ID", help="Take the V2G scores of this variant apart.")
@click.option(
    "--top",
    default=10,
    show_default=True,
    type=click.IntRange(min=1),
    help="Genes to list of each cell type, and of the variant.",
)
@common_options
def report_command(settings: Settings, out: Path, variant: str | None, top: int) -> None:
    """Write what was loaded, run and found as one HTML page that needs no network.

    Counts of donors below 10 are hidden, and no donor is named.

    \b
    varhouse report --out report.html --variant rs1421085
    """
    from varhouse.report import write_report

    with open_warehouse(settings, read_only=True) as con:
        write_report(con, out, title=settings.database.name, variant=variant, top=top)
    tell(settings, f"wrote {out}")
