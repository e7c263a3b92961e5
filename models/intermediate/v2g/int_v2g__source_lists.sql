-- The list of sources that each combination of source scores stands for. Pairs share few of them,
-- so that reading v2g_scores looks a list up instead of making it.
with combinations as (
    select distinct {{ source_list_keys() | join(', ') }}
    from {{ ref('int_v2g__scores') }}
),

weights as (
    select
        source_idx,
        source_id,
        weight,
        {{ source_lane('source_idx') }} as lane,
        {{ source_place('source_idx') }} as place
    from {{ ref('v2g_source_weights') }}
    where source_idx is not null
),
{% if is_decile_method() %}
places as (
    select
        {% for key in source_list_keys() -%}
        combinations.{{ key }},
        {% endfor -%}
        weights.source_idx,
        weights.source_id,
        weights.weight,
        case weights.lane
            {% for key in source_list_keys() -%}
            when {{ loop.index0 }}
                then {{ percent_plus_one('combinations.' ~ key, 'weights.place') }}
            {% endfor -%}
        end as percent_plus_one
    from combinations
    cross join weights
),

scored as (
    select
        {% for key in source_list_keys() -%}
        {{ key }},
        {% endfor -%}
        source_idx,
        source_id,
        weight,
        cast(percent_plus_one - 1 as double) / 100 as score
    from places
    where percent_plus_one > 0
),
{% else %}
items as (
    select
        packed,
        unnest(packed) as item
    from combinations
),

scored as (
    select
        items.packed,
        weights.source_idx,
        weights.source_id,
        weights.weight,
        {{ units_to_score(packed_source_units('items.item')) }} as score
    from items
    inner join weights
        on {{ packed_source_idx('items.item') }} = weights.source_idx
),
{% endif %}
final as (
    select
        {% for key in source_list_keys() -%}
        {{ key }},
        {% endfor -%}
        list(
            struct_pack(source_id := source_id, score := score, weight := weight)
            order by source_idx
        ) as sources
    from scored
    group by {{ source_list_keys() | join(', ') }}
)

select * from final
