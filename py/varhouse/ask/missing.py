"""Why a variant, or a variant's gene, has no score: every step on the way, checked in order."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import duckdb
import pyarrow as pa

from varhouse.ask.answers import Answer
from varhouse.ask.names import (
    Gene,
    canonical_id,
    find_gene,
    has_table,
    is_rsid,
    nearby_variants,
    query_column,
    query_rows,
    split_id,
)
from varhouse.errors import DataError

Verdict = Literal["ok", "none", "note", "problem", "answer"]
_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("variant_id", "check", "found", "verdict")],
)
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
_UNSCORED = "evidence without a score"
_ORIGINS = ("evidence slices", "QTL files", "VEP files", "interval files")


class _Finding(NamedTuple):
    check: str
    found: str
    verdict: Verdict


class _Profile(NamedTuple):
    """What the last build used; ``max_distance_bp`` is None where distance was off."""

    max_distance_bp: int | None
    tss: str


def why_missing(con: duckdb.DuckDBPyConnection, variant: str, gene: str | None = None) -> Answer:
    """Follow a variant from its name to its scores and say where it gets lost.

    Parameters
    ----------
    con
        An open warehouse, built or not.
    variant
        A variant id in any spelling or an rsID; every allele of an rsID is followed.
    gene
        Follow the link to this gene only: an id or a symbol.

    Returns
    -------
    Answer
        Columns ``variant_id``, ``check``, ``found`` and ``verdict`` (``ok``, ``none``: nothing
        there, ``note``: something is left out, ``problem``: the reason or one of them,
        ``answer``: the last row, the conclusion).
    """
    rows: list[tuple[str | None, _Finding]] = []
    wanted: Gene | None = None
    if gene is not None:
        try:
            wanted = find_gene(con, gene)
        except DataError as error:
            rows.append((None, _Finding("gene", str(error), "problem")))
            rows.append((None, _Finding("answer", "the gene cannot be scored", "answer")))
            return _answer(rows)
    finding, variant_ids = _identify(con, variant)
    if not variant_ids:
        rows.append((None, finding))
        rows.append((None, _Finding("answer", "the variant has no name to look for", "answer")))
    for variant_id in variant_ids:
        rows.append((variant_id, finding))
        rows.extend((variant_id, found) for found in _follow(con, variant_id, wanted))
    return _answer(rows)


def _answer(rows: list[tuple[str | None, _Finding]]) -> Answer:
    columns = zip(*((variant_id, *finding) for variant_id, finding in rows), strict=True)
    return Answer(pa.table([list(column) for column in columns], schema=_SCHEMA))


def _identify(con: duckdb.DuckDBPyConnection, variant: str) -> tuple[_Finding, list[str]]:
    if is_rsid(variant):
        ids = query_column(
            con,
            "select distinct variant_id from variant_names where rsid = ? order by variant_id",
            [variant.strip().lower()],
        )
        if ids:
            return _Finding("name", f"{variant} is {', '.join(ids)}", "ok"), ids
        return _Finding("name", f"no loaded variant has the rsID {variant}", "problem"), []
    key = canonical_id(con, variant)
    if key is None:
        found = f"{variant!r} is neither chrom_pos_ref_alt nor an rsID"
        return _Finding("name", found, "problem"), []
    return _Finding("name", f"{variant} is {key}", "ok"), [key]


def _follow(con: duckdb.DuckDBPyConnection, variant_id: str, gene: Gene | None) -> list[_Finding]:
    indexed = bool(
        query_rows(con, "select 1 from variant_universe where variant_id = ? limit 1", [variant_id])
    )
    findings = [
        _Finding("variant index", "listed", "ok")
        if indexed
        else _Finding("variant index", nearby_variants(con, variant_id), "problem")
    ]
    profile = _profile(con)
    candidates = _evidence(con, variant_id, gene, findings)
    candidates |= _distance(con, variant_id, gene, profile, findings)
    usable = _genes(con, candidates, findings)
    n_scores = None if profile is None else _scores(con, variant_id, gene, findings)
    conclusion = _conclude(con, variant_id, gene, indexed, candidates, usable, n_scores, findings)
    findings.append(_Finding("answer", conclusion, "answer"))
    return findings


def _profile(con: duckdb.DuckDBPyConnection) -> _Profile | None:
    if not (has_table(con, "v2g_profile") and has_table(con, "v2g_scores")):
        return None
    options = dict(query_rows(con, "select option, value from v2g_profile"))
    is_on = str(options.get("distance", "true")).lower() == "true"
    return _Profile(
        int(options["max_distance"]) if is_on else None, str(options.get("tss", "gene"))
    )


def _parameters(variant_id: str, gene: Gene | None) -> dict[str, Any]:
    key = split_id(variant_id)
    return {
        "variant_id": variant_id,
        "chrom": key.chrom,
        "pos": key.pos,
        "gene_id": None if gene is None else gene.gene_id,
    }


def _evidence(
    con: duckdb.DuckDBPyConnection, variant_id: str, gene: Gene | None, findings: list[_Finding]
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
        findings.append(_Finding(origin, found or "no row", "ok" if here else "none"))
    lost = {row[1]: row[4] for row in rows if row[4]}
    if lost:
        found = "; ".join(f"{source}: {n} rows without a number" for source, n in lost.items())
        findings.append(_Finding("dropped rows", found, "note"))
    weighted = (
        query_column(con, "select source_id from v2g_source_weights where weight > 0")
        if has_table(con, "v2g_source_weights")
        else []
    )
    unweighted = sorted({row[1] for row in rows} - set(weighted)) if weighted else []
    if unweighted:
        findings.append(
            _Finding("weights", f"no weight for {', '.join(unweighted)}", "note"),
        )
    return {gene_id for row in rows for gene_id in row[5] or []}


def _distance(
    con: duckdb.DuckDBPyConnection,
    variant_id: str,
    gene: Gene | None,
    profile: _Profile | None,
    findings: list[_Finding],
) -> set[str]:
    """Measure to the TSS of each gene; return the genes close enough to be scored."""
    canonical = profile is not None and profile.tss == "canonical_transcript"
    tss = "coalesce(canonical_tss_pos, tss_pos)" if canonical else "tss_pos"
    parameters = _parameters(variant_id, gene)
    del parameters["variant_id"]
    rows = query_rows(
        con,
        f"select gene_id, coalesce(gene_name, gene_id), abs($pos - {tss}) as distance_bp "
        "from genes where chrom = $chrom and ($gene_id is null or gene_id = $gene_id) "
        "order by distance_bp, gene_id",
        parameters,
    )
    if not rows:
        where = "on this chromosome" if gene is None else f"{gene.gene_id} is on chr{gene.chrom}"
        findings.append(_Finding("distance", f"no gene {where}" if gene is None else where, "none"))
        return set()
    nearest = f"nearest TSS: {rows[0][1]}, {rows[0][2]:,} bp away"
    if profile is None:
        findings.append(_Finding("distance", nearest, "ok"))
        return {rows[0][0]}
    if profile.max_distance_bp is None:
        findings.append(_Finding("distance", f"not used in this build; {nearest}", "none"))
        return set()
    close = {gene_id for gene_id, _, bp in rows if bp <= profile.max_distance_bp}
    found = f"{len(close)} genes within {profile.max_distance_bp:,} bp; {nearest}"
    findings.append(_Finding("distance", found, "ok" if close else "none"))
    return close


def _genes(
    con: duckdb.DuckDBPyConnection, candidates: set[str], findings: list[_Finding]
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
        findings.append(_Finding("unknown genes", found, verdict))
    for reason in sorted({row[2] for row in excluded}):
        named = [f"{row[0]} ({row[1]})" for row in excluded if row[2] == reason]
        found = f"{len(named)} {reason}: {_few(named)}"
        findings.append(_Finding("excluded genes", found, verdict))
    return usable


def _scores(
    con: duckdb.DuckDBPyConnection, variant_id: str, gene: Gene | None, findings: list[_Finding]
) -> int:
    gene_id = None if gene is None else gene.gene_id
    rows = query_rows(
        con,
        """
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
        """,
        {"variant_id": variant_id, "gene_id": gene_id},
    )
    found = "; ".join(f"{source}: {n} genes, best {best:.4g}" for source, n, best in rows)
    findings.append(_Finding("source scores", found or "none", "ok" if rows else "none"))
    zeros = query_rows(
        con,
        """
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
        """,
        {"variant_id": variant_id, "gene_id": gene_id},
    )
    if zeros:
        found = "; ".join(
            f"{source}: {n} rows{f' ({details})' if details else ''}"
            for source, n, details in zeros
        )
        findings.append(_Finding(_UNSCORED, found, "note"))
    top = query_rows(
        con,
        """
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
        """,
        {"variant_id": variant_id, "gene_id": gene_id},
    )
    if not top:
        findings.append(_Finding("scores", "none", "problem"))
        return 0
    name, score, rank, n_genes = top[0]
    found = f"{n_genes} genes; best {name}: score {score:.4g}, rank {rank}"
    findings.append(_Finding("scores", found, "ok"))
    return int(n_genes)


def _conclude(
    con: duckdb.DuckDBPyConnection,
    variant_id: str,
    gene: Gene | None,
    indexed: bool,
    candidates: set[str],
    usable: set[str],
    n_scores: int | None,
    findings: list[_Finding],
) -> str:
    link = variant_id if gene is None else f"{variant_id} to {gene.gene_name or gene.gene_id}"
    if n_scores is None:
        return "the models have not been built: run `varhouse build`"
    if n_scores:
        sources = query_rows(
            con,
            "select weights.source_id, weights.type_id from v2g_source_weights as weights "
            "semi join v2g_source_scores as source_scores "
            "on weights.source_id = source_scores.source_id and source_scores.variant_id = ? "
            "and (? is null or source_scores.gene_id = ?) order by weights.source_id",
            [variant_id, gene and gene.gene_id, gene and gene.gene_id],
        )
        if all(type_id == "distance" for _, type_id in sources):
            return (
                f"not missing: {link} has no evidence row that scores and is scored through its "
                "distance to the TSS alone"
            )
        return f"not missing: {link} is scored from {', '.join(row[0] for row in sources)}"
    if not indexed:
        return f"{variant_id} is not in the variant index, so nothing is computed for it"
    if any(finding.check == _UNSCORED for finding in findings):
        return f"{link} has evidence, but none that scores above zero or has a weight"
    if usable:
        return (
            f"{link} could be scored but is not in the last build: load or options changed since, "
            "or its scores were dropped; run `varhouse build`"
        )
    if candidates:
        return f"every gene that {link} points to is excluded or unknown"
    return f"nothing links {link}: no evidence row and no TSS close enough"


def _few(names: list[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
