with evidence as (
    select
        variant_id,
        gene_id,
        type_id,
        source_id,
        feature,
        interval_score,
        load_id
    from {{ source('raw', 'evidence') }}
),

links as (
    select
        variant_id,
        gene_id,
        type_id,
        source_id,
        feature,
        interval_score as score,
        load_id
    from evidence
    where type_id not in ('eqtl', 'pqtl', 'sqtl', 'vep', 'distance')
)

select * from links
