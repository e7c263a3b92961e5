"""SQL expressions for the keys of the house: contigs, variant ids, gene ids.

Each function takes SQL expressions as text and returns one, so that every loader reads keys by
the same rule. The SQL function ``variant_key(text)`` says the same for users.
"""

from __future__ import annotations

from collections.abc import Sequence

from varhouse.ingest.accessions import accessions
from varhouse.ingest.builds import CHROMOSOMES
from varhouse.sql_text import text_literal

# Bases, . * <DEL>, and the single breakends of VCF (G. and .G), which real slices hold.
_ALLELE = r"(?:[ACGTN]+\.?|\.[ACGTN]*|\*|<[^<>\s]+>)"
MISSING = ("", "NA", "#NA", "N/A", "#N/A", "<NA>", ".", "-", r"\N", "NULL", "NONE")
"""Spellings of "not there", in upper case."""

# One contig, one position, two alleles between : _ - or /; GTEx adds the build at the end.
_PLACE = r"(?i)^(?:chr)?0?([1-9]|1[0-9]|2[0-46]|X|Y|MT?)[:_-]0*([1-9][0-9]{0,8})"
_ALLELES = rf"[:_-]({_ALLELE})[:_/>-]({_ALLELE})"
VARIANT_PATTERN = rf"{_PLACE}{_ALLELES}(?:_b3[78])?$"
# Markers of meta-analyses, whose alleles stand elsewhere: 1:752566, 1:752566:SNP
_PLACE_PATTERN = rf"{_PLACE}(?:{_ALLELES}|[:_-](?:SNP|SNV|INDEL|INS|DEL|I|D))?(?:_b3[78])?$"


def one_of_sql(text: str, values: Sequence[str]) -> str:
    """Return whether ``text`` is one of ``values``; false for NULL.

    DuckDB makes a join of a long IN list or ``list_contains``, which costs more than all else that
    is done to a row.
    """
    cases = " ".join(f"when {text_literal(value)} then true" for value in values)
    return f"case {text} {cases} else false end"


def chrom_sql(contig: str) -> str:
    """Return the bare upper-case contig, one of 1..22, X, Y, MT, or NULL for any other.

    ``chr`` and a leading zero are dropped; 23, 24 and 26 are X, Y and MT, as PLINK numbers them;
    accessions of RefSeq and GenBank (``NC_000021.9``) are those of either build.
    """
    upper = f"upper(trim(cast({contig} as varchar)))"
    bare = f"ltrim(case when starts_with({upper}, 'CHR') then {upper}[4:] else {upper} end, '0')"
    # the first branch spares clean input the rest: a CASE looks only at the rows it has left
    clean, kept = one_of_sql(contig, CHROMOSOMES), one_of_sql(bare, CHROMOSOMES)
    return (
        f"case when {clean} then {contig} else case {bare} when '23' then 'X' "
        f"when '24' then 'Y' when '26' then 'MT' when 'M' then 'MT' "
        f"else case when {kept} then {bare} else {_accession_sql(upper)} end end end"
    )


def _accession_sql(contig: str) -> str:
    """Return the contig of an accession; a constant map is planned faster than a long CASE."""
    names = ", ".join(text_literal(name) for name in accessions())
    chroms = ", ".join(text_literal(chrom) for chrom, _ in accessions().values())
    return f"map([{names}], [{chroms}])[{contig}]"


def contig_rank_sql(chrom: str) -> str:
    """Return 1..25 for a contig that is kept: its place in the order of ``variant_idx``."""
    return (
        f"case {chrom} when 'X' then 23 when 'Y' then 24 when 'MT' then 25 "
        f"else cast({chrom} as integer) end"
    )


def variant_struct_sql(text: str, *, needs_alleles: bool = True) -> str:
    """Return ``struct(chrom, pos, ref, alt)`` parsed from an id; all fields empty when it is none.

    The fields are text: ``chrom`` as written (see `chrom_sql`), alleles as written. Where an id
    needs no alleles, it may be of a place (``chr1:752566``); the alleles are then empty.
    """
    pattern = VARIANT_PATTERN if needs_alleles else _PLACE_PATTERN
    return f"regexp_extract(trim({text}), {text_literal(pattern)}, ['chrom', 'pos', 'ref', 'alt'])"


