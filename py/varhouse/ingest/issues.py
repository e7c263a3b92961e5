"""Rejected and doubtful rows of a file: judged, counted by reason, refused when too many."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.builds import chromosome_end_sql, other_build
from varhouse.ingest.codes import EXPECTED_CODES, READABLE_CODES
from varhouse.ingest.format import Format, Issue, LoadOptions
from varhouse.sql_text import quoted_name, text_literal

_OTHER_BUILD = "position_of_other_build"
_MANY = 10


def judge(con: duckdb.DuckDBPyConnection, layout: Format, options: LoadOptions) -> None:
    """Add what every format has in common to the rejects: contigs, chromosome ends, empty keys."""
    schema, table = layout.table.split(".")
    required = {
        row[0]
        for row in con.execute(
            "select column_name from duckdb_columns() "
            "where schema_name = ? and table_name = ? and not is_nullable",
            [schema, table],
        ).fetchall()
    } - {"load_id"}
    columns = [row[0] for row in con.execute("describe incoming").fetchall()]
    cases = []
    if "chrom" in required:
        cases.append("when chrom is null then 'unknown_contig'")
    cases += [
        f"when {quoted_name(name)} is null then '{name}_missing'"
        for name in columns
        if name in required and name != "chrom"
    ]
    starts = [name for name in ("pos", "start_pos") if name in columns]
    ends = [name for name in ("pos", "end_pos") if name in columns]
    cases += [f"when {name} < 1 then 'position_below_one'" for name in starts]
    if options.build and "chrom" in columns:
        length = chromosome_end_sql("chrom", options.build)
        elsewhere = chromosome_end_sql("chrom", other_build(options.build))
        cases += [
            f"when {name} > {length} then case when {name} <= {elsewhere} "
            f"then '{_OTHER_BUILD}' else 'beyond_chromosome_end' end"
            for name in ends
        ]
    verdict = f"coalesce(reject, case {' '.join(cases)} end)" if cases else "reject"
    con.execute(
        "create or replace temp view incoming_judged as "
        f"select * replace ({verdict} as reject) from incoming"
    )


def refuse_other_build(path: str, options: LoadOptions, issues: Sequence[Issue]) -> None:
    """Raise when the positions are those of the build that was not said.

    Raises
    ------
    DataError
        At least `_MANY` positions lie beyond the ends of chromosomes, and most of them in the
        narrow room between the ends of the two builds, where chance does not put them.
    """
    counts = {issue.code: issue for issue in issues}
    beyond = counts.get(_OTHER_BUILD)
    stray = counts.get("beyond_chromosome_end")
    if options.build and beyond and beyond.n >= _MANY and beyond.n > (stray.n if stray else 0):
        other = other_build(options.build)
        raise DataError(
            f"{path}: {beyond.n} positions lie beyond the ends of the chromosomes of "
            f"{options.build} but within those of {other} (the first in line {beyond.line}: "
            f"{beyond.example}). The file seems to be on {other}: give --build {other}."
        )


# Columns that make an example of a bad row; none of them says anything about a person.
_EXAMPLE_COLUMNS = (
    "variant_id", "chrom", "pos", "start_pos", "end_pos", "gene_id", "gene_name",
    "transcript_id", "type_id", "source_id", "feature", "qtl_pval", "p_value", "interval_score",
    "score", "weight", "study_id", "lead_variant_id", "tag_variant_id", "posterior", "r2",
)  # fmt: skip


def count_incoming(con: duckdb.DuckDBPyConnection) -> tuple[int, list[Issue]]:
    """Return how many rows were read, and what is wrong with some, a code and an example each."""
    columns = {row[0] for row in con.execute("describe incoming").fetchall()}
    parts = ", ".join(
        f"{text_literal(name + '=')} || cast({name} as varchar)"
        for name in _EXAMPLE_COLUMNS
        if name in columns
    )
    example = f"concat_ws(', ', {parts})" if parts else "null"
    rows = con.execute(f"""
        select
            reject,
            case when reject is null then note end as note,
            count(*) as n,
            min(line) as line,
            arg_min(case when reject is not null or note is not null then {example} end, line)
                as example
        from incoming_judged
        group by all
        order by all
    """).fetchall()
    n_read = sum(row[2] for row in rows)
    issues = [
        Issue(line=line, code=reject or note, n=n, example=sample, is_reject=reject is not None)
        for reject, note, n, line, sample in rows
        if reject or note
    ]
    extra = con.execute(
        "select line, code, message, n, example from incoming_issues order by all"
    ).fetchall()
    issues += [
        Issue(line=line, code=code, message=message or "", n=n, example=sample, is_reject=False)
        for line, code, message, n, sample in extra
    ]
    return n_read, issues


def refuse(
    path: str, kind: str, options: LoadOptions, n_read: int, issues: Sequence[Issue]
) -> None:
    """Raise when nothing of the file is left, or when ``--strict`` meets anything doubtful."""
    if n_read == 0:
        raise DataError(f"{path}: the file is empty (no rows of {kind}).")
    doubtful = [issue for issue in issues if issue.code not in EXPECTED_CODES]
    rejects = [issue for issue in issues if issue.is_reject]
    is_all_rejected = sum(issue.n for issue in rejects) == n_read
    if doubtful and is_all_rejected and READABLE_CODES.isdisjoint(each.code for each in rejects):
        raise DataError(
            f"{path}: none of its {n_read} rows of {kind} can be taken.\n{_listed(rejects)}"
        )
    if doubtful and options.strict:
        raise DataError(f"{path}: refused by --strict.\n{_listed(doubtful)}")


def _listed(issues: Sequence[Issue]) -> str:
    return "\n".join(
        f"  {issue.code}: {issue.message} ({issue.n} rows"
        + (f", first in line {issue.line}" if issue.line is not None else "")
        + (f": {issue.example}" if issue.example else "")
        + ")"
        for issue in issues
    )
