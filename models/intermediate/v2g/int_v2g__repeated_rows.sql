{{ config(materialized='ephemeral') }}
-- Rows beyond the first of those that agree in variant, gene and score, where a source and feature
-- came in several files. A file's own repeats are what the published quantiles were made of, and
-- intervals as records are merged before they meet variants: neither makes a feature suspect.
with linked as (
    select
        source_id,
        coalesce(feature, 'unspecified') as feature,
        load_id
    from {{ ref('int_v2g__links') }}
),

interval_features as (
    select distinct
        source_id,
        coalesce(feature, 'unspecified') as feature
    from {{ source('raw', 'intervals') }}
),

linked_features as (
    select
        source_id,
        feature
    from linked
    group by source_id, feature
    having min(load_id) <> max(load_id)
    union
    select
        interval_features.source_id,
        interval_features.feature
    from interval_features
    where exists (
        select 1
        from linked
        where
            linked.source_id = interval_features.source_id
            and linked.feature = interval_features.feature
    )
),

suspects as (
    select
        groups.group_idx,
        groups.source_id,
        groups.feature
    from {{ ref('int_v2g__groups') }} as groups
    inner join linked_features
        on groups.source_id = linked_features.source_id
        and groups.feature = linked_features.feature
),

repeated as (
    select
        evidence.group_idx,
        count(*) - 1 as n
    from {{ ref('int_v2g__evidence') }} as evidence
    where evidence.group_idx in (select suspects.group_idx from suspects)
    group by evidence.group_idx, evidence.variant_idx, evidence.gene_idx, evidence.score
    having count(*) > 1
),

final as (
    select
        suspects.source_id,
        suspects.feature,
        sum(repeated.n) as n
    from repeated
    inner join suspects
        on repeated.group_idx = suspects.group_idx
    group by suspects.source_id, suspects.feature
)

select * from final
