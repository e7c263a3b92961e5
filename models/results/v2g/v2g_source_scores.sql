{{ config(materialized='view') }}
with source_scores as (
    select
        variant_idx,
        gene_idx,
        source_idx,
        score_units,
        group_idx
    from {{ ref('int_v2g__source_scores') }}
),

final as (
    select
        variants.variant_id,
        genes.gene_id,
        weights.source_id,
        {{ units_to_score('source_scores.score_units') }} as score,
        weights.weight,
        groups.feature
    from source_scores
    inner join {{ ref('int_v2g__variants') }} as variants
        on source_scores.variant_idx = variants.variant_idx
    inner join {{ ref('int_v2g__genes') }} as genes
        on source_scores.gene_idx = genes.gene_idx
    inner join {{ ref('int_v2g__groups') }} as groups
        on source_scores.group_idx = groups.group_idx
    inner join {{ ref('v2g_source_weights') }} as weights
        on source_scores.source_idx = weights.source_idx
)

select * from final
