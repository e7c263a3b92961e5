"""Random consequences of variants, and the files that VEP and SnpEff write of them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

BASES = "ACGT"
TERMS = {
    "stop_gained": "HIGH", "frameshift_variant": "HIGH", "missense_variant": "MODERATE",
    "inframe_deletion": "MODERATE", "splice_region_variant": "LOW", "synonymous_variant": "LOW",
    "3_prime_UTR_variant": "MODIFIER", "intron_variant": "MODIFIER",
    "non_coding_transcript_variant": "MODIFIER", "downstream_gene_variant": "MODIFIER",
    # not one of Ensembl's
    "newly_invented_variant": "LOW",
}  # fmt: skip
SEVERE_FIRST = ("HIGH", "MODERATE", "LOW", "MODIFIER")
SCORES = ("CADD_PHRED", "REVEL", "GNOMADE_AF")


@dataclass(frozen=True)
class Site:
    chrom: str
    pos: int
    ref: str
    alts: tuple[str, ...]

    @property
    def key(self) -> str:
        return "_".join([self.chrom, str(self.pos), self.ref, *self.alts])

    def id_of(self, number: int) -> str:
        return f"{self.chrom}_{self.pos}_{self.ref}_{self.alts[number]}"

    @property
    def is_trimmed(self) -> bool:
        """VEP takes a shared first base off the alleles of a site with an indel."""
        bases = [allele for allele in (self.ref, *self.alts) if allele != "*"]
        longer = any(len(alt) != len(self.ref) for alt in self.alts)
        return longer and len({allele[0] for allele in bases}) == 1

    def vep_allele(self, number: int) -> str:
        alt = self.alts[number]
        return (alt[1:] or "-") if self.is_trimmed and alt != "*" else alt

    @property
    def span(self) -> tuple[int, int]:
        """First and last base as VEP counts them: an insertion ends before it starts."""
        cut = int(self.is_trimmed)
        return self.pos + cut, self.pos + len(self.ref) - 1

    @property
    def location(self) -> str:
        low, high = sorted(self.span)
        return f"{self.chrom}:{low}" if low == high else f"{self.chrom}:{low}-{high}"


@dataclass(frozen=True)
class Consequence:
    site: Site
    alt: int
    terms: tuple[str, ...]
    impact: str
    kind: str | None = "Transcript"
    gene: str | None = None
    symbol: str | None = None
    feature: str | None = None
    biotype: str | None = None
    canonical: bool = False
    mane: str | None = None
    protein: str | None = None
    hgvsp: str | None = None
    protein_pos: tuple[int, int] | None = None
    sift: tuple[str, float] | None = None
    polyphen: tuple[str, float] | None = None
    scores: dict[str, float] = field(default_factory=dict)


def random_sites(chance: random.Random, number: int) -> list[Site]:
    sites = []
    for place in range(1, number + 1):
        chrom, pos = chance.choice(["1", "22", "X"]), 1000 * place
        shape = chance.choice(
            ["snv", "snv", "snvs", "del", "ins", "mixed", "mnv", "complex", "star"]
        )
        ref, other = chance.sample(BASES, 2)
        tail = "".join(chance.choices(BASES, k=chance.randint(1, 4)))
        ref, alts = {
            "snv": (ref, (other,)),
            "snvs": (ref, tuple(chance.sample([b for b in BASES if b != ref], 2))),
            "del": (ref + tail, (ref,)),
            "ins": (ref, (ref + tail,)),
            "mixed": (ref + tail, (ref, ref + tail + other, other + tail)[: chance.randint(2, 3)]),
            "mnv": (ref + other, (other + ref,)),
            "complex": (ref + tail, (other,)),
            "star": (ref + tail, (ref, "*")),
        }[shape]
        sites.append(Site(chrom, pos, ref, tuple(dict.fromkeys(alts))))
    return sites


def random_terms(chance: random.Random) -> tuple[tuple[str, ...], str]:
    terms = tuple(chance.sample(list(TERMS), chance.choice([1, 1, 2, 3])))
    return terms, min((TERMS[term] for term in terms), key=SEVERE_FIRST.index)


def random_consequences(chance: random.Random, sites: list[Site]) -> list[Consequence]:
    found = []
    for site in sites:
        for alt in range(len(site.alts)):
            for _ in range(chance.choice([0, 1, 1, 2])):
                gene = chance.randrange(1, 9)
                for number in range(chance.randint(1, 4)):
                    found.append(_of_transcript(chance, site, alt, gene, number))
            if chance.random() < 0.2:
                found.append(
                    Consequence(site, alt, ("regulatory_region_variant",), "MODIFIER",
                                "RegulatoryFeature", feature=f"ENSR{chance.randrange(9)}",
                                biotype="promoter"))  # fmt: skip
            if all((each.site, each.alt) != (site, alt) for each in found):
                found.append(Consequence(site, alt, ("intergenic_variant",), "MODIFIER", None))
    return list({str(each): each for each in found}.values())


def _of_transcript(
    chance: random.Random, site: Site, alt: int, gene: int, number: int
) -> Consequence:
    terms, impact = random_terms(chance)
    coding = impact in SEVERE_FIRST[:2]
    place = chance.randint(1, 500)
    return Consequence(
        site, alt, terms, impact, gene=f"ENSG{gene:011d}",
        symbol=chance.choice([f"SYM{gene}", None]), feature=f"ENST{10 * gene + number:011d}",
        biotype="protein_coding", canonical=number == 0 and gene % 3 > 0,
        mane=f"NM_{gene}.{number}" if number == gene % 3 else None,
        protein=f"ENSP{gene}" if coding else None,
        hgvsp=f"ENSP{gene}.1:p.Ala{place}=" if coding else None,
        protein_pos=(place, place + chance.choice([0, 2])) if coding else None,
        sift=(chance.choice(["deleterious", "tolerated_low_confidence"]),
              chance.choice([0, 0.01, 1])) if coding and chance.random() < 0.7 else None,
        polyphen=("probably_damaging", 0.998) if coding and chance.random() < 0.5 else None,
        scores={name: chance.choice([0, 0.5, 1e-05, 22.7])
                for name in SCORES if chance.random() < 0.5},
    )  # fmt: skip


def _cells(each: Consequence) -> dict[str, str]:
    """The fields of a row by VEP's names, those that it has."""
    cells = {
        "Gene": each.gene, "Feature": each.feature, "Feature_type": each.kind,
        "IMPACT": each.impact, "SYMBOL": each.symbol, "BIOTYPE": each.biotype,
        "CANONICAL": "YES" if each.canonical else None, "MANE_SELECT": each.mane,
        "ENSP": each.protein, "HGVSp": each.hgvsp and each.hgvsp.replace("=", "%3D"),
        "Protein_position": each.protein_pos and "-".join(
            str(place) for place in dict.fromkeys(each.protein_pos)
        ),
        "SIFT": each.sift and f"{each.sift[0]}({each.sift[1]:g})",
        "PolyPhen": each.polyphen and f"{each.polyphen[0]}({each.polyphen[1]:g})",
        **{name: f"{score:g}" for name, score in each.scores.items()},
    }  # fmt: skip
    return {name: cell for name, cell in cells.items() if cell is not None}


