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
{% macro var_choices(name, allowed) -%}
    {%- for chosen in as_list(var(name)) -%}
        {%- if chosen not in allowed -%}
            {{- exceptions.raise_compiler_error(
                name ~ " has '" ~ chosen ~ "', wanted some of: " ~ (allowed | join(', '))
            ) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(as_list(var(name))) -}}
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

{# A var that is one value or a list of them, as a list. #}
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

{# Of several names the one that is most like a given one, for an error to suggest. #}
{% macro most_similar(given, known) -%}
    min_by({{ known }}, {'edits': levenshtein(lower({{ known }}), lower({{ given }})), 'name': {{ known }}})
{%- endmacro %}
