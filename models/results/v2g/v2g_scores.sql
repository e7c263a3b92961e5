{{ config(materialized='view') }}
with scores as (
    select
        variant_idx,
        gene_idx,
        pattern_idx,
        rank
    from {{ ref('int_v2g__scores') }}
),

final as (
    select
        variants.variant_id,
        genes.gene_id,
        genes.gene_name,
        patterns.overall_score,
        scores.rank,
        patterns.n_sources,
        patterns.sources,
        patterns.denominator,
        {{ v2g_profile_id() }} as profile_id,
        {% if var('v2g_reference') is none -%}
        'dataset'
        {%- else -%}
        '{{ var("v2g_reference") | replace("'", "''") }}'
        {%- endif %} as reference_id
    from scores
    inner join {{ ref('int_v2g__score_patterns') }} as patterns
        on scores.pattern_idx = patterns.pattern_idx
    inner join {{ ref('int_v2g__variants') }} as variants
        on scores.variant_idx = variants.variant_idx
    inner join {{ ref('int_v2g__genes') }} as genes
        on scores.gene_idx = genes.gene_idx
)

select * from final
