with annotations as (
    select
        variant_id,
        gene_id,
        sift_score,
        polyphen_score,
        scores,
        load_id
    from {{ source('house', 'annotations') }}
    where variant_id is not null
),

scores as (
    select
        variant_id,
        gene_id,
        unnest(map_keys(scores)) as score_name,
        unnest(map_values(scores)) as score,
        load_id
    from annotations
    union all
    select
        variant_id,
        gene_id,
        'SIFT' as score_name,
        sift_score as score,
        load_id
    from annotations
    where sift_score is not null
    union all
    select
        variant_id,
        gene_id,
        'PolyPhen' as score_name,
        polyphen_score as score,
        load_id
    from annotations
    where polyphen_score is not null
)

select * from scores
