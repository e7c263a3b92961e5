{{ config(materialized='view') }}
with scores as (
    select
        variant_idx,
        gene_idx,
        overall_score,
        rank,
        n_sources,
        denominator,
        {{ source_list_keys() | join(',\n        ') }}
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
        source_lists.sources,
        scores.denominator,
        {{ v2g_profile_id() }} as profile_id,
        {% if var('v2g_reference') is none -%}
        'dataset'
        {%- else -%}
        '{{ var("v2g_reference") | replace("'", "''") }}'
        {%- endif %} as reference_id
    from scores
    inner join {{ ref('int_v2g__source_lists') }} as source_lists
        on
        {%- for key in source_list_keys() %}
        {% if not loop.first %}and {% endif -%}
        scores.{{ key }} = source_lists.{{ key }}
        {%- endfor %}
    inner join {{ ref('int_v2g__variants') }} as variants
        on scores.variant_idx = variants.variant_idx
    inner join {{ ref('int_v2g__genes') }} as genes
        on scores.gene_idx = genes.gene_idx
)

select * from final
