-- Weighted mean over sources and rank within the variant, on integer keys and integer sums.
{%- set denominator = v2g_choice('denominator', ['all', 'present', 'available']) %}
with source_scores as (
    select
        variant_idx,
        gene_idx,
        source_idx,
        score_units
    from {{ ref('int_v2g__source_scores') }}
),

weights as (
    select
        source_idx,
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
weighted as (
    select
        source_scores.variant_idx,
        source_scores.gene_idx,
        sum(source_scores.score_units * weights.weight_units) as weighted_units,
        sum(weights.weight_units) as present_units,
        cast(count(*) as integer) as n_sources,
        {% if is_decile_method() -%}
        {% for key in source_list_keys() -%}
        bit_or(case
            when weights.lane = {{ loop.index0 }}
                then {{ percent_at_place('source_scores.score_units', 'weights.place') }}
            else 0
        end) as {{ key }}
        {%- if not loop.last %},{% endif %}
        {% endfor %}
        {%- else -%}
        list_sort(list(
            {{ pack_source('source_scores.source_idx', 'source_scores.score_units') }}
        )) as packed
        {%- endif %}
    from source_scores
    inner join weights
        on source_scores.source_idx = weights.source_idx
    group by source_scores.variant_idx, source_scores.gene_idx
),

scored as (
    select
        weighted.variant_idx,
        weighted.gene_idx,
        weighted.n_sources,
        {% for key in source_list_keys() -%}
        weighted.{{ key }},
        {% endfor -%}
        {% if denominator == 'present' -%}
        weighted.present_units as denominator_units,
        -- different denominators: ties are ties of the score rounded to its 15th decimal
        cast(round(
            cast(weighted.weighted_units as double)
            / nullif(weighted.present_units, 0) / 10000000000000, 15
        ) as double) as overall_score
        {%- else -%}
        total.weight_units as denominator_units,
        cast(weighted.weighted_units as double)
        / (cast(nullif(total.weight_units, 0) as double) * 10000000000000) as overall_score
        {%- endif %}
    from weighted
    {% if denominator != 'present' -%}
    cross join total
    {%- endif %}
),

final as (
    select
        variant_idx,
        gene_idx,
        overall_score,
        rank() over (
            partition by variant_idx
            order by overall_score desc
        ) as rank,
        n_sources,
        {% for key in source_list_keys() -%}
        {{ key }},
        {% endfor -%}
        cast(denominator_units as double) / 10000 as denominator
    from scored
    where overall_score is not null
)

select * from final
order by variant_idx
