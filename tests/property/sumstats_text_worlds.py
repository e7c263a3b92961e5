"""Random files of summary statistics in every dialect, and what a row of each is, slowly.

The columns of a dialect are those of its tool's documentation. `harmonised` is the twin: it reads
the texts of one row by the sentences of docs/formats/sumstats.md, knowing nothing of the loader.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ALLELES = ("A", "C", "G", "T", "AT", "GCC", "TTTA")
PLACES = (*(str(number) for number in range(1, 23)), "X", "Y", "MT")
NOWHERE = ("GL000192.1", "chrUn_KI270742v1", "0", "NA", "")
ABSENT = frozenset({"", "{na}", "NA", "#NA", "N/A", ".", "-", "NaN", "nan", "NULL"})
# One in some rows: what p-values, effects and errors look like when something went wrong.
P_VALUES = ("1", "0.05", "3.2e-8", "1E-300", "7.25e-312", "4.94e-324", "1e-5000", "0.5E-400", "0",
            "0.0", "1e-1", "+0.5", ".5", "5.", "{na}", "nan")  # fmt: skip
BAD_P_VALUES = ("-0.1", "1.5", "inf", "<2e-16", "-1e-400")
LOG10_P_VALUES = ("0", "0.3", "7.5", "400.25", "5000", "1e2", "{na}")
BAD_LOG10_P_VALUES = ("-1", "inf", "high")
SE_WHEN_WRONG = ("0", "-0.5", "inf", "{na}", "nan")
EFFECT_WHEN_WRONG = ("{na}", "inf", "nan", "-inf")
QUANTILE = 1.959963984540054


@dataclass(frozen=True)
class Variant:
    chrom: str
    pos: int
    ref: str
    alt: str
    rsid: str

    @property
    def key(self) -> str:
        return f"{self.chrom}_{self.pos}_{self.ref}_{self.alt}"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a tool writes: our names -> its columns, what it calls contigs, what else it writes."""

    columns: Mapping[str, str]
    optional: tuple[str, ...] = ()
    # of these the file has one
    either: tuple[tuple[str, ...], ...] = ()
    others: tuple[str, ...] = ()
    build: str | None = None
    delimiters: str = "\t"
    absent: tuple[str, ...] = ("NA",)
    numbered: Mapping[str, str] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ("",)
    id_form: str = "chr{chrom}_{pos}_{ref}_{alt}"
    id_forms: tuple[str, ...] = ()

    @property
    def names_ref(self) -> bool:
        return "ref" in self.columns


_X23 = {"X": "23", "Y": "24"}
_SSF = {"chrom": "chromosome", "pos": "base_pair_location", "effect": "effect_allele",
        "other": "other_allele", "beta": "beta", "odds_ratio": "odds_ratio",
        "se": "standard_error", "af": "effect_allele_frequency", "p": "p_value",
        "log10p": "neg_log_10_p_value", "n": "n", "info": "info", "rsid": "rsid",
        "id": "variant_id", "ref_is": "ref_allele", "ci_lower": "ci_lower",
        "ci_upper": "ci_upper"}  # fmt: skip
_INTERVAL = ("ci_lower", "ci_upper")
_MARKERS = ("{rsid}", "{rsid}", "{chrom}:{pos}:{ref}:{alt}", "{chrom}_{pos}",
            "chr{chrom}:{pos}", "{chrom}:{pos}:SNP", "{na}")  # fmt: skip

