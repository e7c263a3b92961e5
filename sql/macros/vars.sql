{# A var that may take a few words only; anything else is refused. #}
{% macro var_choice(name, allowed) -%}
    {%- set chosen = var(name) -%}
    {%- if chosen not in allowed -%}
        {{- exceptions.raise_compiler_error(
            name ~ " is '" ~ chosen ~ "', wanted one of: " ~ (allowed | join(', '))
        ) -}}
    {%- endif -%}
    {{- return(chosen) -}}
{%- endmacro %}

{# A var that is one or several of some words; anything else is refused. #}
{% macro var_choices(name, allowed, least=1) -%}
    {%- for chosen in var_list(name, least) -%}
        {%- if chosen not in allowed -%}
            {{- exceptions.raise_compiler_error(
                name ~ " has '" ~ chosen ~ "', wanted some of: " ~ (allowed | join(', '))
            ) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(var_list(name, least)) -}}
{%- endmacro %}

{# A var that is a number from least to most (both allowed); anything else is refused. #}
{% macro var_number(name, least, most) -%}
    {{- return(checked_number(name, var(name), least, most)) -}}
{%- endmacro %}

{% macro checked_number(name, value, least, most) -%}
    {%- if value is not number or value is boolean or not least <= value <= most -%}
        {{- exceptions.raise_compiler_error(
            name ~ " is '" ~ value ~ "', wanted a number from " ~ least ~ " to " ~ most
        ) -}}
    {%- endif -%}
    {{- return(value) -}}
{%- endmacro %}

{# A whole number, likewise. #}
{% macro var_whole(name, least, most) -%}
    {%- set found = var_number(name, least, most) -%}
    {%- if found is not integer -%}
        {{- exceptions.raise_compiler_error(
            name ~ " is '" ~ found ~ "', wanted a whole number"
        ) -}}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}

{# A var that is one value or a list of them, as a list in which each is once; null is an empty
   one. Fewer than the least number are refused. #}
{% macro var_list(name, least=1) -%}
    {%- set found = [] if var(name) is none else as_list(var(name)) -%}
    {%- if found is mapping or found | length < least
        or found | reject('string') | reject('number') | list -%}
        {{- exceptions.raise_compiler_error(
            name ~ " is '" ~ var(name) ~ "', wanted a value or a list of values"
        ) -}}
    {%- endif -%}
    {{- return(found | unique(case_sensitive=true) | list) -}}
{%- endmacro %}

{# One value or a list of them, as a list. #}
{% macro as_list(value) -%}
    {%- if value is string or value is number -%}
        {{- return([value]) -}}
    {%- endif -%}
    {{- return(value) -}}
{%- endmacro %}

{# Text values as a list of SQL literals; one that no row equals when there are none. #}
{% macro quoted_list(values) -%}
    {%- for value in values -%}
        '{{ value | string | replace("'", "''") }}'{{ ", " if not loop.last }}
    {%- else -%}
        null
    {%- endfor -%}
{%- endmacro %}

{# Names that are asked for, a row each; one NULL when there are none. #}
{% macro asked_for(names, column) -%}
    select unnest(cast([{{ quoted_list(names) }}] as varchar[])) as {{ column }}
{%- endmacro %}

{# Of several names the one that is most like a given one, for an error to suggest: the rest of an
   abbreviation costs nothing, so that CADD is most like CADD_PHRED. #}
{% macro most_similar(given, known) -%}
    min_by({{ known }}, {
        'is_other': not starts_with(lower({{ known }}), lower({{ given }})),
        'edits': levenshtein(lower({{ known }}), lower({{ given }})),
        'name': {{ known }}
    })
{%- endmacro %}
