"""Which allele an effect is of, and which of the two is the reference, as SQL expressions.

They read the columns of the CTEs in `varhouse.ingest.sumstats.staging`.
"""

from __future__ import annotations

from varhouse.ingest.keys import allele_sql, chrom_sql, integer_sql, variant_id_sql

CODED_ALLELES = ("1", "2", "3", "4")
"""Numbers that old PLINK files have instead of bases; they are kept as they are."""


def place_sql(found: frozenset[str]) -> str:
    """Return ``chrom`` and ``pos``: of their columns, else of the variant id."""
    sources = [
        names
        for names, column in ((("contig", "position"), "pos"), (("id.chrom", "id.pos"), "variant"))
        if column in found
    ]
    chroms = ", ".join(chrom_sql(chrom) for chrom, _ in sources)
    positions = ", ".join(f"try_cast({integer_sql(pos)} as integer)" for _, pos in sources)
    return f"coalesce({chroms}) as chrom, coalesce({positions}) as pos"


def alleles_sql(found: frozenset[str]) -> str:
    """Return ``effect`` and ``other``, and ``id_ref`` and ``id_alt`` of the variant id."""
    has_id = "variant" in found
    id_ref, id_alt = (_allele(f"id.{name}") if has_id else "null" for name in ("ref", "alt"))
    if "effect" in found:
        effect = _allele("effect_cell")
        others = [_allele("other_cell")] if "other" in found else []
        if {"ref", "alt"} <= found:
            others.append(_the_other(effect, _allele("ref_cell"), _allele("alt_cell")))
        if has_id:
            others.append(_the_other(effect, id_ref, id_alt))
        other = f"coalesce({', '.join(others)})" if others else "null"
    elif {"ref", "alt"} <= found:
        effect, other = _allele("alt_cell"), _allele("ref_cell")
    else:
        effect, other = id_alt, id_ref
    return (
        f"cast({effect} as varchar) as effect, cast({other} as varchar) as other, "
        f"cast({id_ref} as varchar) as id_ref, cast({id_alt} as varchar) as id_alt"
    )


def _the_other(effect: str, ref: str, alt: str) -> str:
    return f"case {effect} when {ref} then {alt} when {alt} then {ref} end"


def _allele(text: str) -> str:
    coded = ", ".join(f"'{code}'" for code in CODED_ALLELES)
    # NA would pass for bases, N and A, and a dot, nothing here, for VCF's absent ALT
    return (
        f"case when upper(trim({text})) not in ('NA', '.') then coalesce({allele_sql(text)}, "
        f"case when trim({text}) in ({coded}) then trim({text}) end) end"
    )


def stated_ref_sql(found: frozenset[str]) -> str:
    """Return the allele that the file says is the reference, or NULL when it says nothing usable.

    A column of its own, the flag ``ref_allele`` of GWAS-SSF, or a variant id, which everywhere is
    chrom_pos_ref_alt; an id of another position (of another build) says nothing.
    """
    said = []
    if "ref" in found:
        said.append(_allele("ref_cell"))
    if "ref_is" in found:
        said.append("case ref_is when 'EA' then effect when 'OA' then other end")
    if "variant" in found:
        at = f"try_cast({integer_sql('id.pos')} as integer)"
        said.append(f"case when {at} = pos then id_ref end")
    usable = [f"case when {ref} in (effect, other) then {ref} end" for ref in said]
    return f"coalesce({', '.join([*usable, 'cast(null as varchar)'])})"


COMPLETED = """
    select located.* replace (coalesce(located.other, sole.other) as other)
    from located
    left join (
        select
            chrom,
            pos,
            effect,
            any_value(other) as other
        from (
            select chrom, pos, alt as effect, ref as other
            from raw.variants
            union all
            select chrom, pos, ref as effect, alt as other
            from raw.variants
        )
        group by chrom, pos, effect
        having count(*) = 1
    ) as sole
        on located.chrom = sole.chrom
        and located.pos = sole.pos
        and case when located.other is null then located.effect end = sole.effect
"""
"""SELECT from the CTE ``located``: the other allele, where the row has none, is that of the one
variant of the index at its position with its effect allele; NULL when there is none, or several.
"""


def oriented_sql(*, with_index: bool, by_rsid: bool) -> str:
    """Return a SELECT from the CTE ``placed`` that adds ``is_flipped`` and ``alleles_from``.

    ``is_flipped`` says that the effect allele is the reference. The variant index decides where it
    has the variant one way round only.
    """
    as_stated = "coalesce(stated_ref = effect, false)"
    from_file = "case when stated_ref is null then 'assumed' else 'file' end"
    if not with_index:
        return f"select *, {as_stated} as is_flipped, {from_file} as alleles_from from placed"
    forward = variant_id_sql("placed.chrom", "placed.pos", "placed.other", "placed.effect")
    backward = variant_id_sql("placed.chrom", "placed.pos", "placed.effect", "placed.other")
    columns, joined = "placed.*", "placed"
    if by_rsid:
        columns = (
            "placed.* replace (coalesce(placed.chrom, named.chrom) as chrom, "
            "coalesce(placed.pos, named.pos) as pos, "
            "coalesce(placed.stated_ref, named.ref) as stated_ref)"
        )
        joined = """placed left join named
            on placed.pos is null and placed.rsid = named.rsid
            and least(placed.effect, placed.other) = named.first_allele
            and greatest(placed.effect, placed.other) = named.second_allele"""
    named = """
        select
            rsid,
            least(ref, alt) as first_allele,
            greatest(ref, alt) as second_allele,
            arg_min(chrom, variant_id) as chrom,
            arg_min(pos, variant_id) as pos,
            arg_min(ref, variant_id) as ref
        from raw.variants
        where rsid is not null
        group by rsid, first_allele, second_allele
    """
    head = f"with named as ({named}), placed as (select {columns} from {joined})" if by_rsid else ""
    return f"""
        {head}
        select
            placed.*,
            case
                when forward.variant_id is not null and backward.variant_id is null then false
                when backward.variant_id is not null and forward.variant_id is null then true
                else {as_stated}
            end as is_flipped,
            case
                when (forward.variant_id is null) <> (backward.variant_id is null)
                    then 'variant index'
                else {from_file}
            end as alleles_from
        from placed
        left join raw.variants as forward on {forward} = forward.variant_id
        left join raw.variants as backward on {backward} = backward.variant_id
    """
