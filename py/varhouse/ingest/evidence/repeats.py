"""Evidence that comes in two files: kept, as quantiles count rows, but not in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from varhouse.ingest.keys import one_of_sql
from varhouse.sql_text import text_literal

if TYPE_CHECKING:
    import duckdb

QTL_TYPES = ("eqtl", "pqtl", "sqtl")

EVIDENCE_SCORE = (
    f"case when {one_of_sql('type_id', QTL_TYPES)} then qtl_pval else interval_score end"
)
"""What a row of ``raw.evidence`` is ranked by; its other numbers are 0."""

_LABELS = ("variant_id", "gene_id", "source_id", "feature")


def report_loaded_before(
    con: duckdb.DuckDBPyConnection, score: str, *, or_otherwise: bool = False
) -> None:
    """Count the good rows of ``incoming`` that an earlier load brought, as a slice or as QTL.

    Such rows agree in variant, gene, source, feature and score; with ``or_otherwise`` those that
    differ in the score only are counted, too, by a code of their own. Rows of one file are not
    compared with each other: a file's own repeats are in the quantiles of the published scores,
    too. Consequences and intervals as records are left out: the models take the highest of them,
    so that one more changes nothing.

    Parameters
    ----------
    con
        Where.
    score
        What the rows are ranked by, in terms of the columns of ``incoming``.
    """
    # With nothing to compare with, a staged file is not read once more.
    if not con.execute("""
        select exists(select 1 from raw.evidence where type_id <> 'vep')
        or exists(select 1 from raw.qtl)
    """).fetchall()[0][0]:
        return
    same = " and ".join(
        f"incoming.{name} is not distinct from stored.{name}"
        if name == "feature"
        else f"incoming.{name} = stored.{name}"
        for name in ("chrom", "pos", *_LABELS, *(() if or_otherwise else ("score",)))
    )
    example = ", ".join(f"{text_literal(name + '=')} || incoming.{name}" for name in _LABELS)
    con.execute(f"""
        insert into incoming_issues
        with stored as (
            select chrom, pos, {", ".join(_LABELS)}, {EVIDENCE_SCORE} as score, load_id
            from raw.evidence
            where type_id <> 'vep'
            union all
            select chrom, pos, {", ".join(_LABELS)}, p_value as score, load_id
            from raw.qtl
        ),

        good as (
            select line, chrom, pos, {", ".join(_LABELS)}, {score} as score
            from incoming
            where reject is null and type_id <> 'vep'
        ),

        repeated as (
            select
                incoming.line,
                bool_or(incoming.score = stored.score) as is_same,
                coalesce(
                    min(stored.load_id) filter (incoming.score = stored.score),
                    min(stored.load_id)
                ) as load_id,
                any_value(concat_ws(', ', {example})) as example
            from good as incoming
            inner join stored on {same}
            group by incoming.line
        ),

        final as (
            select
                is_same,
                min(line) as line,
                count(*) as n,
                arg_min(example, line) as example,
                arg_min(load_id, line) as load_id
            from repeated
            group by is_same
        )

        select
            final.line,
            case when is_same then 'loaded_before' else 'loaded_otherwise' end,
            'load ' || final.load_id || coalesce(' (' || load_manifest.file || ')', '')
            || case
                when is_same then ' brought the same row: variant, gene, source, feature and '
                || 'score; kept, and counts once more in the quantiles. To count it once, load one '
                || 'of the two files only, into a new --db'
                else ' brought the row with another p-value: same variant, gene, source and '
                || 'feature; both are kept and ranked as one. Of two tissues or studies? Load them '
                || 'into a new --db, each with its --feature or --source'
            end,
            final.n,
            final.example
        from final
        left join load_manifest
            on final.load_id = load_manifest.load_id
    """)
