"""The steps from a variant to its scores; each leaves a finding of what became of it there."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, NamedTuple

import duckdb

from varhouse.ask.names import Gene, has_table, query_column, query_rows, split_id
from varhouse.ask.profile import Profile, tss_column

Verdict = Literal["ok", "none", "note", "problem", "answer"]
# Every raw row that could link the variant to a gene, with the number that is scored.
_LINKS = """
with links as (
    select
        'evidence slices' as origin,
        type_id,
        source_id,
        feature,
        gene_id,
        case
            when type_id in ('eqtl', 'pqtl', 'sqtl') then qtl_pval
            when type_id = 'vep' then 1
            else interval_score
        end as value,
        type_id in ('eqtl', 'pqtl', 'sqtl') as is_qtl
    from raw.evidence
    -- distances are measured, whatever a slice says
    where variant_id = $variant_id and type_id <> 'distance'
    union all
    select 'QTL files', type_id, source_id, feature, gene_id, coalesce(neglog10_p, p_value), true
    from raw.qtl
    where variant_id = $variant_id
    union all
    select 'VEP files', 'vep', 'vep', null, gene_id, 1, false
    from raw.vep
    where variant_id = $variant_id
    union all
    select 'interval files', type_id, source_id, feature, gene_id, score, false
    from raw.intervals
    where chrom = $chrom and start_pos <= $end_pos and end_pos >= $pos
),

wanted_links as (
    select
        origin,
        if(is_qtl and $is_aliased, type_id, source_id) as source_id,
        coalesce(feature, 'unspecified') as feature,
        gene_id,
        coalesce(isnan(value), true) as has_no_value,
        coalesce(value = 0 and not is_qtl and not $keeps_zeros, false) as is_dropped_zero
    from links
    where $gene_id is null or gene_id = $gene_id
)
"""
# What a frozen reference has no cut points for is ranked nowhere.
_UNREFERENCED = """
select distinct
    wanted_links.source_id,
    wanted_links.feature
from wanted_links
anti join v2g_cut_points as cut_points
    on
        wanted_links.source_id = cut_points.source_id
        and wanted_links.feature = cut_points.feature
where
    wanted_links.source_id <> 'vep'
    and not wanted_links.has_no_value
    and not wanted_links.is_dropped_zero
    and list_contains($usable, wanted_links.gene_id)
order by all
"""
_SOURCE_SCORES = """
select
    source_scores.source_id,
    count(*) as n_genes,
    max(source_scores.score) as best_score,
    max(source_scores.weight) as weight
from v2g_source_scores as source_scores
where
    source_scores.variant_id = $variant_id
    and ($gene_id is null or source_scores.gene_id = $gene_id)
group by source_scores.source_id
order by source_scores.source_id
"""
# Evidence of a source for a gene that could be scored and that the source gives no score.
_UNSCORED_ROWS = """
select
    evidence.source_id,
    count(*) as n_rows,
    string_agg(distinct evidence.detail, ', ' order by evidence.detail) as details,
    any_value(weights.weight) is null as has_no_weight
from v2g_evidence as evidence
anti join v2g_source_scores as source_scores
    on
        evidence.variant_id = source_scores.variant_id
        and evidence.gene_id = source_scores.gene_id
        and evidence.source_id = source_scores.source_id
left join v2g_source_weights as weights
    on evidence.source_id = weights.source_id
where
    evidence.variant_id = $variant_id
    and list_contains($usable, evidence.gene_id)
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
NO_NUMBER = "dropped rows"
ALL_WEIGH_0 = "weights of 0"
NO_REFERENCE = "not in the quantile reference"
# before the first build: whatever rows there are
_ANY_PROFILE = Profile(
    None, "gene", keeps_zeros=True, spans_reference=False, is_aliased=False, is_referenced=False
)
_ORIGINS = ("evidence slices", "QTL files", "VEP files", "interval files")


class Finding(NamedTuple):
    """What a step found, and whether that keeps the variant from being scored."""

    check: str
    found: str
    verdict: Verdict


def _parameters(variant_id: str, gene: Gene | None) -> dict[str, Any]:
    key = split_id(variant_id)
    return {"chrom": key.chrom, "pos": key.pos, "gene_id": None if gene is None else gene.gene_id}


