"""How dbNSFP (v3 to v5) names its columns, and which of its two places is on which build."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# Build -> chromosome and position, in lower case. Releases before 3 had GRCh37 in other columns.
_PLACES = {
    "GRCh38": {"chrom": ("chr",), "pos": ("pos(1-based)",)},
    "GRCh37": {"chrom": ("hg19_chr",), "pos": ("hg19_pos(1-based)",)},
}
_ALLELES = {"ref": ("ref",), "alt": ("alt",)}

FIELDS = {
    "SYMBOL": "genename",
    "ENSP": "ensembl_proteinid",
    "CANONICAL": "vep_canonical",
    "HGVSc": "hgvsc_vep",
    "HGVSp": "hgvsp_vep",
    "Protein_position": "aapos",
}
"""Fields by VEP's names -> the columns that have them, a value for each transcript."""

# Places, names, words and codes, whatever numbers are in them; in lower case.
_NO_SCORE = re.compile(
    r"(hg1[89]_)?(chr|pos\(1-based\))|aa(ref|alt|pos)|rs_dbsnp.*|genename|ensembl_.*|uniprot_.*"
    r"|hgvs[cp]_.*|appris|gencode_basic|tsl|vep_canonical|mane|cds_strand|refcodon|codonpos"
    r"|codon_degeneracy|ancestral_allele|altaineandertal|denisova|vindijianeandertal"
    r"|chagyrskayaneandertal|.*_pred|.*_(protid|aachange|top5features)|mutationtaster_(model|aae)"
    r"|aloft_confidence|clinvar_.*|interpro_domain|(gtex|eqtlgen|geuvadis)_.*|.*_popmax_pop"
)


def builds_in(columns: Sequence[str]) -> list[str]:
    """Return the builds whose places a header of dbNSFP has; none where it is not dbNSFP's."""
    known = {name.lower() for name in columns}
    if not all(known.issuperset(names) for names in _ALLELES.values()):
        return []
    return [
        build for build, place in _PLACES.items()
        if all(known.issuperset(names) for names in place.values())
    ]  # fmt: skip


def place_keys(build: str | None) -> Mapping[str, Sequence[str]]:
    """Return our keys of a variant on one build -> names of their columns in lower case."""
    return {**_PLACES[build or "GRCh38"], **_ALLELES}


def is_score(name: str) -> bool:
    """Whether a column of dbNSFP may be a score."""
    return _NO_SCORE.fullmatch(name.lower()) is None
