{{ config(materialized='view') }}
with scores as (
    select
        variant_idx,
        gene_idx,
        overall_score,
        rank,
        n_sources,
        denominator,
        percents,
        others
    from {{ ref('int_v2g__scores') }}
),

source_names as (
    select distinct
        source_idx,
        source_id
    from {{ ref('int_v2g__groups') }}
),

sources as (
    -- source_idx is dense, so a list finds a source by its place
    select
        list(struct_pack(source_id := source_names.source_id, weight := weights.weight)
            order by source_names.source_idx) as by_idx
    from source_names
    left join {{ ref('v2g_source_weights') }} as weights
        on source_names.source_idx = weights.source_idx
),

final as (
    select
        variants.variant_id,
        genes.gene_id,
        genes.gene_name,
        scores.overall_score,
        scores.rank,
        scores.n_sources,
        case
            when scores.others is null then source_lists.sources
            else list_sort(list_concat(source_lists.sources, list_transform(
                scores.others,
                lambda item: struct_pack(
                    source_id := sources.by_idx[ -- noqa: RF02
                        {{ packed_source_idx("item") }} + 1
                    ].source_id,
                    score := {{ units_to_score(packed_source_units('item')) }}, -- noqa: RF02
                    weight := sources.by_idx[ -- noqa: RF02
                        {{ packed_source_idx("item") }} + 1
                    ].weight
                )
            )))
        end as sources,
        scores.denominator,
        {{ v2g_profile_id() }} as profile_id,
        {% if var('v2g_reference') is none -%}
        'dataset'
        {%- else -%}
        '{{ var("v2g_reference") | replace("'", "''") }}'
        {%- endif %} as reference_id
    from scores
    cross join sources
    left join {{ ref('int_v2g__source_lists') }} as source_lists
        on scores.percents = source_lists.percents
    inner join {{ ref('int_v2g__variants') }} as variants
        on scores.variant_idx = variants.variant_idx
    inner join {{ ref('int_v2g__genes') }} as genes
        on scores.gene_idx = genes.gene_idx
)

select * from final
