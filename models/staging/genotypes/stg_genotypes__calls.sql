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
    select * from rare
    union all
    select * from common
)

select * from calls
