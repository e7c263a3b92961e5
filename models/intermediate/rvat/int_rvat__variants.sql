-- Variants that vary among the donors of a design, with their frequency there. Common variants of
-- the whole cohort are read only where a cut-off or a smaller design can make them rare.
{%- set largest = rvat_cut_offs() | max %}
{%- set maf_donors = rvat_maf_donors() %}
with donors as (
    select
        design_idx,
        donor_idx
    from {{ ref('int_rvat__design_donors') }}
),

sizes as (
    select
        design_idx,
        count(*) as n_donors
    from donors
    group by design_idx
),

genotyped as (
    select count(*) as n_donors
    from {{ source('raw', 'donors') }}
    where is_genotyped
),

donors_of_all_calls as (
    select
        donors.design_idx,
        donors.donor_idx
    from donors
    inner join sizes
        on donors.design_idx = sizes.design_idx
    cross join genotyped
    where sizes.n_donors < genotyped.n_donors or {{ largest }} > 0.05
),

rare as (
    select
        donors.design_idx,
        calls.variant_idx,
        false as is_common,
        count(*) filter (where calls.dosage is null) as n_missing,
        cast(coalesce(sum({{ dosage_units('calls.dosage') }}), 0) as bigint) as n_units
    from {{ source('raw', 'genotypes_rare') }} as calls
    inner join donors
        on calls.donor_idx = donors.donor_idx
    group by donors.design_idx, calls.variant_idx
),

common as (
    select
        donors_of_all_calls.design_idx,
        calls.variant_idx,
        true as is_common,
        count(*) filter (where calls.dosage is null) as n_missing,
        cast(coalesce(sum({{ dosage_units('calls.dosage') }}), 0) as bigint) as n_units
    from {{ source('raw', 'genotypes_common') }} as calls
    inner join donors_of_all_calls
        on calls.donor_idx = donors_of_all_calls.donor_idx
    group by donors_of_all_calls.design_idx, calls.variant_idx
),

counted as (
    select * from rare
    union all
    select * from common
),

measured as (
    select
        counted.design_idx,
        counted.variant_idx,
        counted.is_common,
        sizes.n_donors - counted.n_missing as n_called,
        counted.n_missing,
        {{ units_to_dosage('counted.n_units') }} as copies
    from counted
    inner join sizes
        on counted.design_idx = sizes.design_idx
    where sizes.n_donors > counted.n_missing
),

{% if maf_donors == 'genotyped' -%}
cohort as (
    select
        calls.variant_idx,
        cast(coalesce(sum({{ dosage_units('calls.dosage') }}), 0) as bigint) as n_units,
        any_value(genotyped.n_donors) - count(*) filter (where calls.dosage is null) as n_called
    from (
        select * from {{ source('raw', 'genotypes_rare') }}
        union all
        select * from {{ source('raw', 'genotypes_common') }}
    ) as calls
    cross join genotyped
    group by calls.variant_idx
),

cohort_frequencies as (
    select
        variant_idx,
        {{ units_to_dosage('n_units') }} as copies,
        -- not 1 less a frequency: a cut-off is exclusive to the last bit
        least(copies, 2 * n_called - copies) / (2 * n_called) as maf
    from cohort
    where n_called > 0
),
{%- endif %}

frequencies as (
    select
        measured.*,
        least(measured.copies, 2 * measured.n_called - measured.copies)
        / (2 * measured.n_called) as tested_maf,
        {% if maf_donors == 'genotyped' -%}
        cohort_frequencies.maf
        {%- else -%}
        tested_maf as maf
        {%- endif %}
    from measured
    {% if maf_donors == 'genotyped' -%}
    inner join cohort_frequencies
        on measured.variant_idx = cohort_frequencies.variant_idx
    {%- endif %}
)

select
    frequencies.design_idx,
    frequencies.variant_idx,
    variants.variant_id,
    variants.chrom,
    variants.pos,
    frequencies.is_common,
    frequencies.n_called,
    frequencies.n_missing,
    frequencies.copies as alt_copies,
    frequencies.maf,
    frequencies.tested_maf,
    frequencies.copies > frequencies.n_called
    and {{ 'true' if var('fold_minor_allele') else 'false' }} as is_flipped,
    {{ beta_density('frequencies.maf', rvat_beta_shape()[0], rvat_beta_shape()[1]) }}
    as maf_beta
from frequencies
inner join {{ source('raw', 'variants') }} as variants
    on frequencies.variant_idx = variants.variant_idx
where
    frequencies.tested_maf > 0
    and frequencies.maf < {{ largest }}
