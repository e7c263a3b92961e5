"""What the header of summary statistics has to say, and what it may not leave open."""

from __future__ import annotations

import re

from varhouse.errors import DataError
from varhouse.ingest.format import SourceFile
from varhouse.ingest.reading import shown_names
from varhouse.ingest.records import column_names
from varhouse.ingest.sumstats.layouts import PLACES, STRENGTHS, Layout

_OF_ALLELES = re.compile("(?!minor|major|ancestral|derived)[a-z_.]*allele[_.]?[012ab]?|a0|refa")
"""Columns that name alleles and that tools disagree on."""

# Columns that no other file has together, what wrote them, and why its rows cannot be read.
_REFUSED = (
    (
        {"effect", "lci_effect", "uci_effect"},
        "regenie's --htp: Effect is an odds ratio in some files and a beta in others. Run regenie "
        "without --htp, or call the column odds_ratio (LCI_Effect ci_lower, UCI_Effect ci_upper) "
        "or beta.",
    ),
    (
        {"nmiss", "beta", "r2", "t"},
        "PLINK's .qassoc, which does not name the allele that BETA is of. Run --linear in place of "
        "--assoc.",
    ),
    (
        {"p(r)", "q", "i"},
        "PLINK's .meta: N is a number of studies, and effects are of a fixed and a random model. "
        "Keep the columns of one model: chrom, pos, effect_allele, other_allele, odds_ratio, "
        "p_value.",
    ),
    (
        {"mtag_beta", "mtag_z", "z"},
        "MTAG's, where Z is of the trait alone. Call mtag_beta beta, mtag_se se and mtag_pval "
        "p_value, and drop Z.",
    ),
    (
        {"gene", "t-stat"},
        "Matrix eQTL's, which does not name the allele that beta is of. Add effect_allele, and "
        "call the columns variant_id, gene_id, beta, z and p_value.",
    ),
)


def names_both_alleles(found: frozenset[str]) -> bool:
    """Whether the header may tell both alleles of a variant."""
    return "variant" in found or "other" in found or {"ref", "alt"} <= found


def require_header(
    layout: Layout, source: SourceFile, found: frozenset[str], *, has_index: bool
) -> None:
    """Refuse a file whose header leaves open what its rows are.

    Raises
    ------
    DataError
        It lacks the variant, its effect allele or the p-value, or is of a tool whose rows do not
        say what they mean.
    """
    header = set(column_names(source))
    for columns, told in _REFUSED:
        if header >= columns:
            raise DataError(f"{source.path}: looks like {told}")
    for sets in (STRENGTHS, PLACES):
        known = [names for names in sets if all(name in layout.columns for name in names)]
        if not any(found.issuperset(names) for names in known):
            wanted = ", or ".join(
                " and ".join("/".join(layout.columns[name]) for name in names) for names in known
            )
            raise DataError(
                f"{source.path}: no column for {wanted}. "
                f"Columns found: {shown_names(source.columns)}. "
                "Rename the columns, or name another layout with --format."
            )
    _require_effect_allele(layout, source, found)
    if not has_index and not names_both_alleles(found):
        raise DataError(
            f"{source.path}: names the effect allele of its variants only. Load the variants first "
            "(varhouse load variants, or genotypes): the other allele is looked up among them."
        )


def _require_effect_allele(layout: Layout, source: SourceFile, found: frozenset[str]) -> None:
    if {"effect", "alt"} & found:
        return
    # the id would tell: its last allele. A column that may say otherwise cannot be passed over
    read = {alias for aliases in layout.columns.values() for alias in aliases}
    unread = [name for name in column_names(source) if name not in read]
    others = [name for name in column_names(source) if name in layout.columns.get("other", ())]
    alleles = [name for name in unread if _OF_ALLELES.fullmatch(name)] + others
    if alleles:
        raise DataError(
            f"{source.path}: which allele the effects are of is not known: "
            f"{' and '.join(alleles)} may say it. Call the column of the effect allele "
            "effect_allele and that of the other one other_allele; or drop these columns "
            "where the effects are of the last allele of the id."
        )
