{# Place of the weight of variance tests among the weights. #}
{% macro rvat_kernel_weight() -%}
    {%- set weights = as_list(var('weights')) -%}
    {%- if var('skat_weight') not in weights -%}
        {{- exceptions.raise_compiler_error(
            "skat_weight is '" ~ var('skat_weight') ~ "', wanted one of the var weights: "
            ~ (weights | join(', '))
        ) -}}
    {%- endif -%}
    {{- return(weights.index(var('skat_weight'))) -}}
{%- endmacro %}
