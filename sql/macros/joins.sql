{# Bins that a closed interval touches, one row each after unnest: joining on chromosome and bin
   and then keeping the exact bounds turns a range join into a hash join. #}
{% macro bins(start_pos, end_pos) -%}
    unnest(generate_series(
        ({{ start_pos }}) // {{ var('bin_width_bp') }},
        ({{ end_pos }}) // {{ var('bin_width_bp') }}
    ))
{%- endmacro %}

{% macro bin(pos) -%}
    ({{ pos }}) // {{ var('bin_width_bp') }}
{%- endmacro %}