DIALECTS: dict[str, Dialect] = {
    "eqtl-catalogue": Dialect(
        columns={"trait": "molecular_trait_id", "gene": "gene_id", "id": "variant",
                 "chrom": "chromosome", "pos": "position", "ref": "ref", "alt": "alt",
                 "p": "pvalue", "beta": "beta", "se": "se", "ac": "ac", "an": "an",
                 "rsid": "rsid"},
        optional=("rsid",), others=("ma_samples", "maf", "type", "r2", "median_tpm",
                                    "molecular_trait_object_id"),
    ),
    "gtex": Dialect(
        columns={"id": "variant_id", "gene": "gene_id", "p": "pval_nominal", "beta": "slope",
                 "se": "slope_se", "af": "af", "rsid": "rs_id_dbSNP151_GRCh38p7"},
        optional=("af", "rsid"), others=("tss_distance", "ma_samples", "ma_count", "maf"),
        id_form="chr{chrom}_{pos}_{ref}_{alt}_b38", build="GRCh38",
    ),
    "gtex (tensorQTL)": Dialect(
        columns={"id": "variant_id", "trait": "phenotype_id", "p": "pval_nominal",
                 "beta": "slope", "se": "slope_se", "af": "af"},
        others=("start_distance", "ma_samples", "ma_count"), build="GRCh38", absent=("", "NA"),
        id_forms=("chr{chrom}_{pos}_{ref}_{alt}", "{chrom}:{pos}:{ref}:{alt}",
                  "chr{chrom}_{pos}_{ref}_{alt}_b38"),
    ),
    "gwas-catalog-harmonised-old": Dialect(
        columns={"id": "hm_variant_id", "rsid": "hm_rsid", "chrom": "hm_chrom", "pos": "hm_pos",
                 "other": "hm_other_allele", "effect": "hm_effect_allele", "beta": "hm_beta",
                 "odds_ratio": "hm_odds_ratio", "ci_lower": "hm_ci_lower",
                 "ci_upper": "hm_ci_upper", "af": "hm_effect_allele_frequency",
                 "se": "standard_error", "p": "p_value"},
        either=(("beta", "odds_ratio"),),
        others=("hm_code", "beta", "odds_ratio", "effect_allele", "other_allele", "variant_id"),
        id_form="{chrom}_{pos}_{ref}_{alt}",
    ),
    "gwas-catalog-harmonised": Dialect(
        columns=_SSF | {"rsid": "rs_id"}, optional=("n", "info", "rsid", "ref_is", *_INTERVAL),
        either=(("beta", "odds_ratio"), ("p", "log10p")), others=("hm_code",
                                                                "hm_coordinate_conversion"),
        absent=("NA", "#NA", ""), numbered=_X23 | {"MT": "25"}, id_form="{chrom}_{pos}_{ref}_{alt}",
    ),
    "gwas-ssf": Dialect(
        columns=_SSF, optional=("n", "info", "rsid", "id", "ref_is", "af", *_INTERVAL),
        either=(("beta", "odds_ratio"), ("p", "log10p")), build="GRCh37", absent=("#NA", "NA"),
        others=("protocol",), numbered=_X23 | {"MT": "25"},
        id_forms=("{na}", "{chrom}_{pos}_{ref}_{alt}", "{chrom}_{pos}_LONG_STRING", "{rsid}"),
    ),
    "finngen": Dialect(
        columns={"chrom": "#chrom", "pos": "pos", "ref": "ref", "alt": "alt", "rsid": "rsids",
                 "p": "pval", "log10p": "mlogp", "beta": "beta", "se": "sebeta", "af": "af_alt"},
        optional=("log10p",), others=("nearest_genes", "af_alt_cases", "af_alt_controls"),
        numbered={"X": "23"}, absent=("NA", ""),
    ),
    "finngen-susie": Dialect(
        columns={"study": "trait", "id": "v", "chrom": "chromosome", "pos": "position",
                 "ref": "allele1", "alt": "allele2", "beta": "beta", "se": "se", "p": "p"},
        others=("region", "rsid", "maf", "mean", "sd", "prob", "cs"), prefixes=("chr",),
        id_form="{chrom}:{pos}:{ref}:{alt}",
    ),
    "regenie": Dialect(
        columns={"chrom": "CHROM", "pos": "GENPOS", "rsid": "ID", "ref": "ALLELE0",
                 "alt": "ALLELE1", "af": "A1FREQ", "info": "INFO", "n": "N",
                 "n_cases": "N_CASES", "n_controls": "N_CONTROLS", "test": "TEST", "beta": "BETA",
                 "se": "SE", "log10p": "LOG10P"},
        optional=("info", "n_cases", "n_controls", "n"), build="GRCh38", delimiters=" \t",
        others=("CHISQ", "EXTRA", "A1FREQ_CASES", "A1FREQ_CONTROLS"), numbered={"X": "23"},
    ),
    "saige": Dialect(
        columns={"chrom": "CHR", "pos": "POS", "rsid": "MarkerID", "ref": "Allele1",
                 "alt": "Allele2", "af": "AF_Allele2", "info": "imputationInfo", "beta": "BETA",
                 "se": "SE", "p": "p.value", "n": "N", "n_cases": "N_case",
                 "n_controls": "N_ctrl"},
        either=(("n", "n_cases+n_controls"),), optional=("info",), build="GRCh38",
        delimiters="\t ", prefixes=("", "chr"),
        others=("AC_Allele2", "MissingRate", "Tstat", "var", "p.value.NA", "Is.SPA"),
    ),
    "plink2-glm": Dialect(
        columns={"chrom": "#CHROM", "pos": "POS", "rsid": "ID", "ref": "REF", "alt": "ALT",
                 "effect": "A1", "other": "OMITTED", "af": "A1_FREQ", "test": "TEST",
                 "n": "OBS_CT", "beta": "BETA", "odds_ratio": "OR", "se": "SE", "z": "T_STAT",
                 "p": "P", "log10p": "NEG_LOG10_P", "info": "MACH_R2"},
        optional=("other", "af", "info", "z"), either=(("beta", "odds_ratio"), ("p", "log10p")),
        build="GRCh38", others=("PROVISIONAL_REF?", "ERRCODE", "L95", "U95"), prefixes=("", "chr"),
        absent=("NA", "."),
    ),
    "plink1-assoc": Dialect(
        columns={"chrom": "CHR", "id": "SNP", "pos": "BP", "effect": "A1", "other": "A2",
                 "test": "TEST", "n": "NMISS", "beta": "BETA", "odds_ratio": "OR", "se": "SE",
                 "z": "STAT", "p": "P"},
        optional=("other", "test", "n", "se"), either=(("beta", "odds_ratio"),), build="GRCh38",
        delimiters=" \t", others=("L95", "U95", "F_A", "F_U"), numbered=_X23,
        id_forms=_MARKERS,
    ),
    "gcta": Dialect(
        columns={"chrom": "CHR", "id": "SNP", "pos": "POS", "effect": "A1", "other": "A2",
                 "n": "N", "af": "AF1", "beta": "BETA", "se": "SE", "p": "P", "info": "INFO"},
        optional=("info",), build="GRCh38", delimiters="\t ", id_forms=_MARKERS,
        others=("T", "SE_T", "P_noSPA", "CONVERGE"), numbered=_X23,
    ),
    "gcta (COJO)": Dialect(
        columns={"id": "SNP", "effect": "A1", "other": "A2", "af": "freq", "beta": "b",
                 "se": "se", "p": "p", "n": "N"},
        build="GRCh38", delimiters=" \t", id_forms=_MARKERS,
    ),
    "bolt-lmm": Dialect(
        columns={"id": "SNP", "chrom": "CHR", "pos": "BP", "effect": "ALLELE1",
                 "other": "ALLELE0", "af": "A1FREQ", "info": "INFO", "beta": "BETA", "se": "SE",
                 "p": "P_BOLT_LMM_INF"},
        optional=("info",), build="GRCh37", numbered=_X23, id_forms=_MARKERS,
        others=("GENPOS", "F_MISS", "CHISQ_LINREG", "P_LINREG", "CHISQ_BOLT_LMM_INF"),
    ),
    "metal": Dialect(
        columns={"id": "MarkerName", "chrom": "Chromosome", "pos": "Position",
                 "effect": "Allele1", "other": "Allele2", "af": "Freq1", "beta": "Effect",
                 "se": "StdErr", "z": "Zscore", "n": "Weight", "p": "P-value"},
        either=(("beta+se", "n+z"), ("id", "chrom+pos+id")), optional=("af",), build="GRCh38",
        others=("FreqSE", "MinFreq", "MaxFreq", "HetISq"), id_forms=_MARKERS,
    ),
    "ldsc": Dialect(
        columns={"rsid": "SNP", "effect": "A1", "other": "A2", "n": "N", "z": "Z", "af": "FRQ"},
        optional=("af",), build="GRCh38", delimiters="\t ", absent=("NA",),
    ),
    "sumstats": Dialect(
        columns={"chrom": "chrom", "pos": "pos", "ref": "ref", "alt": "alt",
                 "effect": "effect_allele", "other": "other_allele", "id": "variant_id",
                 "beta": "beta", "odds_ratio": "odds_ratio", "z": "z", "se": "se", "p": "p_value",
                 "log10p": "log10p", "rsid": "rsid", "gene": "gene_id", "n": "n",
                 "n_cases": "n_cases", "af": "af", "info": "info", "test": "test",
                 "study": "study_id"},
        either=(("chrom+pos+ref+alt", "chrom+pos+effect+other", "id", "id+effect+other"),
                ("beta", "odds_ratio", "z"), ("p", "log10p", "p+log10p")),
        optional=("se", "rsid", "gene", "n", "n_cases", "af", "info", "test", "study"),
        build="GRCh38", delimiters="\t, ", prefixes=("", "chr"), absent=("NA", ".", "-"),
        id_forms=("{chrom}_{pos}_{ref}_{alt}", "chr{chrom}:{pos}:{ref}:{alt}",
                  "{chrom}-{pos}-{ref}-{alt}"),
    ),
}  # fmt: skip


