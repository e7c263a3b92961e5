with evidence as (
    select
        variant_id,
        gene_id,
        type_id,
        feature,
        load_id
    from {{ source('raw', 'evidence') }}
),

consequences as (
    select
        variant_id,
        gene_id,
        feature as consequence_term,
        load_id
    from evidence
    where type_id = 'vep'
)

select * from consequences
