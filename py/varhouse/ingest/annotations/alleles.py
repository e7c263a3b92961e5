"""Which variant a line of annotation is about: its site, and the ALT that an allele stands for."""

from __future__ import annotations

from typing import Literal

from varhouse.ingest.keys import VARIANT_PATTERN, chrom_sql
from varhouse.sql_text import text_literal

AlleleRule = Literal["vep", "vcf"]
"""How a tool spells an allele: as VEP does, or as the ALT column of the VCF does."""

# chrom_pos_ref_alt, and with it the ids of sites with several ALTs: chrom_pos_ref_alt1_alt2
_SITE_PATTERN = (
    VARIANT_PATTERN.removesuffix(r"(?:_b3[78])?$") + r"((?:[_,/][ACGTN*]+)*)(?:_b3[78])?$"
)


def site_of_id_sql(id_text: str) -> str:
    """Return ``struct(chrom, pos, ref, alts)`` of a variant's id, NULL when it is a mere name.

    All fields are text, alleles in upper case.
    """
    parts = (
        f"regexp_extract(trim({id_text}), {text_literal(_SITE_PATTERN)}, "
        "['chrom', 'pos', 'ref', 'alt', 'more'])"
    )
    return (
        f"case when {parts}.pos <> '' then struct_pack(chrom := {parts}.chrom, pos := {parts}.pos, "
        f"ref := upper({parts}.ref), alts := list_filter(string_split_regex("
        f"upper({parts}.alt) || upper({parts}.more), '[_,/]'), lambda alt: alt <> '')) end"
    )


# VEP looks for the place that it shifts an indel to within so many bases.
_MAX_SHIFT = 1000


def checked_site_sql(site: str, name: str, place: str) -> str:
    """Return the column ``site``, `site_of_id_sql` of a name; NULL when that is a mere name.

    It is one when it lies elsewhere than VEP's location, as an id from before a liftover does, and
    when VEP made it up (``1_101_TT/T/TTT``) of an indel whose first base it may have taken off.
    VEP 115.2 writes whole alleles behind the place of the trimmed ones: ``1_101_A/AT`` is 100 A AT.
    """
    contig = f"string_split({place}, ':')[1]"
    start = f"try_cast(string_split(string_split({place}, ':')[2], '-')[1] as bigint)"
    ref, alts, pos = f"{site}.ref", f"{site}.alts", f"try_cast({site}.pos as bigint)"
    is_snv = f"length({ref}) = 1 and list_max(list_transform({alts}, lambda a: length(a))) = 1"
    is_there = (
        f"{chrom_sql(f'{site}.chrom')} = {chrom_sql(contig)} and case when {is_snv} "
        f"then {pos} = {start} else abs({pos} - {start}) <= {_MAX_SHIFT} + length({ref}) end"
    )
    is_own = (
        # an insertion lies between VEP's two bases, and is called by the second
        f"contains({name}, '/') and {pos} - {start} in (0, 1) and (len({alts}) > 1 "
        f"and len(list_filter({alts}, lambda alt: length(alt) <> length({ref}))) > 0 "
        f"or {_is_padded_sql(ref, alts + '[1]')})"
    )
    # a branch of its own for what nearly all are: an SNV where VEP's location is
    is_plain = (
        f"length({ref}) = 1 and len({alts}) = 1 and length({alts}[1]) = 1 "
        f"and ends_with({place}, {site}.chrom || ':' || {site}.pos) "
        f"and length({place}) - length({site}.chrom || {site}.pos) in (1, 4)"
    )
    return f"case when {is_plain} then {site} when {is_there} and not ({is_own}) then {site} end"


def _is_padded_sql(ref: str, alt: str) -> str:
    """Return whether the alleles of an indel begin or end alike: one of them may be shorter yet."""
    return (
        f"(length({ref}) <> length({alt}) "
        f"and ({ref}[1] = {alt}[1] or right({ref}, 1) = right({alt}, 1)))"
    )


def site_of_vcf_sql(fields: str) -> str:
    """Return the site of a VCF line split at its tabs, NULL when the text is no such line."""
    return (
        f"case when len({fields}) >= 5 and regexp_full_match({fields}[4], '[ACGTNacgtn]+') "
        f"then struct_pack(chrom := {fields}[1], pos := {fields}[2], ref := upper({fields}[4]), "
        f"alts := string_split(upper({fields}[5]), ',')) end"
    )


