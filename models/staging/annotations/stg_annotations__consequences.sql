with annotations as (
    select
        variant_id,
        gene_id,
        gene_name,
        transcript_id,
        regulatory_id,
        feature_type,
        consequence_terms,
        impact,
        biotype,
        is_canonical,
        mane_select,
        protein_pos,
        amino_acids,
        sift_prediction,
        sift_score,
        polyphen_prediction,
        polyphen_score,
        scores,
        rank,
        file_rank,
        load_id
    from {{ source('house', 'annotations') }}
    where
        variant_id is not null
        and consequence_terms is not null
),

consequences as (
    select
        *,
        array_to_string(consequence_terms, ',') || coalesce('|' || impact, '') as consequence_key
    from annotations
)

select * from consequences
