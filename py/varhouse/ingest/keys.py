"""SQL expressions for the keys of the house: contigs, variant ids, gene ids.

Each function takes SQL expressions as text and returns one, so that every loader reads keys by
the same rule. The SQL function ``variant_key(text)`` says the same for users.
"""

from __future__ import annotations

from varhouse.ingest.builds import CHROMOSOMES

_ALLELE = r"(?:[ACGTN]+|\.|\*|<[^<>\s]+>)"
# One contig, one position, two alleles between : _ - or /; GTEx adds the build at the end.
VARIANT_PATTERN = (
    r"(?i)^(?:chr)?0?([1-9]|1[0-9]|2[0-46]|X|Y|MT?)"
    r"[:_-]0*([1-9][0-9]{0,8})"
    rf"[:_-]({_ALLELE})[:_/>-]({_ALLELE})"
    r"(?:_b3[78])?$"
)


def text_literal(value: str) -> str:
    """Return ``value`` as an SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def chrom_sql(contig: str) -> str:
    """Return the bare upper-case contig, one of 1..22, X, Y, MT, or NULL for any other.

    ``chr`` and a leading zero are dropped; 23, 24 and 26 are X, Y and MT, as PLINK numbers them.
    """
    upper = f"upper(trim(cast({contig} as varchar)))"
    bare = f"ltrim(case when starts_with({upper}, 'CHR') then {upper}[4:] else {upper} end, '0')"
    kept = ", ".join(f"'{name}'" for name in CHROMOSOMES)
    return (
        f"case {bare} when '23' then 'X' when '24' then 'Y' when '26' then 'MT' "
        f"when 'M' then 'MT' else case when {bare} in ({kept}) then {bare} end end"
    )


def contig_rank_sql(chrom: str) -> str:
    """Return 1..25 for a contig that is kept: its place in the order of ``variant_idx``."""
    return (
        f"case {chrom} when 'X' then 23 when 'Y' then 24 when 'MT' then 25 "
        f"else cast({chrom} as integer) end"
    )


def variant_struct_sql(text: str) -> str:
    """Return ``struct(chrom, pos, ref, alt)`` parsed from an id; all fields empty when it is none.

    The fields are text: ``chrom`` as written (see `chrom_sql`), alleles as written.
    """
    return (
        f"regexp_extract(trim({text}), {text_literal(VARIANT_PATTERN)}, "
        "['chrom', 'pos', 'ref', 'alt'])"
    )


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


def allele_sql(allele: str) -> str:
    """Return an allele in upper case, or NULL when it is neither bases nor ``.``, ``*``, ``<>``."""
    upper = f"upper(trim({allele}))"
    return f"case when regexp_full_match({upper}, {text_literal(_ALLELE)}) then {upper} end"


def gene_id_sql(gene: str) -> str:
    """Return a gene id without its version; ``_PAR_Y`` copies stay genes of their own.

    Only Ensembl ids carry a version after a dot: other ids come back as they are. Empty text, ``-``
    and ``NA`` are NULL.
    """
    return (
        rf"nullif(nullif(nullif(regexp_replace(trim({gene}), '^(ENS[A-Z]*G[0-9]+)\.[0-9]+', '\1'), "
        "''), '-'), 'NA')"
    )


def gene_version_sql(gene: str) -> str:
    """Return the version after the dot of an Ensembl gene id, or NULL."""
    return rf"try_cast(nullif(regexp_extract({gene}, '^ENS[A-Z]*G[0-9]+\.([0-9]+)', 1), '') as smallint)"


def missing_sql(text: str) -> str:
    r"""Return trimmed text with the usual spellings of "not there" (``NA``, ``.``, ``\N``) as NULL."""
    return (
        f"case when upper(trim({text})) in ('', 'NA', '#NA', 'N/A', '.', '-', '\\N', 'NULL', 'NONE') "
        f"then null else trim({text}) end"
    )


def integer_sql(text: str) -> str:
    """Return text as BIGINT when it is a whole number (``1e+05`` too), else NULL; never rounds."""
    return (
        f"case when regexp_full_match(trim({text}), '[+-]?[0-9]{{1,18}}') "
        f"then try_cast(trim({text}) as bigint) "
        rf"when regexp_full_match(trim({text}), '[0-9](\.[0-9]+)?[eE]\+?[0-9]{{1,2}}') "
        f"and try_cast({text} as double) = floor(try_cast({text} as double)) "
        f"then try_cast(try_cast({text} as double) as bigint) end"
    )


def number_sql(text: str) -> str:
    """Return text as DOUBLE (NaN and infinities included, 1e-400 as 0), NULL when it is none."""
    return f"try_cast(trim({text}) as double)"
