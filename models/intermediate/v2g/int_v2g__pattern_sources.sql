{{ config(materialized='ephemeral') }}
-- Every combination of source scores that a pair has, taken apart: one row per source of it.
{%- set keys = source_keys() %}
with combinations as (
    select distinct {{ keys | join(', ') }}
    from {{ ref('int_v2g__pairs') }}
),

weights as (
    select
        source_idx,
        source_id,
        weight,
        {{ weight_units('weight') }} as weight_units
    from {{ ref('v2g_source_weights') }}
    -- a source without weight has no say
    where weight is not null
),
{% if is_decile_method() %}
consequence_steps as (
    select distinct
        step,
        score
    from {{ ref('int_v2g__consequence_terms') }}
    where step is not null
),

placed as (
    select
        {% for key in keys -%}
        combinations.{{ key }},
        {% endfor -%}
        weights.source_idx,
        weights.source_id,
        weights.weight,
        weights.weight_units,
        {{ source_bits('combinations', 'weights.source_idx') }} as bits
    from combinations
    cross join weights
    where weights.source_idx is not null
),

stepped as (
    select
        *,
        {{ step_of_bits('bits') }} as step
    from placed
    where bits > 0
),

final as (
    select
        {% for key in keys -%}
        stepped.{{ key }},
        {% endfor -%}
        stepped.source_idx,
        stepped.source_id,
        stepped.weight,
        stepped.weight_units,
        {% if v2g_choice('vep', ['raw', 'quantile']) == 'raw' -%}
        case
            when stepped.source_id = 'vep' then {{ score_units('consequence_steps.score') }}
            else stepped.step * {{ score_units(0.1) }}
        end as score_units
        {%- else -%}
        stepped.step * {{ score_units(0.1) }} as score_units
        {%- endif %}
    from stepped
    left join consequence_steps
        on stepped.step = consequence_steps.step
)
{% else %}
items as (
    select
        packed,
        unnest(packed) as item
    from combinations
),

final as (
    select
        items.packed,
        weights.source_idx,
        weights.source_id,
        weights.weight,
        weights.weight_units,
        {{ packed_source_units('items.item') }} as score_units
    from items
    inner join weights
        on {{ packed_source_idx('items.item') }} = weights.source_idx
)
{% endif %}
select * from final