def random_variants(chance: random.Random, number: int) -> list[Variant]:
    found = []
    for place in range(number):
        ref, alt = chance.sample(ALLELES, 2)
        chrom = chance.choice(PLACES)
        pos = 10 + 20 * place if chrom == "MT" else chance.choice([100_000, 5]) + 7 * place
        found.append(Variant(chrom, pos, ref, alt, f"rs{1000 + place}"))
    return found


def random_index(chance: random.Random, variants: list[Variant]) -> list[Variant]:
    """Some of the variants as they are, few the other way round, few both ways."""
    index = []
    for variant in variants:
        turned = Variant(variant.chrom, variant.pos, variant.alt, variant.ref, variant.rsid)
        index += chance.choice([[], [variant], [variant], [variant], [turned], [variant, turned]])
    return index


def columns_of(chance: random.Random, dialect: Dialect) -> list[str]:
    """Our names of the columns that one file has, in a random order."""
    of_choice = {name for choice in dialect.either for names in choice for name in names.split("+")}
    picked = set(dialect.columns) - of_choice - set(dialect.optional)
    picked |= {name for name in dialect.optional if chance.random() < 0.6}
    for choice in dialect.either:
        picked |= set(chance.choice(choice).split("+"))
    if set(_INTERVAL) & picked:
        picked |= set(_INTERVAL)
    if "odds_ratio" not in picked:
        picked -= set(_INTERVAL)
    if "n_cases" in dialect.columns and {"n_cases", "n_controls"} & picked:
        picked |= {"n_cases", "n_controls"} & set(dialect.columns)
    return chance.sample(sorted(picked), len(picked))


