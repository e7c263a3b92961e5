{# Text values as a list of SQL literals; one that no row equals when there are none. #}
{% macro quoted_list(values) -%}
    {%- for value in values -%}
        '{{ value | string | replace("'", "''") }}'{{ ", " if not loop.last }}
    {%- else -%}
        null
    {%- endfor -%}
{%- endmacro %}

{# Whether a dosage is a hard call of so many copies; a dosage further away is no hard call. #}
{% macro is_hard_call(dosage, copies) -%}
    {{ dosage }} between {{ copies - var('qc_hard_call_threshold') }}
    and {{ copies + var('qc_hard_call_threshold') }}
{%- endmacro %}

{# Dosages are multiples of 1/16384; in units of half of that, a halved one is whole too. #}
{% macro dosage_units(dosage) -%}
    cast({{ dosage }} * 32768 as bigint)
{%- endmacro %}

{% macro units_to_dosage(units) -%}
    cast({{ units }} as double) / 32768
{%- endmacro %}
