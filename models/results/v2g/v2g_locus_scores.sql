-- Gene scores of a study's locus: tags weighted by posterior probability, else by r2.
with tags as (
    select
        study_id,
        lead_variant_id,
        tag_variant_id,
        -- two files may name a tag: a posterior counts before the r2 of the other
        coalesce(max(posterior), max(r2)) as tag_weight
    from {{ source('raw', 'tags') }}
    group by study_id, lead_variant_id, tag_variant_id
),

scores as (
    select
        variants.variant_id,
        genes.gene_id,
        patterns.overall_score
    from {{ ref('int_v2g__scores') }} as scores
    inner join {{ ref('int_v2g__score_patterns') }} as patterns
        on scores.pattern_idx = patterns.pattern_idx
    inner join {{ ref('int_v2g__variants') }} as variants
        on scores.variant_idx = variants.variant_idx
    inner join {{ ref('int_v2g__genes') }} as genes
        on scores.gene_idx = genes.gene_idx
),

summed as (
    select
        tags.study_id,
        tags.lead_variant_id,
        scores.gene_id,
        sum({{ score_units('tags.tag_weight * scores.overall_score') }}) as units,
        count(*) as n_tags
    from tags
    inner join scores
        on tags.tag_variant_id = scores.variant_id
    group by tags.study_id, tags.lead_variant_id, scores.gene_id
),

final as (
    select
        study_id,
        lead_variant_id,
        gene_id,
        {{ units_to_score('units') }} as score,
        cast(units as double) / nullif(cast(sum(units) over (
            partition by study_id, lead_variant_id
        ) as double), 0) as normalised_score,
        rank() over (
            partition by study_id, lead_variant_id
            order by units desc
        ) as rank,
        n_tags
    from summed
)

select * from final
