with variants as (
    select
        variant_idx,
        variant_id,
        chrom,
        pos
    from {{ ref('stg_genotypes__variants') }}
),

builds as (
    select genome_build from {{ source('raw', 'genome_build') }}
),

regions as (
    select
        chrom,
        start_pos,
        end_pos
    from {{ ref('pseudoautosomal_regions') }}
    where genome_build in (select builds.genome_build from builds)
),

inherited as (
    select
        variants.variant_idx,
        variants.variant_id,
        variants.chrom,
        variants.pos,
        case
            when variants.chrom not in ('X', 'Y', 'MT') then 'autosomal'
            when regions.chrom is not null then 'pseudoautosomal'
            when variants.chrom = 'X' then 'x_linked'
            when variants.chrom = 'Y' then 'y_linked'
            else 'mitochondrial'
        end as inheritance
    from variants
    left join regions
        on variants.chrom = regions.chrom
        and variants.pos between regions.start_pos and regions.end_pos
)

select * from inherited
