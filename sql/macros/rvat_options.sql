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

{# Shapes of the Beta density that the weight of variance tests is; null for any other weight. #}
{% macro rvat_kernel_maf_beta() -%}
    {%- if var('skat_weight') | trim == 'maf_beta' -%}
    [{{ var('maf_beta_shape') | join(', ') }}]
    {%- else -%}
    null
    {%- endif -%}
{%- endmacro %}
