with variants as (
    select
        variant_idx,
        variant_id,
        chrom,
        pos,
        inheritance
    from {{ ref('int_qc__variants') }}
),

donors as (
    select
        sex,
        count(*) as n_donors
    from {{ ref('genotype_donors') }}
    group by sex
),

-- what each sex has at a locus: two copies, one, or none
ploidies as (
    select
        inheritances.inheritance,
        donors.sex,
        donors.n_donors,
        inheritances.inheritance = 'mitochondrial'
        or inheritances.inheritance = 'y_linked'
        or (inheritances.inheritance = 'x_linked' and donors.sex is not distinct from 1)
        as is_haploid
    from (select distinct variants.inheritance from variants) as inheritances
    cross join donors
    where
        inheritances.inheritance <> 'y_linked'
        or donors.sex is distinct from 2
),

groups as (
    select
        variants.variant_idx,
        ploidies.is_haploid,
        ploidies.sex is null as is_of_unknown_sex,
        ploidies.n_donors,
        coalesce(counts.n_rows, 0) as n_rows,
        coalesce(counts.n_measured, 0) as n_measured,
        coalesce(counts.n_zero, 0) as n_zero,
        coalesce(counts.n_one, 0) as n_one,
        coalesce(counts.n_two, 0) as n_two,
        coalesce(
            case when ploidies.is_haploid then counts.n_haploid_units else counts.n_units end, 0
        ) as n_units
    from variants
    inner join ploidies
        on variants.inheritance = ploidies.inheritance
    -- a variant at which nobody differs from the reference has no rows
    left join {{ ref('int_qc__variant_counts') }} as counts
        on variants.variant_idx = counts.variant_idx
        and ploidies.sex is not distinct from counts.sex
),

counts as (
    select
        variant_idx,
        bool_or(is_of_unknown_sex) as has_unknown_sex,
        cast(sum(n_donors) as bigint) as n_donors,
        cast(sum(n_donors - n_rows + n_measured) as bigint) as n_called,
        cast(sum(
            (n_donors - n_rows + n_measured) * case when is_haploid then 1 else 2 end
        ) as bigint) as an,
        cast(sum(n_units) as bigint) as n_units,
        cast(coalesce(sum(n_donors - n_rows + n_zero) filter (where not is_haploid), 0) as bigint)
        as n_hom_ref,
        cast(coalesce(sum(n_one) filter (where not is_haploid), 0) as bigint) as n_het,
        cast(coalesce(sum(n_two) filter (where not is_haploid), 0) as bigint) as n_hom_alt,
        cast(coalesce(sum(n_donors - n_rows + n_zero) filter (where is_haploid), 0) as bigint)
        as n_hap_ref,
        cast(coalesce(sum(n_one + n_two) filter (where is_haploid), 0) as bigint) as n_hap_alt
    from groups
    group by variant_idx
),

judged as (
    select
        variants.variant_idx,
        variants.variant_id,
        variants.chrom,
        variants.pos,
        coalesce(counts.n_donors, 0) as n_donors,
        coalesce(counts.n_called, 0) as n_called,
        coalesce(counts.an, 0) as an,
        {{ units_to_dosage('coalesce(counts.n_units, 0)') }} as ac,
        coalesce(counts.n_hom_ref, 0) as n_hom_ref,
        coalesce(counts.n_het, 0) as n_het,
        coalesce(counts.n_hom_alt, 0) as n_hom_alt,
        coalesce(counts.n_hap_ref, 0) as n_hap_ref,
        coalesce(counts.n_hap_alt, 0) as n_hap_alt,
        case
            when coalesce(counts.n_called, 0) = 0 then 'no_calls'
            when variants.inheritance in ('y_linked', 'mitochondrial') then 'haploid'
            when variants.inheritance = 'x_linked' and counts.has_unknown_sex then 'sex_unknown'
            when variants.inheritance = 'x_linked' then 'females_only'
            else 'ok'
        end as status
    from variants
    -- no donors, no groups
    left join counts
        on variants.variant_idx = counts.variant_idx
),

tested as materialized (
    select
        variant_idx,
        case
            when status in ('ok', 'females_only') then hwe_test(n_hom_ref, n_het, n_hom_alt)
        end as hwe
    from judged
)

select
    judged.variant_idx,
    judged.variant_id,
    judged.chrom,
    judged.pos,
    judged.n_donors,
    judged.n_called,
    judged.n_donors - judged.n_called as n_missing,
    (judged.n_donors - judged.n_called) / nullif(judged.n_donors, 0) as missingness,
    judged.n_hom_ref,
    judged.n_het,
    judged.n_hom_alt,
    judged.n_hap_ref,
    judged.n_hap_alt,
    judged.ac,
    judged.an,
    judged.ac / nullif(judged.an, 0) as af,
    least(judged.ac, judged.an - judged.ac) as mac,
    least(judged.ac, judged.an - judged.ac) / nullif(judged.an, 0) as maf,
    tested.hwe.p_value as hwe_p_value,
    tested.hwe.mid_p_value as hwe_mid_p_value,
    tested.hwe.log10p as hwe_log10p,
    judged.status
from judged
inner join tested
    on judged.variant_idx = tested.variant_idx