COLUMNS = ("Uploaded_variation", "Location", "Allele", "Gene", "Feature", "Feature_type",
           "Consequence", "cDNA_position", "CDS_position", "Protein_position", "Amino_acids",
           "Codons", "Existing_variation")  # fmt: skip
MORE = ("IMPACT", "STRAND", "SYMBOL", "BIOTYPE", "CANONICAL", "MANE_SELECT", "ENSP", "HGVSp",
        "SIFT", "PolyPhen", *SCORES)  # fmt: skip


def _row(each: Consequence) -> dict[str, str]:
    return {
        "Uploaded_variation": each.site.key, "Location": each.site.location,
        "Allele": each.site.vep_allele(each.alt), "Consequence": ",".join(each.terms),
    } | _cells(each)  # fmt: skip


def tab_of_names(rows: list[Consequence], chance: random.Random) -> str:
    """``--tab`` of an input that names its variants; the reference by ``--show_ref_allele``."""
    lines = tab(rows, chance).splitlines()
    made = [lines[0], lines[1] + chance.choice(["\tREF_ALLELE", "\tUSED_REF", ""])]
    for each, line in zip(rows, lines[2:], strict=True):
        ref = each.site.ref[int(each.site.is_trimmed) :] or "-"
        text = line.replace(each.site.key, f"rs{each.site.pos}")
        made.append(f"{text}\t{ref}" if made[1].endswith(("ALLELE", "REF")) else text)
    return "\n".join([*made, ""])


def tab(rows: list[Consequence], chance: random.Random) -> str:
    more = chance.sample(MORE, len(MORE))
    lines = ["## ENSEMBL VARIANT EFFECT PREDICTOR v115.2", "#" + "\t".join([*COLUMNS, *more])]
    for each in rows:
        row = _row(each)
        lines.append("\t".join(row.get(name, "-") for name in (*COLUMNS, *more)))
    return "\n".join([*lines, ""])


def default(rows: list[Consequence], chance: random.Random) -> str:
    lines = ["## ENSEMBL VARIANT EFFECT PREDICTOR v115.2", "#" + "\t".join([*COLUMNS, "Extra"])]
    for each in rows:
        row = _row(each)
        extra = [f"{name}={row[name]}" for name in chance.sample(MORE, len(MORE)) if name in row]
        cells = [row.get(name, "-") for name in COLUMNS]
        lines.append("\t".join([*cells, ";".join(extra) or "-"]))
    return "\n".join([*lines, ""])


def _by_site(rows: list[Consequence]) -> dict[Site, list[Consequence]]:
    sites: dict[Site, list[Consequence]] = {}
    for each in rows:
        sites.setdefault(each.site, []).append(each)
    return sites


