{% macro v2g_quantile_method() -%}
    {{- return(v2g_choice(
        'quantile', ['percent_rank', 'decile_ceil', 'midrank', 'percent_rank_raw', 'sklearn10']
    )) -}}
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
    cast(
        {%- for step in range(10) %}
        cast({{ score }} > {{ thresholds }}.above_{{ step }} as integer)
        {%- if not loop.last %} +{% endif -%}
        {%- endfor %} as double
    ) / 10
{%- endmacro %}
