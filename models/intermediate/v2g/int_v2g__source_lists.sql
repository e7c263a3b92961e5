-- The list of sources that each combination of percents stands for. Pairs share few of them, so
-- that reading v2g_scores looks a list up instead of making it.
with combinations as (
    select distinct percents
    from {{ ref('int_v2g__scores') }}
    where percents is not null
),

weights as (
    select
        source_idx,
        source_id,
        weight,
        {{ source_place('source_idx') }} as place
    from {{ ref('v2g_source_weights') }}
    where source_idx < {{ n_source_places() }}
),

listed as (
    select
        combinations.percents,
        weights.source_idx,
        weights.source_id,
        weights.weight,
        combinations.percents // weights.place % 128 as percent_plus_one
    from combinations
    cross join weights
),

final as (
    select
        percents,
        list(
            struct_pack(
                source_id := source_id,
                score := cast(percent_plus_one - 1 as double) / 100,
                weight := weight
            )
            order by source_idx
        ) as sources
    from listed
    where percent_plus_one > 0
    group by percents
)

select * from final
