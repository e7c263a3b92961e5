-- Cut points of a group side by side. A score's tenth is how many of above_0 .. above_9 it exceeds:
-- above_k is the highest reference score whose quantile is at most k tenths.
with cut_points as (
    select
        groups.group_idx,
        cut_points.score_upper,
        cut_points.quantile,
        max(cut_points.quantile) over (partition by groups.group_idx) as top_quantile
    from {{ ref('v2g_cut_points') }} as cut_points
    inner join {{ ref('int_v2g__groups') }} as groups
        on cut_points.source_id = groups.source_id
        and cut_points.feature = groups.feature
),

thresholds as (
    select
        group_idx,
        {% for step in range(10) -%}
        case
            when {{ step }} >= round(max(top_quantile) * 10) then cast('Infinity' as double)
            else coalesce(
                max(case when round(quantile * 10) <= {{ step }} then score_upper end),
                cast('-Infinity' as double)
            )
        end as above_{{ step }}
        {%- if not loop.last %},{% endif %}
        {% endfor %}
    from cut_points
    group by group_idx
)

select * from thresholds
