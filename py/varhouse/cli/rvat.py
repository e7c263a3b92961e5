"""Rare-variant tests from the command line: vars for the models, then the top genes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from varhouse.cli import common_options
from varhouse.cli.ask import output_options, show_answer
from varhouse.cli.model_options import project_of, vars_option
from varhouse.errors import UsageError
from varhouse.file_formats import Format, choose_format
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

_RESULTS = (
    "rvat_burden", "rvat_skat", "rvat_acat", "rvat_omnibus", "rvat_summary", "rvat_warnings",
)  # fmt: skip
_TESTS = ("skat", "skat_o", "acat_v")


def _words(option: str, values: tuple[str, ...]) -> list[str]:
    """Return the words of a repeated option, which may hold several with commas between."""
    words = [word.strip() for value in values for word in value.split(",") if word.strip()]
    if values and not words:
        raise UsageError(f"{option}: found {values[0]!r}; wanted a word, or several with commas.")
    return words


@click.command("rvat")
@click.option("--cell-type", "cell_types", multiple=True, metavar="C", help="Test in this. [all]")
@click.option("--genes", multiple=True, metavar="G1,G2", help="Ids or symbols. [all expressed]")
@click.option(
    "--weights",
    multiple=True,
    metavar="W1,W2",
    help="Weights of variants, such as maf_beta, CADD_RAW or maf_beta*v2g.",
)
@click.option(
    "--tests", multiple=True, metavar="T1,T2", help="Beside the burdens: skat, skat_o, acat_v."
)
@click.option("--max-maf", multiple=True, metavar="F1,F2", help="Frequency cut-offs.")
@click.option("--window", type=click.IntRange(min=0), metavar="BP", help="Reach of a gene.")
@click.option(
    "--anchor", type=click.Choice(["gene_body", "tss"]), help="What the window is around."
)
@click.option("--mask", "masks", multiple=True, metavar="NAME", help="Only these of the var masks.")
@vars_option("Other vars, as YAML or JSON.")
@click.option("--full-refresh", is_flag=True, help="Test again what is unchanged.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Genes to print of each cell type.",
)
@common_options
@output_options
def rvat_command(
    settings: Settings,
    cell_types: tuple[str, ...],
    genes: tuple[str, ...],
    weights: tuple[str, ...],
    tests: tuple[str, ...],
    max_maf: tuple[str, ...],
    window: int | None,
    anchor: str | None,
    masks: tuple[str, ...],
    vars: dict[str, Any],
    full_refresh: bool,
    top: int,
    form: Format | None,
    out: Path | None,
    limit: int | None,
) -> int:
    """Test rare variants around genes for expression, and print the top genes.

    Builds rvat_burden, rvat_skat, rvat_acat, rvat_omnibus, rvat_summary and rvat_warnings with the
    vars that the options name; what is not named is as in the project. The tables then hold the
    tests of this run only.

    \b
    varhouse rvat --cell-type "CD8 T" --genes FTO,IRX3 --weights maf_beta,maf_beta*v2g
    """
    from varhouse import ask
    from varhouse.cli.models import run_models

    chosen = choose_format(form, out)
    given: dict[str, Any] = {
        "cell_types": list(cell_types),
        "weights": _words("--weights", weights),
        "rvat_tests": _known_tests(_words("--tests", tests)),
        "max_maf": _frequencies(_words("--max-maf", max_maf)),
        "masks": _chosen_masks(settings, vars, masks),
    }
    vars |= {name: value for name, value in given.items() if value}
    if window is not None:
        vars["cis_window_bp"] = window
    if anchor is not None:
        vars["cis_anchor"] = anchor
    if weights and "skat_weight" not in vars and "maf_beta" not in vars["weights"]:
        vars["skat_weight"] = vars["weights"][0]
    with open_warehouse(settings, read_only=True) as con:
        ask.require_cell_types(con, list(cell_types))
        if genes:
            vars["rvat_genes"] = ask.gene_ids(con, _words("--genes", genes))
    code = run_models(
        settings, "build", tuple(f"+{name}" for name in _RESULTS), (), vars, full_refresh
    )
    if code:
        return code
    with open_warehouse(settings, read_only=True) as con:
        answer = ask.top_genes(con, top)
    show_answer(settings, answer, chosen, out, limit)
    return 0


def _known_tests(tests: list[str]) -> list[str]:
    unknown = [test for test in tests if test not in _TESTS]
    if unknown:
        raise UsageError(
            f"--tests: found {', '.join(unknown)}; wanted some of {', '.join(_TESTS)} "
            "(burdens are always tested)."
        )
    return tests


def _frequencies(texts: list[str]) -> list[float]:
    found = []
    for text in texts:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not 0 < value <= 1:
            raise UsageError(f"--max-maf: found {text!r}; wanted a frequency such as 0.05.")
        found.append(value)
    return found


def _chosen_masks(
    settings: Settings, vars: dict[str, Any], names: tuple[str, ...]
) -> dict[str, Any]:
    """Return the masks of these names, from ``--vars`` or else from the project."""
    if not names:
        return {}
    known = project_of(settings, vars).vars.get("masks") or {}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            f"--mask: found {', '.join(unknown)}; the var masks has {', '.join(known)}. Define one "
            "in dbt_project.yml, or with --vars '{masks: {high: {impact: [HIGH]}}}'."
        )
    return {name: known[name] for name in names}