def random_row(
    chance: random.Random, dialect: Dialect, variant: Variant, names: list[str]
) -> dict[str, str]:
    """The texts of a row by our names; ``{na}`` is what the tool writes for nothing."""
    ref, alt = variant.ref, variant.alt
    if chance.random() < 0.15:
        # a tool that has the alleles the wrong way round
        ref, alt = alt, ref
    effect, other = chance.choice([(ref, alt), (alt, ref)])
    chrom = chance.choice(dialect.prefixes) + dialect.numbered.get(variant.chrom, variant.chrom)
    form = chance.choice(dialect.id_forms) if dialect.id_forms else dialect.id_form
    bare = chrom.removeprefix("chr")
    n_cases = chance.randrange(1, 500)
    low = chance.uniform(0.1, 1)
    row = {
        "chrom": chrom,
        "pos": chance.choice([str(variant.pos), _scientific(variant.pos)]),
        "ref": ref,
        "alt": alt,
        "effect": effect,
        "other": other,
        "id": form.format(chrom=bare, pos=variant.pos, ref=ref, alt=alt, rsid=variant.rsid,
                          na="{na}"),
        "ref_is": chance.choice(["EA" if effect == ref else "OA", "{na}"]),
        "rsid": chance.choice([variant.rsid, variant.rsid, f"{bare}:{variant.pos}", "{na}"]),
        "beta": chance.choice([f"{chance.gauss(0, 1):.6g}", f"{chance.gauss(0, 1):.2e}", "0"]),
        "odds_ratio": f"{math.exp(chance.gauss(0, 1)):.6g}",
        "se": f"{chance.uniform(0.01, 1):.6g}",
        "z": f"{chance.gauss(0, 5):.4f}",
        "ci_lower": f"{low:.6g}",
        "ci_upper": f"{low * chance.uniform(1.1, 5):.6g}",
        "p": chance.choice(P_VALUES),
        "log10p": chance.choice(LOG10_P_VALUES),
        "af": chance.choice([f"{chance.random():.6g}", "0", "1", "1e-05", "{na}"]),
        "ac": str(chance.randrange(0, 101)),
        "an": "100",
        "n": chance.choice(["1000", "1e+05", "999.5", "{na}"]),
        "n_cases": str(n_cases),
        "n_controls": str(n_cases * 3),
        "info": chance.choice(["0.987", "1", "{na}"]),
        "test": chance.choice(["ADD", "ADD", "DOM", "ADDxAGE"]),
        "trait": f"ENSG{chance.randrange(3):011d}.{chance.randrange(1, 9)}",
        "gene": f"ENSG{chance.randrange(3):011d}.{chance.randrange(1, 9)}",
        "study": chance.choice(["one", "two"]),
    }  # fmt: skip
    for wrong in _mishaps(chance):
        row.update(wrong(row))
    return {name: text for name, text in row.items() if name in names}


