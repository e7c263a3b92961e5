"""The steps from a variant to its scores; each leaves a finding of what became of it there."""

from __future__ import annotations

from typing import Literal, NamedTuple

import duckdb

from varhouse.ask.names import Gene, has_table, query_column, query_rows, split_id
from varhouse.ask.profile import Profile, tss_column

Verdict = Literal["ok", "none", "note", "problem", "answer"]
# Every raw row that could link the variant to a gene, with the number that is scored.
_LINKS = """
with links as (
    select
        'evidence slices' as origin,
        source_id,
        gene_id,
        case
            when type_id in ('eqtl', 'pqtl', 'sqtl') then qtl_pval
            when type_id = 'vep' then 1
            else interval_score
        end as value
    from raw.evidence
    where variant_id = $variant_id
    union all
    select 'QTL files', source_id, gene_id, coalesce(neglog10_p, p_value)
    from raw.qtl
    where variant_id = $variant_id
    union all
    select 'VEP files', 'vep', gene_id, 1
    from raw.vep
    where variant_id = $variant_id
    union all
    select 'interval files', source_id, gene_id, score
    from raw.intervals
    where chrom = $chrom and start_pos <= $pos and end_pos >= $pos
),

wanted_links as (
    select * from links where $gene_id is null or gene_id = $gene_id
)
"""
_SOURCE_SCORES = """
select
    source_scores.source_id,
    count(*) as n_genes,
    max(source_scores.score) as best_score
from v2g_source_scores as source_scores
where
    source_scores.variant_id = $variant_id
    and ($gene_id is null or source_scores.gene_id = $gene_id)
group by source_scores.source_id
order by source_scores.source_id
"""
# Evidence of a source for a gene that the source gives no score.
_UNSCORED_ROWS = """
select
    evidence.source_id,
    count(*) as n_rows,
    string_agg(distinct evidence.detail, ', ' order by evidence.detail) as details
from v2g_evidence as evidence
anti join v2g_source_scores as source_scores
    on
        evidence.variant_id = source_scores.variant_id
        and evidence.gene_id = source_scores.gene_id
        and evidence.source_id = source_scores.source_id
where
    evidence.variant_id = $variant_id
    and ($gene_id is null or evidence.gene_id = $gene_id)
group by evidence.source_id
order by evidence.source_id
"""
_BEST_GENE = """
select
    coalesce(genes.gene_name, scores.gene_id),
    scores.overall_score,
    scores.rank,
    count(*) over () as n_genes
from v2g_scores as scores
left join genes on scores.gene_id = genes.gene_id
where
    scores.variant_id = $variant_id
    and ($gene_id is null or scores.gene_id = $gene_id)
order by scores.rank, scores.gene_id
limit 1
"""
UNSCORED = "evidence without a score"
_ORIGINS = ("evidence slices", "QTL files", "VEP files", "interval files")


class Finding(NamedTuple):
    """What a step found, and whether that keeps the variant from being scored."""

    check: str
    found: str
    verdict: Verdict


def _parameters(variant_id: str, gene: Gene | None) -> dict[str, str | int | None]:
    key = split_id(variant_id)
    return {
        "variant_id": variant_id,
        "chrom": key.chrom,
        "pos": key.pos,
        "gene_id": None if gene is None else gene.gene_id,
    }


def check_evidence(
    con: duckdb.DuckDBPyConnection, variant_id: str, gene: Gene | None, findings: list[Finding]
) -> set[str]:
    """Count the raw rows of each kind of file; return the genes of those that can be scored."""
    rows = con.execute(
        _LINKS
        + """
        select
            origin,
            source_id,
            count(*) as n_rows,
            count(distinct gene_id) as n_genes,
            count(*) filter (value is null or isnan(value)) as n_without_value,
            list(distinct gene_id) filter (not isnan(value)) as gene_ids
        from wanted_links
        group by origin, source_id
        order by origin, source_id
        """,
        _parameters(variant_id, gene),
    ).fetchall()
    for origin in _ORIGINS:
        here = [row for row in rows if row[0] == origin]
        found = "; ".join(f"{row[1]}: {row[2]} rows, {row[3]} genes" for row in here)
        findings.append(Finding(origin, found or "no row", "ok" if here else "none"))
    lost = {row[1]: row[4] for row in rows if row[4]}
    if lost:
        found = "; ".join(f"{source}: {n} rows without a number" for source, n in lost.items())
        findings.append(Finding("dropped rows", found, "note"))
    weighted = (
        query_column(con, "select source_id from v2g_source_weights where weight > 0")
        if has_table(con, "v2g_source_weights")
        else []
    )
    unweighted = sorted({row[1] for row in rows} - set(weighted)) if weighted else []
    if unweighted:
        findings.append(
            Finding("weights", f"no weight for {', '.join(unweighted)}", "note"),
        )
    return {gene_id for row in rows for gene_id in row[5] or []}


