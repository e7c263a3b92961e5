"""``varhouse plot``: figures of the results, each into a file."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import duckdb

from varhouse.cli import common_options, options, tell
from varhouse.errors import UsageError
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varhouse.plot.gene_tests import GeneTests

_FIGURE_SUFFIXES = (".png", ".pdf", ".svg")
_TESTS = ("omnibus", "burden", "acat", "skat", "skat_o", "acat_v")

_Draw = Callable[[duckdb.DuckDBPyConnection], "Axes"]


@click.group("plot", short_help="Draw results.")
def plot_command() -> None:
    """Draw results into a file: PNG, PDF or SVG, by its suffix."""


_out_option = click.option(
    "--out",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="PNG, PDF or SVG.",
)

_study_options = options(
    click.option("--study", metavar="ID", help="Variants of this study of sumstats."),
    click.option("--trait", metavar="ID", help="Of the study: a trait_id or gene_id."),
)


def _test_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what chooses tests of genes; the command receives it as ``tests``."""

    @functools.wraps(function)
    def with_tests(*args: Any, **kwargs: Any) -> Any:
        names = ("test", "cell_type", "weight", "aggregation", "mask", "max_maf")
        tests = {name: kwargs.pop(name) for name in names}
        return function(*args, tests={k: v for k, v in tests.items() if v is not None}, **kwargs)

    return options(
        click.option("--test", type=click.Choice(_TESTS), help="Which tests of genes."),
        click.option("--cell-type", metavar="C", help="In this cell type."),
        click.option("--weight", metavar="W", help="Tests under this weight."),
        click.option("--aggregation", metavar="A", help="Burdens aggregated so."),
        click.option("--mask", metavar="NAME", help="Tests of this variant mask."),
        click.option("--max-maf", type=float, metavar="F", help="Tests with this cut-off."),
    )(with_tests)


def _top_option(default: int, what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--top", default=default, show_default=True, type=click.IntRange(min=1), help=what
    )


def write_figure(settings: Settings, out: Path, draw: _Draw) -> None:
    """Draw into a PNG, PDF or SVG file, by its suffix.

    Raises
    ------
    UsageError
        The name tells no format, or the folder does not exist.
    """
    if out.suffix.lower() not in _FIGURE_SUFFIXES:
        raise UsageError(
            f"--out {out}: the name does not tell a format; wanted {', '.join(_FIGURE_SUFFIXES)}."
        )
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: the folder {out.parent} does not exist.")
    from varhouse.plot.canvas import save

    with open_warehouse(settings, read_only=True) as con:
        save(draw(con), out)
    tell(settings, f"wrote {out}")


@plot_command.command("manhattan")
@_study_options
@_test_options
@_top_option(10, "Names to write at the strongest.")
@_out_option
@common_options
def manhattan_command(
    settings: Settings,
    study: str | None,
    trait: str | None,
    tests: GeneTests,
    top: int,
    out: Path,
) -> None:
    """Draw p-values along the genome: of genes or, with --study, of variants.

    \b
    varhouse plot manhattan --test burden --weight maf_beta --cell-type B --out genes.png
    varhouse plot manhattan --study bmi --out bmi.png
    """
    from varhouse.plot import manhattan

    write_figure(
        settings, out, lambda con: manhattan(con, study=study, trait=trait, top=top, **tests)
    )


@plot_command.command("qq")
@_study_options
@_test_options
@click.option(
    "--by",
    type=click.Choice(["cell_type", "test"]),
    default="cell_type",
    show_default=True,
    help="What points of genes are told apart by.",
)
@_out_option
@common_options
def qq_command(
    settings: Settings,
    study: str | None,
    trait: str | None,
    tests: GeneTests,
    by: Literal["cell_type", "test"],
    out: Path,
) -> None:
    """Draw p-values against those expected without any effect, with lambda GC.

    \b
    varhouse plot qq --by test --cell-type B --out qq.png
    """
    from varhouse.plot import qq

    write_figure(settings, out, lambda con: qq(con, study=study, trait=trait, by=by, **tests))


