"""Commands that ask the warehouse: SQL, ranked genes, explanations, evaluation."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import duckdb
import pyarrow as pa

from varhouse import ask
from varhouse.cli import common_options, options, tell
from varhouse.errors import DataError, UsageError
from varhouse.file_formats import FORMATS, Format, choose_format
from varhouse.output import as_rich, as_text, fits, write_file
from varhouse.rows import fetched
from varhouse.settings import Settings
from varhouse.warehouse import build_hint, open_warehouse

_ABSENT_TABLE = re.compile(r"Table with name (\w+) does not exist")
_READING = (
    duckdb.StatementType.SELECT,
    duckdb.StatementType.EXPLAIN,
    duckdb.StatementType.PRAGMA,
    duckdb.StatementType.CALL,
)


# The command gets form, out and limit.
output_options = options(
    click.option(
        "--format", "form", type=click.Choice(FORMATS),
        help="How to write the rows. [table, or what the name of --out tells]",
    ),
    click.option(
        "--out", type=click.Path(dir_okay=False, path_type=Path),
        help="Write to this file instead of stdout.",
    ),
    click.option("--limit", type=click.IntRange(min=1), help="The first rows only."),
)  # fmt: skip


@click.command("sql")
@click.argument("query")
@common_options
@output_options
def sql_command(
    settings: Settings, query: str, form: Format | None, out: Path | None, limit: int | None
) -> None:
    """Run one read-only SQL statement and print its rows.

    \b
    varhouse sql "select * from v2g_scores where rank = 1 limit 10"
    varhouse sql "from genes_for_variant('rs1421085')" --format csv
    """
    chosen = choose_format(form, out)
    statement = _one_reading_statement(query)
    with open_warehouse(settings, read_only=True) as con:
        try:
            table = fetched(con.sql(statement))
        except duckdb.OutOfMemoryException:
            # what to do about it is said for all commands in one place
            raise
        except duckdb.Error as error:
            absent = _ABSENT_TABLE.search(str(error))
            hint = f"\n{build_hint(absent[1])}" if absent else ""
            raise DataError(f"sql: {error}{hint}") from error
    _show(table, chosen, out, limit)


@click.command("genes-for-variant")
@click.argument("variant")
@common_options
@output_options
def genes_for_variant_command(settings: Settings, variant: str, **output: Any) -> None:
    """Rank the genes of VARIANT: chrom_pos_ref_alt or an rsID, which means all its alleles."""
    _ask(settings, lambda con: ask.genes_for_variant(con, variant), **output)


@click.command("variants-for-gene")
@click.argument("gene")
@common_options
@output_options
def variants_for_gene_command(settings: Settings, gene: str, **output: Any) -> None:
    """List the variants that point to GENE, an Ensembl id or a symbol, best score first."""
    _ask(settings, lambda con: ask.variants_for_gene(con, gene), **output)


@click.command("explain")
@click.argument("names", nargs=-1, required=True, metavar="[VARIANT] GENE")
@click.option("--cell-type", metavar="C", help="Of GENE alone: only this cell type. [all tested]")
@common_options
@output_options
def explain_command(
    settings: Settings, names: tuple[str, ...], cell_type: str | None, **output: Any
) -> None:
    """Take a result apart.

    VARIANT GENE: the V2G score, source by source. contribution = weight x score / denominator;
    the contributions add up to the overall score.

    GENE: its rare-variant tests. One row for each genotyped variant in the window of the gene:
    weights, carriers, consequence and a test of its own, or why it is left out.
    """
    if len(names) > 2 or (len(names) == 2 and cell_type is not None):
        given = " ".join(names) + ("" if cell_type is None else f" --cell-type {cell_type}")
        raise UsageError(
            f"explain: found {given}; wanted a variant and a gene (varhouse explain rs1421085 FTO) "
            "or a gene (varhouse explain FTO --cell-type C)."
        )
    if len(names) == 1:
        _ask(settings, lambda con: ask.explain_gene(con, names[0], cell_type), **output)
    else:
        _ask(settings, lambda con: ask.explain(con, *names), **output)


@click.command("why-missing")
@click.argument("variant")
@click.argument("gene", required=False)
@common_options
@output_options
def why_missing_command(settings: Settings, variant: str, gene: str | None, **output: Any) -> None:
    """Say at which step VARIANT (or its link to GENE) drops out of the scores."""
    _ask(settings, lambda con: ask.why_missing(con, variant, gene), **output)


@click.command("evaluate")
@click.argument("gold", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--summary", "only_summary", is_flag=True, help="The summary instead of the rows.")
@common_options
@output_options
def evaluate_command(
    settings: Settings,
    gold: Path,
    only_summary: bool,
    form: Format | None,
    out: Path | None,
    limit: int | None,
) -> None:
    """Rank the known effector genes of GOLD, a TSV or CSV, and compare with the nearest gene.

    GOLD has a header with variant_id or rsid, and gene_id or gene_name. The rows are the result
    and the summary follows them in a table; in the other formats it goes to stderr, or is the
    result with --summary.
    """
    chosen = choose_format(form, out)
    with open_warehouse(settings, read_only=True) as con:
        found = ask.evaluate(con, gold)
    if only_summary:
        _show(found.summary, chosen, out, limit)
        return
    _show(found.rows, chosen, out, limit)
    if chosen == "table" and out is None:
        click.echo()
        _show(found.summary, "table", None, None)
    else:
        tell(settings, as_text(found.summary, "table").rstrip())


@click.command("freeze")
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the reference to this parquet file, too.",
)
@click.option(
    "--from",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the cut points from a file that --out wrote instead of the last build.",
)
@common_options
def freeze_command(settings: Settings, name: str, out: Path | None, file: Path | None) -> None:
    """Keep the cut points of the last build as the quantile reference NAME.

    varhouse build --vars '{v2g_reference: NAME}' then scores against it, so that scores do not
    depend on which other variants are loaded.
    """
    if out is not None and file is not None:
        raise UsageError("freeze: --out and --from exclude each other; wanted one of them.")
    with open_warehouse(settings, must_exist=True) as con:
        if file is not None:
            n_rows = ask.import_reference(con, name, file)
        else:
            n_rows = ask.freeze_reference(con, name, out=out)
    tell(
        settings,
        f"{name}: {n_rows} cut points stored. Score against them with "
        f"varhouse build --vars '{{v2g_reference: {name}}}'.",
    )


def _one_reading_statement(query: str) -> duckdb.Statement:
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise UsageError(f"sql: {error}") from error
    if len(statements) != 1:
        raise UsageError(f"sql: found {len(statements)} statements; wanted one.")
    kind = statements[0].type
    if kind not in _READING:
        raise UsageError(
            f"sql: found a statement that is not a query ({kind}); the warehouse is opened "
            "read-only. Change it with varhouse load and varhouse build, write files with --out."
        )
    return statements[0]


def _ask(
    settings: Settings,
    question: Callable[[duckdb.DuckDBPyConnection], ask.Answer],
    form: Format | None,
    out: Path | None,
    limit: int | None,
) -> None:
    chosen = choose_format(form, out)
    with open_warehouse(settings, read_only=True) as con:
        answer = question(con)
    show_answer(settings, answer, chosen, out, limit)


def show_answer(
    settings: Settings, answer: ask.Answer, form: Format, out: Path | None, limit: int | None
) -> None:
    """Print the rows, or write them to ``out``; the notes go to stderr."""
    _show(answer.table, form, out, limit)
    for note in answer.notes:
        tell(settings, note)


def _show(table: pa.Table, form: Format, out: Path | None, limit: int | None) -> None:
    shown = table if limit is None else table.slice(0, limit)
    if out is not None:
        write_file(shown, out, form)
        return
    if form == "table" and sys.stdout.isatty():
        from rich.console import Console

        console = Console()
        if fits(shown, console.width):
            console.print(as_rich(shown))
            return
    click.echo(as_text(shown, form), nl=False)