def check_distance(
    con: duckdb.DuckDBPyConnection,
    variant_id: str,
    gene: Gene | None,
    profile: Profile | None,
    findings: list[Finding],
) -> set[str]:
    """Measure to the TSS of each gene; return the genes close enough to be scored."""
    parameters = _parameters(variant_id, gene)
    del parameters["variant_id"]
    rows = query_rows(
        con,
        "select gene_id, coalesce(gene_name, gene_id), "
        f"abs($pos - {tss_column(profile)}) as distance_bp "
        "from genes where chrom = $chrom and ($gene_id is null or gene_id = $gene_id) "
        "order by distance_bp, gene_id",
        parameters,
    )
    if not rows:
        found = (
            "no gene on this chromosome"
            if gene is None
            else f"{gene.gene_id} is on chr{gene.chrom}"
        )
        findings.append(Finding("distance", found, "none"))
        return set()
    nearest = f"nearest TSS: {rows[0][1]}, {rows[0][2]:,} bp away"
    if profile is None:
        findings.append(Finding("distance", nearest, "ok"))
        return {rows[0][0]}
    if profile.max_distance_bp is None:
        findings.append(Finding("distance", f"not used in this build; {nearest}", "none"))
        return set()
    close = {gene_id for gene_id, _, bp in rows if bp <= profile.max_distance_bp}
    found = f"{len(close)} genes within {profile.max_distance_bp:,} bp; {nearest}"
    findings.append(Finding("distance", found, "ok" if close else "none"))
    return close


def check_genes(
    con: duckdb.DuckDBPyConnection, candidates: set[str], findings: list[Finding]
) -> set[str]:
    """Report candidate genes that cannot be scored; return the others."""
    if not candidates:
        return set()
    wanted = sorted(candidates)
    known = set(
        query_column(con, "select gene_id from genes where list_contains(?, gene_id)", [wanted])
    )
    unknown = sorted(candidates - known)
    excluded = (
        query_rows(
            con,
            "select gene_id, biotype, reason from v2g_excluded_genes "
            "where list_contains(?, gene_id) order by gene_id",
            [wanted],
        )
        if has_table(con, "v2g_excluded_genes")
        else []
    )
    usable = known - {row[0] for row in excluded}
    verdict: Verdict = "note" if usable else "problem"
    if unknown:
        found = f"{len(unknown)} not in the gene index: {_few(unknown)}"
        findings.append(Finding("unknown genes", found, verdict))
    for reason in sorted({row[2] for row in excluded}):
        named = [f"{row[0]} ({row[1]})" for row in excluded if row[2] == reason]
        found = f"{len(named)} {reason}: {_few(named)}"
        findings.append(Finding("excluded genes", found, verdict))
    return usable


def check_scores(
    con: duckdb.DuckDBPyConnection, variant_id: str, gene: Gene | None, findings: list[Finding]
) -> int:
    """Report the scores of the sources and the overall score; return how many genes have one."""
    parameters = {"variant_id": variant_id, "gene_id": None if gene is None else gene.gene_id}
    rows = query_rows(con, _SOURCE_SCORES, parameters)
    found = "; ".join(f"{source}: {n} genes, best {best:.4g}" for source, n, best in rows)
    findings.append(Finding("source scores", found or "none", "ok" if rows else "none"))
    zeros = query_rows(con, _UNSCORED_ROWS, parameters)
    if zeros:
        found = "; ".join(
            f"{source}: {n} rows{f' ({details})' if details else ''}"
            for source, n, details in zeros
        )
        findings.append(Finding(UNSCORED, found, "note"))
    top = query_rows(con, _BEST_GENE, parameters)
    if not top:
        findings.append(Finding("scores", "none", "problem"))
        return 0
    name, score, rank, n_genes = top[0]
    found = f"{n_genes} genes; best {name}: score {score:.4g}, rank {rank}"
    findings.append(Finding("scores", found, "ok"))
    return int(n_genes)


def _few(names: list[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