def csq(rows: list[Consequence], chance: random.Random) -> str:
    names = [
        "Allele",
        "Consequence",
        *chance.sample([*COLUMNS[3:6], "Protein_position", *MORE], 16),
    ]
    names = [*names, *(name for name in (*COLUMNS[3:6], "Protein_position", *MORE)
                       if name not in names)]  # fmt: skip
    said = "Consequence annotations from Ensembl VEP. Format: " + "|".join(names)
    lines = ["##fileformat=VCFv4.2",
             f'##INFO=<ID=CSQ,Number=.,Type=String,Description="{said}">',
             "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]  # fmt: skip
    for site, entries in _by_site(rows).items():
        texts = []
        for each in entries:
            row = _row(each) | {"Consequence": "&".join(each.terms)}
            texts.append("|".join(row.get(name, "") for name in names))
        name = chance.choice([".", site.key])
        lines.append("\t".join([site.chrom, str(site.pos), name, site.ref,
                                ",".join(site.alts), ".", "PASS",
                                f"DP=5;CSQ={','.join(texts)};AC=1"]))  # fmt: skip
    return "\n".join([*lines, ""])


_LISTS = {"Transcript": ("transcript_consequences", "transcript_id"),
          "RegulatoryFeature": ("regulatory_feature_consequences", "regulatory_feature_id"),
          None: ("intergenic_consequences", "")}  # fmt: skip


def as_json(rows: list[Consequence], chance: random.Random) -> str:
    lines = []
    for site, entries in _by_site(rows).items():
        trimmed = [allele[1:] or "-" if site.is_trimmed and allele != "*" else allele
                   for allele in (site.ref, *site.alts)]  # fmt: skip
        record: dict[str, Any] = {
            "id": site.key, "seq_region_name": site.chrom, "start": site.span[0],
            "end": site.span[1], "strand": 1, "allele_string": "/".join(trimmed),
            "assembly_name": "GRCh38",
            "input": "\t".join([site.chrom, str(site.pos), site.key, site.ref,
                                ",".join(site.alts), ".", ".", "."]),
        }  # fmt: skip
        for each in entries:
            kind, feature = _LISTS[each.kind]
            said: dict[str, Any] = {
                "variant_allele": site.vep_allele(each.alt), "impact": each.impact,
                "consequence_terms": list(each.terms), "gene_id": each.gene,
                "gene_symbol": each.symbol, feature: each.feature, "biotype": each.biotype,
                "canonical": 1 if each.canonical else None, "mane_select": each.mane,
                "protein_id": each.protein,
                "hgvsp": each.hgvsp and each.hgvsp.replace("=", "%3D"),
                "protein_start": each.protein_pos and each.protein_pos[0],
                "protein_end": each.protein_pos and each.protein_pos[1],
                "sift_prediction": each.sift and each.sift[0],
                "sift_score": each.sift and each.sift[1],
                "polyphen_prediction": each.polyphen and each.polyphen[0],
                "polyphen_score": each.polyphen and each.polyphen[1],
                **{name.lower(): score for name, score in each.scores.items()},
            }  # fmt: skip
            kept = [(name, value) for name, value in said.items() if name and value is not None]
            record.setdefault(kind, []).append(dict(chance.sample(kept, len(kept))))
        lines.append(json.dumps(dict(chance.sample(list(record.items()), len(record)))))
    return "\n".join([*lines, ""])


_ANN = ("Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | Feature_Type | Feature_ID"
        " | Transcript_BioType | Rank | HGVS.c | HGVS.p | cDNA.pos / cDNA.length | "
        "CDS.pos / CDS.length | AA.pos / AA.length | Distance | "
        "ERRORS / WARNINGS / INFO")  # fmt: skip


def snpeff(rows: list[Consequence], chance: random.Random) -> str:
    lines = ["##fileformat=VCFv4.2",
             "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: "
             f"'{_ANN}' \">", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]  # fmt: skip
    for site, entries in _by_site(rows).items():
        texts = []
        for each in entries:
            if each.kind is None:
                cells = ["SYM1-SYM2", "ENSG1-ENSG2", "intergenic_region", "ENSG1-ENSG2"]
            else:
                cells = [each.symbol or "", each.gene or "", "transcript", f"{each.feature}.3"]
            place = f"{each.protein_pos[0]}/900" if each.protein_pos else ""
            texts.append("|".join([site.alts[each.alt], "&".join(each.terms), each.impact, *cells,
                                   each.biotype or "", "2/5", "", each.hgvsp or "", "", "", place,
                                   "", ""]))  # fmt: skip
        ann = f"ANN={','.join(texts)}"
        lines.append("\t".join([f"chr{site.chrom}", str(site.pos), ".", site.ref,
                                ",".join(site.alts), ".", ".", ann]))  # fmt: skip
    return "\n".join([*lines, ""])


WRITERS = {"vep-tab": tab, "vep-default": default, "vep-json": as_json, "annotated-vcf": csq}
