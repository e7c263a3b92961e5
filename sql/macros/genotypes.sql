{# 0, 1 or 2 where a dosage is that near to it, else NULL. #}
{% macro hard_call(dosage) -%}
    case
        {%- for copies in (1, 2, 0) %}
        when {{ dosage }} between {{ copies - var('qc_hard_call_threshold') }}
            and {{ copies + var('qc_hard_call_threshold') }} then {{ copies }}
        {%- endfor %}
    end
{%- endmacro %}

{# Dosages are multiples of 1/16384; in units of half of that, a halved one is whole too. #}
{% macro dosage_units(dosage) -%}
    cast({{ dosage }} * 32768 as bigint)
{%- endmacro %}

{% macro units_to_dosage(units) -%}
    cast({{ units }} as double) / 32768
{%- endmacro %}