def _link_parameters(variant_id: str, gene: Gene | None, profile: Profile) -> dict[str, Any]:
    key = split_id(variant_id)
    return {
        **_parameters(variant_id, gene),
        "variant_id": variant_id,
        "end_pos": key.pos + (len(key.ref) - 1 if profile.spans_reference else 0),
        "is_aliased": profile.is_aliased,
        "keeps_zeros": profile.keeps_zeros,
    }


def check_evidence(
    con: duckdb.DuckDBPyConnection,
    variant_id: str,
    gene: Gene | None,
    profile: Profile | None,
    findings: list[Finding],
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
            count_if(has_no_value) as n_without_value,
            count_if(is_dropped_zero) as n_zeros,
            list(distinct gene_id) filter (not has_no_value and not is_dropped_zero) as gene_ids
        from wanted_links
        group by origin, source_id
        order by origin, source_id
        """,
        _link_parameters(variant_id, gene, profile or _ANY_PROFILE),
    ).fetchall()
    for origin in _ORIGINS:
        here = [row for row in rows if row[0] == origin]
        found = "; ".join(f"{row[1]}: {row[2]} rows, {row[3]} genes" for row in here)
        findings.append(Finding(origin, found or "no row", "ok" if here else "none"))
    lost: Counter[tuple[str, str]] = Counter()
    for _, source, _, _, n_without_value, n_zeros, _ in rows:
        lost[source, "without a number"] += n_without_value
        lost[source, "of 0, which this build drops"] += n_zeros
    if any(lost.values()):
        found = "; ".join(f"{source}: {n} rows {what}" for (source, what), n in lost.items() if n)
        findings.append(Finding(NO_NUMBER, found, "note"))
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
    return {gene_id for row in rows for gene_id in row[6] or []}


def check_distance(
    con: duckdb.DuckDBPyConnection,
    variant_id: str,
    gene: Gene | None,
    profile: Profile | None,
    findings: list[Finding],
) -> set[str]:
    """Measure to the TSS of each gene; return the genes close enough to be scored."""
    rows = query_rows(
        con,
        "select gene_id, coalesce(gene_name, gene_id), "
        f"abs($pos - {tss_column(profile)}) as distance_bp "
        "from genes where chrom = $chrom and ($gene_id is null or gene_id = $gene_id) "
        "order by distance_bp, gene_id",
        _parameters(variant_id, gene),
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
    con: duckdb.DuckDBPyConnection,
    variant_id: str,
    gene: Gene | None,
    profile: Profile,
    usable: set[str],
    findings: list[Finding],
) -> int:
    """Report the scores of the sources and the overall score; return how many genes have one."""
    parameters = {"variant_id": variant_id, "gene_id": None if gene is None else gene.gene_id}
    rows = query_rows(con, _SOURCE_SCORES, parameters)
    found = "; ".join(f"{source}: {n} genes, best {best:.4g}" for source, n, best, _ in rows)
    findings.append(Finding("source scores", found or "none", "ok" if rows else "none"))
    unscored = query_rows(con, _UNSCORED_ROWS, {"variant_id": variant_id, "usable": sorted(usable)})
    if unscored:
        found = "; ".join(
            f"{source}: {n} rows{f' ({details})' if details else ''}"
            + (", no weight" if no_weight else "")
            for source, n, details, no_weight in unscored
        )
        findings.append(Finding(UNSCORED, found, "note"))
    top = query_rows(con, _BEST_GENE, parameters)
    if not top:
        unreferenced = profile.is_referenced and query_rows(
            con,
            _LINKS + _UNREFERENCED,
            {**_link_parameters(variant_id, gene, profile), "usable": sorted(usable)},
        )
        if unreferenced:
            found = ", ".join(f"{source} in {feature}" for source, feature in unreferenced)
            findings.append(Finding(NO_REFERENCE, found, "problem"))
        if rows and not any(weight for *_, weight in rows):
            found = ", ".join(source for source, *_ in rows)
            findings.append(Finding(ALL_WEIGH_0, found, "problem"))
        findings.append(Finding("scores", "none", "problem"))
        return 0
    name, score, rank, n_genes = top[0]
    found = f"{n_genes} genes; best {name}: score {score:.4g}, rank {rank}"
    findings.append(Finding("scores", found, "ok"))
    return int(n_genes)


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
