"""The slow twin of a row of summary statistics, and the writer of files that hold such rows."""

from __future__ import annotations

import gzip
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tests.property.sumstats_text_worlds import ABSENT, DIALECTS, QUANTILE, Variant

CHROMS = {str(number): str(number) for number in range(1, 23)} | {
    "X": "X", "Y": "Y", "MT": "MT", "M": "MT", "23": "X", "24": "Y", "26": "MT",
}  # fmt: skip
LONGEST = 248_956_422
# -log10 of the smallest double, 2 ** -1074
OF_ZERO = 1074 * math.log10(2)

RSID_IN_ID = (
    "gwas-ssf", "gwas-catalog-harmonised", "plink1-assoc", "gcta", "gcta (COJO)", "bolt-lmm",
    "metal",
)  # fmt: skip

Row = Mapping[str, str]


@dataclass(frozen=True)
class Index:
    """The variants that are loaded."""

    variants: Sequence[Variant]

    def references(self, place: str, one: str, two: str) -> set[str]:
        """Which of two alleles are the reference of a variant there."""
        keys = {variant.key for variant in self.variants}
        return {ref for ref, alt in ((one, two), (two, one)) if f"{place}_{ref}_{alt}" in keys}

    def the_other(self, chrom: str | None, pos: int | None, allele: str) -> str | None:
        """The other allele of the one variant there that has an allele."""
        there = [v for v in self.variants if (v.chrom, v.pos) == (chrom, pos)]
        found = [v.alt if v.ref == allele else v.ref for v in there if allele in (v.ref, v.alt)]
        return found[0] if len(found) == 1 else None

    def named(self, rsid: str | None, alleles: set[str]) -> Variant | None:
        found = [v for v in self.variants if v.rsid == rsid and {v.ref, v.alt} == alleles]
        return min(found, key=lambda variant: variant.key) if found else None


def text_of(row: Row, name: str) -> str | None:
    text = row.get(name, "").strip()
    return None if text in ABSENT else text


def number_of(row: Row, name: str) -> float | None:
    """A number that can be one; None for what is absent, not finite, or no number."""
    text = text_of(row, name)
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def chrom_of(text: str | None, dialect: str) -> str | None:
    bare = (text or "").removeprefix("chr")
    if bare == "25" and dialect in ("gwas-ssf", "gwas-catalog-harmonised"):
        return "MT"
    return CHROMS.get(bare)


def position_of(text: str | None) -> int | None:
    try:
        number = Decimal(text or "NaN")
    except InvalidOperation:
        return None
    whole = number.is_finite() and number == int(number)
    return int(number) if whole and 0 < number <= LONGEST else None


def id_of(text: str | None, dialect: str) -> tuple[str | None, int | None, str, str] | None:
    parts = re.split("[:_-]", re.sub("_b3[78]$", "", text or ""))
    if len(parts) != 4 or not re.fullmatch("[ACGT]+,[ACGT]+", f"{parts[2]},{parts[3]}".upper()):
        return None
    return chrom_of(parts[0], dialect), position_of(parts[1]), parts[2].upper(), parts[3].upper()


def place_of(row: Row, dialect: str) -> tuple[str | None, int | None, str | None, str | None]:
    """Where an id says that a variant is whose alleles stand in columns, and no position does."""
    names_alleles = "effect" in row or {"ref", "alt"} <= row.keys()
    if "pos" in row or not names_alleles:
        return None, None, None, None
    # LDSC has one column for names of any kind
    text = text_of(row, "rsid" if dialect == "ldsc" else "id") or ""
    parts = re.split("[:_-]", re.sub("_b3[78]$", "", text))
    if len(parts) == 3 and parts[2] in ("SNP", "INDEL", "D"):
        parts.pop()
    if len(parts) != 2:
        return None, None, None, None
    return chrom_of(parts[0], dialect), position_of(parts[1]), None, None


def allele_of(row: Row, name: str) -> str | None:
    text = text_of(row, name)
    return text.upper() if text and re.fullmatch("[ACGTacgt]+", text) else None


def p_of(row: Row) -> tuple[float | None, float | None] | None:
    """``p_value`` and ``log10p``; None where the row is to be left out."""
    text, given = text_of(row, "p"), text_of(row, "log10p")
    try:
        p = Decimal(text) if text is not None else None
        log10p = float(given) if given is not None else None
    except (InvalidOperation, ValueError):
        return None
    if p is not None and not 0 <= p <= 1:
        return None
    if log10p is not None and not 0 <= log10p < math.inf:
        return None
    if log10p is None and p is not None:
        log10p = OF_ZERO if p == 0 else float(-p.log10())
    if p is None:
        return (None if log10p is None else 10**-log10p), log10p
    return float(p), log10p


