{# A var that may take a few words only; anything else is refused. #}
{% macro annotation_choice(name, allowed) -%}
    {%- set chosen = var(name) -%}
    {%- if chosen not in allowed -%}
        {{- exceptions.raise_compiler_error(
            name ~ " is '" ~ chosen ~ "', wanted one of: " ~ (allowed | join(', '))
        ) -}}
    {%- endif -%}
    {{- return(chosen) -}}
{%- endmacro %}
