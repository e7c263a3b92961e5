{# One option of the V2G score: the var v2g_<name> if set, else the profile's, else the default. #}
{% macro v2g_option(name) -%}
    {%- set profiles = var('v2g_profiles') -%}
    {%- set profile_name = var('v2g_profile') -%}
    {%- if profile_name not in profiles -%}
        {{- exceptions.raise_compiler_error(
            "v2g_profile '" ~ profile_name ~ "' is not one of: " ~ (profiles | join(', '))
        ) -}}
    {%- endif -%}
    {%- set chosen = var('v2g_' ~ name, none) -%}
    {%- if chosen is not none -%}
        {{- return(chosen) -}}
    {%- endif -%}
    {{- return(profiles[profile_name].get(name, var('v2g_defaults')[name])) -}}
{%- endmacro %}

{# The option as one of the words that it may take; anything else is refused. #}
{% macro v2g_choice(name, allowed) -%}
    {%- set chosen = v2g_option(name) -%}
    {%- if chosen not in allowed -%}
        {{- exceptions.raise_compiler_error(
            "v2g_" ~ name ~ " is '" ~ chosen ~ "', wanted one of: " ~ (allowed | join(', '))
        ) -}}
    {%- endif -%}
    {{- return(chosen) -}}
{%- endmacro %}

{# Scores and weights become integers before they are summed, so that equal sums are equal in
   the last bit whatever the order of the rows: 1e-13 a score unit, 1e-4 a weight unit. #}
{% macro score_units(score) -%}
    cast(round({{ score }} * 10000000000000) as bigint)
{%- endmacro %}

{% macro units_to_score(units) -%}
    cast({{ units }} as double) / 10000000000000
{%- endmacro %}

{% macro weight_units(weight) -%}
    cast(round({{ weight }} * 10000) as bigint)
{%- endmacro %}

{# A winning score and the group it came from in one integer, so that max() picks both; ties go
   to the lowest group_idx. Holds scores to 1.0 and 65,536 groups in 61 bits. #}
{% macro pack_score(units, group_idx) -%}
    ({{ units }}) * 65536 + (65535 - {{ group_idx }})
{%- endmacro %}

{% macro packed_units(packed) -%}
    ({{ packed }} // 65536)
{%- endmacro %}

{% macro packed_group_idx(packed) -%}
    cast(65535 - {{ packed }} % 65536 as integer)
{%- endmacro %}

{# Columns of int_v2g__pairs that say which sources scored what; int_v2g__score_patterns spells each
   combination out. Where scores are steps of a scale (tenths, or the scores of a VEP map), five
   sources share an integer, eleven bits each, of which a score sets the lowest 1 + step: bit_or()
   of several scores is the highest one. #}
{% macro source_keys() -%}
    {%- if not is_decile_method() -%}
        {{- return(['packed']) -}}
    {%- endif -%}
    {%- set lanes = namespace(keys=[]) -%}
    {%- for lane in range(var('v2g_source_lanes')) -%}
        {%- set lanes.keys = lanes.keys + ['steps_' ~ lane] -%}
    {%- endfor -%}
    {{- return(lanes.keys) -}}
{%- endmacro %}

{% macro sources_per_lane() -%}
    5
{%- endmacro %}

{% macro source_lane(source_idx) -%}
    {{ source_idx }} // {{ sources_per_lane() }}
{%- endmacro %}

{% macro source_place(source_idx) -%}
    cast(power(2048, {{ source_idx }} % {{ sources_per_lane() }}) as bigint)
{%- endmacro %}

{# The lowest 1 + step bits. #}
{% macro step_bits(step) -%}
    cast(power(2, {{ step }} + 1) - 1 as integer)
{%- endmacro %}

{# The bits of one source, of a row of `table` that has the columns source_keys. #}
{% macro source_bits(table, source_idx) -%}
    case {{ source_lane(source_idx) }}
        {%- for key in source_keys() %}
        when {{ loop.index0 }} then ({{ table }}.{{ key }} // {{ source_place(source_idx) }} % 2048)
        {%- endfor %}
    end
{%- endmacro %}

{# The step that so many bits stand for; NULL without any. #}
{% macro step_of_bits(bits) -%}
    case {{ bits }}
        {%- for step in range(11) %}
        when {{ 2 ** (step + 1) - 1 }} then {{ step }}
        {%- endfor %}
    end
{%- endmacro %}

{# Otherwise source and score share an integer of a list, 44 bits for the score. #}
{% macro pack_source(source_idx, units) -%}
    {{ source_idx }} * 17592186044416 + {{ units }}
{%- endmacro %}

{% macro packed_source_idx(packed) -%}
    ({{ packed }} // 17592186044416)
{%- endmacro %}

{% macro packed_source_units(packed) -%}
    ({{ packed }} % 17592186044416)
{%- endmacro %}

{# -log10 of a p-value where 0 is the smallest double. (greatest() would take NULL for 0.) #}
{% macro minus_log10(p_value) -%}
    -log10(case when {{ p_value }} < 5e-324 then 5e-324 else {{ p_value }} end)
{%- endmacro %}

{# QTL strength: -log10 p where p = 0 is the smallest double, or 1 - p (SPEC: option qtl). #}
{% macro qtl_score(p_value, neglog10_p) -%}
    {%- if v2g_choice('qtl', ['neglog10p', 'one_minus_p']) == 'one_minus_p' -%}
    1 - coalesce({{ p_value }}, power(10, -{{ neglog10_p }}))
    {%- else -%}
    coalesce({{ neglog10_p }}, {{ minus_log10(p_value) }})
    {%- endif -%}
{%- endmacro %}

{# Interval strength, higher is better whatever the source's own direction. #}
{% macro interval_score(source_id, score) -%}
    case
        {%- if v2g_choice('fantom', ['as_is', 'neglog10_fdr']) == 'neglog10_fdr' %}
        when {{ source_id }} = 'andersson2014' then {{ minus_log10(score) }}
        {%- endif %}
        {%- for source in var_list('v2g_lower_is_better', least=0) %}
        when {{ source_id }} = '{{ source | replace("'", "''") }}' then -{{ score }}
        {%- endfor %}
        when true then {{ score }}
    end
{%- endmacro %}

{# A QTL source is its own name, or its type where production merged the studies of a type. #}
{% macro qtl_source_id(source_id, type_id) -%}
    {%- if v2g_choice('source_alias', [true, false]) -%}
    {{ type_id }}
    {%- else -%}
    {{ source_id }}
    {%- endif -%}
{%- endmacro %}

{# 1 / distance in bp; a variant on the TSS scores as one base beside it. #}
{% macro distance_score(distance_bp) -%}
    1.0 / greatest({{ distance_bp }}, 1)
{%- endmacro %}

{# Name of the profile with every option that a var changed, as one literal. #}
{% macro v2g_profile_id() -%}
    {%- set named = namespace(text=var('v2g_profile')) -%}
    {%- for name in var('v2g_defaults') -%}
        {%- if var('v2g_' ~ name, none) is not none -%}
            {%- set named.text = named.text ~ ';' ~ name ~ '=' ~ var('v2g_' ~ name) -%}
        {%- endif -%}
    {%- endfor -%}
    '{{ named.text | replace("'", "''") }}'
{%- endmacro %}

{# What a frozen reference has to agree in with a build: the quantile method, and each option that
   makes raw scores otherwise than by default. #}
{% macro v2g_reference_method() -%}
    {%- set named = namespace(text=v2g_quantile_method()) -%}
    {%- for name in ['qtl', 'fantom'] + (['vep_map'] if v2g_option('vep') == 'quantile' else []) -%}
        {%- if v2g_option(name) != var('v2g_defaults')[name] -%}
            {%- set named.text = named.text ~ ';' ~ name ~ '=' ~ v2g_option(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set falling = var_list('v2g_lower_is_better', least=0) -%}
    {%- if falling -%}
        {%- set named.text = named.text ~ ';lower_is_better=' ~ (falling | sort | join(',')) -%}
    {%- endif -%}
    '{{ named.text | replace("'", "''") }}'
{%- endmacro %}