def _scientific(pos: int) -> str:
    """R writes 100000 as 1e+05."""
    return f"{pos:.0e}" if pos >= 100_000 and float(f"{pos:.0e}") == pos else str(pos)


def _mishaps(chance: random.Random) -> list[Callable[[dict[str, str]], dict[str, str]]]:
    """What goes wrong in some rows, rarely two things at a time."""
    kinds: list[Callable[[dict[str, str]], dict[str, str]]] = [
        lambda row: {"p": chance.choice(BAD_P_VALUES),
                     "log10p": chance.choice(BAD_LOG10_P_VALUES)},
        lambda row: {"se": chance.choice(SE_WHEN_WRONG)},
        lambda row: {name: chance.choice(EFFECT_WHEN_WRONG) for name in ("beta", "z")}
        | {"odds_ratio": chance.choice(["0", "-1", "{na}", "inf"])},
        lambda row: {"af": chance.choice(["1.5", "-0.1", "nan"])},
        lambda row: {"chrom": chance.choice(NOWHERE), "id": "GL000192.1_5_A_C"},
        lambda row: {"pos": chance.choice(["{na}", "0", "-5", "1.5"]), "id": "1_0_A_C"},
        lambda row: {"effect": "{na}", "alt": "{na}", "id": "{na}"},
        lambda row: {"effect": row["other"], "ref": row["alt"], "id": "1_5_A_A"},
        lambda row: {name: row[name].lower() for name in ("effect", "other", "ref", "alt")},
        lambda row: {name: row[name] + " " for name in ("p", "effect", "pos")},
        lambda row: {"n": "nan", "n_cases": "{na}", "info": "inf"},
    ]  # fmt: skip
    return chance.sample(kinds, chance.choice([0, 0, 0, 0, 1, 1, 2]))
