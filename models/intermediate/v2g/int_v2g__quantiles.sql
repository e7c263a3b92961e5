{{ config(materialized='ephemeral') }}
-- Ranked evidence with its quantile, computed as it streams by.
{%- set method = v2g_quantile_method() %}
with evidence as (
    select
        variant_idx,
        gene_idx,
        group_idx,
        source_idx,
        score,
        beta,
        se,
        p_value,
        load_id
    from {{ ref('int_v2g__evidence') }}
    union all
    select
        distances.variant_idx,
        distances.gene_idx,
        groups.group_idx,
        groups.source_idx,
        {{ distance_score('distances.distance_bp') }} as score,
        cast(null as double) as beta,
        cast(null as double) as se,
        cast(null as double) as p_value,
        cast(null as integer) as load_id
    from {{ ref('int_v2g__distances') }} as distances
    inner join {{ ref('int_v2g__groups') }} as groups
        on groups.type_id = 'distance'
),

{% if is_decile_method() %}
quantiles as (
    select
        evidence.*,
        {{ tenth_above('evidence.score', 'thresholds') }} as quantile
    from evidence
    inner join {{ ref('int_v2g__thresholds') }} as thresholds
        on evidence.group_idx = thresholds.group_idx
)
{% elif method == 'percent_rank_raw' %}
cut_points as (
    select
        groups.group_idx,
        cut_points.score_upper,
        cut_points.quantile
    from {{ ref('v2g_cut_points') }} as cut_points
    inner join {{ ref('int_v2g__groups') }} as groups
        on cut_points.source_id = groups.source_id
        and cut_points.feature = groups.feature
),

tops as (
    select
        group_idx,
        max(score_upper) as score_upper
    from cut_points
    group by group_idx
),

quantiles as (
    select
        evidence.*,
        cut_points.quantile
    from evidence
    inner join tops
        on evidence.group_idx = tops.group_idx
    asof join cut_points
        on evidence.group_idx = cut_points.group_idx
        -- a score above the whole reference counts as its highest
        and least(evidence.score, tops.score_upper) <= cut_points.score_upper
)
{% else %}
nodes as (
    select
        groups.group_idx,
        list_sort(list(cut_points.score_upper)) as scores
    from {{ ref('v2g_cut_points') }} as cut_points
    inner join {{ ref('int_v2g__groups') }} as groups
        on cut_points.source_id = groups.source_id
        and cut_points.feature = groups.feature
    group by groups.group_idx
),

placed as (
    select
        evidence.*,
        nodes.scores,
        len(nodes.scores) as n_nodes,
        len(list_filter(nodes.scores, lambda node: node < evidence.score)) as n_lower,
        len(list_filter(nodes.scores, lambda node: node <= evidence.score)) as n_not_higher
    from evidence
    inner join nodes
        on evidence.group_idx = nodes.group_idx
),

quantiles as (
    select
        variant_idx,
        gene_idx,
        group_idx,
        source_idx,
        score,
        beta,
        se,
        p_value,
        load_id,
        case
            when n_lower = 0 then 0.0
            when n_not_higher = n_nodes then 1.0
            -- on a node, or on several equal ones: the mean of the first and the last of them
            when n_not_higher > n_lower
                then (n_lower + n_not_higher - 1) / 2.0 / (n_nodes - 1)
            else (
                n_lower - 1
                + (score - scores[n_lower]) / (scores[n_lower + 1] - scores[n_lower])
            ) / (n_nodes - 1)
        end as quantile
    from placed
)
{% endif %}

select * from quantiles
