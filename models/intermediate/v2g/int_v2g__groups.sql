-- One row per (source, feature) within which scores are ranked. A missing feature is a feature.
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
    from {{ ref('int_v2g__interval_overlaps') }}
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

sources as (
    select
        source_id,
        cast(row_number() over (order by source_id) - 1 as integer) as source_idx
    from (select distinct source_id from scored_sets) as named
),

final as (
    select
        cast(row_number() over (
            order by scored_sets.source_id, scored_sets.feature, scored_sets.type_id
        ) - 1 as integer) as group_idx,
        sources.source_idx,
        scored_sets.type_id,
        scored_sets.source_id,
        scored_sets.feature
    from scored_sets
    inner join sources
        on scored_sets.source_id = sources.source_id
)

select * from final
