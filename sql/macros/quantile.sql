{% macro v2g_quantile_method() -%}
    {{- return(v2g_choice(
        'quantile', ['percent_rank', 'decile_ceil', 'midrank', 'percent_rank_raw', 'sklearn10']
    )) -}}
{%- endmacro %}

{# Quantile of a group whose scores are all equal: `method`, or a number instead of the method's. #}
{% macro v2g_constant() -%}
    {%- set chosen = v2g_option('constant') -%}
    {%- if chosen == 'method'
        or (chosen is number and chosen is not boolean and 0 <= chosen <= 1) -%}
        {{- return(chosen) -}}
    {%- endif -%}
    {{- exceptions.raise_compiler_error(
        "v2g_constant is '" ~ chosen ~ "', wanted method or a number from 0 to 1"
    ) -}}
{%- endmacro %}

{# The methods whose values are tenths: ten thresholds a group are enough to apply them. #}
{% macro is_decile_method() -%}
    {{- return(v2g_quantile_method() in ['percent_rank', 'decile_ceil', 'midrank']) -}}
{%- endmacro %}

{# Quantile of a score of which n_rows rows are equal and n_below rows lower, among n_total rows.
   Integer arithmetic with rounding half up: no float decides a decile. #}
{% macro quantile_of_counts(n_below, n_rows, n_total) -%}
    {%- set method = v2g_quantile_method() -%}
    {%- if method == 'percent_rank' -%}
    case
        when {{ n_total }} = 1 then 0.0
        else cast(
            (20 * {{ n_below }} + {{ n_total }} - 1) // (2 * ({{ n_total }} - 1)) as double
        ) / 10
    end
    {%- elif method == 'decile_ceil' -%}
    cast(10 * {{ n_below }} // {{ n_total }} + 1 as double) / 10
    {%- elif method == 'midrank' -%}
    cast(
        (10 * (2 * {{ n_below }} + {{ n_rows }}) + {{ n_total }}) // (2 * {{ n_total }}) as double
    ) / 10
    {%- elif method == 'percent_rank_raw' -%}
    case
        when {{ n_total }} = 1 then 0.0
        else cast({{ n_below }} as double) / ({{ n_total }} - 1)
    end
    {%- else -%}
    {{- exceptions.raise_compiler_error("no closed form for quantile method " ~ method) -}}
    {%- endif -%}
{%- endmacro %}

{# Tenth of a score from the ten thresholds of its group: how many of them it exceeds. #}
{% macro tenth_above(score, thresholds) -%}
    (
        {%- for step in range(10) %}
        cast({{ score }} > {{ thresholds }}.above_{{ step }} as integer)
        {%- if not loop.last %} +{% endif -%}
        {%- endfor %}
    )
{%- endmacro %}

{# The same as bits, one for no tenth to eleven for ten: see source_keys. #}
{% macro tenth_bits(score, thresholds) -%}
    case
        {%- for step in range(9, -1, -1) %}
        when {{ score }} > {{ thresholds }}.above_{{ step }} then {{ 2 ** (step + 2) - 1 }}
        {%- endfor %}
        else 1
    end
{%- endmacro %}

{# The CTE `quantiles`: rows of another CTE (with group_idx and score among its columns) with the
   quantile of their score, as a number and in the integer units that sums are made of. Computed
   as the rows stream by, so that both the scores and v2g_evidence can ask for it. #}
{% macro quantiles_of(rows) -%}
    {%- set method = v2g_quantile_method() -%}
    {%- set tenth = tenth_above(rows ~ '.score', 'thresholds') -%}
    {%- if is_decile_method() -%}
quantiles as (
    select
        {{ rows }}.*,
        cast({{ tenth }} as double) / 10 as quantile,
        cast({{ tenth }} as bigint) * {{ score_units(0.1) }} as quantile_units
    from {{ rows }}
    inner join {{ ref('int_v2g__thresholds') }} as thresholds
        on {{ rows }}.group_idx = thresholds.group_idx
)
    {%- else -%}
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
{% if method == 'percent_rank_raw' %}
tops as (
    select
        group_idx,
        max(score_upper) as score_upper
    from cut_points
    group by group_idx
),

placed as (
    select
        {{ rows }}.*,
        cut_points.quantile
    from {{ rows }}
    inner join tops
        on {{ rows }}.group_idx = tops.group_idx
    asof join cut_points
        on {{ rows }}.group_idx = cut_points.group_idx
        -- a score above the whole reference counts as its highest
        and least({{ rows }}.score, tops.score_upper) <= cut_points.score_upper
),
{% else %}
nodes as (
    select
        group_idx,
        list_sort(list(score_upper)) as scores,
        max(quantile) as highest
    from cut_points
    group by group_idx
),

among_nodes as (
    select
        {{ rows }}.*,
        nodes.scores as node_scores,
        nodes.highest,
        len(nodes.scores) as n_nodes,
        len(list_filter(nodes.scores, lambda node: node < {{ rows }}.score)) as n_lower,
        len(list_filter(nodes.scores, lambda node: node <= {{ rows }}.score)) as n_not_higher
    from {{ rows }}
    inner join nodes
        on {{ rows }}.group_idx = nodes.group_idx
),

placed as (
    select
        *,
        case
            -- one row, or equal rows whose quantile the option constant gives
            when n_nodes = 1 then highest
            when n_lower = 0 then 0.0
            when n_not_higher = n_nodes then 1.0
            -- on a node, or on several equal ones: the mean of the first and the last of them
            when n_not_higher > n_lower
                then (n_lower + n_not_higher - 1) / 2.0 / (n_nodes - 1)
            else (
                n_lower - 1
                + (score - node_scores[n_lower])
                / (node_scores[n_lower + 1] - node_scores[n_lower])
            ) / (n_nodes - 1)
        end as quantile
    from among_nodes
),
{% endif %}
quantiles as (
    select
        placed.*,
        {{ score_units('quantile') }} as quantile_units
    from placed
)
    {%- endif -%}
{%- endmacro %}