@plot_command.command("locus")
@click.argument("lead", required=False)
@_study_options
@click.option("--gene", metavar="GENE", help="Mark this; without LEAD the window is around it.")
@click.option(
    "--flank", "flank_bp", default=250_000, show_default=True, type=click.IntRange(min=1),
    metavar="BP", help="Reach on both sides.",
)  # fmt: skip
@_out_option
@common_options
def locus_command(
    settings: Settings,
    lead: str | None,
    study: str | None,
    trait: str | None,
    gene: str | None,
    flank_bp: int,
    out: Path,
) -> None:
    """Draw the associations around LEAD, coloured by r2 with it, above the genes.

    Without LEAD it is the strongest of the study, or around --gene.

    \b
    varhouse plot locus rs1421085 --study bmi --out fto.png
    varhouse plot locus --study bmi --gene FTO --out fto.png
    """
    from varhouse.plot import locus

    write_figure(
        settings, out,
        lambda con: locus(con, lead, study=study, trait=trait, gene=gene, flank_bp=flank_bp),
    )  # fmt: skip


@plot_command.command("volcano")
@_test_options
@_top_option(10, "Names to write at the strongest.")
@_out_option
@common_options
def volcano_command(settings: Settings, tests: GeneTests, top: int, out: Path) -> None:
    """Draw the effects of burdens in a cell type against their p-values.

    \b
    varhouse plot volcano --cell-type B --weight maf_beta --out volcano.png
    """
    from varhouse.plot import volcano

    write_figure(settings, out, lambda con: volcano(con, top=top, **tests))


@plot_command.command("expression")
@click.argument("variant")
@click.argument("gene")
@click.option("--cell-type", required=True, metavar="C", help="In this cell type.")
@click.option(
    "--min-donors", default=10, show_default=True, type=click.IntRange(min=1), metavar="N",
    help="Merge smaller classes of genotypes, or leave them out.",
)  # fmt: skip
@_out_option
@common_options
def expression_command(
    settings: Settings, variant: str, gene: str, cell_type: str, min_donors: int, out: Path
) -> None:
    """Draw the expression of GENE by the genotype of VARIANT.

    \b
    varhouse plot expression rs1421085 IRX3 --cell-type B --out irx3.png
    """
    from varhouse.plot import expression

    write_figure(
        settings, out,
        lambda con: expression(con, variant, gene, cell_type, min_donors=min_donors),
    )  # fmt: skip


@plot_command.command("heatmap")
@click.argument("variant")
@_top_option(15, "Genes to show.")
@_out_option
@common_options
def heatmap_command(settings: Settings, variant: str, top: int, out: Path) -> None:
    """Draw the V2G scores of VARIANT's best genes by source.

    \b
    varhouse plot heatmap rs1421085 --out heatmap.png
    """
    from varhouse.plot import v2g_heatmap

    write_figure(settings, out, lambda con: v2g_heatmap(con, variant, top=top))


@plot_command.command("burden-heatmap")
@_test_options
@click.option("--gene", "genes", multiple=True, metavar="GENE", help="Only these. [the strongest]")
@_top_option(15, "Genes to show.")
@_out_option
@common_options
def burden_heatmap_command(
    settings: Settings, tests: GeneTests, genes: tuple[str, ...], top: int, out: Path
) -> None:
    """Draw -log10 p of burdens by cell type and gene.

    \b
    varhouse plot burden-heatmap --weight maf_beta --top 20 --out cell_types.png
    """
    from varhouse.plot import burden_heatmap

    write_figure(settings, out, lambda con: burden_heatmap(con, genes=genes, top=top, **tests))


@plot_command.command("weights")
@click.argument("gene")
@click.option("--cell-type", metavar="C", help="Whose donors. [the first]")
@_out_option
@common_options
def weights_command(settings: Settings, gene: str, cell_type: str | None, out: Path) -> None:
    """Draw what each rare variant of GENE weighs in its tests.

    \b
    varhouse plot weights LDLR --cell-type B --out weights.png
    """
    from varhouse.plot import weights

    write_figure(settings, out, lambda con: weights(con, gene, cell_type=cell_type))
