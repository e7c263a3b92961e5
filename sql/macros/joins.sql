{# Bins that a closed interval touches, one row each after unnest: joining on chromosome and bin
   and then keeping the exact bounds turns a range join into a hash join. #}
{% macro bins(start_pos, end_pos) -%}
    unnest(generate_series(
        ({{ start_pos }}) // {{ var_whole('bin_width_bp', 1, 300000000) }},
        ({{ end_pos }}) // {{ var_whole('bin_width_bp', 1, 300000000) }}
    ))
{%- endmacro %}

{% macro bin(pos) -%}
    ({{ pos }}) // {{ var_whole('bin_width_bp', 1, 300000000) }}
{%- endmacro %}
