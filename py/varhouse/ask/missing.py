"""Why a variant, or a variant's gene, has no score: every step on the way, checked in order."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from varhouse.ask.answers import Answer
from varhouse.ask.missing_steps import (
    ALL_WEIGH_0,
    NO_NUMBER,
    NO_REFERENCE,
    UNSCORED,
    Finding,
    check_distance,
    check_evidence,
    check_genes,
    check_scores,
)
from varhouse.ask.names import (
    Gene,
    alleles_of,
    canonical_id,
    find_gene,
    is_rsid,
    nearby_variants,
    query_rows,
)
from varhouse.ask.profile import read_profile
from varhouse.errors import DataError

_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("variant_id", "check", "found", "verdict")],
)


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
    rows: list[tuple[str | None, Finding]] = []
    wanted: Gene | None = None
    if gene is not None:
        try:
            wanted = find_gene(con, gene)
        except DataError as error:
            rows.append((None, Finding("gene", str(error), "problem")))
            rows.append((None, Finding("answer", "the gene cannot be scored", "answer")))
            return _answer(rows)
    finding, variant_ids = _identify(con, variant)
    if not variant_ids:
        rows.append((None, finding))
        rows.append((None, Finding("answer", "the variant has no name to look for", "answer")))
    for variant_id in variant_ids:
        rows.append((variant_id, finding))
        rows.extend((variant_id, found) for found in _follow(con, variant_id, wanted))
    return _answer(rows)


def _answer(rows: list[tuple[str | None, Finding]]) -> Answer:
    columns = zip(*((variant_id, *finding) for variant_id, finding in rows), strict=True)
    return Answer(pa.table([list(column) for column in columns], schema=_SCHEMA))


def _identify(con: duckdb.DuckDBPyConnection, variant: str) -> tuple[Finding, list[str]]:
    if is_rsid(variant):
        if ids := alleles_of(con, variant):
            return Finding("name", f"{variant} is {', '.join(ids)}", "ok"), ids
        return Finding("name", f"no loaded variant has the rsID {variant}", "problem"), []
    key = canonical_id(con, variant)
    if key is None:
        found = f"{variant!r} is neither chrom_pos_ref_alt nor an rsID"
        return Finding("name", found, "problem"), []
    return Finding("name", f"{variant} is {key}", "ok"), [key]


def _follow(con: duckdb.DuckDBPyConnection, variant_id: str, gene: Gene | None) -> list[Finding]:
    indexed = bool(
        query_rows(con, "select 1 from variant_universe where variant_id = ? limit 1", [variant_id])
    )
    findings = [
        Finding("variant index", "listed", "ok")
        if indexed
        else Finding("variant index", nearby_variants(con, variant_id), "problem")
    ]
    profile = read_profile(con)
    candidates = check_evidence(con, variant_id, gene, profile, findings)
    candidates |= check_distance(con, variant_id, gene, profile, findings)
    usable = check_genes(con, candidates, findings)
    n_scores = (
        None if profile is None else check_scores(con, variant_id, gene, profile, usable, findings)
    )
    conclusion = _conclude(con, variant_id, gene, indexed, candidates, usable, n_scores, findings)
    findings.append(Finding("answer", conclusion, "answer"))
    return findings


def _conclude(
    con: duckdb.DuckDBPyConnection,
    variant_id: str,
    gene: Gene | None,
    indexed: bool,
    candidates: set[str],
    usable: set[str],
    n_scores: int | None,
    findings: list[Finding],
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
    checks = {finding.check: finding.found for finding in findings}
    if ALL_WEIGH_0 in checks:
        return f"{link} is scored from sources that weigh 0 only: {checks[ALL_WEIGH_0]}"
    if UNSCORED in checks:
        return f"{link} has evidence, but none that scores above zero: {checks[UNSCORED]}"
    if NO_REFERENCE in checks:
        return (
            f"{link} has evidence that the quantile reference of this build does not know: "
            f"{checks[NO_REFERENCE]}"
        )
    if usable:
        return (
            f"{link} could be scored but is not in the last build: load or options changed since, "
            "or its scores were dropped; run `varhouse build`"
        )
    if candidates:
        return f"every gene that {link} points to is excluded or unknown"
    if NO_NUMBER in checks:
        return f"{link} has evidence, but none with a number to score: {checks[NO_NUMBER]}"
    return f"nothing links {link}: no evidence row and no TSS close enough"