def variant_id_sql(chrom: str, pos: str, ref: str, alt: str) -> str:
    """Return ``chrom_pos_ref_alt`` of four expressions; NULL as soon as one is."""
    return f"({chrom} || '_' || {pos} || '_' || {ref} || '_' || {alt})"


def variant_key_sql(text: str) -> str:
    """Return the canonical ``chrom_pos_ref_alt`` of any usual spelling of a variant, or NULL.

    Taken are ``chr22:16388891:G:A``, ``22-16388891-G-A``, ``22_16388891_G_A_b38``,
    ``1_65568_A/C`` and lower-case alleles; an allele may be ``.``, ``*`` or ``<DEL>``.
    """
    parts = variant_struct_sql(text)
    chrom = chrom_sql(f"{parts}.chrom")
    return (
        f"case when {parts}.pos <> '' then {chrom} || '_' || {parts}.pos || '_' || "
        f"upper({parts}.ref) || '_' || upper({parts}.alt) end"
    )


def rsid_sql(text: str) -> str:
    """Return the first rsID of a text in lower case (of ``RS1;rs2``, ``rs1:A:G``), or NULL."""
    pattern = "(?i)(?:^|[^a-z0-9])(rs[0-9]+)(?:$|[^a-z0-9])"
    return f"lower(nullif(regexp_extract({text}, '{pattern}', 1), ''))"


def allele_sql(allele: str) -> str:
    """Return an allele in upper case, or NULL when it is neither bases nor ``.``, ``*``, ``<>``."""
    upper = f"upper(trim({allele}))"
    return (
        f"case when {allele} in ('A', 'C', 'G', 'T') then {allele} "
        f"when regexp_full_match({upper}, {text_literal(_ALLELE)}) then {upper} end"
    )


def gene_id_sql(gene: str) -> str:
    """Return a gene id without its version; ``_PAR_Y`` copies stay genes of their own.

    Only Ensembl ids carry a version after a dot, and GENCODE a second one when it maps them to
    another build (``.5_2``): other ids come back as they are. Empty text, ``-``
    and ``NA`` are NULL.
    """
    trimmed = f"trim({gene})"
    return (
        rf"case when contains({gene}, '.') "
        rf"then nullif(regexp_replace({trimmed}, "
        r"'^(ENS[A-Z]*G[0-9]+)\.[0-9]+(_[0-9]+)?', '\1'), '.') "
        f"when {trimmed} not in ('', '-', 'NA') then {trimmed} end"
    )


def gene_version_sql(gene: str) -> str:
    """Return the version after the dot of an Ensembl gene id, or NULL."""
    version = rf"regexp_extract({gene}, '^ENS[A-Z]*G[0-9]+\.([0-9]+)', 1)"
    return f"try_cast(nullif({version}, '') as smallint)"


def missing_sql(text: str) -> str:
    """Return trimmed text, NULL when it is one of `MISSING`."""
    missing = one_of_sql(f"upper(trim({text}))", MISSING)
    return f"case when not {missing} then trim({text}) end"


def integer_sql(text: str) -> str:
    """Return text as BIGINT when it is a whole number (``1e+05``, ``7.0`` too), else NULL.

    Never rounds.
    """
    return (
        rf"case when regexp_full_match(trim({text}), '[+-]?[0-9]{{1,18}}(\.0+)?') "
        f"then try_cast(trim({text}) as bigint) "
        rf"when regexp_full_match(trim({text}), '[0-9](\.[0-9]+)?[eE]\+?[0-9]{{1,2}}') "
        f"and try_cast({text} as double) = floor(try_cast({text} as double)) "
        f"then try_cast(try_cast({text} as double) as bigint) end"
    )


def number_sql(text: str) -> str:
    """Return text as DOUBLE (NaN and infinities included, 1e-400 as 0), NULL when it is none.

    DuckDB reads the id 1_1 as 11; here it is no number.
    """
    return f"case when not contains({text}, '_') then try_cast(trim({text}) as double) end"
