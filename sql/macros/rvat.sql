{# Frequency cut-offs: numbers above 0. #}
{% macro rvat_cut_offs() -%}
    {%- for max_maf in as_list(var('max_maf')) -%}
        {%- if max_maf is not number or not 0 < max_maf <= 1 -%}
            {{- exceptions.raise_compiler_error(
                "max_maf has '" ~ max_maf ~ "', wanted a frequency above 0, at most 1"
            ) -}}
        {%- endif -%}
    {%- else -%}
        {{- exceptions.raise_compiler_error("max_maf is empty, wanted a frequency or several") -}}
    {%- endfor -%}
    {{- return(as_list(var('max_maf'))) -}}
{%- endmacro %}

{# The variant sets of a gene: every mask with every frequency cut-off. #}
{% macro rvat_sets() -%}
    {%- set found = namespace(sets=[]) -%}
    {%- for mask in var('masks') -%}
        {%- for max_maf in rvat_cut_offs() -%}
            {%- set found.sets = found.sets + [{'mask': mask, 'max_maf': max_maf}] -%}
        {%- endfor -%}
    {%- else -%}
        {{- exceptions.raise_compiler_error(
            "masks is empty, wanted at least one, such as {all: {}}"
        ) -}}
    {%- endfor -%}
    {{- return(found.sets) -}}
{%- endmacro %}

{# Names of annotation scores among the factors of the weights, such as CADD_RAW. #}
{% macro rvat_score_names() -%}
    {%- set known = ['uniform', 'maf_beta', 'tss_distance', 'tss_distance_exp', 'v2g'] -%}
    {%- set found = namespace(names=[]) -%}
    {%- for weight in as_list(var('weights')) -%}
        {%- for factor in weight.split('*') -%}
            {%- if factor | trim not in known and factor | trim not in found.names -%}
                {%- set found.names = found.names + [factor | trim] -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for mask in var('masks').values() -%}
        {%- for name in (mask.get('min_score') or {}) -%}
            {%- if name not in found.names -%}
                {%- set found.names = found.names + [name] -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(found.names) -}}
{%- endmacro %}

{# Whether some weight has the V2G score of the pair as a factor. #}
{% macro rvat_uses_v2g() -%}
    {{- return('v2g' in (as_list(var('weights')) | join('*')).replace(' ', '').split('*')) -}}
{%- endmacro %}

{# Whether some mask asks for consequences. #}
{% macro rvat_uses_consequences() -%}
    {%- set found = namespace(any=false) -%}
    {%- for mask in var('masks').values() -%}
        {%- if mask.get('consequence') or mask.get('impact') -%}
            {%- set found.any = true -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found.any) -}}
{%- endmacro %}

{# One factor of a weight. #}
{% macro rvat_factor(name) -%}
    {%- if name == 'uniform' -%}
    cast(1.0 as double)
    {%- elif name == 'maf_beta' -%}
    windows.maf_beta
    {%- elif name == 'tss_distance' -%}
    cast(windows.distance_bp as double)
    {%- elif name == 'tss_distance_exp' -%}
    exp(-1e-5 * windows.distance_bp)
    {%- elif name == 'v2g' -%}
    v2g.overall_score
    {%- else -%}
    coalesce(gene_scores.score_{{ rvat_score_names().index(name) }},
        variant_scores.score_{{ rvat_score_names().index(name) }})
    {%- endif -%}
{%- endmacro %}

{# A weight: a factor, or several with * between them. #}
{% macro rvat_weight(weight) -%}
    {%- for factor in weight.split('*') -%}
    {{ rvat_factor(factor | trim) }}{% if not loop.last %} * {% endif %}
    {%- endfor -%}
{%- endmacro %}

{# What a mask asks of a pair; a mask that asks for nothing takes every variant. #}
{% macro rvat_mask(mask) -%}
    {%- set found = namespace(conditions=[]) -%}
    {%- for key in mask -%}
        {%- if key not in ['consequence', 'impact', 'min_score'] -%}
            {{- exceptions.raise_compiler_error(
                "a mask has '" ~ key ~ "', wanted: consequence, impact, min_score"
            ) -}}
        {%- endif -%}
    {%- endfor -%}
    {%- if mask.get('consequence') -%}
        {%- set found.conditions = found.conditions + [
            'coalesce(list_has_any(consequences.consequence_terms, ['
            ~ quoted_list(as_list(mask['consequence'])) ~ ']), false)'
        ] -%}
    {%- endif -%}
    {%- if mask.get('impact') -%}
        {%- set found.conditions = found.conditions + [
            'coalesce(consequences.impact in (' ~ quoted_list(as_list(mask['impact'])) ~ '), false)'
        ] -%}
    {%- endif -%}
    {%- for name, least in (mask.get('min_score') or {}).items() -%}
        {%- set found.conditions = found.conditions + [
            'coalesce(' ~ rvat_factor(name) ~ ' >= ' ~ least ~ ', false)'
        ] -%}
    {%- endfor -%}
    {{ found.conditions | join(' and ') if found.conditions else 'true' }}
{%- endmacro %}

{# Density of the Beta(a, b) distribution. #}
{% macro beta_density(x, a, b) -%}
    exp(
        lgamma({{ a }} + {{ b }}) - lgamma({{ a }}) - lgamma({{ b }})
        + ({{ a }} - 1.0) * ln({{ x }}) + ({{ b }} - 1.0) * ln(1.0 - {{ x }})
    )
{%- endmacro %}

{# -log10 of a p-value given as its natural logarithm; never -0. #}
{% macro log10p(log_p) -%}
    case when {{ log_p }} is not null then greatest(0.0, -{{ log_p }} / ln(10.0)) end
{%- endmacro %}
