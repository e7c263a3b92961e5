{# Frequency cut-offs: numbers above 0. #}
{% macro rvat_cut_offs() -%}
    {%- set cut_offs = var_list('max_maf') -%}
    {%- for max_maf in cut_offs -%}
        {%- if max_maf is not number or max_maf is boolean or not 0 < max_maf <= 1 -%}
            {{- exceptions.raise_compiler_error(
                "max_maf has '" ~ max_maf ~ "', wanted a frequency above 0, at most 1"
            ) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(cut_offs) -}}
{%- endmacro %}

{# The masks by name, each a mapping of what it asks for. #}
{% macro rvat_masks() -%}
    {%- set masks = var('masks') -%}
    {%- if masks is not mapping or not masks -%}
        {{- exceptions.raise_compiler_error(
            "masks is '" ~ masks ~ "', wanted a mapping from names to what each asks for, "
            ~ "such as {all: {}, high: {impact: [HIGH]}}"
        ) -}}
    {%- endif -%}
    {%- for name, mask in masks.items() -%}
        {%- if mask is not mapping
            or mask | reject('in', ['consequence', 'impact', 'min_score']) | list -%}
            {{- exceptions.raise_compiler_error(
                "the mask " ~ name ~ " is '" ~ mask ~ "', wanted a mapping with some of: "
                ~ "consequence, impact, min_score"
            ) -}}
        {%- endif -%}
        {%- set impacts = ['HIGH', 'MODERATE', 'LOW', 'MODIFIER'] -%}
        {%- if as_list(mask.get('impact') or []) | reject('in', impacts) | list -%}
            {{- exceptions.raise_compiler_error(
                "the mask " ~ name ~ " has the impact '" ~ mask['impact'] ~ "', wanted some of: "
                ~ (impacts | join(', '))
            ) -}}
        {%- endif -%}
        {%- set least = mask.get('min_score') or {} -%}
        {%- if least is not mapping or least.values() | reject('number') | list -%}
            {{- exceptions.raise_compiler_error(
                "the mask " ~ name ~ " has the min_score '" ~ least ~ "', wanted a mapping from "
                ~ "scores to numbers, such as {CADD_PHRED: 20}"
            ) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(masks) -}}
{%- endmacro %}

{# The variant sets of a gene: every mask with every frequency cut-off. #}
{% macro rvat_sets() -%}
    {%- set found = namespace(sets=[]) -%}
    {%- for mask in rvat_masks() -%}
        {%- for max_maf in rvat_cut_offs() -%}
            {%- set found.sets = found.sets + [{'mask': mask, 'max_maf': max_maf}] -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(found.sets) -}}
{%- endmacro %}

{# Weights that are no annotation scores. #}
{% macro rvat_own_weights() -%}
    {{- return(['uniform', 'maf_beta', 'tss_distance', 'tss_distance_exp', 'v2g']) -}}
{%- endmacro %}

{# Names of what weights are products of, and of what masks ask a least value of. #}
{% macro rvat_factors() -%}
    {%- set factors = (var_list('weights') | join('*')).split('*') | map('trim') | list -%}
    {%- set found = namespace(names=factors) -%}
    {%- for mask in rvat_masks().values() -%}
        {%- set found.names = found.names + (mask.get('min_score') or {}) | list -%}
    {%- endfor -%}
    {{- return(found.names | unique(case_sensitive=true) | list) -}}
{%- endmacro %}

{# Of them, the names of annotation scores, such as CADD_RAW. #}
{% macro rvat_score_names() -%}
    {{- return(rvat_factors() | reject('in', rvat_own_weights()) | list) -}}
{%- endmacro %}

{# Whether some mask asks for consequences. #}
{% macro rvat_uses_consequences() -%}
    {%- set found = namespace(any=false) -%}
    {%- for mask in rvat_masks().values() -%}
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
    {%- for factor in (weight | string).split('*') -%}
    {{ rvat_factor(factor | trim) }}{% if not loop.last %} * {% endif %}
    {%- endfor -%}
{%- endmacro %}

{# Consequence terms that masks ask for. #}
{% macro rvat_consequence_terms() -%}
    {%- set found = namespace(terms=[]) -%}
    {%- for mask in rvat_masks().values() -%}
        {%- set found.terms = found.terms + as_list(mask.get('consequence') or []) -%}
    {%- endfor -%}
    {{- return(found.terms) -}}
{%- endmacro %}

{# What a mask asks of a pair; a mask that asks for nothing takes every variant. #}
{% macro rvat_mask(mask) -%}
    {%- set found = namespace(conditions=[]) -%}
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
