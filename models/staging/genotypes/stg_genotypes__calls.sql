with rare as (
    select
        variant_idx,
        donor_idx,
        dosage
    from {{ source('raw', 'genotypes_rare') }}
),

common as (
    select
        variant_idx,
        donor_idx,
        dosage
    from {{ source('raw', 'genotypes_common') }}
),

calls as (
    select
        variant_idx,
        donor_idx,
        dosage
    from rare
    union all
    select
        variant_idx,
        donor_idx,
        dosage
    from common
)

select * from calls
