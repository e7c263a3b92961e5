-- One row per (source, feature) within which scores are ranked. A missing feature is a feature.
{%- set population = v2g_choice('interval_population', ['evidence', 'records']) %}
with links as (
    select distinct
        type_id,
        source_id,
        coalesce(feature, 'unspecified') as feature
    from {{ ref('int_v2g__links') }}
),

overlapping as (
    select distinct
        type_id,
        source_id,
        coalesce(feature, 'unspecified') as feature
    {% if population == 'records' -%}
    -- ranks among intervals do not depend on the variants, and a frozen reference holds them all
    from {{ source('raw', 'intervals') }}
    {%- else -%}
    from {{ ref('int_v2g__interval_overlaps') }}
    {%- endif %}
),

scored_sets as (
    select * from links
    union
    select * from overlapping
    union
    select
        'vep' as type_id,
        'vep' as source_id,
        'unspecified' as feature
    union
    select
        'distance' as type_id,
        'canonical_tss' as source_id,
        'unspecified' as feature
),

named_sets as (
    select
        source_id,
        feature,
        -- what is computed here is found by its type; whatever else calls itself vep is not
        coalesce(
            max(case when type_id = 'distance' then type_id end),
            min(case when type_id <> 'vep' then type_id end),
            'vep'
        ) as type_id
    from scored_sets
    group by source_id, feature
),

sources as (
    select
        source_id,
        cast(row_number() over (order by source_id) - 1 as integer) as source_idx
    from (select distinct source_id from named_sets) as named
),

final as (
    select
        cast(row_number() over (
            order by named_sets.source_id, named_sets.feature
        ) - 1 as integer) as group_idx,
        sources.source_idx,
        named_sets.type_id,
        named_sets.source_id,
        named_sets.feature
    from named_sets
    inner join sources
        on named_sets.source_id = sources.source_id
)

select * from final
