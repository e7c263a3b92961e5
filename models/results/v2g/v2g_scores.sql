{{ config(materialized='view') }}
with scores as (
    select
        variant_idx,
        gene_idx,
        overall_score,
        rank,
        n_sources,
        denominator,
        sources
    from {{ ref('int_v2g__scores') }}
),

final as (
    select
        variants.variant_id,
        genes.gene_id,
        genes.gene_name,
        scores.overall_score,
        scores.rank,
        scores.n_sources,
        scores.sources,
        scores.denominator,
        {{ v2g_profile_id() }} as profile_id,
        {% if var('v2g_reference') is none -%}
        'dataset'
        {%- else -%}
        '{{ var("v2g_reference") | replace("'", "''") }}'
        {%- endif %} as reference_id
    from scores
    inner join {{ ref('int_v2g__variants') }} as variants
        on scores.variant_idx = variants.variant_idx
    inner join {{ ref('int_v2g__genes') }} as genes
        on scores.gene_idx = genes.gene_idx
)

select * from final