def site_of_place_sql(place: str, ref: str, allele: str) -> str:
    """Return the site told by VEP's location, reference and allele.

    NULL for indels, whose VCF spelling needs the base before them.
    """
    bases = "'[ACGTNacgtn]+'"
    upper_ref, upper_allele = f"upper({ref})", f"upper({allele})"
    return (
        f"case when regexp_full_match({ref}, {bases}) and regexp_full_match({allele}, {bases}) "
        f"and not {_is_padded_sql(upper_ref, upper_allele)} "
        f"then struct_pack(chrom := string_split({place}, ':')[1], "
        f"pos := string_split(string_split({place}, ':')[2], '-')[1], "
        f"ref := upper({ref}), alts := [upper({allele})]) end"
    )


def reference_of_uploaded_sql(uploaded: str, allele: str) -> str:
    """Return the reference of VEP's UPLOADED_ALLELE, NULL where ``allele`` is spelled otherwise.

    Since VEP 115.2 it has the alleles of the input (``A/AT``), while ``allele`` is trimmed (``T``).
    """
    parts = f"string_split(upper({uploaded}), '/')"
    is_alike = (
        f"list_contains({parts}[2:], upper({allele})) and (len({parts}) = 2 or "
        f"len(list_filter({parts}, lambda each: length(each) <> length({parts}[1]))) = 0)"
    )
    return f"case when {is_alike} then {parts}[1] end"


def alt_sql(site: str, allele: str, number: str, seen: str, rule: AlleleRule) -> str:
    """Return the ALT of a site that ``allele`` stands for, NULL when none or several fit.

    VEP takes the first base off all alleles of a site with an indel, ``*`` excepted, when they
    share it; nothing left is ``-``. Run with ``--minimal``, and in versions 115.0 and 115.1
    always, it trims each pair of REF and ALT. Where the two disagree, the alleles that all rows
    of the site name (``seen``, in upper case) tell.
    """
    ref, alts, wanted = f"{site}.ref", f"{site}.alts", f"upper(trim({allele}))"
    numbered = f"{alts}[try_cast({number} as integer)]"
    if rule == "vcf":
        choices = [numbered, f"{alts}[list_position({alts}, {wanted})]"]
    else:
        names = (
            f"case when {_is_trimmed_sql(ref, alts)} then list_transform({alts}, lambda alt: "
            f"case when contains(alt, '*') then alt else coalesce(nullif(alt[2:], ''), '-') end) "
            f"else {alts} end"
        )
        fitting = f"list_filter({alts}, lambda alt: {_minimal_sql(ref, 'alt')} = {wanted})"
        named = (
            "case when len(fitting) = 0 or fitting = [by_name] or list_has_all("
            f"{seen}, list_filter(names, lambda each: not contains(each, '*'))) then by_name "
            "when by_name is null and len(fitting) = 1 then fitting[1] end"
        )
        named = _let(f"{alts}[list_position(names, {wanted})]", "by_name", named)
        named = _let(names, "names", named)
        choices = [numbered, _let(fitting, "fitting", named)]
    return f"case when len({alts}) = 1 then {alts}[1] else coalesce({', '.join(choices)}) end"


def _is_trimmed_sql(ref: str, alts: str) -> str:
    bases = f"list_filter(list_append({alts}, {ref}), lambda alt: not contains(alt, '*'))"
    return (
        f"len(list_filter({alts}, lambda alt: length(alt) <> length({ref}))) > 0 and "
        f"len(list_distinct(list_transform({bases}, lambda alt: left(alt, 1)))) = 1"
    )


def _let(value: str, name: str, expression: str) -> str:
    """Return ``expression`` in which ``name`` stands for ``value``, written and computed once."""
    return f"list_transform([{value}], lambda {name}: {expression})[1]"


def _minimal_sql(ref: str, alt: str) -> str:
    """Return what is left of ALT when its shared start, then its shared end with REF is cut off."""
    rest = "cut_alt[:length(cut_alt) - shared_end]"
    rest = _let(
        _shared_sql(f"reverse({ref}[shared_start + 1:])", "reverse(cut_alt)"), "shared_end", rest
    )
    rest = _let(f"{alt}[shared_start + 1:]", "cut_alt", rest)
    rest = _let(_shared_sql(ref, alt), "shared_start", rest)
    return f"coalesce(nullif({rest}, ''), '-')"


def _shared_sql(one: str, other: str) -> str:
    """Return how many letters two texts have in common at their start."""
    return (
        f"coalesce(list_max(list_filter(range(1, least(length({one}), length({other})) + 1), "
        f"lambda n: left({one}, n) = left({other}, n))), 0)"
    )
