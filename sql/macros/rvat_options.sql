{# The tests beside the burdens, and how weighted dosages become a burden. #}
{% macro rvat_tests() -%}
    {{- return(var_choices('rvat_tests', ['skat', 'skat_o', 'acat_v'], least=0)) -}}
{%- endmacro %}

{% macro rvat_aggregations() -%}
    {{- return(var_choices('aggregations', ['sum', 'mean', 'max'])) -}}
{%- endmacro %}

{# Shapes of the Beta density that maf_beta is. #}
{% macro rvat_beta_shape() -%}
    {%- set shape = var('maf_beta_shape') -%}
    {%- if shape is not sequence or shape | length != 2
        or shape | select('number') | reject('boolean') | list != shape or shape | min <= 0 -%}
        {{- exceptions.raise_compiler_error(
            "maf_beta_shape is '" ~ shape ~ "', wanted two numbers above 0"
        ) -}}
    {%- endif -%}
    {{- return(shape) -}}
{%- endmacro %}

{# Place of the weight of variance tests among the weights. #}
{% macro rvat_kernel_weight() -%}
    {%- set weights = var_list('weights') -%}
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
    [{{ rvat_beta_shape() | join(', ') }}]
    {%- else -%}
    cast(null as double[])
    {%- endif -%}
{%- endmacro %}

{# Whose allele frequency is compared with the cut-offs. #}
{% macro rvat_maf_donors() -%}
    {{- return(var_choice('maf_donors', ['tested', 'genotyped'])) -}}
{%- endmacro %}

{# Which consequence masks go by: that picked for the gene, that picked for the variant, or the
   first row of the file. #}
{% macro rvat_consequence_from() -%}
    {%- set annotations = var_choice('rvat_annotations', ['gene', 'first_of_variant']) -%}
    {%- set per = var_choice('annotation_pick_per', ['gene', 'variant']) -%}
    {{- return(per if annotations == 'gene' else 'first_row') -}}
{%- endmacro %}
