{{ config(materialized='view') }}
with scores as (
    select
        variant_idx,
        gene_idx,
        overall_score,
        rank,
        n_sources,
        denominator,
        packed
    from {{ ref('int_v2g__scores') }}
),

names as (
    select
        map_from_entries(
            list(row(source_idx, struct_pack(source_id := source_id, weight := weight)))
        ) as by_idx
    from {{ ref('v2g_source_weights') }}
    where source_idx is not null
),

final as (
    select
        variants.variant_id,
        genes.gene_id,
        genes.gene_name,
        scores.overall_score,
        scores.rank,
        scores.n_sources,
        list_sort(list_transform(
            scores.packed,
            lambda item: struct_pack(
                source_id := names.by_idx[item % 65536].source_id, -- noqa: RF02
                score := {{ units_to_score(packed_units('item')) }}, -- noqa: RF02
                weight := names.by_idx[item % 65536].weight -- noqa: RF02
            )
        )) as sources,
        scores.denominator,
        {{ v2g_profile_id() }} as profile_id,
        {% if var('v2g_reference') is none -%}
        'dataset'
        {%- else -%}
        '{{ var("v2g_reference") | replace("'", "''") }}'
        {%- endif %} as reference_id
    from scores
    cross join names
    inner join {{ ref('int_v2g__variants') }} as variants
        on scores.variant_idx = variants.variant_idx
    inner join {{ ref('int_v2g__genes') }} as genes
        on scores.gene_idx = genes.gene_idx
)

select * from final