def harmonised(row: Row, dialect: str, index: Index, study: str) -> dict[str, Any] | None:
    """What the row is in the table; None where it is left out."""
    identity = id_of(text_of(row, "id"), dialect) or place_of(row, dialect)
    chrom = chrom_of(text_of(row, "chrom"), dialect) or identity[0]
    pos = position_of(text_of(row, "pos")) or identity[1]
    if "effect" in row:
        effect, other = allele_of(row, "effect"), allele_of(row, "other")
        for pair in ((allele_of(row, "ref"), allele_of(row, "alt")), identity[2:]):
            if other is None and effect and effect in pair:
                other = pair[1] if effect == pair[0] else pair[0]
    elif "alt" in row:
        effect, other = allele_of(row, "alt"), allele_of(row, "ref")
    else:
        effect, other = identity[3], identity[2]
    if effect and other is None:
        other = index.the_other(chrom, pos, effect)
    p_values = p_of(row)
    if effect is None or other is None or effect == other or p_values is None:
        return None
    # where old files of the GWAS Catalog have it, and tools that know one name of a variant
    in_id = "rsid" not in row and dialect in RSID_IN_ID
    rsid = text_of(row, "id" if in_id else "rsid")
    rsid = rsid if rsid and rsid.startswith("rs") else None
    stated = [allele_of(row, "ref")]
    stated.append({"EA": effect, "OA": other}.get(text_of(row, "ref_is") or ""))
    if identity[1] and identity[1] == pos:
        stated.append(identity[2])
    if chrom is None or pos is None:
        # by its rsid only: the file has alleles, but no positions
        if rsid is None or "pos" in row or "effect" not in row:
            return None
        chrom, pos = None, None
        if known := index.named(rsid, {effect, other}):
            chrom, pos = known.chrom, known.pos
            stated.append(known.ref)
    by_file = next((allele for allele in stated if allele in (effect, other)), None)
    by_index = index.references(f"{chrom}_{pos}", effect, other)
    if len(by_index) == 1:
        (ref,), told = by_index, "variant index"
    else:
        ref, told = (by_file, "file") if by_file else (other, "assumed")
    alt = effect if ref == other else other
    test = text_of(row, "test") or "ADD"
    if ref == effect:
        test = {"DOM": "REC", "REC": "DOM"}.get(test, test)
    p_value, log10p = p_values
    trait, gene = text_of(row, "trait"), text_of(row, "gene")
    gene = gene or trait
    return {
        "study_id": text_of(row, "study") or study,
        "variant_id": f"{chrom}_{pos}_{ref}_{alt}" if chrom else None,
        "chrom": chrom, "pos": pos, "ref": ref, "alt": alt, "rsid": rsid,
        "trait_id": trait or (text_of(row, "gene") if dialect == "gtex" else None),
        "gene_id": gene and gene.split(".")[0],
        "test": test,
        "p_value": p_value, "log10p": log10p,
        **numbers_of(row, -1 if ref == effect else 1),
        "alleles_from": told,
    }  # fmt: skip


def numbers_of(row: Row, sign: int) -> dict[str, float | None]:
    """The effect and what belongs to it, of ALT: ``sign`` is -1 where the row's is of REF."""
    beta, ratio = number_of(row, "beta"), number_of(row, "odds_ratio")
    if beta is None and ratio is not None and ratio > 0:
        beta = math.log(ratio)
    se = number_of(row, "se")
    low, high = number_of(row, "ci_lower"), number_of(row, "ci_upper")
    if text_of(row, "se") is None and text_of(row, "beta") is None and low and high:
        se = math.log(high / low) / (2 * QUANTILE)
    se = se if se and se > 0 else None
    z = number_of(row, "z")
    if z is None and beta is not None and se is not None:
        z = beta / se
    af = number_of(row, "af")
    if "ac" in row:
        af = int(row["ac"]) / int(row["an"])
    af = af if af is not None and 0 <= af <= 1 else None
    n, cases = number_of(row, "n"), number_of(row, "n_cases")
    controls = number_of(row, "n_controls")
    if n is None and cases is not None and controls is not None:
        n = cases + controls
    return {
        "beta": None if beta is None else sign * beta,
        "se": se,
        "z": None if z is None else sign * z,
        "af": 1 - af if af is not None and sign < 0 else af,
        "n": n,
        "n_cases": cases,
        "info": number_of(row, "info"),
    }


def written(
    chance: random.Random, folder: Path, name: str, columns: list[str], rows: list[dict[str, str]]
) -> Path:
    """Write a file as the tool does, or as it is after a spreadsheet, R or a Windows machine."""
    dialect = DIALECTS[name]
    others = [each for each in dialect.others if chance.random() < 0.5]
    if name == "gwas-catalog-harmonised" or name.endswith("old"):
        others = sorted({*others, "hm_code"})
    if name == "finngen-susie":
        others = sorted({*others, "prob"})
    if name == "metal":
        others = sorted({*others, "Direction"})
    headings = [dialect.columns[each] for each in columns] + others
    order = chance.sample(range(len(headings)), len(headings))
    delimiter = chance.choice(dialect.delimiters)
    absent = chance.choice([word for word in dialect.absent if word or delimiter != " "])
    quoted = name in ("sumstats", "saige") and chance.random() < 0.2

    def cell(text: str) -> str:
        plain = text.replace("{na}", absent)
        if delimiter == " ":
            plain = plain.strip() or absent or "NA"
        is_number = re.fullmatch(r"[-+0-9.eE]+|NA", plain.strip())
        return f'"{plain}"' if quoted and not is_number else plain

    lines = []
    for row in rows:
        cells = [row[each] for each in columns] + [_other(chance, each) for each in others]
        lines.append(delimiter.join(cell(cells[place]) for place in order))
    top = [f'"{headings[place]}"' if quoted else headings[place] for place in order]
    text = "\n".join([delimiter.join(top), *lines, ""])
    text += chance.choice(["", "", "\n", "  \n"])
    if chance.random() < 0.3:
        text = text.replace("\n", "\r\n")
    if delimiter == " " and chance.random() < 0.3:
        text = text.replace("\n", " \n")
    content = (b"\xef\xbb\xbf" if chance.random() < 0.1 else b"") + text.encode()
    if chance.random() < 0.3:
        path = folder / "study.of.mine.tsv.gz"
        path.write_bytes(gzip.compress(content, mtime=0))
    else:
        path = folder / "study.of.mine.txt"
        path.write_bytes(content)
    return path


def _other(chance: random.Random, heading: str) -> str:
    return "SNP" if heading == "type" else chance.choice(["1", "0.25", "{na}"])
