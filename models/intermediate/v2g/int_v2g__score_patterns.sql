-- What each combination of source scores comes to: the weighted mean and the list of sources. Pairs
-- share few combinations, so that scores are computed per combination and looked up per pair.
{%- set denominator = v2g_choice('denominator', ['all', 'present', 'available']) -%}
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
        is_available,
        {{ weight_units('weight') }} as weight_units,
        {{ source_lane('source_idx') }} as lane,
        {{ source_place('source_idx') }} as place
    from {{ ref('v2g_source_weights') }}
    where weight is not null
),
{% if denominator != 'present' %}
total as (
    select sum(weight_units) as weight_units
    from weights
    {% if denominator == 'available' -%}
    where is_available
    {%- endif %}
),
{% endif %}
{%- if is_decile_method() %}
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
        case weights.lane
            {% for key in keys -%}
            when {{ loop.index0 }}
                then {{ bits_at_place('combinations.' ~ key, 'weights.place') }}
            {% endfor -%}
        end as bits
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

source_scores as (
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
),
{% else %}
items as (
    select
        packed,
        unnest(packed) as item
    from combinations
),

source_scores as (
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
),
{% endif %}
summed as (
    select
        {% for key in keys -%}
        {{ key }},
        {% endfor -%}
        sum(score_units * weight_units) as weighted_units,
        sum(weight_units) as present_units,
        cast(count(*) as integer) as n_sources,
        list(
            struct_pack(
                source_id := source_id,
                score := {{ units_to_score('score_units') }},
                weight := weight
            )
            order by source_idx
        ) as sources
    from source_scores
    group by {{ keys | join(', ') }}
),

scored as (
    select
        {% for key in keys -%}
        summed.{{ key }},
        {% endfor -%}
        summed.n_sources,
        summed.sources,
        {% if denominator == 'present' -%}
        summed.present_units as denominator_units,
        -- different denominators: ties are ties of the score rounded to its 15th decimal
        cast(round(
            cast(summed.weighted_units as double)
            / nullif(summed.present_units, 0) / 10000000000000, 15
        ) as double) as overall_score
        {%- else -%}
        total.weight_units as denominator_units,
        cast(summed.weighted_units as double)
        / (cast(nullif(total.weight_units, 0) as double) * 10000000000000) as overall_score
        {%- endif %}
    from summed
    {% if denominator != 'present' -%}
    cross join total
    {%- endif %}
),

final as (
    select
        {% for key in keys -%}
        {{ key }},
        {% endfor -%}
        cast(row_number() over (order by {{ keys | join(', ') }}) - 1 as integer) as pattern_idx,
        cast(dense_rank() over (order by overall_score desc) as integer) as score_order,
        overall_score,
        n_sources,
        sources,
        cast(denominator_units as double) / 10000 as denominator
    from scored
    where overall_score is not null
)

select * from final
