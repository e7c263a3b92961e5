"""``varhouse demo``: files to ranked genes to a figure, in one command."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import duckdb
from click.core import ParameterSource
from rich.console import Console

from varhouse.ask import explain, genes_for_variant
from varhouse.cli import common_options, tell
from varhouse.cli.demo_cohort import missing_for_cohort, show_cohort
from varhouse.cli.demo_tables import (
    explanation_table,
    loads_table,
    planted_table,
    ranking_table,
)
from varhouse.cli.model_options import functions_version, project_of, source_version
from varhouse.cli.model_report import StderrReporter
from varhouse.demo import DEFAULT_SEED, PlantedAnswer, write_demo_files
from varhouse.demo.cohort import CohortFiles, write_cohort_files
from varhouse.demo.cohort.found import RVAT_VARS
from varhouse.demo.cohort.trait_genes import STUDY
from varhouse.errors import DataError, ModelError, UsageError
from varhouse.ingest.kinds import KINDS
from varhouse.ingest.load import LoadReport, load_files
from varhouse.runner import run_project
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DATABASE = "demo.duckdb"
_HEATMAP = "demo_heatmap.png"
_N_RANKED = 8

_Say = Callable[[str], None]


class _Input(NamedTuple):
    kind: str
    files: list[Path]
    source_id: str | None = None


class _Case(NamedTuple):
    """What one demo loads and whom it asks about; ``planted`` is empty for real data."""

    inputs: list[_Input]
    build: str
    lead: str
    planted: list[PlantedAnswer]
    cohort: CohortFiles | None = None


@click.command("demo", short_help="Score a locus end to end and show the answer.")
@click.option(
    "--out",
    default="demo",
    show_default=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where files, figure and demo.duckdb go; an earlier demo in it is replaced.",
)
@click.option(
    "--seed",
    default=DEFAULT_SEED,
    show_default=True,
    type=click.IntRange(min=0),
    help="Of all that is invented.",
)
@click.option(
    "--evidence",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Use this evidence instead of an invented locus; may be given several times.",
)
@click.option(
    "--variants",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --evidence: the variant index.",
)
@click.option(
    "--genes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --evidence: the gene table.",
)
@click.option("--build", metavar="BUILD", help="With --evidence: its genome build.")
@click.option("--lead", metavar="VARIANT", help="With --evidence: id or rs number to ask about.")
@common_options
def demo_command(
    settings: Settings,
    out: Path,
    seed: int,
    evidence: tuple[Path, ...],
    variants: Path | None,
    genes: Path | None,
    build: str | None,
    lead: str | None,
) -> None:
    """Load, build and test a cohort and its locus; show what was planted and what is found.

    Without options everything is invented, with planted answers, and nothing is downloaded. With
    --evidence, --variants, --genes, --build and --lead the genes of your lead variant are ranked.
    """  # fmt: skip
    started = time.monotonic()
    say = functools.partial(tell, settings)
    stated = {"--variants": variants, "--genes": genes, "--build": build, "--lead": lead}
    given = [name for name, value in stated.items() if value is not None]
    if given and not evidence:
        raise UsageError(f"demo: {', '.join(given)} without --evidence FILE.")
    if evidence and len(given) < len(stated):
        missing = [name for name in stated if name not in given]
        raise UsageError(f"demo --evidence FILE: also give {', '.join(missing)}.")
    settings = _with_demo_database(settings, out)
    out.mkdir(parents=True, exist_ok=True)
    if variants and genes and build and lead:
        case = _real_case(evidence, variants, genes, build, lead)
    else:
        case = _invented_case(out, seed, say)
    _run(settings, case, out, say)
    say(f"Done in {time.monotonic() - started:.1f} s.")


def _invented_case(out: Path, seed: int, say: _Say) -> _Case:
    files = write_demo_files(out / "files", seed=seed)
    inputs = [
        _Input("genes", [files.genes]),
        _Input("variants", [files.variants]),
        _Input("evidence", [files.evidence]),
        _Input("qtl", [files.qtl]),
        _Input("intervals", [files.intervals], source_id="thurman2012"),
        _Input("vep", [files.vep]),
    ]
    cohort = None
    if missing := missing_for_cohort():
        say(
            f"No cohort, only its locus: {' and '.join(missing)} missing "
            "(pip install 'varhouse[demo]')."
        )
    else:
        cohort = write_cohort_files(out / "files", seed=seed)
        inputs[0] = _Input("genes", [cohort.genes])
        inputs += [
            _Input("intervals", [cohort.open_chromatin], source_id="thurman2012"),
            _Input("intervals", [cohort.promoter_capture]),
            _Input("genotypes", [cohort.genotypes]),
            _Input("annotations", [cohort.annotations]),
            _Input("covariates", [cohort.covariates]),
            _Input("cells", [cohort.cells]),
            _Input("sumstats", [cohort.sumstats], source_id=STUDY),
        ]
    what = "locus" if cohort is None else "cohort"
    say(f"An invented {what} (seed {seed}) is in {out / 'files'}.")
    return _Case(inputs, files.build, files.planted[0].rsid, files.planted, cohort)


def _real_case(
    evidence: tuple[Path, ...], variants: Path, genes: Path, build: str, lead: str
) -> _Case:
    inputs = [
        _Input("genes", [genes]),
        _Input("variants", [variants]),
        _Input("evidence", list(evidence)),
    ]
    return _Case(inputs, build, lead, [])


def _with_demo_database(settings: Settings, out: Path) -> Settings:
    """Return settings for a fresh database: ``--db`` if it was typed, else one inside ``out``.

    A demo never goes into the warehouse that VARHOUSE_DB or the default names.
    """
    source = click.get_current_context().get_parameter_source("db")
    if source is ParameterSource.COMMANDLINE:
        if settings.database.exists():
            raise UsageError(f"--db {settings.database}: exists; the demo makes a new warehouse.")
        return settings
    settings = dataclasses.replace(settings, database=out / _DATABASE)
    if settings.database.exists():
        # opening first tells whether another process is using the earlier demo
        with open_warehouse(settings):
            pass
        settings.database.unlink()
    return settings


def _run(settings: Settings, case: _Case, out: Path, say: _Say) -> None:
    show = Console()
    with open_warehouse(settings) as con:
        show.print(loads_table(_load(con, case, say)))
        say("Building and testing every model (-v lists them)")
        _build(settings, con, show, vars=RVAT_VARS if case.cohort else {})
        ranked = _rank_genes(con, case.lead, say)
        first = ranked[0]
        gene = first["gene_name"] or first["gene_id"]
        n_shown = min(_N_RANKED, len(ranked))
        show.print(
            ranking_table(
                f"Genes of {case.lead} ({first['variant_id']}), {n_shown} of {len(ranked)}",
                ranked[:n_shown],
            )
        )
        parts = explain(con, first["variant_id"], first["gene_id"]).table.to_pylist()
        show.print(
            explanation_table(
                f"Why {gene}: weight x score / {parts[0]['denominator']:.4g} for each source",
                parts,
            )
        )
        _judge_planted(con, case.planted, show)
        if importlib.util.find_spec("matplotlib"):
            for label, path in _save_figures(con, case, first["variant_id"], out):
                show.print(f"{label}: {path}", soft_wrap=True)
            show.print()
        else:
            say("No figures: matplotlib is missing (pip install 'varhouse[viz]').")
        questions = _questions(con, case, ranked)
        if case.cohort:
            questions = [*show_cohort(con, case.cohort, show), *questions]
    _print_next_steps(show, settings.database, questions)


def _load(con: duckdb.DuckDBPyConnection, case: _Case, say: _Say) -> list[LoadReport]:
    reports = []
    for entry in case.inputs:
        say(f"Loading {entry.kind}: {', '.join(path.name for path in entry.files)}")
        reports += load_files(
            con,
            entry.kind,
            entry.files,
            build=case.build if KINDS[entry.kind].needs_build else None,
            source_id=entry.source_id,
            format=None,
        )
    return reports


def _build(
    settings: Settings, con: duckdb.DuckDBPyConnection, show: Console, *, vars: dict[str, Any]
) -> None:
    project = project_of(settings, vars)
    # a line a model would bury what the demo is about; what fails is told anyhow
    quiet = settings.verbosity == 0 and not settings.log_json
    reporter = StderrReporter(dataclasses.replace(settings, verbosity=-1) if quiet else settings)
    outcome = run_project(
        project,
        con,
        command="build",
        threads=settings.threads,
        reporter=reporter,
        source_version=source_version,
        functions_version=functions_version(),
    )
    reporter.summary(outcome)
    if not outcome.ok:
        raise ModelError("the demo did not build; see the messages above.")
    counts = Counter(result.resource_type for result in outcome.results)
    listed = ", ".join(f"{n} {kind.replace('_', ' ')}s" for kind, n in sorted(counts.items()))
    show.print(f"Built and tested {settings.database}: {listed}.\n", soft_wrap=True)


def _rank_genes(con: duckdb.DuckDBPyConnection, lead: str, say: _Say) -> list[dict[str, Any]]:
    """Return the lead's ranked genes; of an rs number with several alleles, the first one's."""
    answer = genes_for_variant(con, lead)
    rows = answer.table.to_pylist()
    if not rows:
        raise DataError(" ".join(answer.notes))
    variant_ids = sorted({row["variant_id"] for row in rows})
    if len(variant_ids) > 1:
        say(f"{lead} has {len(variant_ids)} alleles ({', '.join(variant_ids)}); this is the first.")
    return [row for row in rows if row["variant_id"] == variant_ids[0]]


def _judge_planted(
    con: duckdb.DuckDBPyConnection, planted: Sequence[PlantedAnswer], show: Console
) -> None:
    """Show what was planted beside what was found.

    Raises
    ------
    ModelError
        A planted gene is not alone at rank 1.
    """
    if not planted:
        return
    found = []
    for answer in planted:
        rows = genes_for_variant(con, answer.variant_id).table.to_pylist()
        found.append((answer, [row for row in rows if row["rank"] == 1]))
    show.print(planted_table(found))
    lost = [
        f"{answer.rsid} ({answer.gene_name})"
        for answer, first in found
        if [row["gene_id"] for row in first] != [answer.gene_id]
    ]
    if lost:
        raise ModelError(
            f"planted answers not found: {', '.join(lost)}. Each was built to be rank 1 alone "
            "under the default profile; were models or vars of the project changed?"
        )


def _save_figures(
    con: duckdb.DuckDBPyConnection, case: _Case, variant_id: str, out: Path
) -> Iterator[tuple[str, Path]]:
    """Draw PNG files; yield what each shows, and its path."""
    # matplotlib is an extra and slow to import: not before a figure is wanted
    from varhouse.plot import locus, manhattan, v2g_heatmap
    from varhouse.plot.canvas import close, save

    figures: list[tuple[str, str, Callable[[], Axes]]] = [
        ("Gene x source heatmap", _HEATMAP, lambda: v2g_heatmap(con, variant_id, top=_N_RANKED))
    ]
    if case.cohort:
        figures += [
            ("GWAS", "demo_manhattan.png", lambda: manhattan(con, study=STUDY)),
            ("Its locus", "demo_locus.png", lambda: locus(con, variant_id, study=STUDY)),
        ]
    for label, name, draw in figures:
        axes = draw()
        save(axes, out / name)
        close(axes)
        yield label, out / name


def _questions(
    con: duckdb.DuckDBPyConnection, case: _Case, ranked: Sequence[dict[str, Any]]
) -> list[str]:
    """Return commands whose answers are worth seeing in this data set."""
    runner_up = ranked[min(1, len(ranked) - 1)]
    questions = [f"explain {case.lead} {runner_up['gene_name'] or runner_up['gene_id']}"]
    questions += [f"genes-for-variant {answer.rsid}" for answer in case.planted[1:]]
    excluded = con.execute(
        "select coalesce(gene_name, gene_id) from v2g_excluded_genes order by gene_id limit 1"
    ).fetchall()
    questions += [f"why-missing {case.lead} {gene}" for (gene,) in excluded]
    return [
        *questions,
        'sql "select code, source_id, n, message from v2g_warnings"',
        "build --vars '{v2g_fantom: neglog10_fdr}'",
        "docs",
    ]


def _print_next_steps(show: Console, database: Path, questions: Sequence[str]) -> None:
    show.print("Try next:")
    for question in questions:
        # one line each, so that it can be copied
        show.print(
            f"  varhouse {question} --db {shlex.quote(str(database))}",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
