-- What each combination of source scores comes to: the weighted mean and the list of sources. Pairs
-- share few combinations, so that scores are computed per combination and looked up per pair.
{%- set denominator = v2g_choice('denominator', ['all', 'present', 'available']) -%}
{%- set keys = source_keys() %}
with source_scores as (
    select
        {% for key in keys -%}
        {{ key }},
        {% endfor -%}
        source_idx,
        source_id,
        weight,
        weight_units,
        score_units
    from {{ ref('int_v2g__pattern_sources') }}
),
{% if denominator != 'present' %}
total as (
    select sum({{ weight_units('weight') }}) as weight_units
    from {{ ref('v2g_source_weights') }}
    where
        weight is not null
        {% if denominator == 'available' -%}
        and is_available
        {%- endif %}
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

{% if not is_decile_method() %}
-- thirds and the like are rounded to 1e-13 before they are summed: a tie is what is within rounding
falls as (
    select
        *,
        lag(overall_score) over (order by overall_score desc) - overall_score as fall
    from scored
    where overall_score is not null
),
{% endif %}
final as (
    select
        {% for key in keys -%}
        {{ key }},
        {% endfor -%}
        cast(row_number() over (order by {{ keys | join(', ') }}) - 1 as integer) as pattern_idx,
        {% if is_decile_method() -%}
        cast(dense_rank() over (order by overall_score desc) as integer) as score_order,
        {%- else -%}
        cast(1 + sum(case when fall > 1e-12 then 1 else 0 end) over (
            order by overall_score desc
        ) as integer) as score_order,
        {%- endif %}
        overall_score,
        n_sources,
        sources,
        cast(denominator_units as double) / 10000 as denominator
    {% if is_decile_method() -%}
    from scored
    where overall_score is not null
    {%- else -%}
    from falls
    {%- endif %}
)

select * from final
