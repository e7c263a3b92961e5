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

{# The masks by name, each a mapping of what it asks for. #}
{% macro rvat_masks() -%}
    {%- set masks = var('masks') -%}
    {%- set example = "such as {all: {}, high: {impact: [HIGH]}}" -%}
    {%- if masks is not mapping -%}
        {{- exceptions.raise_compiler_error(
            "masks is '" ~ masks ~ "', wanted a mapping from names to what each asks for, "
            ~ example
        ) -}}
    {%- endif -%}
    {%- for name, mask in masks.items() -%}
        {%- if mask is not mapping -%}
            {{- exceptions.raise_compiler_error(
                "the mask " ~ name ~ " is '" ~ mask ~ "', wanted a mapping, " ~ example
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
    {%- else -%}
        {{- exceptions.raise_compiler_error(
            "masks is empty, wanted at least one, such as {all: {}}"
        ) -}}
    {%- endfor -%}
    {{- return(found.sets) -}}
{%- endmacro %}

{# Weights that are no annotation scores. #}
{% macro rvat_own_weights() -%}
    {{- return(['uniform', 'maf_beta', 'tss_distance', 'tss_distance_exp', 'v2g']) -}}
{%- endmacro %}

{# Names of annotation scores among the factors of the weights, such as CADD_RAW. #}
{% macro rvat_score_names() -%}
    {%- set known = rvat_own_weights() -%}
    {%- set found = namespace(names=[]) -%}
    {%- for weight in as_list(var('weights')) -%}
        {%- for factor in weight.split('*') -%}
            {%- if factor | trim not in known and factor | trim not in found.names -%}
                {%- set found.names = found.names + [factor | trim] -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for mask in rvat_masks().values() -%}
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
    {%- for factor in weight.split('*') -%}
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

{# The impacts that a mask asks for: words of Ensembl's. #}
{% macro rvat_impacts(mask) -%}
    {%- set known = ['HIGH', 'MODERATE', 'LOW', 'MODIFIER'] -%}
    {%- for impact in as_list(mask['impact']) -%}
        {%- if impact not in known -%}
            {{- exceptions.raise_compiler_error(
                "a mask has the impact '" ~ impact ~ "', wanted some of: " ~ (known | join(', '))
            ) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(as_list(mask['impact'])) -}}
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
            'coalesce(consequences.impact in (' ~ quoted_list(rvat_impacts(mask)) ~ '), false)'
        ] -%}
    {%- endif -%}
    {%- for name, least in (mask.get('min_score') or {}).items() -%}
        {%- if least is not number -%}
            {{- exceptions.raise_compiler_error(
                "a mask has min_score " ~ name ~ " '" ~ least ~ "', wanted a number"
            ) -}}
        {%- endif -%}
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
