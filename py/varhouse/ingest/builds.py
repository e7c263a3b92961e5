"""Genome builds: their names and the lengths of their chromosomes."""

from __future__ import annotations

from varhouse.errors import UsageError

CHROMOSOMES: tuple[str, ...] = (*(str(number) for number in range(1, 23)), "X", "Y", "MT")
"""Contigs that are kept, in the order of ``variant_idx``."""

# Genome Reference Consortium: GRCh37 (GCF_000001405.13) and GRCh38 (GCF_000001405.26), assembled
# molecules; the same numbers as UCSC's chromInfo of hg19 and hg38. MT is the revised Cambridge
# sequence NC_012920 in both (UCSC's hg19 chrM is an older one, two bases longer).
CHROMOSOME_LENGTHS: dict[str, dict[str, int]] = {
    "GRCh37": {
        "1": 249250621, "2": 243199373, "3": 198022430, "4": 191154276, "5": 180915260,
        "6": 171115067, "7": 159138663, "8": 146364022, "9": 141213431, "10": 135534747,
        "11": 135006516, "12": 133851895, "13": 115169878, "14": 107349540, "15": 102531392,
        "16": 90354753, "17": 81195210, "18": 78077248, "19": 59128983, "20": 63025520,
        "21": 48129895, "22": 51304566, "X": 155270560, "Y": 59373566, "MT": 16569,
    },
    "GRCh38": {
        "1": 248956422, "2": 242193529, "3": 198295559, "4": 190214555, "5": 181538259,
        "6": 170805979, "7": 159345973, "8": 145138636, "9": 138394717, "10": 133797422,
        "11": 135086622, "12": 133275309, "13": 114364328, "14": 107043718, "15": 101991189,
        "16": 90338345, "17": 83257441, "18": 80373285, "19": 58617616, "20": 64444167,
        "21": 46709983, "22": 50818468, "X": 156040895, "Y": 57227415, "MT": 16569,
    },
}  # fmt: skip

_NAMES = {
    "grch37": "GRCh37",
    "hg19": "GRCh37",
    "b37": "GRCh37",
    "37": "GRCh37",
    "hs37d5": "GRCh37",
    "grch38": "GRCh38",
    "hg38": "GRCh38",
    "b38": "GRCh38",
    "38": "GRCh38",
}


ID_ENDS = {"GRCh37": "_b37", "GRCh38": "_b38"}
"""How ids of variants end that name their build, as those of GTEx v7 and v8 do."""


def known_build(name: str) -> str | None:
    """Return our spelling of a build's name, patch releases (``GRCh38.p13``) included, or None."""
    return _NAMES.get(name.strip().lower().split(".p")[0])


def normalised_build(name: str) -> str:
    """Return ``GRCh37`` or ``GRCh38`` for any usual name of theirs.

    Raises
    ------
    UsageError
        The name is neither.

    Examples
    --------
    >>> normalised_build("hg19"), normalised_build("b38")
    ('GRCh37', 'GRCh38')
    """
    build = known_build(name)
    if build is None:
        raise UsageError(
            f"genome build {name!r} is not known; give GRCh37 (hg19, b37) or GRCh38 (hg38, b38)."
        )
    return build


def other_build(build: str) -> str:
    """Return the one of the two builds that ``build`` is not."""
    return next(name for name in CHROMOSOME_LENGTHS if name != build)


def id_of_other_build_sql(variant: str, build: str) -> str:
    """Return an SQL condition: the id in ``variant`` ends in the name of the other build."""
    return f"ends_with(lower(trim({variant})), '{ID_ENDS[other_build(build)]}')"


def chromosome_end_sql(chrom: str, build: str) -> str:
    """Return an SQL expression for the length of the chromosome that ``chrom`` names in ``build``.

    NULL for a contig that is not one of `CHROMOSOMES`.
    """
    cases = " ".join(
        f"when '{name}' then {length}" for name, length in CHROMOSOME_LENGTHS[build].items()
    )
    return f"case {chrom} {cases} end"
