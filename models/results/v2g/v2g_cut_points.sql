-- depends_on: {{ ref('int_v2g__score_counts') }}, {{ ref('int_v2g__groups') }}
-- depends_on: {{ source('raw', 'quantile_reference') }}
-- The quantile reference: in each group, the highest score of each quantile step (of sklearn10:
-- its nodes). A new score takes the quantile of the first step that reaches up to it.
{%- set method = v2g_quantile_method() -%}
{%- set constant = v2g_constant() -%}
{%- set reference_id = var('v2g_reference') -%}
{% if reference_id is not none %}
with reference as (
    select
        quantile_method,
        source_id,
        feature,
        score_upper,
        quantile,
        n_rows
    from {{ source('raw', 'quantile_reference') }}
    where
        reference_id = '{{ reference_id | replace("'", "''") }}'
        and quantile_method = {{ v2g_reference_method() }}
)

select * from reference
{% else %}
with counts as (
    select
        group_idx,
        score,
        n_rows
    from {{ ref('int_v2g__score_counts') }}
),

totals as (
    select
        group_idx,
        cast(sum(n_rows) as bigint) as n_total,
        count(*) as n_scores
    from counts
    group by group_idx
),

cumulated as (
    select
        counts.group_idx,
        counts.score,
        counts.n_rows,
        cast(sum(counts.n_rows) over (
            partition by counts.group_idx
            order by counts.score
            rows between unbounded preceding and current row
        ) as bigint) - counts.n_rows as n_below,
        totals.n_total,
        totals.n_scores
    from counts
    inner join totals
        on counts.group_idx = totals.group_idx
),
{% if method == 'sklearn10' %}
node_ranks as (
    select
        group_idx,
        n_total,
        node,
        least(n_total, 10) as n_nodes,
        -- position of the node in the sorted rows, 0-based; linear between neighbours
        cast(node * (n_total - 1) as double) / greatest(least(n_total, 10) - 1, 1) as position
    from (
        select
            group_idx,
            n_total,
            unnest(generate_series(0, cast(least(n_total, 10) - 1 as bigint))) as node
        from (
            select distinct
                group_idx,
                n_total
            from cumulated
            {% if constant != 'method' -%}
            where n_scores > 1
            {%- endif %}
        ) as groups
    ) as nodes
),

node_scores as (
    select
        node_ranks.group_idx,
        node_ranks.n_total,
        node_ranks.node,
        node_ranks.n_nodes,
        node_ranks.position - floor(node_ranks.position) as fraction,
        max(case
            when cumulated.n_below <= floor(node_ranks.position) then cumulated.score
        end) as lower_score,
        max(case
            when cumulated.n_below <= ceil(node_ranks.position) then cumulated.score
        end) as upper_score
    from node_ranks
    inner join cumulated
        on node_ranks.group_idx = cumulated.group_idx
    group by
        node_ranks.group_idx,
        node_ranks.n_total,
        node_ranks.node,
        node_ranks.n_nodes,
        node_ranks.position
),

steps as (
    select
        group_idx,
        lower_score + (upper_score - lower_score) * fraction as score_upper,
        cast(node as double) / greatest(n_nodes - 1, 1) as quantile,
        cast(n_total as bigint) as n_rows
    from node_scores
    {% if constant != 'method' -%}
    union all
    select
        group_idx,
        score as score_upper,
        cast({{ constant }} as double) as quantile,
        n_total as n_rows
    from cumulated
    where n_scores = 1
    {%- endif %}
),
{% else %}
valued as (
    select
        group_idx,
        score,
        n_total,
        {% if constant == 'method' -%}
        {{ quantile_of_counts('n_below', 'n_rows', 'n_total') }}
        {%- else -%}
        case
            when n_scores = 1 then cast({{ constant }} as double)
            else {{ quantile_of_counts('n_below', 'n_rows', 'n_total') }}
        end
        {%- endif %} as quantile
    from cumulated
),

steps as (
    select
        group_idx,
        max(score) as score_upper,
        quantile,
        cast(max(n_total) as bigint) as n_rows
    from valued
    group by group_idx, quantile
),
{% endif %}
final as (
    select
        {{ v2g_reference_method() }} as quantile_method,
        groups.source_id,
        groups.feature,
        steps.score_upper,
        steps.quantile,
        steps.n_rows
    from steps
    inner join {{ ref('int_v2g__groups') }} as groups
        on steps.group_idx = groups.group_idx
)

select * from final
{% endif %}
