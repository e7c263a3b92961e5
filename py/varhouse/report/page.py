"""The report as one HTML file that loads nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined

from varhouse import __version__
from varhouse.output import whole_file
from varhouse.report.cells import FEWEST
from varhouse.report.figures import can_draw
from varhouse.report.provenance import read_provenance
from varhouse.report.quality import read_quality
from varhouse.report.rare_variants import read_rare_variants
from varhouse.report.variant import read_variant


def write_report(
    con: duckdb.DuckDBPyConnection,
    out: Path,
    *,
    title: str = "Warehouse",
    variant: str | None = None,
    top: int = 10,
    made_at: datetime | None = None,
) -> Path:
    """Write what a warehouse holds and says as one page.

    The page may be shown to others: counts of donors below 10 are hidden, and no donor is named.

    Parameters
    ----------
    con
        An open warehouse.
    out
        The HTML file; replaced at once when all is written.
    title
        Its heading.
    variant
        A variant whose V2G scores are taken apart.
    top
        Genes to list of each cell type, and of the variant.
    made_at
        The date on the page; now when None.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    UsageError
        The folder does not exist, or the rsID has several alleles.
    DataError
        No such variant, it has no scores, or the file cannot be written.

    Examples
    --------
    >>> import varhouse
    >>> from varhouse.report import write_report
    >>> house = varhouse.connect("varhouse.duckdb")  # doctest: +SKIP
    >>> write_report(house.con, Path("report.html"), variant="rs1421085")  # doctest: +SKIP
    """
    environment = Environment(
        loader=PackageLoader("varhouse.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report_page.html").render(
        title=title,
        version=__version__,
        duckdb_version=duckdb.__version__,
        made_at=(made_at or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
        can_draw=can_draw(),
        fewest=FEWEST,
        provenance=read_provenance(con),
        quality=read_quality(con),
        rare_variants=read_rare_variants(con, top=top),
        answer=None if variant is None else read_variant(con, variant, top=top),
    )
    with whole_file(out) as part:
        part.write_text(page, encoding="utf-8")
    return out
