with variants as (
    select
        variant_idx,
        variant_id,
        chrom,
        pos,
        genotype_load_id
    from {{ source('raw', 'variants') }}
),

genotyped as (
    select
        variant_idx,
        variant_id,
        chrom,
        pos
    from variants
    where genotype_load_id is not null
)

select * from genotyped
