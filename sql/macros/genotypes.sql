{# 0, 1 or 2 where a dosage is that near to it, else NULL. #}
{% macro hard_call(dosage) -%}
    {%- set reach = var_number('qc_hard_call_threshold', 0, 0.5) -%}
    case
        {%- for copies in (1, 2, 0) %}
        when {{ dosage }} between {{ copies - reach }}
            and {{ copies + reach }} then {{ copies }}
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
